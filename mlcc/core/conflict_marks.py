"""Conflict marks in a text.  Law: stdlib only; Git's marks and mlcc's own are one kind."""

from __future__ import annotations

from mlcc.core.line_diff import lines_of

BEGIN, ANCESTOR, MIDDLE, END = b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>"


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


def sides(data: bytes) -> tuple[bytes, bytes]:
    """The two texts between which a text with conflict marks is undecided; what lies outside the marks is in both."""
    begins = set(conflicts(data))
    ours, theirs = list[bytes](), list[bytes]()
    into: tuple[list[bytes], ...] = (ours, theirs)
    inside = False
    for number, line in enumerate(lines_of(data), 1):
        kind = line.rstrip(b"\r\n").partition(b" ")[0]
        if number in begins:
            inside, into = True, (ours,)
        elif inside and kind == ANCESTOR:
            into = ()
        elif inside and kind == MIDDLE:
            into = (theirs,)
        elif inside and kind == END:
            inside, into = False, (ours, theirs)
        else:
            for side in into:
                side.append(line)
    return b"".join(ours), b"".join(theirs)
