"""What a pickle would make, as records.  Law: names and plain values; of an array, what is short."""

from __future__ import annotations

import re
import struct
from math import prod
from typing import Any, NamedTuple

from mlcc.lookups.model_files.found import MAX_DIMS, Unreadable

MAX_TEXT, MAX_SIZE = 1 << 16, 1 << 62
_KIND = re.compile(r"([a-zA-Z])([0-9]{0,9})")
# How struct calls numpy's kinds of numbers, by kind and size in bytes.
NUMBERS = {
    "b1": "?",
    "i1": "b",
    "i2": "h",
    "i4": "i",
    "i8": "q",
    "u1": "B",
    "u2": "H",
    "u4": "I",
    "u8": "Q",
    "f4": "f",
    "f8": "d",
}


class Name(NamedTuple):
    """A global: `sklearn.pipeline.Pipeline`."""

    dotted: str


class Skipped(NamedTuple):
    """Bytes that were passed over."""

    size: int


class Thing:
    """An object that the program would make: what is called, with what, and the state that it gets."""

    __slots__ = ("arguments", "memo", "name", "state")

    def __init__(self, name: str, arguments: Any) -> None:
        """name: of the class or function."""
        self.name, self.arguments = name, arguments
        self.state: Any = None
        self.memo = -1

    def get(self, key: str) -> Any:
        """A field of its state, None where it has none."""
        state = self.state[0] if isinstance(self.state, tuple) and self.state else self.state
        return state.get(key) if isinstance(state, dict) else None


class Array(NamedTuple):
    """A numpy array; values are kept where they are few texts or objects, else None."""

    shape: tuple[int, ...]
    kind: str
    values: list[Any] | None


def hashed(key: Any) -> Any:
    """A key of a mapping; all but plain values stand for themselves by their place in memory.

    A tuple in a tuple in a tuple would be too deep for Python's hash().
    """
    return key if isinstance(key, (str, int, float, bytes, type(None))) else id(key)


def made(called: Any, arguments: Any) -> Any:
    """What a call makes; `copyreg._reconstructor(CLASS, ...)` makes an object of the class."""
    name = called.dotted if isinstance(called, Name) else ""
    if name.endswith("copyreg._reconstructor") or name == "copy_reg._reconstructor":
        first = arguments[0] if isinstance(arguments, tuple) and arguments else None
        name, arguments = (first.dotted if isinstance(first, Name) else ""), ()
    return Thing(name, arguments)


def is_array(thing: Thing) -> bool:
    """numpy's own way to pickle an array: `numpy._core.multiarray._reconstruct` and a state."""
    return thing.name.endswith("multiarray._reconstruct")


def of_dtype(dtype: Any) -> tuple[str, int]:
    """The kind and size in bytes of a numpy.dtype; objects have the kind O."""
    text = dtype.arguments[0] if isinstance(dtype, Thing) and dtype.arguments else ""
    found = _KIND.fullmatch(text.lstrip("<>|=") if isinstance(text, str) else "")
    if found is None:
        raise Unreadable("an array has a type that is not known")
    kind, size = found[1], int(found[2] or 0)
    return kind, size * 4 if kind == "U" else size


def length(shape: tuple[int, ...], size: int) -> int:
    """Bytes of an array.  Raises Unreadable for what no array has."""
    if len(shape) > MAX_DIMS or not all(0 <= n < MAX_SIZE for n in shape):
        raise Unreadable(f"an array of the shape {str(shape)[:80]}")
    return prod(shape) * size


def plain_array(state: tuple[Any, ...]) -> Array:
    """An array that is pickled with its bytes or its list of objects in it."""
    _, shape, dtype, _, data, *_ = state
    kind, size = of_dtype(dtype)
    known = data if isinstance(data, list) and len(data) <= MAX_TEXT else None
    return Array(tuple(shape), kind, unpacked_values(data, kind, size) if isinstance(data, bytes) else known)


def unpacked_values(data: bytes, kind: str, size: int) -> list[Any] | None:
    """The numbers or texts of an array's bytes, lowest byte first; None for other kinds."""
    if kind == "U" and size:
        return [data[at : at + size].decode("utf-32-le", "replace").rstrip("\0") for at in range(0, len(data), size)]
    form = NUMBERS.get(f"{kind}{size}")
    return list(struct.unpack(f"<{len(data) // size}{form}", data)) if form and size else None
