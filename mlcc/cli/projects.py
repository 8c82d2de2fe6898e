"""Which projects a command is about: files named, all below the root, or those that changed since a commit."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import click

from mlcc import pipeline
from mlcc.apply.prepare import Prepared
from mlcc.apply.state import journal_of
from mlcc.cli import complete
from mlcc.cli.options import Values, directory_option, file_option, gathered, request
from mlcc.cli.session import Session, current
from mlcc.core.errors import UsageError, UserError
from mlcc.core.findings import Finding, error
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable, quoted
from mlcc.io.disk.reader import Directory, Refused, is_directory, present, reason
from mlcc.io.git import changed_since, uncommitted
from mlcc.load import input_paths, locate
from mlcc.load.inputs import gather
from mlcc.load.request import Request
from mlcc.load.workspace import workspace_of
from mlcc.resolve.project import Project

Command = TypeVar("Command", bound=Callable[..., Any])
NONE = "there is no mlcc.yaml below the repository's root"
# So many projects that are no members are named.
SHOWN = 5
SKIPPED = {".git", ".mlcc", ".venv", "node_modules", "__pycache__"}


class Selection(NamedTuple):
    """Which files the command line names."""

    paths: Sequence[str]
    file: str
    directory: str
    every: bool
    since: str
    dirty: bool = False
    allow_none: bool = False


def project_options(command: Command) -> Command:
    """Positional files, -f, -C, --all, --changed-since: a command has them as its argument `selection`."""
    return _options(command, "Where to write, if not beside.")


def project_options_for_reading(command: Command) -> Command:
    """The same for a command that writes nothing."""
    return _options(command, "The folder of mlcc.yaml, if none is here or above.")


def _options(command: Command, folder: str) -> Command:
    """folder: what -C names."""
    command = gathered(command, "selection", Selection)
    for option in (
        click.option("--allow-none", is_flag=True, help="No project at all is no error."),
        click.option("--dirty", is_flag=True, help="With --changed-since: what is not committed counts, too."),
        click.option("--changed-since", "since", default="", metavar="REF", help="Projects changed since a commit."),
        click.option("--all", "every", is_flag=True, help="Every mlcc.yaml below the repository's root."),
        directory_option(folder, default=""),
        file_option,
        click.argument("paths", nargs=-1, metavar="[MLCC.YAML]...", shell_complete=complete.paths),
    ):
        command = option(command)
    return command


def files(selection: Selection, session: Session, unread: list[Finding] | None = None) -> list[str]:
    """The mlcc.yaml files that are meant.  Raises when there are none, or when the words contradict each other.

    unread: takes a finding for each folder that could not be looked into; without it they are raised.
    """
    named = [*selection.paths, *([selection.file] if selection.file else [])]
    ways = [bool(named), selection.every, bool(selection.since)]
    if sum(ways) > 1 and not (selection.every and selection.since):
        raise UsageError([error("MLCC901", "name files, or use --all, or --changed-since: one of them")])
    if selection.dirty and not selection.since:
        hint = "--changed-since HEAD --dirty: what is not committed alone"
        raise UsageError([error("MLCC901", "--dirty adds to --changed-since REF: give both", hint=hint)])
    if selection.every or selection.since:
        found = _of_repository(selection, session, unread)
    else:
        found = [_file(name) for name in named] or [_usual(selection.directory)]
    if selection.directory and len(found) != 1:
        raise UsageError([error("MLCC901", f"-C is for one project, and {len(found)} are meant")])
    return found


def _file(name: str) -> str:
    return locate.find_mlcc_yaml(name) if is_directory(name, links=False) else name


def _usual(directory: str) -> str:
    """mlcc.yaml here or above; else the one that lies where the project shall be written."""
    try:
        return locate.find_mlcc_yaml(".")
    except Refused:
        beside = [os.path.join(directory, name) for name in locate.FILE_NAMES if directory]
        found = next((path for path in beside if present(path)), "")
        if not found:
            raise
        return found


def below(root: str) -> tuple[list[str], list[Finding]]:
    """Every mlcc.yaml below a folder, relative to the working directory, in order; and what could not be looked into.

    A folder that cannot be read is an error: nobody can say that nothing is wrong below it.
    """
    found: list[str] = []
    hidden: list[Finding] = []

    def unreadable(problem: OSError) -> None:
        if not isinstance(problem, FileNotFoundError):  # it went away meanwhile
            hidden.append(_hidden(os.path.relpath(str(problem.filename)), reason(problem)))

    for folder, folders, names in os.walk(root, onerror=unreadable):
        folders[:] = sorted(f for f in folders if f not in SKIPPED)
        first = next((name for name in locate.FILE_NAMES if name in names), "")
        found += [os.path.relpath(os.path.join(folder, first))] if first else []
    return found, hidden


def _hidden(folder: str, why: str) -> Finding:
    hint = "make the folder readable, or name the files instead"
    return error("MLCC001", f"{why}: what is below was not looked at", file=printable(folder, 200), hint=hint)


def _changed(root: str, since: str, session: Session) -> list[str]:
    if since.startswith("-"):
        raise UsageError([error("MLCC901", f"{quoted(since)} is not a commit")])
    return changed_since(root, since, session.environ)


def _of_repository(selection: Selection, session: Session, unread: list[Finding] | None) -> list[str]:
    """Every project of the repository, or those that changed."""
    root = locate.repository_root(".")
    found, hidden = below(root)
    if hidden and unread is None:
        raise UserError(hidden)
    if unread is not None:
        unread += hidden
    found = _members(found, session)
    if not found and not hidden and not selection.allow_none:
        hint = "run it inside the repository; --allow-none where there may be none"
        raise UserError([error("MLCC411", NONE, hint=hint)])
    if selection.since:
        changed = _changed(root, selection.since, session)
        outside = {file: input_paths.outside(gather(file, Request()), root) for file in found}
        folders = {file: input_paths.folder_of(file, root) for file in found}
        if selection.dirty:
            changed += uncommitted(root, session.environ, {p for f in found for p in (folders[f], *outside[f])})
        known = frozenset(changed)
        found = [file for file in found if input_paths.concerned(folders[file], outside[file], known)]
    if not found:
        session.say(f"no project changed since {printable(selection.since, 60)}" if selection.since else NONE)
    return found


def _members(found: Sequence[str], session: Session) -> list[str]:
    """The projects of the workspace, where there is one; the others are named."""
    shared = workspace_of(".")
    if shared is None or not shared.ok:  # what is wrong with it is a finding of each project
        return list(found)
    members = [file for file in found if shared.is_member(os.path.dirname(file) or ".")]
    others = [printable(file, 100) for file in found if file not in members]
    if others:
        more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
        session.say(f"note: no members of {shared.file}: {', '.join(others[:SHOWN])}{more}")
    return members


def read(
    file: str,
    values: Values,
    env: str | None,
    skip: Sequence[str] = (),
    directory: str = "",
    *,
    dated: bool = False,
) -> Project:
    """Loads, resolves and checks one project with the command's options.

    skip: codes of rules that are left out; directory: where the project is written, if not beside its mlcc.yaml;
    dated: findings depend on the day (waivers that have expired), which what is written never does.
    """
    asked = request(values)._replace(directory=directory, today=current().today if dated else "")
    return pipeline.read(file, asked, env, skip)


def target_of(file: str, directory: str) -> str:
    """Where a project is written: -C, else beside its mlcc.yaml."""
    return directory or os.path.dirname(file) or "."


def findings_of(project: Project, prepared: Prepared, where: str) -> list[Finding]:
    """What is wrong with a project and with its files, each file named from where the command runs.

    where: the folder that the project is written to.
    """
    return [*project.findings, *placed([*prepared.plan.findings, *prepared.state.findings], where)]


def placed(found: Iterable[Finding], where: str) -> list[Finding]:
    """Findings about files of a project, named from its folder, as a reader of several projects needs them."""
    if where in ("", "."):
        return list(found)
    folder = printable(where, 200).rstrip("/")
    return [one._replace(file=f"{folder}/{one.file}") if one.file else one for one in found]


def open_target(path: str) -> Directory | None:
    """The target directory for reading, or None when it does not exist yet."""
    return Directory(path, follow=False) if present(path) else None


def warn_unfinished(session: Session, directory: str) -> None:
    """Says that an apply was killed there and nobody finished it."""
    with suppress(UserError):
        target = open_target(directory)
        if target is None:
            return
        with target:
            if journal_of(target) is not None:
                session.say("note: an apply was killed before it finished; the next mlcc apply completes it")
