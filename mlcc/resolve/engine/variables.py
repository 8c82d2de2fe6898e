"""`engine:` and `env:` made to say the same.  Law: pure; each form is a candidate for the other.

Who writes an engine's variable himself, under `env:`, says the same thing as the typed key: as both are candidates,
precedence and provenance need no second rule.  One key may be a part of a JSON option (`speculative-config.model`);
its variable holds all the parts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from mlcc.core.findings import Finding
from mlcc.core.paths import Item, Path, names
from mlcc.registries.engine_rows import Engine
from mlcc.registries.rows import Model
from mlcc.resolve.candidates import Candidate, Table, put_once
from mlcc.resolve.engine.model_variables import add_model_variables
from mlcc.resolve.engine.spelling import (
    MAX,
    Spelled,
    is_switch,
    keys_of,
    negated,
    ours,
    read,
    spelled,
    text,
    theirs,
    variable,
)
from mlcc.resolve.engine.typed_keys import contradiction, extra_arguments, typed_from_variables


def switched(
    table: Table, engine: Engine, path: Path, key: str, found: list[Candidate]
) -> tuple[list[Candidate], Path]:
    """What says a switch, and in which variable, where the engine has an option that switches it off.

    path: the variable of the option itself.  The opposite is written where somebody wrote it, or where the image's
    entry point drops `false`; what then says the contrary in the same container goes, or is taken back.
    """
    prefix, name, how = path[:-2], str(path[-1]), spelled(engine, key)
    assert how is not None
    best = min(found, key=lambda c: c.source)
    on = {name, *(n for n, said in keys_of(engine).items() if said == key)}
    off = {n for n, said in negated(engine).items() if said == key}
    here = sorted(n for n in off if (*prefix, "env", n) in table.candidates)
    opposite = best.value is how.opposite and bool(here or engine.drops_false)
    if opposite:
        name = here[0] if here else variable(engine, engine.negation + how.option)
        found = [replace(c, value=not how.opposite) for c in found if c.value is how.opposite]
    for other in (on if opposite else off) - {name}:
        beside: Path = (*prefix, "env", other)
        said = min(table.candidates.get(beside, ()), key=lambda c: c.source, default=None)
        if said is not None and read(key, text(said.value))[0] is True:
            del table.candidates[beside]
        if prefix and ("env", other) in table.candidates:
            table.candidates[beside] = [replace(best, value="false")]
    return found, (*prefix, "env", name)


def spell(table: Table, engine: Engine, model: Model | None, devices: Mapping[Path, int | None]) -> list[Finding]:
    """Makes `engine:` and `env:` say the same, at the top and in every inference component; `model:` too.

    model: the row of the project's model; devices: accelerators by the path of the section, for `max`.  Returns what
    contradicts itself.
    """
    findings = list(add_model_variables(table, engine, model))
    components = names(table.candidates, ("inference_components",))
    for prefix in ((), *(("inference_components", Item(name)) for name in components)):
        spelling = _in_force(table, engine, prefix)
        findings += typed_from_variables(table, spelling, prefix)
        _along(table, spelling, prefix)
        findings += _variables_from_typed(table, spelling, prefix, devices.get(prefix, devices.get(())))
    return findings


def _in_force(table: Table, engine: Engine, prefix: Path) -> Engine:
    """The engine as it spells in a section: an option may be another one where some other key has a certain value."""
    typed, along = dict(engine.typed), dict(engine.along)
    for key, cases in engine.instead.items():
        for other, options in cases.items():
            said = _winner(table, engine, prefix, other) or _winner(table, engine, (), other)
            if said is not None and (word := ours(engine, other, text(said.value))) in options:
                typed[key] = options[word]
                along.pop(key, None)
    return engine._replace(typed=typed, along=along) if engine.instead else engine


def _winner(table: Table, engine: Engine, prefix: Path, key: str) -> Candidate | None:
    """The strongest of what says a typed key in a section, in whichever form."""
    forms = [(*prefix, "env", name) for name, said in keys_of(engine, heard=True).items() if said == key]
    found = [c for path in (*forms, (*prefix, "engine", *key.split("."))) for c in table.candidates.get(path, [])]
    return min(found, key=lambda c: c.source) if found else None


def _variables_from_typed(table: Table, engine: Engine, prefix: Path, devices: int | None) -> Iterator[Finding]:
    joined: dict[str, dict[str, Candidate]] = {}
    for key in engine.typed:
        how, found = spelled(engine, key), _said(table, prefix, key)
        if how is None or not found:
            continue
        if how.key:
            joined.setdefault(how.option, {})[how.key] = min(found, key=lambda c: c.source)
            continue
        path: Path = (*prefix, "env", _one_name(table, engine, prefix, key, how))
        if engine.negation and is_switch(key):
            found, path = switched(table, engine, path, key, found)
        for candidate in found:
            value = not candidate.value if how.opposite else candidate.value
            shown = str(devices) if value == MAX and devices else theirs(engine, key, text(value))
            put_once(table, path, replace(candidate, value=shown))
    for option, parts in joined.items():
        yield from _json_option(table, (*prefix, "env", variable(engine, option)), prefix, parts)
    known = keys_of(engine)
    for path in extra_arguments(table, prefix):
        name = variable(engine, str(path[-1]))
        target: Path = (*prefix, "env", name)
        for candidate in table.candidates[path]:
            if name in known and read(known[name], text(candidate.value))[0] is not None:
                continue  # the typed key says it
            said = replace(candidate, value=text(candidate.value))
            yield from contradiction(path, said, target, table.candidates.get(target, []), said.value)
            put_once(table, target, said)


def _said(table: Table, prefix: Path, key: str) -> list[Candidate]:
    """Candidates of a typed key.  A component has as many devices as it is given: it says the project's `max` anew.

    A component that says a part of a JSON option has the other parts from the project: the variable holds them all.
    """
    path: Path = ("engine", *key.split("."))
    own, above = table.candidates.get((*prefix, *path), []), table.candidates.get(path, [])
    if own or not above:
        return own
    again = min(above, key=lambda c: c.source).value == MAX or _has_sibling(table, prefix, key)
    return above if again else []


def _has_sibling(table: Table, prefix: Path, key: str) -> bool:
    section, dot, _ = key.rpartition(".")
    return bool(dot) and any(p[:-1] == (*prefix, "engine", section) for p in table.candidates)


def _json_option(table: Table, path: Path, prefix: Path, parts: Mapping[str, Candidate]) -> Iterator[Finding]:
    """The variable of an option whose keys were said one by one."""
    first = replace(min(parts.values(), key=lambda c: c.source), value=_json({}, parts))
    for other in list(table.candidates.get(path, [])):
        said = _parsed(other.value)
        if _json(said, parts) != _json(said, {}):
            yield from contradiction(path, other, (*prefix, "engine"), [first], other.value)
    put_once(table, path, first)


def _parsed(text: Any) -> dict[str, Any]:
    try:
        found = json.loads(str(text))
        json.dumps(found)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _along(table: Table, engine: Engine, prefix: Path) -> None:
    """Variables that an engine needs besides a key's own, where that key is said (a switch: where it is on)."""
    for key, variables in engine.along.items():
        found = table.candidates.get((*prefix, "engine", *key.split(".")), [])
        best = min(found, key=lambda c: c.source) if found else None
        for name, value in variables.items() if best is not None and best.value is not False else ():
            named = name if name.isupper() else variable(engine, name)
            if best is not None and ("env", named) not in table.candidates:
                put_once(table, (*prefix, "env", named), replace(best, value=value))


def _json(whole: Mapping[str, Any], parts: Mapping[str, Candidate]) -> str:
    """An object with parts by dotted key in it, as JSON."""
    found = json.loads(json.dumps(whole))
    for dotted, candidate in parts.items():
        here = found
        *above, last = dotted.split(".")
        for word in above:
            here = here.setdefault(word, {}) if isinstance(here.get(word, {}), dict) else {}
        here[last] = candidate.value
    return json.dumps(found, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _one_name(table: Table, engine: Engine, prefix: Path, key: str, how: Spelled) -> str:
    """The variable that says a key: the one that somebody wrote keeps its name, else it is the engine's usual one.

    Where several were written, by a registry and by the user, the strongest source's stays and says it all.
    """
    usual = variable(engine, how.option)
    known = [usual, *(n for n, said in keys_of(engine).items() if said == key and n != usual)]
    for section in dict.fromkeys((prefix, ())):
        found = {n: table.candidates[path] for n in known if (path := (*section, "env", n)) in table.candidates}
        if found:
            best = min(found, key=lambda n: min(c.source for c in found[n]))
            for name in [n for n in found if n != best and section == prefix]:
                path = (*section, "env", name)
                if all(read(key, str(c.value))[0] is not None for c in found[name]):
                    del table.candidates[path]
            return best
    return usual
