"""Parts of a large JSON text, found without reading the rest into Python's objects.  Law: stdlib; linear; counted.

A text of 64 MiB would become objects of twenty times that.  So brackets and strings are followed, and what is not asked
for is passed over: that it is JSON there is not checked.
"""

from __future__ import annotations

import re
from collections.abc import Container

from mlcc.lookups.model_files.found import TooMuch, Unreadable

MAX_DEPTH, MAX_STEPS, MAX_PART = 128, 3_000_000, 64 << 10
_MARK = re.compile(rb'["{}\[\]]')
_STOP = re.compile(rb'["\\]')
_VALUE = re.compile(rb"[ \t\r\n]*:")
_SPACE = b" \t\r\n"
_CLOSED = {ord("}"): ord("{"), ord("]"): ord("[")}
_QUOTE, _OBJECT, _ESCAPE = ord('"'), ord("{"), ord("\\")


class _Text:
    """A text with a count of the steps through it."""

    def __init__(self, data: bytes) -> None:
        self.data, self.steps = data, 0

    def find(self, pattern: re.Pattern[bytes], at: int) -> int:
        """Where a pattern comes next, -1 for nowhere."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise TooMuch(f"it has more than {MAX_STEPS:,} texts and brackets, which is the most that mlcc reads")
        found = pattern.search(self.data, at)
        return found.start() if found is not None else -1

    def string_end(self, at: int) -> int:
        """The place after a string that begins at `at`."""
        here = at + 1
        while (stop := self.find(_STOP, here)) >= 0 and self.data[stop] == _ESCAPE:
            here = stop + 2
        if stop < 0:
            raise Unreadable("it is not JSON: it ends within a text")
        return stop + 1


def parts(data: bytes, outer: bytes, wanted: Container[bytes]) -> dict[bytes, bytes]:
    """The objects that stand at `outer`.KEY of a JSON document, for each wanted key that is there, as they are written.

    Raises Unreadable where brackets do not close, or a part is too large.
    """
    text, found = _Text(data), dict[bytes, bytes]()
    opened, keys = bytearray(), [b"", b""]
    begin = at = len(data) - len(data.lstrip(b"\xef\xbb\xbf" + _SPACE))
    while (at := text.find(_MARK, at)) >= 0:
        mark, depth = data[at], len(opened)
        if mark == _QUOTE:
            end = text.string_end(at)
            if depth in (1, 2) and opened[-1] == _OBJECT and _VALUE.match(data, end):
                keys[depth - 1] = data[at + 1 : min(end - 1, at + 100)]
            at = end
            continue
        if mark in _CLOSED:
            if not opened or opened.pop() != _CLOSED[mark]:
                raise Unreadable(f"it is not JSON: byte {at} closes what is not open")
            if depth == 3 and opened == b"{{" and mark == ord("}") and keys[0] == outer and keys[1] in wanted:
                found[keys[1]] = _part(data, begin, at + 1)
            if not opened:
                break
        else:
            if depth == MAX_DEPTH:
                raise Unreadable(f"it is not JSON of a model: more than {MAX_DEPTH} brackets, one in another")
            begin = at if depth == 2 else begin
            opened.append(mark)
        at += 1
    if opened or at < 0 or data[at + 1 :].strip(_SPACE):
        raise Unreadable("it is not JSON: it ends too early, or something follows its end")
    return found


def _part(data: bytes, begin: int, end: int) -> bytes:
    if end - begin > MAX_PART:
        raise TooMuch(f"byte {begin}: an object of {end - begin:,} bytes; {MAX_PART:,} are the most that mlcc reads")
    return data[begin:end]
