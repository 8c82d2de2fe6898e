"""CreateEndpointConfig, CreateEndpoint and UpdateEndpoint: the machines.  Law: pure."""

from __future__ import annotations

from typing import Any

from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.targets.sagemaker.bodies import members
from mlcc.lifecycle.targets.sagemaker.bodies.model import vpc
from mlcc.lifecycle.targets.sagemaker.facts import Facts

# How an update replaces what runs (https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html).  The
# sizes are inside the limits of each: a canary at most 50 %, a linear step 10 to 50 %, a rolling batch 5 to 50 %.
WAIT_S = 120
_TENTH, _FIFTH, _HALF = ({"Type": "CAPACITY_PERCENT", "Value": percent} for percent in (10, 20, 50))


def _shifting(kind: str, wait_s: int, **size: Any) -> dict[str, Any]:
    """Blue-green: a second fleet, to which the requests go over."""
    traffic = {"Type": kind, "WaitIntervalInSeconds": wait_s, **size}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": traffic, "TerminationWaitInSeconds": WAIT_S}}


UPDATES: dict[str, dict[str, Any]] = {
    "all_at_once": _shifting("ALL_AT_ONCE", 0),
    "canary": _shifting("CANARY", WAIT_S, CanarySize=_TENTH),
    "linear": _shifting("LINEAR", WAIT_S, LinearStepSize=_FIFTH),
    "rolling": {"RollingUpdatePolicy": {"MaximumBatchSize": _HALF, "WaitIntervalInSeconds": WAIT_S}},
}


def configuration(project: RenderedProject, facts: Facts, model: str = "") -> dict[str, Any]:
    """The parameters of CreateEndpointConfig without name and tags.

    model: the model of the variant, or nothing for an endpoint that hosts inference components; those have a role and
    a network of the endpoint's, because no model gives it one.
    """
    hosts = {} if model else {"ExecutionRoleArn": facts.role_arn, "VpcConfig": vpc(project)}
    return members(
        ProductionVariants=[_variant(project, model)],
        KmsKeyId=project.get("encryption.volume_kms_key_id"),
        DataCaptureConfig=_capture(project),
        AsyncInferenceConfig=_asynchronous(project),
        EnableNetworkIsolation=(project.get("network.isolation") or None) if not model else None,
        **hosts,
    )


def _variant(project: RenderedProject, model: str) -> dict[str, Any]:
    strategy = project.get("endpoint.routing_strategy")
    return members(
        VariantName=project.get("endpoint.variant_name"),
        ModelName=model,
        InstanceType=project.get("deployment.instance_type"),
        InitialInstanceCount=project.get("deployment.instance_count"),
        InitialVariantWeight=1.0 if model else None,
        VolumeSizeInGB=project.get("endpoint.volume_size_gb"),
        InferenceAmiVersion=project.get("endpoint.inference_ami_version"),
        # of the variant's own model; a component brings its own
        ModelDataDownloadTimeoutInSeconds=project.get("endpoint.model_download_timeout_s") if model else None,
        ContainerStartupHealthCheckTimeoutInSeconds=project.get("endpoint.startup_timeout_s") if model else None,
        ManagedInstanceScaling=None if model else managed_scaling(project),
        RoutingConfig={"RoutingStrategy": strategy} if strategy else None,
    )


def managed_scaling(project: RenderedProject) -> dict[str, Any] | None:
    """ManagedInstanceScaling: the endpoint adds and removes instances as its components' copies need them."""
    least, most = project.get("scaling.min_count"), project.get("scaling.max_count")
    if least is None and most is None:
        return None
    return members(Status="ENABLED", MinInstanceCount=least, MaxInstanceCount=most)


def _capture(project: RenderedProject) -> dict[str, Any] | None:
    percent, place = project.get("endpoint.data_capture_percent"), project.get("endpoint.data_capture_s3_uri")
    if not percent or not place:
        return None
    modes = project.get("endpoint.data_capture_modes") or ("Input", "Output")
    return members(
        EnableCapture=True,
        InitialSamplingPercentage=percent,
        DestinationS3Uri=place,
        KmsKeyId=project.get("encryption.output_kms_key_id"),
        CaptureOptions=[{"CaptureMode": mode} for mode in modes],
    )


def _asynchronous(project: RenderedProject) -> dict[str, Any] | None:
    """AsyncInferenceConfig on a target that reads the section `async`."""
    if "async" not in project.target.uses:
        return None
    topics = members(
        SuccessTopic=project.get("async.sns_success_topic"),
        ErrorTopic=project.get("async.sns_error_topic"),
        IncludeInferenceResponseIn=list(project.get("async.include_inference_response_in", ())),
    )
    output = members(
        S3OutputPath=project.get("async.s3_output_path"),
        S3FailurePath=project.get("async.s3_failure_path"),
        KmsKeyId=project.get("encryption.output_kms_key_id"),
        NotificationConfig=topics,
    )
    limit = project.get("async.max_concurrent_invocations_per_instance")
    return members(OutputConfig=output, ClientConfig=members(MaxConcurrentInvocationsPerInstance=limit))


def update_policy(project: RenderedProject) -> dict[str, Any]:
    """DeploymentConfig of CreateEndpoint and UpdateEndpoint; empty where the project has no wish."""
    policy = UPDATES.get(str(project.get("endpoint.update_policy", "")))
    alarms = [{"AlarmName": name} for name in project.get("endpoint.rollback_alarms", ())]
    if policy is None:
        policy = UPDATES["all_at_once"] if alarms else {}
    return {**policy, **({"AutoRollbackConfiguration": {"Alarms": alarms}} if alarms else {})}
