"""Every row of the decision table (mlcc/plan/decide.py), and what may be deleted, restored, saved and recorded."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.core.tree import MANAGED, SEED, STAYS_DELETED, OnDisk, Record, Rendered, digest
from mlcc.plan.changes import ACTIONS, Beside, Change, Known, Options, Plan
from mlcc.plan.decide import make_plan, matching
from mlcc.plan.merge import merge_texts
from tests.helpers import codes, only

PATH = "do/config"
A, B, C = b"one\ntwo\nthree\n", b"ONE\ntwo\nthree\n", b"one\ntwo\nTHREE\n"  # B and C touch different lines of A
D = b"1\ntwo\nthree\n"  # touches the line that B touches
BC = b"ONE\ntwo\nTHREE\n"
MARKED = b"<<<<<<< yours\nONE\n||||||| before\none\n=======\n1\n>>>>>>> mlcc\ntwo\nthree\n"
NO_BASE = b"<<<<<<< yours\n" + B + b"||||||| before\n=======\n" + D + b">>>>>>> mlcc\n"
MERGE, FORCE, RESTORE = Options(merge=True), Options(force=True), Options(restore=(PATH,))
SAVED = PATH + ".mlcc-saved"


@dataclass(frozen=True)
class Row:
    """One row: what is recorded, on disk and rendered; and what must come of it."""

    name: str
    base: bytes | None
    disk: bytes | None
    new: bytes | None
    action: str | None
    writes: bytes | None = None
    options: Options = Options()
    saved: str = ""
    edited: bytes | str = ""
    codes: tuple[str, ...] = ()
    blocked: bool = False
    marked: bool = False


CONFLICT = ("MLCC201",)
TABLE = [
    # nothing there yet
    Row("first", None, None, A, "create", A),
    Row("first, --merge", None, None, A, "create", A, MERGE),
    Row("first, --force", None, None, A, "create", A, FORCE),
    # disk = new
    Row("as recorded", A, A, A, "unchanged"),
    Row("adopted", None, A, A, "unchanged"),
    Row("already the new one", A, B, B, "unchanged"),
    # disk = base, new differs
    Row("update", A, A, B, "update", B),
    Row("update, --merge", A, A, B, "update", B, MERGE),
    Row("update, --force", A, A, B, "update", B, FORCE),
    # base = new
    Row("edited", A, B, A, "keep", edited=B),
    Row("edited, --merge", A, B, A, "keep", None, MERGE, edited=B),
    Row("edited, --force", A, B, A, "keep", None, FORCE, edited=B),
    Row("removed", A, None, A, "keep", edited="removed"),
    Row("removed, --force", A, None, A, "keep", None, FORCE, edited="removed"),
    # all differ, clean
    Row("merge", A, B, C, "merge", BC, edited=BC),
    Row("merge, --merge", A, B, C, "merge", BC, MERGE, edited=BC),
    Row("merge, --force", A, B, C, "merge", BC, FORCE, edited=BC),
    # all differ, overlap
    Row("overlap", A, B, D, "conflict", codes=CONFLICT, blocked=True, edited=B),
    Row("overlap, --merge", A, B, D, "conflict", MARKED, MERGE, edited=MARKED, codes=CONFLICT, marked=True),
    Row("overlap, --force", A, B, D, "update", D, FORCE, saved=SAVED, codes=("MLCC204",)),
    # no base and disk differs
    Row("foreign", None, B, D, "conflict", codes=CONFLICT, blocked=True, edited=B),
    Row("foreign, --merge", None, B, D, "conflict", NO_BASE, MERGE, edited=NO_BASE, codes=CONFLICT, marked=True),
    Row("foreign, --force", None, B, D, "update", D, FORCE, saved=SAVED, codes=("MLCC204",)),
    # removed on disk and new differs
    Row("removed, new", A, None, B, "conflict", codes=CONFLICT, blocked=True, edited="removed"),
    Row("removed, new, --merge", A, None, B, "conflict", None, MERGE, codes=CONFLICT, blocked=True, edited="removed"),
    Row("removed, new, --force", A, None, B, "create", B, FORCE),
    # gone from new
    Row("gone", A, A, None, "delete"),
    Row("gone, --force", A, A, None, "delete", None, FORCE),
    Row("gone, edited", A, B, None, "keep", codes=("MLCC202",)),
    Row("gone, edited, --force", A, B, None, "keep", None, FORCE, codes=("MLCC202",)),
    Row("gone, removed", A, None, None, None),
    # --restore
    Row("restore, removed", A, None, A, "create", A, RESTORE),
    Row("restore, edited", A, B, A, "update", A, RESTORE, saved=SAVED, codes=("MLCC204",)),
    Row("restore, overlap", A, B, D, "update", D, RESTORE, saved=SAVED, codes=("MLCC204",)),
    Row("restore, as it is", A, A, A, "unchanged", None, RESTORE),
    Row("restore, foreign", None, B, D, "update", D, RESTORE, saved=SAVED, codes=("MLCC204",)),
]


def plan(row: Row, owner: str = MANAGED, **changes: object) -> Plan:
    known = {
        "observed": {PATH: OnDisk(row.disk)} if row.disk is not None else {},
        "base": {PATH: row.base} if row.base is not None else {},
        "records": {PATH: Record(owner, 0o644, digest(row.base))} if row.base is not None else {},
        "producible": lambda path: True,
        **changes,
    }
    desired = {PATH: Rendered(row.new, owner=owner)} if row.new is not None else {}
    return make_plan(desired, Known(**known), row.options)


@pytest.mark.parametrize("row", TABLE, ids=[r.name for r in TABLE])
def test_the_decision_table(row):
    found = plan(row)
    if row.action is None:
        assert found.changes == ()
        return
    change = only_change(found)
    assert (change.action, change.data, change.saved) == (row.action, row.writes, row.saved)
    assert found.blocked == row.blocked
    assert found.marked == ((PATH,) if row.marked else ())
    assert codes(found.findings) == list(row.codes)
    if row.new is not None:
        assert found.base == {PATH: row.new}
        edited = digest(row.edited) if isinstance(row.edited, bytes) else row.edited
        assert found.records == {PATH: Record(MANAGED, 0o644, digest(row.new), edited)}
    else:
        assert (found.base, found.records) == ({}, {})


def only_change(found: Plan) -> Change:
    assert len(found.changes) == 1
    return found.changes[0]


def test_the_table_has_every_action():
    assert {r.action for r in TABLE} - {None} == set(ACTIONS)


def test_the_table_has_every_case():
    """Every way in which base, disk and new can be absent, equal or different."""

    def shape(row: Row) -> tuple[object, ...]:
        b, d, n = row.base, row.disk, row.new
        return (b is None, d is None, n is None, b == d, d == n, b == n)

    shapes = {shape(Row("", b, d, n, None)) for b in (None, A) for d in (None, A, B) for n in (None, A, B, D)}
    nothing_recorded = {s for s in shapes if s[0] and s[2]}
    assert {shape(r) for r in TABLE} >= shapes - nothing_recorded


# ---------------------------------------------------------------- deletion
@pytest.mark.parametrize(
    "changes",
    [
        {"producible": lambda path: False},
        {"records": {}},
        {"records": {PATH: Record(MANAGED, 0o644, digest(B))}},
        {"observed": {PATH: OnDisk(B)}},
    ],
    ids=["no layer can render it", "not recorded", "the record differs", "edited"],
)
def test_only_what_is_recorded_equal_and_producible_is_deleted(changes):
    found = plan(Row("", A, A, None, "delete"), **changes)
    assert only_change(found).action == "keep"
    assert codes(found.findings) == ["MLCC202"]


def test_a_file_without_a_base_is_never_deleted():
    found = plan(Row("", None, A, None, None), records={PATH: Record(MANAGED, 0o644, digest(A))})
    assert only_change(found).action == "keep"
    assert codes(found.findings) == ["MLCC202"]


# ---------------------------------------------------------------- seeds
@pytest.mark.parametrize("row", [r for r in TABLE if r.disk is not None or r.base is None], ids=lambda r: r.name)
def test_a_seed_obeys_the_same_table_while_it_is_there(row):
    found = plan(row, owner=SEED)
    if row.action is None:
        assert found.changes == ()
        return
    change = only_change(found)
    assert (change.action, change.data, change.saved) == (row.action, row.writes, row.saved)
    assert codes(found.findings) == list(row.codes)
    assert found.base == ({PATH: row.new} if row.new is not None else {})
    # the edits of a seed are its user's business: the lock does not change with them
    assert found.records == ({PATH: Record(SEED, 0o644, digest(row.new))} if row.new is not None else {})


@pytest.mark.parametrize(
    ("options", "action"),
    [(Options(), "keep"), (FORCE, "keep"), (MERGE, "keep"), (RESTORE, "create")],
    ids=["as it is", "--force", "--merge", "--restore"],
)
@pytest.mark.parametrize("new", [A, B], ids=["nothing new", "new lines"])
def test_a_seed_that_was_deleted_stays_deleted(options, action, new):
    found = plan(Row("", A, None, new, None, options=options), owner=SEED)
    assert (only_change(found).action, found.findings, found.blocked) == (action, (), False)


# Earlier releases recorded the digest of a seed, and kept no base.
OLD = {"base": {}, "records": {PATH: Record(SEED, 0o644, digest(A))}}


@pytest.mark.parametrize(
    ("disk", "options", "action", "expected"),
    [
        (A, Options(), "update", []),
        (A, RESTORE, "update", []),
        (B, Options(), "unchanged", []),
        (C, Options(), "keep", ["MLCC203"]),
        (C, RESTORE, "update", ["MLCC204"]),
        (None, Options(), "keep", []),
    ],
    ids=["unedited", "unedited, --restore", "as the new one", "edited", "edited, --restore", "deleted"],
)
def test_a_seed_of_an_earlier_release_follows_unless_it_was_edited(disk, options, action, expected):
    found = plan(Row("", None, disk, B, None, options=options), owner=SEED, **OLD)
    assert only_change(found).action == action
    assert codes(found.findings) == expected
    assert found.base == {PATH: B}


def test_a_seed_of_an_earlier_release_that_is_no_longer_rendered_stays():
    found = plan(Row("", None, A, None, None), **OLD)
    assert [(c.action, c.writes) for c in found.changes] == [("keep", False)]
    assert codes(found.findings) == ["MLCC202"]
    assert found.records == {}, "reported once: afterwards nobody remembers it"


# ---------------------------------------------------------------- deletions that are answered
KEEP_DELETED = Options(keep_deleted=(PATH,))


@pytest.mark.parametrize("options", [KEEP_DELETED, KEEP_DELETED._replace(merge=True)], ids=["alone", "with --merge"])
def test_a_deletion_that_is_kept_is_no_conflict_and_is_remembered(options):
    first = plan(Row("", A, None, B, None, options=options))
    assert (only_change(first).action, first.blocked, first.findings) == ("keep", False, ())
    assert first.records[PATH].edited == STAYS_DELETED
    later = plan(Row("", B, None, D, None), records=first.records)
    assert (only_change(later).action, later.blocked) == ("keep", False)
    assert later.records[PATH].edited == STAYS_DELETED
    back = plan(Row("", B, None, D, None, options=RESTORE), records=first.records)
    assert (only_change(back).action, back.records[PATH].edited) == ("create", "")


@pytest.mark.parametrize(
    "record",
    [Record(SEED, 0o644, digest(A)), Record(MANAGED, 0o644, digest(A), STAYS_DELETED)],
    ids=["a seed", "an answer"],
)
def test_a_deletion_outlives_a_configuration_that_does_not_render_the_file(record):
    away = plan(Row("", None, None, None, None), records={PATH: record})
    assert (away.changes, away.base) == ((), {})
    assert away.records == {PATH: record._replace(edited=STAYS_DELETED)}
    back = plan(Row("", None, None, B, None), owner=record.owner, records=away.records)
    assert (only_change(back).action, back.records[PATH].edited) == ("keep", STAYS_DELETED)


@pytest.mark.parametrize("edited", ["", "removed"])
def test_a_managed_file_that_is_gone_twice_is_forgotten(edited):
    assert not plan(Row("", None, None, None, None), records={PATH: Record(MANAGED, 0o644, digest(A), edited)}).records


def test_no_record_of_a_path_that_no_layer_renders_is_kept():
    known = {"records": {PATH: Record(SEED, 0o644, digest(A), STAYS_DELETED)}, "producible": lambda path: False}
    assert not plan(Row("", None, None, None, None), **known).records


def test_one_deletion_that_is_kept_lets_the_other_files_merge():
    desired = {PATH: Rendered(B), "do/other": Rendered(D)}
    known = Known({"do/other": OnDisk(B)}, {PATH: A, "do/other": A}, {}, lambda p: True)
    assert make_plan(desired, known, MERGE).blocked
    found = make_plan(desired, known, KEEP_DELETED._replace(merge=True))
    assert not found.blocked
    assert found.marked == ("do/other",)


# ---------------------------------------------------------------- what --restore names
@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("code/app.py", ["code/app.py"]),
        ("code", ["code/app.py", "code/lib/x.py"]),
        ("*.py", ["code/app.py", "code/lib/x.py"]),
        ("code/a*", ["code/app.py"]),
        (".", ["Dockerfile", "code/app.py", "code/lib/x.py", "codex"]),
        ("cod", []),
        ("../code", []),
    ],
)
def test_restore_takes_paths_folders_and_patterns(word, expected):
    assert matching([word], ["Dockerfile", "code/app.py", "code/lib/x.py", "codex"]) == expected


def test_restore_saves_no_copy_of_what_nobody_edited():
    found = plan(Row("", A, A, B, None, options=RESTORE))
    assert (only_change(found).saved, found.findings) == ("", ())


# ---------------------------------------------------------------- binary files
OLD_BYTES, MY_BYTES, NEW_BYTES = b"\0old", b"\0mine", b"\0new"
BESIDE = PATH + ".mlcc-new"


def test_a_binary_file_gets_no_markers():
    row = Row("", OLD_BYTES, MY_BYTES, NEW_BYTES, None)
    assert plan(row).blocked
    found = plan(replace(row, options=MERGE))
    change = only_change(found)
    assert (change.action, change.data, change.beside) == ("conflict", None, Beside(BESIDE, NEW_BYTES))
    assert (found.blocked, found.marked) == (False, (PATH,))
    assert "binary" in only(found.findings).message
    taken = plan(replace(row, options=MERGE), observed={PATH: OnDisk(MY_BYTES), BESIDE: OnDisk(b"")})
    assert only_change(taken).beside.path == BESIDE + "-2"


def test_a_conflict_of_a_binary_file_stands_while_the_new_version_lies_beside_it():
    row = Row("", NEW_BYTES, MY_BYTES, NEW_BYTES, None)
    both = {PATH: OnDisk(MY_BYTES), BESIDE: OnDisk(NEW_BYTES)}
    assert plan(row, observed=both).blocked
    assert only_change(plan(row)).action == "keep"
    assert only_change(plan(replace(row, options=FORCE), observed=both)).action == "keep"


@pytest.mark.parametrize("options", [FORCE, RESTORE], ids=["--force", "--restore"])
def test_a_binary_file_can_be_taken_anew(options):
    change = only_change(plan(Row("", OLD_BYTES, MY_BYTES, NEW_BYTES, None, options=options)))
    assert (change.action, change.data, change.saved) == ("update", NEW_BYTES, SAVED)


# ---------------------------------------------------------------- ends of lines
def crlf(data: bytes) -> bytes:
    return data.replace(b"\n", b"\r\n")


@pytest.mark.parametrize("row", [r for r in TABLE if r.disk is not None and r.options != RESTORE], ids=lambda r: r.name)
def test_a_file_with_crlf_is_judged_by_its_content_and_keeps_its_ends(row):
    found, plain = plan(replace(row, disk=crlf(row.disk))), plan(row)
    assert [c.action for c in found.changes] == [c.action for c in plain.changes]
    expected = [crlf(c.data) if c.data is not None else None for c in plain.changes]
    assert [c.data for c in found.changes] == expected
    assert found.records == plain.records, "the lock is the same in every checkout"
    assert found.base == plain.base


@pytest.mark.parametrize(
    ("disk", "saved"), [(A, ""), (B, ""), (C, SAVED)], ids=["unedited", "as the new one", "edited"]
)
def test_restore_gives_a_file_the_ends_that_are_rendered(disk, saved):
    change = only_change(plan(Row("", A, crlf(disk), B, None, options=RESTORE)))
    assert (change.action, change.data, change.saved) == ("update", B, saved)


def test_a_script_with_crlf_is_named():
    script = b"#!/bin/sh\n"
    known = Known({PATH: OnDisk(crlf(script), 0o755)}, {PATH: script}, {}, lambda p: True)
    assert codes(make_plan({PATH: Rendered(script, 0o755)}, known).findings) == ["MLCC227"]
    assert make_plan({PATH: Rendered(script, 0o644)}, known).findings == ()


def test_a_base_that_was_checked_out_with_crlf_is_understood():
    assert only_change(plan(Row("", crlf(A), crlf(B), C, None))).data == crlf(BC)


def test_a_line_that_an_editor_added_with_another_end_is_one_line_of_edits():
    added = crlf(A) + b"four\n"
    change = only_change(plan(Row("", A, added, B, None)))
    assert (change.action, change.data) == ("merge", crlf(B + b"four\n"))


def test_a_file_that_is_rendered_with_crlf_is_compared_as_it_is():
    assert only_change(plan(Row("", crlf(A), crlf(A), crlf(B), None))).data == crlf(B)


def test_conflict_markers_that_still_stand_are_a_conflict():
    marked = merge_texts(A, b"mine\n", b"theirs\n").data
    known = Known({PATH: OnDisk(marked)}, {PATH: b"theirs\n"}, {}, lambda p: True)
    new = {PATH: Rendered(b"theirs\n")}
    plan = make_plan(new, known)
    assert plan.blocked
    assert "markers" in plan.findings[0].message
    again = make_plan(new, known, Options(merge=True))
    assert not again.blocked
    assert again.marked == (PATH,)
    forced = make_plan(new, known, Options(force=True)).changes[0]
    assert (forced.data, forced.saved) == (b"theirs\n", f"{PATH}.mlcc-saved")
    # the mark that is easily forgotten, and none of the others
    rest = b"".join(line for line in marked.splitlines(keepends=True) if line[:3] not in (b"<<<", b"===", b">>>"))
    assert b"||||||| before\n" in rest
    assert make_plan(new, known._replace(observed={PATH: OnDisk(rest)})).blocked
    settled = rest.replace(b"||||||| before\n", b"")
    assert not make_plan(new, known._replace(observed={PATH: OnDisk(settled)})).blocked


def test_the_hint_for_a_removed_file_names_what_brings_it_back():
    removed = Row("", A, None, B, "conflict", options=MERGE)
    finding = only(plan(removed).findings)
    assert f"--restore {PATH}" in finding.hint
    assert "saving" not in finding.hint
    for options in (FORCE, RESTORE):
        assert not plan(replace(removed, options=options)).blocked


@pytest.mark.parametrize(
    ("record", "reported"),
    [
        (None, "mlcc has no record"),
        (Record(MANAGED, 0o644, digest(B)), ".mlcc/base holds no copy"),
        (Record(MANAGED, 0o644, digest(A), digest(B)), ".mlcc/base holds no copy"),
    ],
)
def test_a_recorded_file_without_a_base_is_a_conflict_that_says_so(record, reported):
    """The lock may be forged: what it records alone is never overwritten without a saved copy."""
    found = plan(Row("", None, B, D, "conflict"), records={PATH: record} if record else {})
    finding = only(found.findings)
    assert found.blocked
    assert reported in finding.message
    assert ("from Git" in finding.hint) == (".mlcc/base" in reported)


GIT = b"one\n<<<<<<< HEAD\ntwo\n=======\nTWO\n>>>>>>> branch\nthree\n"


@pytest.mark.parametrize("new", [A, B], ids=["nothing new", "new lines"])
def test_conflict_marks_of_git_are_a_conflict_too(new):
    known = Known({PATH: OnDisk(GIT)}, {PATH: A}, {}, lambda p: True)
    plan = make_plan({PATH: Rendered(new)}, known)
    assert plan.blocked
    assert "conflict markers stand in it" in plan.findings[0].message


def test_marks_that_mlcc_renders_itself_are_text():
    known = Known({PATH: OnDisk(GIT + b"mine\n")}, {PATH: GIT}, {}, lambda p: True)
    assert only_change(make_plan({PATH: Rendered(GIT)}, known)).action == "keep"


def test_a_script_that_lost_its_x_bit_is_named():
    known = Known({PATH: OnDisk(A, 0o644)}, {PATH: A}, {PATH: Record(MANAGED, 0o755, digest(A))}, lambda p: True)
    new = {PATH: Rendered(A, 0o755)}
    plan = make_plan(new, known)
    assert [f.code for f in plan.findings] == ["MLCC220"]
    assert plan.changes[0].action == "unchanged"
    restored = make_plan(new, known, Options(restore=(PATH,))).changes[0]
    assert (restored.action, restored.mode, restored.saved) == ("update", 0o755, "")


# ---------------------------------------------------------------- modes
@pytest.mark.parametrize(
    ("recorded", "disk", "new", "action", "mode"),
    [
        (0o644, 0o644, 0o755, "update", 0o755),
        (0o755, 0o755, 0o644, "update", 0o644),
        (0o644, 0o755, 0o644, "unchanged", 0o755),
        (0o755, 0o644, 0o755, "unchanged", 0o644),
        (0o644, 0o755, 0o755, "unchanged", 0o755),
        (0o644, 0o600, 0o644, "unchanged", 0o644),
        (0o644, 0o664, 0o644, "unchanged", 0o644),
        (None, 0o644, 0o755, "update", 0o755),
        (None, 0o755, 0o755, "unchanged", 0o755),
    ],
)
def test_the_executable_bits_are_the_user_s_unless_only_mlcc_changed_them(recorded, disk, new, action, mode):
    records = {PATH: Record(MANAGED, recorded, digest(A))} if recorded is not None else {}
    known = Known({PATH: OnDisk(A, disk)}, {PATH: A}, records, lambda p: True)
    change = only_change(make_plan({PATH: Rendered(A, new)}, known))
    assert change.action == action
    assert change.mode == mode
    assert change.writes == (action == "update")


def test_an_update_keeps_an_executable_bit_that_the_user_set():
    known = Known({PATH: OnDisk(A, 0o755)}, {PATH: A}, {PATH: Record(MANAGED, 0o644, digest(A))}, lambda p: True)
    change = only_change(make_plan({PATH: Rendered(B, 0o644)}, known))
    assert (change.action, change.mode) == ("update", 0o755)


@pytest.mark.parametrize(
    ("owner", "disk", "new", "executable"),
    [
        (MANAGED, 0o755, 0o644, True),
        (MANAGED, 0o644, 0o755, False),
        (MANAGED, 0o700, 0o755, None),  # the others' bits follow the umask
        (MANAGED, 0o664, 0o644, None),
        (SEED, 0o755, 0o644, None),
    ],
)
@pytest.mark.parametrize("data", [A, B], ids=["as it is", "with other lines"])
def test_the_lock_records_an_executable_bit_of_the_user_s(owner, disk, new, executable, data):
    record = Record(owner, new, digest(A))
    plan = make_plan({PATH: Rendered(data, new, owner)}, Known({PATH: OnDisk(A, disk)}, {PATH: A}, {PATH: record}))
    assert plan.records == {PATH: Record(owner, new, digest(data), executable=executable)}


# ---------------------------------------------------------------- saved copies, form, order
def test_a_saved_copy_takes_a_name_that_is_free():
    taken = {PATH: OnDisk(B), SAVED: OnDisk(b""), SAVED + "-2": OnDisk(b"")}
    found = plan(Row("", A, B, D, "update", options=FORCE), observed=taken)
    assert only_change(found).saved == SAVED + "-3"


def test_a_merge_that_breaks_the_file_s_form_is_a_conflict():
    found = plan(Row("", A, B, C, "merge"), acceptable=lambda path, data: data != BC)
    assert only_change(found).action == "conflict"
    assert found.blocked


def test_one_conflict_blocks_everything():
    desired = {"a": Rendered(A), PATH: Rendered(D)}
    found = make_plan(desired, Known({PATH: OnDisk(B)}, {PATH: A}, {}, lambda p: True))
    assert found.blocked
    assert found.summary["create"] == 1
    finding = only(found.findings)
    assert (finding.code, finding.file) == ("MLCC201", PATH)
    assert "--merge" in finding.hint
    assert "--force" in finding.hint


def test_changes_are_in_path_order_and_counted():
    desired = {p: Rendered(A) for p in ("z", "a/b", "m")}
    found = make_plan(desired, Known({"m": OnDisk(A)}))
    assert [c.path for c in found.changes] == ["a/b", "m", "z"]
    assert {a: n for a, n in found.summary.items() if n} == {"create": 2, "unchanged": 1}
    assert list(found.records) == ["a/b", "m", "z"]


def test_file_names_in_findings_are_printable():
    evil = "a\x1b[31m\nb"
    found = make_plan({evil: Rendered(A)}, Known({evil: OnDisk(B)}))
    finding = only(found.findings)
    assert "\x1b" not in finding.message + finding.hint + finding.file
    assert "\n" not in finding.message + finding.hint + finding.file


BYTES = st.sampled_from([None, A, B, C, D])


@given(BYTES, BYTES, BYTES.filter(bool), st.booleans())
def test_what_the_user_has_is_never_lost_unless_forced(base, disk, new, markers):
    change = only_change(plan(Row("", base, disk, new, None, options=Options(merge=markers))))
    if disk is not None and disk != base and change.writes:
        words = set(disk.splitlines()) - set((base or b"").splitlines())
        assert words <= set(change.data.splitlines())


@given(BYTES, BYTES, BYTES, st.booleans())
def test_a_second_plan_has_nothing_to_write(base, disk, new, force):
    first = plan(Row("", base, disk, new, None, options=Options(force=force)))
    if first.blocked:
        return
    observed = {PATH: OnDisk(disk)} if disk is not None else {}
    for change in first.changes:
        if change.data is not None:
            observed[PATH] = OnDisk(change.data, change.mode)
        elif change.action == "delete":
            observed.clear()
    desired = {PATH: Rendered(new)} if new is not None else {}
    second = make_plan(desired, Known(observed, first.base, first.records, lambda p: True))
    assert not [c for c in second.changes if c.writes or c.action in ("delete", "conflict")]
    assert second.records == first.records
