"""MLCC191: a rule about a value that nothing can have."""

from collections.abc import Iterator

from mlcc import keys, policy
from mlcc.checks.base import Subject
from mlcc.config import SCHEMA
from mlcc.diagnostics import Finding, Severity, allowed, nearest, quoted
from mlcc.policy import FACTS, FACTS_PREFIX

CODE = "MLCC191"


def check(subject: Subject) -> Iterator[Finding]:
    """Such a rule would never speak, and its authors would believe that all is well."""
    for rule in subject.registries.policies:
        for path in policy.paths(rule):
            if not policy.exists(path):
                known = [*(FACTS_PREFIX + name for name in FACTS), *(".".join(p) for p in keys.index(SCHEMA))]
                near = nearest(path, known)
                message = f"{rule.name}: {quoted(path, 80)} is neither a key of mlcc.yaml that holds a value nor a fact"
                hint = f"did you mean {near}?" if near else f"facts: {allowed(FACTS, len(FACTS))}"
                mark = rule.mark
                yield Finding(CODE, Severity.ERROR, message, path, mark.file, mark.line, mark.column, hint)
