"""Application Auto Scaling: what adds and removes copies and instances.  Law: pure.

A policy that keeps a metric at a target cannot leave zero: with no copy there is nothing to measure.  Where the fewest
are zero, a second policy takes the first step, woken by an alarm on the requests that found no copy
(https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.resolve.result import covers_copies

NAMESPACE = "sagemaker"
# Those that the service knows by name (botocore's service model of application-autoscaling); any other metric is one
# of CloudWatch.
PREDEFINED = (
    "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution",
    "SageMakerInferenceComponentInvocationsPerCopy",
    "SageMakerVariantConcurrentRequestsPerModelHighResolution",
    "SageMakerVariantInvocationsPerInstance",
    "SageMakerVariantProvisionedConcurrencyUtilization",
)
# Keys of a scaling section, and the members of a policy that they become.
COOLDOWNS = {"scale_in_cooldown_s": "ScaleInCooldown", "scale_out_cooldown_s": "ScaleOutCooldown"}
CONFIGURATION = "TargetTrackingScalingPolicyConfiguration"
TRACKING, WAKING = "mlcc-tracking", "mlcc-wake-up"
# The namespace of SageMaker's metrics in CloudWatch.
METRICS = "AWS/SageMaker"
# What a scaling section without a metric and a target means.
TARGET_VALUE = 10.0


class Scaled(NamedTuple):
    """Something that is scaled: a component's copies, or a variant's instances.

    prefix: where its settings stand; resource_id, dimension: as Application Auto Scaling names it; metric: kept at the
    target where the project names none; waking: the metric whose alarm takes the first step from zero; dimensions: of
    the two metrics in CloudWatch.
    """

    prefix: str
    resource_id: str
    dimension: str
    metric: str
    waking: str
    dimensions: tuple[tuple[str, str], ...]


def copies(component: str, name: str, project: RenderedProject | None = None) -> Scaled:
    """A component's copies.  component: its name in mlcc.yaml; name: its name in AWS.

    project: where its top-level `scaling` means the only component's copies, the settings stand there.
    """
    above = project is not None and covers_copies(project.values)
    return Scaled(
        "scaling" if above else f"inference_components[{component}].scaling",
        f"inference-component/{name}",
        "sagemaker:inference-component:DesiredCopyCount",
        "SageMakerInferenceComponentInvocationsPerCopy",
        "NoCapacityInvocationFailures",
        (("InferenceComponentName", name),),
    )


def instances(endpoint: str, variant: str) -> Scaled:
    """The instances of an asynchronous endpoint's variant, which wait for the requests in its queue."""
    return Scaled(
        "scaling",
        f"endpoint/{endpoint}/variant/{variant}",
        "sagemaker:variant:DesiredInstanceCount",
        "ApproximateBacklogSizePerInstance",
        "HasBacklogWithoutCapacity",
        (("EndpointName", endpoint),),
    )


def limits(project: RenderedProject, scaled: Scaled) -> tuple[int, int] | None:
    """The fewest and the most, or None where nothing is scaled."""
    least, most = project.get(f"{scaled.prefix}.min_count"), project.get(f"{scaled.prefix}.max_count")
    if least is None and most is None:
        return None
    low = int(least if least is not None else 1)
    return low, max(int(most if most is not None else low), low, 1)


def target(project: RenderedProject, scaled: Scaled) -> dict[str, Any] | None:
    """The parameters of RegisterScalableTarget without tags."""
    found = limits(project, scaled)
    return {**_id(scaled), "MinCapacity": found[0], "MaxCapacity": found[1]} if found is not None else None


def tracking(project: RenderedProject, scaled: Scaled) -> dict[str, Any]:
    """PutScalingPolicy that keeps a metric at its target."""
    metric = str(project.get(f"{scaled.prefix}.metric") or scaled.metric)
    value = float(project.get(f"{scaled.prefix}.target_value") or TARGET_VALUE)
    seconds = {member: project.get(f"{scaled.prefix}.{key}") for key, member in COOLDOWNS.items()}
    return {
        "PolicyName": TRACKING,
        **_id(scaled),
        "PolicyType": "TargetTrackingScaling",
        CONFIGURATION: settings(scaled, metric, value, seconds),
    }


def settings(scaled: Scaled, metric: str, value: float, cooldowns: Mapping[str, int | None]) -> dict[str, Any]:
    """What keeps a metric at a value.  cooldowns: seconds by member; None is the service's own, 0 is a wish, too."""
    found: dict[str, Any] = {"TargetValue": value}
    if metric in PREDEFINED:
        found["PredefinedMetricSpecification"] = {"PredefinedMetricType": metric}
    else:
        found["CustomizedMetricSpecification"] = {
            "MetricName": metric,
            "Namespace": METRICS,
            "Dimensions": _dimensions(scaled),
            "Statistic": "Average",
        }
    return found | {member: seconds for member, seconds in cooldowns.items() if seconds is not None}


def waking(scaled: Scaled) -> dict[str, Any]:
    """PutScalingPolicy that takes the first step from zero."""
    return {
        "PolicyName": WAKING,
        **_id(scaled),
        "PolicyType": "StepScaling",
        "StepScalingPolicyConfiguration": {
            "AdjustmentType": "ChangeInCapacity",
            "MetricAggregationType": "Maximum",
            "Cooldown": 60,
            "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
        },
    }


def alarm(scaled: Scaled, name: str, policy_arn: Any) -> dict[str, Any]:
    """PutMetricAlarm that wakes what has scaled to zero.  policy_arn: of the policy above."""
    return {
        "AlarmName": name,
        "AlarmDescription": "Takes the first step from zero; made by mlcc.",
        "Namespace": METRICS,
        "MetricName": scaled.waking,
        "Dimensions": _dimensions(scaled),
        "Statistic": "Maximum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "DatapointsToAlarm": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "missing",
        "AlarmActions": [policy_arn],
    }


def _id(scaled: Scaled) -> dict[str, str]:
    return {
        "ServiceNamespace": NAMESPACE,
        "ResourceId": scaled.resource_id,
        "ScalableDimension": scaled.dimension,
    }


def _dimensions(scaled: Scaled) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in scaled.dimensions]
