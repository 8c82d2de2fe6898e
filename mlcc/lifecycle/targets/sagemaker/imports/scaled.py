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
    for policy in sheet.running.policies.get(what.resource_id, ()):
        name = str(policy.get("PolicyName"))
        if name == scaling.TRACKING:
            _tracking(sheet, policy.get("TargetTrackingScalingPolicyConfiguration", {}), what, place)
        elif name != scaling.WAKING:
            sheet.unknown(f"the scaling policy {quoted(name)}")


def _tracking(sheet: Sheet, settings: Mapping[str, Any], what: scaling.Scaled, place: Path) -> None:
    metric = next(_metrics(settings), "")
    sheet.put("metric", metric if metric != what.metric else None, place)
    sheet.put("target_value", whole(settings.get("TargetValue")), place)
    for key, member in (("scale_in_cooldown_s", "ScaleInCooldown"), ("scale_out_cooldown_s", "ScaleOutCooldown")):
        sheet.draft.values |= {(*place, key): settings[member]} if member in settings else {}


def _metrics(settings: Mapping[str, Any]) -> Iterator[str]:
    for name, member in (
        ("PredefinedMetricSpecification", "PredefinedMetricType"),
        ("CustomizedMetricSpecification", "MetricName"),
    ):
        if name in settings:
            yield str(settings[name].get(member, ""))
