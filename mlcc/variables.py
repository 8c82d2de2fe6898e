"""`engine:` and `env:` made to say the same.  Law: pure; each form is a candidate for the other.

Who writes an engine's variable himself, under `env:`, says the same thing as the typed key: as both are candidates,
precedence and provenance need no second rule.  One key may be a part of a JSON option (`speculative-config.model`);
its variable holds all the parts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from mlcc.candidates import Candidate, Table, names
from mlcc.diagnostics import Finding, Severity
from mlcc.registries.engine_types import Engine
from mlcc.registries.types import Model
from mlcc.spelling import MAX, Spelled, is_switch, keys_of, negated, ours, read, same, spelled, text, theirs, variable
from mlcc.switches import switched
from mlcc.values import EMPTY, Item, Mark, Path, Source, format_path


def spell(table: Table, engine: Engine, model: Model | None, devices: Mapping[Path, int | None]) -> list[Finding]:
    """Makes `engine:` and `env:` say the same, at the top and in every inference component; `model:` too.

    model: the row of the project's model; devices: accelerators by the path of the section, for `max`.  Returns what
    contradicts itself.
    """
    findings = list(_named(table, engine, model))
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


def typed_from_variables(table: Table, engine: Engine, prefix: Path) -> Iterator[Finding]:
    """What the user wrote in the engine's words, as candidates of the typed keys; a contradiction is a finding.

    May be done again: what is a candidate already is not added twice.
    """
    known, off = keys_of(engine, heard=True), negated(engine, heard=True)
    forms = [(p, str(p[-1])) for p in table.candidates if p[:-1] == (*prefix, "env")]
    forms += [(p, variable(engine, str(p[-1]))) for p in _extra(table, prefix)]
    written = {(c.source, c.mark): (p, c) for p, _ in forms for c in table.candidates[p] if c.mark.line}
    for path, name in forms:
        key = known.get(name) or off.get(name)
        how = spelled(engine, key) if key is not None else None
        if key is None or how is None:
            continue
        typed: Path = (*prefix, "engine", *key.split("."))
        before = table.candidates.get(typed, [])
        for candidate in list(table.candidates[path]):
            value, _ = read(key, ours(engine, key, text(candidate.value)))
            if value is None:
                continue  # the checks say what is wrong with it, in the variable's own words
            value = not value if how.opposite != (name in off) else value
            if all(c.source != candidate.source for c in before):
                table.put(typed, value, candidate.source, candidate.origin, candidate.mark)
            yield from _contradiction(path, candidate, typed, before, value, written)


def _extra(table: Table, prefix: Path) -> list[Path]:
    return [p for p in table.candidates if p[:-1] == (*prefix, "engine", "extra_args")]


def _contradiction(
    path: Path,
    candidate: Candidate,
    other_path: Path,
    others: Iterable[Candidate],
    value: Any,
    written: Mapping[tuple[Source, Mark], tuple[Path, Candidate]] = EMPTY,
) -> Iterator[Finding]:
    """One option, said twice by hand in the same place: neither is above the other.

    written: what was said in variables, by source and place; one of the others may be made of such a one.
    """
    for other in others:
        if not same(other.value, value) and other.source == candidate.source and candidate.source.by_hand:
            other_path, other = written.get((other.source, other.mark), (other_path, other))
            message = (
                f"{format_path(path)} is {_told(path, candidate.value)}, and {format_path(other_path)} is "
                f"{_told(other_path, other.value)} ({other.origin}): they are one option"
            )
            mark = candidate.mark
            file = mark.file or candidate.origin
            hint = "keep one of them"
            yield Finding("MLCC130", Severity.ERROR, message, format_path(path), file, mark.line, mark.column, hint)
            return


def _told(path: Path, value: Any) -> str:
    """A value for a message; a secret, by its name or its form, is not quoted."""
    from mlcc.deployments.redaction import told

    return told(str(path[-1]), text(value), 60)


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
            _put(table, path, replace(candidate, value=shown))
    for option, parts in joined.items():
        yield from _json_option(table, (*prefix, "env", variable(engine, option)), prefix, parts)
    known = keys_of(engine)
    for path in _extra(table, prefix):
        name = variable(engine, str(path[-1]))
        target: Path = (*prefix, "env", name)
        for candidate in table.candidates[path]:
            if name in known and read(known[name], text(candidate.value))[0] is not None:
                continue  # the typed key says it
            said = replace(candidate, value=text(candidate.value))
            yield from _contradiction(path, said, target, table.candidates.get(target, []), said.value)
            _put(table, target, said)


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
            yield from _contradiction(path, other, (*prefix, "engine"), [first], other.value)
    _put(table, path, first)


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
                _put(table, (*prefix, "env", named), replace(best, value=value))


CHAT_TEMPLATE = "/opt/program/chat_template.jinja"


def _named(table: Table, engine: Engine, model: Model | None) -> Iterator[Finding]:
    """The variables of keys outside `engine:`: which model of the Hub, which revision, where the chat template lies."""
    for dotted, variable_name in engine.names.items():
        found = table.winner(dotted)
        if dotted == "model.chat_template":
            found = found or table.winner("model.chat_template_file") or _needed_template(model)
        elif not _on_hub(table.chosen("model.name")):
            continue
        if found is None:
            continue
        value = CHAT_TEMPLATE if dotted == "model.chat_template" else str(found.value)
        found, path = replace(found, value=value), ("env", variable_name)
        for other in (variable_name, *_aliases(engine, variable_name)):
            for candidate in list(table.candidates.get(("env", other), [])):
                yield from _contradiction(("env", other), candidate, tuple(dotted.split(".")), [found], candidate.value)
                path = ("env", other)
        _put(table, path, found)
    for component in names(table.candidates, ("inference_components",)):
        prefix: Path = ("inference_components", Item(component))
        for candidate in table.candidates.get((*prefix, "model"), []):
            if "model.name" in engine.names and _on_hub(str(candidate.value)):
                _put(table, (*prefix, "env", engine.names["model.name"]), candidate)


def model_from_variable(table: Table, engine: Engine) -> None:
    """The model that somebody names in the engine's words, as a candidate of model.name: it is looked up like one."""
    name = engine.names.get("model.name", "")
    for variable_name in (name, *_aliases(engine, name)) if name else ():
        for candidate in table.candidates.get(("env", variable_name), []):
            known = table.candidates.get(("model", "name"), [])
            if _on_hub(str(candidate.value)) and all(c.source != candidate.source for c in known):
                table.put(("model", "name"), str(candidate.value), candidate.source, candidate.origin, candidate.mark)


def _aliases(engine: Engine, name: str) -> tuple[str, ...]:
    """A variable under the engine's further prefixes."""
    return tuple(prefix + name.removeprefix(engine.prefix) for prefix in engine.also if name.startswith(engine.prefix))


def _needed_template(model: Model | None) -> Candidate | None:
    """The template that the registries have for a model that brings none of its own."""
    if model is None or not (model.requires_template and model.chat_template):
        return None
    return Candidate(model.chat_template, Source.MODEL, f"{model.origin} chat_template", Mark(""))


def _on_hub(name: str) -> bool:
    """True for an id of the Hugging Face Hub."""
    return bool(name) and "://" not in name and not name.startswith("./")


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


def _put(table: Table, path: Path, candidate: Candidate) -> None:
    """Takes a candidate, unless the same source says the same already."""
    if all(c.source != candidate.source for c in table.candidates.get(path, [])):
        table.put(path, candidate.value, candidate.source, candidate.origin, candidate.mark)
