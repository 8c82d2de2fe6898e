"""The pipeline in order: load, resolve, check, render, plan, apply.  Law: composes the stages; each stays pure.

mlcc.yaml --load--> Config --resolve(registries)--> Resolved --render(cookiecutters)--> Tree --plan(base, disk)--> Plan
--apply--> disk.  The command line and `mlcc.api` are both made of these functions.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from mlcc import absent, checks, conf, config, journal, recorded, workspace
from mlcc import apply as applying
from mlcc import lock as locks
from mlcc import plan as planning
from mlcc import render as rendering
from mlcc import resolve as resolving
from mlcc.diagnostics import Finding, Severity, error, has_errors, ordered
from mlcc.errors import UserError
from mlcc.files import Directory, present
from mlcc.lock import Lock
from mlcc.machine import StrPath, asked_to, make_folder, texts
from mlcc.plan import Change, Known, Options, Plan
from mlcc.recorded import State
from mlcc.registries.load import Registries
from mlcc.registries.load import load as load_registries
from mlcc.resolve import Resolved
from mlcc.settings import Request
from mlcc.tree import LOCK_NAME, OnDisk, Tree
from mlcc.values import Source
from mlcc.workspace import Inputs

MISSING = "MLCC027"
STAGING = ("/tmp", "/var/tmp", "/dev/shm")


class Project(NamedTuple):
    """A resolved project: its inputs, the registries it used, and one resolution per environment.

    chosen: the environment that was asked for with --env, None for the default; findings: of every stage so far.
    """

    inputs: Inputs
    registries: Registries
    default: Resolved
    environments: Mapping[str, Resolved]
    chosen: str | None
    findings: tuple[Finding, ...]

    @property
    def resolved(self) -> Resolved:
        """The chosen environment's values."""
        return self.environments[self.chosen] if self.chosen else self.default

    @property
    def ok(self) -> bool:
        """True when nothing forbids rendering."""
        return not has_errors(self.findings)


def load(file: StrPath, request: Request = Request(), data: bytes | None = None) -> Inputs:
    """Reads mlcc.yaml, what it extends, the project manifest, options and variables.

    file: mlcc.yaml; request: options, variables (none but those of its `environ`), extra files, registry folders; data:
    the bytes that mlcc.yaml shall be taken to hold, where they are not written yet.  Mistakes are findings of the
    result; raises UserError only when the file cannot be opened.
    """
    with asked_to("read the project"):
        return workspace.gather(os.fsdecode(file), request, data)


def resolve(inputs: Inputs, env: str | None = None) -> Project:
    """Every value with its source, for the default environment and for each overlay.

    env: the overlay that is asked for.  Raises UserError when a registry is broken.
    """
    findings = list(inputs.findings)
    with asked_to("read the registries"):
        registries = load_registries(inputs.roots if not has_errors(findings) else ())
    if env:
        findings.extend(config.environment(inputs.config, env))
    findings.extend(registries.problems())
    chosen = env if env in inputs.config.environments else None
    if not inputs.config.ok:
        # what is sound in the file is resolved all the same: every mistake is shown at once
        layers = (*config.layers(inputs.config, None), *inputs.layers) if inputs.config.readable else ()
        partly = resolving.resolve(layers, registries)
        if inputs.config.readable:
            findings += [f for f in partly.findings if not _hidden(f, findings)]
        return Project(inputs, registries, partly._replace(findings=()), {}, None, tuple(ordered(findings)))
    resolutions: dict[str | None, Resolved] = {}
    for name in (None, *inputs.config.environments):
        resolved = resolving.resolve((*config.layers(inputs.config, name), *inputs.layers), registries, name)
        resolutions[name] = resolved
        findings.extend(f for f in resolved.findings if f.code != MISSING or not _baseless(inputs))
    default = resolutions.pop(None)
    environments = {str(k): v for k, v in resolutions.items()}
    return Project(inputs, registries, default, environments, chosen, tuple(ordered(findings)))


def check(project: Project, skip: Iterable[str] = ()) -> Project:
    """The same project with what the rules about meaning find, those of plugins among them.

    skip: codes of rules that are left out.
    """
    inputs = project.inputs
    if not inputs.config.readable:
        return project
    root = inputs.config.root if inputs.config.ok else inputs.config.sound
    findings = list(project.findings)
    for resolved in (project.default, *project.environments.values()):
        if not has_errors(f for f in resolved.findings if f.code not in resolving.CONTRADICTIONS):
            subject = checks.Subject(resolved, project.registries, root)
            found = checks.run(subject, inputs.plugged.checks, skip)
            found = [f if f in findings else checks.placed(f, root, resolved.env) for f in found]
            findings += [f for f in found if inputs.config.ok or not _hidden(f, findings)]
    findings += [f for f in absent.absent(project.default, inputs.directory) if not _hidden(f, findings)]
    return project._replace(findings=tuple(ordered(findings)))


def read(file: StrPath, request: Request = Request(), env: str | None = None, skip: Iterable[str] = ()) -> Project:
    """Loads, resolves and checks a project.  file, request: as for `load`; env: as for `resolve`; skip: for `check`."""
    return check(resolve(load(file, request), env), tuple(skip))


def _baseless(inputs: Inputs) -> bool:
    """True when the file that mlcc.yaml stands on could not be used: what is missing may stand there."""
    return bool(inputs.config.extends) and not any(layer.source is Source.BASE for layer in inputs.layers)


def _hidden(finding: Finding, known: Iterable[Finding]) -> bool:
    """True for `... is missing` where its section, or the file as a whole, could not be read: it may be there.

    And for whatever is said of a value that was refused already.
    """
    section = finding.path.partition(".")[0]
    if any(f.path == finding.path and f.severity is Severity.ERROR for f in known if f.path):
        return True
    return finding.code == MISSING and any(f.path.partition(".")[0] in ("", section) for f in known)


def render(project: Project, staging: StrPath | Iterable[StrPath] = STAGING) -> Tree:
    """The desired tree.

    staging: directories in which a private temporary folder may be made, the first that can be used.  Raises UserError
    with the project's findings when one of them is an error, and when the machine fails.
    """
    if not project.ok:
        raise UserError(project.findings)
    parent = rendering.staging_parent(texts(staging))
    if parent is None:
        hint = "set TMPDIR to a writable directory whose path holds only letters, digits and / _ . -"
        raise UserError([error("MLCC209", "no directory for temporary files can be used", hint=hint)])
    with asked_to("render the project"):
        private = tempfile.mkdtemp(prefix="mlcc-", dir=parent)
        try:
            return rendering.render(project.default, project.environments, private, project.inputs.plugged.layers)
        finally:
            shutil.rmtree(private, ignore_errors=True)


def producible(registries: Registries, roots: Sequence[str] = ()) -> rendering.Producible:
    """Every path that some layer can render.  roots: folders of plugins' layers."""

    def every() -> tuple[list[str], set[str]]:
        names = {rendering.COMMON, *(r.layer for r in registries.architectures.values())}
        names |= {r.layer for r in registries.targets.values()} - {""}
        steps = {step for row in registries.architectures.values() for step in row.steps}
        return [rendering.layer_path(name, roots) for name in sorted(names)], steps

    return rendering.Producible(every)


def acceptable(path: str, data: bytes) -> bool:
    """Whether merged bytes still have the form that their path promises: a .conf file holds values only."""
    return not rendering.is_conf(path) or not conf.parse(data, path)[1]


class Prepared(NamedTuple):
    """A plan with all that apply needs to carry it out.

    lock: bytes that mlcc.lock shall have; before: the lock as it was; state and known: what the plan was made from.
    """

    plan: Plan
    lock: bytes
    before: Lock
    state: State
    known: Known

    @property
    def lock_changes(self) -> bool:
        """True when mlcc.lock would get other bytes."""
        return self.state.lock != self.lock

    @property
    def all_changes(self) -> tuple[Change, ...]:
        """What happens to every file, mlcc.lock among them where it would get other bytes, in path order."""
        if not self.lock_changes:
            return self.plan.changes
        old = self.state.lock
        reason = locks.differences(self.before, old, self.lock) if old is not None else ""
        change = Change(LOCK_NAME, planning.CREATE if old is None else planning.UPDATE, self.lock, reason=reason)
        return tuple(sorted((*self.plan.changes, change), key=lambda c: c.path))

    @property
    def summary(self) -> dict[str, int]:
        """How many files have each action, mlcc.lock among them."""
        return planning.summary(self.all_changes)

    @property
    def changes_files(self) -> bool:
        """True when apply would write or delete a file of the project."""
        return any(c.writes or c.action == planning.DELETE for c in self.plan.changes)

    @property
    def blocked(self) -> bool:
        """True when a conflict forbids the change: apply refuses, writes nothing, and the plan's findings say why."""
        return self.plan.blocked

    @property
    def changes(self) -> bool:
        """True when apply would write anything."""
        return self.lock_changes or self.changes_files


def prepare(project: Project, desired: Tree, target: Directory, options: Options = Options()) -> Prepared:
    """Plans the change from what `target` holds to the desired tree.  Reads only."""
    options = options._replace(restore=tuple(map(os.path.normpath, texts(options.restore))))
    can_render = producible(project.registries, project.inputs.plugged.layers)
    state = recorded.read_state(target, can_render)
    before = locks.load(state.lock) if state.lock is not None else Lock()
    paths = {*desired, *state.base, *(p for p in before.files if can_render(p))}
    if state.journal is not None:
        paths |= {p for p in state.journal.entries if can_render(p)}
    observed = recorded.observe(target, sorted(paths))
    observed |= _saved_names(target, observed) if options.force or options.restore else {}
    known = Known(observed, state.base, before.files, can_render, acceptable)
    if state.journal is not None:
        found = journal.recover(state.journal, observed, state.base, before.files, state.staged, can_render)
        known = known._replace(base=found.base, records=found.records)
    plan = planning.decide(desired, known, options)
    plan = plan._replace(findings=(*plan.findings, *locks.outdated(before)))
    lock = locks.dump(project.default, project.environments, project.registries.digests(), plan.records)
    if len(lock) > recorded.LOCK_MAX_BYTES:
        message = f"the resolved values take {len(lock):,} bytes, more than mlcc.lock may hold"
        raise UserError([error("MLCC210", message, hint="shorten values, or move long ones into files of code/")])
    return Prepared(plan, lock, before, state, known)


def _saved_names(target: Directory, observed: Iterable[str]) -> dict[str, OnDisk]:
    found: dict[str, OnDisk] = {}
    for path in list(observed):
        for number in ("", *(f"-{n}" for n in range(2, 10))):
            name = f"{path}{planning.SAVED_SUFFIX}{number}"
            if target.exists(name):
                found[name] = OnDisk(b"")
    return found


@contextmanager
def held(path: str, sleep: Callable[[float], None], make: bool = True) -> Iterator[Directory]:
    """The target directory, made if absent, open and held for one apply at a time."""
    if make:
        make_folder(path)
    with Directory(path, follow=False) as target, applying.locked(target, sleep):
        yield target


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
    tree = render(project, staging)
    with asked_to("read the project"), ExitStack() as stack:
        if present(where):
            target = Directory(where, follow=False)
        else:
            # an absent directory is an empty one; what it will be called does not matter to the plan
            target = Directory(stack.enter_context(tempfile.TemporaryDirectory(prefix="mlcc-")))
        stack.enter_context(target)
        return prepare(project, tree, target, options)


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
    with held(os.fsdecode(directory) or project.inputs.directory, sleep) as target:
        with asked_to("read the project"):
            prepared = prepare(project, tree, target, options)
        review(prepared)
        if prepared.blocked:
            return prepared, False
        return prepared, applying.execute(target, prepared.plan, prepared.lock, prepared.state, prepared.known)
