"""The text of a .conf file: `export NAME='value'` lines, written with quotes and parsed, never executed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from mlcc.core.findings import Finding, Severity
from mlcc.core.text import printable, quoted
from mlcc.render.layers import is_conf

HEADER = "# Values of this project, written by mlcc apply from mlcc.yaml: change them with mlcc set.\n"
_LINE = re.compile(r"export ([A-Za-z_][A-Za-z0-9_]*)=")
_BARE = re.compile(r"[A-Za-z0-9@%_+=:,./-]*")


# ---------------------------------------------------------------- the format
def quote(value: str) -> str:
    """A value in single quotes, also when it needs none: every line looks alike."""
    return shlex.quote(value) if "'" in value else f"'{value}'"


def conf_text(variables: Mapping[str, str]) -> bytes:
    """A whole .conf file."""
    return (HEADER + "".join(f"{line}\n" for line in assignments(variables))).encode("utf-8")


def assignments(variables: Mapping[str, str]) -> list[str]:
    """The variables as a shell reads them; a value with line feeds stays one element."""
    return [f"export {name}={quote(value)}" for name, value in sorted(variables.items())]


def parse_conf(data: bytes, file: str) -> tuple[dict[str, str], list[Finding]]:
    """Variables of a .conf file; any line of another form is a finding MLCC301 with its place.

    Values are one shell word of single-quoted, double-quoted (without expansions) and bare parts.
    """
    try:
        rest = data.decode("utf-8")
    except UnicodeDecodeError:
        return {}, [_refused(file, 1, "the file is not UTF-8 text")]
    variables: dict[str, str] = {}
    line = 1
    while rest:
        if rest.startswith("\n"):
            rest, line = rest[1:], line + 1
            continue
        head, newline, tail = rest.partition("\n")
        if not head.strip(" \t") or head.lstrip(" \t").startswith("#"):
            rest, line = tail, line + bool(newline)
            continue
        match = _LINE.match(rest)
        word = _word(rest, match.end()) if match else None
        if match is None or word is None:
            return variables, [_crlf(file, line) if head.endswith("\r") else _form(file, line, head)]
        value, end = word
        variables[match[1]] = value
        line += rest.count("\n", 0, end)
        rest = rest[end:]
    return variables, []


def _word(source: str, start: int) -> tuple[str, int] | None:
    """One shell word from `start` to the end of its line: (value, end) or None when it is not a plain word."""
    parts: list[str] = []
    position = start
    while position < len(source) and source[position] not in "\n":
        char = source[position]
        if char == "'":
            end = source.find("'", position + 1)
            if end < 0:
                return None
            parts.append(source[position + 1 : end])
            position = end + 1
        elif char == '"':
            end = source.find('"', position + 1)
            inner = source[position + 1 : end]
            if end < 0 or re.search(r"[$`\\!]", inner):
                return None
            parts.append(inner)
            position = end + 1
        elif char in " \t":
            trailing = source[position:].partition("\n")[0]
            if trailing.strip(" \t") and not trailing.strip(" \t").startswith("#"):
                return None
            return "".join(parts), position + len(trailing)
        else:
            bare = _BARE.match(source, position)
            if bare is None or not bare[0]:
                return None
            parts.append(bare[0])
            position = bare.end()
    return "".join(parts), position


def _form(file: str, line: int, head: str) -> Finding:
    found = _refused(file, line, f"not of the form export NAME='value': {quoted(head, 40)}")
    hint = "a merge left both versions: settle mlcc.yaml, run mlcc apply, which writes this file anew"
    return found._replace(hint=hint) if head.startswith(("<<<<<<< ", ">>>>>>> ")) or head == "=======" else found


def _crlf(file: str, line: int) -> Finding:
    shown = printable(file, 200)
    hint = f"save it with Unix line endings (LF): sed -i 's/\\r$//' {shown}, or mlcc apply --restore {shown}"
    return _refused(file, line, "this file has Windows line endings (CRLF)")._replace(hint=hint)


def _refused(file: str, line: int, message: str) -> Finding:
    hint = "do/*.conf and do/config hold export lines, comments and blank lines only; set values in mlcc.yaml"
    return Finding("MLCC301", Severity.ERROR, message, file=file, line=line, column=1, hint=hint)


def acceptable(path: str, data: bytes) -> bool:
    """Whether merged bytes still have the form that their path promises: a .conf file holds values only."""
    return not is_conf(path) or not parse_conf(data, path)[1]
