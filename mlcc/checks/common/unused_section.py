"""MLCC101: a section of mlcc.yaml that neither the deployment config nor the target reads."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.nodes import Node
from mlcc.core.paths import Path, format_path

CODE = "MLCC101"
# Sections that every project reads.
COMMON = {
    "version", "extends", "project", "deployment", "env", "env_unset", "secrets", "build", "test", "ci", "seed_files",
    "tags", "ttl", "policies", "registries", "environments",
}  # fmt: skip


def check(subject: Subject) -> Iterator[Finding]:
    """Names each section that would be ignored, at the top and in the overlay of the chosen environment."""
    rows = subject.rows
    if rows.architecture is None or rows.target is None or rows.config is None:
        return
    used = {*COMMON, *rows.architecture.uses, *rows.target.uses, *(["engine"] if rows.engine is not None else [])}
    for above, sections in _places(subject):
        for key, node in sections.value.items():
            if key in used or key.startswith("x-") or not node.value:
                continue
            mark = sections.keys[key]
            message = f"{rows.config.name} on {rows.target.name} does not read {key}"
            hint = "remove it, or choose a config or target that reads it"
            path = format_path((*above, key))
            yield Finding(CODE, Severity.WARNING, message, path, mark.file, mark.line, mark.column, hint)


def _places(subject: Subject) -> Iterator[tuple[Path, Node]]:
    """The mappings with sections of this environment, each with its path; other overlays are other environments."""
    yield (), subject.root
    env = subject.resolved.env
    overlay = subject.root.get("environments", env) if env else None
    if env and overlay is not None and overlay.is_map:
        yield ("environments", env), overlay
