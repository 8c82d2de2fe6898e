"""Private folders for files in the making: nobody else's, and gone after the run or swept by the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mlcc.core.errors import UserError
from mlcc.io.disk.staging import staging_folder

OWN = f"mlcc-{os.getuid()}"


def test_a_folder_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    with staging_folder([str(tmp_path)]) as path:
        assert os.path.dirname(path) == str(tmp_path / OWN)
        assert [oct(os.stat(p).st_mode & 0o777) for p in (path, os.path.dirname(path))] == ["0o700", "0o700"]
        Path(path, "deep/er").mkdir(parents=True)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_inside_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), staging_folder([str(tmp_path)]):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, signal, sys
from mlcc.io.disk.staging import staging_folder
with staging_folder([sys.argv[1]]) as path:
    open(os.path.join(path, "half"), "w").close()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_killed_runs_left_the_next_one_removes(tmp_path: Path) -> None:
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
        assert done.returncode == -signal.SIGKILL
    [left] = (tmp_path / OWN).iterdir()
    with staging_folder([str(tmp_path)]) as path:
        assert not left.exists()
        assert os.listdir(tmp_path / OWN) == [os.path.basename(path)]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    with staging_folder([str(tmp_path)]) as first, staging_folder([str(tmp_path)]) as second:
        assert first != second
        assert os.path.isdir(first)
    assert list(tmp_path.iterdir()) == []


def test_many_at_once(tmp_path: Path) -> None:
    failed: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(30):
                with staging_folder([str(tmp_path)]) as path:
                    Path(path, "file").write_text("x")
                    assert os.listdir(path) == ["file"]
        except BaseException as problem:
            failed.append(problem)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("planted", ["link", "file", "open"])
def test_what_somebody_planted_is_not_used(tmp_path: Path, planted: str) -> None:
    first, second, elsewhere = (tmp_path / n for n in ("first", "second", "elsewhere"))
    for folder in (first, second, elsewhere):
        folder.mkdir()
    if planted == "link":
        (first / OWN).symlink_to(elsewhere)
    elif planted == "file":
        (first / OWN).write_text("")
    else:
        (first / OWN).mkdir()
        (first / OWN).chmod(0o777)
    with staging_folder([str(first), str(second)]) as path:
        assert path.startswith(str(second))
    assert list(elsewhere.iterdir()) == []


def test_a_link_in_the_folder_is_not_followed_when_it_is_swept(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("")
    (tmp_path / OWN).mkdir(mode=0o700)
    (tmp_path / OWN / "x").symlink_to(tmp_path / "outside")
    with staging_folder([str(tmp_path)]):
        pass
    assert (tmp_path / "outside/file").exists()


@pytest.mark.parametrize("parents", [[], [""], ["relative"], ["/nowhere"], ["/tmp/{{ 7*7 }}"]])
def test_without_a_directory_that_can_be_used_it_says_so(parents: list[str]) -> None:
    with pytest.raises(UserError, match="no directory for temporary files"), staging_folder(parents):
        pass
