"""Amazon CloudWatch: alarms.  Law: one typed method a call; an empty list is an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlcc.io.aws.connection import Caller
from mlcc.io.aws.paging import elements

SERVICE = "cloudwatch"
# Of names in one call (DescribeAlarms).
MOST_NAMES = 100


class CloudWatch:
    """Reads."""

    def __init__(self, caller: Caller) -> None:
        """caller: the connection."""
        self._caller = caller

    def alarms(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """DescribeAlarms by name."""
        found: list[dict[str, Any]] = []
        for start in range(0, len(names), MOST_NAMES):
            wanted = {"AlarmNames": list(names[start : start + MOST_NAMES]), "AlarmTypes": ["MetricAlarm"]}
            found += elements(self._caller, SERVICE, "DescribeAlarms", wanted)
        return found
