"""The rules of our SageMaker server, asked of a server over HTTP: of our own, or of SageMaker itself (MLCC_TEST_AWS=1).

On a real account each case makes what it needs under names of its own and takes it away again: about an hour, and less
than a dollar, for seven endpoints of one small instance.  What needs no endpoint costs nothing, and what may share one
does (`endpoint_stories`).  MLCC_TEST_AWS_IMAGE (in ECR, of a server that becomes healthy) and MLCC_TEST_AWS_ROLE
name what it cannot make; credentials and the region are those of `aws`.  What fails there is wrong in our server.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from mlcc.io.aws.connection import AwsError, Connection
from tests.aws import rule_cases as rules
from tests.aws.caller import IMAGE, ROLE, Caller
from tests.aws.conformance_cases import ANSWERS, mismatch, single
from tests.aws.endpoint_stories import STORIES, story
from tests.conftest import REAL_LOOK_UP, REAL_SOCKET

pytestmark = pytest.mark.real
# Read before the tests take the environment away.
ENVIRON = dict(os.environ)
ON_AWS = ENVIRON.get("MLCC_TEST_AWS") == "1"
OURS = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mlcc/double:1"
WAIT_S = 1800.0
# Members that hold names of what a case makes.
NAMES = {
    "ModelName", "EndpointConfigName", "EndpointName", "InferenceComponentName", "BaseInferenceComponentName",
    "EndpointNameEquals", "TransformJobName", "ModelPackageGroupName",
}  # fmt: skip
# Left out: what needs another account (quotas), another region, objects in S3, a container that loads adapters or an
# endpoint that has failed; and what the stories ask on an endpoint that is there already.
ASKED = sorted(
    {*rules.REFUSED}
    - {"quotas_limit", "regions_keep_an_instance", "job_names_are_used_up", "base_keeps_adapters"}
    - {"batches_need_records", "payloads_within_100_mb", "failed_is_not_updated", "whole_memory_is_schedulable"}
    - {"copies_above_zero", "components_keep_endpoint", "transition_refuses", "component_names_are_taken"}
    - {"targets_have_bounds", "dimensions_fit", "tags_are_fifty", "endpoint_names_ignore_case"}
)
KINDS = (
    ("InferenceComponent", "InferenceComponents", "InferenceComponentName", "InferenceComponentStatus"),
    ("Endpoint", "Endpoints", "EndpointName", "EndpointStatus"),
    ("EndpointConfig", "EndpointConfigs", "EndpointConfigName", ""),
    ("Model", "Models", "ModelName", ""),
    ("ModelPackageGroup", "ModelPackageGroupSummaryList", "ModelPackageGroupName", ""),
)


class Asked:
    """A service in place of the `World` of the rules' cases: their names, image and role are its own here."""

    def __init__(self, connection: Connection, image: str, role: str, pause_s: float) -> None:
        """pause_s: between two looks at what is in transition."""
        self.connection, self.image, self.role, self.pause_s = connection, image, role, pause_s
        self.prefix = f"mlcc-conformance-{uuid.uuid4().hex[:8]}-"
        self.account = SimpleNamespace()

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return self.connection.call(service, operation, self._own("", parameters))

    def _own(self, member: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self._own(key, below) for key, below in value.items()}
        if isinstance(value, list):
            return [self._own(member, below) for below in value]
        if member in NAMES:
            return self.prefix + value
        if member == "ResourceId":  # endpoint/NAME/variant/NAME, or inference-component/NAME
            return value.replace("/", f"/{self.prefix}", 1)
        gone = f"{self.image.partition('/')[0]}/mlcc-no-such-repository:1"
        known = {IMAGE: self.image, ROLE: self.role, IMAGE.replace("/m:", "/gone:"): gone}
        return known.get(value, value) if isinstance(value, str) else value

    def sleep(self, _: float) -> None:
        """Until nothing of the case is in transition."""
        end = time.monotonic() + WAIT_S
        while any(one.get(status, "").endswith("ing") for *_, status in KINDS if status for one in self.listed(status)):
            assert time.monotonic() < end
            time.sleep(self.pause_s)

    def listed(self, status: str) -> list[dict[str, Any]]:
        """What the case has made, of the kind with this member."""
        kind, members, name = next(row[:3] for row in KINDS if row[3] == status)
        return self._all(kind, members, name)

    def _all(self, kind: str, members: str, name: str) -> list[dict[str, Any]]:
        found = self.connection.call("sagemaker", f"List{kind}s", {"NameContains": self.prefix.strip("-")})[members]
        return [one for one in found if one[name].startswith(self.prefix)]

    def clean(self) -> None:
        """Takes away what the case has made."""
        for kind, members, name, status in KINDS:
            self.sleep(0)
            for one in self._all(kind, members, name):
                if name == "ModelPackageGroupName":
                    self._clean_group(one[name])
                self.connection.call("sagemaker", f"Delete{kind}", {name: one[name]})
            end = time.monotonic() + WAIT_S
            while status and self._all(kind, members, name):
                assert time.monotonic() < end
                time.sleep(self.pause_s)

    def _clean_group(self, group: str) -> None:
        asked = {"ModelPackageGroupName": group, "ModelPackageType": "Versioned"}
        found = self.connection.call("sagemaker", "ListModelPackages", asked)["ModelPackageSummaryList"]
        for one in found:
            arn = {"ModelPackageName": one["ModelPackageArn"]}
            self.connection.call("sagemaker", "DeleteModelPackage", arn)


@pytest.fixture
def service(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    """SageMaker itself with MLCC_TEST_AWS=1, else our server."""
    if ON_AWS:
        for name in {*os.environ} - {*ENVIRON}:
            monkeypatch.delenv(name)
        for name, value in ENVIRON.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(socket, "socket", REAL_SOCKET)
        monkeypatch.setattr(socket, "getaddrinfo", REAL_LOOK_UP)
        made = Asked(Connection(), ENVIRON["MLCC_TEST_AWS_IMAGE"], ENVIRON["MLCC_TEST_AWS_ROLE"], 10.0)
    else:
        request.getfixturevalue("server")
        made = Asked(Connection("us-east-1"), OURS, ROLE, 0.02)
    yield made
    made.clean()


@pytest.mark.parametrize("name", dict(single()))
def test_it_is_refused(service: Any, name: str) -> None:
    assert mismatch(Caller(service), dict(single())[name]) == ""


@pytest.mark.parametrize("name", ANSWERS)
def test_it_is_answered(service: Any, name: str) -> None:
    ANSWERS[name](Caller(service))


@pytest.mark.parametrize("name", STORIES)
def test_an_endpoint_from_its_creation_to_its_end(service: Any, name: str) -> None:
    assert story(Caller(service), STORIES[name]) == {}


@pytest.mark.parametrize("rule", ASKED)
def test_the_service_refuses_it(service: Any, rule: str) -> None:
    requests, words = rules.REFUSED[rule]
    with pytest.raises(AwsError, match=words):
        requests(Caller(service))
