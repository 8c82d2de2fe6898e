"""Which call does what with which kind of resource.  Law: a table; nothing else spells an operation that changes one.

Sources: botocore's service models of sagemaker, application-autoscaling and cloudwatch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.lifecycle.targets.sagemaker import desired as kinds

SAGEMAKER, SCALING, ALARMS = "sagemaker", "application-autoscaling", "cloudwatch"
# How a service takes tags with the call that makes something.
PAIRS, MAPPING, NONE = "pairs", "mapping", ""


class Operations(NamedTuple):
    """The calls of one kind of resource.

    identity: members that name one; word: for people; update: empty for what is replaced, never changed; settles:
    whether it takes time until what a call began is done.
    """

    service: str
    word: str
    identity: tuple[str, ...]
    create: str
    delete: str
    update: str = ""
    tags: str = PAIRS
    settles: bool = False


_TARGET = ("ServiceNamespace", "ResourceId", "ScalableDimension")
_POLICY = ("PolicyName", *_TARGET)
_NAME = ("InferenceComponentName",)
_COMPONENT = ("CreateInferenceComponent", "DeleteInferenceComponent", "UpdateInferenceComponent")

OPERATIONS: Mapping[str, Operations] = {
    kinds.MODEL: Operations(SAGEMAKER, "model", ("ModelName",), "CreateModel", "DeleteModel"),
    kinds.CONFIG: Operations(
        SAGEMAKER, "endpoint configuration", ("EndpointConfigName",), "CreateEndpointConfig", "DeleteEndpointConfig"
    ),
    kinds.ENDPOINT: Operations(
        SAGEMAKER, "endpoint", ("EndpointName",), "CreateEndpoint", "DeleteEndpoint", "UpdateEndpoint", settles=True
    ),
    kinds.COMPONENT: Operations(SAGEMAKER, "inference component", _NAME, *_COMPONENT, settles=True),
    kinds.ADAPTER: Operations(SAGEMAKER, "adapter", _NAME, *_COMPONENT, settles=True),
    kinds.SCALABLE: Operations(
        SCALING, "scaling of", _TARGET, "RegisterScalableTarget", "DeregisterScalableTarget", tags=MAPPING
    ),
    kinds.TRACKING: Operations(
        SCALING, "scaling policy of", _POLICY, "PutScalingPolicy", "DeleteScalingPolicy", tags=NONE
    ),
    kinds.WAKING: Operations(
        SCALING, "wake-up policy of", _POLICY, "PutScalingPolicy", "DeleteScalingPolicy", tags=NONE
    ),
    kinds.ALARM: Operations(ALARMS, "alarm", ("AlarmName",), "PutMetricAlarm", "DeleteAlarms"),
    kinds.JOB: Operations(
        SAGEMAKER, "transform job", ("TransformJobName",), "CreateTransformJob", "StopTransformJob", settles=True
    ),
}


def tagged(operations: Operations, tags: Mapping[str, str]) -> dict[str, Any]:
    """The member `Tags` of a call that makes something."""
    if operations.tags == PAIRS:
        return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}
    return {"Tags": dict(sorted(tags.items()))} if operations.tags == MAPPING else {}
