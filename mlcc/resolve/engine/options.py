"""What a version of an engine knows.  Law: pure; the lists are data (registries/options), this only reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mlcc.core.paths import EMPTY
from mlcc.core.version_order import order
from mlcc.registries.engine_rows import Option, Options


def names_of(option: Option) -> tuple[str, ...]:
    """Everything that an option is called; a switch is turned off by `no-` before its name."""
    names = (option.name, *option.aliases)
    return (*names, *(f"no-{name}" for name in names)) if option.type == "switch" else names


class Known(NamedTuple):
    """The options and the engine's own variables of one version.

    version: the version whose list was taken: the wanted one, else the newest one before it, else the oldest;
    exact: whether that is the wanted one.
    """

    version: str
    exact: bool
    options: Mapping[str, Option]
    variables: frozenset[str]

    def find(self, name: str) -> Option | None:
        """An option by its name or one of its other spellings; an engine made on another one may spell it with `_`."""
        said = name.replace("-", "_")
        return self.options.get(name) or next(
            (o for o in self.options.values() if any(n.replace("-", "_") == said for n in names_of(o))), None
        )


def known(options: Options, version: str) -> Known:
    """What `version` of an engine knows."""
    listed = sorted(options.versions, key=order)
    before = [v for v in listed if order(v) <= order(version)]
    taken = before[-1] if before else listed[0] if listed else ""
    place = {v: n for n, v in enumerate(listed)}
    here = place.get(taken, 0)

    def stands(row: Option) -> bool:
        return place.get(row.first, 0) <= here <= place.get(row.last, len(listed))

    def words(row: Option) -> Option:
        first, last = row.since, row.until
        there = (w for w in row.choices if place.get(first.get(w, ""), 0) <= here <= place.get(last.get(w, ""), here))
        free = place.get(row.open_from, len(listed)) <= here or here <= place.get(row.open_until, -1)
        return row._replace(choices=tuple(there), since=EMPTY, until=EMPTY, open=free)

    rows = {name: words(row) if row.choices else row for name, row in options.options.items() if stands(row)}
    own = frozenset(name for name, row in options.variables.items() if stands(row))
    if options.parent is None:
        return Known(taken, taken == version, rows, own)
    above = known(options.parent, version)
    return Known(above.version, above.exact, {**above.options, **rows}, above.variables | own)
