"""Waivers: broken rules that somebody answers for until a day.  Law: pure; today is an argument, never read.

A waiver stands in the folder of the rule that it waives: who may change the rules decides what is exempt from them.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks import policies
from mlcc.checks.policies import Breach
from mlcc.checks.policy_facts import PolicyContext
from mlcc.checks.subject import Subject
from mlcc.core.paths import format_path
from mlcc.core.text import printable
from mlcc.core.value_text import scalar_text
from mlcc.load.layers import DEFAULT_ENVIRONMENT
from mlcc.registries.match import matches
from mlcc.registries.policy_rows import Waiver


def waiver_of(context: PolicyContext, breach: Breach) -> Waiver | None:
    """The waiver that allows a breach; of several the one that lasts longest."""
    found = [waiver for waiver in breach.policy.waivers if _covers(waiver, context, breach)]
    return max(found, key=lambda waiver: waiver.expires, default=None)


def _covers(waiver: Waiver, context: PolicyContext, breach: Breach) -> bool:
    resolved = context.resolved
    named = (
        (waiver.projects, scalar_text(resolved.get("project.name", ""))),
        (waiver.environments, resolved.env or DEFAULT_ENVIRONMENT),
        (waiver.paths, format_path(breach.path)),
    )
    return all(not patterns or any(matches(p, text) for p in patterns) for patterns, text in named)


def expired(waiver: Waiver, today: str) -> bool:
    """Whether its last day is over.  today: as 2026-12-31; empty where the day must not matter."""
    return bool(today) and today > waiver.expires


def waived(subject: Subject) -> Iterator[tuple[Breach, Waiver]]:
    """Every breach of one environment for which there is a waiver, expired or not."""
    context = PolicyContext(subject.resolved, subject.registries)
    for policy in subject.registries.policies:
        for breach in policies.breaches(context, policy) if policy.waivers else ():
            waiver = waiver_of(context, breach)
            if waiver is not None:
                yield breach, waiver


def words(waiver: Waiver) -> str:
    """Who answers for it, until when and why."""
    owner, reason = printable(waiver.owner, 100), printable(waiver.reason, 300)
    return f"by {owner} until {waiver.expires}: {reason}"
