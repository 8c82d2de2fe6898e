"""A running endpoint with all that belongs to it, whoever made it.  Law: reads only, and guesses nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple
from mlcc.core.text import quoted
from mlcc.io.aws.autoscaling import AutoScaling
from mlcc.io.aws.connection import Caller
from mlcc.io.aws.sagemaker import SageMaker
from mlcc.lifecycle.targets.sagemaker.bodies import scaling
from mlcc.lifecycle.targets.sagemaker.desired import ENVIRONMENT_TAG, PROJECT_TAG
from mlcc.load.layers import DEFAULT_ENVIRONMENT


class Running(NamedTuple):
    """An endpoint as the services describe it.

    endpoint, config: DescribeEndpoint and DescribeEndpointConfig; components: DescribeInferenceComponent of each;
    models: DescribeModel by name; tags: of the endpoint; scaled: by resource id the scalable target, and policies: its
    policies; others: components that other projects have on it.
    """

    region: str
    endpoint: Mapping[str, Any]
    config: Mapping[str, Any]
    components: tuple[Mapping[str, Any], ...] = ()
    models: Mapping[str, Mapping[str, Any]] = EMPTY
    tags: Mapping[str, str] = EMPTY
    scaled: Mapping[str, Mapping[str, Any]] = EMPTY
    policies: Mapping[str, tuple[Mapping[str, Any], ...]] = EMPTY
    others: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The endpoint's name."""
        return str(self.endpoint["EndpointName"])

    @property
    def variant(self) -> Mapping[str, Any]:
        """The first production variant."""
        found: Mapping[str, Any] = self.config["ProductionVariants"][0]
        return found

    @property
    def project(self) -> str:
        """The project that mlcc made it for; empty for an endpoint that mlcc has not made."""
        return self.tags.get(PROJECT_TAG, "")

    @property
    def environment(self) -> str:
        """The project's environment; empty for the default one."""
        found = self.tags.get(ENVIRONMENT_TAG, "") if self.project else ""
        return "" if found == DEFAULT_ENVIRONMENT else found

    @property
    def served(self) -> tuple[Mapping[str, Any], ...]:
        """Components that serve a model, without the adapters on them."""
        return tuple(one for one in self.components if not base_of(one))

    @property
    def adapters(self) -> tuple[Mapping[str, Any], ...]:
        """Adapters."""
        return tuple(one for one in self.components if base_of(one))

    @property
    def containers(self) -> list[Mapping[str, Any]]:
        """The containers of its models, component by component."""
        found = [self.model_of(one) for one in self.served] or list(self.models.values())
        return [container_of(model) for model in found]

    @property
    def image(self) -> str:
        """The image that most containers have; empty without any."""
        found = Counter(str(one.get("Image", "")) for one in self.containers)
        return found.most_common(1)[0][0] if found else ""

    def model_of(self, component: Mapping[str, Any]) -> Mapping[str, Any]:
        """The model of a component, one that it names or one that it is made of itself."""
        specification = component.get("Specification", {})
        named = str(specification.get("ModelName", ""))
        return self.models.get(named) or {"PrimaryContainer": specification.get("Container", {})}


def base_of(component: Mapping[str, Any]) -> str:
    """The component that an adapter is based on; empty for what is none."""
    return str(component.get("Specification", {}).get("BaseInferenceComponentName", ""))


def look(name: str, caller: Caller) -> Running:
    """One endpoint.  Raises UserError where there is none of that name, AwsError where the account does not answer."""
    sagemaker = SageMaker(caller)
    endpoint = sagemaker.endpoint(name)
    if endpoint is None:
        hint = f"name another region with --region; aws sagemaker list-endpoints --region {caller.region} lists them"
        raise UserError([error("MLCC387", f"there is no endpoint {quoted(name)} in {caller.region}", hint=hint)])
    config = sagemaker.endpoint_config(str(endpoint.get("EndpointConfigName", ""))) or {}
    if not config.get("ProductionVariants"):
        message = f"the endpoint {quoted(name)} has no configuration (any more)"
        raise UserError([error("MLCC387", message, hint="one that mlcc describes has a production variant")])
    tags = sagemaker.tags(str(endpoint.get("EndpointArn", ""))) or {}
    described = (sagemaker.component(one) for one in sorted(sagemaker.components_of(name)))
    hosted = [one for one in described if one is not None]
    components = tuple(one for one in hosted if _is_of(one, tags, sagemaker))
    others = tuple(str(one["InferenceComponentName"]) for one in hosted if one not in components)
    named = [str(one.get("ModelName", "")) for one in config["ProductionVariants"]]
    named += [str(one.get("Specification", {}).get("ModelName", "")) for one in components]
    models = {model: sagemaker.model(model) or {} for model in dict.fromkeys(named) if model}
    autoscaling = AutoScaling(caller)
    ids = list(_scalable(name, config, components))
    scaled = {str(one["ResourceId"]): one for one in autoscaling.targets(ids)}
    policies = {where: tuple(autoscaling.policies(where)) for where in scaled}
    return Running(caller.region, endpoint, config, components, models, tags, scaled, policies, others)


def _is_of(component: Mapping[str, Any], tags: Mapping[str, str], sagemaker: SageMaker) -> bool:
    """Whether a component belongs to the project that the endpoint was made for; all do where there is none."""
    if PROJECT_TAG not in tags:
        return True
    own = sagemaker.tags(str(component.get("InferenceComponentArn", ""))) or {}
    return all(own.get(tag) == tags.get(tag) for tag in (PROJECT_TAG, ENVIRONMENT_TAG))


def _scalable(name: str, config: Mapping[str, Any], components: tuple[Mapping[str, Any], ...]) -> Iterator[str]:
    for variant in config["ProductionVariants"]:
        yield scaling.instances(name, str(variant.get("VariantName", ""))).resource_id
    for one in components:
        yield scaling.copies("", str(one["InferenceComponentName"])).resource_id


def container_of(model: Mapping[str, Any]) -> Mapping[str, Any]:
    """A model's container, of several the first."""
    several: Sequence[Mapping[str, Any]] = model.get("Containers") or ({},)
    found: Mapping[str, Any] = model.get("PrimaryContainer") or several[0]
    return found
