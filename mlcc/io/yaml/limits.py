"""A document before it is parsed: size, encoding, characters.  Law: stdlib only; bytes in, text or a finding out.

What passes here is UTF-8 text of bounded size without control characters and without characters that make a reviewer
see another text than the machine reads.
"""

from __future__ import annotations

from mlcc.core.findings import Finding, Severity
from mlcc.core.nodes import Mark
from mlcc.core.records import NamedTuple
from mlcc.core.text import hidden, printable


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
    offset = hidden(text)
    if offset is not None:
        shown = printable(text[offset])
        message = f"character U+{ord(text[offset]):04X} in the file, which a reader does not see"
        escape = f', or write it as an escape in double quotes if it is meant: "{shown}"'
        hint = "remove it" + (escape if text[offset] != "\0" else "")  # no value may hold a NUL
        raise Stop(problem_at("MLCC004", message, _place(text, offset, file), hint))
    return text
