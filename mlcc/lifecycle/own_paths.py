"""Paths of the project that a step hands on to a program.  Law: each is looked at first, and no link leads to it.

The program opens such a path by itself, and would follow links that lead out of the project.
"""

from __future__ import annotations

import os
import stat

from mlcc.core.text import printable
from mlcc.io.disk.reader import LINK, Directory, Refused


def stands(directory: str, path: str) -> bool:
    """True when a file or folder stands at a path of the project.

    path: relative, or absolute for a place that is not the project's, which is not checked.  Raises Refused where a
    link stands there, or on the way to it.
    """
    if os.path.isabs(path):
        return os.path.exists(path)
    with Directory(directory) as tree:
        mode = tree.mode(os.path.normpath(path))
    if mode is not None and stat.S_ISLNK(mode):
        hint = "put the file or folder itself there"
        raise Refused(f"{printable(directory, 200)}/{os.path.normpath(path)}", LINK, hint)
    return mode is not None


def is_folder(directory: str, path: str) -> bool:
    """True when a folder of the project stands at a path, and no link leads to it."""
    try:
        return stands(directory, path) and os.path.isdir(os.path.join(directory, path))
    except Refused:
        return False
