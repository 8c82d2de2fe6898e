"""Three-way merge by lines: clean only where one side alone changed a region, or both alike."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.core import conflict_marks
from mlcc.plan.merge import MAX_LINES, merge_texts

LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"d\n", b"\n"]), max_size=8).map(b"".join)
FILES = st.tuples(LINES, st.sampled_from([b"", b"end", b"end\r"])).map(b"".join)


def lines(*words: str) -> bytes:
    return "".join(f"{w}\n" for w in words).encode()


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        ("abc", "abc", "abc", "abc"),
        ("abc", "xbc", "abc", "xbc"),
        ("abc", "abc", "abx", "abx"),
        ("abcd", "xbcd", "abcx", "xbcx"),
        ("abc", "xabc", "abcy", "xabcy"),
        ("abcde", "ace", "abcdef", "acef"),
        ("abcde", "acde", "abce", "ace"),
        ("abc", "abxc", "abxc", "abxc"),
        ("abcd", "abxcd", "xbcd", "xbxcd"),
        ("", "a", "a", "a"),
        ("abc", "", "abc", ""),
        ("abcdef", "abXdef", "abcdYf", "abXdYf"),
    ],
)
def test_clean_merges(base, ours, theirs, merged):
    found = merge_texts(lines(*base), lines(*ours), lines(*theirs))
    assert (found.data, found.conflicts) == (lines(*merged), 0)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "conflicts"),
    [
        ("abc", "axc", "ayc", 1),
        ("abc", "xbc", "abc", 0),
        ("abc", "ac", "axc", 1),
        ("ab", "abx", "aby", 1),
        ("abc", "xbc", "ayc", 1),
        ("abcde", "xbcdy", "zbcdw", 2),
        ("", "a", "b", 1),
    ],
)
def test_how_many_regions_conflict(base, ours, theirs, conflicts):
    assert merge_texts(lines(*base), lines(*ours), lines(*theirs)).conflicts == conflicts


@pytest.mark.parametrize(
    ("base", "ours", "theirs"),
    [
        ("aca", "xacca", "acza"),  # the c that theirs changed has become two
        ("bba", "abb", "a"),  # ours moved a line, past lines that theirs removed
        ("baaac", "aba", "bxaaac"),
        ("cbdcd", "cabdcd", "dcbdy"),
        ("bdcd", "abddc", "bbddc"),  # both added a line like others, each at a place of its own
        ("caccc", "caccyc", "acccc"),
    ],
)
def test_what_can_be_read_in_two_ways_is_a_conflict(base, ours, theirs):
    assert merge_texts(lines(*base), lines(*ours), lines(*theirs)).conflicts >= 1


def test_a_line_that_both_added_is_not_doubled():
    assert merge_texts(lines(*"ccab"), lines(*"cyabb"), lines(*"ccabb")) == (lines(*"cyabb"), 0)


@pytest.mark.parametrize("end", ["\r", "\f", "\v", "\x1c", "\x85", "\u2028"])
def test_a_line_ends_with_a_line_feed_and_with_nothing_else(end):
    """As Git counts lines: the carriage returns of a progress bar end none."""
    base, ours, theirs = (f"1{end}2{end}{last}\n".encode() for last in "334")
    assert merge_texts(base, ours.replace(b"1", b"0"), theirs).conflicts == 1


def test_conflicts_are_written_as_diff3_writes_them():
    found = merge_texts(lines(*"abc"), lines(*"axc"), lines(*"ayc"), labels=("mine", "old", "new"))
    assert found.data == b"a\n<<<<<<< mine\nx\n||||||| old\nb\n=======\ny\n>>>>>>> new\nc\n"


def test_sides_without_a_newline_at_the_end_keep_their_markers_apart():
    found = merge_texts(b"a", b"x", b"y")
    assert found.data == b"<<<<<<< yours\nx\n||||||| before\na\n=======\ny\n>>>>>>> mlcc\n"
    assert found.conflicts == 1


@pytest.mark.parametrize(
    ("base", "ours", "theirs"),
    [
        (b"a\0", b"b\0", b"c\0"),
        (b"a\n", b"\0b\n", b"c\n"),
        (b"x\n" * (MAX_LINES + 1), b"y\n" + b"x\n" * MAX_LINES, b"z\n"),
    ],
)
def test_binary_and_very_long_files_are_a_person_s_business(base, ours, theirs):
    assert merge_texts(base, ours, theirs).conflicts == 1


@given(FILES, FILES)
def test_a_side_that_changed_nothing_gives_way(base, other):
    assert merge_texts(base, base, other).data == other
    assert merge_texts(base, other, base).data == other
    assert merge_texts(base, base, other).conflicts == merge_texts(base, other, base).conflicts == 0


@given(FILES, FILES)
def test_the_same_change_on_both_sides_is_clean(base, both):
    found = merge_texts(base, both, both)
    assert (found.data, found.conflicts) == (both, 0)


@given(FILES, FILES, FILES)
def test_the_sides_are_alike(base, ours, theirs):
    one, other = merge_texts(base, ours, theirs), merge_texts(base, theirs, ours)
    assert bool(one.conflicts) == bool(other.conflicts)
    if not one.conflicts:
        assert one.data == other.data


@given(LINES, LINES, LINES)
def test_no_line_that_either_side_added_is_lost(base, ours, theirs):
    found = merge_texts(base, ours, theirs).data.splitlines()
    for side in (ours, theirs):
        assert set(side.splitlines()) - set(base.splitlines()) <= set(found)


@given(LINES, LINES, LINES)
def test_a_conflict_holds_both_sides_whole(base, ours, theirs):
    found = merge_texts(base, ours, theirs)
    starts = found.data.count(b"<<<<<<< yours\n")
    assert starts == found.data.count(b"\n=======\n") == found.data.count(b">>>>>>> mlcc\n") == found.conflicts


@given(LINES, LINES, LINES)
def test_choosing_one_side_of_every_conflict_keeps_all_its_lines(base, ours, theirs):
    """Our side of all conflicts, and the clean regions, hold each of our own lines as often as we added it."""
    mine, taking = [], True
    for line in merge_texts(base, ours, theirs).data.splitlines():
        if line.startswith(b"|||||||"):
            taking = False
        elif line.startswith(b">>>>>>>"):
            taking = True
        elif taking and not line.startswith(b"<<<<<<<"):
            mine.append(line)
    for line in set(ours.splitlines()) - set(base.splitlines()):
        assert mine.count(line) >= ours.splitlines().count(line)


@pytest.mark.parametrize("size", [2_000, 8_000])
def test_merging_a_file_of_unlike_lines_is_quick(size):
    base = [b"%d\n" % n for n in range(size)]
    ours, theirs = base.copy(), base.copy()
    ours[10], theirs[-10] = b"x\n", b"y\n"
    before = time.perf_counter()
    assert merge_texts(b"".join(base), b"".join(ours), b"".join(theirs)).conflicts == 0
    assert time.perf_counter() - before < 5


def test_merging_a_file_of_like_lines_ends():
    base = b"same\n" * 1_000
    before = time.perf_counter()
    merge_texts(base, b"x\n" + base, base + b"y\n")
    assert time.perf_counter() - before < 5


# ---------------------------------------------------------------- marks
@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("", []),
        ("a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> x\n", [2]),
        ("<<<<<<<\r\nb\r\n=======\r\nc\r\n>>>>>>>\r\n", [1]),
        ("<<<<<<< a\n||||||| b\n=======\n>>>>>>> c", [1]),
        ("<<<<<<< a\n=======\n>>>>>>> b\n" * 2, [1, 4]),
        (" <<<<<<< a\n=======\n>>>>>>> b\n", []),
        ("<<<<<<< a\n>>>>>>> b\n=======\n", []),
        ("=======\n<<<<<<< a\n>>>>>>> b\n", []),
        ("<<<<<<<< a\n=======\n>>>>>>> b\n", []),
        ("Title\n=======\n", []),
    ],
)
def test_conflicts_are_known_by_their_three_marks(text, begins):
    assert conflict_marks.conflicts(text.encode()) == begins
