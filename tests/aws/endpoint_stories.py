"""What one endpoint of SageMaker answers from its creation to its end: steps that share it, for endpoints cost time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.aws.caller import Caller
from tests.aws.conformance_cases import (
    COMPONENT,
    RUNTIME,
    SPECIFICATION,
    Case,
    call,
    contains,
    mismatch,
    names,
    refused,
)
from tests.aws.scaling_rule_cases import dimensions_fit, targets_have_bounds

Step = Any  # a Case, or what must pass


def settle(aws: Caller) -> None:
    aws.world.sleep(600)


def status(operation: str, member: str, wanted: str, **name: str) -> Callable[[Caller], None]:
    """Something is in a state."""

    def look(aws: Caller) -> None:
        found = aws(operation, **name)[member]
        assert found == wanted, found

    return look


def endpoint_is(wanted: str) -> Callable[[Caller], None]:
    return status("DescribeEndpoint", "EndpointStatus", wanted, EndpointName="e")


def component_is(wanted: str) -> Callable[[Caller], None]:
    return status("DescribeInferenceComponent", "InferenceComponentStatus", wanted, InferenceComponentName="c")


def invoke(words: str, **more: str) -> Case:
    return Case(call("InvokeEndpoint", "sagemaker-runtime", EndpointName="e", Body=b"1", **more), words, RUNTIME)


def components_of_the_endpoint(aws: Caller) -> None:
    found = aws("ListInferenceComponents", EndpointNameEquals="e", VariantNameEquals="v", MaxResults=100)
    assert names(aws, found, "InferenceComponents", "InferenceComponentName") == ["c"]
    found = aws("ListInferenceComponents", EndpointNameEquals="e", StatusEquals="Failed", MaxResults=100)
    assert found["InferenceComponents"] == []


def endpoints_in_a_state(aws: Caller) -> None:
    for wanted, listed in (("InService", ["e"]), ("Failed", [])):
        found = aws("ListEndpoints", StatusEquals=wanted, MaxResults=100, **contains(aws))
        assert names(aws, found, "Endpoints", "EndpointName") == listed


def endpoint(aws: Caller) -> None:
    aws.model()
    aws.endpoint(settled=False)


_MOVING = 'Cannot update in-progress endpoint "arn:.*e"'
_CREATE_COMPONENT = {"InferenceComponentName": "c", **COMPONENT}
_NAMED = {"InferenceComponentName": "c"}
HOSTING: Mapping[str, Step] = {
    "it is made": endpoint,
    "it is Creating": endpoint_is("Creating"),
    "it is deleted while it is made": refused(_MOVING, "DeleteEndpoint", EndpointName="e"),
    "it is updated while it is made": refused(_MOVING, "UpdateEndpoint", EndpointName="e", EndpointConfigName="e-config"),
    "it is scaled while it is made": refused(
        _MOVING, "UpdateEndpointWeightsAndCapacities", EndpointName="e",
        DesiredWeightsAndCapacities=[{"VariantName": "v", "DesiredWeight": 1.0}],
    ),
    "its name is taken": refused(
        "Cannot create already existing endpoint \"arn:.*e\"", "CreateEndpoint", EndpointName="e",
        EndpointConfigName="e-config",
    ),
    "its name is taken in capitals": refused(
        "Cannot create already existing endpoint", "CreateEndpoint", EndpointName="E", EndpointConfigName="e-config"
    ),
    "it is invoked while it is made": invoke(""),
    "it settles": settle,
    "it is InService": endpoint_is("InService"),
    "it is listed by its state": endpoints_in_a_state,
    "a component without copies": refused(
        "copy count an integer larger than 0", "CreateInferenceComponent",
        **{**_CREATE_COMPONENT, "RuntimeConfig": {"CopyCount": 0}},
    ),
    "a component of an absent model": refused(
        "Could not find model", "CreateInferenceComponent",
        **{**_CREATE_COMPONENT, "Specification": {**SPECIFICATION, "ModelName": "none"}},
    ),
    "a component is made": call("CreateInferenceComponent", **_CREATE_COMPONENT),
    "the component is Creating": component_is("Creating"),
    "the component is deleted while it is made": refused(
        "while it is in state CREATE_IN_PROGRESS", "DeleteInferenceComponent", **_NAMED
    ),
    "the component is scaled while it is made": refused(
        "while it is in state CREATE_IN_PROGRESS", "UpdateInferenceComponentRuntimeConfig", **_NAMED,
        DesiredRuntimeConfig={"CopyCount": 2},
    ),
    "the component settles": settle,
    "the component is InService": component_is("InService"),
    "the component's name is taken": refused("", "CreateInferenceComponent", **_CREATE_COMPONENT),
    "the component is updated with nothing": refused("", "UpdateInferenceComponent", **_NAMED),
    "the component is listed": components_of_the_endpoint,
    "nobody is named": invoke("Inference Component Name header is required for endpoints"),
    "nobody that is there is named": invoke("", InferenceComponentName="none"),
    "the endpoint is deleted with a component": refused(
        "Cannot delete endpoint with inference component associated", "DeleteEndpoint", EndpointName="e"
    ),
    "the component scales to nothing": call(
        "UpdateInferenceComponentRuntimeConfig", **_NAMED, DesiredRuntimeConfig={"CopyCount": 0}
    ),
    "it settles without copies": settle,
    "nobody is there": invoke("Inference Component has no capacity to process this request", **_NAMED),
    "the component is deleted": call("DeleteInferenceComponent", **_NAMED),
    "the component is deleted twice": refused(
        "while it is in state DELETE_IN_PROGRESS", "DeleteInferenceComponent", **_NAMED
    ),
}  # fmt: skip


def serving(aws: Caller) -> None:
    aws.model()
    aws.serving()


CLASSIC: Mapping[str, Step] = {
    "it is made": serving,
    "it is InService": endpoint_is("InService"),
    "a component": refused(
        "Inference Components are not supported in this Endpoint", "CreateInferenceComponent", **_CREATE_COMPONENT
    ),
    "somebody is named": invoke("Inference Component Name header is not allowed for endpoints", **_NAMED),
    "it is no queue": Case(
        call("InvokeEndpointAsync", "sagemaker-runtime", EndpointName="e", InputLocation="s3://bucket/in"), "", RUNTIME
    ),
    "a scalable target without bounds": Case(lambda aws: targets_have_bounds(Standing(aws))),
    "a scalable target of another dimension": Case(lambda aws: dimensions_fit(Standing(aws))),
    "it is deleted": call("DeleteEndpoint", EndpointName="e"),
    "it is Deleting": endpoint_is("Deleting"),
    "it is deleted twice": refused(_MOVING, "DeleteEndpoint", EndpointName="e"),
}  # fmt: skip
STORIES = {"an endpoint that hosts components": HOSTING, "an endpoint with a model": CLASSIC}


class Standing(Caller):
    """Calls where the endpoint `e` is there already."""

    def __init__(self, aws: Caller) -> None:
        super().__init__(aws.world)

    def endpoint(self, name: str = "e", settled: bool = True) -> None:
        assert name == "e"


def story(aws: Caller, steps: Mapping[str, Step]) -> dict[str, str]:
    """Takes the steps one after the other, and returns what has not come as it should, by step."""
    wrong = {}
    for name, step in steps.items():
        if not isinstance(step, Case):
            step(aws)
            continue
        problem = mismatch(aws, step)
        if problem:
            wrong[name] = problem
    return wrong
