"""What our SageMaker server never has: reads answer as an account without it, and what would make one answers 501."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import pytest

from mlcc.io.aws.cloudformation import CloudFormation
from mlcc.io.aws.connection import AwsError
from mlcc.io.aws.dynamodb import DynamoDb
from mlcc.io.aws.ecr import Ecr
from mlcc.io.aws.sagemaker import SageMaker
from mlcc.io.aws.secretsmanager import SecretsManager
from mlcc.io.aws.servicequotas import ServiceQuotas
from mlcc.lifecycle import aws_errors
from mlcc.lifecycle.bootstrap import checkup
from mlcc.registries import load
from mlcc.servers.devserver.dispatcher import Dispatcher
from mlcc.servers.devserver.refusal import Refusal
from tests.aws.account import Beside, World
from tests.aws.cloud import DIGEST, Cloud

QUOTA = "ml.g5.xlarge for endpoint usage"


class Alone:
    """The server, and nothing beside it."""

    def __init__(self) -> None:
        self.region, self.account = "us-east-1", World().account
        self.account.beside = None
        self.dispatcher = Dispatcher(self.account)

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self.dispatcher.answer(service, operation, dict(parameters))
        except Refusal as refusal:
            raise AwsError(service, operation, refusal.code, refusal.message, refusal.status) from None


def quotas(server: Alone) -> list[checkup.Check]:
    asked = checkup.Asked(None, (), [QUOTA], lambda: 0.0, lambda: None)
    return [one for one in checkup.checks(asked, server, load()) if one.what.startswith("quota")]


def test_doctor_finds_the_quotas_that_were_set_and_no_others() -> None:
    server = Alone()
    (unknown,) = quotas(server)
    assert (unknown.what, unknown.state) == ("quota", checkup.MISSING)
    assert "do/" not in unknown.hint
    server.account.quotas[QUOTA] = 2
    assert [(one.state, one.found) for one in quotas(server)] == [(checkup.OK, f"{QUOTA}: 2")]
    assert ServiceQuotas(server, "sagemaker").values(["another"]) == {}


def test_a_quota_of_which_only_the_default_is_known_has_a_code() -> None:
    class Default(Alone):
        def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
            asked.append(operation)
            own = {"QuotaName": QUOTA, "QuotaCode": "L-1928E07B", "Value": 4.0}
            return {"Quotas": [own] if operation == "ListAWSDefaultServiceQuotas" else []}

    asked: list[str] = []
    assert ServiceQuotas(Default(), "sagemaker").code_of(QUOTA) == "L-1928E07B"
    assert ServiceQuotas(Default(), "sagemaker").code_of("another") == ""
    assert asked == ["ListServiceQuotas", "ListAWSDefaultServiceQuotas"] * 2


def test_doctor_says_of_an_error_what_fits_it() -> None:
    class Refusing(Alone):
        def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
            if service == "service-quotas":
                raise AwsError(service, operation, code, "no", 400)
            return super().call(service, operation, parameters)

    hints = {}
    for code in ("SomethingNew", "NotImplemented"):
        (found,) = quotas(Refusing())
        assert found.state == checkup.BROKEN
        hints[code] = found.hint
    assert hints["SomethingNew"] == aws_errors.PLAIN
    assert "AWS_ENDPOINT_URL" in hints["NotImplemented"]
    assert "do/" not in str(hints)


def test_reads_answer_as_an_account_that_has_none() -> None:
    server = Alone()
    assert SageMaker(server).newest_package("group") == ""
    assert list(SageMaker(server).clusters()) == []
    assert SageMaker(server).cluster("c") is None
    assert CloudFormation(server).stack("s") is None
    assert list(SecretsManager(server).listing("")) == []
    assert SecretsManager(server).describe("s") is None
    assert Ecr(server).image_tags("mlcc") == []
    assert DynamoDb(server, "t").tags() is None


def test_repositories_of_the_server_beside_are_there() -> None:
    """Made there by `mlcc bootstrap deploy`, say; what do/build made is asked here first."""
    server, cloud = Alone(), Cloud(lambda: 0.0)
    server.account.beside = Beside(cloud)
    ecr = Ecr(server)
    assert ecr.repository("shared") is None
    ecr.create_repository("shared", {"a": "b"})
    arn = ecr.repository("shared")
    assert arn is not None
    assert ecr.tags(arn) == cloud.repositories["shared"] == {"a": "b"}
    cloud.images["shared"], cloud.pushed = ["1"], True
    assert ecr.image_tags("shared") == ["1"]
    server.account.images = lambda repository, tag: "sha256:own" if tag == "own" else ""
    assert [image.digest for tag in ("1", "own") if (image := ecr.image("shared", tag))] == [DIGEST, "sha256:own"]
    ecr.delete_repository({"repositoryName": "shared", "force": True})
    assert ecr.repository("shared") is None


def test_dates_of_the_server_beside_are_numbers_again() -> None:
    class Dated(Beside):
        def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
            return {"repositories": [{"createdAt": datetime.datetime.fromtimestamp(5, datetime.timezone.utc)}]}

    server = Alone()
    server.account.beside = Dated(Cloud(lambda: 0.0))
    assert server.call("ecr", "DescribeRepositories", {}) == {"repositories": [{"createdAt": 5.0}]}


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("cloudformation", "CreateChangeSet"),
        ("dynamodb", "UpdateItem"),
        ("ecr", "GetAuthorizationToken"),
        ("sagemaker", "CreateHub"),
        ("sagemaker", "ImportHubContent"),
        ("secretsmanager", "CreateSecret"),
    ],
)
def test_what_would_make_one_or_is_no_account_s_is_not_answered(service: str, operation: str) -> None:
    with pytest.raises(AwsError) as refused:
        Alone().call(service, operation, {})
    assert (refused.value.code, refused.value.status) == ("NotImplemented", 501)
