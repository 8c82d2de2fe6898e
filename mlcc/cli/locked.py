"""What `mlcc apply --locked` prints: each difference from what was committed, as findings, hunks and a document."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from mlcc.apply.committed import Difference, differences
from mlcc.apply.prepare import Prepared
from mlcc.apply.state import OWN_DIR
from mlcc.cli.changes import hunks, lock_lines, print_hunks, print_plan
from mlcc.cli.outcomes import REFUSED, Outcome
from mlcc.cli.output import fenced, print_findings
from mlcc.cli.planned import status_of
from mlcc.cli.projects import target_of, warn_unfinished
from mlcc.cli.runs import Scope
from mlcc.cli.session import Session, redacted
from mlcc.core.findings import Finding, error, has_errors
from mlcc.core.line_diff import file_hunks, shortened
from mlcc.core.paths import format_path
from mlcc.core.text import printable
from mlcc.core.tree import LOCK_NAME
from mlcc.resolve.project import Project

# Of one file's difference, and of one line; and of all differences of a project.
MAX_LINES, MAX_WIDTH, MAX_SHOWN = 400, 1_000, 100_000
# Of a finding's message, which names the first lines that differ.
MAX_CHARACTERS = 400


def check_committed(session: Session, over: Scope, path: str, project: Project, prepared: Prepared) -> Outcome:
    """Prints what is not as committed.  path: mlcc.yaml as the user named it."""
    found = differences(prepared)
    texts = _texts(found, prepared, session)
    planned = [*prepared.plan.findings, *prepared.state.findings]
    planned += (_finding(one, prepared) for one in found if not (one.reported or one.own))
    planned += _own([one.path for one in found if one.own])
    # a value that only this run knows stands in no file of the project
    findings = [*over.findings(path, project, planned), *_uncommitted(project)]
    print_plan(session, project, prepared, findings, path, done=False)
    document = session.documents.pop(path, None)
    if document is not None:
        document["differences"] = [_row(one, texts[one.path], prepared) for one in found]
    elif session.format == "markdown":
        for lines in filter(None, texts.values()):
            session.out(f"\n{fenced(chr(10).join(lines), 'diff')}")
    elif session.format == "table" and session.verbosity >= 0:
        for lines in texts.values():
            print_hunks(lines, session)
    if not session.machine:
        print_findings(findings, session)
    warn_unfinished(session, target_of(path, over.selection.directory))
    wrong = has_errors(findings)
    status = REFUSED if wrong else status_of(prepared)
    return Outcome(path, status, int(wrong), findings=findings, document=document)


def _uncommitted(project: Project) -> Iterator[Finding]:
    """Values that only this run knows, of any environment."""
    seen = set[str]()
    for resolved in project.every:
        for path in resolved.uncommitted:
            name = format_path(path)
            if name not in seen:
                seen.add(name)
                message = f"{name} comes from {resolved.values[path].origin}, which is not committed"
                yield error("MLCC213", message, path=name, hint="put it into mlcc.yaml (mlcc set)")


def _own(paths: list[str]) -> Iterator[Finding]:
    """One finding about all of mlcc's own files that an apply would bring back."""
    if paths:
        names = ", ".join(printable(path, 100) for path in paths)
        verb = "file is" if len(paths) == 1 else "files are"
        message = printable(f"{len(paths)} {verb} not as mlcc apply writes them: {names}", MAX_CHARACTERS)
        yield error("MLCC214", message, file=OWN_DIR, hint="mlcc apply, and commit the folder")


def _finding(one: Difference, prepared: Prepared) -> Finding:
    first = printable(redacted(_in_short(one, prepared)), MAX_CHARACTERS)
    message = f"{one.message}: {first}" if first else one.message
    return error("MLCC214", message, file=printable(one.path, 200), hint=one.hint)


def _in_short(one: Difference, prepared: Prepared) -> str:
    """What differs, on one line: the first lines of a file, or the leaves of the lock by name."""
    if one.leaves:
        return next(iter(lock_lines(prepared.before, [", ".join(leaf.path for leaf in one.leaves)])))
    if not (one.before and one.after) and not one.path.endswith(LOCK_NAME):
        return ""  # the whole file
    lines = shortened(file_hunks(one.before, one.after, context=0))
    changed = itertools.islice((line for line in lines if line[:1] in "+-\\"), MAX_LINES)
    return " / ".join(lock_lines(prepared.before, changed))


def _leaf_lines(one: Difference) -> Iterator[str]:
    for leaf in one.leaves:
        if leaf.before is not None:
            yield f"-{leaf.path}: {leaf.before}"
        if leaf.after is not None:
            yield f"+{leaf.path}: {leaf.after}"


def _texts(found: Iterable[Difference], prepared: Prepared, session: Session) -> dict[str, list[str]]:
    """What is shown of each difference, by path: lines without secrets, that may be printed, and not too many."""
    texts, left = dict[str, list[str]](), MAX_SHOWN
    for one in found:
        lines = [*shortened(_hunks(one, prepared, session))]
        shown = []
        for line in lines[:MAX_LINES]:
            shown.append(printable(redacted(line), MAX_WIDTH))
            left -= len(shown[-1])
            if left < 0:
                break
        if len(shown) < len(lines):
            shown.append(f"... {len(lines) - len(shown)} more lines")
        texts[one.path] = shown
    return texts


def _hunks(one: Difference, prepared: Prepared, session: Session) -> Iterable[str]:
    """A unified diff of the file; of the lock its leaves, each under its full path."""
    name = printable(session.named(one.path), 200)
    if one.leaves:
        lines: Iterable[str] = (f"--- a/{name} (on disk)", f"+++ b/{name} (rendered)", *_leaf_lines(one))
    else:
        sides = ("rendered", "on disk") if one.edit else ("on disk", "rendered")
        lines = hunks(session.named(one.path), one.before, one.after, sides)
    return lock_lines(prepared.before, lines) if one.path == LOCK_NAME else lines


def _row(one: Difference, lines: list[str], prepared: Prepared) -> dict[str, Any]:
    """A difference as the contract spells it."""
    row: dict[str, Any] = {"path": printable(one.path, 200), "message": one.message}
    row["diff"] = "".join(f"{line}\n" for line in lines)
    if one.leaves:
        shown = (leaf._asdict() for leaf in one.leaves[: MAX_LINES // 2])
        row["leaves"] = [{name: _shown(text, prepared) for name, text in leaf.items()} for leaf in shown]
    return row


def _shown(text: str | None, prepared: Prepared) -> str | None:
    """A text of the lock that may be shown."""
    if text is None:
        return None
    return printable(redacted(next(iter(lock_lines(prepared.before, [text])))), MAX_WIDTH)
