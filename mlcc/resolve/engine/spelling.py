"""Typed engine options as container variables, and back.  Law: pure; how an engine spells is data (engines.yaml).

mlcc.yaml says `engine: {max_model_len: 4096}`; a container of vLLM is told VLLM_MAX_MODEL_LEN=4096.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from mlcc.core.findings import allowed, quoted
from mlcc.io.schema import keys
from mlcc.load import coerce, layers
from mlcc.registries.engine_rows import Engine

MAX = "max"
# Sizes as vLLM's and SGLang's parsers read them: 8k is 8,000 and 8K is 8,192 (vllm/engine/arg_utils.py,
# human_readable_int).
_SIZE = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)([kmgtKMGT])")


class Spelled(NamedTuple):
    """How an engine spells a key: its option, the key within it (empty for a plain one), and the opposite sense."""

    option: str
    key: str = ""
    opposite: bool = False


def spelled(engine: Engine, key: str) -> Spelled | None:
    """How an engine spells a key of `engine:`, or None when it has no such option."""
    text = engine.typed.get(key, "")
    option, _, rest = text.removeprefix("!").partition(".")
    return Spelled(option, rest, text.startswith("!")) if option else None


def variable(engine: Engine, option: str) -> str:
    """The container variable of an option: `max-model-len` -> VLLM_MAX_MODEL_LEN."""
    return engine.prefix + option.upper().replace("-", "_").replace(".", "_")


def text(value: Any) -> str:
    """A value as a variable's text: true and false as words, numbers plain."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def theirs(engine: Engine, key: str, text: str) -> str:
    """A value's text in the engine's own words."""
    return engine.values.get(key, {}).get(text, text)


def ours(engine: Engine, key: str, text: str) -> str:
    """A value's text in mlcc's words, from the engine's own."""
    return next((own for own, said in engine.values.get(key, {}).items() if said == text), text)


def keys_of(engine: Engine, heard: bool = False) -> dict[str, str]:
    """Which typed key each container variable says, with every prefix that is understood (JSON options excepted).

    heard: with the prefixes that the engine itself does not read.
    """
    found = {}
    for key in engine.typed:
        how = spelled(engine, key)
        for prefix in (engine.prefix, *engine.also, *(engine.heard if heard else ())) if how is not None else ():
            if how is not None and not how.key:
                found[prefix + variable(engine, how.option).removeprefix(engine.prefix)] = key
    return {**found, **engine.more}


def negated(engine: Engine, heard: bool = False) -> dict[str, str]:
    """Which typed key each container variable switches off: VLLM_NO_ENABLE_PREFIX_CACHING -> enable_prefix_caching.

    heard: with the prefixes that the engine itself does not read.  Nothing for an engine without such options.
    """
    found = {}
    for key in engine.typed if engine.negation else ():
        how = spelled(engine, key)
        if how is not None and not how.key and is_switch(key):
            option = variable(engine, engine.negation + how.option).removeprefix(engine.prefix)
            for prefix in (engine.prefix, *engine.also, *(engine.heard if heard else ())):
                found[prefix + option] = key
    return found


@functools.cache
def is_switch(key: str) -> bool:
    """Whether a key of `engine:` is true or false."""
    prop = keys.find(layers.SCHEMA, ("engine", *key.split(".")))
    return prop is not None and "boolean" in prop.types


ON, OFF = ("", "1", "true", "yes", "on"), ("0", "false", "no", "off")


def same(one: Any, other: Any) -> bool:
    """Whether two values are one to an engine: the same switch, size or JSON, however it is written."""
    return bool(one == other) or _plain(text(one)) == _plain(text(other))


def _plain(text: str) -> Any:
    word = text.strip()
    if word.lower() in (*ON, *OFF):
        return word.lower() in ON
    size = sized(word)
    if size is not None or not word.startswith(("{", "[")):
        return str(size) if size is not None else word
    try:
        return json.loads(word)
    except (ValueError, RecursionError):
        return word


def sized(text: str) -> int | None:
    """The number that a size such as `8k` or `2G` says, or None for other texts."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        return None
    number, suffix = found.groups()
    power = "kmgt".index(suffix.lower()) + 1
    if suffix.islower():
        return int(float(number) * 1000**power)
    return int(number) * 1024**power if number.isdecimal() else None


def read(key: str, text: str) -> tuple[Any, str]:
    """A variable's text as the value of a typed key: (value, "") or (None, what is wrong with it, if anything)."""
    if not text and is_switch(key):
        return True, ""  # a flag without a value
    path = ("engine", *key.split("."))
    prop = keys.find(layers.SCHEMA, path)
    size = sized(text) if prop is not None and "integer" in prop.types else None
    value, wrong = coerce.coerce_text(path, text) if size is None else (size, "")
    if prop is None or wrong:
        return (None, wrong) if wrong else (value, "")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return _read_text(value, text, prop)
    form = next((f for f in _forms(prop) if f.get("type") in ("integer", "number")), {})
    if form.get("type") == "integer" and not isinstance(value, int):
        return None, f"{quoted(text, 60)} is not a whole number"
    if "maximum" in form and value > form["maximum"]:
        return None, f"Value {_short(value)} exceeds maximum {_limit(form, 'maximum')}"
    if "minimum" in form and value < form["minimum"]:
        return None, f"Value {_short(value)} is below minimum {_limit(form, 'minimum')}"
    if "exclusiveMinimum" in form and value <= form["exclusiveMinimum"]:
        return None, f"Value {_short(value)} must be above {_limit(form, 'exclusiveMinimum')}"
    return value, ""


def _read_text(value: Any, text: str, prop: keys.Property) -> tuple[Any, str]:
    """A text that the key does not take may be a word of the engine's own; where the key is a number it is wrong."""
    forms = _forms(prop)
    words = [word for form in forms for word in form.get("enum", ())]
    if words and value not in words:
        number = any(form.get("type") in ("integer", "number") for form in forms)
        return None, f"{quoted(text, 60)} is neither a number nor {allowed(words)}" if number else ""
    fits = len(str(value)) <= prop.schema.get("maxLength", len(str(value)))
    return (value, "") if fits and re.search(prop.schema.get("pattern", ""), str(value)) else (None, "")


def _forms(prop: keys.Property) -> tuple[Mapping[str, Any], ...]:
    return (prop.schema, *prop.schema.get("anyOf", ()))


def _short(value: float) -> str:
    """A number for a message: what somebody has made very long is cut."""
    return str(value) if len(str(value)) <= 24 else f"{value:.6g}"


def _limit(form: Mapping[str, Any], key: str) -> str:
    return str(float(form[key]) if form["type"] == "number" else form[key])
