"""Protobuf's wire format, read in place.  Law: no byte outside the given range is touched, no length is believed."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.core.records import NamedTuple
from mlcc.lookups.model_files.found import MAX_NAME, Bytes, Unreadable

# Of a whole file, each as often as it is read.
MAX_FIELDS = 1_000_000
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class Span(NamedTuple):
    """A range of bytes that is a message or a text."""

    data: Bytes
    start: int
    end: int

    def fields(self) -> Iterator[tuple[int, int, Span]]:
        """Every field: number, value (0 but for varints), and the range of its bytes (empty but for lengths)."""
        at = self.start
        while at < self.end:
            self.data.step(MAX_FIELDS)
            key, at = self._varint(at)
            number, kind = key >> 3, key & 7
            value, size = 0, 0
            if kind == VARINT:
                value, at = self._varint(at)
            elif kind == BYTES:
                size, at = self._varint(at)
            elif kind in (FIXED64, FIXED32):
                size = 8 if kind == FIXED64 else 4
            else:
                raise Unreadable(f"byte {at}: no such kind of field")
            if size > self.end - at or number == 0:
                raise Unreadable(f"byte {at}: a field reaches beyond its message")
            yield number, value, Span(self.data, at, at + size)
            at += size

    def all(self, number: int) -> Iterator[Span]:
        """The messages or texts of one field."""
        return (span for found, _, span in self.fields() if found == number)

    def first(self, *numbers: int) -> Span | None:
        """The first message along a path of field numbers."""
        here: Span | None = self
        for number in numbers:
            here = next(here.all(number), None) if here is not None else None
        return here

    def value(self, number: int) -> int | None:
        """The last varint of a field, as a signed number of 64 bits; None when it is absent."""
        last = None
        for field, value, _ in self.fields():
            last = value if field == number else last
        return last if last is None or last < 1 << 63 else last - (1 << 64)

    def text(self) -> str:
        """The bytes as UTF-8."""
        if self.end - self.start > MAX_NAME:
            raise Unreadable(f"byte {self.start}: a name of {self.end - self.start:,} bytes")
        try:
            return self.data.part(self.start, self.end - self.start).decode()
        except UnicodeDecodeError:
            raise Unreadable(f"byte {self.start}: a name that is not UTF-8") from None

    def _varint(self, at: int) -> tuple[int, int]:
        byte = self.data.byte(at) if at < self.end else -1
        if 0 <= byte < 0x80:  # most are as short as this
            return byte, at + 1
        value = shift = 0
        for byte in self.data.part(at, min(10, self.end - at)):
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value & ((1 << 64) - 1), at + shift // 7
        if shift == 70:
            raise Unreadable(f"byte {at}: a number of more than ten bytes")
        raise Unreadable(f"byte {at}: it ends within a number")


def message(data: Bytes) -> Span:
    """A whole file as a message."""
    return Span(data, 0, len(data))
