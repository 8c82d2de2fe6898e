"""MLCC364: nodes that a manifest asks for and that no cluster has, or two ways to say which."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mlcc.checks.manifests import Problem, on_manifests, spec_of
from mlcc.core.text import quoted
from mlcc.resolve.hyperpod.manifests import Document

CODE = "MLCC364"
WAYS = ("instanceType", "instanceTypes", "nodeAffinity")
_TYPE = re.compile(r"ml\.[a-z0-9-]+\.[a-z0-9-]+\Z")


def problems(schema: str, document: Document) -> Iterator[Problem]:
    """The operator takes one of three fields; the server looks at one of them, and not to its end."""
    spec = spec_of(document)
    used = [way for way in WAYS if spec.get(way)]
    if len(used) > 1:
        hint = f"keep one; `{used[0]}: null` in hyperpod.overrides takes one away"
        yield Problem(("spec", used[-1]), f"{' and '.join(used)} exclude one another", hint)
    listed = spec.get("instanceTypes")
    named: list[tuple[tuple[str | int, ...], Any]] = [(("spec", "instanceType"), spec.get("instanceType"))]
    named += [(("spec", "instanceTypes", n), v) for n, v in enumerate(listed if isinstance(listed, list) else ())]
    for path, value in named:
        if isinstance(value, str) and not _TYPE.match(value):
            yield Problem(path, f"{quoted(value)} is no instance type of HyperPod", "for example ml.g5.8xlarge")


check = on_manifests(CODE, problems)
