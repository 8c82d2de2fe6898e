"""Alarms of CloudWatch.  Law: keeps what it is given; what is measured is a request that finds nothing to answer it.

So alarms on `NoCapacityInvocationFailures` and `HasBacklogWithoutCapacity` ring, and take the step of their policy; no
other rings by itself.  SetAlarmState puts any of them into a state, in which it stays: on the real service it would be
measured again soon.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from mlcc.servers.devserver import scaling
from mlcc.servers.devserver.guardrails import RINGING
from mlcc.servers.devserver.refusal import Refusal
from mlcc.servers.devserver.things import Account

# Of a component without a copy, and of an asynchronous endpoint without an instance; with the dimension that names it.
MISSED = ("NoCapacityInvocationFailures", "InferenceComponentName")
BACKLOG = ("HasBacklogWithoutCapacity", "EndpointName")
QUIET = "INSUFFICIENT_DATA"
ACTIONS = {RINGING: "AlarmActions", "OK": "OKActions", QUIET: "InsufficientDataActions"}


def put(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """PutMetricAlarm: makes or replaces one."""
    arn = f"arn:{account.partition}:cloudwatch:{account.region}:{account.number}:alarm:{request['AlarmName']}"
    kept = {key: value for key, value in request.items() if key != "Tags"}
    account.alarms[request["AlarmName"]] = {**kept, "AlarmArn": arn, "StateValue": QUIET}
    return {}


def describe(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeAlarms."""
    wanted, prefix, state = (request.get(name) for name in ("AlarmNames", "AlarmNamePrefix", "StateValue"))
    found = [
        alarm
        for name, alarm in sorted(account.alarms.items())
        if (wanted is None or name in wanted) and name.startswith(prefix or "") and state in (None, alarm["StateValue"])
    ]
    return {"MetricAlarms": found}


def delete(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteAlarms."""
    for name in request["AlarmNames"]:
        account.alarms.pop(name, None)
    return {}


def set_state(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """SetAlarmState: a state that is another one takes its actions.  Raises Refusal."""
    alarm = account.alarms.get(request["AlarmName"])
    if alarm is None:
        raise Refusal(f"Alarm {request['AlarmName']} does not exist", "ResourceNotFound", 404)
    before, alarm["StateValue"] = alarm["StateValue"], request["StateValue"]
    alarm["StateReason"] = request["StateReason"]
    if before != alarm["StateValue"]:
        _act(account, alarm)
    return {}


def missed(account: Account, metric: tuple[str, str], name: str, missing: Callable[[], bool]) -> None:
    """A request has found nothing: alarms on that count ring once they have seen it.

    metric: one of those above; missing: whether there is still nothing, for what came meanwhile needs no step.
    """
    if not account.rules.capacity_is_missed:
        return
    counted, dimension = metric
    named = {"Name": dimension, "Value": name}
    for key, alarm in account.alarms.items():
        if alarm.get("MetricName") == counted and named in alarm.get("Dimensions", ()) and alarm["StateValue"] == QUIET:
            alarm["StateValue"] = RINGING
            account.timeline.later(account.durations.alarm, partial(_ring, account, key, missing))


def _ring(account: Account, name: str, missing: Callable[[], bool]) -> None:
    alarm = account.alarms.get(name)
    if alarm is not None:
        if missing():
            _act(account, alarm)
        alarm["StateValue"] = QUIET


def _act(account: Account, alarm: dict[str, Any]) -> None:
    """Policies take their steps; what is in transition takes none, as little as what is gone."""
    for action in alarm.get(ACTIONS[alarm["StateValue"]], ()):
        with suppress(Refusal):
            scaling.take_step(account, action)
