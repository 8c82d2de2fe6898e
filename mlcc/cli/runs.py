"""A run over projects: where names begin, one job for each.  Law: the output is the same on any number of cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any

from mlcc.cli import outcomes, replay
from mlcc.cli.options import Values
from mlcc.cli.outcomes import REFUSED, Outcome
from mlcc.cli.output import print_findings
from mlcc.cli.projects import Selection, files, usual_file
from mlcc.cli.session import REPORT_FORMATS, Session
from mlcc.core.errors import UsageError, UserError
from mlcc.core.findings import Finding
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.io.cache import Folder
from mlcc.io.disk.observer import observed
from mlcc.io.workers import cores, spread
from mlcc.load import locate
from mlcc.resolve.project import Project

Job = Callable[[str], Outcome]
Listing = Callable[[str], list[str]]
"""The projects below a repository's root."""
# Variables of the environment that hold paths.
PATHS = ("MLCC_REGISTRY_PATH", "REGISTRY_PATH", "TMPDIR")


class Scope(NamedTuple):
    """The projects of a run.

    chosen: their files; many: the run is about several, though there may be one or none; from_root: names begin at the
    repository's root; selection and values: by names from where files are named; root: of the repository; here: where
    the command was typed; reports: what is wrong with a project is a part of the result; hidden: what could not be
    looked into.
    """

    chosen: tuple[str, ...]
    many: bool
    from_root: bool
    selection: Selection
    values: Values
    root: str
    here: str
    reports: bool = False
    hidden: tuple[Finding, ...] = ()

    def label(self, path: str) -> str:
        """A project's file as documents name it: from the repository's root."""
        inside = os.path.relpath(os.path.abspath(path), self.root)
        return printable(path if inside.startswith("..") else inside, 300)

    def findings(self, path: str, project: Project, planned: Sequence[Finding] = ()) -> list[Finding]:
        """Findings by names of this run.  planned: those of a plan, which name files from the project's folder."""
        if not self.from_root:
            return [*project.findings, *planned]
        where = self.selection.directory or os.path.dirname(path)
        return [
            *outcomes.within(os.path.dirname(path), project.findings, named_inside=False),
            *outcomes.within(where, planned, named_inside=True),
        ]


@contextmanager
def scope(
    session: Session,
    selection: Selection,
    values: Values,
    *,
    see_hidden: bool = False,
    listed: Listing | None = None,
    comments: bool = False,
) -> Iterator[Scope]:
    """The projects that are meant; inside, names begin at the repository's root where the run is about several.

    see_hidden: what could not be looked into is a part of the result, else it is raised; listed: projects that there
    are elsewhere than on disk, which `--all` is about, too; comments: Markdown is a comment, which says what is wrong.
    """
    named = [*selection.paths, *([selection.file] if selection.file else [])]
    many = bool(selection.every or selection.since or len(named) > 1)
    from_root = many or session.format in REPORT_FORMATS or listed is not None
    reports = many or session.format in REPORT_FORMATS or (comments and session.format == "markdown")
    root, here = locate.repository_root("."), os.getcwd()
    moves = from_root and root != here
    before = session.environ
    if moves:
        if not (named or selection.every or selection.since):
            selection = selection._replace(file=usual_file(selection.directory))
        selection, values = _moved(selection, here, root), _moved_values(values, here, root)
        session.environ = _moved_variables(session, here, root)
        if session.recording is not None:
            session.recording.moves = True
        os.chdir(root)
    try:
        over = Scope((), many, from_root, selection, values, root, here, reports)
        yield _chosen(session, over, see_hidden, listed)
    finally:
        if moves:
            os.chdir(here)
            session.environ = before


def _chosen(session: Session, over: Scope, see_hidden: bool, listed: Listing | None) -> Scope:
    """The scope with its projects."""
    hidden: list[Finding] = []
    if listed is not None and over.selection.every:
        chosen = listed(over.root)
    else:
        chosen = files(over.selection, session, hidden if see_hidden else None)
    if over.many:
        chosen = list(dict.fromkeys(map(os.path.normpath, chosen)))
        if session.recording is not None:
            session.recording.spoil()  # each project has a record of its own
    return over._replace(chosen=tuple(chosen), hidden=tuple(hidden))


def _moved(selection: Selection, here: str, root: str) -> Selection:
    paths = tuple(moved(path, here, root) for path in selection.paths)
    file, directory = (name and moved(name, here, root) for name in (selection.file, selection.directory))
    return selection._replace(paths=paths, file=file, directory=directory)


def _moved_values(values: Values, here: str, root: str) -> Values:
    extra = values.extra and moved(values.extra, here, root)
    return values._replace(extra=extra, registries=tuple(moved(path, here, root) for path in values.registries))


def _moved_variables(session: Session, here: str, root: str) -> dict[str, str]:
    found = dict(session.environ)
    for name in PATHS:
        parts = [moved(part, here, root) for part in found.get(name, "").split(os.pathsep) if part]
        found |= {name: os.pathsep.join(parts)} if parts else {}
    return found


def moved(path: str, here: str, root: str) -> str:
    """A path from `here` as a path from `root`; one that leads out of it is absolute."""
    whole = os.path.normpath(os.path.join(here, path))
    inside = os.path.relpath(whole, root)
    return whole if inside.startswith("..") or os.path.isabs(path) else inside


def each(session: Session, over: Scope, doing: str, job: Job, jobs: int) -> Iterator[Outcome]:
    """What the job made of each project, in order; its lines are printed.  jobs: processes, 0: one for each core."""

    def work(path: str) -> dict[str, Any]:
        return outcomes.recorded(_one(session, over, job, path))

    with closing(spread(work, over.chosen, jobs or cores())) as results:
        long = False
        for _ in session.counted(over.chosen, doing):
            outcome = outcomes.of_record(next(results))
            session.done = outcome.done or session.done
            if long and outcome.lines and session.format == "table" and session.verbosity >= 0:
                session.out()  # between the lines of two projects
            session.release(outcome.lines)
            long = len(outcome.lines) > 1 or (long and not outcome.lines)
            yield outcome


def _one(session: Session, over: Scope, job: Job, path: str) -> Outcome:
    """One project.  Of several, what is wrong with one is an outcome: the others are looked at all the same."""
    label = over.label(path)
    if not over.many:
        if not over.reports:
            return job(path)._replace(file=label)
        try:
            return job(path)._replace(file=label)
        except UserError as problem:
            return Outcome(label, REFUSED, problem.exit_code, findings=_within(path, problem))
    session.project, session.captured, session.noted = label, [], []
    try:
        outcome = _remembered(session, over, job, path)
        return outcome._replace(file=label, lines=tuple(session.captured), noted=tuple(session.noted))
    except UsageError:
        raise  # it is about the words, not about this project
    except UserError as problem:
        found = _within(path, problem)
        if not session.machine:
            print_findings(found, session)
        lines, noted = tuple(session.captured), tuple(session.noted)
        return Outcome(label, REFUSED, problem.exit_code, lines, found, noted=noted)
    finally:
        session.project, session.captured = "", None


def _within(path: str, problem: UserError) -> list[Finding]:
    return outcomes.within(os.path.dirname(path), problem.findings, named_inside=False)


def _remembered(session: Session, over: Scope, job: Job, path: str) -> Outcome:
    """The outcome of the same words for the same project, while all that it was made of is unchanged; else a new one.

    What it printed is captured either way.
    """
    # the words name files from where they were typed
    name = replay.project_key(session.words, session.environ, replay.terminal(), f"{over.here}\0{path}")
    if not name:
        return job(path)
    folder = Folder(session.home, replay.OF_PROJECTS, replay.MAX_PROJECTS)
    record = replay.kept(name, folder)
    with suppress(KeyError, TypeError, ValueError):
        if record is not None:
            outcome = outcomes.of_record(record["outcome"])
            session.captured, session.noted = [*outcome.lines], [*outcome.noted]
            return outcome
    recording = replay.Recording(name)
    with observed(recording):
        outcome = job(path)
    whole = outcome._replace(lines=session.captured or (), noted=session.noted)
    recording.keep(folder, {"outcome": outcomes.recorded(whole)})
    return outcome
