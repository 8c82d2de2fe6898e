"""What adds and removes copies and instances: the inverse of `bodies/scaling`.  Law: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.core.paths import Path
from mlcc.core.text import quoted
from mlcc.lifecycle.targets.sagemaker.bodies import scaling
from mlcc.lifecycle.targets.sagemaker.imports.sheet import Sheet, whole


def write(sheet: Sheet, what: scaling.Scaled, place: Path) -> None:
    """The settings of what is scaled, below a place of mlcc.yaml."""
    found = sheet.running.scaled.get(what.resource_id)
    if found is None:
        return
    sheet.draft.put((*place, "min_count"), found.get("MinCapacity"), sheet.mark)
    sheet.put("max_count", found.get("MaxCapacity"), place)
    policies = [p for p in sheet.running.policies.get(what.resource_id, ()) if p.get("PolicyName") != scaling.WAKING]
    # mlcc.yaml has one: mlcc's own before one of another name
    policies.sort(key=lambda policy: policy.get("PolicyName") != scaling.TRACKING)
    kept = next((p for p in policies if _is_described(p.get(scaling.CONFIGURATION), what)), None)
    for policy in policies:
        if policy is kept:
            _tracking(sheet, policy[scaling.CONFIGURATION], what, place)
        else:
            sheet.unknown(f"the scaling policy {quoted(str(policy.get('PolicyName')))}")


def _is_described(found: Mapping[str, Any] | None, what: scaling.Scaled) -> bool:
    """Whether mlcc.yaml has keys for all that a policy says: a deployment would make the same."""
    metric = next(_metrics(found), "") if found else ""
    if not found or not metric:
        return False
    cooldowns = {member: found.get(member) for member in scaling.COOLDOWNS.values()}
    made = scaling.settings(what, metric, found["TargetValue"], cooldowns)
    return {"DisableScaleIn": False, **found} == {"DisableScaleIn": False, **made}


def _tracking(sheet: Sheet, settings: Mapping[str, Any], what: scaling.Scaled, place: Path) -> None:
    metric = next(_metrics(settings), "")
    sheet.put("metric", metric if metric != what.metric else None, place)
    sheet.put("target_value", whole(settings.get("TargetValue")), place)
    for key, member in scaling.COOLDOWNS.items():
        sheet.draft.values |= {(*place, key): settings[member]} if member in settings else {}


def _metrics(settings: Mapping[str, Any]) -> Iterator[str]:
    for name, member in (
        ("PredefinedMetricSpecification", "PredefinedMetricType"),
        ("CustomizedMetricSpecification", "MetricName"),
    ):
        if name in settings:
            yield str(settings[name].get(member, ""))
