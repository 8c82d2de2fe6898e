"""Which deployment config a running endpoint has.  Law: pure; it is proved or there is none, nothing is likely.

An endpoint that mlcc made has a tag that only one configuration gives; else the image must be one that the registries
offer, and its variables those of one engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.records import NamedTuple
from mlcc.core.text import allowed, quoted
from mlcc.lifecycle.deployments.config_ids import config_id
from mlcc.lifecycle.targets.sagemaker.desired import CONFIG_TAG
from mlcc.lifecycle.targets.sagemaker.imports.running import Running
from mlcc.registries.engine_rows import Engine
from mlcc.registries.loader import Registries
from mlcc.registries.rows import DeploymentConfig, Framework, Target

_ECR = re.compile(r"([0-9]{12})\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/")


class Origin(NamedTuple):
    """What an endpoint was made from.

    config, framework, engine: rows, the last two None where they are not known, or there is none; why: what proves it.
    """

    config: DeploymentConfig
    framework: Framework | None
    engine: Engine | None
    why: str


def target_of(running: Running, registries: Registries) -> Target:
    """The target that makes endpoints of this kind."""
    asynchronous = "AsyncInferenceConfig" in running.config
    rows = registries.targets.values()
    return next(row for row in rows if ("async" in row.uses if asynchronous else row.components))


def find(running: Running, registries: Registries, containers: Sequence[Mapping[str, object]], named: str) -> Origin:
    """The origin.  containers: those of its models; named: the config that the user names, empty for none.

    Raises UserError where nothing tells it.
    """
    ways = list(_ways(registries, named))
    environment = {str(k): str(v) for one in containers for k, v in _variables(one).items()}
    images = [str(one.get("Image", "")) for one in containers]
    if named and not ways:
        hint = f"known: {allowed(registries.deployment_configs)}"
        raise UserError([error("MLCC102", f"no deployment config is called {quoted(named)}", hint=hint)])
    tagged = [way for way in ways if _has_tag(running, registries, way, containers)]
    imaged = [way for way in ways if way.framework is not None and _offers(way.framework, images)]
    for found, why in ((tagged, "the tag mlcc:config-id"), (imaged, "its image"), (ways if named else [], "the user")):
        fitting = [way for way in found if _reads(way.engine, environment)] or found
        if len({way.config.name for way in fitting}) == 1:
            return _one(fitting)._replace(why=why)
    known = allowed(sorted({way.config.name for way in imaged}) or registries.deployment_configs)
    message = f"nothing tells which deployment config the endpoint {quoted(running.name)} has"
    raise UserError([error("MLCC387", message, hint=f"name it with --deployment-config: {known}")])


def _one(ways: list[Origin]) -> Origin:
    """What several ways agree about."""
    return ways[0] if len(ways) == 1 else Origin(ways[0].config, None, ways[0].engine, "")


def _ways(registries: Registries, named: str) -> Iterator[Origin]:
    """Every deployment config with each of its frameworks."""
    wanted = registries.canonical("deployment_configs", named)[0]
    for row in registries.deployment_configs.values():
        for name in row.frameworks if not named or row.name == wanted else ():
            framework = registries.framework(name)
            engine = row.engine or (framework.engine if framework is not None else "")
            yield Origin(row, framework, registries.engines.get(engine), "")


def _variables(container: Mapping[str, object]) -> Mapping[str, object]:
    found = container.get("Environment")
    return found if isinstance(found, Mapping) else {}


def _reads(engine: Engine | None, environment: Mapping[str, str]) -> bool:
    """Whether an engine's own variable of the model is set."""
    return engine is not None and engine.model_variables.get("model.name", "") in environment


def _has_tag(
    running: Running,
    registries: Registries,
    way: Origin,
    containers: Sequence[Mapping[str, object]],
) -> bool:
    """Whether the configuration has the id that the endpoint is tagged with."""
    tag = running.tags.get(CONFIG_TAG, "")
    variable = way.engine.model_variables.get("model.name", "") if way.engine is not None else ""
    named = (str(_variables(one).get(variable, "")) for one in containers)
    models = {"", *named, *map(model_name, containers)}
    target = target_of(running, registries)
    counts = (len(running.served), len(running.adapters)) if target.components else (0, 0)
    instance = str(running.variant.get("InstanceType", ""))
    ids = (config_id(way.config.name, model, instance, running.region, target.name, *counts).short for model in models)
    return bool(tag) and tag in ids


def model_name(container: Mapping[str, object]) -> str:
    """The model of a container as mlcc.yaml names it; empty where it has no data of its own."""
    package = str(container.get("ModelPackageName", ""))
    if package:
        group, _, version = package.rpartition(":model-package/")[2].partition("/")
        return f"registry://{group}/{version}" if version else f"registry://{group}"
    source = container.get("ModelDataSource")
    data = source.get("S3DataSource", {}) if isinstance(source, Mapping) else {}
    return str(data.get("S3Uri", "") or container.get("ModelDataUrl", ""))


def _offers(framework: Framework, images: Iterable[str]) -> bool:
    """Whether all images are of a repository of the framework's base images, in the accounts that have those."""
    offered: set[tuple[str, str]] = set()
    for version in framework.versions.values():
        for image in (*version.images.values(), *version.superseded_images):
            registry, repository = _repository(image)
            accounts = framework.accounts.values() if registry.isdecimal() else ()
            offered |= {(place, repository) for place in (registry, *accounts)}
    found = {_repository(image) for image in images if image}
    return bool(found) and found <= offered


def _repository(image: str) -> tuple[str, str]:
    """An image's registry (of ECR: the account) and repository, without tag and digest."""
    name = re.sub(r":[^:/]*$", "", image.partition("@")[0])
    private = _ECR.match(name)
    registry, _, repository = name.rpartition("/") if private is None else (private[1], "", name[private.end() :])
    return registry, repository


def part_name(name: str, prefix: str) -> str:
    """What mlcc.yaml calls a component: its name in AWS without the project's, in the form that names have."""
    own = name.removeprefix(f"{prefix}-")
    return re.sub(r"[^a-z0-9]+", "-", own.lower()).strip("-")[:40].strip("-") or "default"
