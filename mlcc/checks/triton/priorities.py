"""MLCC129: priorities of dynamic batching that do not fit one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.resolve.triton.models import models_of, place

CODE = "MLCC129"


def check(subject: Subject) -> Iterator[Finding]:
    """Requests have priorities from 1 to priority_levels, and only those of one priority keep their order.

    https://github.com/triton-inference-server/core, ValidateModelConfig of src/model_config_utils.cc
    """
    for model in models_of(subject.resolved):
        for key, message, hint in _problems(model.dynamic_batching or {}):
            where = place(subject.resolved, model.name, "dynamic_batching", key)
            yield subject.finding(CODE, where, f"{model.name}: {message}", hint)


def _problems(batching: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    levels = int(batching.get("priority_levels", 0))
    usual = int(batching.get("default_priority_level", 0))
    policies = {int(level): policy for level, policy in batching.get("priority_queue_policy", {}).items()}
    if levels and not 1 <= usual <= levels:
        message = f"default_priority_level is {usual or 'missing'}, and priority_levels is {levels}"
        yield "priority_levels", message, f"default_priority_level: 1 to {levels}"
    if not levels and (usual or policies):
        key = "default_priority_level" if usual else "priority_queue_policy"
        yield (
            key,
            f"{key} has no effect without priority_levels",
            f"priority_levels: {max(usual, *policies, 1)}, or none",
        )
    for level in policies:
        if levels and not 1 <= level <= levels:
            message = f"priority_queue_policy has {level}, and priority_levels is {levels}"
            yield "priority_queue_policy", message, f"levels from 1 to {levels}"
    if batching.get("preserve_ordering"):
        if levels > 1:
            message = "preserve_ordering cannot be with more than one priority"
            yield "preserve_ordering", message, "priority_levels: 1, or no preserve_ordering"
        delayed = [p for p in (batching.get("default_queue_policy", {}), *policies.values()) if _delays(p)]
        if delayed:
            message = "preserve_ordering cannot be with timeout_action DELAY"
            yield "preserve_ordering", message, "timeout_action: REJECT, or no preserve_ordering"


def _delays(policy: Mapping[str, Any]) -> bool:
    return bool(policy.get("default_timeout_microseconds")) and policy.get("timeout_action") == "DELAY"
