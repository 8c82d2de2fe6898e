"""The tag of a project's image in its repository.  Law: pure; what is in the image decides it, and nothing else.

It is a digest of the rendered files that the builder sees, so that a change of counts or instances needs no new image,
and a deployment finds the image of this state of the project on every machine.
"""

from __future__ import annotations

import hashlib

from mlcc.lifecycle.rendered_project import RenderedProject

# Folders that .dockerignore keeps from the builder.
OUTSIDE = ("do/", "manifests/", "tests/")
DIGITS = 12
# What every tag looks like, as a regular expression.
FORM = f"build-[0-9a-f]{{{DIGITS}}}"


def is_of(project: RenderedProject, tag: str) -> bool:
    """Whether a tag, also of a repository that projects share, is that of this state of the project."""
    return tag in (tag_of(project), f"{project.name}-{tag_of(project)}")


def tag_of(project: RenderedProject) -> str:
    """`build-` and twelve hexadecimal digits."""
    inside = sorted(
        f"{path}\0{record.edited or record.digest}"
        for path, record in project.lock.files.items()
        if not path.startswith(OUTSIDE)
    )
    return f"build-{hashlib.sha256(chr(10).join(inside).encode()).hexdigest()[:DIGITS]}"
