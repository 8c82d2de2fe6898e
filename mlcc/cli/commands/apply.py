"""mlcc apply: renders the project, all of it or nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from mlcc import pipeline
from mlcc.apply.prepare import Prepared, normal
from mlcc.cli import complete, saved_plans
from mlcc.cli.changes import prepare, print_plan, say_sources, say_uncommitted
from mlcc.cli.locked import check_committed
from mlcc.cli.options import KeyCommand, Values, env_option, finding_output, not_empty, value_options
from mlcc.cli.outcomes import CHANGED, REFUSED, UNCHANGED, Outcome
from mlcc.cli.output import print_findings
from mlcc.cli.plan_documents import plan_document
from mlcc.cli.planned import outcome_of
from mlcc.cli.projects import Selection, jobs_option, project_options, read, target_of
from mlcc.cli.reports import CHANGES, Totals
from mlcc.cli.runs import Job, Scope, each, scope
from mlcc.cli.saved_plans import Inputs, SavedPlan
from mlcc.cli.session import Session, current
from mlcc.core.errors import UsageError, UserError
from mlcc.core.findings import Finding, error, has_errors
from mlcc.core.text import printable
from mlcc.io.disk.callers import texts
from mlcc.io.disk.observer import observed
from mlcc.load.locate import repository_root
from mlcc.plan.changes import Options
from mlcc.plan.decide import matching
from mlcc.resolve.project import Project


@click.command("apply", cls=KeyCommand, epilog="Example: mlcc apply --check (in CI: has someone forgotten to apply?)")
@click.option("--locked", is_flag=True, help="Fail unless everything is already as committed; write nothing.")
@click.option("--check", is_flag=True, help="Write nothing; exit 2 when there is something to write.")
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
    help="Do exactly what a plan lists that `mlcc plan --out` saved, or nothing.",
    callback=not_empty,
    shell_complete=complete.paths,
)
@click.option("--merge", is_flag=True, help="On a conflict write both with markers.")
@click.option("--detailed-exitcode", "detailed", is_flag=True, help="Exit 2 when something was written.")
@project_options
@jobs_option
@env_option
@value_options
@finding_output
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
    jobs: int | None,
) -> int:
    """Render the project beside mlcc.yaml, merging with your edits.

    Every file or none is written.  A file that you edited is merged; where your edit and the new lines touch, nothing
    is written and the conflict is shown.
    """
    session = current()
    if merge and force:
        raise UsageError([error("MLCC901", "--merge and --force settle a conflict in two ways: give one of them")])
    if saved and (locked or check or selection.every or selection.since or len(selection.paths) > 1):
        message = "--plan writes the projects of the plan: it takes none of --all, --changed-since, --locked, --check"
        raise UsageError([error("MLCC901", f"{message} and several files")])
    options = Options(merge, force, normal(restore), normal(keep_deleted))
    expected = saved_plans.read(saved) if saved else None
    planned = _planned_projects(selection, expected)
    if len(planned) == 1:
        selection = selection._replace(file=os.path.relpath(os.path.join(repository_root("."), planned[0])))
    elif planned:
        selection = selection._replace(every=True)
    with scope(session, selection, values, listed=(lambda _: planned) if len(planned) > 1 else None) as over:
        ask = _Asked(session, over, env, options, expected, CHANGES if detailed else 0)
        totals = Totals(session, over)
        if locked or check:
            job = ask.locked if locked else ask.checked
        else:
            job = ask.applied
            # all are read before one is written: a mistake in the last must not leave the others half-way
            _sound(session, over, ask.read_only if expected is None else ask.as_planned, jobs or 0)
        for outcome in each(session, over, "checking" if locked or check else "applying", job, jobs or 0):
            totals.add(outcome)
        return totals.print_plans()


def _planned_projects(selection: Selection, expected: SavedPlan | None) -> list[str]:
    """The projects that a plan names, from the repository's root, where the command line names none."""
    if expected is None or not expected.names_projects or selection.paths or selection.file or selection.directory:
        return []
    return [*expected.projects]


def _sound(session: Session, over: Scope, job: Job, jobs: int) -> None:
    """Raises UserError with all that is wrong with several projects."""
    if over.many:
        wrong = [f for one in each(session, over, "reading", job, jobs) if one.code for f in one.findings]
        if wrong:
            raise UserError(wrong)


class _Asked:
    """What the command line asks for, and what is done to one project for it."""

    def __init__(
        self,
        session: Session,
        over: Scope,
        env: str | None,
        options: Options,
        expected: SavedPlan | None,
        written: int = 0,
    ) -> None:
        """written: the exit code of a project that was written."""
        self.session, self.over, self.env, self.options = session, over, env, options
        self.expected, self.written = expected, written

    def read_only(self, path: str) -> Outcome:
        """Whether a project can be applied at all."""
        findings = self.over.findings(path, self._project(path))
        return Outcome(path, code=int(has_errors(findings)), findings=findings)

    def as_planned(self, path: str) -> Outcome:
        """Whether a project is as it was planned."""
        inputs = Inputs()
        with observed(inputs):
            project, prepared = self._prepared(path)
        found = [*self.over.findings(path, project), *self._stale(path, project, prepared, inputs)]
        return Outcome(path, code=int(has_errors(found)), findings=found)

    def _stale(self, path: str, project: Project, prepared: Prepared, inputs: Inputs) -> list[Finding]:
        if self.expected is None:
            return []
        over, label = self.over, self.over.label(path)
        seen = inputs.document(over.root, self._target(path), prepared)
        different = self.expected.differences(label, plan_document(project, prepared, ()), seen)
        return [self.expected.stale(label, different, over.many)] if different else []

    def checked(self, path: str) -> Outcome:
        """`--check`: whether there is something to write."""
        project, prepared = self._prepared(path, dated=True)
        return outcome_of(self.session, self.over, path, project, prepared, CHANGES, check=True)

    def locked(self, path: str) -> Outcome:
        """`--locked`: whether all is as it was committed."""
        project, prepared = self._prepared(path)
        return check_committed(self.session, self.over, path, project, prepared)

    def applied(self, path: str) -> Outcome:
        """A project after it was written, or why it was not."""
        session, where, inputs = self.session, self._target(path), Inputs()

        def review(prepared: Prepared) -> None:
            _named(self.options, prepared)
            stale = self._stale(path, project, prepared, inputs)
            if stale:
                raise UserError(stale)

        with observed(inputs):
            project = self._project(path)
            prepared, _ = pipeline.apply(project, where, self.options, session.staging, session.sleep, review)
        findings = self.over.findings(path, project, [*prepared.plan.findings, *prepared.state.findings])
        blocked = prepared.plan.blocked
        if not blocked:
            session.done = f"the apply of {printable(path, 200)} is done"
        if not session.machine and not blocked:
            say_sources(session, project)
        if session.machine or not blocked:
            print_plan(session, project, prepared, findings, path, done=not blocked)
        if not session.machine:
            self._say(project, prepared, findings)
        refused = blocked or prepared.plan.marked
        code = 1 if refused else self.written if prepared.changes else 0
        status = REFUSED if refused else CHANGED if prepared.changes else UNCHANGED
        document = session.documents.pop(path, None)
        return Outcome(path, status, code, findings=findings, document=document, done=session.done)

    def _say(self, project: Project, prepared: Prepared, findings: Sequence[Finding]) -> None:
        session = self.session
        print_findings(findings, session)
        if prepared.plan.blocked:
            session.say(f"{session.about}nothing was written", -1)
            return
        if prepared.state.journal is not None:
            session.note(f"{session.about}an apply that was killed is finished now")
        say_uncommitted(session, project)

    def _project(self, path: str, dated: bool = False) -> Project:
        return read(path, self.over.values, self.env, (), self.over.selection.directory, dated=dated)

    def _prepared(self, path: str, dated: bool = False) -> tuple[Project, Prepared]:
        project = self._project(path, dated)
        prepared = prepare(self.session, project, self._target(path), self.options)
        _named(self.options, prepared)
        return project, prepared

    def _target(self, path: str) -> str:
        return target_of(path, self.over.selection.directory)


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
