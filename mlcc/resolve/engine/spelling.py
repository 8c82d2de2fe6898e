"""Typed keys of `engine:` as variables of a container, and back.

Law: pure; how an engine spells its options is data (engines.yaml).

mlcc.yaml has `engine: {max_model_len: 4096}`; the variable of a container of vLLM is VLLM_MAX_MODEL_LEN=4096.
"""

from __future__ import annotations

import functools
import json
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.core.text import allowed, quoted
from mlcc.core.value_text import FALSE_WORDS, TRUE_WORDS, short_text
from mlcc.io.schema import keys
from mlcc.load import coerce
from mlcc.registries.engine_rows import Engine
from mlcc.resolve.engine.options import variable_name

MAX = "max"
# An option that is there without a value is switched on.
ON, OFF = ("", *TRUE_WORDS), FALSE_WORDS


# ---------------------------------------------------------------- names
class Spelled(NamedTuple):
    """How an engine spells a key: its option, the key within it (empty for a plain one), and the opposite sense."""

    option: str
    key: str = ""
    opposite: bool = False


def spelled(engine: Engine, key: str) -> Spelled | None:
    """How an engine spells a key of `engine:`, or None when it has no such option."""
    text = engine.typed_keys.get(key, "")
    option, _, rest = text.removeprefix("!").partition(".")
    return Spelled(option, rest, text.startswith("!")) if option else None


def variable(engine: Engine, option: str) -> str:
    """The container variable of an option: `max-model-len` -> VLLM_MAX_MODEL_LEN."""
    return engine.prefix + variable_name(option)


def keys_by_variable(engine: Engine, accepted: bool = False) -> dict[str, str]:
    """The typed key of each container variable, with every prefix (without JSON options).

    accepted: with the prefixes that the engine itself does not read.
    """
    variables: dict[str, str] = {}
    for key in engine.typed_keys:
        how = spelled(engine, key)
        if how is not None and not how.key:
            variables |= {prefix + variable_name(how.option): key for prefix in _prefixes(engine, accepted)}
    return {**variables, **engine.extra_variables}


def negated_keys(engine: Engine, accepted: bool = False) -> dict[str, str]:
    """The typed key that each variable switches off: VLLM_NO_ENABLE_PREFIX_CACHING -> enable_prefix_caching.

    accepted: with the prefixes that the engine itself does not read.  Empty for an engine without such options.
    """
    variables: dict[str, str] = {}
    for key in engine.typed_keys if engine.negation else ():
        how = spelled(engine, key)
        if how is not None and not how.key and is_switch(key):
            name = variable_name(engine.negation + how.option)
            variables |= {prefix + name: key for prefix in _prefixes(engine, accepted)}
    return variables


def _prefixes(engine: Engine, accepted: bool) -> tuple[str, ...]:
    return (*engine.prefixes, *engine.accepted_prefixes) if accepted else engine.prefixes


@functools.cache
def is_switch(key: str) -> bool:
    """Whether a key of `engine:` is true or false."""
    prop = keys.find(("engine", *key.split(".")))
    return prop is not None and "boolean" in prop.types


# ---------------------------------------------------------------- values as text
def engine_word(engine: Engine, key: str, text: str) -> str:
    """The engine's word for a value of a key."""
    return engine.value_words.get(key, {}).get(text, text)


def mlcc_word(engine: Engine, key: str, text: str) -> str:
    """mlcc's word for a value of a key, from the engine's."""
    return next((own for own, word in engine.value_words.get(key, {}).items() if word == text), text)


def same_value(one: Any, other: Any) -> bool:
    """Whether two values are the same to an engine: the same switch, size or JSON, however it is written."""
    return bool(one == other) or _comparable(short_text(one)) == _comparable(short_text(other))


def _comparable(text: str) -> Any:
    word = text.strip()
    if word.lower() in (*ON, *OFF):
        return word.lower() in ON
    size = parse_size(word)
    if size is not None or not word.startswith(("{", "[")):
        return str(size) if size is not None else word
    try:
        return json.loads(word)
    except (ValueError, RecursionError):
        return word


# ---------------------------------------------------------------- text as values
# Sizes as vLLM's and SGLang's parsers read them: 8k is 8,000 and 8K is 8,192 (vllm/engine/arg_utils.py,
# human_readable_int).
_SIZE = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)([kmgtKMGT])")
# The limits of a number in a schema: which comparison breaks one, and the words for it.
_LIMITS: tuple[tuple[str, Callable[[Any, Any], bool], str], ...] = (
    ("maximum", operator.gt, "exceeds maximum"),
    ("minimum", operator.lt, "is below minimum"),
    ("exclusiveMinimum", operator.le, "must be above"),
)


class Parsed(NamedTuple):
    """The value of a text, or None and what is wrong with the text (empty where the engine may know better)."""

    value: Any
    problem: str = ""


def parse_size(text: str) -> int | None:
    """The number of a size such as `8k` or `2G`, or None for other texts."""
    size = _SIZE.fullmatch(text.strip())
    if size is None:
        return None
    number, suffix = size.groups()
    power = "kmgt".index(suffix.lower()) + 1
    if suffix.islower():
        return int(float(number) * 1000**power)
    return int(number) * 1024**power if number.isdecimal() else None


def parse_value(key: str, text: str) -> Parsed:
    """A variable's text as the value of a typed key."""
    if not text and is_switch(key):
        return Parsed(True)  # a flag without a value
    path = ("engine", *key.split("."))
    prop = keys.find(path)
    size = parse_size(text) if prop is not None and "integer" in prop.types else None
    value, problem = coerce.coerce_text(path, text) if size is None else (size, "")
    if problem:
        return Parsed(None, problem)
    if prop is None:
        return Parsed(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return _parse_word(value, text, prop)
    problem = _number_problem(value, text, prop)
    return Parsed(None, problem) if problem else Parsed(value)


def _number_problem(value: float, text: str, prop: keys.Property) -> str:
    """What is wrong with a number, or an empty text."""
    form = next((f for f in _forms(prop) if f.get("type") in ("integer", "number")), {})
    if form.get("type") == "integer" and not isinstance(value, int):
        return f"{quoted(text, 60)} is not a whole number"
    for limit, breaks, words in _LIMITS:
        if limit in form and breaks(value, form[limit]):
            bound = float(form[limit]) if form["type"] == "number" else form[limit]
            return f"Value {_short(value)} {words} {bound}"
    return ""


def _parse_word(value: Any, text: str, prop: keys.Property) -> Parsed:
    """A text that the key does not take may be a word of the engine's own; where the key is a number it is wrong."""
    forms = _forms(prop)
    words = [word for form in forms for word in form.get("enum", ())]
    if words and value not in words:
        is_number = any(form.get("type") in ("integer", "number") for form in forms)
        return Parsed(None, f"{quoted(text, 60)} is neither a number nor {allowed(words)}" if is_number else "")
    fits = len(str(value)) <= prop.schema.get("maxLength", len(str(value)))
    return Parsed(value if fits and re.search(prop.schema.get("pattern", ""), str(value)) else None)


def _forms(prop: keys.Property) -> tuple[Mapping[str, Any], ...]:
    return (prop.schema, *prop.schema.get("anyOf", ()))


def _short(value: float) -> str:
    """A number for a message: a very long one is shortened."""
    return str(value) if len(str(value)) <= 24 else f"{value:.6g}"
