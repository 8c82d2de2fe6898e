"""Which schema belongs to which files, and what is raised where an editor's settings cannot take that in."""

from __future__ import annotations

from mlcc.core.records import NamedTuple

# The folder of the repository that holds the schemas.
FOLDER = ".schemas/mlcc"


class Mapping(NamedTuple):
    """A schema's name, and the files that it is for, as editors match them: by name, or by the end of a path."""

    schema: str
    patterns: tuple[str, ...]

    @property
    def path(self) -> str:
        """Where the schema is, from the repository's root."""
        return f"{FOLDER}/{self.schema}.schema.json"

    @property
    def globs(self) -> tuple[str, ...]:
        """The patterns for what matches whole paths, as yaml-language-server does."""
        return tuple(f"**/{pattern}" if "/" in pattern else pattern for pattern in self.patterns)


class Unmergeable(Exception):
    """Settings that cannot be changed without losing something; the text says why.  line: where, 0 for nowhere."""

    def __init__(self, why: str, line: int = 0) -> None:
        """why: without a capital at its beginning, and without a full stop."""
        super().__init__(why)
        self.line = line


def line_end(text: str) -> str:
    r"""The line end that a text has: `\r\n` where each line ends so."""
    return "\r\n" if "\n" in text and text.count("\n") == text.count("\r\n") else "\n"
