"""The options that one version of an engine has.  Law: pure; the lists are data (registries/options)."""

from __future__ import annotations

from collections.abc import Mapping

from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple
from mlcc.core.version_order import order
from mlcc.registries.engine_rows import EngineOptions, Option


def names_of(option: Option) -> tuple[str, ...]:
    """Every name of an option; a switch is switched off by `no-` before its name."""
    names = (option.name, *option.aliases)
    return (*names, *(f"no-{name}" for name in names)) if option.type == "switch" else names


def variable_name(option: str) -> str:
    """An option's name as it is written in variables, without a prefix: `max-model-len` -> MAX_MODEL_LEN."""
    return option.upper().replace("-", "_").replace(".", "_")


class KnownOptions(NamedTuple):
    """The options and the engine's own variables of one version.

    version: the version whose list was taken: the wanted one, else the newest one before it, else the oldest;
    exact: whether that is the wanted one.
    """

    version: str
    exact: bool
    options: Mapping[str, Option]
    variables: frozenset[str]

    def find(self, name: str) -> Option | None:
        """An option by its name or an alias; an engine that is built on another one may write `_` in place of `-`."""
        wanted = name.replace("-", "_")
        return self.options.get(name) or next(
            (o for o in self.options.values() if any(n.replace("-", "_") == wanted for n in names_of(o))), None
        )


def at_version(options: EngineOptions, version: str) -> KnownOptions:
    """The options of one version of an engine, with those of the engine on which it is built."""
    versions = sorted(options.versions, key=order)
    before = [v for v in versions if order(v) <= order(version)]
    taken = before[-1] if before else versions[0] if versions else ""
    places = {v: n for n, v in enumerate(versions)}
    place = places.get(taken, 0)

    def has(row: Option) -> bool:
        return places.get(row.first, 0) <= place <= places.get(row.last, len(versions))

    def with_choices(row: Option) -> Option:
        first, last = row.since, row.until
        words = (
            w for w in row.choices if places.get(first.get(w, ""), 0) <= place <= places.get(last.get(w, ""), place)
        )
        is_open = places.get(row.open_from, len(versions)) <= place or place <= places.get(row.open_until, -1)
        return row._replace(choices=tuple(words), since=EMPTY, until=EMPTY, open=is_open)

    own = {name: with_choices(row) if row.choices else row for name, row in options.options.items() if has(row)}
    variables = frozenset(name for name, row in options.variables.items() if has(row))
    if options.parent is None:
        return KnownOptions(taken, taken == version, own, variables)
    parent = at_version(options.parent, version)
    return KnownOptions(parent.version, parent.exact, {**parent.options, **own}, parent.variables | variables)
