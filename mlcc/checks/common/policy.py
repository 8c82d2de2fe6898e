"""MLCC190: a rule of the organisation or of the project that is broken."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks import policies, waivers
from mlcc.checks.policies import Breach
from mlcc.checks.policy_facts import PolicyContext
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.text import printable

CODE = "MLCC190"


def check(subject: Subject) -> Iterator[Finding]:
    """Every rule of every folder that applies here, for every value that its path names, unless a waiver allows it."""
    context = PolicyContext(subject.resolved, subject.registries)
    for policy in subject.registries.policies:
        for breach in policies.breaches(context, policy):
            waiver = waivers.waiver_of(context, breach)
            if waiver is None or waivers.expired(waiver, subject.today):
                yield _broken(subject, breach)


def _broken(subject: Subject, breach: Breach) -> Finding:
    policy = breach.policy
    hint = "; ".join(filter(None, (printable(policy.hint, policies.MAX_TEXT), f"policy at {policy.origin}")))
    return subject.finding(CODE, breach.path, breach.message, hint, Severity[policy.severity.upper()])
