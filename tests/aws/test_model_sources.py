"""Models that only AWS knows: the newest approved version of a group, and JumpStart's data; SageMaker is a table here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from mlcc.core.errors import PreconditionError
from mlcc.core.paths import EMPTY
from mlcc.io.aws.connection import AwsError
from mlcc.io.aws.sagemaker import SageMaker
from mlcc.lifecycle.targets.sagemaker import desired as kinds
from mlcc.lifecycle.targets.sagemaker import facts, model_sources, verbs
from mlcc.servers.devserver import hub
from tests.aws import walker
from tests.aws.account import World, loaded, rendered
from tests.aws.caller import IMAGE, Caller
from tests.aws.package_cases import of_package, package
from tests.aws.test_deploy import HEAD

JUMPSTART = HEAD.replace("Qwen/Qwen3-0.6B", "jumpstart://meta-llama") + "inference_components: [{name: a}]\n"
GROUP = HEAD.replace("Qwen/Qwen3-0.6B", "registry://chats")
ARN = "arn:aws:sagemaker:us-east-1:123456789012:model-package"
DATA = {"HostingArtifactUri": "s3://jumpstart-private-cache-prod-us-east-1/llama/artifacts/", "Other": 1}


class Hub:
    """Answers the three questions."""

    region = "us-east-1"

    def __init__(
        self,
        document: str | None = None,
        versions: tuple[str, ...] = (),
        packages: Mapping[str, dict[str, Any]] = EMPTY,
    ) -> None:
        self.document, self.versions, self.packages = document, versions, packages

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        walker.check(service, operation, parameters)
        if operation == "ListModelPackages":
            return {"ModelPackageSummaryList": [{"ModelPackageArn": arn} for arn in self.versions]}
        if operation == "DescribeModelPackage" and parameters["ModelPackageName"] in self.packages:
            return self.packages[parameters["ModelPackageName"]]
        if self.document is None:
            raise AwsError(service, operation, "ResourceNotFound", "no", 400)
        return {"HubContentDocument": self.document}


def model_of(text: str, hub: Hub) -> dict[str, Any]:
    """CreateModel's container."""
    project = loaded(rendered(text), None)
    found = model_sources.asked(project, hub, facts.assumed(project, "us-east-1", 0.0)[0])
    (model,) = kinds.wanted(project, found).of(kinds.MODEL)
    assert walker.problems("sagemaker", "CreateModel", model.parameters) == []
    return dict(model.parameters["PrimaryContainer"])


def test_a_jumpstart_model_is_read_from_where_its_data_lies() -> None:
    container = model_of(JUMPSTART, Hub(json.dumps(DATA)))
    source = container["ModelDataSource"]["S3DataSource"]
    assert (source["S3Uri"], source["S3DataType"], source["CompressionType"]) == (
        DATA["HostingArtifactUri"],
        "S3Prefix",
        "None",
    )
    assert not [name for name in container["Environment"] if "jumpstart" in container["Environment"][name]]


def test_what_its_document_says_of_the_data_counts() -> None:
    packed = {
        **DATA,
        "HostingArtifactUri": "s3://b/x.data",
        "HostingArtifactS3DataType": "S3Object",
        "HostingArtifactCompressionType": "Gzip",
    }
    source = model_of(JUMPSTART, Hub(json.dumps(packed)))["ModelDataSource"]["S3DataSource"]
    assert (source["S3DataType"], source["CompressionType"]) == ("S3Object", "Gzip")


def described(*containers: dict[str, Any]) -> dict[str, Any]:
    return {"InferenceSpecification": {"Containers": list(containers)}}


ARCHIVE = {"Image": IMAGE, "ModelDataUrl": "s3://models/7.tar.gz"}
PREFIX = {"S3Uri": "s3://models/7/", "S3DataType": "S3Prefix", "CompressionType": "None"}


@pytest.mark.parametrize("text", [GROUP, GROUP.replace("//chats", "//chats/7")])
def test_of_a_package_the_data_counts_and_the_project_s_image_serves_it(text: str) -> None:
    hub = Hub(versions=(f"{ARN}/chats/7", f"{ARN}/chats/6"), packages={f"{ARN}/chats/7": described(ARCHIVE)})
    container = model_of(text, hub)
    source = {"S3Uri": "s3://models/7.tar.gz", "S3DataType": "S3Object", "CompressionType": "Gzip"}
    assert container["ModelDataSource"] == {"S3DataSource": source}
    assert "mlcc/chat" in container["Image"]
    assert "ModelPackageName" not in container


def test_a_package_may_say_how_its_data_lies() -> None:
    hub = Hub(packages={f"{ARN}/chats/7": described({"ModelDataSource": {"S3DataSource": PREFIX}})})
    container = model_of(GROUP.replace("//chats", "//chats/7"), hub)
    assert container["ModelDataSource"] == {"S3DataSource": PREFIX}


@pytest.mark.parametrize(
    ("hub", "words"),
    [
        (Hub(), "has no approved version"),
        (Hub(versions=(f"{ARN}/chats/7",)), "the model package 'chats/7' is not there"),
        (Hub(versions=(f"{ARN}/chats/7",), packages={f"{ARN}/chats/7": {}}), "has no model data"),
        (
            Hub(versions=(f"{ARN}/chats/7",), packages={f"{ARN}/chats/7": described({"Image": IMAGE})}),
            "has no model data",
        ),
        (
            Hub(versions=(f"{ARN}/chats/7",), packages={f"{ARN}/chats/7": described(ARCHIVE, ARCHIVE)}),
            "has several containers",
        ),
    ],
)
def test_a_package_that_cannot_be_served_is_refused(hub: Hub, words: str) -> None:
    with pytest.raises(PreconditionError, match=words):
        model_of(GROUP, hub)


def test_the_newest_package_is_deployed() -> None:
    """A newer one is a change that is shown, and deployed beside a package that is gone."""
    world = World()
    aws = Caller(world)
    inside = {"Containers": [ARCHIVE]}
    first = package(aws, "chats", Image=IMAGE, ModelDataUrl="s3://models/6.tar.gz")
    assert verbs.deploy(world.context(rendered(GROUP))).document["status"] == "InService"
    assert verbs.deploy(world.context(rendered(GROUP), plan=True)).document["changes"] == []
    newer = aws("CreateModelPackage", ModelPackageGroupName="chats", InferenceSpecification=inside)
    assert verbs.deploy(world.context(rendered(GROUP), plan=True)).document["changes"] == [], "nobody has approved it"
    aws("UpdateModelPackage", ModelPackageArn=newer["ModelPackageArn"], ModelApprovalStatus="Approved")
    assert verbs.deploy(world.context(rendered(GROUP), plan=True)).document["changes"]
    assert verbs.deploy(world.context(rendered(GROUP))).document["status"] == "InService"
    aws("DeleteModelPackage", ModelPackageName=first)
    assert [one.image.model_data for one in world.running] == ["s3://models/7.tar.gz"]
    assert IMAGE not in {one.image.image for one in world.running}
    assert verbs.clean(world.context(rendered(GROUP))).ok
    assert world.left() == []


def packages(aws: Caller, **more: Any) -> list[str]:
    found = aws("ListModelPackages", **more)["ModelPackageSummaryList"]
    return [one["ModelPackageArn"].rpartition("model-package/")[2] for one in found]


def test_packages_are_listed_by_type_group_and_page() -> None:
    aws = Caller(World())
    package(aws)
    for _ in range(11):
        aws("CreateModelPackage", ModelPackageGroupName="g")
    aws("CreateModelPackage", ModelPackageName="alone")
    assert packages(aws) == ["alone"]
    both = packages(aws, ModelPackageType="Both", MaxResults=100)
    assert sorted(both) == sorted(["alone", *(f"g/{number}" for number in range(1, 13))])
    versions = {"ModelPackageGroupName": "g", "ModelPackageType": "Versioned"}
    assert packages(aws, **versions) == [f"g/{number}" for number in range(1, 11)]
    assert packages(aws, **versions, NextToken="10") == ["g/11", "g/12"]
    assert packages(aws, **versions, SortOrder="Descending", MaxResults=1) == ["g/12"]
    assert packages(aws, **{**versions, "ModelPackageGroupName": "other"}) == []
    assert aws("ListModelPackageGroups")["ModelPackageGroupSummaryList"][0]["ModelPackageGroupStatus"] == "Completed"
    aws("DeleteModelPackage", ModelPackageName="g/12")
    arn = aws("CreateModelPackage", ModelPackageGroupName="g")["ModelPackageArn"]
    assert arn.endswith("g/13"), "a number is never given twice"
    assert aws("ListTags", ResourceArn=arn) == {"Tags": []}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "Missing ARN"),
        ({"ModelPackageName": "p", "ModelPackageGroupName": "g"}, "Cannot determine which one to use"),
        ({"ModelPackageName": "alone"}, "Model Package already exists"),
        ({"ModelPackageGroupName": "g", "Tags": [{"Key": "a", "Value": "b"}]}, "are those of its Model Package Group"),
        ({"ModelPackageName": "p", "SourceUri": "s3://a/b"}, "SourceUri is not there in this server"),
        ({"ModelPackageGroupName": "arn:aws:sagemaker:eu-west-1:123456789012:model-package-group/g"}, "does not exist"),
    ],
)
def test_a_package_that_is_refused(asked: dict[str, Any], words: str) -> None:
    aws = Caller(World())
    package(aws)
    aws("CreateModelPackage", ModelPackageName="alone")
    with pytest.raises(AwsError, match=words):
        aws("CreateModelPackage", **asked)


def test_a_package_of_nothing_or_of_several_makes_no_model() -> None:
    aws = Caller(World())
    package(aws)
    aws("CreateModelPackage", ModelPackageGroupName="g", ModelApprovalStatus="Approved")
    inside = {"Containers": [{"Image": IMAGE}] * 2}
    aws("CreateModelPackage", ModelPackageName="several", InferenceSpecification=inside)
    with pytest.raises(AwsError, match="has no InferenceSpecification"):
        of_package(aws, "g/2")
    with pytest.raises(AwsError, match="several containers is not there") as refused:
        of_package(aws, "several")
    assert refused.value.status == 501
    with pytest.raises(AwsError, match="ModelLifeCycle is not there"):
        aws("UpdateModelPackage", ModelPackageArn=f"{ARN}/g/1", ModelLifeCycle={"Stage": "a", "StageStatus": "b"})
    with pytest.raises(AwsError, match=r"model-package/g/1 does not exist"):
        of_package(aws, f"{ARN.replace('us-east-1', 'eu-west-1')}/g/1")
    of_package(aws, f"{ARN}/G/1")


def test_the_hub_has_what_was_put_there() -> None:
    world = World()
    assert SageMaker(world).hub_model("m") is None
    hub.put(world.account, {"HubContentName": "m", "HubContentDocument": {"a": 1}, "HubContentVersion": "2.0.1"})
    found = SageMaker(world).hub_model("m") or {}
    assert (json.loads(found["HubContentDocument"]), found["HubContentVersion"]) == ({"a": 1}, "2.0.1")
    assert found["HubContentArn"] == "arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/m/2.0.1"
    asked = {"HubName": found["HubArn"], "HubContentType": "Model", "HubContentName": "m"}
    assert Caller(world)("DescribeHubContent", **asked, HubContentVersion="2.0.1") == found
    for other in ({"HubContentVersion": "1.0.0"}, {"HubName": "mine"}, {"HubContentType": "Notebook"}):
        with pytest.raises(AwsError, match="Could not find hub content") as refused:
            Caller(world)("DescribeHubContent", **{**asked, **other})
        assert (refused.value.code, refused.value.status) == ("ResourceNotFound", 400)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        (JUMPSTART, Hub()), (JUMPSTART, Hub("no JSON")), (JUMPSTART, Hub("[]")), (JUMPSTART, Hub('{"HostingArtifactUri": null}')),
        (JUMPSTART, Hub('{"HostingArtifactUri": "https://x/"}')), (GROUP, Hub()),
    ],
)  # fmt: skip
def test_a_model_that_is_not_there_is_exit_3(text: str, asked: Hub) -> None:
    with pytest.raises(PreconditionError) as missing:
        model_of(text, asked)
    assert missing.value.findings[0].code == "MLCC314"


def test_a_dry_run_says_that_it_guessed() -> None:
    document = verbs.deploy(World().context(rendered(JUMPSTART), dry_run=True)).document
    assert "model_data" in document["assumed"]
    assert [p for c in document["calls"] for p in walker.problems(c["service"], c["operation"], c["parameters"])] == []
