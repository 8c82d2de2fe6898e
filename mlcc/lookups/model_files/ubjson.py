"""Universal Binary JSON, as XGBoost writes it.  Law: arrays of numbers are passed over; depth and count have caps."""

from __future__ import annotations

import struct
from typing import Any

from mlcc.lookups.model_files.found import Unreadable

MAX_DEPTH, MAX_VALUES, MAX_TEXT = 64, 2_000_000, 1 << 20
SIZES = {b"i": ">b", b"U": ">B", b"I": ">h", b"l": ">i", b"L": ">q", b"d": ">f", b"D": ">d"}
WORDS = {b"Z": None, b"N": None, b"T": True, b"F": False}


class Reader:
    """One document."""

    def __init__(self, data: memoryview) -> None:
        """data: all of it."""
        self._data = data
        self._at = 0
        self._count = 0

    def _take(self, size: int) -> bytes:
        if size < 0 or size > len(self._data) - self._at:
            raise Unreadable(f"byte {self._at}: it ends within a value")
        self._at += size
        return bytes(self._data[self._at - size : self._at])

    def _peek(self) -> bytes:
        return bytes(self._data[self._at : self._at + 1])

    def _number(self, marker: bytes) -> Any:
        form = SIZES[marker]
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _length(self) -> int:
        marker = self._take(1)
        size = self._number(marker) if marker in SIZES and marker not in (b"d", b"D") else -1
        if size < 0:
            raise Unreadable(f"byte {self._at}: no length")
        return int(size)

    def _text(self, size: int) -> str:
        if size > MAX_TEXT:
            raise Unreadable(f"byte {self._at}: a text of {size:,} bytes")
        return self._take(size).decode("utf-8", "replace")

    def value(self, depth: int = 0, marker: bytes = b"") -> Any:
        """The next value; arrays of numbers as None.  marker: its type, where its container has said it."""
        self._count += 1
        if depth > MAX_DEPTH or self._count > MAX_VALUES:
            raise Unreadable(f"byte {self._at}: too many values, one in another")
        marker = marker or self._take(1)
        if marker in SIZES:
            return self._number(marker)
        if marker in WORDS:
            return WORDS[marker]
        if marker in (b"S", b"H"):
            return self._text(self._length())
        if marker == b"C":
            return self._text(1)
        if marker in (b"{", b"["):
            kind, count = self._head()
            return self._object(depth, kind, count) if marker == b"{" else self._array(depth, kind, count)
        raise Unreadable(f"byte {self._at}: no such kind of value")

    def _head(self) -> tuple[bytes, int | None]:
        """What a container says before its elements: their type and count."""
        kind = b""
        if self._peek() == b"$":
            self._take(1)
            kind = self._take(1)
        if self._peek() == b"#":
            self._take(1)
            return kind, self._length()
        if kind:
            raise Unreadable(f"byte {self._at}: a type without a count")
        return kind, None

    def _object(self, depth: int, kind: bytes, count: int | None) -> dict[str, Any]:
        found: dict[str, Any] = {}
        left = count
        while (left is None and self._peek() != b"}") or (left is not None and left > 0):
            key = self._text(self._length())
            found[key] = self.value(depth + 1, kind)
            left = None if left is None else left - 1
        if count is None:
            self._take(1)
        return found

    def _array(self, depth: int, kind: bytes, count: int | None) -> list[Any] | None:
        if kind in SIZES and count is not None:
            self._skip(count * struct.calcsize(SIZES[kind]))
            return None
        found = []
        left = count
        while (left is None and self._peek() != b"]") or (left is not None and left > 0):
            found.append(self.value(depth + 1, kind))
            left = None if left is None else left - 1
        if count is None:
            self._take(1)
        return found

    def _skip(self, size: int) -> None:
        if size > len(self._data) - self._at:
            raise Unreadable(f"byte {self._at}: it ends within an array")
        self._at += size
