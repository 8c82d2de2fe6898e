"""mlcc's own folders are their owner's alone, whoever makes them first."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from mlcc.io.cache import Folder
from mlcc.io.disk.private import private_folder
from mlcc.lifecycle.bootstrap import profiles
from mlcc.lifecycle.bootstrap.profile import Profile
from mlcc.lifecycle.deployments.store import Store
from tests.helpers import Caller, build_tree

ADDED = {"id": "one", "at": 1.0, "status": "success"}


def modes(folder: Path) -> dict[str, int]:
    return {each.name: stat.S_IMODE(each.stat().st_mode) for each in [folder, *folder.rglob("*")] if each.is_dir()}


@pytest.mark.parametrize(
    "make",
    [
        private_folder,
        lambda home: Store(home, lambda _: None).add([ADDED]),
        lambda home: Folder(home, "documents").write("x", b"y"),
        lambda home: profiles.add(home, lambda _: None, [Profile("dev", "us-east-1")], "a test"),
    ],
    ids=["folder", "records", "cache", "profiles"],
)
def test_each_folder_that_is_made_on_the_way_is_private(make: Callable[[str], object], tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        make(str(tmp_path / "user" / ".mlcc"))
    finally:
        os.umask(before)
    assert set(modes(tmp_path / "user").values()) == {0o700}, "the folders above a home that are made with it, too"


def test_the_first_record_leaves_a_home_that_doctor_likes(mlcc: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Path("new").absolute() / ".mlcc"
    monkeypatch.setenv("MLCC_HOME", str(home))
    mlcc("registry", "log", "--project", "p", "--deployment-config", "http-flask", code=0)
    assert modes(home) == {".mlcc": 0o700, "registry": 0o700}
    assert "open to others" not in mlcc("doctor").stdout


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    private_folder(str(tmp_path / "open"))
    assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o755
    build_tree(tmp_path, {"file": ""})
    with pytest.raises(FileExistsError):
        private_folder(str(tmp_path / "file"))
