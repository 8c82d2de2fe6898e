"""The deployment registry's database: what is added stays, whole, for its owner alone."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mlcc.core.errors import UserError
from mlcc.lifecycle.deployments.store import FILE, FOLDER, Record, Store
from tests.helpers import ROOT


def record(number: int, **fields: Any) -> dict[str, Any]:
    return {"id": f"r-{number:04d}", "at": float(number), "status": "success", **fields}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path), time.sleep)


def ids(found: Any) -> list[str]:
    return [one.id for one in found]


def test_the_newest_come_first_and_filters_hold(store: Store) -> None:
    store.add(record(n, deploymentConfig="a" if n % 2 else "b", region="r") for n in range(1, 7))
    assert ids(store.find({})) == [f"r-{n:04d}" for n in (6, 5, 4, 3, 2, 1)]
    assert ids(store.find({"deployment_config": "a"})) == ["r-0005", "r-0003", "r-0001"]
    assert ids(store.find({"deployment_config": "a", "region": "other"})) == []
    assert ids(store.find({}, since=5.0)) == ["r-0006", "r-0005"]
    assert ids(store.find({}, limit=2)) == ["r-0006", "r-0005"]
    assert len(ids(store.find({}, limit=0))) == 6


def test_a_record_is_found_by_id_beginning_or_number(store: Store) -> None:
    store.add([record(1), record(2), {"id": "7", "at": 1.0}])
    assert store.get("r-0001") == Record(1, "r-0001", 1.0, record(1))
    assert store.get("2").id == "r-0002"
    for name, words in (("r-000", "several"), ("x", "no record"), ("9", "no record")):
        with pytest.raises(UserError, match=words):
            store.get(name)


def test_an_id_is_used_once_and_all_or_none_are_added(store: Store) -> None:
    store.add([record(1)])
    with pytest.raises(UserError, match="is there already"):
        store.add([record(2), record(1)])
    assert ids(store.find({})) == ["r-0001"]


def test_a_database_of_a_newer_mlcc_is_left_alone(store: Store, tmp_path: Path) -> None:
    store.add([record(1)])
    with sqlite3.connect(tmp_path / FOLDER / FILE) as connection:
        connection.execute("PRAGMA user_version = 9")
    connection.close()
    for use in (lambda: store.add([record(2)]), lambda: list(store.find({}))):
        with pytest.raises(UserError, match="format 9"):
            use()


def test_imported_records_stand_where_their_time_is(store: Store) -> None:
    store.add([record(5), record(1), record(3)])
    assert ids(store.find({})) == ["r-0005", "r-0003", "r-0001"]
    assert ids(store.find({"status": "success"}, since=3.0)) == ["r-0005", "r-0003"]


@pytest.mark.parametrize(
    ("times", "order"),
    [
        ((3, 2, 1), "cba"),
        ((1, 2, 3), "abc"),
        ((5, 5, 1), "cba"),
        ((1, 5, 5), "abc"),
        ((7, 7, 7), "cba"),
        ((None, None, None), "abc"),
        ((None, 2, 1), "cba"),
    ],
)
def test_the_oldest_is_numbered_first(store: Store, times: tuple[float | None, ...], order: str) -> None:
    """Of one time the last of a file is the oldest, as in an export; without a time they stand as in the file."""
    given = [{"id": name} | ({} if at is None else {"at": at}) for name, at in zip("abc", times, strict=True)]
    made = store.merge(given, lambda one: {"at": 9.0, **one})
    assert "".join(str(one["id"]) for one in made) == order
    assert "".join(store.get(str(number)).id for number in (1, 2, 3)) == order


def test_nothing_was_ever_written(store: Store, tmp_path: Path) -> None:
    assert ids(store.find({})) == []
    assert list(tmp_path.iterdir()) == [], "to look makes nothing"


def test_a_writer_was_killed_before_it_wrote(store: Store, tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir(mode=0o700)
    (tmp_path / FOLDER / FILE).touch(mode=0o600)
    assert ids(store.find({})) == []
    store.add([record(1)])
    assert ids(store.find({})) == ["r-0001"]


def test_rows_are_neither_changed_nor_deleted(store: Store, tmp_path: Path) -> None:
    store.add([record(1)])
    connection = sqlite3.connect(tmp_path / FOLDER / FILE)
    for statement in ("UPDATE records SET status = 'failed'", "DELETE FROM records", "DELETE FROM documents"):
        with pytest.raises(sqlite3.IntegrityError, match="records stay"):
            connection.execute(statement)
    connection.close()


def test_everything_is_its_owner_s_alone(store: Store, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store.add([record(1)])
        reader = store.find({})
        next(reader)  # while somebody reads, the files of the log are there
        for path in [tmp_path / FOLDER, *(tmp_path / FOLDER).iterdir()]:
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
        reader.close()  # type: ignore[attr-defined]
    finally:
        os.umask(before)


def test_a_file_that_is_no_database_is_a_finding(store: Store, tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir(mode=0o700)
    (tmp_path / FOLDER / FILE).write_text("something else\n" * 100)
    with pytest.raises(UserError, match=r"not a database"):
        store.add([record(1)])


WRITER = """
import sys, time
from mlcc.lifecycle.deployments.store import Store
for number in range(5):
    Store(sys.argv[1], time.sleep).add([{"id": f"{sys.argv[2]}-{number}", "at": 1.0, "notes": "x" * 6000}])
"""


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    """The full figures, with writers that are killed, are in `make stress`."""
    argv = [sys.executable, "-c", WRITER, str(tmp_path)]
    running = [subprocess.Popen([*argv, str(n)], cwd=ROOT, env={"PATH": os.environ["PATH"]}) for n in range(6)]
    assert [process.wait(60) for process in running] == [0] * 6
    found = ids(Store(str(tmp_path), time.sleep).find({}, limit=0))
    assert sorted(found) == sorted(f"{writer}-{number}" for writer in range(6) for number in range(5))
