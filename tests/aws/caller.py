"""Short names for the calls of tests on our SageMaker server, and the smallest of what they make."""

from __future__ import annotations

from typing import Any

from tests.aws.account import Bucket, World

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mlcc/m:1"
ROLE = "arn:aws:iam::123456789012:role/r"
VARIANT = {"VariantName": "v", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
NEEDS = {"ComputeResourceRequirements": {"MinMemoryRequiredInMb": 1024}}


def job_of_model() -> dict[str, Any]:
    """The parameters of a transform job of the model `m`."""
    return {
        "TransformJobName": "j",
        "ModelName": "m",
        "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/in/"}}},
        "TransformOutput": {"S3OutputPath": "s3://bucket/out"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }


class Caller:
    """Short names for the calls of these tests."""

    def __init__(self, world: World) -> None:
        self.world = world

    def __call__(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return self.world.call("sagemaker", operation, parameters)

    def model(self, image: str = IMAGE) -> None:
        self("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": image})

    def endpoint(self, name: str = "e", settled: bool = True) -> None:
        """An endpoint that hosts components."""
        config = f"{name}-config"
        self("CreateEndpointConfig", EndpointConfigName=config, ProductionVariants=[VARIANT], ExecutionRoleArn=ROLE)
        self("CreateEndpoint", EndpointName=name, EndpointConfigName=config)
        if settled:
            self.world.sleep(600)

    def other_config(self, **more: Any) -> str:
        """Another configuration for an endpoint that hosts components."""
        variants = [{**VARIANT, **more}]
        self("CreateEndpointConfig", EndpointConfigName="other", ProductionVariants=variants, ExecutionRoleArn=ROLE)
        return "other"

    def serving(self, count: int = 1, **more: Any) -> None:
        """An endpoint whose variant has the model `m`."""
        variants = [{**VARIANT, "ModelName": "m", "InitialInstanceCount": count}]
        self("CreateEndpointConfig", EndpointConfigName="e-config", ProductionVariants=variants, **more)
        self("CreateEndpoint", EndpointName="e", EndpointConfigName="e-config")
        self.world.sleep(600)

    def alarm(self, name: str, **more: Any) -> None:
        asked = {
            "AlarmName": name, "Namespace": "AWS/SageMaker", "MetricName": "Invocation5XXErrors", "Statistic": "Maximum",
            "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold", **more,
        }  # fmt: skip
        self.world.call("cloudwatch", "PutMetricAlarm", asked)

    def ring(self, name: str, state: str = "ALARM") -> None:
        """Puts an alarm into a state."""
        asked = {"AlarmName": name, "StateValue": state, "StateReason": "a test"}
        self.world.call("cloudwatch", "SetAlarmState", asked)

    def component(self, name: str = "c", copies: int = 1, settled: bool = True) -> None:
        self(
            "CreateInferenceComponent", InferenceComponentName=name, EndpointName="e", VariantName="v",
            Specification={"ModelName": "m", **NEEDS}, RuntimeConfig={"CopyCount": copies},
        )  # fmt: skip
        if settled:
            self.world.sleep(600)

    def job(self, **more: Any) -> None:
        self.world.account.objects = Bucket()
        self("CreateTransformJob", **job_of_model(), **more)

    def adapter(self) -> None:
        own = {"BaseInferenceComponentName": "c", "Container": {"ArtifactUrl": "s3://bucket/a.tar.gz"}}
        self("CreateInferenceComponent", InferenceComponentName="a", EndpointName="e", Specification=own)
        self.world.sleep(600)
