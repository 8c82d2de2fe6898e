"""Amazon CloudWatch: alarms and metrics.  Law: one typed method a call; an empty list is an answer."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.io.aws.connection import Caller
from mlcc.io.aws.paging import elements

SERVICE = "cloudwatch"
# Of names in one call (DescribeAlarms), and of metrics (GetMetricData).
MOST_NAMES, MOST_METRICS = 100, 500
# The interval of the values of which a sum is made.
HOUR_S = 3600


class Metric(NamedTuple):
    """A metric.  dimensions: all that it is published with, or there is no such metric; stat: Sum, SampleCount ..."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    stat: str = "Sum"


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

    def totals(self, metrics: Sequence[Metric], since: float, until: float) -> list[float | None]:
        """GetMetricData: what each metric comes to between two times; None where it has no value at all.

        since, until: seconds since 1970.
        """
        found: dict[str, list[float]] = {}
        queries = [_query(f"m{number}", metric) for number, metric in enumerate(metrics)]
        times = [datetime.datetime.fromtimestamp(int(at), datetime.timezone.utc) for at in (since, until)]
        for start in range(0, len(queries), MOST_METRICS):
            wanted = {
                "MetricDataQueries": queries[start : start + MOST_METRICS], "StartTime": times[0], "EndTime": times[1]
            }  # fmt: skip
            for one in elements(self._caller, SERVICE, "GetMetricData", wanted):
                found.setdefault(one["Id"], []).extend(one.get("Values", ()))
        return [sum(found[query["Id"]]) if found.get(query["Id"]) else None for query in queries]


def _query(number: str, metric: Metric) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions]
    named = {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions}
    return {"Id": number, "MetricStat": {"Metric": named, "Period": HOUR_S, "Stat": metric.stat}}
