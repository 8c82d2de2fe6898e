"""What other programs write while mlcc works: every writer compares at the last moment, and replaces nothing unread."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlcc import pipeline
from mlcc.core.errors import UserError
from mlcc.io.disk.reader import Directory
from mlcc.io.disk.writer import check_unchanged, replace_file
from mlcc.plan.changes import Options
from tests import helpers
from tests.helpers import SMALLEST, Caller, build_tree, codes, read_tree

HERE = Path()
CONFIG = HERE / "do/config"
OTHER = SMALLEST.replace("http-fastapi", "http-flask")


@pytest.fixture
def applied() -> None:
    """A project that is applied, and an mlcc.yaml that renders other files."""
    helpers.applied(HERE)
    build_tree(HERE, {"mlcc.yaml": OTHER})


def edit(path: Path, text: str = "# mine\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        stream.write(text)


# ---------------------------------------------------------------- apply
def test_an_edit_that_is_saved_while_apply_stages_is_merged(applied: None) -> None:
    seen = []

    def review(prepared: pipeline.Prepared) -> None:
        if not seen:
            edit(CONFIG)
        seen.append(prepared)

    prepared, wrote = pipeline.apply(pipeline.read("mlcc.yaml"), review=review)
    assert (wrote, len(seen), prepared.blocked) == (True, 2, False)
    assert CONFIG.read_text().endswith("# mine\n")
    assert "http-flask" in CONFIG.read_text()


def test_a_file_that_appears_meanwhile_is_a_conflict(mlcc: Caller) -> None:
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    before = None

    def review(prepared: pipeline.Prepared) -> None:
        nonlocal before
        if before is None:
            edit(HERE / "Dockerfile", "FROM mine\n")
            before = read_tree(HERE)

    prepared, wrote = pipeline.apply(pipeline.read("mlcc.yaml"), review=review)
    assert (wrote, prepared.blocked) == (False, True)
    assert read_tree(HERE) == before


def test_a_file_that_is_written_all_the_time_is_refused(applied: None) -> None:
    with pytest.raises(UserError) as raised:
        pipeline.apply(pipeline.read("mlcc.yaml"), review=lambda prepared: edit(CONFIG))
    assert codes(raised.value.findings) == ["MLCC223"]
    assert CONFIG.read_text().count("# mine\n") == pipeline.TRIES
    assert "http-flask" not in CONFIG.read_text()
    assert not list(HERE.glob(".mlcc/txn/**/*"))


@pytest.mark.parametrize("path", ["do/config", "do/env/mine.txt"])
def test_what_is_saved_after_the_commit_is_kept_beside(
    applied: None, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """The window that is left: between the comparison and the renaming of that one file."""
    real, seen = os.rename, []

    def rename(source: str, target: str, **folders: int) -> None:
        real(source, target, **folders)
        if target == "journal.json":
            edit(HERE / path)
            seen.append((HERE / path).read_bytes())

    monkeypatch.setattr(os, "rename", rename)
    prepared, wrote = pipeline.apply(pipeline.read("mlcc.yaml"))
    assert wrote
    rendered = path in prepared.plan.records
    copies = list(HERE.glob(f"{path}.mlcc-saved*"))
    assert [copy.read_bytes() for copy in copies] == (seen if rendered else [])
    assert (HERE / path).read_bytes() == (prepared.plan.base[path] if rendered else seen[0])
    assert ("MLCC204" in codes(prepared.plan.findings)) == rendered
    assert all(os.stat(copy).st_nlink == 1 for copy in copies)


def test_numbers_of_saved_copies_never_run_out(mlcc: Caller) -> None:
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    mlcc("apply", "-q", code=0)
    texts = [f"# edit {n}\n" for n in range(14)]
    for text in texts:
        (HERE / ".dockerignore").write_text(text)
        mlcc("apply", "--force", "--restore", ".dockerignore", code=0)
    kept = sorted(p.read_text() for p in HERE.glob(".dockerignore.mlcc-saved*"))
    assert kept == sorted(texts)


def test_a_copy_takes_the_next_number_where_its_name_is_taken_meanwhile(applied: None) -> None:
    edit(CONFIG)
    options = Options(force=True, restore=("do/config",))
    planned = []

    def review(prepared: pipeline.Prepared) -> None:
        planned.append(next(c.saved for c in prepared.plan.changes if c.path == "do/config"))
        edit(HERE / planned[-1], "somebody else\n")

    mine = CONFIG.read_bytes()
    pipeline.apply(pipeline.read("mlcc.yaml"), options=options, review=review)
    assert Path(planned[0]).read_text() == "somebody else\n"
    assert mine in {p.read_bytes() for p in HERE.glob("do/config.mlcc-saved*")}


def test_a_saved_copy_has_no_set_user_id_bit(mlcc: Caller) -> None:
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    mlcc("apply", "-q", code=0)
    edit(HERE / "Dockerfile")
    (HERE / "Dockerfile").chmod(0o6755)
    mlcc("apply", "--force", "--restore", "Dockerfile", code=0)
    [copy] = HERE.glob("Dockerfile.mlcc-saved*")
    assert oct(copy.stat().st_mode & 0o7777) == "0o755"


# ---------------------------------------------------------------- files of the operator
@pytest.mark.parametrize(("before", "there"), [(b"a", b"b"), (b"a", None), (None, b"b")])
def test_only_what_was_read_is_replaced(before: bytes | None, there: bytes | None) -> None:
    if there is not None:
        Path("file").write_bytes(there)
    with Directory(".") as folder:
        for action in (
            lambda: check_unchanged(folder, "file", before),
            lambda: replace_file(folder, "file", b"new", before),
        ):
            with pytest.raises(UserError) as raised:
                action()
            assert codes(raised.value.findings) == ["MLCC223"]
    assert (Path("file").read_bytes() if Path("file").exists() else None) == there
    assert [p.name for p in HERE.iterdir()] == (["file"] if there is not None else [])


@pytest.mark.parametrize("before", [None, b"old"])
def test_what_was_read_is_replaced(before: bytes | None) -> None:
    if before is not None:
        Path("file").write_bytes(before)
        Path("file").chmod(0o600)
    with Directory(".") as folder:
        replace_file(folder, "file", b"new", before)
    assert Path("file").read_bytes() == b"new"
    assert oct(Path("file").stat().st_mode & 0o777) == ("0o600" if before is not None else "0o644")


class Saving(Directory):
    """A folder in which an editor saves a file when it is read for the second time."""

    reads = 0

    def read(self, relpath: str, cap: int, single_link: bool = True) -> tuple[bytes, int] | None:
        self.reads += 1
        if self.reads == 2:
            Path(relpath).write_bytes(b"saved")
        return super().read(relpath, cap, single_link)


@pytest.mark.parametrize("before", [None, b"old"])
def test_what_is_saved_while_the_new_file_is_synced_stays(before: bytes | None) -> None:
    if before is not None:
        Path("file").write_bytes(before)
    with Saving(".") as folder, pytest.raises(UserError) as raised:
        replace_file(folder, "file", b"new", before)
    assert codes(raised.value.findings) == ["MLCC223"]
    assert {p.name: p.read_bytes() for p in HERE.iterdir()} == {"file": b"saved"}


def test_what_a_killed_set_left_the_next_apply_removes(applied: None) -> None:
    build_tree(HERE, {".mlcc.yaml.mlcc-new": "half", ".mlcc.yml.mlcc-new": "half", ".other.mlcc-new": "mine"})
    for _ in range(2):
        pipeline.apply(pipeline.read("mlcc.yaml"))
        assert [p.name for p in HERE.glob(".*.mlcc-new")] == [".other.mlcc-new"]
        edit(HERE / ".mlcc.yaml.mlcc-new")
        edit(HERE / ".mlcc.yml.mlcc-new")
    pipeline.apply(pipeline.read("mlcc.yaml"))
