"""What SageMaker answers, as tables: refusals, lists and states that a source states well enough to ask the service for.

Texts and codes: see the modules of the server that refuse with them; of validations botocore's service models.  Where a
source states that something is refused and not how, only that is asked for: the words are empty, and the code may be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.io.aws.connection import AwsError
from tests.aws.caller import IMAGE, NEEDS, ROLE, VARIANT, Caller, job_of_model
from tests.aws.package_cases import a_group_s_versions_are_listed_by_their_approval, versions_keep_their_group
from tests.aws.rule_cases import tags_are_fifty
from tests.aws.scaling_rule_cases import VARIANT_TARGET

VALIDATION, RUNTIME = "ValidationException", "ValidationError"
SCALING, ANY = "application-autoscaling", ""


class Case(NamedTuple):
    """Requests whose last one is refused.  code: of the error; words: a pattern of its text."""

    ask: Callable[[Caller], Any]
    words: str = ""
    code: str = VALIDATION


def call(operation: str, service: str = "sagemaker", **parameters: Any) -> Callable[[Caller], Any]:
    """One request."""
    return lambda aws: aws.world.call(service, operation, parameters)


def refused(words: str, operation: str, **parameters: Any) -> Case:
    """One request of SageMaker's control plane that is not valid."""
    return Case(call(operation, **parameters), words)


def config(**more: Any) -> dict[str, Any]:
    """The parameters of a configuration for an endpoint that hosts components."""
    return {"EndpointConfigName": "x", "ExecutionRoleArn": ROLE, "ProductionVariants": [{**VARIANT, **more}]}


def model(**more: Any) -> dict[str, Any]:
    return {"ModelName": "x", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": IMAGE, **more}}


SPECIFICATION = {"ModelName": "m", **NEEDS}
COMPONENT = {"EndpointName": "e", "VariantName": "v", "Specification": SPECIFICATION, "RuntimeConfig": {"CopyCount": 1}}
NONE = {"EndpointName": "none"}
# Something is not there.
MISSING = {
    "endpoint": refused("Could not find endpoint \"arn:.*none\"", "DescribeEndpoint", **NONE),
    "endpoint to delete": refused("Could not find endpoint \"arn:.*none\"", "DeleteEndpoint", **NONE),
    "endpoint to update": refused("Could not find endpoint", "UpdateEndpoint", **NONE, EndpointConfigName="none"),
    "endpoint to scale": refused(
        "Could not find endpoint", "UpdateEndpointWeightsAndCapacities", **NONE,
        DesiredWeightsAndCapacities=[{"VariantName": "v", "DesiredInstanceCount": 1}],
    ),
    "configuration": refused(
        "Could not find endpoint configuration \"arn:.*none\"", "DescribeEndpointConfig", EndpointConfigName="none"
    ),
    "configuration to delete": refused(
        "Could not find endpoint configuration \"arn:.*none\"", "DeleteEndpointConfig", EndpointConfigName="none"
    ),
    "configuration of an endpoint": refused(
        "Could not find endpoint configuration", "CreateEndpoint", EndpointName="e", EndpointConfigName="none"
    ),
    "model": refused("Could not find model \"arn:.*none\"", "DescribeModel", ModelName="none"),
    "model to delete": refused("Could not find model \"arn:.*none\"", "DeleteModel", ModelName="none"),
    "model of a configuration": refused(
        "Could not find model", "CreateEndpointConfig", EndpointConfigName="x",
        ProductionVariants=[{**VARIANT, "ModelName": "none"}],
    ),
    "model of a job": refused("Could not find model", "CreateTransformJob", **{**job_of_model(), "ModelName": "none"}),
    "component": refused(
        "Could not find inference component", "DescribeInferenceComponent", InferenceComponentName="none"
    ),
    "component to delete": refused(
        "Could not find inference component", "DeleteInferenceComponent", InferenceComponentName="none"
    ),
    "component to scale": refused(
        "Could not find inference component", "UpdateInferenceComponentRuntimeConfig", InferenceComponentName="none",
        DesiredRuntimeConfig={"CopyCount": 1},
    ),
    "endpoint of a component": refused(
        "Could not find endpoint", "CreateInferenceComponent", InferenceComponentName="c", **{**COMPONENT, **NONE}
    ),
    "job": Case(
        call("DescribeTransformJob", TransformJobName="none"), "Could not find requested job with name", "ResourceNotFound"
    ),
    "job to stop": Case(call("StopTransformJob", TransformJobName="none"), "", "ResourceNotFound"),
    "endpoint to invoke": Case(
        call("InvokeEndpoint", "sagemaker-runtime", **NONE, Body=b"1"), r"Endpoint .*none of account \d+ not found", RUNTIME
    ),
    "endpoint that scales": Case(
        call("RegisterScalableTarget", SCALING, **{**VARIANT_TARGET, "MinCapacity": 1, "MaxCapacity": 2})
    ),
    "target of a policy": Case(
        call("PutScalingPolicy", SCALING, **VARIANT_TARGET, PolicyName="p", PolicyType="StepScaling"),
        "No scalable target registered for service namespace: sagemaker, resource ID: endpoint/.*e/variant/v, "
        "scalable dimension: sagemaker:variant:DesiredInstanceCount",
        "ObjectNotFoundException",
    ),
    "target to take away": Case(
        call("DeregisterScalableTarget", SCALING, **VARIANT_TARGET), "No scalable target registered",
        "ObjectNotFoundException",
    ),
    "policy to delete": Case(
        call("DeleteScalingPolicy", SCALING, **VARIANT_TARGET, PolicyName="p"), "", "ObjectNotFoundException"
    ),
    "alarm": Case(
        call("SetAlarmState", "cloudwatch", AlarmName="mlcc-none", StateValue="OK", StateReason="a test"), "",
        "ResourceNotFound",
    ),
    "log group": Case(
        call("FilterLogEvents", "logs", logGroupName="/aws/sagemaker/Endpoints/mlcc-none"),
        "The specified log group does not exist", "ResourceNotFoundException",
    ),
    "package of a model": Case(
        call("CreateModel", ModelName="x", ExecutionRoleArn=ROLE, PrimaryContainer={"ModelPackageName": "none"}),
        "does not exist|[Cc]annot find",
    ),
    "group of a package": Case(call("CreateModelPackage", ModelPackageGroupName="none"), "does not exist|[Cc]annot find"),
    "model of the public hub": Case(
        call("DescribeHubContent", HubName="SageMakerPublicHub", HubContentType="Model", HubContentName="mlcc-none"), "",
        "ResourceNotFound",
    ),
    "tagged resource": Case(
        call("ListTags", ResourceArn="arn:aws:sagemaker:us-east-1:123456789012:model/none"), "", ANY
    ),
}  # fmt: skip
_LONG = "failed to satisfy constraint: Member must have length less than or equal to"
# Something is not valid.
INVALID = {
    "instance type": refused(
        "1 validation error detected: Value 'ml.none.large' at 'productionVariants.1.member.instanceType' "
        "failed to satisfy constraint: Member must satisfy enum value set",
        "CreateEndpointConfig", **config(InstanceType="ml.none.large"),
    ),
    "two values": refused(
        "2 validation errors detected: .*; ", "CreateEndpointConfig",
        **config(InstanceType="ml.none.large", VolumeSizeInGB=513),
    ),
    "volume": refused(
        "Value '513' at 'productionVariants.1.member.volumeSizeInGB' failed to satisfy constraint: Member must have value "
        "less than or equal to 512",
        "CreateEndpointConfig", **config(VolumeSizeInGB=513),
    ),
    "startup time": refused(
        "Member must have value less than or equal to 3600", "CreateEndpointConfig",
        **config(ContainerStartupHealthCheckTimeoutInSeconds=3601),
    ),
    "name": refused("Member must satisfy regular expression pattern", "DescribeEndpoint", EndpointName="no-"),
    "long name": refused(f"at 'endpointName' {_LONG} 63", "DescribeEndpoint", EndpointName="x" * 64),
    "image": refused("Member must satisfy regular expression pattern", "CreateModel", **model(Image="a b")),
    "environment": refused(
        f"at 'primaryContainer.environment' {_LONG} 100", "CreateModel",
        **model(Environment={f"NAME_{number}": "" for number in range(101)}),
    ),
    "value of the environment": refused(f"{_LONG} 1024", "CreateModel", **model(Environment={"NAME": "x" * 1025})),
    "tags": refused(
        f"at 'tags' {_LONG} 50", "CreateModel", **model(),
        Tags=[{"Key": str(number), "Value": ""} for number in range(51)],
    ),
    "approval of a package": refused(
        "at 'modelApprovalStatus' failed to satisfy constraint: Member must satisfy enum value set", "CreateModelPackage",
        ModelPackageGroupName="none", ModelApprovalStatus="Maybe",
    ),
    "kind of a hub's content": refused(
        "at 'hubContentType' failed to satisfy constraint: Member must satisfy enum value set", "DescribeHubContent",
        HubName="SageMakerPublicHub", HubContentType="Other", HubContentName="none",
    ),
    "page": refused("Member must have value less than or equal to 100", "ListModels", MaxResults=101),
    "alarms of an update": refused(
        f"{_LONG} 10", "CreateEndpoint", EndpointName="e", EndpointConfigName="none",
        DeploymentConfig={"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": str(n)} for n in range(11)]}},
    ),
}  # fmt: skip


# ---------------------------------------------------------------- what models and configurations show
def names(aws: Caller, answer: Mapping[str, Any], member: str, name: str) -> list[str]:
    """Names in a list, as the cases call them."""
    prefix = getattr(aws.world, "prefix", "")
    return [one[name].removeprefix(prefix) for one in answer[member] if one[name].startswith(prefix)]


def contains(aws: Caller, text: str = "") -> dict[str, str]:
    """The filter of a list for what a case has made, and for a part of its name."""
    found = getattr(aws.world, "prefix", "") + text
    return {"NameContains": found} if found else {}


def models(aws: Caller) -> None:
    for name in ("b", "c", "a"):
        aws("CreateModel", **{**model(), "ModelName": name})


def lists_come_in_pages(aws: Caller) -> None:
    """Page by page all are listed once; the last page has no mark."""
    models(aws)
    seen: list[str] = []
    mark: dict[str, str] = {}
    for _ in range(200):
        page = aws("ListModels", MaxResults=1, **contains(aws), **mark)
        assert len(page["Models"]) <= 1
        seen += names(aws, page, "Models", "ModelName")
        if "NextToken" not in page:
            break
        mark = {"NextToken": page["NextToken"]}
    assert sorted(seen) == ["a", "b", "c"]


def lists_are_sorted(aws: Caller) -> None:
    models(aws)
    for order, found in (("Ascending", ["a", "b", "c"]), ("Descending", ["c", "b", "a"])):
        page = aws("ListModels", SortBy="Name", SortOrder=order, MaxResults=100, **contains(aws))
        assert names(aws, page, "Models", "ModelName") == found


def lists_are_filtered(aws: Caller) -> None:
    models(aws)
    page = aws("ListModels", MaxResults=100, **contains(aws, "b"))
    assert names(aws, page, "Models", "ModelName") == ["b"]


def tags_are_kept(aws: Caller) -> None:
    """Added ones join the others, in the place of those with their keys."""
    arn = aws("CreateModel", **model(), Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])["ModelArn"]
    aws("AddTags", ResourceArn=arn, Tags=[{"Key": "b", "Value": "3"}, {"Key": "c", "Value": "4"}])
    aws("DeleteTags", ResourceArn=arn, TagKeys=["a", "none"])
    found = aws("ListTags", ResourceArn=arn)["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in found} == {"b": "3", "c": "4"}


def a_deleted_model_is_gone(aws: Caller) -> None:
    aws("CreateModel", **model())
    aws("DeleteModel", ModelName="x")
    aws("CreateModel", **model())


def a_configuration_shows_what_it_was_made_of(aws: Caller) -> None:
    aws("CreateEndpointConfig", **config(VolumeSizeInGB=20))
    found = aws("DescribeEndpointConfig", EndpointConfigName="x")
    (variant,) = found["ProductionVariants"]
    assert {**VARIANT, "VolumeSizeInGB": 20}.items() <= variant.items()


ANSWERS = {
    "lists come in pages": lists_come_in_pages,
    "lists are sorted": lists_are_sorted,
    "lists are filtered": lists_are_filtered,
    "tags are kept": tags_are_kept,
    "a deleted model is gone": a_deleted_model_is_gone,
    "a group's versions are listed by their approval": a_group_s_versions_are_listed_by_their_approval,
    "a configuration shows what it was made of": a_configuration_shows_what_it_was_made_of,
}


def twice(operation: str, parameters: Mapping[str, Any]) -> Callable[[Caller], Any]:
    def ask(aws: Caller) -> Any:
        aws(operation, **parameters)
        return aws(operation, **parameters)

    return ask


def tags_of_another_region(aws: Caller) -> None:
    arn = aws("CreateModel", **model())["ModelArn"]
    parts = arn.split(":")
    parts[3] = "eu-west-1" if parts[3] != "eu-west-1" else "us-east-1"
    aws("ListTags", ResourceArn=":".join(parts))


# Names that are taken, and other refusals that need a model or a configuration.
TAKEN = {
    "model": Case(twice("CreateModel", model()), "Cannot create already existing model \"arn:.*x\""),
    "configuration": Case(
        twice("CreateEndpointConfig", config()), "Cannot create already existing endpoint configuration \"arn:.*x\""
    ),
    "group of packages": Case(
        twice("CreateModelPackageGroup", {"ModelPackageGroupName": "g"}), "Model Package Group already exists"
    ),
    "group with a version": Case(versions_keep_their_group, "", "ConflictException"),
    "more tags than allowed": Case(tags_are_fifty, "", ANY),
    "tags of another region": Case(tags_of_another_region, "", ANY),
}  # fmt: skip


def single() -> Sequence[tuple[str, Case]]:
    """Every refusal that needs no endpoint."""
    tables = {"missing": MISSING, "invalid": INVALID, "taken": TAKEN}
    return [(f"{kind}: {name}", case) for kind, table in tables.items() for name, case in table.items()]


def mismatch(aws: Caller, case: Case) -> str:
    """How a refusal differs from what is expected; empty where it does not."""
    try:
        case.ask(aws)
    except AwsError as problem:
        if case.code not in ("", problem.code) or not 400 <= problem.status < 500:
            return f"{problem.code} ({problem.status}) in place of {case.code}: {problem.message}"
        return "" if re.search(case.words, problem.message) else problem.message
    return "it is not refused"
