"""A little template in two versions, and twelve things that people do to what was made from it.  Law: data only.

Both versions are the same for every tool; what is written as `[[ name ]]` is the answer to the one question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

LINES = [f"setting_{n:02} = {n}" for n in range(1, 21)]


def _settings(port: str) -> str:
    """Twenty lines, of which the template changes the tenth."""
    lines = ["# settings of [[ name ]]", *LINES]
    lines[10] = f"port = {port}"
    return "\n".join(lines) + "\n"


SCRIPT = "#!/bin/sh\n# starts the server\nexec serve --workers {}\n"
V1: Mapping[str, bytes] = {
    "settings.conf": _settings("8000").encode(),
    "run.sh": SCRIPT.format(1).encode(),
    "steady.txt": b"the template never changes this line\nnor this one\n",
    "old.txt": b"the next version of the template has no such file\nat all\n",
    "name.txt": b"this is [[ name ]]\nand a second line\nand a third\nand a fourth\n",
    "logo.bin": b"\x00\x01first\x00" * 4,
}
V2: Mapping[str, bytes] = {
    **{path: data for path, data in V1.items() if path != "old.txt"},
    "settings.conf": _settings("9000").encode(),
    "run.sh": SCRIPT.format(4).encode(),
    "logo.bin": b"\x00\x01second\x00" * 4,
}
EXECUTABLE = ("run.sh",)
NAME, OTHER_NAME = "first", "other"


class Scenario(NamedTuple):
    """Something that somebody does before an update.

    title: in words; edit: does it in a project's folder; mine: whether what was done is still there; theirs: whether
    the template's change of the same file is there, None where it does not touch the file; touched: files that this is
    about; answer: the question's answer is changed.
    """

    title: str
    edit: Callable[[Path], None]
    mine: Callable[[Path], bool]
    theirs: Callable[[Path], bool] | None
    touched: tuple[str, ...]
    answer: bool = False


def replace(path: str, old: str, new: str) -> Callable[[Path], None]:
    """An edit of a line."""

    def edit(folder: Path) -> None:
        text = (folder / path).read_text()
        assert old in text, (path, old)
        (folder / path).write_text(text.replace(old, new))

    return edit


def holds(path: str, text: str) -> Callable[[Path], bool]:
    """Whether a file is there and has a text."""
    return lambda folder: (folder / path).is_file() and text.encode() in (folder / path).read_bytes()


def absent(path: str) -> Callable[[Path], bool]:
    """Whether a file is not there."""
    return lambda folder: not (folder / path).exists()


NEW_PORT = holds("settings.conf", "port = 9000")
SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "edit a line far from the template's change",
        replace("settings.conf", "setting_20 = 20", "setting_20 = mine"),
        holds("settings.conf", "setting_20 = mine"), NEW_PORT, ("settings.conf",),
    ),
    Scenario(
        "edit the line beside it",
        replace("settings.conf", "setting_11 = 11", "setting_11 = mine"),
        holds("settings.conf", "setting_11 = mine"), NEW_PORT, ("settings.conf",),
    ),
    Scenario(
        "edit the same line",
        replace("settings.conf", "port = 8000", "port = 1234"),
        holds("settings.conf", "port = 1234"), NEW_PORT, ("settings.conf",),
    ),
    Scenario(
        "delete a file that the template leaves alone",
        lambda folder: (folder / "steady.txt").unlink(),
        absent("steady.txt"), None, ("steady.txt",),
    ),
    Scenario(
        "add a file of one's own",
        lambda folder: (folder / "own.txt").write_text("mine\n") and None,
        holds("own.txt", "mine"), None, ("own.txt",),
    ),
    Scenario(
        "rename a file that the template changes",
        lambda folder: (folder / "settings.conf").rename(folder / "renamed.conf") and None,
        lambda folder: (folder / "renamed.conf").is_file() and not (folder / "settings.conf").exists(),
        lambda folder: NEW_PORT(folder) or holds("renamed.conf", "port = 9000")(folder),
        ("settings.conf", "renamed.conf"),
    ),
    Scenario(
        "edit a file that the template deletes",
        replace("old.txt", "at all", "mine"),
        holds("old.txt", "mine"), absent("old.txt"), ("old.txt",),
    ),
    Scenario(
        "delete a file that the template changes",
        lambda folder: (folder / "settings.conf").unlink(),
        absent("settings.conf"), NEW_PORT, ("settings.conf",),
    ),
    Scenario(
        "change a mode of a file that the template changes",
        lambda folder: (folder / "run.sh").chmod(0o644),
        lambda folder: (folder / "run.sh").is_file() and not (folder / "run.sh").stat().st_mode & 0o100,
        holds("run.sh", "--workers 4"), ("run.sh",),
    ),
    Scenario(
        "change the answer to a question, after an edit",
        replace("name.txt", "and a fourth", "and mine"),
        holds("name.txt", "and mine"), holds("name.txt", f"this is {OTHER_NAME}"), ("name.txt",), answer=True,
    ),
    Scenario(
        "make the change that the template makes",
        replace("settings.conf", "port = 8000", "port = 9000"),
        NEW_PORT, NEW_PORT, ("settings.conf",),
    ),
    Scenario(
        "change a binary file that the template changes",
        lambda folder: (folder / "logo.bin").write_bytes(b"\x00\x01mine\x00" * 4) and None,
        holds("logo.bin", "mine"), holds("logo.bin", "second"), ("logo.bin",),
    ),
)  # fmt: skip
