"""A document before it is parsed: size, encoding, characters.  Law: stdlib only; bytes in, text or a finding out.

What passes here is UTF-8 text of bounded size without control characters and without characters that make a reviewer
see another text than the machine reads.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mlcc.core.findings import Finding, Severity
from mlcc.core.nodes import Mark


class Limits(NamedTuple):
    """Caps on one document: bytes, nesting, nodes after expansion, aliases, characters after expansion."""

    max_bytes: int = 256 * 1024
    max_depth: int = 16
    max_nodes: int = 20_000
    max_aliases: int = 100
    max_chars: int = 1024 * 1024


CONFIG_LIMITS = Limits()
PROJECT_REGISTRY_LIMITS = Limits(4 * 1024 * 1024, 16, 200_000, 100, 16 * 1024 * 1024)
OPERATOR_LIMITS = Limits(1 << 40, 64, 1 << 40, 1 << 40, 1 << 50)

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff\ud800-\udfff]")
# Characters that make a reviewer see another text than the machine reads (bidirectional overrides and isolates).
_DECEPTIVE = re.compile("[\u202a-\u202e\u2066-\u2069]")


class Stop(Exception):
    """The document cannot be read any further; carries the finding."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding


def problem_at(code: str, message: str, mark: Mark, hint: str = "", path: str = "") -> Finding:
    """An error at a place."""
    return Finding(code, Severity.ERROR, message, path, mark.file, mark.line, mark.column, hint)


def _place(text: str, offset: int, file: str) -> Mark:
    line = text.count("\n", 0, offset) + 1
    return Mark(file, line, offset - (text.rfind("\n", 0, offset) + 1) + 1)


def decode(data: bytes, file: str, limits: Limits) -> str:
    """The text of a document.  Raises Stop with what is wrong with it."""
    if len(data) > limits.max_bytes:
        size = f"{len(data):,} bytes; at most {limits.max_bytes:,} are read"
        raise Stop(problem_at("MLCC002", f"the file is too large: {size}", Mark(file, 1, 1)))
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as problem:
        mark = _place(data[: problem.start].decode("utf-8", "replace"), problem.start, file)
        mark = Mark(file, mark.line, max(1, mark.column))
        raise Stop(problem_at("MLCC003", "the file is not UTF-8 text", mark, "save it as UTF-8")) from None
    text = text.replace("\r\n", "\n")
    found = _CONTROL.search(text)
    if found:
        name = f"U+{ord(found[0]):04X}"
        hint = 'write it as an escape in double quotes, as in "\\x1b", if it is meant'
        raise Stop(
            problem_at("MLCC004", f"control character {name} in the file", _place(text, found.start(), file), hint)
        )
    found = _DECEPTIVE.search(text)
    if found:
        name = f"U+{ord(found[0]):04X}"
        hint = (
            'it makes readers see another text; write it as an escape in double quotes, as in "\\u202e", if it is meant'
        )
        message = f"bidirectional control character {name} in the file"
        raise Stop(problem_at("MLCC004", message, _place(text, found.start(), file), hint))
    return text
