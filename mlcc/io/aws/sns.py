"""Amazon SNS: messages.  Law: one typed method a call."""

from __future__ import annotations

from mlcc.io.aws.connection import Caller

SERVICE = "sns"


class Sns:
    """Topics."""

    def __init__(self, caller: Caller) -> None:
        """caller: the connection."""
        self._caller = caller

    def publish(self, topic: str, text: str) -> None:
        """Publish.  topic: its ARN.  Raises AwsError."""
        self._caller.call(SERVICE, "Publish", {"TopicArn": topic, "Message": text})
