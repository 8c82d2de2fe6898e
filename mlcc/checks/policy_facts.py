"""Facts that the registries have about what a configuration chose, for rules of policies.

Law: pure; a fact that nobody knows is None, and a limit for it is broken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlcc.core.paths import Item, Path, parse_path
from mlcc.core.records import NamedTuple
from mlcc.load.layers import DEFAULT_ENVIRONMENT
from mlcc.registries.loader import Registries
from mlcc.resolve.hardware import costs
from mlcc.resolve.hardware.costs import Cost
from mlcc.resolve.result import Resolved

FACTS_PREFIX = "facts."
CURRENCY = "USD"
# Where a configuration names an image of a container.
IMAGES: tuple[Path, ...] = (("framework", "base_image"), ("build", "image_uri"))
COMPONENT_IMAGE = ("inference_components", "image")


class PolicyContext(NamedTuple):
    """One resolved environment, and the registries for look-ups."""

    resolved: Resolved
    registries: Registries


class Fact(NamedTuple):
    """A fact about a chosen row: the path that chooses the row, and how the fact is read.

    kind: `number` or `level` (a validation level) for what has an order, `values` where it is several values of
    mlcc.yaml with a place each, else empty.
    """

    path: str
    read: Callable[[PolicyContext], Any]
    kind: str = ""


def _row_field(row: str, field: str) -> Callable[[PolicyContext], Any]:
    """A field of a selected row; None where no row is selected or the row does not have it."""

    def read(context: PolicyContext) -> Any:
        return getattr(getattr(context.resolved.rows, row), field, None)

    return read


def _cost(context: PolicyContext) -> Cost | None:
    """What the environment costs; of a target that AWS does not bill by the hour, what its instances would cost."""
    cost = costs.of_resolved(context.resolved, context.registries)
    if cost is None:
        name = context.resolved.get("deployment.instance_type")
        price = context.registries.price(str(name)) if name else None
        if price is None:
            return None
        count = int(context.resolved.get("deployment.instance_count", 1))
        cost = Cost(str(name), count, "", price.amount, price.currency, price.region, price.date)
    return cost if cost.currency in ("", CURRENCY) else None


def _hourly(context: PolicyContext) -> float | None:
    cost = _cost(context)
    return None if cost is None else cost.hour(cost.machines)


def _monthly(context: PolicyContext) -> float | None:
    cost = _cost(context)
    return None if cost is None else cost.month(cost.machines)


def _highest(context: PolicyContext) -> tuple[Cost, int] | None:
    """The cost, and the most instances that scaling may start."""
    cost = _cost(context)
    return None if cost is None else (cost, max(cost.machines, cost.most or 0))


def _highest_hourly(context: PolicyContext) -> float | None:
    found = _highest(context)
    return None if found is None else found[0].hour(found[1])


def _highest_monthly(context: PolicyContext) -> float | None:
    found = _highest(context)
    return None if found is None else found[0].month(found[1])


def _images(context: PolicyContext) -> list[tuple[Path, Any]]:
    """Every image that is built upon or deployed, with its place."""
    return [
        (path, value.value)
        for path, value in context.resolved.values.items()
        if value.value and (path in IMAGES or tuple(s for s in path if not isinstance(s, Item)) == COMPONENT_IMAGE)
    ]


FACTS: Mapping[str, Fact] = {
    "accelerator": Fact("deployment.instance_type", _row_field("instance", "accelerator")),
    "accelerator_count": Fact("deployment.instance_type", _row_field("instance", "accelerator_count"), "number"),
    "accelerator_name": Fact("deployment.instance_type", _row_field("instance", "accelerator_name")),
    "config_validation_level": Fact("deployment.config", _row_field("config", "validation_level"), "level"),
    "container_images": Fact("framework.base_image", _images, "values"),
    "cost_usd_per_hour": Fact("deployment.instance_type", _hourly, "number"),
    "cost_usd_per_month": Fact("deployment.instance_type", _monthly, "number"),
    "environment": Fact("environments", lambda context: context.resolved.env or DEFAULT_ENVIRONMENT),
    "framework_validation_level": Fact("framework.version", _row_field("version", "validation_level"), "level"),
    "highest_cost_usd_per_hour": Fact("deployment.instance_type", _highest_hourly, "number"),
    "highest_cost_usd_per_month": Fact("deployment.instance_type", _highest_monthly, "number"),
    "instance_family": Fact("deployment.instance_type", _row_field("instance", "family")),
    "instance_validation_level": Fact("deployment.instance_type", _row_field("instance", "validation_level"), "level"),
    "model_family": Fact("model.name", _row_field("model", "family")),
    "model_gated": Fact("model.name", _row_field("model", "gated")),
    "model_validation_level": Fact("model.name", _row_field("model", "validation_level"), "level"),
}


def fact_of(path: str) -> Fact | None:
    """The fact that a rule's path names, or None."""
    return FACTS.get(path.removeprefix(FACTS_PREFIX)) if path.startswith(FACTS_PREFIX) else None


def values_of(fact: Fact, context: PolicyContext) -> list[tuple[Path, Any]]:
    """The values of a fact, each with the place of what chose it."""
    value = fact.read(context)
    if fact.kind == "values":
        found: list[tuple[Path, Any]] = value
        return found
    return [(parse_path(fact.path) or (), value)] if value not in (None, "") else []
