"""Amazon SNS.  Law: one typed function a call."""

from __future__ import annotations

from mlcc.io.aws.connection import Caller


def publish(caller: Caller, topic: str, text: str) -> None:
    """Publish.  topic: its ARN.  Raises AwsError."""
    caller.call("sns", "Publish", {"TopicArn": topic, "Message": text})
