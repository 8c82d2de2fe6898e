"""Alarms of CloudWatch.  Law: keeps what it is given; no metric is measured, so no alarm rings by itself."""

from __future__ import annotations

from typing import Any

from mlcc.servers.devserver.things import Account


def put(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """PutMetricAlarm: makes or replaces one."""
    arn = f"arn:{account.partition}:cloudwatch:{account.region}:{account.number}:alarm:{request['AlarmName']}"
    kept = {key: value for key, value in request.items() if key != "Tags"}
    account.alarms[request["AlarmName"]] = {**kept, "AlarmArn": arn, "StateValue": "INSUFFICIENT_DATA"}
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
