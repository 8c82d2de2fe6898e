"""Alarms of CloudWatch.  Law: keeps what it is given; the only metric that an alarm sees is a request without a copy.

So an alarm on `NoCapacityInvocationFailures` rings, and takes the step of its policy; no other rings by itself.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from mlcc.servers.devserver import scaling
from mlcc.servers.devserver.things import Account

MISSED = "NoCapacityInvocationFailures"
QUIET, RINGING = "INSUFFICIENT_DATA", "ALARM"


def put(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """PutMetricAlarm: makes or replaces one."""
    arn = f"arn:{account.partition}:cloudwatch:{account.region}:{account.number}:alarm:{request['AlarmName']}"
    kept = {key: value for key, value in request.items() if key != "Tags"}
    account.alarms[request["AlarmName"]] = {**kept, "AlarmArn": arn, "StateValue": QUIET}
    return {}


def describe(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeAlarms."""
    wanted = request.get("AlarmNames")
    return {"MetricAlarms": [a for name, a in sorted(account.alarms.items()) if wanted is None or name in wanted]}


def delete(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteAlarms."""
    for name in request["AlarmNames"]:
        account.alarms.pop(name, None)
    return {}


def capacity_missed(account: Account, component: str) -> None:
    """A request has found no copy: alarms on that count ring once they have seen it."""
    if not account.rules.capacity_is_missed:
        return
    named = {"Name": "InferenceComponentName", "Value": component}
    for name, alarm in account.alarms.items():
        if alarm["MetricName"] == MISSED and named in alarm.get("Dimensions", ()) and alarm["StateValue"] == QUIET:
            alarm["StateValue"] = RINGING
            account.timeline.later(account.durations.alarm, partial(_ring, account, name))


def _ring(account: Account, name: str) -> None:
    alarm = account.alarms.get(name)
    if alarm is not None:
        alarm["StateValue"] = QUIET
        for action in alarm.get("AlarmActions", ()):
            scaling.take_step(account, action)
