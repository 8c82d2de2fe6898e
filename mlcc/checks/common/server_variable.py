"""MLCC169: a variable that the server does not read, or not in this form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlcc.checks.containers import serving_containers
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.text import allowed, nearest, quoted
from mlcc.core.value_text import FALSE_WORDS, TRUE_WORDS

CODE = "MLCC169"
KINDS = {"integer": "a whole number", "boolean": "true or false"}


def check(subject: Subject) -> Iterator[Finding]:
    """The server's start script refuses a misspelt one, and so ends before it serves."""
    architecture, seen = subject.rows.architecture, set()
    known = architecture.variables if architecture is not None else {}
    prefix = _common_prefix(known)
    for container in serving_containers(subject) if known else ():
        for name, setting in container.env.items():
            if not name.startswith(prefix) or setting.path in seen:
                continue
            seen.add(setting.path)
            if name not in known:
                near = nearest(name, known)
                hint = f"did you mean {near}?" if near else f"known: {allowed(known, len(known))}"
                yield subject.finding(CODE, setting.path, f"the server reads no {quoted(name, 60)}", hint)
            elif not _fits(known[name], str(setting.value)):
                message = f"{name}: {quoted(str(setting.value), 60)} is not {KINDS[known[name]]}"
                yield subject.finding(CODE, setting.path, message, "correct the value, or remove it")


def _common_prefix(names: Iterable[str]) -> str:
    """The prefix of all names."""
    ordered = sorted(names) or [""]
    pairs = enumerate(zip(ordered[0], ordered[-1], strict=False))
    return ordered[0][: next((n for n, (one, other) in pairs if one != other), len(ordered[0]))]


def _fits(kind: str, text: str) -> bool:
    if kind == "integer":
        return text.strip().isascii() and text.strip().isdecimal()
    return kind != "boolean" or text.strip().lower() in TRUE_WORDS + FALSE_WORDS
