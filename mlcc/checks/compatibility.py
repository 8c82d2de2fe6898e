"""MLCC147: an engine version outside the range that serves the model."""

from collections.abc import Iterator
from operator import eq, ge, gt, le, lt, ne

from mlcc.checks.base import Subject
from mlcc.diagnostics import Finding, Severity
from mlcc.options import order

CODE = "MLCC147"
# The two-character signs first: `>` begins one of them.
COMPARE = {">=": ge, "<=": le, "==": eq, "!=": ne, ">": gt, "<": lt}


def check(subject: Subject) -> Iterator[Finding]:
    """The model's row says which versions of which engine serve it, and which of its known issues they have."""
    model, framework, version = subject.rows.model, subject.rows.framework, subject.rows.version
    if model is None or framework is None or version is None:
        return
    engine = subject.rows.engine
    name = engine.options if engine is not None and engine.options else framework.name
    wanted = model.compatibility.get(name) or model.compatibility.get(framework.name)
    if wanted and not within(subject.rows.engine_version, wanted):
        message = f"{model.name} needs {name} {wanted}, and {version.name} is chosen"
        hint = f"choose another framework.version (mlcc catalog frameworks --filter name={framework.name})"
        yield subject.finding(CODE, ("framework", "version"), message, hint)
    for issue in model.known_issues:
        reach = issue.get("engines")
        if not reach or (name in reach and within(subject.rows.engine_version, reach[name])):
            severity = Severity.ERROR if issue.get("severity") == "error" else Severity.WARNING
            severity = Severity.NOTE if issue.get("severity") == "note" else severity
            yield subject.finding(
                CODE, ("model", "name"), str(issue["message"]), str(issue.get("source", "")), severity
            )


def within(version: str, wanted: str) -> bool:
    """Whether a version is in a range like `>=0.8.5,<0.12`; numbers are compared one by one.

    >>> within("0.10.2", ">=0.9.1")
    True
    """
    have = order(version)
    for part in wanted.split(","):
        sign = next((s for s in COMPARE if part.strip().startswith(s)), "==")
        limit = order(part.strip().removeprefix(sign))
        size = max(len(have), len(limit))
        left, right = ((*v, *(0,) * (size - len(v))) for v in (have, limit))
        if not COMPARE[sign](left, right):
            return False
    return True
