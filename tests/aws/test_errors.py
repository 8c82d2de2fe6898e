"""What an error of AWS, or of the SDK on this machine, becomes."""

from __future__ import annotations

import pytest

from mlcc.core.errors import UserError
from mlcc.io.aws.connection import AwsError, Connection
from mlcc.lifecycle import aws_errors
from mlcc.lifecycle.targets.sagemaker import verbs
from mlcc.registries import load
from mlcc.servers.devserver.faults import ERROR, Fault
from tests.aws.account import World, rendered
from tests.aws.test_deploy import CLASSIC


@pytest.fixture
def unsent(monkeypatch: pytest.MonkeyPatch) -> AwsError:
    """What the SDK itself refuses: no request leaves this machine."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with pytest.raises(AwsError) as refused:
        Connection("us-east-1").call("sagemaker", "CreateModel", {"ModelName": 3})
    return refused.value


def shown(problem: AwsError) -> tuple[str, str]:
    (found,) = aws_errors.finding(problem, load(), str).findings
    return found.message, found.hint


def test_what_the_sdk_refuses_is_not_called_a_service_s_word(unsent: AwsError) -> None:
    assert (unsent.code, unsent.unanswered) == ("ParamValidationError", False)
    message, hint = shown(unsent)
    assert "nothing was sent" in message
    assert "ModelName" in message
    assert "the service's own" not in hint
    assert "do/status" not in hint
    assert "mlcc.yaml" in hint


def test_only_what_a_service_answered_is_called_its_word() -> None:
    assert shown(AwsError("sagemaker", "CreateModel", "NoSuchCode", "x", 400))[1] == aws_errors.HINT
    assert shown(AwsError("sagemaker", "CreateModel", "NoSuchError", "x"))[1] == aws_errors.UNANSWERED
    services = AwsError("cloudformation", "CreateChangeSet", "ValidationError", "Stack x does not exist", 400)
    assert shown(services)[1] == aws_errors.HINT, "a service has a ValidationError of its own"


def test_a_request_that_was_not_sent_ends_a_deployment_at_once(unsent: AwsError) -> None:
    world = World()
    world.account.faults.add(Fault("CreateModel", ERROR, unsent.code, unsent.message, unsent.status))
    with pytest.raises(UserError) as failed:
        verbs.deploy(world.context(rendered(CLASSIC)))
    assert failed.value.findings[0].code == "MLCC328"
