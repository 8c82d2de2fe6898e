"""What an error of AWS, or of the SDK on this machine, becomes."""

from __future__ import annotations

import re

import pytest

from mlcc.core.errors import UserError
from mlcc.io.aws.connection import AwsError, Connection
from mlcc.lifecycle import aws_errors
from mlcc.lifecycle.targets.sagemaker import verbs
from mlcc.registries import load
from mlcc.servers.devserver.faults import ERROR, Fault
from tests.aws.account import World, rendered
from tests.aws.test_deploy import CLASSIC
from tests.helpers import ROOT


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


# What services have answered (the quotations that the rows of the registry name), and the row that explains it.
ANSWERS = {
    'Cannot create already existing endpoint "arn:aws:sagemaker:us-east-1:123456789012:endpoint/n".': "name_taken",
    'Cannot create already existing model "arn:aws:sagemaker:us-east-1:123456789012:model/n".': "name_taken",
    'Cannot update in-progress endpoint "arn:aws:sagemaker:us-east-1:123456789012:endpoint/n".': "endpoint_changes",
    "Cannot delete endpoint with inference component associated. Please delete inference component and try it again.": (
        "components_left"
    ),
    "Inference component a is a base inference component for one or more associated adapters": "adapters_on_it",
    "Cannot delete inference component a while it is in state CREATE_IN_PROGRESS": "component_changes",
    "Cannot update inference component a while it is in state UPDATE_RC_IN_PROGRESS": "component_changes",
    'Requested image "1.dkr.ecr.us-east-1.amazonaws.com/a:1" not found.': "image_missing",
    'Using non-ECR image "docker.io/a" without Vpc repository access mode is not supported.': "not_ecr",
    "An Application AutoScaling scalable target exists for a variant being deleted, and the IAM identity used to invoke "
    "DeleteEndpoint does not have application-autoscaling:DeregisterScalableTarget permission": "no_right_to_scaling",
    'Could not find endpoint configuration "arn:aws:sagemaker:us-east-1:1:endpoint-config/n".': "old_config_gone",
}


@pytest.mark.parametrize("what", ["Endpoint iris", "Inference Component iris-a"])
def test_what_is_not_deployed_is_made_by_a_deployment(what: str) -> None:
    problem = AwsError(
        "sagemaker-runtime", "InvokeEndpoint", "ValidationError", f"{what} of account 123456789012 not found.", 400
    )
    assert "do/deploy" in shown(problem)[1]


@pytest.mark.parametrize("text", ANSWERS)
def test_what_services_answer_has_words_and_a_hint(text: str) -> None:
    row = load().entries("aws_errors")[ANSWERS[text]].facts
    message, hint = shown(AwsError("sagemaker", "DeleteEndpoint", "ValidationException", text, 400))
    assert (message.startswith(f"sagemaker DeleteEndpoint: {row['says']} ("), hint) == (True, row["hint"])
    assert text[:60] in message, "the service's own words stay"


# Reasons of failures, and what would have shown them before; nothing where no check can.
REASONS = {
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error.": ("no check can",),
    "Failed to download model data for container 1 from URL s3://bucket/a": ("MLCC159", "MLCC127"),
    "Please make sure all images included in the model for the production variant v exist": ("MLCC150",),
    "Request to service failed. If failure persists after retry, contact customer support.": ("no check can",),
    "The primary container for production variant v did not pass the ping health check.": ("do/test --target local",),
    'ClientError: s3://bucket/in/a: the model answered 415: "no such type"': ("batch.content_type", "mlcc apply"),
    "ClientError: See job logs for more information": ("415", "batch.content_type", "batch.max_payload_mb", "do/logs"),
}


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_names_what_would_have_shown_it_before(reason: str) -> None:
    found = aws_errors.meaning(reason, load())
    assert [word for word in REASONS[reason] if word not in found["hint"]] == []


def test_the_checks_that_hints_name_are_there() -> None:
    findings = (ROOT / "registries/findings.yaml").read_text()
    rows = load().entries("aws_errors").values()
    named = {code for row in rows for code in re.findall("MLCC[0-9]+", row.facts["hint"])}
    assert {"MLCC127", "MLCC150", "MLCC159"} <= named
    assert [code for code in named if f"\n  {code}:\n" not in findings] == []
