"""What an environment's instances cost, and how a price stands in a hint.

Law: pure; prices are rows (registries/prices.yaml), each with the day, the region and the currency that it is of, and
what has no price says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.core.paths import Path
from mlcc.core.records import NamedTuple
from mlcc.registries.loader import Registries
from mlcc.registries.rows import Target
from mlcc.resolve.result import Resolved

# 365 days of 24 hours by 12 months, as AWS's own calculator has it (aws.amazon.com/calculator/calculator-assumptions).
HOURS_OF_A_MONTH = 730
SIGNS = {"USD": "$"}
JOB = "job"


class Cost(NamedTuple):
    """What the instances of an environment cost an hour.

    machines: how many there are at first; per: `endpoint`, or `job` for instances that are there while a job runs;
    amount: of one instance for an hour, None where no row has its price, and currency, region and date are empty then;
    least, most: the fewest and the most instances, where they are scaled.
    """

    instance_type: str
    machines: int
    per: str
    amount: float | None
    currency: str = ""
    region: str = ""
    date: str = ""
    least: int | None = None
    most: int | None = None

    def hour(self, count: int) -> float | None:
        """What a number of instances costs an hour."""
        return None if self.amount is None else round(self.amount * count, 6)

    def month(self, count: int) -> float | None:
        """What a number of instances costs a month; None for a job, which ends before."""
        return None if self.amount is None or self.per == JOB else round(self.amount * count * HOURS_OF_A_MONTH, 2)

    @property
    def document(self) -> dict[str, Any]:
        """As the contract spells it (`costs` in schemas/output-plan)."""
        bounds = {"least": self.least, "most": self.most}
        return {
            "instance_type": self.instance_type,
            **self._counted(self.machines),
            "currency": self.currency or None,
            "region": self.region or None,
            "date": self.date or None,
            "per": self.per,
            **{word: self._counted(count) for word, count in bounds.items() if count is not None},
        }

    def _counted(self, count: int) -> dict[str, Any]:
        return {"count": count, "hour": self.hour(count), "month": self.month(count)}


def of_resolved(resolved: Resolved, registries: Registries) -> Cost | None:
    """What a resolved environment costs; None without a type, and where nobody bills it (this machine, a cluster)."""
    return of_values({path: value.value for path, value in resolved.values.items()}, resolved.rows.target, registries)


def of_values(values: Mapping[Path, Any], target: Target | None, registries: Registries) -> Cost | None:
    """The same for plain values by path, such as those of a lock."""
    name = values.get(("deployment", "instance_type"))
    if target is None or not target.billed or name is None:
        return None
    of_target = values.get(("batch", "instance_count")) if target.billed == JOB else None
    count = int(of_target or values.get(("deployment", "instance_count"), 1) or 0)
    cost = Cost(str(name), count, target.billed, None, "", "", "", *_bounds(values, target))
    price = registries.price(cost.instance_type)
    if price is None:
        return cost
    return cost._replace(amount=price.amount, currency=price.currency, region=price.region, date=price.date)


def _bounds(values: Mapping[Path, Any], target: Target) -> tuple[int | None, int | None]:
    """The fewest and the most instances, where they are scaled."""
    least, most = (values.get(("scaling", f"{word}_count")) for word in ("min", "max"))
    if "scaling" not in target.uses or (least is None and most is None):
        return None, None
    fewest = int(least) if least is not None else 1
    return fewest, max(int(most) if most is not None else fewest, fewest)


# ---------------------------------------------------------------- words
def proposed(registries: Registries, name: str, instead_of: str = "") -> str:
    """An instance type as hints propose it: `ml.g6e.xlarge (2.61 $/h instead of 1.52)`.

    instead_of: the type that is chosen, whose price is compared; empty, or a type without a price, for none.
    """
    price, other = registries.price(name), registries.price(instead_of) if instead_of else None
    if price is None:
        return f"{name} (price not known)"
    compared = f" instead of {cents(other.amount)}" if other is not None and instead_of != name else ""
    return f"{name} ({cents(price.amount)} {sign(price.currency)}/h{compared})"


def cents(amount: float) -> str:
    """An amount with two decimals, half a cent upwards; prices have four."""
    return f"{(round(amount * 10_000) + 50) // 100 / 100:.2f}"


def sign(currency: str) -> str:
    """How a currency is written: `$`."""
    return SIGNS.get(currency, currency)
