"""The instance type, split and length of a model, where the user sets none.

Law: pure; all are candidates at the level of the model's row, with an origin that states how they were found.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlcc.core.values import Scalar, Source
from mlcc.registries.engine_rows import Engine
from mlcc.registries.loader import Registries
from mlcc.registries.rows import Instance, Model
from mlcc.resolve.candidates import Table
from mlcc.resolve.choices import HELD, Choices
from mlcc.resolve.hardware import hosts, instances, memory, shares
from mlcc.resolve.hardware.memory import EngineSettings
from mlcc.resolve.result import Rows

# Lengths are given in steps of round numbers, and a length below the second number is of no use.
STEP, USEFUL = 1024, 2048


def can_size(engine: Engine | None, model: Model | None) -> bool:
    """Whether sizes can be computed: the engine has a KV cache, and the model's row has the size of its weights."""
    if engine is None or model is None or "max_model_len" not in engine.typed_keys:
        return False
    return memory.knows_weights(model.facts)


# ---------------------------------------------------------------- the instance type
def offer_instance_type(table: Table, registries: Registries, rows: Rows) -> bool:
    """Offers the first type of the model's row that the target offers, else the cheapest that the model fits.

    True for the latter, which is a type of which the model needs all devices.
    """
    model, engine = rows.model, rows.engine
    if model is None:
        return False
    named = table.best("deployment.instance_type")
    if not can_size(engine, model) or (named is not None and named.source.by_hand):
        engine = None  # without an engine only the types of the model's row are looked at
    offered = rows.target.instances if rows.target is not None else ""
    choice = instances.choose(registries, model, offered, rows.version, engine, _engine_keys(table))
    if choice.name:
        origin = f"{model.origin} {'(the cheapest that it fits)' if choice.fitted else 'instances'}"
        table.put(("deployment", "instance_type"), choice.name, Source.MODEL, origin)
    return choice.fitted


def can_serve(table: Table, registries: Registries, rows: Rows, name: str) -> bool:
    """Whether an instance type that mlcc.lock holds is still one for this configuration.

    The target offers it, it has the kind of device of the type that would be chosen now, and the model fits it where
    that can be computed.
    """
    row, now = registries.instance(name), registries.instance(table.text("deployment.instance_type"))
    offered = rows.target.instances if rows.target is not None else ""
    if row is None:
        return rows.model is not None and name in rows.model.instances
    if (offered and not getattr(row, offered)) or (now and now.accelerator != row.accelerator):
        return False
    if rows.model is None:
        return True
    get = _engine_keys(table)
    if not can_size(rows.engine, rows.model) or not memory.can_estimate(rows.model.facts):
        return name in rows.model.instances
    dtype = instances.number_format(str(get("dtype", "")), rows.model.facts)
    if not instances.device_needs(registries, rows.version, rows.engine, dtype).met(row):
        return False
    size, settings = get("tensor_parallel_size", 0), _settings(table, registries)
    if isinstance(size, int) and size:
        return instances.can_hold(rows.model.facts, row, settings, size)
    return instances.smallest_split(rows.model.facts, row, settings, row.accelerator_count or 1) is not None


# ---------------------------------------------------------------- the split
def offer_split(table: Table, registries: Registries, rows: Rows, needs_all_devices: bool, choices: Choices) -> None:
    """Offers a number of devices for a model that does not fit one, where the user sets none.

    needs_all_devices: the type was chosen because all its devices together can hold the model; choices: what mlcc.lock
    holds stays where the model fits it.
    """
    model, instance, engine = rows.model, rows.instance, rows.engine
    if model is None or instance is None or engine is None or not can_size(engine, model):
        return
    if "tensor_parallel_size" not in engine.typed_keys or table.best("engine.tensor_parallel_size") is not None:
        return
    asked = table.best("hyperpod.gpu_count")
    pod = hosts.pod_devices(rows.target, asked.value if asked is not None else None)
    have = instance.accelerator_count or 1
    devices = min([have, *([pod] if pod else []), *shares.of_components(table, have).values()])
    newest, why = _split(table, registries, model, instance, devices, needs_all_devices)
    if newest is None:
        return
    settings, splits = _settings(table, registries), tuple(instances.possible_splits(model.facts, devices))

    def offered(held: Scalar) -> bool:
        return held in splits and instances.can_hold(model.facts, instance, settings, int(held))

    context = f"{table.text('model.name')} on {instance.name}"
    size = int(choices.choose(("engine", "tensor_parallel_size"), newest, context, offered))
    if size > 1:
        origin = f"{model.origin} ({why.format(instance.name)})" if size == newest else HELD
        table.put(("engine", "tensor_parallel_size"), size, Source.MODEL, origin)


def _split(
    table: Table, registries: Registries, model: Model, instance: Instance, devices: int, needs_all_devices: bool
) -> tuple[int | None, str]:
    """Over how many devices a model is split, and why.  May offer a length that makes it fit."""
    splits = list(instances.possible_splits(model.facts, devices))
    if needs_all_devices:
        return max(splits), "all devices of {}, which it needs"
    settings = _settings(table, registries)
    size = instances.smallest_split(model.facts, instance, settings, devices)
    if size is not None:
        return size, "as many devices of {} as it needs"
    # Where no length fits either, the checks show the sum over all devices.
    size, why = max(splits, default=None), "all devices of {} that can share it"
    if size is not None:
        _offer_length(table, model, instance, settings._replace(tensor_parallel=size))
    return size, why


# ---------------------------------------------------------------- the length
def _offer_length(table: Table, model: Model, instance: Instance, settings: EngineSettings) -> None:
    """Offers the longest length that the model's own type can hold, where the user sets neither type nor length.

    A user who names an instance type gets a finding instead: the model's own length does not fit it.
    """
    chosen = table.best("deployment.instance_type")
    if chosen is None or chosen.source.by_hand or table.best("engine.max_model_len") is not None:
        return
    estimate = instances.estimate(model.facts, instance, settings) if memory.can_estimate(model.facts) else None
    if estimate is None:
        return
    lengths = [estimate.length_of(n) // STEP * STEP for n in (memory.COMFORTABLE, 1)]
    length = next((n for n in lengths if n >= USEFUL), 0)
    if length:
        origin = f"{model.origin} (what {instance.name} holds)"
        table.put(("engine", "max_model_len"), length, Source.MODEL, origin)


# ---------------------------------------------------------------- the engine's settings
def _settings(table: Table, registries: Registries) -> EngineSettings:
    """The engine's settings, as far as typed keys set them."""
    return instances.engine_settings(registries, _engine_keys(table))


def _engine_keys(table: Table) -> Callable[[str, Any], Any]:
    """Looks up the value of a key of `engine:`."""

    def get(key: str, default: Any) -> Any:
        candidate = table.best(f"engine.{key}")
        return default if candidate is None else candidate.value

    return get
