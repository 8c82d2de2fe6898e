"""What an unfinished apply was doing: read with distrust, and understood."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.core.tree import MANAGED, OnDisk, Record, digest
from mlcc.plan import journal
from mlcc.plan.changes import Change, Known, Plan
from mlcc.plan.journal import Entry, Journal, recover_state

OLD, NEW, EDIT, BASE_OLD, BASE_NEW = b"old", b"new", b"edit", b"base old", b"base new"
D = {data: digest(data) for data in (OLD, NEW, EDIT, BASE_OLD, BASE_NEW)}
PATH = "do/config"


def test_a_journal_is_read_back():
    made = Journal("stage-2", {"a": Entry(D[OLD], D[NEW], None, D[NEW], 0o755), "b": Entry(None, None, D[OLD], None)})
    assert journal.read_journal(made.dump()) == made


def document(**changes: object) -> bytes:
    return json.dumps(
        {"version": 1, "stage": "stage-1", "entries": {"a": [None, D[NEW], None, D[NEW], 420]}, **changes}
    ).encode()


def test_the_plain_document_is_a_journal():
    assert journal.read_journal(document()) == Journal("stage-1", {"a": Entry(None, D[NEW], None, D[NEW], 0o644)})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"3",
        b'"x"',
        b"\xff",
        b"{}",
        b"[" * 100_000,
        document(version=2),
        document(version="1"),
        document(version=None),
        document(stage="stage-3"),
        document(stage="../.."),
        document(stage=None),
        document(stage=["stage-1"]),
        document(entries=None),
        document(entries=[]),
        document(entries={"a": None}),
        document(entries={"a": []}),
        document(entries={"a": {}}),
        document(entries={"a": "xxxxx"}),
        document(entries={"a": [None, None, None, None]}),
        document(entries={"a": [1, None, None, None, 420]}),
        document(entries={"a": ["short", None, None, None, 420]}),
        document(entries={"a": [None, None, None, None, None]}),
        document(entries={"a": [None, None, None, None, "x"]}),
        document(entries={"a": [None, None, None, None, []]}),
        document(entries={"a": [None, None, None, None, None, 420]}),
        document(entries={"a": [None, None, None, None, float("nan")]}),
    ],
)
def test_what_is_no_journal_is_none(data):
    assert journal.read_journal(data) is None


@pytest.mark.parametrize("mode", ["Infinity", "-Infinity", "1e999"])
def test_an_infinite_mode_is_no_journal_either(mode):
    assert journal.read_journal(document().replace(b"420", mode.encode())) is None


@given(st.binary(max_size=100))
def test_any_bytes_are_a_journal_or_none(data):
    assert journal.read_journal(data) is None


def test_modes_are_permission_bits_only():
    assert journal.read_journal(document(entries={"a": [None, None, None, None, 0o104755]})).entries["a"].mode == 0o755


# ---------------------------------------------------------------- recovery
ENTRY = Entry(D[OLD], D[NEW], D[BASE_OLD], D[BASE_NEW], 0o755)
CREATED = Entry(None, D[NEW], None, D[BASE_NEW])
DELETED = Entry(D[OLD], None, D[BASE_OLD], None)
ADOPTED = Entry(D[OLD], D[OLD], None, D[OLD])
STAGED = {D[NEW]: NEW, D[BASE_NEW]: BASE_NEW}
CASES = [
    # name, entry, on disk, in the base, staged, base afterwards
    ("nothing was switched", ENTRY, OLD, BASE_OLD, STAGED, BASE_OLD),
    ("the file was switched, the base was not", ENTRY, NEW, BASE_OLD, STAGED, BASE_NEW),
    ("both were switched", ENTRY, NEW, BASE_NEW, {}, BASE_NEW),
    ("only the base was switched", ENTRY, OLD, BASE_NEW, {D[BASE_OLD]: BASE_OLD}, BASE_OLD),
    ("only the base, and the old one is gone", ENTRY, OLD, BASE_NEW, {}, BASE_NEW),
    ("the user edited it meanwhile", ENTRY, EDIT, BASE_OLD, STAGED, BASE_OLD),
    ("the user edited it, the base was switched", ENTRY, EDIT, BASE_NEW, STAGED, BASE_NEW),
    ("the user removed it meanwhile", ENTRY, None, BASE_OLD, STAGED, BASE_OLD),
    ("created, base not yet", CREATED, NEW, None, STAGED, BASE_NEW),
    ("created, not yet", CREATED, None, None, STAGED, None),
    ("created, base already", CREATED, NEW, BASE_NEW, {}, BASE_NEW),
    ("deleted, base not yet", DELETED, None, BASE_OLD, {}, None),
    ("deleted, both", DELETED, None, None, {}, None),
    ("not yet deleted", DELETED, OLD, BASE_OLD, {}, BASE_OLD),
    ("adopted", ADOPTED, OLD, None, {}, None),
    ("the staged bytes are gone", ENTRY, NEW, BASE_OLD, {}, BASE_OLD),
    ("what is wanted stands on disk", Entry(D[OLD], D[NEW], D[OLD], D[NEW]), NEW, OLD, {}, NEW),
]


@pytest.mark.parametrize(
    ("entry", "disk", "base", "staged", "after"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_recovery(entry, disk, base, staged, after):
    observed = {PATH: OnDisk(disk)} if disk is not None else {}
    found = recover_state(
        Journal("stage-1", {PATH: entry}), observed, {PATH: base} if base else {}, {}, staged, lambda p: True
    )
    assert found.base.get(PATH) == after
    record = found.records.get(PATH)
    assert record is None or record == Record(MANAGED, entry.mode, digest(found.base[PATH]))


def test_a_path_that_no_layer_renders_is_left_alone():
    made = Journal("stage-1", {"../../x": ENTRY, ".git/config": ENTRY})
    found = recover_state(made, {".git/config": OnDisk(NEW)}, {}, {}, STAGED, lambda p: False)
    assert (found.base, found.records) == ({}, {})


def test_a_forged_journal_cannot_make_a_user_s_file_look_like_mlcc_s():
    """The base may only get bytes whose digest the journal names, and only where the disk agrees."""
    forged = Journal("stage-1", {PATH: Entry(None, D[EDIT], None, D[EDIT])})
    records = {PATH: Record(MANAGED, 0o644, D[OLD])}
    found = recover_state(forged, {PATH: OnDisk(EDIT)}, {PATH: OLD}, records, {}, lambda p: True)
    assert digest(found.base[PATH]) == found.records[PATH].digest


def test_recovery_leaves_its_arguments_alone():
    base, records = {PATH: BASE_OLD}, {}
    recover_state(Journal("stage-1", {PATH: ENTRY}), {PATH: OnDisk(NEW)}, base, records, STAGED, lambda p: True)
    assert (base, records) == ({PATH: BASE_OLD}, {})


BYTES = st.sampled_from([None, OLD, NEW, EDIT])


@given(BYTES, BYTES, BYTES, BYTES, BYTES, BYTES)
def test_the_base_afterwards_is_one_that_is_named(old, new, base_old, base_new, disk, base):
    named = [digest(x) if x is not None else None for x in (old, new, base_old, base_new)]
    observed = {PATH: OnDisk(disk)} if disk is not None else {}
    staged = {digest(x): x for x in (new, base_new) if x is not None}
    found = recover_state(
        Journal("stage-1", {PATH: Entry(*named)}), observed, {PATH: base} if base else {}, {}, staged, lambda p: True
    )
    assert found.base.get(PATH) in (base, base_old, base_new)
    if disk == new and old != new:
        assert found.base.get(PATH) in (base_new, base)


# ---------------------------------------------------------------- a journal that stands in the place of another
def known(earlier_base: dict[str, bytes], disk: dict[str, bytes]) -> Known:
    """What a recovered tree looks like to the planner."""
    observed = {path: OnDisk(data, 0o644) for path, data in disk.items()}
    return Known(observed, earlier_base, producible=lambda path: not path.startswith(".."))


def test_a_second_journal_takes_over_what_the_first_one_tells():
    """The first apply switched the file and was killed before the lock: only its journal knows that mlcc wrote it."""
    first = Journal("stage-1", {"do/x": Entry(None, digest(b"new"), None, digest(b"new"), 0o755)})
    plan = Plan((Change("do/x", "unchanged"),), {"do/x": b"new"}, {})
    second = journal.journal_of_plan("stage-2", plan, known({"do/x": b"new"}, {"do/x": b"new"}), first)
    new = digest(b"new")
    assert second.entries == {"do/x": Entry(new, new, new, new, 0o755)}
    assert journal.journal_of_plan("stage-2", plan, known({"do/x": b"new"}, {"do/x": b"new"}), None).entries == {}
    # killed again before the lock is written, it is still known
    found = journal.recover_state(second, {"do/x": OnDisk(b"new", 0o755)}, {}, {}, {new: b"new"}, lambda path: True)
    assert found.base == {"do/x": b"new"}
    assert found.records["do/x"] == Record("managed", 0o755, new)


def test_what_is_gone_stays_reported():
    """The first apply deleted the file; the base tree may still hold it when the second is killed too."""
    old = digest(b"old")
    first = Journal("stage-1", {"do/x": Entry(old, None, old, None)})
    second = journal.journal_of_plan("stage-2", Plan((), {}, {}), known({}, {}), first)
    assert second.entries == {"do/x": Entry(None, None, None, None)}
    found = journal.recover_state(second, {}, {"do/x": b"old"}, {}, {}, lambda path: True)
    assert found.base == {}


def test_only_what_a_layer_renders_is_taken_over():
    first = Journal("stage-1", {"../x": Entry(None, None, None, None)})
    assert journal.journal_of_plan("stage-2", Plan((), {}, {}), known({}, {}), first).entries == {}


def test_a_change_of_today_counts_before_what_was_recorded():
    first = Journal("stage-1", {"a": Entry(None, digest(b"1"), None, digest(b"1"), 0o755)})
    plan = Plan((Change("a", "update", b"2", 0o644), Change("b", "delete")), {"a": b"2"}, {})
    made = journal.journal_of_plan("stage-2", plan, known({"a": b"1", "b": b"b"}, {"a": b"1", "b": b"b"}), first)
    assert made.entries["a"] == Entry(digest(b"1"), digest(b"2"), digest(b"1"), digest(b"2"), 0o644)
    assert made.entries["b"] == Entry(digest(b"b"), None, digest(b"b"), None)
