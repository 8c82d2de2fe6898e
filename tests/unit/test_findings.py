"""Findings, and the one function that makes foreign text safe."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.core.findings import Finding, Severity, error, has_errors, ordered
from mlcc.core.text import allowed, nearest, printable, quoted

# Unicode's Bidi_Control property.
BIDI = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
INVISIBLE = {0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF}
SEPARATORS = {0x2028, 0x2029}


def dangerous(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs") or ord(char) in BIDI | INVISIBLE | SEPARATORS


@given(st.text(st.characters(codec=None), max_size=300))
def test_printable_lets_no_control_through(text):
    assert not [hex(ord(c)) for c in printable(text, 0) if dangerous(c)]


POINTS = sorted({*range(0x20), *range(0x7F, 0xA0), *BIDI - {0x061C}, *INVISIBLE, *SEPARATORS, 0xD800, 0xE0041})


@pytest.mark.parametrize("point", [*POINTS, 0x061C])
def test_printable_escapes_each_dangerous_character(point):
    shown = printable(f"a{chr(point)}b")
    assert chr(point) not in shown
    assert shown.isascii()
    assert shown.startswith("a\\")


@pytest.mark.parametrize("text", ["plain", "ümläut", "日本語", "emoji 🙂", "a  b", "C:\\x", "{{ x }}", "$(x)"])
def test_printable_leaves_text_alone(text):
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\nb", "a\\nb"), ("a\tb", "a\\tb"), ("\r", "\\r"), ("\x1b[31m", "\\x1b[31m"), ("\x9b31m", "\\x9b31m")],
)
def test_printable_uses_the_usual_escapes(text, shown):
    assert printable(text) == shown


@pytest.mark.parametrize(("length", "limit", "expected"), [(10, 10, 10), (11, 10, 10), (500, 0, 500), (500, 120, 120)])
def test_printable_cuts(length, limit, expected):
    shown = printable("x" * length, limit)
    assert len(shown) == expected
    assert shown.endswith("...") == (expected < length)


def test_quoted_escapes_inside_its_quotes():
    assert quoted("a\x1bb") == "'a\\x1bb'"


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("deploymnt", "deployment"),
        ("Deployment", "deployment"),
        ("instance-type", "instance_type"),
        ("zzz", ""),
        ("", ""),
        ("d" * 81, ""),
    ],
)
def test_nearest(word, near):
    assert nearest(word, ["deployment", "instance_type", "model"]) == near


def test_nearest_also_tries_the_hyphens():
    assert nearest("http-fastap", ["http-fastapi", "http-flask"]) == "http-fastapi"


def test_allowed_is_sorted_and_short():
    assert allowed(["b", "a"]) == "a, b"
    assert allowed(map(str, range(10, 25)), 12) == "10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21 and 3 more"


def finding(**changes: object) -> Finding:
    return Finding(**{"code": "MLCC100", "severity": Severity.ERROR, "message": "m", **changes})


def test_findings_are_ordered_by_place_and_each_is_shown_once():
    late, early = finding(file="a", line=9), finding(file="a", line=2, column=5)
    column, other = finding(file="a", line=2, column=1), finding(file="b")
    assert ordered([other, late, early, column, late]) == [column, early, late, other]


@pytest.mark.parametrize(
    ("made", "place"),
    [
        (finding(), "mlcc"),
        (finding(file="f"), "f"),
        (finding(file="f", line=3), "f:3:1"),
        (finding(file="f", line=3, column=7), "f:3:7"),
    ],
)
def test_place(made, place):
    assert made.place == place


def test_has_errors_counts_errors_only():
    assert has_errors([finding(severity=Severity.WARNING), error("X", "y")])
    assert not has_errors([finding(severity=Severity.WARNING), finding(severity=Severity.NOTE)])
    assert not has_errors([])


def test_severities_are_ordered_and_named():
    assert [s.label for s in sorted(Severity)] == ["note", "warning", "error"]
