"""A comment on a pull request: what changes, as a reviewer reads it.  Law: text from outside stays text; within a size.

GitHub takes 65,536 characters.  What does not fit is left out by whole rows and whole files, and the comment says what.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from mlcc.cli.outcomes import STATUSES, UNCHANGED, Outcome
from mlcc.cli.output import cell, cleaned, fenced, markdown
from mlcc.cli.session import redacted
from mlcc.core.findings import Finding, ordered
from mlcc.core.text import printable

# What GitHub takes; and what mlcc takes of it, in bytes, which are no fewer: a workflow may put words around it.
MAX_CHARACTERS = 65_536
LIMIT = MAX_CHARACTERS - 1_536
# What the list of what is left out may take, what tables may take before the files, and how much of a value is shown.
OF_LIST, OF_TABLES = 4_000, LIMIT * 6 // 10
MAX_CELL, MAX_LINE = 300, 1_000
MAX_NAMED = 20

MEANING = (("path", "path"), ("old", "before"), ("new", "after"), ("source", "source"), ("why", "why"))
COSTS = (("environment", "environment"), ("cost", "cost"))
FINDINGS = (("severity", "severity"), ("code", "code"), ("place", "place"), ("message", "message"), ("hint", "hint"))
Columns = Sequence[tuple[str, str]]


class _Room:
    """How much of the comment is left, and what found no place in it."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.left_out: list[str] = []

    def takes(self, text: str, most: int | None = None) -> bool:
        """Whether a text fits; then it is counted.  most: what may be left of the whole after it."""
        size = len(text.encode("utf-8", "replace")) + 2
        if size > self.left - (most or 0):
            return False
        self.left -= size
        return True


def body(outcomes: Sequence[Outcome]) -> str:
    """The whole comment."""
    room = _Room(LIMIT - OF_LIST)
    parts = [f"**mlcc diff**: {_counts(outcomes)}"]
    room.takes(parts[0])
    shown = [one for one in outcomes if one.status != UNCHANGED or one.findings]
    # the meaning of every project goes before the files of the first
    sections = [[*_section(one, room, several=len(outcomes) > 1)] for one in shown]
    for one, section in zip(shown, sections, strict=True):
        parts += [*section, *_files(one, room)]
    if room.left_out:
        parts.append(_missing(room.left_out))
    return "\n\n".join(parts)


def _counts(outcomes: Sequence[Outcome]) -> str:
    """How many projects, values and files are concerned."""
    status = Counter(one.status for one in outcomes)
    projects = ", ".join(f"{status[name]:,} {name}" for name in STATUSES if status[name])
    comments = [one.comment for one in outcomes if one.comment is not None]
    values = sum(len(one["rows"]) for one in comments)
    files = Counter(str(file["action"]) for one in comments for file in one["files"])
    parts = [_number(values, "value")] if values else []
    parts += [f"{_number(count, 'file')}: {action}" for action, count in sorted(files.items())]
    counted = f"{_number(len(outcomes), 'project')}: {projects}" if projects else _number(len(outcomes), "project")
    return f"{counted} ({'; '.join(parts)})" if parts else counted


def _number(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


# ---------------------------------------------------------------- tables
def _section(one: Outcome, room: _Room, several: bool) -> Iterator[str]:
    """A project's heading and tables, as far as there is room."""
    name = printable(one.file, 300)
    heading = f"#### {markdown(name)}: {one.status}"
    reserve = LIMIT - OF_LIST - OF_TABLES
    if (several or one.status != "changed") and not room.takes(heading, reserve):
        room.left_out.append(f"all of {name}")
        return
    if several or one.status != "changed":
        yield heading
    about = one.comment or {"rows": (), "costs": (), "prices": (), "fits": ()}
    found = [_finding(f) for f in ordered(one.findings)]
    for what, rows, columns in (
        ("finding", found, FINDINGS),
        ("value", [_row(row) for row in about["rows"]], MEANING),
        ("cost", about["costs"], COSTS),
    ):
        yield from _table(rows, columns, room, reserve, f"{what}s of {name}")
    for line in (*about["prices"], *(f"memory of {fit}" for fit in about["fits"])):
        text = f"- {markdown(printable(redacted(line), MAX_CELL))}"
        if room.takes(text, reserve):
            yield text


def _finding(finding: Finding) -> dict[str, str]:
    shown = cleaned(finding)
    return {**shown._asdict(), "severity": shown.severity.label, "place": shown.place}


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A value with where the new one stands."""
    origin = str(row.get("origin", ""))
    level = f" ({row['validation_level']})" if row.get("validation_level") else ""
    source = f"{row['source']} ({origin})" if origin and row["source"] else row["source"]
    return {**row, "source": source or "removed", "after": f"{cell(row['after'])}{level}"}


def _table(rows: Sequence[Mapping[str, Any]], columns: Columns, room: _Room, reserve: int, what: str) -> Iterator[str]:
    """A table of as many rows as there is room for."""
    head = "\n".join([_line(title for title, _ in columns), _line("---" for _ in columns)])
    if not rows:
        return
    if not room.takes(head, reserve):
        room.left_out.append(f"{len(rows):,} {what}")
        return
    lines = [head]
    for number, row in enumerate(rows):
        line = _line(markdown(printable(redacted(cell(row.get(key))), MAX_CELL)) for _, key in columns)
        if not room.takes(line, reserve):
            room.left_out.append(f"{len(rows) - number:,} {what}")
            break
        lines.append(line)
    yield "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


# ---------------------------------------------------------------- files
def _files(one: Outcome, room: _Room) -> Iterator[str]:
    """Each file's hunks, folded; a file that finds no room is left out as a whole."""
    for file in (one.comment or {}).get("files", ()):
        text = _file(file)
        if text and room.takes(text):
            yield text
        else:
            room.left_out.append(f"{printable(str(file['path']), 200)} ({_size(file)})")


def _file(file: Mapping[str, Any]) -> str:
    """The hunks of a file behind a line that opens them; empty where there are too many."""
    if file["lines"] is None:
        return ""
    name = escape(printable(redacted(str(file["path"])), 200))
    summary = f"<details><summary><code>{name}</code> ({_size(file)})</summary>"
    lines = [printable(redacted(line), MAX_LINE) for line in file["lines"]]
    code = fenced("\n".join(lines), "diff") if lines else "no line differs"
    return f"{summary}\n\n{code}\n\n</details>"


def _size(file: Mapping[str, Any]) -> str:
    return f"{file['action']}, +{file['came']:,} -{file['went']:,}"


def _missing(names: Sequence[str]) -> str:
    """What is left out, by name as far as there is room."""
    room, lines = _Room(OF_LIST - 300), list[str]()
    for name in names[:MAX_NAMED]:
        line = f"- {markdown(printable(redacted(name), MAX_CELL))}"
        if not room.takes(line):
            break
        lines.append(line)
    more = len(names) - len(lines)
    lines += [f"- and {more:,} more"] if more else []
    return "\n".join(["Left out, because a comment holds no more (`mlcc diff` shows all):\n", *lines])
