"""MLCC191: a rule about a value that nothing can have."""

from collections.abc import Iterator

from mlcc import keys, policy
from mlcc.checks.base import Subject
from mlcc.config import SCHEMA
from mlcc.diagnostics import Finding, Severity, allowed, nearest, quoted
from mlcc.policy import FACTS, FACTS_PREFIX
from mlcc.registries.policies import Policy

CODE = "MLCC191"


def check(subject: Subject) -> Iterator[Finding]:
    """Such a rule would never speak, and its authors would believe that all is well."""
    for rule in subject.registries.policies:
        for path in policy.paths(rule):
            if not policy.exists(path):
                written = (".".join(p).replace(".[]", policy.ELEMENTS) for p in keys.index(SCHEMA))
                known = [*(FACTS_PREFIX + name for name in FACTS), *(p for p in written if policy.exists(p))]
                near = nearest(path, known)
                message = f"{rule.name}: {quoted(path, 80)} is neither a key of mlcc.yaml that holds a value nor a fact"
                hint = f"did you mean {near}?" if near else f"facts: {allowed(FACTS, len(FACTS))}"
                yield _finding(rule, message, path, hint)
        wrong = policy.misfit(rule)
        if wrong and policy.exists(rule.path):
            yield _finding(rule, f"{rule.name}: {wrong}", rule.path, "compare it with a value of its own kind")


def _finding(rule: Policy, message: str, path: str, hint: str) -> Finding:
    return Finding(CODE, Severity.ERROR, message, path, rule.mark.file, rule.mark.line, rule.mark.column, hint)
