"""Folders of mlcc's own.  Law: each that is made on the way is its owner's alone; one that is there stays as it is."""

from __future__ import annotations

import os

MODE = 0o700


def private_folder(path: str) -> None:
    """Makes a folder and those above it that are not there, each with mode 0700.

    `os.makedirs` gives its mode to the last one alone.  Raises OSError where something else stands in its place,
    or it cannot be made.
    """
    missing: list[str] = []
    place = path
    while place and not os.path.isdir(place):
        missing.append(place)
        above = os.path.dirname(place)
        place = above if above != place else ""
    for each in reversed(missing):
        try:
            os.mkdir(each, MODE)
        except FileExistsError:  # another process was first
            if not os.path.isdir(each):
                raise
