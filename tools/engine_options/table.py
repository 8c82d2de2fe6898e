"""The table of one engine over its versions, and its YAML."""

from __future__ import annotations

import itertools
import json
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .arguments import Argument, Found

TYPES = {"int": "integer", "float": "number", "str": "text", "json": "json", "bool": "boolean"}
WIDTH = 120
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./+-]*\Z")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
Row = dict[str, Any]


def row(argument: Argument) -> Row:
    """What a registry row says of one argument."""
    action, nargs = argument.get("action"), argument.get("nargs")
    if action in ("store_true", "store_false", "store_const", "count"):
        return {"type": "flag"}
    if action == "BooleanOptionalAction":
        return {"type": "switch"}
    kind = TYPES.get(str(argument.get("type")), "text")
    found: Row = {"type": kind}
    if nargs in ("+", "*") or isinstance(nargs, int):
        found = {"type": "list", **({"items": kind} if kind != "text" else {})}
    elif nargs == "?":
        found["optional"] = True
    if action in ("append", "extend"):
        found["repeat"] = True
    if argument.get("choices") or argument.get("words"):
        found["choices"] = argument.get("choices") or argument["words"]
        found |= {} if argument.get("choices") else {"open": True}
    if argument.get("note"):
        found["note"] = argument["note"]
    return found


def spelled(found: Iterable[Found]) -> dict[str, tuple[str, Row]]:
    """Spelling without dashes: (main spelling, row); those of one dash are others, which `--` does not reach."""
    table: dict[str, tuple[str, Row]] = {}
    for one in found:
        names = [s[2:] for s in one.spellings if s.startswith("--")]
        for name in names:
            table[name] = (names[0], row(one.argument))
    return table


def span(name: str, having: Sequence[str], versions: Sequence[str]) -> Row:
    """`from` and `until` where not every version that was read has it."""
    found: Row = {}
    if having[0] != versions[0]:
        found["from"] = having[0]
    if having[-1] != versions[-1]:
        found["until"] = having[-1]
    inside = versions[versions.index(having[0]) : versions.index(having[-1]) + 1]
    if gaps := [v for v in inside if v not in having]:
        found["note"] = f"not in {', '.join(gaps)}"
    return found


def rows(read: Mapping[str, Mapping[str, tuple[str, Row]]]) -> dict[str, Row]:
    """All versions in one table, sorted; versions are given oldest first."""
    versions = list(read)
    names = {n for table in read.values() for n in table}
    having = {n: [v for v in versions if n in read[v]] for n in names}
    main = {n: read[having[n][-1]][n][0] for n in names}
    found: dict[str, Row] = {}
    for name in sorted(names):
        if main[name] != name and having[main[name]] == having[name]:
            continue  # an alias for as long as the main spelling is there
        history = [(v, read[v][name][1]) for v in having[name]]
        newest = dict(history[-1][1])
        kinds = [(v, " of ".join([r["type"], *([r["items"]] if "items" in r else [])])) for v, r in history]
        notes = [newest.pop("note")] if "note" in newest else []
        notes += [f"{k} up to {v}" for (v, k), (_, after) in itertools.pairwise(kinds) if k != after]
        newest.pop("open", None)
        if "choices" in newest:
            newest |= choices([(v, r.get("choices")) for v, r in history])
            newest |= opened([(v, bool(r.get("open") or "choices" not in r)) for v, r in history])
        bounds = span(name, having[name], versions)
        notes += [bounds.pop("note")] if "note" in bounds else []
        aliases = sorted(n for n in names if n != name and main[n] == name and having[n] == having[name])
        newest |= {"aliases": aliases} if aliases else {}
        newest |= {"same_as": main[name]} if main[name] != name else {}
        newest |= bounds
        found[name] = newest | ({"note": "; ".join(notes)} if notes else {})
    return found


def choices(history: Sequence[tuple[str, Sequence[Any] | None]]) -> Row:
    """The values of all versions, and since when and until when those are there that are not always there."""
    lists = [(v, c) for v, c in history if c]
    values = sorted({c for _, one in lists for c in one if c is not None}, key=lambda c: (isinstance(c, str), c))
    found: Row = {"choices": values}
    for value in values:
        having = [v for v, one in lists if value in one]
        if having[0] != lists[0][0]:
            found.setdefault("choices_from", {})[value] = having[0]
        if having[-1] != lists[-1][0]:
            found.setdefault("choices_until", {})[value] = having[-1]
    return found


def opened(history: Sequence[tuple[str, bool]]) -> Row:
    """Since when other words are taken too, or until when they were."""
    free = [v for v, free in history if free]
    if not free:
        return {}
    if not history[-1][1]:
        return {"open_until": free[-1]}
    closed = [n for n, (_, free) in enumerate(history) if not free]
    return {"open_from": history[closed[-1] + 1 if closed else 0][0]}


# ---------------------------------------------------------------- YAML
def scalar(value: Any) -> str:
    """One value, quoted where YAML would read something else."""
    if isinstance(value, str):
        fine = _PLAIN.match(value) and value.lower() not in _WORDS
        return value if fine else json.dumps(value)
    return json.dumps(value)


def flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(flow(v) for v in value) + "]"
    return scalar(value)


def entry(name: str, value: Mapping[str, Any]) -> list[str]:
    """One row: on one line where it fits, else one line for each key, long lists and maps folded."""
    short = f"  {scalar(name)}: {flow(value)}"
    if len(short) <= WIDTH:
        return [short]
    lines = [f"  {scalar(name)}:"]
    for key, one in value.items():
        line = f"    {key}: {flow(one)}"
        if len(line) <= WIDTH or not isinstance(one, (list, tuple, Mapping)):
            lines.append(line)
            continue
        opening, closing = ("{", "}") if isinstance(one, Mapping) else ("[", "]")
        lines.append(f"    {key}: {opening}")
        body = flow(one)[1:-1].replace(": ", ":\0")  # a key and its value stay on one line
        folded = textwrap.wrap(body, WIDTH - 6, break_on_hyphens=False, break_long_words=False)
        lines += [" " * 6 + line.replace("\0", " ") for line in folded]
        lines.append(f"    {closing}")
    return lines


def document(head: Mapping[str, str], **parts: Mapping[str, Row]) -> str:
    """The registry file: its head, then versions, rows and variables."""
    lines = ["version: 1", "kind: options"]
    for key, value in head.items():
        lines.append(f"{key}: {scalar(value) if key in ('name', 'inherits') else json.dumps(value)}")
    for key, part in parts.items():
        if part:
            lines += [f"{key}:", *(line for name, value in part.items() for line in entry(name, value))]
    return "\n".join(lines) + "\n"
