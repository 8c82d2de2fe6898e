"""MLCC131: a container variable whose value its option does not take."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from mlcc.checks.containers import Found, known, places
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity, allowed, nearest, quoted
from mlcc.registries.engine_rows import Option
from mlcc.resolve.engine import spelling

CODE = "MLCC131"
NUMBERS, SWITCHES = ("integer", "number"), ("flag", "switch", "boolean")
WORDS = ("", "1", "true", "yes", "on", "0", "false", "no", "off")
AUTO = ("auto", "-1")
# What a text begins with when it is meant as JSON; other texts are the option's own short form.
JSON = {"json": "{[", "list": "["}


def check(subject: Subject) -> Iterator[Finding]:
    """Range and type of a typed key's variable, type and choices of any other option's."""
    engine, listed = subject.rows.engine, known(subject)
    if engine is None:
        return
    typed = {**spelling.keys_of(engine), **spelling.negated(engine)}
    options = {spelling.variable(engine, name): row for name, row in listed.options.items()} if listed else {}
    seen = set()
    for place in places(subject):
        for name, found in place.env.items():
            wrong = _typed(typed[name], options.get(name), str(found.value)) if name in typed else ""
            wrong = wrong or (_option(options[name], str(found.value)) if name in options else "")
            severity = Severity.ERROR if wrong else Severity.WARNING
            wrong = wrong or (_word(options[name], str(found.value), subject) if name in options else "")
            if wrong and found.path not in seen:
                seen.add(found.path)
                said = place.engine.get(typed[name]) if name in typed else None
                if said is not None and _written(subject, said):
                    hint = f"it is told as {name}; see the engine's documentation"
                    yield subject.finding(CODE, said.path, wrong, hint, severity)
                    continue
                hint = f"engine.{typed[name]} says the same, checked as you type" if name in typed else ""
                hint = hint or "see the engine's documentation"
                yield subject.finding(CODE, found.path, f"{name}: {wrong}", hint, severity)


def _written(subject: Subject, said: Found) -> bool:
    """Whether mlcc.yaml has the typed key: then the variable is what mlcc made of it."""
    words = [str(segment) for segment in said.path if isinstance(segment, str)]
    node = subject.root.get(*words) if len(words) == len(said.path) else None
    return node is not None and node.mark == subject.resolved.values[said.path].mark


def _typed(key: str, row: Option | None, text: str) -> str:
    """What is wrong with the text of a typed key's variable; the option's parser may take sizes, and `auto`."""
    value, wrong = spelling.read(key, text)
    if row is not None and row.note and text in AUTO:
        return ""
    if row is not None and not row.note and row.type in NUMBERS and spelling.sized(text) is not None:
        return f"{quoted(text, 60)} is not a whole number for this option: write {value}"
    return wrong


def _option(row: Option, text: str) -> str:
    """What is wrong with the text of an option's variable."""
    if row.choices and text not in row.choices and row.type != "list" and not row.open:
        return f"{quoted(text, 60)} is not one of {allowed(row.choices)}"
    if row.type in SWITCHES and text.strip().lower() not in WORDS:
        return f"{quoted(text, 60)} is not true or false"
    if row.type in NUMBERS and text and text != spelling.MAX and not row.note and not _number(text, row.type):
        return f"{quoted(text, 60)} is not a number"
    if row.type in ("json", "list") and text[:1] in JSON[row.type] and text and not _json(text):
        return f"{quoted(text, 60)} is not JSON"
    return ""


def _word(row: Option, text: str, subject: Subject) -> str:
    """What is odd about a word of an option that a plugin may add words to."""
    own = {choice.lower(): choice for choice in row.choices}
    if not row.open or not text or row.type != "text" or text.lower() in own:
        return ""
    near = own.get(nearest(text.lower(), own), "")
    version = f"{subject.rows.options.name if subject.rows.options else ''} {subject.rows.engine_version}"
    meant = f" (did you mean {near}?)" if near else ""
    return f"{version} itself has no {quoted(text, 60)}{meant}: only a plugin in the image adds one"


def _number(text: str, kind: str) -> bool:
    try:
        return math.isfinite(float(text)) if kind == "number" else int(text) is not None
    except ValueError:
        return False


def _json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
