"""Findings: what is wrong, where, what is allowed, what to do.  Law: stdlib only; data and text, never output.

A finding is frozen data; formatting for people and machines is the command line layer's.  `printable` is the one
function through which text that did not come from mlcc (a value, a key, a file name) passes before it may appear in
a message: control, C1 and bidirectional characters become escapes, so that no message can drive a terminal or a CI log.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from typing import NamedTuple


class Severity(enum.IntEnum):
    """How bad a finding is; larger is worse."""

    NOTE = 1
    WARNING = 2
    ERROR = 3

    @property
    def label(self) -> str:
        """The lower-case word used in every output format."""
        return self.name.lower()


class Finding(NamedTuple):
    """One mistake, warning or note.

    code: stable identifier, `MLCC` and three digits; path: dotted configuration path, empty when there is none;
    file: as the user named it; line and column: 1-based, 0 when unknown; hint: what to do.
    """

    code: str
    severity: Severity
    message: str
    path: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    hint: str = ""

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


# Unicode: C0, DEL, C1, zero-width and bidirectional controls, line and paragraph separators, BOM, lone surrogates,
# interlinear annotations and tag characters.
_UNSAFE = (
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
# Words that CI systems act on when a line begins with them (GitHub, Azure, older GitHub forms).
_CI_COMMANDS = ("::", "##[", "##vso[")


def _escape(match: re.Match[str]) -> str:
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(match[0])
    if short:
        return short
    point = ord(match[0])
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def printable(text: str, limit: int = 120) -> str:
    """Foreign text made safe for one line of a terminal or a CI log, cut to `limit` characters (0: never cut)."""
    if limit and len(text) > limit:
        text = text[: limit - 3] + "..."
    if not (text.isascii() and text.isprintable()):
        text = re.sub(_UNSAFE, _escape, text)
    words = text.lstrip()
    return f"{text[: len(text) - len(words)]}\\{words}" if words.startswith(_CI_COMMANDS) else text


def quoted(text: str, limit: int = 80) -> str:
    """Foreign text in single quotes, safe to print."""
    return f"'{printable(text, limit)}'"


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word closest to `word`, or an empty string when none is near."""
    if len(word) > 80:
        return ""
    import difflib

    found = difflib.get_close_matches(word.lower().replace("-", "_"), list(known), n=1, cutoff=0.6)
    if found:
        return found[0]
    found = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return found[0] if found else ""


def allowed(words: Iterable[str], limit: int = 12) -> str:
    """A short listing of allowed words for a message."""
    names = sorted(words)
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
