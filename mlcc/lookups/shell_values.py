"""The assignments of a shell file, as far as they are known without running it.  Law: pure; nothing is executed.

What is read: `export NAME=word` and `NAME=word` with quotes, escapes, `$NAME`, `${NAME}`, `${NAME:-word}` and the like,
in the order of the file; `: "${NAME:=word}"`.  Everything else (commands, conditions, arrays, `$(...)`) is listed, and
a variable that it may have set has no value from there on: a value is right, or there is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mlcc.core.records import NamedTuple
from mlcc.lookups.shell_statements import Statement, statements

# Of a value, after its variables were put in: a line that doubles another many times over must end somewhere.
MAX_VALUE = 65_536
MAX_DEPTH = 20

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_ASSIGNED = re.compile(rf"({_NAME})=")
_EXPANSION = re.compile(rf"\$(?:({_NAME})|\{{({_NAME})(:?[-=])?)")
# Characters that mean themselves where they are not quoted, in an assignment (Bash manual, 3.5: no splitting and no
# file names there; `{` begins an expansion, `~` another one).
_BARE = re.compile(r"[A-Za-z0-9@%_+=:,./?*^!#\[\]}-]+")
_BARE_DEFAULT = re.compile(r"[A-Za-z0-9@%_+=:,./?*^!#\[\]{\t &|;<>()-]+")
_BLANKS = re.compile(r"(?:[ \t]|\\\n)*")
# What a statement that is not understood may set: assignments, defaults, and the names that such commands take.
_MAY_SET = re.compile(rf"(?<![A-Za-z0-9_$])({_NAME})(?:\[[^\]]*\])?\+?=|\$\{{({_NAME}):?=")
_NAMES_OF = re.compile(
    r"(?:^|[;&|]|\b(?:then|do|else)\b)\s*(?:read|unset|mapfile|readarray|getopts|for|select|printf\s+-v)\b([^;&|]*)"
)
# Commands that set nothing of a file's own.
_SILENT = re.compile(r"(?:echo|printf(?!\s+-v)|true)(?=\s|$)|set [-+][eux]+(?: [-+]?o? ?pipefail)?$|set -o \w+$")
# Those that may set anything; functions of the file are added to them.
_SETS_ALL = re.compile(r"(?:^|[;&|(]|\b(?:then|do|else)\b)\s*(?:source|eval|\.)(?=\s)")
_FUNCTION = re.compile(r"^(?:function\s+)?([A-Za-z_][A-Za-z0-9_-]*)\s*\(\)|^function\s+([A-Za-z_][A-Za-z0-9_-]*)")
_FIXES = re.compile(r"^(?:readonly|declare|typeset)\b")


class Value(NamedTuple):
    """A variable as the file leaves it.

    text: its value, None where only running the file would tell; line: of the statement that decided; why: what could
    not be known.
    """

    text: str | None
    line: int
    why: str = ""


class Skipped(NamedTuple):
    """A statement that was not understood.  text: as it stands there."""

    line: int
    text: str


class Values(NamedTuple):
    """variables: by name, in the order in which they were last set; skipped: what was not understood."""

    variables: Mapping[str, Value]
    skipped: tuple[Skipped, ...]


class _Unknown(Exception):
    """Only running the file would give the value; the text says why."""


def values(source: str, known: Mapping[str, Value] = {}) -> Values:
    """The variables that a shell file sets.

    known: those that are set before it (of a file that is read first); they are not part of the result.

    >>> values('export A="x"\\nexport B=${B:-$A-1}\\n').variables["B"].text
    'x-1'
    """
    reader = _Reader(known)
    for statement in statements(source.replace("\r\n", "\n")):
        reader.statement(statement)
    return Values(reader.own, tuple(reader.skipped))


class _Reader:
    """One pass over a file."""

    def __init__(self, known: Mapping[str, Value]) -> None:
        self.known = dict(known)
        self.own: dict[str, Value] = {}
        self.skipped: list[Skipped] = []
        self.functions: set[str] = set()
        self.fixed: set[str] = set()

    def statement(self, one: Statement) -> None:
        """Takes one statement into account."""
        if not one.certain or not self._assignments(one):
            if one.certain and _SILENT.match(one.text) and not _MAY_SET.search(one.text):
                return
            if one.first:
                self.skipped.append(Skipped(one.line, one.text))
            self._unknown(one)

    def _assignments(self, one: Statement) -> bool:
        """Reads a statement of assignments alone; False for any other."""
        text, at = one.text, 0
        head = re.match(r"(export[ \t]+|:[ \t]+)?", text)
        exported = head[1] if head is not None and head[1] else ""
        at = len(exported)
        found: list[tuple[str, Value]] = []
        kept = dict(self.known)
        while at < len(text):
            name = _ASSIGNED.match(text, at) if not exported.startswith(":") else None
            if name is None and not (exported and _only_default(text, at)):
                self.known = kept
                return self._names_alone(text, exported)
            try:
                value, at = _Word(text, name.end() if name else at, self, one.line).read()
            except _Unknown as problem:
                self.known = kept
                return self._without_value(one, str(problem)) if name is not None else False
            if name is not None:
                found.append((name[1], Value(value, one.line)))
            if not exported:  # `export` sees all its words before it sets one
                self._set(*found[-1])
            at = _blanks(text, at)
        for pair in found if exported else ():
            self._set(*pair)
        return bool(found) or exported.startswith(":")

    def _names_alone(self, text: str, exported: str) -> bool:
        """`export NAME` sets nothing."""
        return exported.startswith("export") and bool(re.fullmatch(rf"export(?:[ \t]+{_NAME})+", text))

    def _without_value(self, one: Statement, why: str) -> bool:
        """A statement of assignments whose value is not known: its names have none, and are listed by name."""
        rest = re.sub(r"^export[ \t]+", "", one.text)
        name = _ASSIGNED.match(rest)
        if name is None or not why:
            return False
        self._unknown(one, why)
        return True

    def _unknown(self, one: Statement, why: str = "") -> None:
        defined = _FUNCTION.match(one.text)
        names = [a or b for a, b in _MAY_SET.findall(one.text)]
        if _FIXES.match(one.text):
            self.fixed.update(names)
        if defined is not None:
            self.functions.add(defined[1] or defined[2])
        elif _SETS_ALL.search(one.text) or self.functions & set(re.split(r"[^A-Za-z0-9_-]+", one.text)):
            names += list(self.known)
        for listed in _NAMES_OF.findall(one.text):
            names += re.findall(rf"(?<![-A-Za-z0-9_$]){_NAME}", listed)
        for name in names:
            self._set(name, Value(None, one.line, why or "it is set where only running the file tells whether"))

    def _set(self, name: str, value: Value) -> None:
        if name in self.fixed:
            value = Value(None, value.line, "it may not be changed any more")
        self.known[name] = value
        self.own.pop(name, None)
        self.own[name] = value

    def default(self, name: str, operator: str, alternative: str, line: int) -> str:
        """`${NAME:-word}` and its kin.  Raises _Unknown where the variable itself is not known."""
        found = self.known.get(name)
        if found is not None and found.text is None:
            raise _Unknown(f"it depends on {name}, which is not known")
        if found is not None and found.text is not None and (found.text or not operator.startswith(":")):
            return found.text
        if operator.endswith("="):
            self._set(name, Value(alternative, line))
        return alternative

    def lookup(self, name: str) -> str:
        """`$NAME`.  Raises _Unknown for what the file does not set: its value is that of the environment."""
        found = self.known.get(name)
        if found is None or found.text is None:
            where = "of the environment" if found is None else "which is not known"
            raise _Unknown(f"it depends on {name}{' ' if found is None else ', '}{where}")
        return found.text


def _only_default(text: str, at: int) -> bool:
    return re.match(rf'"?\$\{{{_NAME}:?=', text[at:]) is not None


def _blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found is not None else at


class _Word:
    """One word of the shell, read from a place on."""

    def __init__(self, text: str, at: int, reader: _Reader, line: int) -> None:
        self.text, self.at, self.reader, self.line = text, at, reader, line

    def read(self) -> tuple[str, int]:
        """The word's value and where it ends.  Raises _Unknown."""
        value = self._parts("", 0)
        if self.at < len(self.text) and self.text[self.at] not in " \t":
            raise _Unknown("")
        return value, self.at

    def _parts(self, end: str, depth: int) -> str:
        """Parts up to a blank, or up to `end` (of a default)."""
        if depth > MAX_DEPTH:
            raise _Unknown("it is nested too deeply")
        found: list[str] = []
        bare = _BARE_DEFAULT if end else _BARE
        while self.at < len(self.text) and self.text[self.at] != end and (end or self.text[self.at] not in " \t"):
            char = self.text[self.at]
            plain = bare.match(self.text, self.at)
            if plain is not None:
                found.append(plain[0])
                self.at = plain.end()
            elif char == "'":
                found.append(self._single())
            elif char == '"':
                self.at += 1
                found.append(self._double(depth))
            elif char == "\\" and self.at + 1 < len(self.text):
                found.append("" if self.text[self.at + 1] == "\n" else self.text[self.at + 1])
                self.at += 2
            else:
                found.append(self._expansion(depth, quoted=False))
        return _bounded("".join(found))

    def _single(self) -> str:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            raise _Unknown("a quotation mark is not closed")
        found, self.at = self.text[self.at + 1 : end], end + 1
        return found

    def _double(self, depth: int, end: str = '"') -> str:
        """Text in double quotes, or a default inside them; only $ and \\ mean something."""
        found: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == end:
                self.at += 1
                return _bounded("".join(found))
            if char == "\\" and self.text[self.at + 1 : self.at + 2] in ("$", "`", '"', "\\", "\n", end):
                found.append(self.text[self.at + 1].strip("\n"))
                self.at += 2
            elif char in "$`":
                found.append(self._expansion(depth + (end == "}" and not depth), quoted=True))
            elif char == '"':  # quotes inside a default that is itself quoted
                raise _Unknown("its quotes are nested")
            else:
                found.append(char)
                self.at += 1
        raise _Unknown("a quotation mark is not closed")

    def _expansion(self, depth: int, quoted: bool) -> str:
        """What begins with a dollar sign.  Raises _Unknown for all but a variable with or without a default."""
        if self.text[self.at] == "$" and quoted and not re.match(r"\$[A-Za-z0-9_{(@*#?$!'\"-]", self.text[self.at :]):
            self.at += 1
            return "$"
        found = _EXPANSION.match(self.text, self.at)
        if found is None:
            run = re.match(r"\$\(|`", self.text[self.at :]) is not None
            raise _Unknown("a command would have to run" if run else "it is written in a way that is not read")
        self.at = found.end()
        if found[1]:
            return self.reader.lookup(found[1])
        if not found[3]:
            if self.text[self.at : self.at + 1] != "}":
                raise _Unknown("it is written in a way that is not read")
            self.at += 1
            return self.reader.lookup(found[2])
        if depth and found[3].endswith("="):  # whether it is set at all depends on what stands around it
            raise _Unknown("it is written in a way that is not read")
        alternative = self._alternative(depth + 1, quoted)
        return _bounded(self.reader.default(found[2], found[3], alternative, self.line))

    def _alternative(self, depth: int, quoted: bool) -> str:
        if quoted:
            if depth > MAX_DEPTH:
                raise _Unknown("it is nested too deeply")
            return self._double(depth, "}")
        value = self._parts("}", depth)
        if self.text[self.at : self.at + 1] != "}":
            raise _Unknown("a brace is not closed")
        self.at += 1
        return value


def _bounded(value: str) -> str:
    if len(value) > MAX_VALUE:
        raise _Unknown(f"it is longer than {MAX_VALUE:,} characters")
    return value
