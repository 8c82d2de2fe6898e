"""MLCC361: a variable that stands twice in a manifest."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.manifests import Problem, on_manifests, section
from mlcc.core.text import quoted
from mlcc.resolve.hyperpod.manifests import Document

CODE = "MLCC361"
LISTS = (("spec", "worker", "environmentVariables"),)


def problems(schema: str, document: Document) -> Iterator[Problem]:
    """The API server keeps the list by name, and refuses a name twice."""
    for path in LISTS:
        listed = section(document, *path[:-1]).get(path[-1])
        seen: set[str] = set()
        for number, variable in enumerate(listed if isinstance(listed, list) else ()):
            name = str(variable.get("name")) if isinstance(variable, dict) else ""
            if name and name in seen:
                yield Problem((*path, number), f"{quoted(name)} stands twice", "keep one of them")
            seen.add(name)


check = on_manifests(CODE, problems)
