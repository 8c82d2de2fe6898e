"""mlcc.lock: what was resolved and what was written.  Law: no lines, times or machine paths; hostile when read.

The lock is committed, so a pull request shows what a change of intent resolved to; it comes from a checkout, so it is
read under mlcc.yaml's limits and believed only where the files on disk agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mlcc import schema, yamlio, yamltext
from mlcc._version import VERSION
from mlcc.diagnostics import error, has_errors
from mlcc.errors import UserError
from mlcc.resolve import Resolved
from mlcc.tree import LOCK_NAME, Record
from mlcc.values import EMPTY, Path, Value, format_path, parse_path

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

    def environment(self, name: str | None) -> dict[Path, Any]:
        """Plain values of one environment (None: the default)."""
        found = {p: v.value for p, v in self.values.items()}
        for path, locked in (self.environments.get(name, {}) if name else {}).items():
            if locked is None:
                found.pop(path, None)
            else:
                found[path] = locked.value
        return found


def dump(
    default: Resolved,
    environments: Mapping[str, Resolved],
    registries: Mapping[str, str],
    files: Mapping[str, Record],
) -> bytes:
    """The lock's bytes; the same input gives the same bytes everywhere."""
    lines = [
        HEADER.rstrip("\n"),
        "version: 1",
        f"mlcc: {yamltext.scalar(VERSION)}",
        "registries:" if registries else "registries: {}",
    ]
    lines += [f"  {yamltext.scalar(name)}: {yamltext.scalar(value)}" for name, value in registries.items()]
    lines += ["values:" if default.values else "values: {}", *_values(default.values, "  ")]
    if environments:
        lines.append("environments:")
        for name, resolved in sorted(environments.items()):
            lines += [f"  {yamltext.scalar(name)}:", *_changes(default, resolved)]
    lines.append("files:" if files else "files: {}")
    for path, record in files.items():
        entry = {"owner": record.owner, "mode": f"{record.mode:04o}", "digest": record.digest}
        if record.edited:
            entry["edited"] = record.edited
        lines.append(f"  {yamltext.scalar(path)}: {yamltext.flow(entry)}")
    return ("\n".join(lines) + "\n").encode("utf-8")


def _values(values: Mapping[Path, Value], pad: str) -> list[str]:
    return [
        f"{pad}{yamltext.scalar(format_path(path))}: "
        + yamltext.flow({"value": _plain(v.value), "source": v.source.label})
        for path, v in values.items()
    ]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _changes(default: Resolved, chosen: Resolved) -> list[str]:
    changed = {p: v for p, v in chosen.values.items() if _differs(default.values.get(p), v)}
    absent = [format_path(p) for p in default.values if p not in chosen.values]
    lines = ["    values:" if changed else "    values: {}", *_values(changed, "      ")]
    if absent:
        lines.append(f"    absent: {yamltext.flow(absent)}")
    return lines


def _differs(before: Value | None, after: Value) -> bool:
    return before is None or (before.value, before.source) != (after.value, after.source)


# ---------------------------------------------------------------- reading
def load(data: bytes, file: str = LOCK_NAME) -> Lock:
    """Reads a lock.  Raises UserError when it is not one (a truncated, foreign or newer file)."""
    loaded = yamlio.load(data, file)
    findings = list(loaded.findings)
    if loaded.root is not None and not has_errors(findings):
        findings += schema.validate(loaded.root, "lock")
    if loaded.root is None or has_errors(findings):
        hint = f"bring {LOCK_NAME} back from Git, or delete it: files that equal what is rendered are adopted"
        raise UserError([error("MLCC205", f"{file} cannot be read as a lock", file=file, hint=hint), *findings])
    return _lock(loaded.root.plain())


def _lock(plain: Mapping[str, Any]) -> Lock:
    environments = {
        name: {**_locked(entry.get("values", {})), **dict.fromkeys(_paths(entry.get("absent", [])))}
        for name, entry in plain.get("environments", {}).items()
    }
    files = {
        path: Record(e["owner"], int(e["mode"], 8), e["digest"], e.get("edited", ""))
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
