"""Universal Binary JSON, as XGBoost writes it.  Law: arrays of numbers are passed over; depth and count have caps.

Only what is asked for is kept: everything else is read past, and no object is made of it.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Sequence
from typing import Any

from mlcc.lookups.model_files.found import MAX_NAME, Bytes, TooMuch, Unreadable

MAX_DEPTH, MAX_VALUES, MAX_KEPT, MAX_TEXT = 64, 500_000, 10_000, 1 << 20
FORMS = {"i": ">b", "U": ">B", "I": ">h", "l": ">i", "L": ">q", "d": ">f", "D": ">d"}
NUMBERS = {ord(marker): struct.Struct(form) for marker, form in FORMS.items()}
WORDS = {ord("Z"): None, ord("N"): None, ord("T"): True, ord("F"): False}
FRACTIONS, TEXTS, LETTER = b"dD", b"SH", ord("C")
OBJECT, ARRAY, OBJECT_END, ARRAY_END, KIND, COUNT = b"{[}]$#"


class Reader:
    """One document."""

    def __init__(self, data: Bytes, wanted: Sequence[Container[str]] = ()) -> None:
        """data: all of it; wanted: for each level from the top, the keys whose values are kept; below them, all are."""
        self._data, self._wanted = data, wanted
        self._at = self._kept = 0

    def _take(self, size: int) -> bytes:
        at = self._skip(size)
        return self._data.part(at, size)

    def _skip(self, size: int) -> int:
        """Passes over bytes, and returns where they began."""
        if size < 0 or size > len(self._data) - self._at:
            raise Unreadable(f"byte {self._at}: it ends within a value")
        self._at += size
        return self._at - size

    def _peek(self) -> int:
        return self._data.byte(self._at)

    def _marker(self) -> int:
        found = self._data.byte(self._skip(1))
        if found < 0:
            raise Unreadable(f"byte {self._at}: the file ends here")
        return found

    def _number(self, form: struct.Struct) -> Any:
        data = self._take(form.size)
        if len(data) < form.size:
            raise Unreadable(f"byte {self._at}: the file ends here")
        return form.unpack(data)[0]

    def _length(self) -> int:
        marker = self._marker()
        size = self._number(NUMBERS[marker]) if marker in NUMBERS and marker not in FRACTIONS else -1
        if size < 0:
            raise Unreadable(f"byte {self._at}: no length")
        return int(size)

    def _text(self, size: int, keep: bool) -> str:
        if size > (MAX_NAME if keep else MAX_TEXT):
            raise Unreadable(f"byte {self._at}: a text of {size:,} bytes")
        if not keep:
            self._skip(size)
            return ""
        return self._take(size).decode("utf-8", "replace")

    def value(self, depth: int = 0, marker: int = -1, keep: bool = True) -> Any:
        """The next value; arrays of numbers, and what is not kept, as None or an empty text.

        marker: its type, where its container names it.
        """
        self._data.step(MAX_VALUES)
        if depth > MAX_DEPTH:
            raise Unreadable(f"byte {self._at}: more than {MAX_DEPTH} values, one in another")
        self._kept += keep
        if self._kept > MAX_KEPT:
            raise TooMuch(f"byte {self._at}: more than {MAX_KEPT:,} parameters, which is the most that mlcc reads")
        marker = self._marker() if marker < 0 else marker
        if marker in NUMBERS:
            return self._number(NUMBERS[marker])
        if marker in WORDS:
            return WORDS[marker]
        if marker in TEXTS or marker == LETTER:
            return self._text(1 if marker == LETTER else self._length(), keep)
        if marker not in (OBJECT, ARRAY):
            raise Unreadable(f"byte {self._at}: no such kind of value")
        kind, count = self._head()
        return (self._object if marker == OBJECT else self._array)(depth, kind, count, keep)

    def _head(self) -> tuple[int, int]:
        """What a container says before its elements: their type and count, -1 for what is not named."""
        kind = -1
        if self._peek() == KIND:
            self._skip(1)
            kind = self._marker()
        if self._peek() == COUNT:
            self._skip(1)
            return kind, self._length()
        if kind >= 0:
            raise Unreadable(f"byte {self._at}: a type without a count")
        return kind, -1

    def _more(self, left: int, end: int) -> bool:
        """Whether a container has another element; passes over its end.  left: -1 where the end says so."""
        if left >= 0 or self._peek() != end:
            return left != 0
        self._skip(1)
        return False

    def _object(self, depth: int, kind: int, left: int, keep: bool) -> dict[str, Any]:
        found: dict[str, Any] = {}
        wanted = self._wanted[depth] if depth < len(self._wanted) else None
        while self._more(left, OBJECT_END):
            size = self._length()
            key = self._text(size, keep and size <= MAX_NAME)
            chosen = keep and (wanted is None or key in wanted)
            value = self.value(depth + 1, kind, chosen)
            if chosen:
                found[key] = value
            left -= left > 0
        return found

    def _array(self, depth: int, kind: int, left: int, keep: bool) -> list[Any] | None:
        if kind in NUMBERS and left >= 0:
            self._skip(left * NUMBERS[kind].size)
            return None
        found = []
        while self._more(left, ARRAY_END):
            # nothing that is kept stands in an array above the last level of keys
            chosen = keep and depth >= len(self._wanted)
            value = self.value(depth + 1, kind, chosen)
            if chosen:
                found.append(value)
            left -= left > 0
        return found
