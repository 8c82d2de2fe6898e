"""MLCC191: a rule about a value that no configuration can have."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks import policies
from mlcc.checks.policy_facts import FACTS, FACTS_PREFIX
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.text import allowed, nearest, quoted
from mlcc.io.schema import keys
from mlcc.registries.policy_rows import Policy

CODE = "MLCC191"


def check(subject: Subject) -> Iterator[Finding]:
    """Such a rule would never find anything, and its authors would believe that every project obeys it."""
    for rule in subject.registries.policies:
        for path in policies.nowhere(rule):
            written = (".".join(p).replace(".[]", policies.ELEMENTS) for p in keys.index())
            known = [*(FACTS_PREFIX + name for name in FACTS), *(p for p in written if policies.exists(p))]
            near = nearest(path, known)
            message = f"{rule.name}: {quoted(path, 80)} is neither a key of mlcc.yaml that has a value nor a fact"
            hint = f"did you mean {near}?" if near else f"facts: {allowed(FACTS, len(FACTS))}"
            if rule.required_keys and path == rule.path:
                message, hint = f"{rule.name}: {quoted(path, 80)} is no mapping of free keys", "tags, env and the like"
            yield _finding(rule, message, path, hint)
        wrong = policies.wrong_limit(rule)
        if wrong and policies.is_about_something(rule):
            yield _finding(rule, f"{rule.name}: {wrong}", rule.path, "compare it with a value of its own kind")


def _finding(rule: Policy, message: str, path: str, hint: str) -> Finding:
    return Finding(CODE, Severity.ERROR, message, path, rule.mark.file, rule.mark.line, rule.mark.column, hint)
