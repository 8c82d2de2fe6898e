"""MLCC131: a container variable whose value its option does not take."""

from collections.abc import Iterator

from mlcc import config, keys, spelling
from mlcc.checks.base import Subject
from mlcc.checks.serving import known, places
from mlcc.diagnostics import Finding, allowed, quoted
from mlcc.registries.engine_types import Option

CODE = "MLCC131"
NUMBERS = ("integer", "number")


def check(subject: Subject) -> Iterator[Finding]:
    """Range and type of a typed key's variable, type and choices of any other option's."""
    engine, listed = subject.rows.engine, known(subject)
    if engine is None:
        return
    typed = spelling.keys_of(engine)
    options = {spelling.variable(engine, name): row for name, row in listed.options.items()} if listed else {}
    seen = set()
    for place in places(subject):
        for name, found in place.env.items():
            wrong = _typed(typed[name], str(found.value)) if name in typed else ""
            wrong = wrong or (_option(options[name], str(found.value)) if name in options else "")
            if wrong and found.path not in seen:
                seen.add(found.path)
                hint = f"engine.{typed[name]} says the same, checked as you type" if name in typed else ""
                yield subject.finding(CODE, found.path, f"{name}: {wrong}", hint or "see the engine's documentation")


def _typed(key: str, text: str) -> str:
    """What is wrong with the text of a typed key's variable."""
    path = ("engine", *key.split("."))
    value, wrong = config.coerce(path, text)
    prop = keys.find(config.SCHEMA, path)
    if wrong or prop is None:
        return wrong
    forms = (prop.schema, *prop.schema.get("anyOf", ()))
    most = next((f["maximum"] for f in forms if "maximum" in f), None)
    least = next((f["minimum"] for f in forms if "minimum" in f), None)
    above = next((f["exclusiveMinimum"] for f in forms if "exclusiveMinimum" in f), None)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if most is not None and value > most:
            return f"Value {value:g} exceeds maximum {float(most):g}" + (".0" if float(most).is_integer() else "")
        if least is not None and value < least:
            return f"Value {value:g} is below minimum {least:g}"
        if above is not None and value <= above:
            return f"Value {value:g} must be above {above:g}"
    return ""


def _option(row: Option, text: str) -> str:
    """What is wrong with the text of an option's variable."""
    if row.choices and text not in row.choices and row.type != "list":
        return f"{quoted(text, 60)} is not one of {allowed(row.choices)}"
    if row.type in NUMBERS and text and text != spelling.MAX and not row.note:
        try:
            float(text) if row.type == "number" else int(text)
        except ValueError:
            return f"{quoted(text, 60)} is not a number"
    return ""
