"""MLCC131: a container variable with a value that its option does not take."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from mlcc.checks.containers import Container, Setting, known_options, serving_containers
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.paths import Path
from mlcc.core.records import NamedTuple
from mlcc.core.text import allowed, nearest, quoted
from mlcc.registries.engine_rows import Option
from mlcc.resolve.engine import spelling

CODE = "MLCC131"
NUMBERS, SWITCHES = ("integer", "number"), ("flag", "switch", "boolean")
WORDS = (*spelling.ON, *spelling.OFF)
AUTO = ("auto", "-1")
# The first characters of a text that is meant as JSON; other texts are the option's own short form.
JSON = {"json": "{[", "list": "["}


class Variable(NamedTuple):
    """A container's variable: the typed key that it sets, and the engine's option; empty and None for neither."""

    name: str
    setting: Setting
    key: str
    option: Option | None

    @property
    def text(self) -> str:
        """Its value."""
        return str(self.setting.value)


def check(subject: Subject) -> Iterator[Finding]:
    """Range and type of a typed key's variable, type and choices of any other option's."""
    engine, known = subject.rows.engine, known_options(subject)
    if engine is None:
        return
    keys = {**spelling.keys_by_variable(engine), **spelling.negated_keys(engine)}
    options = {spelling.variable(engine, name): row for name, row in known.options.items()} if known else {}
    seen: set[Path] = set()
    for container in serving_containers(subject):
        for name, setting in container.env.items():
            variable = Variable(name, setting, keys.get(name, ""), options.get(name))
            problem, severity = _problem(variable), Severity.ERROR
            if not problem:
                problem, severity = _unusual_word(variable, subject), Severity.WARNING
            if problem and variable.setting.path not in seen:
                seen.add(variable.setting.path)
                yield _finding(subject, container, variable, problem, severity)


def _finding(subject: Subject, container: Container, variable: Variable, problem: str, severity: Severity) -> Finding:
    """At the typed key, where mlcc.yaml has that; else at the variable."""
    typed = container.engine.get(variable.key)
    if typed is not None and _is_written(subject, typed):
        hint = f"the engine gets it as {variable.name}; see the engine's documentation"
        return subject.finding(CODE, typed.path, problem, hint, severity)
    hint = f"engine.{variable.key} is the same option, checked as you type" if variable.key else ""
    hint = hint or "see the engine's documentation"
    return subject.finding(CODE, variable.setting.path, f"{variable.name}: {problem}", hint, severity)


def _is_written(subject: Subject, typed: Setting) -> bool:
    """Whether mlcc.yaml has the typed key: then mlcc has made the variable from it."""
    keys = [str(segment) for segment in typed.path if isinstance(segment, str)]
    node = subject.root.get(*keys) if len(keys) == len(typed.path) else None
    return node is not None and node.mark == subject.resolved.values[typed.path].mark


def _problem(variable: Variable) -> str:
    """What is wrong with the text of a variable, or an empty text."""
    problem = _key_problem(variable.key, variable.option, variable.text) if variable.key else ""
    if not problem and variable.option is not None:
        problem = _option_problem(variable.option, variable.text)
    return problem


def _key_problem(key: str, option: Option | None, text: str) -> str:
    """What is wrong with the text of a typed key's variable; the option's parser may take sizes, and `auto`."""
    value, problem = spelling.parse_value(key, text)
    if option is not None and option.note and text in AUTO:
        return ""
    if option is not None and not option.note and option.type in NUMBERS and spelling.parse_size(text) is not None:
        return f"{quoted(text, 60)} is not a whole number for this option: write {value}"
    return problem


def _option_problem(option: Option, text: str) -> str:
    """What is wrong with the text of an option's variable."""
    kind = option.type
    if option.choices and text not in option.choices and kind != "list" and not option.open:
        return f"{quoted(text, 60)} is not one of {allowed(option.choices)}"
    if kind in SWITCHES and text.strip().lower() not in WORDS:
        return f"{quoted(text, 60)} is not true or false"
    if kind in NUMBERS and text and text != spelling.MAX and not option.note and not _is_number(text, kind):
        return f"{quoted(text, 60)} is not a number"
    if kind in JSON and text and text[0] in JSON[kind] and not _is_json(text):
        return f"{quoted(text, 60)} is not JSON"
    return ""


def _unusual_word(variable: Variable, subject: Subject) -> str:
    """What is unusual about a word of an option to which plugins may add words."""
    option, text = variable.option, variable.text
    if option is None or not option.open or not text or option.type != "text":
        return ""
    words = {choice.lower(): choice for choice in option.choices}
    if text.lower() in words:
        return ""
    near = words.get(nearest(text.lower(), words), "")
    version = f"{subject.rows.options.name if subject.rows.options else ''} {subject.rows.engine_version}"
    meant = f" (did you mean {near}?)" if near else ""
    return f"{version} itself has no {quoted(text, 60)}{meant}: only a plugin in the image adds one"


def _is_number(text: str, kind: str) -> bool:
    try:
        return math.isfinite(float(text)) if kind == "number" else int(text) is not None
    except ValueError:
        return False


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
