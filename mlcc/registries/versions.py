"""What a framework has in place of a version that has no row.  Law: pure."""

from __future__ import annotations

from mlcc.registries.rows import Framework, FrameworkVersion


def of_minor(framework: Framework, version: str) -> FrameworkVersion | None:
    """The row of the same minor version: what loads what that version has written."""
    minor = version.split(".")[:2]
    return next((row for row in framework.versions.values() if row.name.split(".")[:2] == minor), None)


def why_left_out(framework: Framework, version: str) -> str:
    """Why the minor version of a version has no row, after a colon; an empty text where nothing is known of it."""
    reason = framework.left_out.get(".".join(version.split(".")[:2]), "")
    return reason and f": {reason}"
