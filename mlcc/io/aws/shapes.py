"""Requests as the services' own models describe them.  Law: data of the installed SDK; reads nothing else.

`violations` answers in the services' own words, which name a constraint by its place:
`Value 'x' at 'productionVariants.1.member.instanceType' failed to satisfy constraint: Member must ...`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

# Types of a model by those of JSON.
NUMBERS: Mapping[str, tuple[type, ...]] = {
    "integer": (int,), "long": (int,), "float": (int, float), "double": (int, float),
}  # fmt: skip
# Classes of Unicode in the services' patterns, for Python's `re`; where it has none, a wider one.
CLASSES = {
    "L": r"\w", "N": r"\w", "Z": r"\s", "M": r"\u0300-\U0010ffff", "S": r"!-\U0010ffff", "P": r"!-\U0010ffff",
    "Print": " -~", "ASCII": r"\x00-\x7f",
}  # fmt: skip
SURROGATES, BEYOND = r"\uD800\uDC00-\uDBFF\uDFFF", "\U00010000-\U0010ffff"
_TOKEN = re.compile(r"\\p\{(\w+)\}|\\z|\\.|[\[\]]|[^\\\[\]]+", re.DOTALL)


class WrongType(Exception):
    """A value of another type than the model's; services answer SerializationException."""


@functools.cache
def service_model(service: str) -> Any:
    """A service as the installed SDK describes it."""
    from botocore import session

    return session.Session().get_service_model(service)


def knows(service: str, operation: str) -> bool:
    """Whether a service has an operation."""
    return operation in service_model(service).operation_names


def target_prefix(service: str) -> str:
    """What stands before the operation in the header X-Amz-Target of the JSON protocol."""
    return str(service_model(service).metadata.get("targetPrefix", ""))


def header_members(service: str, operation: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """The members of a request that travel in its headers; numbers as numbers, where they are some."""
    found: dict[str, Any] = {}
    sent = {name.lower(): text for name, text in headers.items()}
    for name, member in service_model(service).operation_model(operation).input_shape.members.items():
        place = member.serialization
        if place.get("location") == "header" and (text := sent.get(place["name"].lower())) is not None:
            found[name] = int(text) if member.type_name in NUMBERS and text.isdecimal() else text
    return found


def violations(service: str, operation: str, parameters: Mapping[str, Any]) -> str:
    """What the service says of a request that its model does not allow; empty for one that it allows.

    Raises WrongType, and KeyError for a member that the model does not have.
    """
    found = list(_walk(service_model(service).operation_model(operation).input_shape, parameters, ""))
    if not found:
        return ""
    count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: "
    return count + "; ".join(found)


def _walk(shape: Any, value: Any, place: str) -> Iterator[str]:
    kind = shape.type_name
    if kind == "structure":
        yield from _structure(shape, value, place)
    elif kind == "list":
        _typed(value, (list,), place)
        yield from _sized(shape, value, place, "length")
        for number, item in enumerate(value, 1):
            yield from _walk(shape.member, item, f"{place}.{number}.member")
    elif kind == "map":
        _typed(value, (dict,), place)
        yield from _sized(shape, value, place, "length")
        for key, item in value.items():
            yield from _walk(shape.key, key, f"{place}.{key}.key")
            yield from _walk(shape.value, item, f"{place}.{key}.member")
    elif kind == "string":
        _typed(value, (str,), place)
        yield from _sized(shape, value, place, "length")
        yield from _text(shape, value, place)
    elif kind == "boolean":
        _typed(value, (bool,), place)
    elif kind == "blob":
        _typed(value, (bytes,), place)
        most = shape.metadata.get("max")
        if most is not None and len(value) > most:  # a body is not repeated
            constraint = f"Member must have length less than or equal to {most}"
            yield f"Value at '{place}' failed to satisfy constraint: {constraint}"
    elif kind in NUMBERS:
        _typed(value, NUMBERS[kind], place)
        yield from _sized(shape, value, place, "value")


def _structure(shape: Any, value: Any, place: str) -> Iterator[str]:
    _typed(value, (dict,), place)
    for name in value:
        if name not in shape.members:
            raise KeyError(f"{place}.{name}".lstrip("."))
    for name, member in shape.members.items():
        where = f"{place}.{name[:1].lower()}{name[1:]}".lstrip(".")
        if value.get(name) is not None:
            yield from _walk(member, value[name], where)
        elif name in shape.required_members:
            yield f"Value null at '{where}' failed to satisfy constraint: Member must not be null"


def _typed(value: Any, types: tuple[type, ...], place: str) -> None:
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise WrongType(place)


def _sized(shape: Any, value: Any, place: str, word: str) -> Iterator[str]:
    size = value if word == "value" else len(value)
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield _failed(value, place, f"Member must have {word} greater than or equal to {least}")
    if most is not None and size > most:
        yield _failed(value, place, f"Member must have {word} less than or equal to {most}")


def _text(shape: Any, value: str, place: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield _failed(value, place, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
    pattern = shape.metadata.get("pattern")
    if pattern and (compiled := _compiled(pattern)) is not None and not compiled.fullmatch(value):
        yield _failed(value, place, f"Member must satisfy regular expression pattern: {pattern}")


def _failed(value: Any, place: str, constraint: str) -> str:
    return f"Value '{value}' at '{place}' failed to satisfy constraint: {constraint}"


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """A service's pattern for Python; None for one that is no pattern, as a few of the models have."""
    text, inside = "", False
    for token in _TOKEN.finditer(pattern.replace(SURROGATES, BEYOND)):
        if token[1]:
            text += CLASSES[token[1]] if inside else f"[{CLASSES[token[1]]}]"
        else:
            inside = {"[": True, "]": False}.get(token[0], inside)
            text += {r"\z": r"\Z"}.get(token[0], token[0])
    try:
        return re.compile(text)
    except re.error:
        return None
