"""Conflict marks in a text.  Law: stdlib only; Git's marks and mlcc's own are one kind."""

from __future__ import annotations

BEGIN, MIDDLE, END = b"<<<<<<<", b"=======", b">>>>>>>"


def conflicts(data: bytes) -> list[int]:
    """The lines at which conflicts begin: marks of all three kinds, in order, each at the start of a line."""
    found: list[int] = []
    if BEGIN not in data or END not in data:
        return found
    begin, middle = 0, False
    for number, line in enumerate(data.split(b"\n"), 1):
        line = line.rstrip(b"\r")
        kind = line.partition(b" ")[0]
        if kind == BEGIN:
            begin, middle = number, False
        elif line == MIDDLE:
            middle = bool(begin)
        elif kind == END and middle:
            found.append(begin)
            begin, middle = 0, False
    return found
