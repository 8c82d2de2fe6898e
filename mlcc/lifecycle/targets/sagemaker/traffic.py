"""Endpoints that nobody asks.  Law: reads only; what CloudWatch does not say is not taken for silence.

An endpoint costs whether or not it is asked.  A real-time endpoint reports a zero for an hour without a request, so
that no value means not known; an asynchronous one reports nothing then (docs.aws.amazon.com/sagemaker/latest/dg:
monitoring-cloudwatch and async-inference-monitor, which spells InvocationsProcessed with a third s).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.core.findings import Finding, Severity
from mlcc.core.text import printable
from mlcc.io.aws.cloudwatch import CloudWatch, Metric
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.sagemaker import SageMaker
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.targets.sagemaker import desired as kinds
from mlcc.lifecycle.targets.sagemaker.bodies.scaling import METRICS
from mlcc.lifecycle.targets.sagemaker.comparison import Observed
from mlcc.resolve.hardware.costs import HOURS_OF_A_MONTH, cents

CODE = "MLCC391"
# Longer than a weekend.
QUIET_DAYS = 3
# Of callers that may not read metrics, and of servers that stand in for AWS without any.
UNREADABLE = ("AccessDenied", "NotImplemented")
DAY_S = 86_400
ASKED, PROCESSED = "Invocations", ("InvocationsProcessed", "InvocationsProcesssed")


def findings(project: RenderedProject, seen: Observed, caller: Caller, now: float) -> Iterator[Finding]:
    """A warning for each endpoint of the project that has instances, is old enough, and was not asked for days.

    now: seconds since 1970.  Raises AwsError; who may not read metrics gets a note.
    """
    for name in (name for kind, name in seen if kind == kinds.ENDPOINT):
        answer = SageMaker(caller).endpoint(name) or {}
        if not _instances(answer) or "CreationTime" not in answer:
            continue
        if now - answer["CreationTime"].timestamp() < QUIET_DAYS * DAY_S:
            continue
        try:
            quiet = _is_quiet(answer, seen, caller, now)
        except AwsError as problem:
            if not problem.code.startswith(UNREADABLE):
                raise
            message = f"whether somebody asks the endpoint {printable(name)} is not known: metrics cannot be read"
            hint = "mlcc bootstrap policy deploy prints what the caller needs"
            yield Finding(CODE, Severity.NOTE, message, hint=hint)
            continue
        if quiet:
            message = f"nobody has asked the endpoint {printable(name)} for {QUIET_DAYS} days{_cost(project, answer)}"
            hint = "do/clean takes it away; ttl in mlcc.yaml and mlcc reap end what is forgotten"
            yield Finding(CODE, Severity.WARNING, message, hint=hint)


def _instances(answer: Mapping[str, Any]) -> int:
    """Instances that the endpoint has by now; one that is scaled to none costs nothing."""
    return sum(int(one.get("CurrentInstanceCount", 1)) for one in answer.get("ProductionVariants", ()))


def _is_quiet(answer: Mapping[str, Any], seen: Observed, caller: Caller, now: float) -> bool:
    name, waits = str(answer["EndpointName"]), "AsyncInferenceConfig" in answer
    hosted = [
        key[1]
        for key, one in seen.items()
        if key[0] in (kinds.COMPONENT, kinds.ADAPTER) and one.parameters.get("EndpointName") == name
    ]
    own = [(("EndpointName", name), ("VariantName", str(v["VariantName"]))) for v in answer["ProductionVariants"]]
    dimensions = [(("InferenceComponentName", part),) for part in hosted] or own
    metrics = [Metric(METRICS, metric, where) for metric in (PROCESSED if waits else (ASKED,)) for where in dimensions]
    totals = CloudWatch(caller).totals(metrics, now - QUIET_DAYS * DAY_S, now)
    known = [total for total in totals if total is not None]
    return not any(known) and (waits or bool(known))


def _cost(project: RenderedProject, answer: Mapping[str, Any]) -> str:
    """What its instances cost, where a price is known of the project's instance type."""
    price = project.registries.price(str(project.get("deployment.instance_type", "")))
    if price is None:
        return ""
    hourly = price.amount * _instances(answer)
    monthly = f"{hourly * HOURS_OF_A_MONTH:,.0f}"
    return f"; its instances cost about {cents(hourly)} {price.currency} an hour, {monthly} a month ({price.region})"
