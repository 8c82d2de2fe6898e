"""Amazon SageMaker: what is there.  Law: one typed method a call; what is not there is None, an error is raised.

"Not there" is a ValidationException whose text begins `Could not find`, never a 404; of transform jobs it is
ResourceNotFound (seen in the service's own answers).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.paging import elements

SERVICE = "sagemaker"
MISSING = "could not find"


class SageMaker:
    """Reads; what changes something is called by the executor from its list of instructions."""

    def __init__(self, caller: Caller) -> None:
        """caller: the connection."""
        self._caller = caller

    def model(self, name: str) -> dict[str, Any] | None:
        """DescribeModel."""
        return self._describe("DescribeModel", ModelName=name)

    def endpoint_config(self, name: str) -> dict[str, Any] | None:
        """DescribeEndpointConfig."""
        return self._describe("DescribeEndpointConfig", EndpointConfigName=name)

    def endpoint(self, name: str) -> dict[str, Any] | None:
        """DescribeEndpoint."""
        return self._describe("DescribeEndpoint", EndpointName=name)

    def component(self, name: str) -> dict[str, Any] | None:
        """DescribeInferenceComponent."""
        return self._describe("DescribeInferenceComponent", InferenceComponentName=name)

    def transform_job(self, name: str) -> dict[str, Any] | None:
        """DescribeTransformJob."""
        return self._describe("DescribeTransformJob", TransformJobName=name)

    def cluster(self, name: str) -> dict[str, Any] | None:
        """DescribeCluster, of HyperPod."""
        return self._describe("DescribeCluster", ClusterName=name)

    def clusters(self) -> Iterator[str]:
        """Names of the HyperPod clusters."""
        return self._names("ListClusters", "ClusterName")

    def components_of(self, endpoint: str) -> Iterator[str]:
        """Names of the inference components of an endpoint."""
        return self._names("ListInferenceComponents", "InferenceComponentName", endpoint)

    def components_named(self, part: str) -> Iterator[str]:
        """Names of inference components that contain a text."""
        return self._names("ListInferenceComponents", "InferenceComponentName", NameContains=part)

    def endpoints(self) -> Iterator[str]:
        """Names of all endpoints."""
        return self._names("ListEndpoints", "EndpointName")

    def endpoints_tagged(self, wanted: Mapping[str, str]) -> Iterator[str]:
        """Names of the endpoints that have these tags, whatever their names: a call for each endpoint there is."""
        for element in elements(self._caller, SERVICE, "ListEndpoints", {"MaxResults": 100}):
            tags = self.tags(str(element["EndpointArn"])) or {}
            if all(tags.get(key) == value for key, value in wanted.items()):
                yield str(element["EndpointName"])

    def components(self) -> Iterator[str]:
        """Names of all inference components."""
        return self._names("ListInferenceComponents", "InferenceComponentName")

    def models_named(self, part: str) -> Iterator[str]:
        """Names of models that contain a text."""
        return self._names("ListModels", "ModelName", NameContains=part)

    def endpoint_configs_named(self, part: str) -> Iterator[str]:
        """Names of endpoint configurations that contain a text."""
        return self._names("ListEndpointConfigs", "EndpointConfigName", NameContains=part)

    def transform_jobs_named(self, part: str, status: str = "") -> Iterator[str]:
        """Names of transform jobs that contain a text (or of all), the newest first.  status: only in this state."""
        wanted = {"SortBy": "CreationTime", "SortOrder": "Descending", **({"NameContains": part} if part else {})}
        wanted |= {"StatusEquals": status} if status else {}
        return self._names("ListTransformJobs", "TransformJobName", **wanted)

    def hub_model(self, name: str) -> dict[str, Any] | None:
        """DescribeHubContent: a model of SageMaker's public hub (JumpStart)."""
        return self._describe(
            "DescribeHubContent", HubName="SageMakerPublicHub", HubContentType="Model", HubContentName=name
        )

    def newest_package(self, group: str) -> str:
        """The ARN of the newest approved version of a model package group; empty where there is none."""
        wanted = {"ModelPackageGroupName": group, "ModelApprovalStatus": "Approved"}
        wanted |= {"ModelPackageType": "Versioned", "SortBy": "CreationTime", "SortOrder": "Descending"}
        found: dict[str, Any] = next(elements(self._caller, SERVICE, "ListModelPackages", wanted), {})
        return str(found.get("ModelPackageArn", ""))

    def package(self, arn: str) -> dict[str, Any] | None:
        """DescribeModelPackage: a model package, or a version of a group."""
        return self._describe("DescribeModelPackage", ModelPackageName=arn)

    def set_tag(self, arn: str, key: str, value: str) -> None:
        """AddTags: one tag, with a new value where it has one."""
        self._caller.call(SERVICE, "AddTags", {"ResourceArn": arn, "Tags": [{"Key": key, "Value": value}]})

    def tags(self, arn: str) -> dict[str, str] | None:
        """The tags of a resource; None of one that is gone."""
        try:
            return {
                tag["Key"]: tag["Value"] for tag in elements(self._caller, SERVICE, "ListTags", {"ResourceArn": arn})
            }
        except AwsError as problem:
            if is_missing(problem):
                return None
            raise

    def _names(self, operation: str, name: str, endpoint: str = "", **wanted: Any) -> Iterator[str]:
        parameters = {**wanted, **({"EndpointNameEquals": endpoint} if endpoint else {}), "MaxResults": 100}
        for element in elements(self._caller, SERVICE, operation, parameters):
            yield str(element[name])

    def _describe(self, operation: str, **identity: str) -> dict[str, Any] | None:
        try:
            return self._caller.call(SERVICE, operation, identity)
        except AwsError as problem:
            if is_missing(problem):
                return None
            raise


def is_missing(problem: AwsError) -> bool:
    """Whether an answer means that the thing is not there."""
    if problem.code in ("ResourceNotFound", "ResourceNotFoundException"):
        return True
    if problem.code != "ValidationException":
        return False
    words = problem.message.lower()
    # of a version of a model package, which is named between the two
    return words.startswith(MISSING) or (problem.operation == "DescribeModelPackage" and "does not exist" in words)
