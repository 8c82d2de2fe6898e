"""The variables that say which model, which revision and which chat template.  Law: pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mlcc.core.findings import Finding
from mlcc.core.nodes import Mark
from mlcc.core.paths import Item, Path, names
from mlcc.core.values import Source
from mlcc.registries.engine_rows import Engine
from mlcc.registries.rows import Model
from mlcc.resolve.candidates import Candidate, Table, put_once
from mlcc.resolve.engine.typed_keys import contradiction

CHAT_TEMPLATE = "/opt/program/chat_template.jinja"


def add_model_variables(table: Table, engine: Engine, model: Model | None) -> Iterator[Finding]:
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
                yield from contradiction(("env", other), candidate, tuple(dotted.split(".")), [found], candidate.value)
                path = ("env", other)
        put_once(table, path, found)
    for component in names(table.candidates, ("inference_components",)):
        prefix: Path = ("inference_components", Item(component))
        for candidate in table.candidates.get((*prefix, "model"), []):
            if "model.name" in engine.names and _on_hub(str(candidate.value)):
                put_once(table, (*prefix, "env", engine.names["model.name"]), candidate)


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
