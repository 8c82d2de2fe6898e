"""Requests held against the SDK's service models: everything that a model says, not only what the SDK itself checks.

The SDK checks types, required members and a few minima.  Here enums, patterns, lengths and ranges are checked too, as
the services do, and a member that the model does not have is a mistake.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
import regex

SURROGATES = r"\uD800\uDC00-\uDBFF\uDFFF"
# What was checked so far in this process.
SEEN: set[tuple[str, str]] = set()
NUMBERS = {"integer": int, "long": int, "float": (int, float), "double": (int, float)}


@functools.cache
def service_model(service: str) -> Any:
    """A service as the installed SDK describes it."""
    return botocore.session.Session().get_service_model(service)


def problems(service: str, operation: str, parameters: Mapping[str, Any]) -> list[str]:
    """What is wrong with a request, each with its path; nothing for one that the service's model allows."""
    model = service_model(service)
    if operation not in model.operation_names:
        return [f"{service} has no operation {operation}"]
    return list(_walk(model.operation_model(operation).input_shape, parameters, operation))


def check(service: str, operation: str, parameters: Mapping[str, Any]) -> None:
    """Fails for a request that the service's model does not allow; the stand-ins of AWS ask it for every call."""
    found = problems(service, operation, parameters)
    assert not found, f"{service} {operation}: {found}"
    SEEN.add((service, operation))


def _walk(shape: Any, value: Any, path: str) -> Iterator[str]:
    kind = shape.type_name
    if kind == "structure":
        yield from _structure(shape, value, path)
    elif kind == "list":
        if not isinstance(value, list):
            yield f"{path}: a list is wanted, not {value!r}"
            return
        yield from _range(shape, len(value), path)
        for number, item in enumerate(value):
            yield from _walk(shape.member, item, f"{path}[{number}]")
    elif kind == "map":
        if not isinstance(value, Mapping):
            yield f"{path}: a map is wanted, not {value!r}"
            return
        yield from _range(shape, len(value), path)
        for key, item in value.items():
            yield from _walk(shape.key, key, f"{path} key {key!r}")
            yield from _walk(shape.value, item, f"{path}[{key!r}]")
    else:
        yield from _scalar(shape, kind, value, path)


def _structure(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path}: a structure is wanted, not {value!r}"
        return
    for name in shape.required_members:
        if name not in value:
            yield f"{path}: {name} is missing"
    if getattr(shape, "is_tagged_union", False) and len(value) != 1:
        yield f"{path}: one member is wanted, not {sorted(value)}"
    for name, item in value.items():
        if name not in shape.members:
            yield f"{path}: there is no member {name}"
        elif item is None:
            yield f"{path}.{name}: null"
        else:
            yield from _walk(shape.members[name], item, f"{path}.{name}")


def _scalar(shape: Any, kind: str, value: Any, path: str) -> Iterator[str]:
    if kind == "boolean":
        if not isinstance(value, bool):
            yield f"{path}: a boolean is wanted, not {value!r}"
    elif kind in NUMBERS:
        if isinstance(value, bool) or not isinstance(value, NUMBERS[kind]):
            yield f"{path}: a {kind} is wanted, not {value!r}"
        else:
            yield from _range(shape, value, path)
    elif kind == "string":
        if not isinstance(value, str):
            yield f"{path}: a string is wanted, not {value!r}"
            return
        yield from _range(shape, len(value), path)
        if shape.enum and value not in shape.enum:
            yield f"{path}: {value!r} is none of the enum"
        # the services' own notation for what lies beyond 16 bits
        pattern = shape.metadata.get("pattern", "").replace(SURROGATES, r"\U00010000-\U0010FFFF")
        if pattern and not regex.fullmatch(pattern, value):
            yield f"{path}: {value!r} does not match {pattern}"


def _range(shape: Any, size: float, path: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield f"{path}: {size} is below {least}"
    if most is not None and size > most:
        yield f"{path}: {size} is above {most}"
