"""`engine:` and `env:` made consistent: each is read as the other.

Law: pure; each form is a candidate for the other one, so that precedence and provenance need no second rule.  A user
may write an engine's variable under `env:` or the typed key under `engine:`; both mean the same option.  A key may be
a part of a JSON option (`speculative-config.model`); the variable of the option holds all its parts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlcc.core.findings import Finding
from mlcc.core.paths import Item, Path
from mlcc.core.records import NamedTuple
from mlcc.core.value_text import short_text
from mlcc.registries.engine_rows import Engine
from mlcc.registries.rows import Model
from mlcc.resolve.candidates import Candidate, Table, strongest
from mlcc.resolve.engine import spelling
from mlcc.resolve.engine.model_variables import offer_model_variables
from mlcc.resolve.engine.spelling import Spelled, keys_by_variable, negated_keys, parse_value, spelled, variable
from mlcc.resolve.engine.typed_keys import (
    contradiction,
    extra_arguments,
    offer_typed_keys,
    typed_key_contradictions,
)


def spell(table: Table, engine: Engine, model: Model | None, devices: Mapping[Path, int | None]) -> list[Finding]:
    """Makes `engine:` and `env:` consistent, at the top and in every inference component; `model:` too.

    model: the row of the project's model; devices: accelerators by the path of the section, for `max`.  Returns the
    contradictions.
    """
    findings = offer_model_variables(table, engine, model)
    for prefix in ((), *(("inference_components", Item(name)) for name in table.names("inference_components"))):
        in_section = _engine_of_section(table, engine, prefix)
        offer_typed_keys(table, in_section, prefix)
        findings += typed_key_contradictions(table, in_section, prefix)
        _offer_companions(table, in_section, prefix)
        _offer_plain_options(table, in_section, prefix, devices.get(prefix, devices.get(())))
        findings += _offer_json_options(table, in_section, prefix)
        findings += _offer_extra_arguments(table, in_section, prefix)
    return findings


# ---------------------------------------------------------------- the options of a section
def _engine_of_section(table: Table, engine: Engine, prefix: Path) -> Engine:
    """The engine as it spells in a section: a key may have another option where some other key has a certain value."""
    typed_keys, companions = dict(engine.typed_keys), dict(engine.companions)
    for key, conditions in engine.alternatives.items():
        for other, options in conditions.items():
            candidate = _in_any_form(table, engine, prefix, other) or _in_any_form(table, engine, (), other)
            if candidate is None:
                continue
            word = spelling.mlcc_word(engine, other, short_text(candidate.value))
            if word in options:
                typed_keys[key] = options[word]
                companions.pop(key, None)
    return engine._replace(typed_keys=typed_keys, companions=companions) if engine.alternatives else engine


def _in_any_form(table: Table, engine: Engine, prefix: Path, key: str) -> Candidate | None:
    """The strongest candidate of a typed key in a section, as the key or as one of its variables."""
    paths = [(*prefix, "env", name) for name in _names(keys_by_variable(engine, accepted=True), key)]
    paths.append((*prefix, "engine", *key.split(".")))
    return strongest(candidate for path in paths for candidate in table.all_for(path))


def _names(keys: Mapping[str, str], key: str) -> list[str]:
    """The variables of a key."""
    return [name for name, its_key in keys.items() if its_key == key]


def _offer_companions(table: Table, engine: Engine, prefix: Path) -> None:
    """Offers the options that have to be set together with a key, where the key is set (a switch: where it is on)."""
    for key, options in engine.companions.items():
        best = table.best((*prefix, "engine", *key.split(".")))
        if best is None or best.value is False:
            continue
        for option, value in options.items():
            name = option if option.isupper() else variable(engine, option)
            if ("env", name) not in table:
                table.offer((*prefix, "env", name), best._replace(value=value))


# ---------------------------------------------------------------- plain options
def _offer_plain_options(table: Table, engine: Engine, prefix: Path, devices: int | None) -> None:
    """Offers the variable of every typed key that is an option of its own."""
    for key in engine.typed_keys:
        how, candidates = spelled(engine, key), _typed_candidates(table, prefix, key)
        if how is None or how.key or not candidates:
            continue
        path: Path = (*prefix, "env", _one_name(table, engine, prefix, key, how))
        if engine.negation and spelling.is_switch(key):
            switch = decide_switch(table, engine, path, key, candidates)
            _remove_contrary(table, switch, prefix, key)
            path, candidates = switch.path, switch.candidates
        for candidate in candidates:
            value = not candidate.value if how.opposite else candidate.value
            is_max = value == spelling.MAX and devices
            text = str(devices) if is_max else spelling.engine_word(engine, key, short_text(value))
            table.offer(path, candidate._replace(value=text))


def _typed_candidates(table: Table, prefix: Path, key: str) -> tuple[Candidate, ...]:
    """Candidates of a typed key in a section.

    A component takes the project's candidates where it must have a variable of its own: for `max`, because it has its
    own number of devices, and where it sets another part of the same JSON option, because the variable holds all parts.
    """
    path: Path = ("engine", *key.split("."))
    own, project = table.all_for((*prefix, *path)), table.all_for(path)
    best = strongest(project)
    if own or best is None:
        return own
    return project if best.value == spelling.MAX or _has_sibling(table, prefix, key) else ()


def _has_sibling(table: Table, prefix: Path, key: str) -> bool:
    section, dot, _ = key.rpartition(".")
    return bool(dot) and bool(table.keys(*prefix, "engine", section))


def _one_name(table: Table, engine: Engine, prefix: Path, key: str, how: Spelled) -> str:
    """The one variable for a key: the one that is written already, else the engine's usual one.

    Where several are written, by a registry and by the user, that of the strongest source stays and replaces the rest.
    """
    usual = variable(engine, how.option)
    names = dict.fromkeys((usual, *_names(keys_by_variable(engine), key)))
    for section in dict.fromkeys((prefix, ())):
        written = {n: best for n in names if (best := table.best((*section, "env", n))) is not None}
        if written:
            kept = min(written, key=lambda name: written[name].source)
            for path in ((*section, "env", name) for name in written if name != kept and section == prefix):
                if all(parse_value(key, str(c.value)).value is not None for c in table.all_for(path)):
                    table.drop(path)
            return kept
    return usual


class Switch(NamedTuple):
    """The variable that sets a switch, its candidates, and the variables that would set it the contrary way.

    best: the strongest candidate of the typed key.
    """

    path: Path
    candidates: tuple[Candidate, ...]
    contrary: tuple[str, ...]
    best: Candidate


def decide_switch(table: Table, engine: Engine, path: Path, key: str, candidates: tuple[Candidate, ...]) -> Switch:
    """Decides which variable sets a switch, where the engine has an option that switches it off.

    path: the variable of the option itself.  The negated option is used where it is written already, or where the
    image's entry point ignores `false`.
    """
    prefix, name, how, best = path[:-2], str(path[-1]), spelled(engine, key), strongest(candidates)
    assert how is not None
    assert best is not None
    on, off = {name, *_names(keys_by_variable(engine), key)}, set(_names(negated_keys(engine), key))
    written = sorted(n for n in off if (*prefix, "env", n) in table)
    if best.value is not how.opposite or not (written or engine.drops_false):
        return Switch(path, candidates, tuple(sorted(off - {name})), best)
    name = written[0] if written else variable(engine, engine.negation + how.option)
    switched_off = tuple(c._replace(value=not how.opposite) for c in candidates if c.value is how.opposite)
    return Switch((*prefix, "env", name), switched_off, tuple(sorted(on - {name})), best)


def _remove_contrary(table: Table, switch: Switch, prefix: Path, key: str) -> None:
    """Removes variables that set a switch the contrary way; a component sets those of the project to `false`."""
    for name in switch.contrary:
        path: Path = (*prefix, "env", name)
        best = table.best(path)
        if best is not None and parse_value(key, short_text(best.value)).value is True:
            table.drop(path)
        if prefix and ("env", name) in table:
            table.replace(path, switch.best._replace(value="false"))


# ---------------------------------------------------------------- JSON options
def _offer_json_options(table: Table, engine: Engine, prefix: Path) -> list[Finding]:
    """Offers the variable of every option whose parts are typed keys; returns contradictions."""
    options: dict[str, dict[str, Candidate]] = {}
    for key in engine.typed_keys:
        how, best = spelled(engine, key), strongest(_typed_candidates(table, prefix, key))
        if how is not None and how.key and best is not None:
            options.setdefault(how.option, {})[how.key] = best
    findings: list[Finding] = []
    for option, parts in options.items():
        best = strongest(parts.values())
        assert best is not None
        whole, path = best._replace(value=_json({}, parts)), (*prefix, "env", variable(engine, option))
        for other in table.all_for(path):
            written = _parsed(other.value)
            if _json(written, parts) != _json(written, {}):
                findings += contradiction(path, other, (*prefix, "engine"), [whole], other.value)
        table.offer(path, whole)
    return findings


def _parsed(text: Any) -> dict[str, Any]:
    try:
        document = json.loads(str(text))
        json.dumps(document)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _json(whole: Mapping[str, Any], parts: Mapping[str, Candidate]) -> str:
    """An object with parts by dotted key in it, as JSON."""
    document = json.loads(json.dumps(whole))
    for dotted, candidate in parts.items():
        section = document
        *above, last = dotted.split(".")
        for word in above:
            section = section.setdefault(word, {}) if isinstance(section.get(word, {}), dict) else {}
        section[last] = candidate.value
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


# ---------------------------------------------------------------- extra arguments
def _offer_extra_arguments(table: Table, engine: Engine, prefix: Path) -> list[Finding]:
    """Offers the variables of `engine.extra_args` that are not read as typed keys; returns contradictions."""
    keys, findings = keys_by_variable(engine), list[Finding]()
    for path in extra_arguments(table, prefix):
        name = variable(engine, str(path[-1]))
        target: Path = (*prefix, "env", name)
        for candidate in table.all_for(path):
            text = short_text(candidate.value)
            if name in keys and parse_value(keys[name], text).value is not None:
                continue
            argument = candidate._replace(value=text)
            findings += contradiction(path, argument, target, table.all_for(target), text)
            table.offer(target, argument)
    return findings
