"""Our SageMaker server over HTTP, asked by the real SDK, with a real process behind it."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

import pytest

from mlcc.io.aws.cloudwatch import CloudWatch, Metric
from mlcc.io.aws.connection import AwsError, Connection
from mlcc.io.aws.sagemaker import SageMaker
from mlcc.io.aws.sts import Sts
from mlcc.servers.devserver.web import DevServer

# Over HTTP and with a clock that runs; `make test` makes the same deployments on a table (test_deploy.py).
pytestmark = pytest.mark.real
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mlcc/double:1"
ROLE = "arn:aws:iam::123456789012:role/r"
VARIANT = {"VariantName": "v", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


@pytest.fixture
def aws(server: DevServer) -> Connection:
    return Connection("us-east-1")


def wait(aws: Connection, describe: str, status: str, **name: str) -> dict[str, Any]:
    """What is described once it is not in transition any more."""
    deadline = time.monotonic() + 30
    while True:
        found = aws.call("sagemaker", describe, name)
        if not found[status].endswith("ing"):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.02)


def serve(aws: Connection, **environment: str) -> dict[str, Any]:
    """A classic endpoint with one model."""
    container = {"Image": IMAGE, "Environment": environment}
    model = {"ModelName": "double", "ExecutionRoleArn": ROLE, "PrimaryContainer": container}
    aws.call("sagemaker", "CreateModel", model)
    timeout = {"ContainerStartupHealthCheckTimeoutInSeconds": 60 if environment else 3600}
    variants = [{**VARIANT, "ModelName": "double", **timeout}]
    aws.call("sagemaker", "CreateEndpointConfig", {"EndpointConfigName": "c", "ProductionVariants": variants})
    aws.call("sagemaker", "CreateEndpoint", {"EndpointName": "e", "EndpointConfigName": "c"})
    return wait(aws, "DescribeEndpoint", "EndpointStatus", EndpointName="e")


def invoke(aws: Connection, number: int, **more: str) -> Any:
    request = {"EndpointName": "e", "Body": str(number).encode(), "ContentType": "application/json", **more}
    return json.loads(aws.call("sagemaker-runtime", "InvokeEndpoint", request)["Body"].read())


def test_an_endpoint_answers_with_what_its_process_says(aws: Connection) -> None:
    assert serve(aws)["EndpointStatus"] == "InService"
    assert invoke(aws, 21) == [42, ""]
    with pytest.raises(AwsError) as refused:
        invoke(aws, -1)
    assert (refused.value.code, refused.value.status) == ("ModelError", 424)
    assert "Received client error (400) from primary" in refused.value.message
    with pytest.raises(AwsError, match="not allowed for endpoints"):
        invoke(aws, 1, InferenceComponentName="x")


def test_a_process_that_never_answers_is_a_failure(aws: Connection) -> None:
    found = serve(aws, BROKEN="1")
    assert found["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in found["FailureReason"]


def test_an_image_that_nobody_knows_is_a_failure(aws: Connection, server: DevServer) -> None:
    model = {
        "ModelName": "double",
        "ExecutionRoleArn": ROLE,
        "PrimaryContainer": {"Image": IMAGE.replace("double", "none")},
    }
    aws.call("sagemaker", "CreateModel", model)
    variants = [{**VARIANT, "ModelName": "double"}]
    aws.call("sagemaker", "CreateEndpointConfig", {"EndpointConfigName": "c", "ProductionVariants": variants})
    aws.call("sagemaker", "CreateEndpoint", {"EndpointName": "e", "EndpointConfigName": "c"})
    assert wait(aws, "DescribeEndpoint", "EndpointStatus", EndpointName="e")["EndpointStatus"] == "Failed"


def test_components_and_adapters_are_asked_by_name(aws: Connection) -> None:
    model = {"ModelName": "double", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": IMAGE}}
    aws.call("sagemaker", "CreateModel", model)
    config = {"EndpointConfigName": "c", "ProductionVariants": [VARIANT], "ExecutionRoleArn": ROLE}
    aws.call("sagemaker", "CreateEndpointConfig", config)
    aws.call("sagemaker", "CreateEndpoint", {"EndpointName": "e", "EndpointConfigName": "c"})
    wait(aws, "DescribeEndpoint", "EndpointStatus", EndpointName="e")
    specification = {"ModelName": "double", "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 1024}}
    component = {"EndpointName": "e", "VariantName": "v", "RuntimeConfig": {"CopyCount": 1}}
    aws.call(
        "sagemaker",
        "CreateInferenceComponent",
        {"InferenceComponentName": "b", "Specification": specification} | component,
    )
    wait(aws, "DescribeInferenceComponent", "InferenceComponentStatus", InferenceComponentName="b")
    own = {"BaseInferenceComponentName": "b", "Container": {"ArtifactUrl": "s3://bucket/legal.tar.gz"}}
    aws.call(
        "sagemaker",
        "CreateInferenceComponent",
        {"InferenceComponentName": "a", "EndpointName": "e", "Specification": own},
    )
    wait(aws, "DescribeInferenceComponent", "InferenceComponentStatus", InferenceComponentName="a")
    assert invoke(aws, 2, InferenceComponentName="b") == [4, ""]
    assert invoke(aws, 2, InferenceComponentName="a") == [4, "a"]
    with pytest.raises(AwsError, match="header is required"):
        invoke(aws, 2)
    assert sorted(SageMaker(aws).components_of("e")) == ["a", "b"]


@pytest.mark.parametrize(
    ("operation", "parameters", "words"),
    [
        ("DescribeEndpoint", {"EndpointName": "none"}, 'Could not find endpoint "arn:aws:sagemaker:us-east-1:'),
        ("CreateEndpoint", {"EndpointName": "e", "EndpointConfigName": "c"}, "Could not find endpoint configuration"),
        (
            "DescribeModel",
            {"ModelName": "-"},
            "1 validation error detected: Value '-' at 'modelName' failed to satisfy",
        ),
        ("CreateHub", {"HubName": "h", "HubDescription": "a hub"}, "is not there in this server"),
    ],
)
def test_refusals_are_the_service_s_own(
    aws: Connection, operation: str, parameters: dict[str, Any], words: str
) -> None:
    with pytest.raises(AwsError) as refused:
        aws.call("sagemaker", operation, parameters)
    assert words in refused.value.message


def test_a_lost_reply_is_asked_for_again_by_the_sdk(aws: Connection, server: DevServer) -> None:
    """The SDK repeats the call, and is answered as the service does: the thing is there already."""
    fault = json.dumps({"at": "CreateModel", "kind": "lost reply"}).encode()
    urllib.request.urlopen(f"{server.url}/_local/faults", data=fault).close()
    model = {"ModelName": "m", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": IMAGE}}
    with pytest.raises(AwsError, match="already existing model"):
        aws.call("sagemaker", "CreateModel", model)
    with urllib.request.urlopen(f"{server.url}/_local/journal") as answer:
        journal = json.load(answer)["journal"]
    assert [(e["operation"], e["code"]) for e in journal] == [
        ("CreateModel", ""),
        ("CreateModel", "ValidationException"),
    ]


def test_a_stream_is_what_the_sdk_reads(aws: Connection) -> None:
    """The process answers in one piece; the SDK takes the framing apart and finds it."""
    serve(aws)
    request = {"EndpointName": "e", "Body": b"21", "ContentType": "application/json"}
    answer = aws.call("sagemaker-runtime", "InvokeEndpointWithResponseStream", request)
    assert answer["ContentType"] == "application/json"
    assert b"".join(event["PayloadPart"]["Bytes"] for event in answer["Body"]) == b'[42, ""]'
    with pytest.raises(AwsError) as refused:
        aws.call("sagemaker-runtime", "InvokeEndpointWithResponseStream", {**request, "Body": b"-1"})
    assert refused.value.code == "ModelError"


def test_the_other_protocols(aws: Connection) -> None:
    """STS asks in the query protocol, CloudWatch in CBOR."""
    serve(aws)
    invoke(aws, 21)
    assert Sts(aws).identity().account == "123456789012"
    alarm = {
        "AlarmName": "a", "Namespace": "AWS/SageMaker", "MetricName": "m", "Statistic": "Maximum", "Period": 60,
        "EvaluationPeriods": 1, "Threshold": 1.5, "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    }  # fmt: skip
    aws.call("cloudwatch", "PutMetricAlarm", alarm)
    (found,) = CloudWatch(aws).alarms(["a"])
    assert (found["Threshold"], found["StateValue"]) == (1.5, "INSUFFICIENT_DATA")
    for since, until, total in ((time.time() - 3600, time.time() + 3600, 1.0), (0.0, 3600.0, None)):
        where = (("EndpointName", "e"), ("VariantName", VARIANT["VariantName"]))
        assert CloudWatch(aws).totals([Metric("AWS/SageMaker", "Invocations", where)], since, until) == [total]
    for service, operation, request in (
        ("cloudwatch", "ListMetrics", {}),
        ("sts", "GetSessionToken", {}),
        ("ecr", "GetAuthorizationToken", {}),
        ("service-quotas", "GetServiceQuota", {"ServiceCode": "sagemaker", "QuotaCode": "L-1"}),
        ("secretsmanager", "CreateSecret", {"Name": "s"}),
        ("cloudformation", "CreateStack", {"StackName": "s"}),
    ):
        with pytest.raises(AwsError) as refused:
            aws.call(service, operation, request)
        assert (refused.value.status, refused.value.code) == (501, "NotImplemented"), service
    with pytest.raises(AwsError, match="does not exist within the repository"):
        aws.call("ecr", "DescribeImages", {"repositoryName": "mlcc/none", "imageIds": [{"imageTag": "x"}]})
