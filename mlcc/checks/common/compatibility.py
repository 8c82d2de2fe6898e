"""MLCC147: an engine version outside the range that serves the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import eq, ge, gt, le, lt, ne

from mlcc.checks.containers import serving_containers
from mlcc.checks.policies import concerns
from mlcc.checks.policy_facts import PolicyContext
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.version_order import order
from mlcc.registries.rows import Model

CODE = "MLCC147"
# The two-character signs first: `>` begins one of them.
COMPARE = {">=": ge, "<=": le, "==": eq, "!=": ne, ">": gt, "<": lt}


def check(subject: Subject) -> Iterator[Finding]:
    """The row of the model, or of its class, has the engine versions that serve it, and the known issues of some."""
    framework, version, seen = subject.rows.framework, subject.rows.version, set()
    if framework is None or version is None:
        return
    context = PolicyContext(subject.resolved, subject.registries)
    for container in serving_containers(subject):
        model = container.model
        if model is None or model.name in seen:
            continue
        seen.add(model.name)
        name, wanted = _range(subject, model.compatibility, _class(subject, model), framework.name)
        if wanted and not within(subject.rows.engine_version, wanted):
            message = f"{model.name} needs {name} {wanted}, and {subject.rows.engine_version} is chosen"
            hint = f"choose another framework.version (mlcc catalog frameworks --filter name={framework.name})"
            yield subject.finding(CODE, ("framework", "version"), message, hint)
        for issue in model.known_issues:
            name, reach = _range(subject, issue.get("engines") or {}, {}, framework.name)
            if not concerns(issue, context):
                continue
            if "engines" not in issue or (name and within(subject.rows.engine_version, reach)):
                severity = Severity.NOTE if issue.get("severity") == "note" else Severity.WARNING
                message, source = str(issue["message"]), str(issue.get("source", ""))
                yield subject.finding(CODE, container.model_path, message, source, severity)


def _class(subject: Subject, model: Model) -> Mapping[str, str]:
    row = subject.registries.entries("model_architectures").get(model.architecture)
    return dict(row.facts.get("compatibility", {})) if row is not None else {}


def _range(subject: Subject, first: Mapping[str, str], second: Mapping[str, str], framework: str) -> tuple[str, str]:
    """The engine and the range of its versions.  For an engine built on another one (LMI on vLLM), also that one's."""
    engine, options, version = subject.rows.engine, subject.rows.options, subject.rows.version
    names = [engine.options_name if engine is not None else "", framework]
    if options is not None and options.parent is not None and version is not None and version.engine_version:
        names.append(options.parent.name)
    return next(((n, table[n]) for n in names for table in (first, second) if n in table), ("", ""))


def within(version: str, wanted: str) -> bool:
    """Whether a version is in a range like `>=0.8.5,<0.12`; numbers are compared one by one.

    >>> within("0.10.2", ">=0.9.1")
    True
    """
    have = order(version)
    for part in wanted.split(","):
        sign = next((s for s in COMPARE if part.strip().startswith(s)), "==")
        limit = order(part.strip().removeprefix(sign))
        if not COMPARE[sign](have, limit):
            return False
    return True
