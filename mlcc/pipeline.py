"""The pipeline in order: load, resolve, check, render, plan, apply.  Law: composes the stages; each stays pure.

mlcc.yaml --load--> Config --resolve(registries)--> Resolved --render(cookiecutters)--> Tree --plan(base, disk)--> Plan
--apply--> disk.  This is what the command line and the Python API share.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from mlcc import apply as applying
from mlcc import checks, conf, config, journal, render, workspace
from mlcc import lock as locks
from mlcc import plan as planning
from mlcc.apply import State
from mlcc.diagnostics import Finding, error, has_errors, ordered
from mlcc.errors import UserError
from mlcc.files import Directory
from mlcc.lock import Lock
from mlcc.plan import Known, Options, Plan
from mlcc.registries.load import Registries
from mlcc.registries.load import load as load_registries
from mlcc.resolve import Resolved, resolve
from mlcc.settings import Request
from mlcc.tree import OnDisk, Tree
from mlcc.values import Source
from mlcc.workspace import Inputs

MISSING = "MLCC027"


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


def read(file: str, request: Request = Request(), env: str | None = None) -> Project:
    """Loads, resolves and checks a project.

    file: mlcc.yaml; request: options, variables and extra files; env: an overlay's name.  Mistakes are findings of the
    result; raises UserError only when the file cannot be opened or a registry is broken.
    """
    return understand(workspace.gather(file, request), env)


def understand(inputs: Inputs, env: str | None = None) -> Project:
    """The same from inputs that were gathered already."""
    findings = list(inputs.findings)
    registries = load_registries(inputs.roots if not has_errors(findings) else ())
    if env:
        findings.extend(config.environment(inputs.config, env))
    chosen = env if env in inputs.config.environments else None
    findings.extend(registries.problems())
    if not inputs.config.readable:
        nothing = resolve((), registries)
        return Project(inputs, registries, nothing._replace(findings=()), {}, None, tuple(ordered(findings)))
    if not inputs.config.ok:
        # what is sound in the file is judged all the same: every mistake is shown at once
        partly = resolve((*config.layers(inputs.config, None), *inputs.layers), registries)
        more = [
            *partly.findings,
            *checks.run(checks.Subject(partly, registries, inputs.config.sound), inputs.plugged.checks),
        ]
        findings += [f for f in more if not _hidden(f, findings)]
        return Project(inputs, registries, partly._replace(findings=()), {}, None, tuple(ordered(findings)))
    resolutions: dict[str | None, Resolved] = {}
    for name in (None, *inputs.config.environments):
        resolved = resolve((*config.layers(inputs.config, name), *inputs.layers), registries, name)
        resolutions[name] = resolved
        findings.extend(f for f in resolved.findings if f.code != MISSING or not _baseless(inputs))
        if not has_errors(resolved.findings):
            findings.extend(checks.run(checks.Subject(resolved, registries, inputs.config.root), inputs.plugged.checks))
    default = resolutions.pop(None)
    environments = {str(k): v for k, v in resolutions.items()}
    return Project(inputs, registries, default, environments, chosen, tuple(ordered(findings)))


def _baseless(inputs: Inputs) -> bool:
    """True when the file that mlcc.yaml stands on could not be used: what is missing may stand there."""
    return bool(inputs.config.extends) and not any(layer.source is Source.BASE for layer in inputs.layers)


def _hidden(finding: Finding, known: Iterable[Finding]) -> bool:
    """True for `... is missing` where its section, or the file as a whole, could not be read: it may be there."""
    section = finding.path.partition(".")[0]
    return finding.code == MISSING and any(f.path.partition(".")[0] in ("", section) for f in known)


def render_tree(project: Project, staging_candidates: Iterable[str]) -> Tree:
    """The desired tree.  staging_candidates: directories in which a private staging folder may be made."""
    parent = render.staging_parent(staging_candidates)
    if parent is None:
        hint = "set TMPDIR to a writable directory whose path holds only letters, digits and / _ . -"
        raise UserError([error("MLCC209", "no directory for temporary files can be used", hint=hint)])
    staging = tempfile.mkdtemp(prefix="mlcc-", dir=parent)
    try:
        return render.render(project.default, project.environments, staging, project.inputs.plugged.layers)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def producible(registries: Registries, roots: Sequence[str] = ()) -> render.Producible:
    """Every path that some layer can render.  roots: folders of plugins' layers."""
    names = {render.COMMON, *(r.layer for r in registries.architectures.values())}
    names |= {r.layer for r in registries.targets.values()} - {""}
    steps = {step for row in registries.architectures.values() for step in row.steps}
    return render.Producible([render.layer_path(name, roots) for name in sorted(names)], steps)


def acceptable(path: str, data: bytes) -> bool:
    """Whether merged bytes still have the form that their path promises: a .conf file holds values only."""
    return not render.is_conf(path) or not conf.parse(data, path)[1]


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
    def changes_files(self) -> bool:
        """True when apply would write or delete a file of the project."""
        return any(c.writes or c.action == planning.DELETE for c in self.plan.changes)

    @property
    def changes(self) -> bool:
        """True when apply would write anything."""
        return self.lock_changes or self.changes_files


def prepare(project: Project, desired: Tree, target: Directory, options: Options = Options()) -> Prepared:
    """Plans the change from what `target` holds to the desired tree.  Reads only."""
    can_render = producible(project.registries, project.inputs.plugged.layers)
    state = applying.read_state(target, can_render)
    before = locks.load(state.lock) if state.lock is not None else Lock()
    paths = {*desired, *state.base, *(p for p in before.files if can_render(p))}
    if state.journal is not None:
        paths |= {p for p in state.journal.entries if can_render(p)}
    observed = applying.observe(target, sorted(paths))
    observed |= _saved_names(target, observed) if options.force or options.restore else {}
    known = Known(observed, state.base, before.files, can_render, acceptable)
    if state.journal is not None:
        found = journal.recover(state.journal, observed, state.base, before.files, state.staged, can_render)
        known = known._replace(base=found.base, records=found.records)
    plan = planning.decide(desired, known, options)
    lock = locks.dump(project.default, project.environments, project.registries.digests(), plan.records)
    if len(lock) > applying.LOCK_MAX_BYTES:
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
        os.makedirs(path, exist_ok=True)
    with Directory(path, follow=False) as target, applying.locked(target, sleep):
        yield target


def apply(project: Project, desired: Tree, target: Directory, options: Options = Options()) -> tuple[Prepared, bool]:
    """Plans and, unless conflicts forbid it, writes.  `target` must be held.  Returns the plan and whether it wrote."""
    prepared = prepare(project, desired, target, options)
    if prepared.plan.blocked:
        return prepared, False
    wrote = applying.execute(target, prepared.plan, prepared.lock, prepared.state, prepared.known)
    return prepared, wrote
