"""MLCC390: scaling that the cluster cannot do, or would not do as it is written."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.paths import Path
from mlcc.core.text import allowed, quoted
from mlcc.resolve.hyperpod import scaling

CODE = "MLCC390"
MIN, MAX, METRIC, TARGET = ((scaling.SECTION, k) for k in ("min_count", "max_count", "metric", "target_value"))
REPLICAS, OPERATOR = ("hyperpod", "replicas"), "hyperpod.operator"
ADDRESS, QUERY = ((*scaling.PROMETHEUS, k) for k in ("server_address", "query"))


def check(subject: Subject) -> Iterator[Finding]:
    """The operator scales by metrics of its SageMaker endpoint, or of Prometheus; Kubernetes by those of the pods."""
    values = {path: value.value for path, value in subject.resolved.values.items()}
    if not scaling.is_scaled(values):
        yield from _alone(subject)
        return
    section = next(path for path in values if path[0] == scaling.SECTION)
    if MIN not in values and MAX not in values:
        hint = "mlcc set scaling.min_count 1; mlcc set scaling.max_count 4"
        yield subject.finding(CODE, section, "scaling has neither min_count nor max_count", hint)
    replicas = subject.resolved.values.get(REPLICAS)
    if replicas is not None and replicas.source.by_hand:
        hint = "remove one of them: scaling.min_count is the fewest pods"
        yield subject.finding(CODE, REPLICAS, "scaling decides how many pods there are, and so does replicas", hint)
    for window in scaling.WINDOWS:
        path = (scaling.SECTION, window.key)
        if int(values.get(path, 0)) > scaling.LONGEST_S:
            hint = f"at most {scaling.LONGEST_S} on a cluster"
            yield subject.finding(CODE, path, f"{window.key} is {values[path]} seconds", hint)
    if scaling.is_measured(values) and TARGET not in values:
        hint = "mlcc set scaling.target_value NUMBER, in the unit of the metric"
        yield subject.finding(CODE, section, "scaling has no target_value", hint)
    yield from (_by_operator if subject.resolved.get(OPERATOR, True) else _by_kubernetes)(subject, section)


def _alone(subject: Subject) -> Iterator[Finding]:
    """A query without anything that is scaled by it."""
    for path in (ADDRESS, QUERY):
        if path in subject.resolved.values:
            hint = "add scaling (min_count, max_count, target_value), or remove hyperpod.prometheus"
            yield subject.finding(CODE, path, "nothing is scaled by hyperpod.prometheus", hint)
            return


def _by_operator(subject: Subject, section: Path) -> Iterator[Finding]:
    values = {path: value.value for path, value in subject.resolved.values.items()}
    given = [path for path in (ADDRESS, QUERY) if path in values]
    if given:
        missing = [path[-1] for path in (ADDRESS, QUERY) if path not in values]
        if missing:
            hint = f"mlcc set hyperpod.prometheus.{missing[0]} VALUE"
            yield subject.finding(CODE, given[0], f"hyperpod.prometheus has no {missing[0]}", hint)
        if METRIC in values:
            hint = "remove scaling.metric: the query says what is measured; or remove hyperpod.prometheus"
            yield subject.finding(CODE, METRIC, "scaling has a metric and a query of Prometheus", hint)
        return
    known = subject.rows.target.endpoint_metrics if subject.rows.target is not None else {}
    name = scaling.metric(values, known)
    if not scaling.is_measured(values):
        return
    if name not in known:
        hint = f"allowed: {allowed(known)}; or hyperpod.prometheus, or hyperpod.overrides.autoScalingSpec"
        yield subject.finding(CODE, METRIC, f"the inference operator does not scale by {quoted(name)}", hint)
    elif not values.get(scaling.ENDPOINT_NAME):
        message = f"{name} is a metric of a SageMaker endpoint, and the manifest names none"
        hint = "mlcc set hyperpod.overrides.endpointName NAME; or scale by hyperpod.prometheus"
        yield subject.finding(CODE, METRIC if METRIC in values else section, message, hint)


def _by_kubernetes(subject: Subject, section: Path) -> Iterator[Finding]:
    values = {path: value.value for path, value in subject.resolved.values.items()}
    known = subject.rows.target.pod_metrics if subject.rows.target is not None else {}
    for path in (ADDRESS, QUERY):
        if path in values:
            hint = f"remove it and take one of {allowed(known)}, or set hyperpod.operator to true"
            yield subject.finding(CODE, path, "only the inference operator scales by Prometheus", hint)
            return
    if values.get(MIN) == 0:
        yield subject.finding(CODE, MIN, "without the inference operator nothing scales to zero", "at least 1")
    name, target = scaling.metric(values, known), values.get(TARGET)
    if name not in known:
        hint = f"allowed: {allowed(known)}; with hyperpod.operator true, others"
        yield subject.finding(CODE, METRIC, f"Kubernetes does not scale by {quoted(name)}", hint)
        return
    if target is not None and (float(target) != int(target) or target < 1):
        yield subject.finding(
            CODE, TARGET, f"target_value is {target}", "a whole number: percent of what a pod asks for"
        )
    if not values.get(("hyperpod", f"{known[name]}_request")):
        message = f"{name} is a share of what a pod asks for, and it asks for nothing"
        hint = f"mlcc set hyperpod.{known[name]}_request AMOUNT"
        yield subject.finding(CODE, METRIC if METRIC in values else section, message, hint)
