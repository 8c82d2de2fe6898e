"""Local state below .mlcc/run.  Law: never committed, never trusted: it says where to look, not what to do.

A pull request could plant these files, so a pid is believed only together with its start time and token, and a path
only where it is one of ours.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from mlcc.core.json_data import read_json
from mlcc.io.disk.reader import Directory, Refused, reason
from mlcc.io.disk.writer import make_directories, remove_files, remove_tree, write_state
from mlcc.lifecycle.writable import explained

RUN_DIR = ".mlcc/run"
BUILD, SERVER, PUSHED = "build.json", "server.json", "push.json"
LOG = "server.log"
# one for each server in the foreground
FOREGROUND = "run-"
MAX_FOREGROUND = 50
MAX_BYTES = 64 * 1024


@contextmanager
def _no_links(directory: str) -> Iterator[None]:
    """Raises Refused where a link or a file stands in the place of a folder that is written to.

    And PreconditionError where it may not be written.
    """
    try:
        with explained(directory):
            yield
    except OSError as problem:
        if problem.errno not in (errno.ELOOP, errno.ENOTDIR, errno.EISDIR):
            raise
        hint = "remove it: mlcc makes the folder anew"
        raise Refused(f"{directory}/{RUN_DIR}", reason(problem), hint) from None


@contextmanager
def _tree(directory: str) -> Iterator[Directory]:
    """The project's folder, for a look at its state.  Raises PreconditionError where that is not permitted."""
    with Directory(directory) as tree, explained(directory):
        yield tree


def read(directory: str, name: str) -> dict[str, Any]:
    """One state file as a mapping; empty when it is absent or not one."""
    with _tree(directory) as tree:
        found = tree.read(f"{RUN_DIR}/{name}", MAX_BYTES)
    if found is None:
        return {}
    try:
        document = read_json(found[0], finite=True)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def foreground(directory: str) -> list[dict[str, Any]]:
    """What each server in the foreground wrote down; of more than MAX_FOREGROUND the first: somebody planted them."""
    with _tree(directory) as tree:
        names = [name for name in _top(tree) if name.startswith(FOREGROUND) and name.endswith(".json")]
    return [read(directory, name) for name in names[:MAX_FOREGROUND]]


def _top(tree: Directory) -> list[str]:
    """Files that stand directly in .mlcc/run."""
    found = tree.parent(f"{RUN_DIR}/x")
    if found is None:
        return []
    try:
        return sorted(entry.name for entry in os.scandir(found[0]) if entry.is_file(follow_symlinks=False))
    finally:
        os.close(found[0])


def write(directory: str, name: str, document: Mapping[str, Any]) -> None:
    """Writes one state file."""
    with Directory(directory) as tree, _no_links(directory):
        write_state(tree, f"{RUN_DIR}/{name}", json.dumps(document, indent=1, sort_keys=True).encode() + b"\n")


def tail(directory: str, name: str, cap: int) -> tuple[bytes, bool]:
    """The end of a file below .mlcc/run, and whether there is more before it; nothing of an absent one."""
    with _tree(directory) as tree:
        return tree.tail(f"{RUN_DIR}/{name}", cap) or (b"", False)


def open_log(directory: str, name: str) -> int:
    """A descriptor of a new file below .mlcc/run, for a program to write to."""
    with Directory(directory) as tree, _no_links(directory):
        parent = make_directories(tree, RUN_DIR)
        try:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=parent)
            return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=parent)
        finally:
            os.close(parent)


def new_folder(directory: str, name: str) -> str:
    """The absolute path of a new, empty folder below .mlcc/run; what was there is removed, and no link is followed."""
    with Directory(directory) as tree, _no_links(directory):
        with suppress(Refused):
            remove_tree(tree, f"{RUN_DIR}/{name}")
        remove_files(tree, RUN_DIR, [name] if tree.exists(f"{RUN_DIR}/{name}") else [])
        os.close(make_directories(tree, f"{RUN_DIR}/{name}"))
    return path(directory, name)


def has(directory: str, name: str) -> bool:
    """True when something stands at a path below .mlcc/run, reached through no link."""
    try:
        with Directory(directory) as tree:
            return tree.has_parent(f"{RUN_DIR}/{name}") and tree.exists(f"{RUN_DIR}/{name}")
    except Refused:
        return False


def remove(directory: str, name: str) -> None:
    """Removes one state file."""
    with _tree(directory) as tree:
        remove_files(tree, RUN_DIR, [name])


def path(directory: str, name: str) -> str:
    """The absolute path of something below .mlcc/run, the folder made where absent (and no link)."""
    with Directory(directory) as tree, _no_links(directory):
        write_state(tree, f"{RUN_DIR}/.here", b"")
        remove_files(tree, RUN_DIR, [".here"])
    return os.path.join(os.path.abspath(directory), *RUN_DIR.split("/"), name)


def sweep(directory: str) -> None:
    """Removes all of .mlcc/run (links in it are removed, not followed)."""
    with _tree(directory) as tree:
        remove_tree(tree, RUN_DIR)


def leftovers(directory: str) -> list[str]:
    """What still stands below .mlcc/run."""
    with Directory(directory) as tree:
        return list(tree.walk(RUN_DIR, limit=1000))
