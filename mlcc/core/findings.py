"""Findings: what is wrong, where, what is allowed, what to do.  Law: stdlib only; data and text, never output.

A finding is frozen data; formatting for people and machines is the command line layer's.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any

from mlcc.core.records import NamedTuple


class Severity(enum.IntEnum):
    """How bad a finding is; larger is worse."""

    NOTE = 1
    WARNING = 2
    ERROR = 3

    @property
    def label(self) -> str:
        """The lower-case word used in every output format."""
        return self.name.lower()


RENAME, SET, UNSET = "rename", "set", "unset"


class Fix(NamedTuple):
    """The one change that mends a finding.

    action: RENAME a key, SET a value or UNSET a key; was: the key, or the value's text, that stands there now; value:
    the new key or value; line, column: where the value stands, where that is another place than the finding's.
    """

    action: str
    was: str
    value: Any = None
    line: int = 0
    column: int = 0


class Finding(NamedTuple):
    """One mistake, warning or note.

    code: stable identifier, `MLCC` and three digits; path: dotted configuration path, empty when there is none;
    file: as the user named it; line and column: 1-based, 0 when unknown; hint: what to do; fix: the
    change that mends it, where there is exactly one.
    """

    code: str
    severity: Severity
    message: str
    path: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    hint: str = ""
    fix: Fix | None = None

    @property
    def place(self) -> str:
        """`file:line:column`, as far as it is known."""
        parts = [self.file or "mlcc"]
        if self.line:
            parts += [str(self.line), str(self.column or 1)]
        return ":".join(parts)


def error(code: str, message: str, *, path: str = "", file: str = "", hint: str = "") -> Finding:
    """An error without a line (for what is not in a file, or a file as a whole)."""
    return Finding(code, Severity.ERROR, message, path=path, file=file, hint=hint)


def has_errors(findings: Iterable[Finding]) -> bool:
    """True when at least one finding is an error."""
    return any(f.severity is Severity.ERROR for f in findings)


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Findings by file and place, each once; the order in which a person reads the file."""
    unique = dict.fromkeys(findings)
    return sorted(unique, key=lambda f: (f.file, f.line, f.column, f.code, f.path, f.message))
