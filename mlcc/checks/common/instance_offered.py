"""MLCC109: an instance type that the target does not offer."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.proposals import larger
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.resolve.hyperpod import clusters

CODE = "MLCC109"
WORDS = {"endpoint": "endpoints", "transform": "batch transform jobs", "hyperpod": "HyperPod clusters"}


def check(subject: Subject) -> Iterator[Finding]:
    """The service's own lists differ by use: 277 types for endpoints, 116 for batch transform."""
    instance, target = subject.rows.instance, subject.rows.target
    if instance is None or target is None or not target.instances:
        return
    if target.manifests and clusters.is_plain(subject.resolved.values):
        return  # its nodes are EC2's, in whose list nearly every type stands
    if not getattr(instance, target.instances):
        message = f"{instance.name} is not offered for {WORDS[target.instances]}"
        hint = f"`mlcc catalog instances --offered {target.instances}` lists those that are"
        other = larger(subject, "")
        hint = f"{other}; {hint}" if other else hint
        yield subject.finding(CODE, ("deployment", "instance_type"), message, hint)
