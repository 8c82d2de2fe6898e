"""A rendered project, as the do/ steps see it.  Law: reads do/ and mlcc.lock, never mlcc.yaml; executes nothing.

What was reviewed in Git is what is deployed: the values are those of do/config and its like, and each must be what
mlcc.lock says.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlcc.apply import state
from mlcc.core.errors import PreconditionError, UserError
from mlcc.core.findings import Finding, error
from mlcc.core.paths import EMPTY, Path, parse_path
from mlcc.core.records import NamedTuple
from mlcc.core.text import allowed, nearest, printable, quoted
from mlcc.core.tree import LOCK_MAX_BYTES, LOCK_NAME
from mlcc.io.disk.reader import Directory
from mlcc.load.layers import DEFAULT_ENVIRONMENT
from mlcc.load.locate import project_root, workspace_roots
from mlcc.load.workspace import workspace_of
from mlcc.plan.lock import Lock, read_lock, value_problems
from mlcc.registries.files import Root
from mlcc.registries.loader import Registries
from mlcc.registries.loader import load as load_registries
from mlcc.registries.rows import Architecture, DeploymentConfig, Framework, FrameworkVersion, Target
from mlcc.registries.triton_rows import TritonBackend
from mlcc.render import conf_lines, conf_values
from mlcc.resolve.result import DEFAULT_COMPONENT, TRITON

MAX_CONF_BYTES = 4 * 1024 * 1024


class RenderedProject(NamedTuple):
    """A project's values and rows.

    directory: where it lies; env: the chosen environment; target: where this step acts (the project's own, or the one
    named with --target); variables: of do/config with the environment's over them; components and adapters: theirs,
    by name; values: the lock's, by path; registries: the rows that the project sees, its own among them.
    """

    directory: str
    env: str | None
    target: Target
    variables: Mapping[str, str]
    components: Mapping[str, Mapping[str, str]]
    adapters: Mapping[str, Mapping[str, str]]
    values: Mapping[Path, Any]
    lock: Lock
    registries: Registries
    config: DeploymentConfig
    architecture: Architecture
    framework: Framework | None = None
    version: FrameworkVersion | None = None
    backends: Mapping[str, TritonBackend] = EMPTY

    @property
    def backend(self) -> TritonBackend | None:
        """The Triton backend of the deployment config, where it has one."""
        return self.backends.get(self.config.backend)

    @property
    def name(self) -> str:
        """The project's name."""
        return self.variables["PROJECT_NAME"]

    @property
    def environment_name(self) -> str:
        """The environment as tags, labels and records have it: `default` for the project without one."""
        return self.env or DEFAULT_ENVIRONMENT

    @property
    def checkout(self) -> str:
        """Tells this directory's containers and images from those of another checkout of the same project."""
        return hashlib.sha256(os.fsencode(os.path.realpath(self.directory))).hexdigest()[:8]

    @property
    def local_name(self) -> str:
        """The name of this checkout's container, and the label of all that is its own."""
        return f"mlcc-{self.name}-{self.checkout}"

    @property
    def container(self) -> Mapping[str, Any]:
        """The architecture's container facts: port, paths, timeouts."""
        return self.architecture.container

    @property
    def secret_variables(self) -> dict[str, str]:
        """By the names of the secrets that the server gets from variables of its machine, the names of those."""
        return {
            str(path[1]): str(value)
            for path, value in self.values.items()
            if path[0] == "secrets" and path[2:] == ("env",) and self.values.get((*path[:2], "phase")) != "build"
        }

    def get(self, dotted: str, default: Any = None) -> Any:
        """A resolved value by dotted path."""
        return self.values.get(parse_path(dotted) or (), default)

    def environment(self, component: str = DEFAULT_COMPONENT) -> dict[str, str]:
        """The container environment of one component: the project's, with the component's own over it."""
        found = self._container(self.variables)
        return found | self._container(self.components.get(component, {}))

    def _container(self, variables: Mapping[str, str]) -> dict[str, str]:
        plain = tuple(self.architecture.env_prefixes)
        found = {
            k.removeprefix(conf_values.ENV_PREFIX): v
            for k, v in variables.items()
            if k.startswith(conf_values.ENV_PREFIX)
        }
        return found | {k: v for k, v in variables.items() if plain and k.startswith(plain)}


def load_project(
    directory: str, roots: Sequence[Root] = (), env: str | None = None, target: str = ""
) -> RenderedProject:
    """Reads a rendered project.

    roots: the operator's registry folders; the project's own, as the lock names them, stand over them; env: `default`
    is the project without an environment, as tags and `mlcc diff` call it; no environment may have that name.

    Raises PreconditionError when there is none, when an apply was killed half-way, or when a value is not what the
    lock says; UserError when a .conf file holds anything but values.
    """
    with Directory(directory) as tree:
        if state.journal_of(tree) is not None or state.unfinished(tree):
            problem = error("MLCC303", "an apply was killed before it finished", hint="mlcc apply finishes it")
            raise PreconditionError([problem])
        config = _conf(tree, "do/config")
        raw = tree.read(LOCK_NAME, LOCK_MAX_BYTES)
        if config is None or raw is None:
            where = printable(directory, 200)
            message = f"{where} holds no rendered project"
            hint = "mlcc apply renders one; --restore do/config brings that file back"
            raise PreconditionError([error("MLCC303", message, hint=hint)])
        lock = read_lock(raw[0])
        env = None if env == DEFAULT_ENVIRONMENT else env
        overlay = _overlay(tree, lock, env)
        values = lock.environment(env)
        _check_values(values)
        components = {n: _conf(tree, f"do/ic/{n}.conf") or {} for n in conf_values.components(values)}
        adapters = {n: _conf(tree, f"do/adapters/{n}.conf") or {} for n in conf_values.adapters(values)}
    registries = load_registries((*roots, *_own_roots(directory, values)))
    project = _assemble(directory, registries, env, target, config, components, adapters, overlay, values, lock)
    _agree(project)
    return project


def rendered_region(directory: str) -> str:
    """The region that a rendered project names; empty without one, and where nothing is rendered.

    Raises UserError when do/config holds anything but values.
    """
    with Directory(directory) as tree:
        return (_conf(tree, "do/config") or {}).get("AWS_REGION", "")


def unrendered(
    directory: str, registries: Registries, values: Mapping[Path, Any], env: str | None = None
) -> RenderedProject:
    """A project as it would be after an apply, for what needs its values and none of its files.

    values: as they resolved, of the environment.  Raises UserError for rows that are not there.
    """
    row = registries.config(str(values.get(("deployment", "config"), "")))
    architecture = registries.architecture(row.architecture) if row is not None else None
    plain = architecture.env_prefixes if architecture is not None else ()
    parts = {n: conf_values.component(values, n, plain) for n in conf_values.components(values)}
    adapters = {n: conf_values.adapter(values, n) for n in conf_values.adapters(values)}
    config = conf_values.config(values, plain)
    return _assemble(directory, registries, env, "", config, parts, adapters, {}, values, Lock())


def _check_values(values: Mapping[Path, Any]) -> None:
    """Raises UserError where the lock's values are not what mlcc.yaml's schema allows."""
    problems = value_problems(values)
    if problems:
        hint = f"bring {LOCK_NAME} back from Git, or run mlcc apply"
        raise UserError(
            [error("MLCC205", f"{LOCK_NAME} cannot be read as a lock", file=LOCK_NAME, hint=hint), *problems]
        )


def _own_roots(directory: str, values: Mapping[Path, Any]) -> Iterator[Root]:
    """The registry folders of the workspace that the project is a member of, then the project's own."""
    workspace = workspace_of(directory)
    if workspace is not None and not workspace.ok:
        raise UserError(workspace.findings)
    if workspace is not None and workspace.is_member(directory):
        shared, problems = workspace_roots(workspace, directory)
        if problems:
            raise UserError(problems)
        yield from shared
    for text in values.get(("registries",), ()):
        root, problem = project_root(directory, str(text))
        if root is None:
            raise UserError([error("MLCC402", problem, path="registries")])
        yield root


def _conf(tree: Directory, path: str) -> dict[str, str] | None:
    found = tree.read(path, MAX_CONF_BYTES)
    if found is None:
        return None
    variables, problems = conf_lines.parse_conf(found[0], path)
    if problems:
        raise UserError(problems)
    return variables


def _overlay(tree: Directory, lock: Lock, env: str | None) -> dict[str, str]:
    if not env:
        return {}
    if env not in lock.environments:
        near = nearest(env, lock.environments)
        hint = (f"did you mean {near}? " if near else "") + f"known: {allowed(lock.environments) or 'none'}"
        raise UserError([error("MLCC032", f"no environment is called {quoted(env)}", hint=hint)])
    return _conf(tree, f"do/env/{env}.conf") or {}


def _assemble(
    directory: str,
    registries: Registries,
    env: str | None,
    target: str,
    config: dict[str, str],
    components: Mapping[str, dict[str, str]],
    adapters: Mapping[str, dict[str, str]],
    overlay: Mapping[str, str],
    values: Mapping[Path, Any],
    lock: Lock,
) -> RenderedProject:
    merged = {**config, **{k: v for k, v in overlay.items() if "__" not in k}}
    gone = merged.pop(conf_values.UNSET, "").split()
    merged = {k: v for k, v in merged.items() if k not in gone}
    row = registries.config(merged.get("DEPLOYMENT_CONFIG", ""))
    wanted = target or merged.get("DEPLOYMENT_TARGET", "")
    chosen = registries.targets.get(registries.canonical("targets", wanted)[0])
    architecture = registries.architecture(row.architecture) if row is not None else None
    if row is None or chosen is None or architecture is None:
        raise _unknown(registries, merged, wanted, row)
    plain = tuple(architecture.env_prefixes)
    scoped_ic = {n: _scoped("IC", n, own, overlay, gone, plain) for n, own in components.items()}
    scoped_adapters = {n: _scoped("ADAPTER", n, own, overlay, gone) for n, own in adapters.items()}
    framework = registries.framework(merged["FRAMEWORK"]) if "FRAMEWORK" in merged else None
    version = framework.versions.get(merged.get("FRAMEWORK_VERSION", "")) if framework is not None else None
    backends = registries.triton_backends if TRITON in architecture.uses else EMPTY
    rows = (row, architecture, framework, version, backends)
    return RenderedProject(directory, env, chosen, merged, scoped_ic, scoped_adapters, values, lock, registries, *rows)


def _scoped(
    kind: str,
    name: str,
    own: Mapping[str, str],
    overlay: Mapping[str, str],
    gone: list[str],
    plain: tuple[str, ...] = (),
) -> dict[str, str]:
    """A component's variables with the environment's over them.

    plain: prefixes of container variables that keep their names in the component's own file.
    """
    start = conf_values.scoped(kind, name, "")

    def named(key: str) -> str:
        variable = f"{kind}_{key.removeprefix(start)}"
        inner = variable.removeprefix(conf_values.ENV_PREFIX)
        return inner if plain and inner != variable and inner.startswith(plain) else variable

    found = {**own, **{named(key): value for key, value in overlay.items() if key.startswith(start)}}
    removed = {named(key) for key in gone if key.startswith(start)}
    return {k: v for k, v in found.items() if k not in removed}


def _unknown(
    registries: Registries, variables: Mapping[str, str], target: str, row: DeploymentConfig | None
) -> UserError:
    if row is None:
        name = variables.get("DEPLOYMENT_CONFIG", "")
        hint = f"known: {allowed(registries.deployment_configs)}"
        return UserError([error("MLCC102", f"no deployment config is called {quoted(name)}", hint=hint)])
    near = nearest(target, registries.targets)
    hint = (f"did you mean {near}? " if near else "") + f"known: {allowed(registries.targets)}"
    return UserError([error("MLCC103", f"no deployment target is called {quoted(target)}", hint=hint)])


def _agree(project: RenderedProject) -> None:
    """Refuses values that are not the lock's: edited by hand, or rendered from another state."""
    plain = project.architecture.env_prefixes
    expected = conf_values.config(project.values, plain)
    problems = list(_differences("do/config", expected, project.variables))
    for name, found in project.components.items():
        wanted = conf_values.component(project.values, name, plain)
        if found or name != DEFAULT_COMPONENT:
            problems += _differences(f"do/ic/{name}.conf", wanted, found)
    for name, found in project.adapters.items():
        problems += _differences(f"do/adapters/{name}.conf", conf_values.adapter(project.values, name), found)
    if problems:
        raise PreconditionError(problems)


def _differences(file: str, expected: Mapping[str, str], found: Mapping[str, str]) -> list[Finding]:
    hint = "put the value into mlcc.yaml (mlcc set) and run mlcc apply; where it stands there, "
    hint += f"mlcc apply --restore {printable(file, 100)} writes the file anew"
    problems = []
    for name in sorted({*expected, *found}):
        if expected.get(name) != found.get(name):
            what = "is missing" if name not in found else "is not in" if name not in expected else "differs from"
            message = f"{printable(name, 80)} {what} {LOCK_NAME}" if what != "is missing" else f"{name} is missing"
            problems.append(error("MLCC304", message, file=file, hint=hint))
    return problems
