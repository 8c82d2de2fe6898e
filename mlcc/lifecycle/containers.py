"""Each container of a project as it runs: image, entry point, environment, the engine's command line.

Law: pure; the environment is made by the functions that make the requests and manifests of a deployment, and the
command line by the image's own file (render/engine_command).  A secret stands in it as a reference.  What SageMaker and
Kubernetes add by themselves (regions, credentials, SAGEMAKER_BATCH ...) is not listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mlcc.core.paths import EMPTY, Item, Path
from mlcc.core.records import NamedTuple
from mlcc.core.values import Value
from mlcc.lifecycle.rendered_project import RenderedProject, unrendered
from mlcc.lifecycle.targets.sagemaker import desired
from mlcc.lifecycle.targets.sagemaker.bodies import component as components
from mlcc.lifecycle.targets.sagemaker.bodies import model, transform
from mlcc.load.layers import DEFAULT_ENVIRONMENT
from mlcc.registries.redaction import redact_value
from mlcc.render import context, engine_command, engine_file
from mlcc.render.engine_command import EngineCommand, Place
from mlcc.resolve import secret_variables
from mlcc.resolve.engine import options
from mlcc.resolve.hyperpod import manifests
from mlcc.resolve.project import Project
from mlcc.resolve.result import DEFAULT_COMPONENT, Resolved


class Variable(NamedTuple):
    """A variable of a container.

    reference: the value says where a secret is, and is none; source, origin: of the value, as `mlcc explain` has them.
    """

    name: str
    value: str
    reference: bool = False
    source: str = ""
    origin: str = ""


class Container(NamedTuple):
    """A container.

    env: the environment of mlcc.yaml; component: of its inference components, empty on targets without; image: one that
    is named, empty where do/build makes it on top of base_image; entrypoint: empty where only the image knows it;
    own_entrypoint: it is the base image's own; arguments: what SageMaker starts it with; engine: None where the entry
    point is the server, or where only the image knows its command line.
    """

    env: str
    component: str
    image: str
    base_image: str
    entrypoint: Sequence[str]
    own_entrypoint: bool
    arguments: Sequence[str]
    environment: Sequence[Variable]
    engine: EngineCommand | None = None

    @property
    def document(self) -> dict[str, Any]:
        """As the contract spells it (schemas/output-containers)."""
        engine = self.engine
        return {
            **self._asdict(),
            "component": self.component or None,
            "image": self.image or None,
            "base_image": self.base_image or None,
            "entrypoint": list(self.entrypoint) or None,
            "environment": [variable._asdict() for variable in self.environment],
            "engine": {**engine._asdict(), "files": dict(engine.files)} if engine is not None else None,
        }


def of_project(project: Project, env: str | None = None) -> list[Container]:
    """The containers of one environment, or (env None) of each.  Raises UserError for rows that are not there."""
    secrets = any(secret_variables.variables(_plain(one)) for one in project.every)
    chosen = [one for one in project.every if env is None or (one.env or DEFAULT_ENVIRONMENT) == env]
    found: list[Container] = []
    for resolved in chosen:
        imagined = unrendered(project.inputs.directory, project.registries, _plain(resolved), resolved.env)
        found += _of_environment(imagined, resolved, secrets, project.inputs.plugged.layers)
    return found


def _plain(resolved: Resolved) -> dict[Path, Any]:
    return {path: value.value for path, value in resolved.values.items()}


def _of_environment(
    project: RenderedProject, resolved: Resolved, secrets: bool, roots: Sequence[str]
) -> Iterator[Container]:
    engine = resolved.rows.engine
    words, theirs = context.entrypoint(engine, secrets)
    document = _engine_document(resolved) if engine is not None and engine.style == "serve" else ""
    for name in _names(project):
        given = str(project.get(f"inference_components[{name}].image", "") or project.get("build.image_uri", ""))
        variables = tuple(_variables(project, resolved, name))
        own = None if given else _engine(project, document, variables, name, roots)
        yield Container(
            resolved.env or DEFAULT_ENVIRONMENT,
            name if project.target.components else "",
            given,
            str(project.get("framework.base_image", "")),
            () if given else words,
            theirs and not given,
            # a pod starts the image without words of its own
            () if given and project.target.manifests else tuple(map(str, project.container["arguments"])),
            variables,
            own,
        )


def _names(project: RenderedProject) -> tuple[str, ...]:
    """The components that are deployed; one without settings of its own on other targets."""
    return desired.enabled_components(project) if project.target.components else (DEFAULT_COMPONENT,)


# ---------------------------------------------------------------- the engine
def _engine_document(resolved: Resolved) -> str:
    rows = resolved.rows
    assert rows.engine is not None
    known = options.at_version(rows.options, rows.engine_version) if rows.options is not None else None
    return engine_file.engine_document(rows.engine, rows.engine_version, known)


def _engine(
    project: RenderedProject, document: str, variables: Iterable[Variable], name: str, roots: Sequence[str]
) -> EngineCommand | None:
    if not document:
        return None
    place = Place(devices=components.devices(project, name) or 1)
    return engine_command.of_container(project.architecture, document, with_secrets(variables), place, roots)


def with_secrets(variables: Iterable[Variable]) -> dict[str, str]:
    """The environment when the engine starts: each secret is in its variable, and stands here as `$` and that name."""
    found = {}
    for one in variables:
        name = one.name.removeprefix(secret_variables.PREFIX) if one.reference else one.name
        found[name] = f"${name}" if one.reference else one.value
    return found


# ---------------------------------------------------------------- variables
def _variables(project: RenderedProject, resolved: Resolved, component: str) -> Iterator[Variable]:
    """The container's variables in order, each with the source of its value."""
    found = _in_pods(resolved) if project.target.manifests else _in_requests(project, component)
    for name, variable in sorted(found.items()):
        value = _behind(resolved.values, project, component, name)
        source, origin = (
            (value.source.label, value.origin) if value is not None else ("", f"target {project.target.name}")
        )
        text = variable.value if variable.reference else str(redact_value(name, variable.value))
        yield variable._replace(value=text, source=source, origin=origin)


def _in_requests(project: RenderedProject, component: str) -> dict[str, Variable]:
    """What CreateModel gives the container, and a transform job over it; of this machine what the project says."""
    named = {name: Variable(name, f"${variable}", True) for name, variable in project.secret_variables.items()}
    if not project.target.instances:
        return {name: Variable(name, text) for name, text in project.environment(component).items()} | named
    texts = model.environment(project, component)
    if "batch" in project.target.uses:
        texts |= transform.environment(project)
    references = secret_variables.variables(project.values)
    return {name: Variable(name, text, name in references) for name, text in texts.items()}


def _in_pods(resolved: Resolved) -> dict[str, Variable]:
    """What the manifests give the container; Kubernetes makes one `$` of two."""
    found = {}
    for document in manifests.documents(resolved).values():
        for one in _listed(document.get("spec", EMPTY)):
            name, key = str(one["name"]), (one.get("valueFrom") or EMPTY).get("secretKeyRef")
            text = f"Secret {key['name']}, key {key['key']}" if key else str(one.get("value", "")).replace("$$", "$")
            found[name] = Variable(name, text, bool(key))
    return found


def _listed(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The variables of the server in either kind of manifest."""
    yield from (spec.get("worker") or EMPTY).get("environmentVariables", ())
    pod = (spec.get("template") or EMPTY).get("spec", EMPTY)
    for container in pod.get("containers", ()):
        yield from container.get("env", ())


def _behind(values: Mapping[Path, Value], project: RenderedProject, component: str, name: str) -> Value | None:
    """The value that a variable has its text from; None for one that the target itself adds."""
    secret = name.removeprefix(secret_variables.PREFIX)
    paths: list[Path] = [("batch", "env", name)] if "batch" in project.target.uses else []
    paths += [("inference_components", Item(component), "env", name), ("env", name)]
    paths += [("secrets", secret, place) for place in ("secretsmanager", "env")]
    paths.append(("secrets", secret, "kubernetes", "name"))
    paths += [("network", "isolation")] if name == model.OFFLINE else []
    return next((values[path] for path in paths if path in values), None)
