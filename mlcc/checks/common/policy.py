"""MLCC190: a rule of the organisation or of the project that is broken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlcc.checks import policies
from mlcc.checks.policies import FACTS, FACTS_PREFIX, PolicyContext
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.paths import Path, format_path, parse_path
from mlcc.core.text import printable
from mlcc.core.value_text import scalar_text
from mlcc.registries.policy_rows import Policy
from mlcc.registries.redaction import shown_value

CODE = "MLCC190"
MAX_VALUE, MAX_TEXT = 80, 500


def check(subject: Subject) -> Iterator[Finding]:
    """Every rule of every folder that applies here, for every value that its path names."""
    context = PolicyContext(subject.resolved, subject.registries)
    for policy in subject.registries.policies:
        if not policies.can_check(policy) or not policies.applies(policy, context):
            continue
        values = policies.values(context, policy.path)
        if not values and policies.broken_without_value(policy):
            yield _broken(subject, policy, *_missing(policy))
        for path, value in values:
            wrong = policies.wrong(policy, value)
            if wrong:
                yield _broken(subject, policy, path, f"{_shown(policy, path, value)} {wrong}")


def _missing(policy: Policy) -> tuple[Path, str]:
    """The path of a value that is missing, and the message for it."""
    fact = FACTS.get(policy.path.removeprefix(FACTS_PREFIX)) if policy.path.startswith(FACTS_PREFIX) else None
    words = "is not known for this choice, and so cannot be checked" if fact else "is missing"
    return parse_path(fact.path if fact else policy.path) or (), f"{policy.path} {words}"


def _shown(policy: Policy, path: Path, value: Any) -> str:
    """The value for a message; one that may be a secret is not quoted."""
    name, text = policy.path if policy.path.startswith(FACTS_PREFIX) else format_path(path), scalar_text(value)
    return f"{name} {shown_value(str(path[-1]), text, MAX_VALUE, '')}".rstrip()


def _broken(subject: Subject, policy: Policy, path: Path, wrong: str) -> Finding:
    text = printable(policy.message, MAX_TEXT)
    message = f"{policy.name}: {text} ({wrong})" if text else f"{policy.name}: {wrong}"
    hint = "; ".join(filter(None, (printable(policy.hint, MAX_TEXT), f"policy at {policy.origin}")))
    return subject.finding(CODE, path, message, hint, Severity[policy.severity.upper()])
