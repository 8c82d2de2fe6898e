"""mlcc.lock: what was resolved and what was written.  Law: no lines, times or machine paths; hostile when read.

The lock is committed, so a pull request shows what a change of intent resolved to; it comes from a checkout, so it is
read under mlcc.yaml's limits and believed only where the files on disk agree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mlcc.core.conflict_marks import conflicts
from mlcc.core.errors import UserError
from mlcc.core.findings import Finding, Severity, error, has_errors
from mlcc.core.nodes import Mark, Node, node_of
from mlcc.core.paths import EMPTY, Path, format_path, nested, parse_path
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.core.tree import LOCK_NAME, Record
from mlcc.core.values import Value
from mlcc.core.version import VERSION
from mlcc.io.schema import keys, validator
from mlcc.io.yaml import reader, writer
from mlcc.load import lock_choices
from mlcc.registries.redaction import redact_text
from mlcc.resolve.result import Resolved

FORMAT = 1
UNKNOWN_KEY = "MLCC020"
HEADER = "# Written by mlcc apply; commit it. What mlcc.yaml resolved to, and the files that were rendered.\n"


class Locked(NamedTuple):
    """A leaf as recorded."""

    value: Any
    source: str


class Lock(NamedTuple):
    """A read lock.

    values: leaves of the default environment; environments: what each overlay changes, with None for a leaf that it
    takes away; files: the table of files.
    """

    version: str = ""
    registries: Mapping[str, str] = EMPTY
    values: Mapping[Path, Locked] = EMPTY
    environments: Mapping[str, Mapping[Path, Locked | None]] = EMPTY
    files: Mapping[str, Record] = EMPTY

    def leaves(self, name: str | None) -> dict[Path, Locked]:
        """The leaves of one environment (None: the default)."""
        own = self.environments.get(name, {}) if name else {}
        return {path: leaf for path, leaf in {**self.values, **own}.items() if leaf is not None}

    def environment(self, name: str | None) -> dict[Path, Any]:
        """Plain values of one environment (None: the default)."""
        return {path: leaf.value for path, leaf in self.leaves(name).items()}


def lock_bytes(
    default: Resolved,
    environments: Mapping[str, Resolved],
    registries: Mapping[str, str],
    files: Mapping[str, Record],
) -> bytes:
    """The lock's bytes; the same input gives the same bytes everywhere."""
    lines = [
        HEADER.rstrip("\n"),
        f"version: {FORMAT}",
        f"mlcc: {writer.scalar(VERSION)}",
        "registries:" if registries else "registries: {}",
    ]
    lines += [f"  {writer.scalar(name)}: {writer.scalar(value)}" for name, value in registries.items()]
    lines += _choices(default, environments)
    lines += ["values:" if default.values else "values: {}", *_values(default.values, "  ")]
    if environments:
        lines.append("environments:")
        for name, resolved in sorted(environments.items()):
            lines += [f"  {writer.scalar(name)}:", *_changes(default, resolved)]
    lines.append("files:" if files else "files: {}")
    for path, record in files.items():
        entry: dict[str, Any] = {"owner": record.owner, "mode": f"{record.mode:04o}", "digest": record.digest}
        if record.edited:
            entry["edited"] = record.edited
        if record.executable is not None:
            entry["executable"] = record.executable
        lines.append(f"  {writer.scalar(path)}: {writer.flow(entry)}")
    return ("\n".join(lines) + "\n").encode("utf-8")


def with_choices(lock: bytes, default: Resolved, environments: Mapping[str, Resolved]) -> bytes:
    """A lock with the choices of another resolution, and all else as it was."""
    lines = "".join(f"{line}\n" for line in _choices(default, environments)).encode()
    section = lock_choices.TEXT.search(lock)
    if section is not None:
        return lock[: section.start()] + lines + lock[section.end() :]
    before, values, after = lock.partition(b"\nvalues:")
    return before + b"\n" + lines + values[1:] + after if values else lock


def _choices(default: Resolved, environments: Mapping[str, Resolved]) -> list[str]:
    """The section of choices: those of the default environment, then those that an overlay makes otherwise."""
    found = dict(default.choices)
    for name, resolved in sorted(environments.items()):
        own: Path = (lock_choices.ENVIRONMENTS, name)
        for path, choice in resolved.choices.items():
            if choice != default.choices.get(path):
                found[own + path] = choice
    entries = {format_path(p): {"value": c.value, "for": c.context} for p, c in found.items()}
    lines = [f"  {writer.scalar(path)}: {writer.flow(entry)}" for path, entry in sorted(entries.items())]
    return [f"{lock_choices.SECTION}:", *lines] if lines else [f"{lock_choices.SECTION}: {{}}"]


def _values(values: Mapping[Path, Value], pad: str) -> list[str]:
    return [
        f"{pad}{writer.scalar(format_path(path))}: " + writer.flow({"value": _plain(v.value), "source": v.source.label})
        for path, v in values.items()
    ]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _changes(default: Resolved, chosen: Resolved) -> list[str]:
    changed = {p: v for p, v in chosen.values.items() if _differs(default.values.get(p), v)}
    absent = [format_path(p) for p in default.values if p not in chosen.values]
    lines = ["    values:" if changed else "    values: {}", *_values(changed, "      ")]
    if absent:
        lines.append(f"    absent: {writer.flow(absent)}")
    return lines


def _differs(before: Value | None, after: Value) -> bool:
    return before is None or (before.value, before.source) != (after.value, after.source)


def lock_differences(before: Lock, old: bytes, new: bytes) -> str:
    """What an apply changes in a lock, in a few words.  before: the lock that `old` holds."""
    if conflicts(old):
        return "settles what a merge of two branches left in it"
    parts = {
        "registries": "registry digests",
        "choices": "choices",
        "values": "values",
        "environments": "environments",
        "files": "files",
    }
    sections = [_sections(data) for data in (old, new)]
    words = [f"mlcc {printable(before.version, 64) or 'unknown'} -> {VERSION}"] if before.version != VERSION else []
    words += [name for key, name in parts.items() if sections[0].get(key) != sections[1].get(key)]
    return ", ".join(words) or "layout"


def _sections(data: bytes) -> dict[str, str]:
    """The text below each key at the top."""
    found = re.split(r"(?m)^(\w+):", data.decode("utf-8", "replace").replace("\r\n", "\n"))
    return dict(zip(found[1::2], found[2::2], strict=True))


# ---------------------------------------------------------------- reading
def read_lock(data: bytes, file: str = LOCK_NAME) -> Lock:
    """Reads a lock.  Raises UserError when it is not one (a truncated file, another tool's, a newer mlcc's)."""
    loaded = reader.load_yaml(data, file)
    findings = list(loaded.findings)
    if loaded.root is not None and not has_errors(findings):
        findings += validator.validate_document(loaded.root, "lock", clean=redact_text)
    if conflicts(data):
        hint = "mlcc apply settles it once mlcc.yaml is merged"
        raise UserError([error("MLCC205", "a merge of two branches left conflict markers in it", file=file, hint=hint)])
    if loaded.root is None or has_errors(findings):
        later = _later(loaded.root) if loaded.root is not None else ""
        if later:
            raise UserError(
                [error("MLCC205", f"{file} {later}", file=file, hint="upgrade mlcc; the lock stays as it is")]
            )
        hint = f"bring {LOCK_NAME} back from Git, or delete it: files that equal what is rendered are adopted"
        if (
            loaded.root is not None
            and loaded.root.is_map
            and {*loaded.root.value} - {*validator.load_schema("lock")["properties"]}
        ):
            hint = f"upgrade mlcc if a newer one wrote it; else {hint}"
        raise UserError([error("MLCC205", f"{file} cannot be read as a lock", file=file, hint=hint), *findings])
    return _lock(loaded.root.plain())


def _later(root: Node) -> str:
    """The sign that a lock which cannot be read is one of a newer mlcc, or ''."""
    version, wrote = root.get("version"), root.get("mlcc")
    if version is not None and validator.newer(version.value, [FORMAT]):
        shown = printable(version.text, 20)
        return f"has format {shown}, and mlcc {VERSION} reads format {FORMAT}: a newer mlcc wrote it"
    if wrote is not None and _release(wrote.value) > _release(VERSION):
        return f"was written by mlcc {printable(wrote.text, 64)}, newer than this {VERSION}, and cannot be read"
    return ""


def outdated_lock(lock: Lock) -> list[Finding]:
    """A warning when a newer mlcc wrote a lock that this one can read: it may have written other files."""
    if _release(lock.version) <= _release(VERSION):
        return []
    message = f"the lock was written by mlcc {printable(lock.version, 64)}, newer than this {VERSION}"
    hint = "upgrade mlcc; else files become what this older mlcc renders"
    return [Finding("MLCC222", Severity.WARNING, message, file=LOCK_NAME, hint=hint)]


def _release(version: Any) -> tuple[int, ...]:
    """The numbers that a version begins with; none for what is no version."""
    found = re.match(r"[0-9]{1,9}(\.[0-9]{1,9}){0,3}", version) if isinstance(version, str) else None
    return tuple(map(int, found[0].split("."))) if found else ()


def _lock(plain: Mapping[str, Any]) -> Lock:
    environments = {
        name: {**_locked(entry.get("values", {})), **dict.fromkeys(_paths(entry.get("absent", [])))}
        for name, entry in plain.get("environments", {}).items()
    }
    files = {
        path: Record(e["owner"], int(e["mode"], 8), e["digest"], e.get("edited", ""), e.get("executable"))
        for path, e in plain.get("files", {}).items()
        if "owner" in e
    }
    return Lock(
        str(plain.get("mlcc", "")), plain.get("registries", {}), _locked(plain.get("values", {})), environments, files
    )


def _locked(values: Mapping[str, Any]) -> dict[Path, Locked]:
    found = {}
    for dotted, entry in values.items():
        path = parse_path(dotted)
        if path is not None:
            value = entry["value"]
            found[path] = Locked(tuple(value) if isinstance(value, list) else value, entry["source"])
    return found


def _paths(dotted: list[str]) -> list[Path]:
    return [p for p in map(parse_path, dotted) if p is not None]


def value_problems(values: Mapping[Path, Any]) -> list[Finding]:
    """What of recorded values mlcc.yaml's schema does not allow: the lock may have been forged.

    A key that this version does not know is none: another one may have written it.
    """
    try:
        root = node_of(nested(values), Mark(LOCK_NAME))
    except (AttributeError, TypeError, ValueError):
        return [error("MLCC205", "a value stands where others are nested", file=LOCK_NAME)]
    found = validator.document_errors(root, keys.MLCC_YAML, partial=True, clean=redact_text)
    return [finding for _, finding in found if finding.code != UNKNOWN_KEY]
