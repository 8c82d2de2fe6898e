"""What of a project shall be there.  Law: pure; the same project and facts give the same resources, in order of making.

A resource's parameters are those of the call that makes it, without tags; what is compared with the account, what is
called, and what a dry run prints all come from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlcc.core import durations
from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple
from mlcc.core.text import quoted
from mlcc.lifecycle.deployments.config_ids import ConfigId, config_id
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.targets.sagemaker import names
from mlcc.lifecycle.targets.sagemaker.bodies import component as components
from mlcc.lifecycle.targets.sagemaker.bodies import endpoint, model, scaling, transform
from mlcc.lifecycle.targets.sagemaker.facts import Facts
from mlcc.resolve.result import DEFAULT_COMPONENT

MODEL, CONFIG, ENDPOINT, COMPONENT, ADAPTER = "model", "endpoint_config", "endpoint", "component", "adapter"
SCALABLE, TRACKING, WAKING, ALARM, JOB = "scalable_target", "scaling_policy", "wake_up_policy", "alarm", "transform_job"


class Resource(NamedTuple):
    """One thing that shall be there.

    kind: one of the constants above; name: its name in AWS (of scaling: the scaled resource's id); parameters: of the
    call that makes it; update: members that only a call which changes it takes; part: the component or adapter of
    mlcc.yaml that it belongs to.
    """

    kind: str
    name: str
    parameters: Mapping[str, Any]
    update: Mapping[str, Any] = EMPTY
    part: str = ""


class PolicyArn(NamedTuple):
    """Stands in parameters for what only the service knows: the ARN of a scaling policy that an earlier call makes."""

    resource_id: str


def with_arns(value: Any, arns: Mapping[str, str]) -> Any:
    """Parameters in which each PolicyArn is the ARN of that policy.  arns: by what is scaled."""
    if isinstance(value, PolicyArn):
        return arns[value.resource_id]
    if isinstance(value, Mapping):
        return {name: with_arns(item, arns) for name, item in value.items()}
    return [with_arns(item, arns) for item in value] if isinstance(value, list) else value


class Desired(NamedTuple):
    """All that shall be there.

    tags: of everything that takes tags; endpoint: its name, empty where none is made; earlier: other names that it is
    known to have had.
    """

    resources: tuple[Resource, ...]
    tags: Mapping[str, str]
    endpoint: str = ""
    earlier: tuple[str, ...] = ()

    def of(self, *kinds: str) -> tuple[Resource, ...]:
        """The resources of some kinds."""
        return tuple(r for r in self.resources if r.kind in kinds)


def wanted(project: RenderedProject, facts: Facts) -> Desired:
    """What shall be there for the target of a project."""
    if "batch" in project.target.uses:
        return Desired(tuple(_batch(project, facts)), tags(project, facts))
    name = endpoint_name(project)
    make = _hosting_components if project.target.components else _hosting_a_model
    return Desired(tuple(make(project, facts, name)), tags(project, facts), name)


def prefix(project: RenderedProject) -> str:
    """What the names of a project's resources begin with: `{project}-{env}`, or the project alone."""
    return names.joined(project.name, project.env or "")


def endpoint_name(project: RenderedProject) -> str:
    """The endpoint's name: the one in mlcc.yaml, or the project's own."""
    return names.joined(str(project.get("endpoint.name", "")) or prefix(project))


def component_name(project: RenderedProject, part: str) -> str:
    """The name in AWS of a component or adapter; SageMaker wants it once in an account and region."""
    return names.joined(prefix(project), part)


def enabled_components(project: RenderedProject) -> tuple[str, ...]:
    """The components of mlcc.yaml that are deployed; one named `default` where it lists none."""
    known = [n for n in project.components if project.get(f"inference_components[{n}].enabled", True)]
    return tuple(known) if project.components else (DEFAULT_COMPONENT,)


def enabled_adapters(project: RenderedProject) -> tuple[str, ...]:
    """The adapters of mlcc.yaml that are deployed: their own switch is on, and so is their base's."""
    served = enabled_components(project)
    return tuple(
        n for n in project.adapters if project.get(f"adapters[{n}].enabled", True) and base_of(project, n) in served
    )


def base_of(project: RenderedProject, adapter: str) -> str:
    """The component that an adapter belongs to."""
    named = str(project.get(f"adapters[{adapter}].base", ""))
    return named or next(iter(project.components), DEFAULT_COMPONENT)


def refuse_switched_off(project: RenderedProject, name: str) -> None:
    """Raises UserError for a component or adapter of mlcc.yaml that is not deployed because it is switched off."""
    paths = [f"inference_components[{name}]"] if name in project.components else []
    if name in project.adapters:
        paths += [f"adapters[{name}]", f"inference_components[{base_of(project, name)}]"]
    for path in paths:
        if not project.get(f"{path}.enabled", True):
            message = f"{quoted(name)} is switched off: {path}.enabled is false"
            hint = f"mlcc set '{path}.enabled' true; mlcc apply (do/deploy takes away what is switched off)"
            raise UserError([error("MLCC102", message, hint=hint)])


# ---------------------------------------------------------------- tags
def identity(project: RenderedProject, region: str) -> ConfigId:
    """The project's configuration as records know it."""
    counted = [0, 0]
    if project.target.components:
        counted = [len(enabled_components(project)), len(enabled_adapters(project))]
    return config_id(
        project.config.name,
        str(project.get("model.name", "")),
        str(project.get("deployment.instance_type", "")),
        region,
        project.target.name,
        *counted,
    )


PROJECT_TAG, CONFIG_TAG = "mlcc:project", "mlcc:config-id"
ENVIRONMENT_TAG, EXPIRES_TAG = "mlcc:environment", "mlcc:expires"
# The environment of a project that is deployed without naming one.


def tags(project: RenderedProject, facts: Facts) -> dict[str, str]:
    """Tags of every resource: those of mlcc.yaml, and mlcc's own, which win."""
    given = {str(path[1]): str(value) for path, value in project.values.items() if path[0] == "tags" and len(path) == 2}
    own = {
        PROJECT_TAG: project.name,
        CONFIG_TAG: identity(project, facts.region).short,
        ENVIRONMENT_TAG: project.environment_name,
        EXPIRES_TAG: expires(str(project.get("ttl", "")), facts.now),
    }
    return {**given, **{name: value for name, value in own.items() if value}}


def expires(ttl: str, now: float) -> str:
    """When something that is made now counts as forgotten, as seconds since 1970; empty without a limit."""
    limit = durations.seconds(ttl)
    return str(int(now) + limit) if limit is not None else ""


# ---------------------------------------------------------------- endpoints
def _model(project: RenderedProject, facts: Facts, part: str) -> Resource:
    parameters = model.body(project, facts, part)
    name = names.with_content(names.joined(prefix(project), part), parameters)
    return Resource(MODEL, name, {"ModelName": name, **parameters}, part=part)


def _endpoint(project: RenderedProject, name: str, parameters: Mapping[str, Any]) -> Iterator[Resource]:
    # not called after the endpoint, which may get another name: all that is left of the project is found by its own
    config = names.with_content(prefix(project), parameters)
    yield Resource(CONFIG, config, {"EndpointConfigName": config, **parameters})
    update = endpoint.update_policy(project)
    # an endpoint that scales keeps the number of instances that it has by now
    kept = {"RetainAllVariantProperties": True} if project.get("scaling.max_count") is not None else {}
    policy = {"DeploymentConfig": update} if update else {}
    yield Resource(ENDPOINT, name, {"EndpointName": name, "EndpointConfigName": config}, {**kept, **policy})


def _hosting_a_model(project: RenderedProject, facts: Facts, name: str) -> Iterator[Resource]:
    served = _model(project, facts, DEFAULT_COMPONENT)
    yield served
    yield from _endpoint(project, name, endpoint.configuration(project, facts, served.name))
    variant = str(project.get("endpoint.variant_name"))
    yield from _scaling(project, scaling.instances(name, variant))


def _hosting_components(project: RenderedProject, facts: Facts, name: str) -> Iterator[Resource]:
    parts = enabled_components(project)
    models = {part: _model(project, facts, part) for part in parts}
    yield from models.values()
    yield from _endpoint(project, name, endpoint.configuration(project, facts))
    variant = project.get("endpoint.variant_name")
    for part in parts:
        own = component_name(project, part)
        yield Resource(
            COMPONENT,
            own,
            {
                "InferenceComponentName": own,
                "EndpointName": name,
                "VariantName": variant,
                "Specification": components.specification(project, part, models[part].name),
                "RuntimeConfig": {"CopyCount": project.get(f"inference_components[{part}].copy_count", 1)},
            },
            {"DeploymentConfig": components.rolling(project)},
            part,
        )
    for adapter in enabled_adapters(project):
        own, base = component_name(project, adapter), component_name(project, base_of(project, adapter))
        parameters = {
            "InferenceComponentName": own,
            "EndpointName": name,
            "Specification": components.adapter_specification(project, adapter, base),
        }
        yield Resource(ADAPTER, own, parameters, part=adapter)
    for part in parts:
        yield from _scaling(project, scaling.copies(part, component_name(project, part), project))


def _scaling(project: RenderedProject, scaled: scaling.Scaled) -> Iterator[Resource]:
    target = scaling.target(project, scaled)
    if target is None:
        return
    where = scaled.resource_id
    yield Resource(SCALABLE, where, target)
    yield Resource(TRACKING, where, scaling.tracking(project, scaled))
    if target["MinCapacity"] == 0:
        yield Resource(WAKING, where, scaling.waking(scaled))
        name = alarm_name(where)
        yield Resource(ALARM, name, scaling.alarm(scaled, name, PolicyArn(where)))


def alarm_name(resource_id: str) -> str:
    """The alarm that wakes what has scaled to zero."""
    return names.joined(resource_id.replace("/", "-"), "wake-up", limit=255)


# ---------------------------------------------------------------- batch
def _batch(project: RenderedProject, facts: Facts) -> Sequence[Resource]:
    served = _model(project, facts, DEFAULT_COMPONENT)
    parameters = transform.body(project, served.name)
    # a job is a run: each has a name of its own, which begins alike for one configuration
    start = names.with_content(prefix(project), parameters, limit=names.MAX_NAME - names.TIME)
    name = facts.job or f"{start}-{int(facts.now)}"
    return served, Resource(JOB, name, {"TransformJobName": name, **parameters})


def job_start(name: str) -> str:
    """What the names of all jobs of one configuration begin with: all of a job's name but its time."""
    return name.rpartition("-")[0]
