"""What a version of an engine knows.  Law: pure; the lists are data (registries/options), this only reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from textwrap import wrap
from typing import NamedTuple

from mlcc.registries.engine_types import Engine, Option, Options
from mlcc.spelling import spelled
from mlcc.values import EMPTY

_NUMBERS = re.compile(r"\d{1,18}")
# What comes before a release, the farthest first.
EARLY = ("dev", "a", "alpha", "b", "beta", "rc")
_EARLY = re.compile(r"(\d)[.-]?(dev|alpha|beta|rc|a|b)[.-]?(\d{0,18})(?![a-z])")
# How serve.py reads a value; what is not listed is passed on as it is.
TYPES = ("flag", "switch", "boolean", "integer", "number", "text", "list", "json")


def order(version: str) -> tuple[int, ...]:
    """A version for comparing: `0.10.2` is after `0.9.1` and its candidate `0.10.2rc1`, `26.05-py3` is of May 2026.

    Four numbers, absent ones 0, then how near it is to the release, and the candidate's number.
    """
    early = _EARLY.search(version)
    numbers = [int(n) for n in _NUMBERS.findall(version[: early.end(1)] if early else version)[:4]]
    before = (EARLY.index(early[2]), int(early[3] or 0)) if early else (len(EARLY), 0)
    return (*numbers, *(0,) * (4 - len(numbers)), *before)


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


# ---------------------------------------------------------------- code/engine.json
def engine_file(engine: Engine, version: str, found: Known | None) -> str:
    """What the project's serve script reads: how the engine is started, and what its command line knows."""
    options: dict[str, set[str]] = {kind: set() for kind in TYPES}
    for row in found.options.values() if found is not None else ():
        options[row.type].update((row.name, *row.aliases))
        options["flag"].update(name for name in names_of(row) if name not in options[row.type])
    document = {
        "engine": engine.name,
        "version": version,
        "prefixes": [engine.prefix, *engine.also],
        "command": list(engine.command),
        "fixed": list(engine.fixed),
        "flags": dict(engine.flags),
        "model_variable": engine.names.get("model.name", ""),
        "routes": dict(engine.routes),
        "file": engine.file,
        "parts": dict(_parts(engine)),
        "options": {kind: _lines(names) for kind, names in options.items() if names},
        "variables": _lines(found.variables if found is not None else ()),
    }
    return json.dumps(document, indent=2)


def _parts(engine: Engine) -> Iterable[tuple[str, str]]:
    """Further variables, with the option that each says, or the option and the key of a JSON option."""
    for name, key in engine.more.items():
        how = spelled(engine, key)
        if how is not None:
            yield name, f"{how.option}.{how.key}" if how.key else how.option


def _lines(names: Iterable[str]) -> list[str]:
    """Names in lines of about a hundred characters: a few lines to review instead of hundreds."""
    return wrap(" ".join(sorted(names)), 100, break_on_hyphens=False, break_long_words=False)
