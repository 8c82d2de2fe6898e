"""Deployment guardrails: how long an update is watched, and alarms that undo it.  Law: an alarm in ALARM undoes it.

Requests are not shifted in parts: the old fleet answers until the update is over, and then the new one.  Source:
AutoRollbackConfig, TrafficRoutingConfig and RollingUpdatePolicy in botocore's service model, and AWS's guide to
deployment guardrails.  The words of the reason no source states.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from mlcc.servers.devserver.copies import Group
from mlcc.servers.devserver.things import CREATING, UPDATING, Account, Thing

RINGING = "ALARM"
RANG = "The update was rolled back, for the alarm {name} was in ALARM during it."


class Guard:
    """Looks at the alarms of one update from its begin to its end."""

    def __init__(self, account: Account, deployment: Mapping[str, Any], capacity: int) -> None:
        """deployment: the request's DeploymentConfig; capacity: instances or copies that are replaced."""
        named = deployment.get("AutoRollbackConfiguration", {}).get("Alarms", ())
        self._names = [str(alarm["AlarmName"]) for alarm in named] if account.rules.alarms_roll_back else []
        self._account, self._wait_s = account, wait_s(deployment, capacity)
        self._rang, self._over = "", False
        self._watch()

    def _watch(self) -> None:
        if self._names and not self._over:
            self._look()
            self._account.timeline.later(self._account.durations.watch, self._watch)

    def _look(self) -> None:
        for name in self._names:
            if self._account.alarms.get(name, {}).get("StateValue") == RINGING:
                self._rang = name

    def finish(self, settle: Callable[[str], None]) -> None:
        """The new fleet is healthy: waits as long as the update wants, or until an alarm rings.

        settle: gets why the update is undone, empty where it is not.
        """
        timeline = self._account.timeline
        end = timeline.now + self._wait_s

        def wait() -> None:
            self._look()
            if self._rang:
                settle(RANG.format(name=self._rang.replace("{", "{{").replace("}", "}}")))
            elif timeline.now < end:
                timeline.later(min(end - timeline.now, self._account.durations.watch), wait)
            else:
                settle("")

        wait()

    def end(self) -> None:
        """The update has come to its end, one way or the other."""
        self._over = True


def is_over(thing: Thing, group: Group | None, reason: str, guard: Guard | None) -> bool:
    """Ends the watching of a creation or an update, and the fleet that it does not get; whether it was over before.

    reason: why it failed, empty where it did not.
    """
    over = thing.status not in (CREATING, UPDATING)
    if guard is not None:
        guard.end()
    if group is not None and (reason or over):
        group.stop()
    return over


def wait_s(deployment: Mapping[str, Any], capacity: int) -> float:
    """Seconds that an update waits between its steps and after the last one."""
    shift = deployment.get("BlueGreenUpdatePolicy", {})
    traffic, rolling = shift.get("TrafficRoutingConfiguration", {}), deployment.get("RollingUpdatePolicy", {})
    steps = _steps(traffic.get("LinearStepSize"), capacity) or _steps(rolling.get("MaximumBatchSize"), capacity) or 1
    wait = float(traffic.get("WaitIntervalInSeconds") or rolling.get("WaitIntervalInSeconds") or 0)
    return wait * steps + float(shift.get("TerminationWaitInSeconds", 0))


def _steps(size: Mapping[str, Any] | None, capacity: int) -> int:
    """How many steps of a size make the whole."""
    if size is None:
        return 0
    whole = 100 if size["Type"] == "CAPACITY_PERCENT" else max(capacity, 1)
    return math.ceil(whole / int(size["Value"]))
