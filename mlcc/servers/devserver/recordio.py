"""RecordIO as MXNet writes it.  Law: a frame that is not whole is an error, and nothing of it is guessed.

A frame is a magic number, a word with a flag (3 bits) and a length (29 bits), and the data, padded to four bytes.  A
record whose data has the magic number in it lies in several frames, between which that number was left out
(dmlc-core, recordio.h).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from mlcc.core.records import NamedTuple

MAGIC = struct.pack("<I", 0xCED7230A)
HEAD = struct.Struct("<4sI")
LENGTH_BITS, ALIGNMENT = 29, 4
WHOLE, FIRST, MIDDLE, LAST = range(4)


class NotRecordIo(ValueError):
    """Data that has another form; the text says where."""


class Record(NamedTuple):
    """A record as it lies in the data, frames and padding included, and what it is without them."""

    framed: bytes
    payload: bytes


def records(data: bytes) -> Iterator[Record]:
    """The records of some data.  Raises NotRecordIo."""
    start = at = 0
    parts: list[bytes] = []
    while at < len(data):
        flag, part, end = _frame(data, at)
        if flag not in ((MIDDLE, LAST) if parts else (WHOLE, FIRST)):
            raise NotRecordIo(f"the frame at byte {at} is out of order")
        parts.append(part)
        at = end
        if flag in (WHOLE, LAST):
            yield Record(data[start:at], MAGIC.join(parts))
            start, parts = at, []
    if parts:
        raise NotRecordIo(f"the record at byte {start} has no end")


def _frame(data: bytes, at: int) -> tuple[int, bytes, int]:
    """Flag and data of a frame, and where the next one begins."""
    if at + HEAD.size > len(data):
        raise NotRecordIo(f"the frame at byte {at} is not whole")
    magic, word = HEAD.unpack_from(data, at)
    if magic != MAGIC:
        raise NotRecordIo(f"there is no RecordIO frame at byte {at}")
    size, begin = word & ((1 << LENGTH_BITS) - 1), at + HEAD.size
    end = begin + size + -size % ALIGNMENT
    if end > len(data):
        raise NotRecordIo(f"the frame at byte {at} is not whole")
    return word >> LENGTH_BITS, data[begin : begin + size], end
