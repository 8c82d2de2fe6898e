"""What mlcc shows of a text and what it escapes, compared with Unicode's own tables (G20)."""

from __future__ import annotations

import regex

from mlcc.core.text import printable
from tests.stress.faults import figure

UNSEEN = regex.compile(
    r"[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\uFFF9-\uFFFB\u2800]"
)


def test_every_code_point_is_shown_or_escaped_by_its_properties() -> None:
    """Compared with Unicode's own properties, as the `regex` package has them."""
    wrong = []
    planes = [range(plane << 16, plane + 1 << 16, 256) for plane in range(17)]
    few = [start for plane in planes for start in (plane if plane[0] >> 16 in (0, 1, 14) else (plane[0], plane[-1]))]
    for start in figure(range(0, 0x110000, 256), few):  # the other planes are ideographs, private, or not assigned
        points = range(start, start + 256)
        together = "".join(f"a{chr(p)}b" for p in points)
        if UNSEEN.search(together) is None and printable(together, 0) == together:
            continue  # all are shown, as they are to be
        wrong += [
            hex(p) for p in points if bool(UNSEEN.fullmatch(chr(p))) != (printable(f"a{chr(p)}b", 0) != f"a{chr(p)}b")
        ]
    assert wrong == []
