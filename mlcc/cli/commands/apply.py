"""mlcc apply: renders the project, all of it or nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from mlcc import pipeline
from mlcc.apply.prepare import Prepared, normal
from mlcc.cli import complete
from mlcc.cli.changes import CHANGES, flush, plan_document, prepare, print_plan, say_sources, worse
from mlcc.cli.locked import check_committed
from mlcc.cli.options import KeyCommand, Values, env_option, not_empty, output_options, value_options
from mlcc.cli.output import print_findings
from mlcc.cli.projects import Selection, files, findings_of, project_options, read, target_of, warn_unfinished
from mlcc.cli.session import Session, current
from mlcc.core.errors import UsageError, UserError
from mlcc.core.findings import Finding, error
from mlcc.core.text import printable
from mlcc.io.disk.callers import texts
from mlcc.io.disk.reader import read_named
from mlcc.plan.changes import Options
from mlcc.plan.decide import matching
from mlcc.resolve.project import Project

MAX_PLAN_BYTES = 16 << 20


@click.command("apply", cls=KeyCommand, epilog="Example: mlcc apply --check (in CI: has someone forgotten to apply?)")
@click.option("--locked", is_flag=True, help="Fail unless everything is already as committed; write nothing.")
@click.option("--check", is_flag=True, help="Write nothing; exit 2 when there is something to write.")
@click.option("--detailed-exitcode", "detailed", is_flag=True, help="Exit 2 when something was written.")
@click.option(
    "--restore",
    multiple=True,
    metavar="PATH",
    help="Write this file, folder or pattern again, saving what you edited.",
    shell_complete=complete.paths,
)
@click.option(
    "--keep-deleted",
    multiple=True,
    metavar="PATH",
    help="This file, which you deleted, stays deleted for good.",
    shell_complete=complete.paths,
)
@click.option("--force", is_flag=True, help="On a conflict take mlcc's file, saving yours first.")
@click.option(
    "--plan",
    "saved",
    default="",
    metavar="FILE",
    help="Do exactly what a saved `mlcc plan -o json` lists, or nothing.",
    callback=not_empty,
    shell_complete=complete.paths,
)
@click.option("--merge", is_flag=True, help="On a conflict write both with markers.")
@project_options
@env_option
@value_options
@output_options()
def command(
    selection: Selection,
    env: str | None,
    values: Values,
    merge: bool,
    force: bool,
    restore: tuple[str, ...],
    keep_deleted: tuple[str, ...],
    check: bool,
    locked: bool,
    saved: str,
    detailed: bool,
) -> int:
    """Render the project beside mlcc.yaml, merging with your edits.

    Every file or none is written.  A file that you edited is merged; where your edit and the new lines touch, nothing
    is written and the conflict is shown.
    """
    session = current()
    if merge and force:
        raise UsageError([error("MLCC901", "--merge and --force settle a conflict in two ways: give one of them")])
    if saved and (locked or check or selection.every or selection.since or len(selection.paths) > 1):
        raise UsageError([error("MLCC901", "--plan is for writing one project")])
    options = Options(merge, force, normal(restore), normal(keep_deleted))
    code = 0
    chosen = files(selection, session)
    # all are read before one is written: a mistake in the last must not leave the others half-way
    projects = {
        path: read(path, values, env, (), selection.directory, dated=check)
        for path in session.counted(chosen, "reading")
    }
    wrong = [finding for project in projects.values() if not project.ok for finding in project.findings]
    if wrong:
        raise UserError(wrong)
    for path in session.counted(list(projects), "checking" if locked or check else "applying"):
        project, where = projects[path], target_of(path, selection.directory)
        if locked or check:
            prepared = prepare(session, project, where, options)
            _named(options, prepared)
            code = worse(code, (check_committed if locked else _checked)(session, project, prepared, path, where))
            warn_unfinished(session, where)
        else:
            code = worse(code, _applied(session, project, path, where, options, saved, CHANGES if detailed else 0))
    flush(session)
    return code


def _applied(
    session: Session, project: Project, path: str, where: str, options: Options, saved: str, written: int
) -> int:
    """Applies one project.  written: the exit code where something was."""
    expected = _saved_plan(saved) if saved else None

    def review(prepared: Prepared) -> None:
        _named(options, prepared)
        if expected is not None:
            _same(expected, plan_document(project, prepared, ()), saved)

    prepared, _ = pipeline.apply(project, where, options, session.staging, session.sleep, review)
    findings = findings_of(project, prepared, where)
    if prepared.plan.blocked:
        _blocked(session, project, prepared, findings, path)
        return 1
    session.done = f"the apply of {printable(path, 200)} is done"
    print_plan(session, project, prepared, findings, path, done=True)
    if not session.machine:
        print_findings(findings, session)
        if prepared.state.journal is not None:
            session.say("note: an apply that was killed is finished now")
        say_sources(session, project)
    return 1 if prepared.plan.marked else written if prepared.changes else 0


def _named(options: Options, prepared: Prepared) -> None:
    """Raises UserError for a path that names no rendered file, or a file as deleted that is there."""
    rendered = prepared.plan.base
    findings = [
        _unknown(option, word)
        for option, words in (("--restore", options.restore), ("--keep-deleted", options.keep_deleted))
        for word in texts(words)
        if not (matching([word], rendered) if option == "--restore" else word in rendered)
    ]
    for path in texts(options.keep_deleted):
        if path in prepared.known.observed:
            shown = printable(path, 100)
            message = f"--keep-deleted {shown}: the file is there"
            findings.append(error("MLCC212", message, file=shown, hint="delete it first, or leave the option out"))
    if findings:
        raise UserError(findings)


def _unknown(option: str, word: str) -> Finding:
    message = f"{option} {printable(word, 100)}: no such file is rendered"
    one = "; --keep-deleted takes one file each time" if option == "--keep-deleted" else ""
    return error("MLCC212", message, hint=f"paths begin at the folder of mlcc.yaml; mlcc plan -o json lists them{one}")


def _saved_plan(path: str) -> dict[str, Any]:
    """A plan as `mlcc plan -o json` printed it.  Raises UserError for anything else."""
    makes_one = "mlcc plan -o json > plan.json makes one"
    data = read_named(path, MAX_PLAN_BYTES, makes_one)
    try:
        document = json.loads(data)
        changes = _planned(document)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        message = "not a plan of one project"
        raise UserError([error("MLCC221", message, file=printable(path, 200), hint=makes_one)]) from None
    return {"changes": changes, "values": document.get("values")}


def _planned(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Path, action and digest of every change."""
    return [(str(c["path"]), str(c["action"]), str(c.get("digest"))) for c in document["changes"]]


def _same(expected: Mapping[str, Any], now: Mapping[str, Any], path: str) -> None:
    """Raises UserError when what would be done now is not what was planned."""
    other = sorted({path for path, *_ in {*_planned(now)} ^ {*expected["changes"]}})
    values = json.loads(json.dumps(now["values"]))
    other += sorted(str(v["path"]) for v in values if v not in (expected["values"] or []))
    if other:
        shown = ", ".join(printable(name, 80) for name in other[:5]) + (" ..." if len(other) > 5 else "")
        message = f"the project has changed since it was planned: {shown}; nothing was written"
        raise UserError([error("MLCC221", message, file=printable(path, 200), hint="mlcc plan again, and review it")])


def _blocked(session: Session, project: Project, prepared: Prepared, findings: list[Finding], path: str) -> None:
    if session.machine:
        print_plan(session, project, prepared, findings, path, done=False)
        return
    print_findings(findings, session)
    session.say("nothing was written", -1)


def _checked(session: Session, project: Project, prepared: Prepared, path: str, where: str) -> int:
    findings = findings_of(project, prepared, where)
    print_plan(session, project, prepared, findings, path, done=False)
    if not session.machine:
        print_findings(findings, session)
    return 1 if prepared.plan.blocked else CHANGES if prepared.changes else 0
