"""The variables for the model, its revision and its chat template.

Law: pure; a model that is named by a variable counts as if it were named by `model.name`.
"""

from __future__ import annotations

from mlcc.core.findings import Finding
from mlcc.core.paths import Item, Path
from mlcc.core.values import Source
from mlcc.registries.engine_rows import Engine
from mlcc.registries.rows import Model
from mlcc.resolve.candidates import Candidate, Table
from mlcc.resolve.engine.typed_keys import contradiction

# Where the image keeps the chat template.
CHAT_TEMPLATE = "/opt/program/chat_template.jinja"
NAME, TEMPLATE, TEMPLATE_FILE = "model.name", "model.chat_template", "model.chat_template_file"


def offer_model_name(table: Table, engine: Engine) -> None:
    """Offers the model that a variable of the engine names for `model.name`, so that its row is selected."""
    variable = engine.model_variables.get(NAME)
    for name in with_every_prefix(engine, variable) if variable else ():
        for candidate in table.all_for(("env", name)):
            if is_hub_id(str(candidate.value)):
                table.offer(("model", "name"), candidate._replace(value=str(candidate.value)))


def offer_model_variables(table: Table, engine: Engine, model: Model | None) -> list[Finding]:
    """Offers the variables for a model of the Hub, its revision and the place of its chat template."""
    findings: list[Finding] = []
    for dotted, variable in engine.model_variables.items():
        candidate = _value_for(table, dotted, model)
        if candidate is None:
            continue
        path: Path = ("env", variable)
        for name in with_every_prefix(engine, variable):
            for other in table.all_for(("env", name)):
                key_path = tuple(dotted.split("."))
                findings += contradiction(("env", name), other, key_path, [candidate], other.value)
                path = ("env", name)
        table.offer(path, candidate)
    if NAME in engine.model_variables:
        _offer_component_models(table, engine.model_variables[NAME])
    return findings


def _value_for(table: Table, dotted: str, model: Model | None) -> Candidate | None:
    """What the variable of a key outside `engine:` has to contain."""
    if dotted == TEMPLATE:
        template = table.best(TEMPLATE) or table.best(TEMPLATE_FILE) or _template_of_row(model)
        return template._replace(value=CHAT_TEMPLATE) if template is not None else None
    candidate = table.best(dotted) if is_hub_id(table.text(NAME)) else None
    return candidate._replace(value=str(candidate.value)) if candidate is not None else None


def _offer_component_models(table: Table, variable: str) -> None:
    """Offers the variable of the model that each inference component names."""
    for component in table.names("inference_components"):
        prefix: Path = ("inference_components", Item(component))
        for candidate in table.all_for((*prefix, "model")):
            if is_hub_id(str(candidate.value)):
                table.offer((*prefix, "env", variable), candidate)


def with_every_prefix(engine: Engine, variable: str) -> tuple[str, ...]:
    """A variable, and its names under the engine's further prefixes."""
    if not variable.startswith(engine.prefix):
        return (variable,)
    return (variable, *(p + variable.removeprefix(engine.prefix) for p in engine.further_prefixes))


def _template_of_row(model: Model | None) -> Candidate | None:
    """The template that the registries have for a model that has none of its own."""
    if model is None or not (model.requires_template and model.chat_template):
        return None
    return Candidate(model.chat_template, Source.MODEL, f"{model.origin} chat_template")


def is_hub_id(name: str) -> bool:
    """True for an id of the Hugging Face Hub."""
    return bool(name) and "://" not in name and not name.startswith("./")
