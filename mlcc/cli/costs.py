"""The cost of each environment, as plan, diff and show print it.  Law: one shape and one line for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mlcc.cli.output import folded, table
from mlcc.cli.session import Session
from mlcc.core.paths import Path
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.load.layers import DEFAULT_ENVIRONMENT
from mlcc.plan.lock import Lock
from mlcc.registries.loader import Registries
from mlcc.resolve.hardware import costs
from mlcc.resolve.hardware.costs import Cost
from mlcc.resolve.project import Project


class Row(NamedTuple):
    """What an environment costs, and what it cost at the last apply; None where nobody is paid for it."""

    environment: str
    cost: Cost | None
    before: Cost | None = None

    @property
    def changed(self) -> bool:
        """Whether it cost something else before."""
        return self.before is not None and self.cost is not None and self.before != self.cost

    @property
    def document(self) -> dict[str, Any]:
        """As the contract spells it."""
        own = self.cost.document if self.cost is not None else {}
        before = self.before.document if self.before is not None else None
        return {"environment": self.environment, **own, "before": before}


def rows(project: Project, before: Lock | None = None) -> list[Row]:
    """Every environment that somebody is paid for.  before: the lock of the last apply."""
    found = []
    for resolved in project.every:
        cost = costs.of_resolved(resolved, project.registries)
        held = of_lock(before, resolved.env, project.registries) if before is not None else None
        if cost is not None:
            found.append(Row(resolved.env or DEFAULT_ENVIRONMENT, cost, held))
    return found


def of_lock(lock: Lock, env: str | None, registries: Registries) -> Cost | None:
    """What an environment costs as a lock records it, at today's prices; None of one that it does not have."""
    if env and env not in lock.environments:
        return None
    values: Mapping[Path, Any] = lock.environment(env)
    target = registries.targets.get(str(values.get(("deployment", "target"), "")))
    return costs.of_values(values, target, registries)


def show(session: Session, found: Sequence[Row]) -> None:
    """The costs as lines, or as a table in Markdown, whose texts stay text."""
    if session.format == "markdown" and found:
        cells = [{"environment": row.environment, "cost": words_of(row)} for row in found if row.cost is not None]
        session.out("\n" + table(cells, ["environment", "cost"], session))
        return
    if session.project:
        for line in _amount_lines(found):
            session.out(folded(f"{session.about}{line}", session.width, "  ", "      "))
        for line in price_lines(found):
            session.note(line)
        return
    for line in lines(found):
        session.out(folded(line, session.width, "", "    "))


def lines(found: Iterable[Row]) -> Iterator[str]:
    """One line an environment, before and after where it changed, and where the prices are from."""
    shown = [*found]
    yield from _amount_lines(shown)
    yield from (f"  {line}" for line in price_lines(shown))


def _amount_lines(found: Iterable[Row]) -> Iterator[str]:
    for row in found:
        if row.cost is not None:
            yield f"cost of {printable(row.environment, 60)}: {words_of(row)}"


def price_lines(found: Iterable[Row]) -> Iterator[str]:
    """Where the prices are from."""
    costed = (row.cost for row in found if row.cost is not None and row.cost.amount is not None)
    for region, date in sorted({(cost.region, cost.date) for cost in costed}):
        yield f"prices of {region}, {date}, on demand; {costs.HOURS_OF_A_MONTH} hours a month"


def words_of(row: Row) -> str:
    """What an environment costs, and what it cost before where that was something else."""
    return _words(row.cost, row.before if row.changed else None) if row.cost is not None else ""


def _words(cost: Cost, before: Cost | None) -> str:
    several = [one for one in (before, cost) if one is not None]
    text = f"{_change([_amounts(one, one.machines) for one in several])} ({_machines(several)})"
    if cost.least is None or cost.most is None:
        return text
    text += f"; scaled, {cost.least} to {cost.most} of them"
    if before is not None and (before.least, before.most) not in ((None, None), (cost.least, cost.most)):
        text += f" (before {before.least} to {before.most})"
    if cost.amount is None:
        return text
    return f"{text}: {_change([_amounts(cost, cost.least), _amounts(cost, cost.most)], ' to ')}"


def _machines(several: Sequence[Cost]) -> str:
    """`1 -> 3 x ml.g5.xlarge`: what both have stands once."""
    types = [printable(one.instance_type, 60) for one in several]
    if len(set(types)) == 1:
        return f"{' -> '.join(dict.fromkeys(str(one.machines) for one in several))} x {types[0]}"
    return " -> ".join(f"{one.machines} x {name}" for one, name in zip(several, types, strict=True))


def _amounts(cost: Cost, count: int) -> tuple[str, ...]:
    """Amounts of an hour and of a month, each with its unit behind a blank."""
    hour, month, sign = cost.hour(count), cost.month(count), costs.sign(cost.currency)
    if hour is None:
        return ("price not known",)
    if month is None:
        return (f"{costs.cents(hour)} {sign}/h of a {cost.per}",)
    return (f"{costs.cents(hour)} {sign}/h", f"{month:,.0f} {sign} a month")


def _change(amounts: Sequence[tuple[str, ...]], arrow: str = " -> ") -> str:
    """`1.41 -> 4.22 $/h, 1,028 -> 3,084 $ a month`: a unit that both have stands once."""
    if len({len(one) for one in amounts}) > 1:
        return arrow.join(", ".join(one) for one in amounts)
    parts = []
    for several in zip(*amounts, strict=True):
        if len(set(several)) == 1:
            parts.append(several[0])
            continue
        numbers, units = zip(*(one.split(" ", 1) for one in several), strict=True)
        together = len(set(units)) == 1
        parts.append(f"{arrow.join(numbers)} {units[0]}" if together else arrow.join(several))
    return ", ".join(parts)
