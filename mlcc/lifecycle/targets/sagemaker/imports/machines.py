"""A project's place and machines from an endpoint's configuration: the inverse of `bodies/endpoint`.  Law: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.core.text import quoted
from mlcc.lifecycle.targets.sagemaker.bodies import scaling
from mlcc.lifecycle.targets.sagemaker.imports import lifetime, scaled
from mlcc.lifecycle.targets.sagemaker.imports.origin import part_name
from mlcc.lifecycle.targets.sagemaker.imports.sheet import Sheet
from mlcc.registries.redaction import is_secret_name, is_secret_value

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


def project(sheet: Sheet) -> None:
    """Name, target and place, and the tags that people gave."""
    if not sheet.draft.put(("project", "name"), sheet.name, sheet.mark):  # a tag may hold anything
        sheet.put("project.name", part_name(sheet.running.name, ""))
    sheet.put("deployment.config", sheet.origin.config.name)
    sheet.put("deployment.target", sheet.target.name)
    sheet.put("deployment.region", sheet.running.region)
    sheet.put("deployment.account_id", _account(sheet))
    framework = sheet.origin.framework
    if framework is not None and framework.name != sheet.origin.config.frameworks[0]:
        sheet.put("framework.name", framework.name)
    roles = [one.get("ExecutionRoleArn") for one in (sheet.running.config, *sheet.running.models.values())]
    sheet.put("deployment.role_arn", next(filter(None, roles), None))
    if sheet.running.project and sheet.running.name != sheet.prefix:
        sheet.put("endpoint.name", sheet.running.name)
    if sheet.running.environment:
        sheet.draft.put(("environments", sheet.running.environment), {}, sheet.mark)
    for name, value in sheet.running.tags.items():
        if is_secret_name(name) or is_secret_value(value):
            sheet.unknown(f"the tag {quoted(name)}, which holds a secret,")
        elif not name.startswith(("mlcc:", "aws:")):
            sheet.draft.put(("tags", name), value, sheet.mark)
    sheet.draft.comments.append(f"deployment.config follows from {sheet.origin.why}.")
    lifetime.write(sheet)


def _account(sheet: Sheet) -> str:
    """The account's number, which is the fifth part of every ARN."""
    return "".join(str(sheet.running.endpoint.get("EndpointArn", "")).split(":")[4:5])


def endpoint(sheet: Sheet) -> None:
    """The endpoint's configuration and its variant."""
    config, variant = sheet.running.config, sheet.running.variant
    for name in [n for n in config if n not in CONFIG and config[n]]:
        sheet.unknown(name)
    for name in [n for n in variant if n not in VARIANT and variant[n]]:
        sheet.unknown(f"{name} of the variant {quoted(str(variant.get('VariantName')))}")
    for other in config["ProductionVariants"][1:]:
        sheet.unknown(f"the variant {quoted(str(other.get('VariantName')))}")
    if variant.get("ModelName") and sheet.target.components:
        sheet.unknown("a model of the variant itself, which mlcc deploys as an inference component,")
    sheet.put("deployment.instance_type", variant.get("InstanceType"))
    sheet.put("deployment.instance_count", variant.get("InitialInstanceCount"))
    sheet.put("endpoint.variant_name", variant.get("VariantName"))
    sheet.put("endpoint.volume_size_gb", variant.get("VolumeSizeInGB"))
    sheet.put("endpoint.inference_ami_version", variant.get("InferenceAmiVersion"))
    sheet.put("endpoint.startup_timeout_s", variant.get("ContainerStartupHealthCheckTimeoutInSeconds"))
    sheet.put("endpoint.model_download_timeout_s", variant.get("ModelDataDownloadTimeoutInSeconds"))
    sheet.put("endpoint.routing_strategy", variant.get("RoutingConfig", {}).get("RoutingStrategy"))
    sheet.put("encryption.volume_kms_key_id", config.get("KmsKeyId"))
    _network(sheet)
    _capture(sheet, config.get("DataCaptureConfig") or {})
    _asynchronous(sheet, config.get("AsyncInferenceConfig") or {})


def _network(sheet: Sheet) -> None:
    described = (sheet.running.config, *sheet.running.models.values())
    network: Mapping[str, Any] = next((one["VpcConfig"] for one in described if one.get("VpcConfig")), {})
    sheet.put("network.subnets", network.get("Subnets"))
    sheet.put("network.security_group_ids", network.get("SecurityGroupIds"))
    sheet.put("network.isolation", any(one.get("EnableNetworkIsolation") for one in described) or None)


def _capture(sheet: Sheet, capture: Mapping[str, Any]) -> None:
    if capture.get("EnableCapture"):
        sheet.put("endpoint.data_capture_percent", capture.get("InitialSamplingPercentage"))
        sheet.put("endpoint.data_capture_s3_uri", capture.get("DestinationS3Uri"))
        modes = [str(one.get("CaptureMode")) for one in capture.get("CaptureOptions", ())]
        sheet.put("endpoint.data_capture_modes", modes)
        sheet.put("encryption.output_kms_key_id", capture.get("KmsKeyId"))


def _asynchronous(sheet: Sheet, config: Mapping[str, Any]) -> None:
    output = config.get("OutputConfig", {})
    topics = output.get("NotificationConfig", {})
    sheet.put("async.s3_output_path", output.get("S3OutputPath"))
    sheet.put("async.s3_failure_path", output.get("S3FailurePath"))
    sheet.put("async.sns_success_topic", topics.get("SuccessTopic"))
    sheet.put("async.sns_error_topic", topics.get("ErrorTopic"))
    sheet.put("async.include_inference_response_in", topics.get("IncludeInferenceResponseIn"))
    sheet.put("encryption.output_kms_key_id", output.get("KmsKeyId"))
    limit = config.get("ClientConfig", {}).get("MaxConcurrentInvocationsPerInstance")
    sheet.put("async.max_concurrent_invocations_per_instance", limit)


def instances(sheet: Sheet) -> None:
    """What adds and removes instances."""
    managed = sheet.running.variant.get("ManagedInstanceScaling", {})
    if managed.get("Status") == "ENABLED":
        sheet.put("scaling.min_count", managed.get("MinInstanceCount"))
        sheet.put("scaling.max_count", managed.get("MaxInstanceCount"))
    scaled.write(
        sheet, scaling.instances(sheet.running.name, str(sheet.running.variant.get("VariantName"))), ("scaling",)
    )
