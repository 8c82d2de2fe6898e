"""Which side's record, choice, base and file counts where Git could not merge two branches (plan/branches)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.core.conflict_marks import sides
from mlcc.core.tree import MANAGED, STAYS_DELETED, OnDisk, Record, Rendered, digest
from mlcc.core.values import HeldChoice
from mlcc.plan.branches import Branches, Side, Version, three_way, with_edits
from mlcc.plan.changes import Change, Known, Options
from mlcc.plan.decide import make_plan
from mlcc.plan.lock import Lock

PATH = "do/config"
LINES = [b"a\n", b"b\n", b"c\n", b"d\n", b"e\n"]


def text(**changed: str) -> bytes:
    """The lines a to e; `a="x"` changes one."""
    return b"".join(
        changed[name].encode() + b"\n" if (name := line.decode().strip()) in changed else line for line in LINES
    )


OLD, OURS, THEIRS, NEW = text(), text(a="1"), text(e="2"), text(a="1", e="2")


# ---------------------------------------------------------------- three sides of a mapping
@pytest.mark.parametrize(
    ("before", "ours", "theirs", "merged"),
    [
        (1, 1, 2, 2),
        (1, 2, 1, 2),
        (1, 2, 3, 2),
        (None, None, 2, 2),
        (None, 2, None, 2),
        (None, 2, 3, 2),
        (1, None, 1, None),
        (1, 1, None, None),
        (1, None, 2, 2),
        (1, 2, None, 2),
        (1, None, None, None),
    ],
)
def test_an_entry_is_that_of_the_side_that_changed_it(before, ours, theirs, merged):
    given_ = [{"k": v} if v is not None else {} for v in (before, ours, theirs)]
    assert three_way(*given_).get("k") == merged


# ---------------------------------------------------------------- marks
@pytest.mark.parametrize(
    ("marked", "ours", "theirs"),
    [
        (b"a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> x\nd\n", b"a\nb\nd\n", b"a\nc\nd\n"),
        (b"<<<<<<< HEAD\nb\n||||||| base\no\n=======\nc\n>>>>>>> x\n", b"b\n", b"c\n"),
        (b"<<<<<<< HEAD\r\nb\r\n=======\r\n>>>>>>> x\r\n", b"b\r\n", b""),
        (b"a\n=======\nb\n", b"a\n=======\nb\n", b"a\n=======\nb\n"),
        (b"<<<<<<< HEAD\nb\n", b"<<<<<<< HEAD\nb\n", b"<<<<<<< HEAD\nb\n"),
    ],
)
def test_the_two_sides_of_conflict_marks(marked, ours, theirs):
    assert sides(marked) == (ours, theirs)


@given(st.lists(st.sampled_from([b"<<<<<<< x\n", b"|||||||\n", b"=======\n", b">>>>>>> y\n", b"a\n", b"b\r\n", b"c"])))
def test_sides_hold_lines_of_the_text_only(lines):
    data = b"".join(lines)
    known = set(data.splitlines(keepends=True))
    for side in sides(data):
        assert set(side.splitlines(keepends=True)) <= known


# ---------------------------------------------------------------- files
def side(rendered: bytes, file: bytes | None = None, *, base: bool = True) -> Side:
    """A side that rendered bytes, and whose version of the file is another one where it was edited."""
    lock = Lock(files={PATH: Record(MANAGED, 0o644, digest(rendered))})
    return Side(lock, {}, {PATH: file if file is not None else rendered}, {PATH: rendered} if base else {})


MARKED = b"<<<<<<< HEAD\nx\n=======\ny\n>>>>>>> b\n"


def decide(branches: Branches, options: Options = Options(), disk: bytes = MARKED, new: bytes | None = NEW) -> Change:
    """What is decided about the file."""
    known = Known({PATH: OnDisk(disk)}, {}, branches.lock.files, lambda p: True, branches=branches)
    [change] = make_plan({PATH: Rendered(new)} if new is not None else {}, known, options).changes
    return change


def test_what_both_sides_rendered_gives_way_to_the_new_rendering():
    change = decide(Branches(side(OURS), side(THEIRS), side(OLD)))
    assert (change.action, change.data, change.saved) == ("update", NEW, "")


def test_the_lock_of_a_side_is_enough_to_know_a_rendering():
    change = decide(Branches(side(OURS, base=False), side(THEIRS, base=False)))
    assert (change.action, change.data) == ("update", NEW)


@pytest.mark.parametrize(
    ("ours", "theirs", "merged"),
    [
        (text(a="1", c="mine"), None, text(a="1", c="mine", e="2")),
        (None, text(e="2", c="mine"), text(a="1", c="mine", e="2")),
        (text(a="1", c="mine"), text(e="2", c="mine"), text(a="1", c="mine", e="2")),
        (b"# x\n" + OURS, THEIRS + b"# y\n", b"# x\n" + NEW + b"# y\n"),
    ],
    ids=["ours", "theirs", "the same on both", "both"],
)
def test_edits_of_a_side_are_carried_over(ours, theirs, merged):
    change = decide(Branches(side(OURS, ours), side(THEIRS, theirs), side(OLD)))
    assert (change.action, change.data) == ("merge", merged)


def test_edits_that_touch_are_a_conflict():
    branches = Branches(side(OURS, text(a="1", c="x")), side(THEIRS, text(c="y", e="2")), side(OLD))
    assert (decide(branches).action, decide(branches).writes) == ("conflict", False)
    marked = decide(branches, Options(merge=True))
    assert marked.action == "conflict"
    # each edit beside the line of the other branch, under the name of whose it is
    assert b"<<<<<<< yours\nx\n||||||| before\nc\n=======\ny\n>>>>>>> theirs\n" in marked.data
    forced = decide(branches, Options(force=True))
    assert (forced.action, forced.data, forced.saved) == ("update", NEW, PATH + ".mlcc-saved")


def test_an_edit_whose_rendering_is_not_known_is_a_conflict():
    branches = Branches(side(OURS, text(c="x"), base=False), side(THEIRS, base=False))
    assert decide(branches).action == "conflict"
    assert not decide(branches, Options(merge=True)).writes


def test_a_file_that_git_merged_is_nobody_s_edit():
    """Git merged do/config, but not its base: the merged bytes are what both sides rendered."""
    sides_ = [side(data)._replace(files={}) for data in (OURS, THEIRS, OLD)]
    branches = Branches(*sides_)
    assert decide(branches, disk=NEW, new=text(a="1", b="new", e="2")).action == "update"
    assert decide(branches, disk=THEIRS).action == "update", "somebody took their side"
    edit = decide(branches, disk=NEW + b"# mine\n", new=text(a="1", b="new", e="2"))
    assert (edit.action, edit.data) == ("merge", text(a="1", b="new", e="2") + b"# mine\n")


def test_a_file_that_is_no_longer_rendered_goes_unless_a_side_edited_it():
    assert decide(Branches(side(OURS), side(THEIRS)), new=None).action == "delete"
    assert decide(Branches(side(OURS), side(THEIRS, text(c="x"))), new=None).action == "keep"


def test_binary_edits_are_not_merged():
    assert with_edits(b"new", [Version("ours", b"\0x", False, b"\0y")]) is None


def test_the_base_without_a_clean_merge_is_ours():
    assert Branches(side(text(a="1")), side(text(a="2")), side(OLD)).base(PATH) == text(a="1")
    assert Branches(side(OURS), Side()).base(PATH) == OURS
    assert Branches(Side(), side(THEIRS)).base(PATH) == THEIRS
    assert Branches(Side(), Side()).base(PATH) is None


def test_the_answer_of_one_side_about_a_deletion_is_kept():
    record = Record(MANAGED, 0o644, digest(OURS), STAYS_DELETED)
    ours, theirs = side(OURS), side(THEIRS)
    for answered in (
        Branches(ours._replace(lock=Lock(files={PATH: record})), theirs),
        Branches(ours, theirs._replace(lock=Lock(files={PATH: record}))),
    ):
        assert answered.lock.files[PATH].edited == STAYS_DELETED


@pytest.mark.parametrize(
    ("before", "ours", "theirs", "disputed"),
    [
        ("1", "1", "1", False),
        ("1", "2", "1", False),
        ("1", "1", "2", False),
        ("1", "2", "2", False),
        ("1", "2", "3", True),
        (None, "2", "3", True),
        ("1", "2", None, False),
        ("1", None, "2", False),
    ],
)
def test_choices_are_disputed_where_both_sides_moved_them(before, ours, theirs, disputed):
    path = ("framework", "version")
    sides_ = [Side(choices={path: HeldChoice(value, "sklearn")} if value else {}) for value in (ours, theirs, before)]
    assert ([*Branches(*sides_).disputed] == [path]) is disputed
    assert not Branches(*sides_, settled=Side()).disputed
