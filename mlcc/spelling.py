"""Typed engine options as container variables, and back.  Law: pure; how an engine spells is data (engines.yaml).

mlcc.yaml says `engine: {max_model_len: 4096}`; a container of vLLM is told VLLM_MAX_MODEL_LEN=4096.  Who writes the
variable himself, under `env:`, says the same thing: each form is a candidate for the other, so that precedence and
provenance need no second rule.  One key may be a part of a JSON option (`speculative-config.model`); its variable
holds all the parts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from mlcc import config
from mlcc.candidates import Candidate, Table, names
from mlcc.diagnostics import Finding, Severity, quoted
from mlcc.registries.engine_types import Engine
from mlcc.registries.types import Model
from mlcc.values import Item, Mark, Path, Source, format_path

MAX = "max"


class Spelled(NamedTuple):
    """How an engine spells a key: its option, the key within it (empty for a plain one), and the opposite sense."""

    option: str
    key: str = ""
    opposite: bool = False


def spelled(engine: Engine, key: str) -> Spelled | None:
    """How an engine spells a key of `engine:`, or None when it has no such option."""
    text = engine.typed.get(key, "")
    option, _, rest = text.removeprefix("!").partition(".")
    return Spelled(option, rest, text.startswith("!")) if option else None


def variable(engine: Engine, option: str) -> str:
    """The container variable of an option: `max-model-len` -> VLLM_MAX_MODEL_LEN."""
    return engine.prefix + option.upper().replace("-", "_").replace(".", "_")


def text(value: Any) -> str:
    """A value as a variable's text: true and false as words, numbers plain."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def keys_of(engine: Engine) -> dict[str, str]:
    """Which typed key each container variable says, with every prefix that is understood (JSON options excepted)."""
    found = {}
    for key in engine.typed:
        how = spelled(engine, key)
        assert how is not None
        for prefix in (engine.prefix, *engine.also):
            if not how.key:
                found[prefix + variable(engine, how.option).removeprefix(engine.prefix)] = key
    return {**found, **engine.more}


# ---------------------------------------------------------------- candidates
def spell(table: Table, engine: Engine, devices: Mapping[Path, int | None]) -> list[Finding]:
    """Makes `engine:` and `env:` say the same, at the top and in every inference component.

    devices: accelerators by the path of the section (() or that of a component), for `tensor_parallel_size: max`.
    Returns what contradicts itself.
    """
    findings: list[Finding] = []
    components = names(table.candidates, ("inference_components",))
    for prefix in ((), *(("inference_components", Item(name)) for name in components)):
        findings += _typed_from_variables(table, engine, prefix)
        _with_lora(table, engine, prefix)
        _variables_from_typed(table, engine, prefix, devices.get(prefix, devices.get(())))
    return findings


def _typed_from_variables(table: Table, engine: Engine, prefix: Path) -> Iterator[Finding]:
    """What the user wrote as variables, as candidates of the typed keys; a contradiction is a finding."""
    known = keys_of(engine)
    written = [p for p in table.candidates if p[:-1] == (*prefix, "env") and p[-1] in known]
    for path in written:
        key = known[str(path[-1])]
        how = spelled(engine, key)
        typed: Path = (*prefix, "engine", *key.split("."))
        before = table.candidates.get(typed, [])
        for candidate in list(table.candidates[path]):
            value, wrong = config.coerce(("engine", *key.split(".")), str(candidate.value))
            if wrong or how is None:
                continue  # the checks say what is wrong with it, in the variable's own words
            value = not value if how.opposite else value
            yield from _contradiction(path, candidate, typed, before, value)
            table.put(typed, value, candidate.source, candidate.origin, candidate.mark)


def _contradiction(
    path: Path, candidate: Candidate, typed: Path, others: list[Candidate], value: Any
) -> Iterator[Finding]:
    for other in others:
        if other.value != value and _by_hand(other) and _by_hand(candidate):
            message = (
                f"{format_path(path)} is {quoted(str(candidate.value), 60)}, and {format_path(typed)} is "
                f"{quoted(text(other.value), 60)} ({other.origin}): they are one option"
            )
            mark = candidate.mark
            file = mark.file or candidate.origin
            yield Finding(
                "MLCC130", Severity.ERROR, message, format_path(path), file, mark.line, mark.column, "keep one of them"
            )
            return


def _by_hand(candidate: Candidate) -> bool:
    """True for what somebody wrote or chose, as opposed to a registry's and the built-in defaults."""
    return candidate.source.level < 8


def _variables_from_typed(table: Table, engine: Engine, prefix: Path, devices: int | None) -> None:
    joined: dict[str, dict[str, Candidate]] = {}
    for key in engine.typed:
        how = spelled(engine, key)
        found = table.candidates.get((*prefix, "engine", *key.split(".")), [])
        if how is None or not found:
            continue
        if how.key:
            joined.setdefault(how.option, {})[how.key] = min(found, key=lambda c: c.source)
            continue
        path: Path = (*prefix, "env", _name_in_use(table, engine, prefix, key, how))
        for candidate in found:
            value = not candidate.value if how.opposite else candidate.value
            shown = str(devices) if value == MAX and devices else text(value)
            _put(table, path, replace(candidate, value=shown))
    for option, parts in joined.items():
        first = min(parts.values(), key=lambda c: c.source)
        _put(table, (*prefix, "env", variable(engine, option)), replace(first, value=_json(parts)))
    for path in [p for p in table.candidates if p[:-1] == (*prefix, "engine", "extra_args")]:
        for candidate in table.candidates[path]:
            _put(
                table,
                (*prefix, "env", variable(engine, str(path[-1]))),
                replace(candidate, value=text(candidate.value)),
            )


def _with_lora(table: Table, engine: Engine, prefix: Path) -> None:
    """Variables that hot loading of adapters needs, where LoRA is on."""
    found = table.candidates.get((*prefix, "engine", "lora", "enabled"), [])
    best = min(found, key=lambda c: c.source) if found else None
    if best is not None and best.value is True:
        for name, value in engine.with_lora.items():
            _put(table, (*prefix, "env", name), replace(best, value=value))


CHAT_TEMPLATE = "/opt/program/chat_template.jinja"


def name(table: Table, engine: Engine, model: Model | None) -> None:
    """The variables of keys outside `engine:`: which model of the Hub, which revision, where the chat template lies."""
    for dotted, name in engine.names.items():
        found = table.winner(dotted)
        if dotted == "model.chat_template":
            found = found or table.winner("model.chat_template_file") or _needed_template(model)
            value = CHAT_TEMPLATE
        elif found is not None and _on_hub(table):
            value = str(found.value)
        else:
            continue
        if found is not None:
            _put(table, ("env", name), replace(found, value=value))


def _needed_template(model: Model | None) -> Candidate | None:
    """The template that the registries have for a model that brings none of its own."""
    if model is None or not (model.requires_template and model.chat_template):
        return None
    return Candidate(model.chat_template, Source.MODEL, f"{model.origin} chat_template", Mark(""))


def _on_hub(table: Table) -> bool:
    """True where model.name is an id of the Hugging Face Hub."""
    chosen = table.chosen("model.name")
    return bool(chosen) and "://" not in chosen and not chosen.startswith("./")


def _json(parts: Mapping[str, Candidate]) -> str:
    """Parts by dotted key as one JSON object."""
    whole: dict[str, Any] = {}
    for dotted, candidate in parts.items():
        here = whole
        *above, last = dotted.split(".")
        for word in above:
            here = here.setdefault(word, {})
        here[last] = candidate.value
    return json.dumps(whole, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _name_in_use(table: Table, engine: Engine, prefix: Path, key: str, how: Spelled) -> str:
    """The variable that the user wrote for a key, which keeps its name; else the engine's usual one."""
    usual = variable(engine, how.option)
    others = (name for name, said in keys_of(engine).items() if said == key and name != usual)
    return next((n for n in others if (*prefix, "env", n) in table.candidates), usual)


def _put(table: Table, path: Path, candidate: Candidate) -> None:
    """Takes a candidate, unless the same source says the same already."""
    if all(c.source != candidate.source for c in table.candidates.get(path, [])):
        table.put(path, candidate.value, candidate.source, candidate.origin, candidate.mark)
