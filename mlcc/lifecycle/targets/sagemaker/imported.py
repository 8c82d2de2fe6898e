"""From a running endpoint back to mlcc.yaml: the inverse of `bodies/`.  Law: pure; no secret's value is passed on.

What a service describes and mlcc.yaml has no key for is listed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlcc.core.nodes import Mark
from mlcc.core.paths import Item, Path
from mlcc.core.physical_names import joined
from mlcc.core.text import printable, quoted
from mlcc.lifecycle.targets.sagemaker.bodies import component, scaling
from mlcc.lifecycle.targets.sagemaker.origin import Origin, model_name, target_of
from mlcc.lifecycle.targets.sagemaker.running import Running, base_of
from mlcc.lookups.proposal import Draft
from mlcc.registries.loader import Registries
from mlcc.registries.redaction import is_secret_name, is_secret_value
from mlcc.resolve.secret_variables import PREFIX as STORED

UNKNOWN = "MLCC388"
# Members of an endpoint configuration and of a variant that are read here, or say nothing.
CONFIG = (
    "EndpointConfigName", "EndpointConfigArn", "CreationTime", "ProductionVariants", "ExecutionRoleArn", "VpcConfig",
    "KmsKeyId", "DataCaptureConfig", "AsyncInferenceConfig", "EnableNetworkIsolation",
)  # fmt: skip
VARIANT = (
    "VariantName", "ModelName", "InstanceType", "InitialInstanceCount", "InitialVariantWeight", "VolumeSizeInGB",
    "InferenceAmiVersion", "ModelDataDownloadTimeoutInSeconds", "ContainerStartupHealthCheckTimeoutInSeconds",
    "ManagedInstanceScaling", "RoutingConfig",
)  # fmt: skip


def containers(running: Running) -> list[Mapping[str, Any]]:
    """The containers of an endpoint's models."""
    found = [running.model_of(one) for one in running.served] or list(running.models.values())
    return [_container(model) for model in found]


def _container(model: Mapping[str, Any]) -> Mapping[str, Any]:
    several: Sequence[Mapping[str, Any]] = model.get("Containers") or ({},)
    found: Mapping[str, Any] = model.get("PrimaryContainer") or several[0]
    return found


def part_name(name: str, prefix: str) -> str:
    """What mlcc.yaml calls a component: its name in AWS without the project's, in the form that names have."""
    own = name.removeprefix(f"{prefix}-")
    return re.sub(r"[^a-z0-9]+", "-", own.lower()).strip("-")[:40].strip("-") or "default"


def component_names(names: Sequence[str], prefix: str) -> dict[str, str]:
    """What mlcc.yaml calls each component and adapter, by its name in AWS; no two are called alike."""
    parts: dict[str, str] = {}
    for name in names:
        own = part_name(name, prefix)
        free = (f"{own[:36]}-{number}" if number > 1 else own for number in range(1, len(names) + 1))
        parts[name] = next(one for one in free if one not in parts.values())
    return parts


def draft(running: Running, origin: Origin, registries: Registries) -> Draft:
    """The values of an endpoint.  origin: what it was made from."""
    found = _Inverse(running, origin, registries)
    found.project()
    found.endpoint()
    found.containers()
    found.components()
    found.instances()
    return found.draft


class _Inverse:
    """One endpoint on its way back."""

    def __init__(self, running: Running, origin: Origin, registries: Registries) -> None:
        self.running, self.origin, self.target = running, origin, target_of(running, registries)
        self.draft, self.mark = Draft(), Mark(f"endpoint {printable(running.name, 100)}")
        self.name = running.project or part_name(running.name, "")
        self.prefix = joined(self.name, running.environment)
        self.parts = component_names([str(one["InferenceComponentName"]) for one in running.components], self.prefix)
        self.images = Counter(str(one.get("Image", "")) for one in containers(running))

    def put(self, dotted: str, value: Any, below: Path = ()) -> None:
        """Takes a value that is there."""
        if value not in (None, "", [], {}, ()):
            self.draft.put((*below, *dotted.split(".")), value, self.mark)

    def unknown(self, what: str) -> None:
        """Lists what mlcc.yaml cannot describe."""
        hint = "a deployment would not make it; take it over by hand where the project needs it"
        self.draft.leave(UNKNOWN, self.mark, f"{what} cannot be described by mlcc.yaml", hint)

    # ------------------------------------------------ the project
    def project(self) -> None:
        """Name, target and place, and the tags that people gave."""
        self.put("project.name", self.name)
        self.put("deployment.config", self.origin.config.name)
        self.put("deployment.target", self.target.name)
        self.put("deployment.region", self.running.region)
        framework = self.origin.framework
        if framework is not None and framework.name != self.origin.config.frameworks[0]:
            self.put("framework.name", framework.name)
        roles = [one.get("ExecutionRoleArn") for one in (self.running.config, *self.running.models.values())]
        self.put("deployment.role_arn", next(filter(None, roles), None))
        if self.running.project and self.running.name != self.prefix:
            self.put("endpoint.name", self.running.name)
        if self.running.environment:
            self.draft.put(("environments", self.running.environment), {}, self.mark)
        for name, value in self.running.tags.items():
            if is_secret_name(name) or is_secret_value(value):
                self.unknown(f"the tag {quoted(name)}, which holds a secret,")
            elif not name.startswith(("mlcc:", "aws:")):
                self.draft.put(("tags", name), value, self.mark)
        self.draft.comments.append(f"deployment.config follows from {self.origin.why}.")

    # ------------------------------------------------ the machines
    def endpoint(self) -> None:
        """The endpoint's configuration and its variant."""
        config, variant = self.running.config, self.running.variant
        for name in [n for n in config if n not in CONFIG and config[n]]:
            self.unknown(name)
        for name in [n for n in variant if n not in VARIANT and variant[n]]:
            self.unknown(f"{name} of the variant {quoted(str(variant.get('VariantName')))}")
        for other in config["ProductionVariants"][1:]:
            self.unknown(f"the variant {quoted(str(other.get('VariantName')))}")
        self.put("deployment.instance_type", variant.get("InstanceType"))
        self.put("deployment.instance_count", variant.get("InitialInstanceCount"))
        self.put("endpoint.variant_name", variant.get("VariantName"))
        self.put("endpoint.volume_size_gb", variant.get("VolumeSizeInGB"))
        self.put("endpoint.inference_ami_version", variant.get("InferenceAmiVersion"))
        self.put("endpoint.startup_timeout_s", variant.get("ContainerStartupHealthCheckTimeoutInSeconds"))
        self.put("endpoint.model_download_timeout_s", variant.get("ModelDataDownloadTimeoutInSeconds"))
        self.put("endpoint.routing_strategy", variant.get("RoutingConfig", {}).get("RoutingStrategy"))
        self.put("encryption.volume_kms_key_id", config.get("KmsKeyId"))
        self._network()
        self._capture(config.get("DataCaptureConfig") or {})
        self._asynchronous(config.get("AsyncInferenceConfig") or {})

    def _network(self) -> None:
        described = (self.running.config, *self.running.models.values())
        network: Mapping[str, Any] = next((one["VpcConfig"] for one in described if one.get("VpcConfig")), {})
        self.put("network.subnets", network.get("Subnets"))
        self.put("network.security_group_ids", network.get("SecurityGroupIds"))
        self.put("network.isolation", any(one.get("EnableNetworkIsolation") for one in described) or None)

    def _capture(self, capture: Mapping[str, Any]) -> None:
        if capture.get("EnableCapture"):
            self.put("endpoint.data_capture_percent", capture.get("InitialSamplingPercentage"))
            self.put("endpoint.data_capture_s3_uri", capture.get("DestinationS3Uri"))
            modes = [str(one.get("CaptureMode")) for one in capture.get("CaptureOptions", ())]
            self.put("endpoint.data_capture_modes", modes)
            self.put("encryption.output_kms_key_id", capture.get("KmsKeyId"))

    def _asynchronous(self, config: Mapping[str, Any]) -> None:
        output = config.get("OutputConfig", {})
        topics = output.get("NotificationConfig", {})
        self.put("async.s3_output_path", output.get("S3OutputPath"))
        self.put("async.s3_failure_path", output.get("S3FailurePath"))
        self.put("async.sns_success_topic", topics.get("SuccessTopic"))
        self.put("async.sns_error_topic", topics.get("ErrorTopic"))
        self.put("async.include_inference_response_in", topics.get("IncludeInferenceResponseIn"))
        self.put("encryption.output_kms_key_id", output.get("KmsKeyId"))
        limit = config.get("ClientConfig", {}).get("MaxConcurrentInvocationsPerInstance")
        self.put("async.max_concurrent_invocations_per_instance", limit)

    # ------------------------------------------------ the containers
    def containers(self) -> None:
        """What all containers have in common: image, model, environment."""
        found = containers(self.running)
        for model in self.running.models.values():
            for other in model.get("Containers", ())[1:]:
                self.unknown(f"the container {quoted(str(other.get('Image', '')), 100)} behind the first one")
        if self.images:
            # pinned: this is the image that runs, and no build of it
            self.put("build.strategy", "none")
            self.put("build.image_uri", self.images.most_common(1)[0][0])
            self.draft.comments.append(
                "Remove build.image_uri and build.strategy to build the image from this project."
            )
        self._variables(self._common(), ())
        self._model(found[0] if found else {})

    def _common(self) -> dict[str, str]:
        """Variables that all containers have, with the same value."""
        every = [dict(one.get("Environment", {})) for one in containers(self.running)]
        return {k: v for k, v in (every[0] if every else {}).items() if all(e.get(k) == v for e in every)}

    def _model(self, container: Mapping[str, Any]) -> None:
        environment = container.get("Environment", {})
        named = model_name(container)
        for key, variable in (self.origin.engine.model_variables if self.origin.engine is not None else {}).items():
            if key != "model.name" or not named:
                self.put(key, environment.get(variable))
        self.put("model.name", named)
        source = container.get("ModelDataSource", {}).get("S3DataSource", {})
        self.put("model.data_type", source.get("S3DataType"))
        self.put("model.compression_type", source.get("CompressionType"))
        self.put("model.accept_eula", source.get("ModelAccessConfig", {}).get("AcceptEula") or None)

    def _variables(self, variables: Mapping[str, str], below: Path) -> None:
        engine = self.origin.engine
        of_model = () if engine is None or below else tuple(engine.model_variables.values())
        for name, value in variables.items():
            if name.startswith(STORED) and not below:
                self._stored(name.removeprefix(STORED), value)
            elif is_secret_name(name) or is_secret_value(value):
                self.draft.secret(name, self.mark)
            elif name not in of_model:
                self.draft.put((*below, "env", name), value, self.mark)

    def _stored(self, name: str, reference: str) -> None:
        """A secret that is read from where it is stored, as `secret_variables` writes that."""
        place, key = reference, ""
        if reference.endswith("::"):
            place, _, key = reference.removesuffix("::").rpartition(":")
        self.put("secretsmanager", place, ("secrets", name))
        self.put("json_key", key, ("secrets", name))

    # ------------------------------------------------ components and adapters
    def components(self) -> None:
        """Each component and each adapter."""
        parts = self.parts
        for name in self.running.others:
            self.unknown(f"the component {quoted(name)} of another project")
        common = self._common()
        for one in self.running.served:
            name = str(one["InferenceComponentName"])
            place: Path = ("inference_components", Item(parts[name]))
            container = _container(self.running.model_of(one))
            own = {k: v for k, v in dict(container.get("Environment", {})).items() if k not in common}
            if not self.running.scaled.get(scaling.copies("", name).resource_id):
                self.put("copy_count", one.get("RuntimeConfig", {}).get("DesiredCopyCount"), place)
            self._needs(one.get("Specification", {}), place)
            if str(container.get("Image", "")) != self.images.most_common(1)[0][0]:
                self.put("image", container.get("Image"), place)
            if model_name(container) != str(self.draft.values.get(("model", "name"), "")):
                self.put("model", model_name(container), place)
            self._variables(own, place)
            self._scaled(scaling.copies(parts[name], name), (*place, "scaling"))
        for one in self.running.adapters:
            place = ("adapters", Item(parts[str(one["InferenceComponentName"])]))
            self.put("artifact_url", one["Specification"].get("Container", {}).get("ArtifactUrl"), place)
            self.draft.values |= {(*place, "base"): parts.get(base_of(one), "")}
        self._timeouts(parts)

    def _needs(self, specification: Mapping[str, Any], place: Path) -> None:
        needs = specification.get("ComputeResourceRequirements", {})
        self.put("gpu_count", _whole(needs.get("NumberOfAcceleratorDevicesRequired")), place)
        self.put("cpu_count", _whole(needs.get("NumberOfCpuCoresRequired")), place)
        memory = needs.get("MinMemoryRequiredInMb")
        self.put("memory_mb", memory if memory != component.MEMORY_MB else None, place)
        self.put("max_memory_mb", needs.get("MaxMemoryRequiredInMb"), place)

    def _timeouts(self, parts: Mapping[str, str]) -> None:
        """Where all components have one timeout it is the endpoint's."""
        starts = {
            parts[str(one["InferenceComponentName"])]: one.get("Specification", {}).get("StartupParameters", {})
            for one in self.running.served
        }
        loads = {start.get("ModelDataDownloadTimeoutInSeconds") for start in starts.values()}
        waits = {start.get("ContainerStartupHealthCheckTimeoutInSeconds") for start in starts.values()}
        if len(loads) == 1:
            self.put("endpoint.model_download_timeout_s", next(iter(loads)))
        elif loads:
            self.unknown("a download timeout of each component's own")
        if len(waits) == 1:
            self.put("endpoint.startup_timeout_s", next(iter(waits)))
        for part, start in starts.items() if len(waits) > 1 else ():
            place = ("inference_components", Item(part))
            self.put("startup_timeout_s", start.get("ContainerStartupHealthCheckTimeoutInSeconds"), place)

    # ------------------------------------------------ scaling
    def instances(self) -> None:
        """What adds and removes instances."""
        managed = self.running.variant.get("ManagedInstanceScaling", {})
        if managed.get("Status") == "ENABLED":
            self.put("scaling.min_count", managed.get("MinInstanceCount"))
            self.put("scaling.max_count", managed.get("MaxInstanceCount"))
        self._scaled(scaling.instances(self.running.name, str(self.running.variant.get("VariantName"))), ("scaling",))

    def _scaled(self, what: scaling.Scaled, place: Path) -> None:
        found = self.running.scaled.get(what.resource_id)
        if found is None:
            return
        self.draft.put((*place, "min_count"), found.get("MinCapacity"), self.mark)
        self.put("max_count", found.get("MaxCapacity"), place)
        for policy in self.running.policies.get(what.resource_id, ()):
            name = str(policy.get("PolicyName"))
            if name == scaling.TRACKING:
                self._tracking(policy.get("TargetTrackingScalingPolicyConfiguration", {}), what, place)
            elif name != scaling.WAKING:
                self.unknown(f"the scaling policy {quoted(name)}")

    def _tracking(self, settings: Mapping[str, Any], what: scaling.Scaled, place: Path) -> None:
        metric = next(_metrics(settings), "")
        self.put("metric", metric if metric != what.metric else None, place)
        self.put("target_value", _whole(settings.get("TargetValue")), place)
        for key, member in (("scale_in_cooldown_s", "ScaleInCooldown"), ("scale_out_cooldown_s", "ScaleOutCooldown")):
            self.draft.values |= {(*place, key): settings[member]} if member in settings else {}


def _metrics(settings: Mapping[str, Any]) -> Iterator[str]:
    for name, member in (
        ("PredefinedMetricSpecification", "PredefinedMetricType"),
        ("CustomizedMetricSpecification", "MetricName"),
    ):
        if name in settings:
            yield str(settings[name].get(member, ""))


def _whole(number: Any) -> Any:
    """2 for 2.0, as people write it."""
    return int(number) if isinstance(number, float) and number.is_integer() else number
