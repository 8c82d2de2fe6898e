"""The pipeline in order: load, resolve, check, render, plan, apply.  Law: composes the stages; each stays pure.

mlcc.yaml --load--> Config --resolve(registries)--> Resolved --render(cookiecutters)--> Tree --plan(base, disk)--> Plan
--apply--> disk.  The command line and `mlcc.api` are both made of these functions.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack

from mlcc.apply import leftovers
from mlcc.apply.branches import choices_in
from mlcc.apply.prepare import Prepared, held_target, prepare_plan
from mlcc.apply.state import read_state
from mlcc.apply.writer import ChangedMeanwhile, execute_plan
from mlcc.checks.common.file_missing import named_files
from mlcc.checks.runner import check_project
from mlcc.core.errors import UserError
from mlcc.core.findings import Finding, error, has_errors
from mlcc.core.paths import EMPTY
from mlcc.core.text import printable
from mlcc.core.tree import LOCK_NAME, STAYS_DELETED, Tree, digest
from mlcc.io.disk.callers import StrPath, asked_to, texts
from mlcc.io.disk.reader import Directory, present
from mlcc.io.disk.staging import staging_folder
from mlcc.load.inputs import Inputs, gather
from mlcc.load.locate import present_below
from mlcc.load.request import Request
from mlcc.plan.changes import Options
from mlcc.plan.lock import outdated_lock, read_lock
from mlcc.registries.loader import load as load_registries
from mlcc.render.project import render_project
from mlcc.resolve.causes import BOTH, REGISTRIES, cause, resolved_again
from mlcc.resolve.project import Project, resolve_project

# How often an apply plans anew because a file was saved meanwhile.
TRIES = 5
STAGING = ("/tmp", "/var/tmp", "/dev/shm")


def load(file: StrPath, request: Request = Request(), data: bytes | None = None) -> Inputs:
    """Reads mlcc.yaml, what it extends, the project manifest, options and variables.

    file: mlcc.yaml; request: options, variables (none but those of its `environ`), extra files, registry folders; data:
    the bytes that mlcc.yaml shall be taken to hold, where they are not written yet.  Mistakes are findings of the
    result; raises UserError only when the file cannot be opened.
    """
    with asked_to("read the project"):
        return gather(os.fsdecode(file), request, data)


def resolve(inputs: Inputs, env: str | None = None) -> Project:
    """Every value with its source, for the default environment and for each overlay.

    env: the overlay that is asked for.  Raises UserError when a registry is broken.
    """
    sound = not has_errors(inputs.findings)
    with asked_to("read the registries"):
        registries = load_registries(inputs.roots if sound else ())
    return resolve_project(inputs, registries, env)


def check(project: Project, skip: Iterable[str] = ()) -> Project:
    """The same project with what the rules about meaning find, those of plugins among them.

    skip: codes of rules that are left out.
    """
    directory = project.inputs.directory
    with asked_to("look for the files that mlcc.yaml names"):
        files = {name for one in project.every for name in named_files(one).values()}
        missing = frozenset(name for name in files if not present_below(directory, name))
    return check_project(project, missing, skip)


def read(file: StrPath, request: Request = Request(), env: str | None = None, skip: Iterable[str] = ()) -> Project:
    """Loads, resolves and checks a project.  file, request: as for `load`; env: as for `resolve`; skip: for `check`."""
    return check(resolve(load(file, request), env), tuple(skip))


def render(project: Project, staging: StrPath | Iterable[StrPath] = STAGING) -> Tree:
    """The desired tree.

    staging: directories in which a private temporary folder may be made, the first that can be used.  Raises UserError
    with the project's findings when one of them is an error, and when the machine fails.
    """
    if not project.ok:
        raise UserError(project.findings)
    with asked_to("render the project"), staging_folder(texts(staging)) as private:
        return render_project(project.default, project.environments, private, project.inputs.plugged.layers)


def plan(
    project: Project,
    directory: StrPath = "",
    options: Options = Options(),
    staging: StrPath | Iterable[StrPath] = STAGING,
) -> Prepared:
    """Renders a project and plans the change from what a folder holds.  Reads only.

    directory: where the project is written (default: beside its mlcc.yaml, wherever the caller is); it need not exist
    yet.  `blocked` of the result says whether apply would refuse.
    """
    where = os.fsdecode(directory) or project.inputs.directory
    with asked_to("read the project"), ExitStack() as stack:
        if present(where):
            target = Directory(where, follow=False)
        else:
            # an absent directory is an empty one; what it will be called does not matter to the plan
            target = Directory(stack.enter_context(staging_folder(texts(staging))))
        stack.enter_context(target)
        project = with_choices_of(target, project)
        prepared = prepare_plan(project, render(project, staging), target, options)
        return prepared._replace(causes=_causes(project, prepared, staging))


def _causes(project: Project, prepared: Prepared, staging: StrPath | Iterable[StrPath]) -> dict[str, str]:
    """Why files are rendered otherwise than the lock records, where it is not mlcc.yaml alone.

    What the lock records is rendered anew with today's registries and today's mlcc, and compared.  Nothing where the
    lock was written with the same ones, or where what it records cannot be rendered (any more).
    """
    lock = prepared.before
    if not prepared.made_by_others:
        return {}
    again = {name: resolved_again(project, lock.leaves(name), name) for name in (None, *lock.environments)}
    if any(has_errors(resolved.findings) for resolved in again.values()):
        return {}
    default = again.pop(None)
    environments = {str(name): resolved for name, resolved in again.items()}
    with staging_folder(texts(staging)) as private:
        tree = render_project(default, environments, private, project.inputs.plugged.layers)
    rendered = {path: digest(file.data) for path, file in tree.items()}
    recorded = {path: record.digest for path, record in lock.files.items() if record.edited != STAYS_DELETED}
    now = {path: digest(data) for path, data in prepared.plan.base.items()}
    every = {path: cause(recorded.get(path), rendered.get(path), now.get(path)) for path in {*recorded, *now}}
    every[LOCK_NAME] = REGISTRIES if rendered == now else BOTH
    return {path: why for path, why in every.items() if why in (REGISTRIES, BOTH)}


def with_choices_of(target: Directory, project: Project) -> Project:
    """The project with the choices that a target's lock holds now, resolved and checked anew where they are others.

    They are others where the project was read for another folder, or where another apply wrote the lock meanwhile.
    """
    choices = choices_in(target, project.inputs.environ)
    if choices == project.inputs.choices or not project.ok:
        return project
    return check(resolve_project(project.inputs._replace(choices=choices), project.registries, project.chosen))


def without_choices(project: Project) -> Project:
    """The project as the registries would choose today, whatever its lock holds.

    Raises UserError with the findings when it is not sound then.
    """
    inputs = project.inputs._replace(choices=EMPTY)
    fresh = check(resolve_project(inputs, project.registries, project.chosen))
    if not fresh.ok:
        raise UserError(fresh.findings)
    return fresh


def recorded_findings(directory: StrPath) -> list[Finding]:
    """What is wrong with the lock in a folder, or stands in the place of mlcc's own folders: a plan would refuse it."""
    where = os.fsdecode(directory)
    if not present(where):
        return []
    try:
        with asked_to("read the lock"), Directory(where, follow=False) as target:
            lock = read_state(target, lambda _: False).lock
        return outdated_lock(read_lock(lock)) if lock is not None else []
    except UserError as problem:
        return list(problem.findings)


def apply(
    project: Project,
    directory: StrPath = "",
    options: Options = Options(),
    staging: StrPath | Iterable[StrPath] = STAGING,
    sleep: Callable[[float], None] = time.sleep,
    review: Callable[[Prepared], None] = lambda prepared: None,
) -> tuple[Prepared, bool]:
    """Renders a project, plans and, unless conflicts forbid it, writes all of it or nothing.

    directory: as for `plan`; sleep: how it waits for another apply; review: sees the plan before anything is written,
    and may raise.  Returns the plan and whether anything was written.  A conflict does not raise: it is `blocked` of
    the plan.  So (prepared, False) is a refusal where `prepared.blocked`, and else there was nothing to do.  Raises
    UserError when the project has an error, when the folder cannot be used, and when the machine fails.
    """
    tree = render(project, staging)
    with held_target(os.fsdecode(directory) or project.inputs.directory, sleep) as target:
        for _ in range(TRIES):
            with asked_to("read the project"):
                now = with_choices_of(target, project)
                if now is not project:
                    project, tree = now, render(now, staging)
                prepared = prepare_plan(project, tree, target, options)
                prepared = prepared._replace(causes=_causes(project, prepared, staging))
            review(prepared)
            if prepared.blocked:
                return prepared, False
            try:
                outcome = execute_plan(target, prepared.plan, prepared.lock, prepared.state, prepared.known)
            except ChangedMeanwhile as problem:
                changed = str(problem)
                continue
            if outcome.wrote:
                leftovers.ignore(target)
            findings = (*prepared.plan.findings, *outcome.findings)
            return prepared._replace(plan=prepared.plan._replace(findings=findings)), outcome.wrote
    message = "is being written while mlcc apply runs; nothing was written"
    hint = "let the program that writes it finish, then run mlcc apply again"
    raise UserError([error("MLCC223", message, file=printable(changed, 200), hint=hint)])
