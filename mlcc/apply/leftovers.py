"""What applies, tests and servers leave behind is ignored by Git.

Law: a .gitignore is made where the project lies in a work tree and has none, and is its user's from then on.
"""

from __future__ import annotations

import os

from mlcc.io.disk import writer
from mlcc.io.disk.reader import Directory, Refused, present
from mlcc.load.locate import repository_root
from mlcc.plan.changes import NEW_SUFFIX, SAVED_SUFFIX

NAME = ".gitignore"
MAX_BYTES = 1 << 18
TEXT = f"""# made by mlcc apply, once; yours to edit
*{SAVED_SUFFIX}*
*{NEW_SUFFIX}*
__pycache__/
"""


def ignore(target: Directory) -> None:
    """Makes the project's .gitignore, unless it has one, lies in no work tree, or the repository's names the copies.

    A disk that refuses it takes nothing from an apply: the file is an amenity, and the next apply tries again.
    """
    root = repository_root(target.path)
    if not present(os.path.join(root, ".git")) or target.exists(NAME) or _names_copies(root):
        return
    try:
        writer.write_new(target, NAME, TEXT.encode())
    except OSError:
        return


def _names_copies(root: str) -> bool:
    """Whether the repository's own .gitignore has a line for the copies."""
    try:
        with Directory(root) as top:
            found = top.read(NAME, MAX_BYTES)
    except Refused:
        return False
    return found is not None and SAVED_SUFFIX.encode() in found[0]
