"""What an update left of an edit, in words.  Law: the words follow from files, Git's index and what was printed."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tools.updates.scenarios import Scenario

MARKER, BINARY = b"<<<<<<<", b"\0"
COPIES = (".rej", ".orig", ".mlcc-new", ".mlcc-saved")
# Of mlcc's column, which tests/functional/test_updates.py asks of mlcc itself.
REFUSED = "shown: exit 1, nothing written; "
MARKERS, BESIDE, ANSWERED = "`--merge`: markers", "`--merge`: the new one beside it", "`--keep-deleted` or `--restore`"
MLCC = (
    "merged",
    f"{REFUSED}{MARKERS}",
    f"{REFUSED}{MARKERS}",
    "kept",
    "kept",
    f"{REFUSED}{ANSWERED}",
    "kept; the file is named",
    f"{REFUSED}{ANSWERED}",
    "merged",
    "merged",
    "merged",
    f"{REFUSED}{BESIDE}",
)


class Run(NamedTuple):
    """How an update ended.

    mine, theirs: whether the edit and the template's change are in the files (theirs is None where the template does
    not touch what was edited); markers: whether conflict markers stand in the file; beside: copies that were left
    beside it; unmerged: whether Git's index calls it unmerged; named: whether what was printed names the file.
    """

    code: int
    mine: bool
    theirs: bool | None
    markers: bool
    beside: tuple[str, ...]
    unmerged: bool
    named: bool
    text: str

    @classmethod
    def of(cls, scenario: Scenario, folder: Path, code: int, text: str) -> Run:
        """Looks at a project after an update."""
        files = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}
        files = {name: path for name, path in files.items() if not name.startswith((".git/", ".mlcc/"))}
        touched = [name for name in scenario.touched if name in files]
        listed = ["git", "diff", "--name-only", "--diff-filter=U"]
        unmerged = subprocess.run(listed, cwd=folder, capture_output=True, text=True).stdout.split()
        return cls(
            code,
            scenario.mine(folder),
            scenario.theirs(folder) if scenario.theirs is not None else None,
            any(MARKER in files[name].read_bytes() for name in touched),
            tuple(name for name in files if name.endswith(COPIES)),
            bool({*unmerged} & {*scenario.touched}),
            any(name in text for name in scenario.touched),
            text,
        )


def cell(run: Run) -> str:
    """A run in words of the table: merged, kept, shown or lost, and how."""
    if run.markers:
        return f"shown: markers, exit {run.code}"
    if run.beside:
        return f"shown: {', '.join(f'`{name}`' for name in run.beside)} beside it, exit {run.code}"
    named = "; the file is named" if run.named else "; nothing is printed"
    if run.unmerged:
        side = "yours stays" if run.mine else "the template's stands there"
        return f"shown: {side}, unmerged in Git's index{', the file is named' if run.named else ''}, exit {run.code}"
    if run.theirs is None and run.mine:
        return "kept"
    if run.mine and run.theirs:
        return "merged"
    if run.mine:
        return "kept" + named
    return f"lost (the last commit has it){named}"


def table(rows: Sequence[Sequence[str]], versions: Mapping[str, str], date: str) -> str:
    """The table as Markdown.  rows: what was done, and a cell for each tool, mlcc's last."""
    heads = ["what you did before the update", *(f"{name} {version}" for name, version in versions.items()), "mlcc"]
    lines = [f"Asked on {date}.\n", _row(heads), _row(["---"] * len(heads))]
    lines += [_row([f"{number}. {row[0]}", *row[1:]]) for number, row in enumerate(rows, 1)]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
