"""MLCC101: a section or a key of mlcc.yaml that neither the deployment config nor the target reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.nodes import Node
from mlcc.core.paths import Item, Path, dotted_path, format_path
from mlcc.resolve.result import Rows

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
    used = {*COMMON, *_read(rows)}
    # what stands at the top is every environment's: one that reads it is enough
    elsewhere = {section for other in subject.every for section in _read(other.rows)}
    for above, sections in _places(subject):
        for key, node in sections.value.items():
            if key in used or key.startswith("x-") or not node.value or (not above and key in elsewhere):
                continue
            mark = sections.keys[key]
            message = f"{rows.config.name} on {rows.target.name} does not read {key}"
            hint = "remove it, or choose a config or target that reads it"
            path = format_path((*above, key))
            yield Finding(CODE, Severity.WARNING, message, path, mark.file, mark.line, mark.column, hint)
    yield from _keys(subject, rows.architecture.ignores, rows.config.name)
    if rows.engine is None:
        yield from _keys(subject, rows.architecture.engine_only, rows.config.name)
    yield from _keys(subject, rows.target.ignores, rows.target.name)
    if rows.engine is None and "inference_components" in used:
        yield from _engines(subject, rows.config.name)


def _read(rows: Rows) -> Iterator[str]:
    """Sections that a config and a target read beyond the common ones."""
    for row in (rows.architecture, rows.target):
        yield from row.uses if row is not None else ()
    if rows.engine is not None:
        yield "engine"


def _keys(subject: Subject, ignored: Iterable[str], who: str) -> Iterator[Finding]:
    """Keys of sections that are read otherwise.  who: does not read them."""
    for key in ignored:
        value = subject.resolved.value(key)
        if value is not None and value.source.by_hand:
            path = dotted_path(key)
            yield subject.finding(CODE, path, f"{who} does not read {key}", "remove it", Severity.WARNING)


def _engines(subject: Subject, config: str) -> Iterator[Finding]:
    """Options that components give to an engine, of a config that has none."""
    for name in subject.resolved.names("inference_components"):
        place: Path = ("inference_components", Item(name), "engine")
        given = next((path for path in subject.resolved.values if path[:3] == place), None)
        if given is not None:
            message, hint = f"{config} has no engine, and does not read {format_path(place)}", "remove it"
            yield subject.finding(CODE, given, message, hint, Severity.WARNING)


def _places(subject: Subject) -> Iterator[tuple[Path, Node]]:
    """The mappings with sections of this environment, each with its path; other overlays are other environments."""
    yield (), subject.root
    env = subject.resolved.env
    overlay = subject.root.get("environments", env) if env else None
    if env and overlay is not None and overlay.is_map:
        yield ("environments", env), overlay
