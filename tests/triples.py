"""Files that two people changed, for the tests that compare our three-way merge with Git's.

A base is a file of a rendered project, whole or a part of it, or a small text of few words; each side is edited as
people edit.  The same number gives the same triple on every machine.
"""

from __future__ import annotations

import functools
import random
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from mlcc.plan.merge import merge_texts
from tests.helpers import ROOT

Lines = list[str]
MAX_BASE_LINES = 400
WORDS = ("name", "value", "model", "port", "8080", "true", "None", "info", "4", "tokens", "x", "prod")
COMMON = ("", "}", "    return None", "  - name: x", "# ---", "fi", "export A='1'", "pass")


class Triple(NamedTuple):
    """A base and two versions of it.  kind: what the base is, for messages."""

    kind: str
    base: bytes
    ours: bytes
    theirs: bytes


class ByGit(NamedTuple):
    """What `git merge-file --diff3` printed, and whether it left a conflict."""

    data: bytes
    conflict: bool


def triple(number: int) -> Triple:
    """The triple of a number."""
    chance = random.Random(f"triple {number}")
    kind, base = _base(chance)
    ours, theirs = _sides(base, chance)
    texts = ["".join(f"{line}\n" for line in lines) for lines in (base, ours, theirs)]
    return Triple(kind, *(text.encode() for text in _ended(texts, chance)))


class Compared(NamedTuple):
    """How many triples both merge alike, and the numbers of the others."""

    both_clean: int
    both_conflict: int
    clean_where_git_conflicts: list[int]
    other_bytes: list[int]
    conflict_where_git_is_clean: list[int]

    def __str__(self) -> str:
        """For a report."""
        total = self.both_clean + self.both_conflict + sum(map(len, self[2:]))
        return (
            f"{total} triples: {self.both_clean} clean with the same bytes, {self.both_conflict} conflicts of both, "
            f"{len(self.conflict_where_git_is_clean)} conflicts of mlcc alone, "
            f"{len(self.clean_where_git_conflicts)} of Git alone, {len(self.other_bytes)} with other bytes"
        )


def compared(numbers: Iterable[int], folder: Path) -> Compared:
    """Merges triples with mlcc and with Git."""
    clean, conflict = 0, 0
    wrong, other, more = list[int](), list[int](), list[int]()
    for number in numbers:
        one = triple(number)
        ours, git = merge_texts(one.base, one.ours, one.theirs), git_merge(one, folder)
        if ours.conflicts and git.conflict:
            conflict += 1
        elif ours.conflicts:
            more.append(number)
        elif git.conflict:
            wrong.append(number)
        elif ours.data != git.data:
            other.append(number)
        else:
            clean += 1
    return Compared(clean, conflict, wrong, other, more)


def git_merge(triple: Triple, folder: Path) -> ByGit:
    """Merges a triple with Git, in a folder for its three files."""
    names = ("ours", "base", "theirs")
    for name, data in zip(names, (triple.ours, triple.base, triple.theirs), strict=True):
        (folder / name).write_bytes(data)
    done = subprocess.run(["git", "merge-file", "-p", "-q", "--diff3", *names], cwd=folder, capture_output=True)
    assert 0 <= done.returncode < 128, done
    return ByGit(done.stdout, done.returncode > 0)


# ---------------------------------------------------------------- what is edited
@functools.cache
def _rendered() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Files of rendered projects with their names, as they once were: a triple stays the same when templates change."""
    parts = (ROOT / "tests/data/merge_bases.txt").read_text().split("=== ")[1:]
    texts = dict(part.split("\n", 1) for part in parts)
    return tuple((name, tuple(text.splitlines())) for name, text in texts.items())


def _base(chance: random.Random) -> tuple[str, Lines]:
    way = chance.random()
    if way < 0.03:
        return "empty", []
    if way < 0.10:  # few words, which repeat: every edit has several readings
        return "few words", [chance.choice("abc") for _ in range(chance.randrange(1, 12))]
    if way < 0.14:
        return "one line again and again", [chance.choice(COMMON)] * chance.randrange(1, 300)
    if way < 0.18:
        return "blocks that are alike", [line for _ in range(chance.randrange(2, 9)) for line in _block(chance)]
    name, lines = chance.choice(_rendered())
    start = chance.randrange(len(lines)) if len(lines) > MAX_BASE_LINES or chance.random() < 0.3 else 0
    return name, list(lines[start : start + MAX_BASE_LINES])


def _block(chance: random.Random) -> Lines:
    return [
        f"location /{chance.choice(WORDS)} {{",
        "    proxy_pass http://app;",
        f"    {chance.choice(WORDS)};",
        "}",
        "",
    ]


# ---------------------------------------------------------------- edits
def _line(chance: random.Random) -> str:
    if chance.random() < 0.3:
        return chance.choice(COMMON)
    return f"{' ' * chance.choice((0, 0, 2, 4))}{chance.choice(WORDS)}: {chance.choice(WORDS)}{chance.randrange(99)}"


def _add(lines: Lines, at: int, chance: random.Random) -> None:
    lines[at:at] = [_line(chance) for _ in range(chance.choice((1, 1, 1, 2, 3, 8)))]


def _remove(lines: Lines, at: int, chance: random.Random) -> None:
    del lines[at : at + chance.choice((1, 1, 1, 2, 3, 8))]


def _change(lines: Lines, at: int, chance: random.Random) -> None:
    for place in range(at, min(at + chance.choice((1, 1, 1, 2, 3)), len(lines))):
        words = lines[place].split(" ")
        words[chance.randrange(len(words))] = chance.choice(WORDS)
        lines[place] = " ".join(words)


def _rewrite(lines: Lines, at: int, chance: random.Random) -> None:
    _remove(lines, at, chance)
    _add(lines, min(at, len(lines)), chance)


def _move(lines: Lines, at: int, chance: random.Random) -> None:
    size = chance.choice((1, 1, 2, 5, 12))
    block = lines[at : at + size]
    del lines[at : at + size]
    to = at + chance.choice((-3, -2, -1, 1, 2, 3)) if chance.random() < 0.5 else chance.randrange(len(lines) + 1)
    to = max(0, min(to, len(lines)))
    lines[to:to] = block


def _copy(lines: Lines, at: int, chance: random.Random) -> None:
    block = lines[at : at + chance.choice((1, 1, 3, 6))]
    to = at + len(block) if chance.random() < 0.7 else chance.randrange(len(lines) + 1)
    lines[to:to] = block * chance.choice((1, 1, 1, 2))


def _indent(lines: Lines, at: int, chance: random.Random) -> None:
    for place in range(at, min(at + chance.choice((1, 3, 6)), len(lines))):
        lines[place] = f"  {lines[place]}" if lines[place] else ""


def _space(lines: Lines, at: int, chance: random.Random) -> None:
    if at < len(lines) and not lines[at].strip():
        del lines[at]
    else:
        lines.insert(at, "")


def _sort(lines: Lines, at: int, chance: random.Random) -> None:
    lines[at : at + 6] = sorted(lines[at : at + 6])


def _empty(lines: Lines, at: int, chance: random.Random) -> None:
    del lines[:]


Edit = Callable[[Lines, int, random.Random], None]
EDITS: dict[Edit, int] = {
    _add: 6, _remove: 4, _change: 8, _rewrite: 3, _move: 3, _copy: 2, _indent: 1, _space: 2, _sort: 1,
}  # fmt: skip


def _sides(base: Lines, chance: random.Random) -> tuple[Lines, Lines]:
    """Both sides: edits of each at places of its own, beside one another's, or the same one on both."""
    ours, theirs = base.copy(), base.copy()
    place = chance.randrange(len(base) + 1)  # where both work, now and then
    shared = chance.random()
    for side in (ours, theirs):
        if chance.random() < 0.01:
            _empty(side, 0, chance)
        for _ in range(chance.choice((0, 1, 1, 1, 2, 2, 3, 5))):
            edit = chance.choices([*EDITS], [*EDITS.values()])[0]
            edit(side, _place(side, place, shared, chance), chance)
    if chance.random() < 0.15:  # both make one change, and go on
        seed = chance.random()
        for side in (ours, theirs):
            both = random.Random(seed)
            _rewrite(side, min(place, len(side)), both)
        if chance.random() < 0.5:
            _change(ours, _place(ours, place, shared, chance), chance)
    if chance.random() < 0.05:
        theirs = ours.copy()
        _change(theirs, _place(theirs, place, shared, chance), chance)
    return ours, theirs


def _place(lines: Lines, near: int, shared: float, chance: random.Random) -> int:
    """Where an edit is made.  shared: how often it is near the place where both sides work."""
    way = chance.random()
    if way < 0.1:
        return chance.choice((0, max(0, len(lines) - 1), len(lines)))
    if way < shared:
        return max(0, min(len(lines), near + chance.randrange(-4, 5)))
    return chance.randrange(len(lines) + 1)


# ---------------------------------------------------------------- ends of lines and files
def _ended(texts: list[str], chance: random.Random) -> list[str]:
    """The ends of lines and of the file: CR LF in all or in one, CR alone, no newline at the end."""
    way = chance.random()
    if way < 0.08:
        texts = [text.replace("\n", "\r\n") for text in texts]
    elif way < 0.10:
        side = chance.randrange(3)
        texts = [text.replace("\n", "\r\n") if n == side else text for n, text in enumerate(texts)]
    elif way < 0.13:
        old = chance.choice(("\r", "\f", "\v", "\x85", "\u2028"))
        texts = [text.replace(" ", old, 40) for text in texts]
    for side in range(3):
        if chance.random() < 0.06:
            texts[side] = texts[side].removesuffix("\n")
    if chance.random() < 0.03:
        texts = [text.removesuffix("\n") for text in texts]
    return texts
