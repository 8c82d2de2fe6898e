"""Devices of the copies of inference components.  Law: pure; one rule for engines, checks and requests.

A component says how many devices a copy of it takes, or it gets an equal share of those of an instance; components that
are switched off share nothing.
"""

from __future__ import annotations

from mlcc.core.paths import Item, Path
from mlcc.resolve.candidates import Table

SECTION = "inference_components"


def share(have: int, components: int) -> int:
    """Devices of one copy of a component that asks for no number.

    have: devices of the instance type; components: how many share it.
    """
    return max(1, have // max(1, components))


def of_components(table: Table, have: int) -> dict[Path, int]:
    """Devices of one copy of each component that is switched on, by its path.  have: devices of the instance type."""
    found: dict[Path, int] = {}
    paths: list[Path] = [(SECTION, Item(name)) for name in table.names(SECTION)]
    served = [path for path in paths if (switch := table.best((*path, "enabled"))) is None or switch.value is not False]
    for path in served:
        count = table.best((*path, "gpu_count"))
        found[path] = int(count.value) if count is not None else share(have, len(served))
    return found
