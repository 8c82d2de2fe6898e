"""Manifests as several rules need them.  Law: pure; no rule of its own.

A rule on manifests is a function from one document to problems.  It is asked twice: of what mlcc.yaml renders, and by
do/deploy of what stands in the file, which somebody may have edited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlcc.checks.subject import Check, Subject
from mlcc.core.findings import Finding
from mlcc.core.paths import Path, format_path
from mlcc.core.records import NamedTuple
from mlcc.resolve.hyperpod import manifests
from mlcc.resolve.hyperpod.manifests import Document

OVERRIDES: Path = ("hyperpod", "overrides")


class Problem(NamedTuple):
    """What is wrong in a manifest: the path of the field, what is wrong with it, and what to do."""

    path: tuple[str | int, ...]
    message: str
    hint: str = ""

    @property
    def words(self) -> str:
        """Path and message."""
        return f"{format_path(self.path)}: {self.message}"


# A manifest's schema and the manifest, to what is wrong with it.
Rule = Callable[[str, Document], Iterator[Problem]]


def on_manifests(code: str, rule: Rule) -> Check:
    """A rule as a check of what mlcc.yaml renders; a problem stands at the override that made the field."""

    def check(subject: Subject) -> Iterator[Finding]:
        if subject.resolved.value("project.name") is None:
            return  # reported as missing; objects without a name are none
        for path, document in manifests.documents(subject.resolved).items():
            for problem in rule(manifests.schema_of(path), document):
                where = _override(subject, problem.path)
                yield subject.finding(code, where, f"{path} {problem.words}", problem.hint)

    check.__doc__, check.__module__ = rule.__doc__, rule.__module__
    return check


def _override(subject: Subject, path: tuple[str | int, ...]) -> Path:
    """The override at a field, or at what it stands in; the section where no override has to do with it."""
    own: Path = (*OVERRIDES, *path[1:])
    for size in range(len(own), len(OVERRIDES), -1):
        found = next((p for p in subject.resolved.values if p[:size] == own[:size]), None)
        if found is not None:
            return found
    return ("hyperpod",)


def spec_of(document: Document) -> Mapping[str, Any]:
    """The spec of a manifest; an empty one where there is none."""
    return section(document, "spec")


def section(value: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """A mapping at a path; an empty one where something else stands there."""
    found: Any = value
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}
