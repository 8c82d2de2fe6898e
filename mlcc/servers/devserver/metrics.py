"""Numbers of CloudWatch.  Law: what this server has sent to models is counted; any other metric is not there.

Real-time endpoints and components report a zero for each period without a request, asynchronous endpoints nothing
(AWS's guides to monitoring SageMaker AI, and to asynchronous inference).
"""

from __future__ import annotations

import datetime
from typing import Any

from mlcc.servers.devserver.refusal import NOT_IMPLEMENTED, Refusal
from mlcc.servers.devserver.things import Account

NAMESPACE = "AWS/SageMaker"
ASKED, PROCESSED = "Invocations", "InvocationsProcessed"
# As the guide to asynchronous inference spells it; nothing is published under that name.
EMPTY = "InvocationsProcesssed"
STATISTICS = ("Sum", "SampleCount")
MINUTE_S = 60
Dimensions = tuple[tuple[str, str], ...]


def of_variant(endpoint: str, variant: str) -> Dimensions:
    """The dimensions of a variant's metrics."""
    return (("EndpointName", endpoint), ("VariantName", variant))


def of_component(name: str) -> Dimensions:
    """The dimensions of a component's metrics."""
    return (("InferenceComponentName", name),)


def count(account: Account, metric: str, dimensions: Dimensions) -> None:
    """One request more."""
    minutes = account.measured.setdefault((metric, dimensions), {})
    minute = int(account.date) // MINUTE_S
    minutes[minute] = minutes.get(minute, 0) + 1


def data(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """GetMetricData: sums by period, the newest first."""
    since, until = _seconds(request["StartTime"]), _seconds(request["EndTime"])
    if since >= until:
        raise Refusal("The parameter StartTime must be less than the parameter EndTime.")
    found = []
    for query in request["MetricDataQueries"]:
        periods = _periods(account, query, since, until)
        times, values = [float(at) for at in periods], [float(value) for value in periods.values()]
        label = {"Id": query["Id"], "Label": query["MetricStat"]["Metric"]["MetricName"], "StatusCode": "Complete"}
        found.append({**label, "Timestamps": times[::-1], "Values": values[::-1]})
    return {"MetricDataResults": found}


def _periods(account: Account, query: dict[str, Any], since: float, until: float) -> dict[int, int]:
    """The requests of each period, by its beginning."""
    stat = query.get("MetricStat")
    if stat is None or stat["Stat"] not in STATISTICS:
        raise Refusal("this server has sums of metrics, and no expressions", *NOT_IMPLEMENTED)
    metric, period = stat["Metric"], int(stat["Period"])
    name = metric.get("MetricName")
    if metric.get("Namespace") != NAMESPACE or name not in (ASKED, PROCESSED, EMPTY):
        raise Refusal(f"this server does not measure {name}", *NOT_IMPLEMENTED)
    where = tuple(sorted((one["Name"], one["Value"]) for one in metric.get("Dimensions", ())))
    made = _made(account, where) if name == ASKED else None
    found: dict[int, int] = {}
    if made is not None:
        first = int(max(since, made)) // period * period
        found = dict.fromkeys(range(first, int(until), period), 0)
    for minute, number in account.measured.get((name, where), {}).items():
        at = minute * MINUTE_S
        if since <= at < until:
            start = at // period * period
            found[start] = found.get(start, 0) + number
    return dict(sorted(found.items()))


def _made(account: Account, where: Dimensions) -> float | None:
    """Since when something reports how often it is asked; None for what is not there, or does not."""
    named = dict(where)
    if where == of_component(named.get("InferenceComponentName", "")):
        found = account.components.get(named["InferenceComponentName"])
        return found.created if found is not None else None
    thing = account.endpoints.get(named.get("EndpointName", ""))
    if thing is None or "AsyncInferenceConfig" in thing.running:
        return None
    variant = named.get("VariantName", "")
    models = [v["VariantName"] for v in thing.running.get("ProductionVariants", ()) if "ModelName" in v]
    return thing.created if variant in models and where == of_variant(thing.name, variant) else None


def _seconds(time: Any) -> float:
    return time.timestamp() if isinstance(time, datetime.datetime) else float(time)
