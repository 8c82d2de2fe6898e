"""MLCC169: a variable that the server does not read, or not in this form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlcc.checks.containers import places
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, allowed, nearest, quoted

CODE = "MLCC169"
WORDS = ("1", "true", "yes", "on", "0", "false", "no", "off")


def check(subject: Subject) -> Iterator[Finding]:
    """The server's start script refuses a misspelt one, and so ends before it serves."""
    architecture, seen = subject.rows.architecture, set()
    known = architecture.variables if architecture is not None else {}
    prefix = _common(known)
    for place in places(subject) if known else ():
        for name, found in place.env.items():
            if not name.startswith(prefix) or found.path in seen:
                continue
            seen.add(found.path)
            if name not in known:
                near = nearest(name, known)
                hint = f"did you mean {near}?" if near else f"known: {allowed(known, len(known))}"
                yield subject.finding(CODE, found.path, f"the server reads no {quoted(name, 60)}", hint)
            elif not _fits(known[name], str(found.value)):
                message = f"{name}: {quoted(str(found.value), 60)} is not {_WORDS[known[name]]}"
                yield subject.finding(CODE, found.path, message, "mend the value, or remove it")


def _common(names: Iterable[str]) -> str:
    """What all names begin with."""
    ordered = sorted(names) or [""]
    pairs = enumerate(zip(ordered[0], ordered[-1], strict=False))
    return ordered[0][: next((n for n, (one, other) in pairs if one != other), len(ordered[0]))]


_WORDS = {"integer": "a whole number", "boolean": "true or false"}


def _fits(kind: str, text: str) -> bool:
    if kind == "integer":
        return text.strip().isascii() and text.strip().isdecimal()
    return kind != "boolean" or text.strip().lower() in WORDS
