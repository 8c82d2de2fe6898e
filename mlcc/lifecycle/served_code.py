"""The serving code as it lies in the project.  Law: only reads; an edit that no apply has seen counts, too."""

from __future__ import annotations

import hashlib
from contextlib import suppress

from mlcc.io.disk.reader import Directory, Refused
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.resolve.triton import models

FOLDERS = ("code", models.FOLDER)
# Larger files are models: of those the name counts alone, since reading them takes seconds.
MAX_FILE, DIGITS = 4 << 20, 12


def digest(project: RenderedProject) -> str:
    """Twelve hexadecimal digits of the files that a server is made of, without what Python has compiled of them."""
    found = hashlib.sha256()
    with Directory(project.directory) as tree:
        for name in sorted(name for folder in FOLDERS for name in tree.walk(folder)):
            if "/__pycache__/" in name:
                continue
            found.update(f"{name}\0".encode("utf-8", "surrogateescape"))
            with suppress(Refused):
                content = tree.read(name, MAX_FILE)
                found.update(hashlib.sha256(content[0] if content is not None else b"").digest())
    return found.hexdigest()[:DIGITS]
