"""Models that only AWS knows: the newest approved version of a group, and JumpStart's data; SageMaker is a table here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from mlcc.core.errors import PreconditionError
from mlcc.io.aws.connection import AwsError
from mlcc.lifecycle.targets.sagemaker import desired as kinds
from mlcc.lifecycle.targets.sagemaker import facts, model_sources, verbs
from tests.aws import walker
from tests.aws.account import World, loaded, rendered
from tests.aws.test_deploy import HEAD

JUMPSTART = HEAD.replace("Qwen/Qwen3-0.6B", "jumpstart://meta-llama") + "inference_components: [{name: a}]\n"
GROUP = HEAD.replace("Qwen/Qwen3-0.6B", "registry://chats")
DATA = {"HostingArtifactUri": "s3://jumpstart-private-cache-prod-us-east-1/llama/artifacts/", "Other": 1}


class Hub:
    """Answers the two questions."""

    region = "us-east-1"

    def __init__(self, document: str | None = None, versions: tuple[str, ...] = ()) -> None:
        self.document, self.versions = document, versions

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        walker.check(service, operation, parameters)
        if operation == "ListModelPackages":
            return {"ModelPackageSummaryList": [{"ModelPackageArn": arn} for arn in self.versions]}
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


def test_a_group_means_its_newest_approved_version() -> None:
    arn = "arn:aws:sagemaker:us-east-1:123456789012:model-package/chats/7"
    container = model_of(GROUP, Hub(versions=(arn, arn[:-1] + "6")))
    assert container["ModelPackageName"] == arn


@pytest.mark.parametrize(
    ("text", "hub"),
    [
        (JUMPSTART, Hub()), (JUMPSTART, Hub("no JSON")), (JUMPSTART, Hub("[]")), (JUMPSTART, Hub('{"HostingArtifactUri": null}')),
        (JUMPSTART, Hub('{"HostingArtifactUri": "https://x/"}')), (GROUP, Hub()),
    ],
)  # fmt: skip
def test_a_model_that_is_not_there_is_exit_3(text: str, hub: Hub) -> None:
    with pytest.raises(PreconditionError) as missing:
        model_of(text, hub)
    assert missing.value.findings[0].code == "MLCC314"


def test_a_dry_run_says_that_it_guessed() -> None:
    document = verbs.deploy(World().context(rendered(JUMPSTART), dry_run=True)).document
    assert "model_data" in document["assumed"]
    assert [p for c in document["calls"] for p in walker.problems(c["service"], c["operation"], c["parameters"])] == []
