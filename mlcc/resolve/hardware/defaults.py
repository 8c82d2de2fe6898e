"""What a model brings where nobody says: an instance type, a split over its devices, a length.  Law: pure.

All are candidates like any other, at the level of the model's row, with an origin that says how they were found.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlcc.core.values import Source
from mlcc.registries.engine_rows import Engine
from mlcc.registries.loader import Registries
from mlcc.registries.rows import FrameworkVersion, Instance, Model, Target
from mlcc.resolve.candidates import Table
from mlcc.resolve.engine import typed_keys
from mlcc.resolve.hardware import instances, memory

# Lengths are named in steps that people write; a shorter one than the second is of no use.
STEP, USEFUL = 1024, 2048


def possible(table: Table, model: Model | None, engine: Engine | None) -> Engine | None:
    """The engine, where the model's row has the facts that sizes follow from; what its variables say is read in."""
    if engine is None or model is None or "max_model_len" not in engine.typed or not memory.sized(model.facts):
        return None
    list(typed_keys.typed_from_variables(table, engine, ()))  # what contradicts itself is said when all is spelled
    return engine


def place(
    table: Table,
    registries: Registries,
    model: Model | None,
    target: Target | None,
    version: FrameworkVersion | None,
    engine: Engine | None,
) -> bool:
    """The instance type that a model brings: the first of its row that the target offers, else the cheapest it fits.

    True for the latter, which is one that the model needs all devices of.
    """
    if model is None:
        return False
    wins = table.winner("deployment.instance_type")
    said = wins is not None and wins.source.level < Source.MODEL.level
    offered = target.instances if target is not None else ""
    name, fitted = instances.choose(registries, model, offered, version, None if said else engine, _getter(table))
    if name:
        why = "(the cheapest that it fits)" if fitted else "instances"
        table.put(("deployment", "instance_type"), name, Source.MODEL, f"{model.origin} {why}")
    return fitted


def split(
    table: Table,
    registries: Registries,
    model: Model | None,
    instance: Instance | None,
    engine: Engine | None,
    whole: bool = False,
) -> None:
    """Over how many devices a model is split that does not fit one, where nobody says it.

    whole: the type was chosen because all its devices hold the model.
    """
    if model is None or instance is None or engine is None:
        return
    if "tensor_parallel_size" not in engine.typed or table.winner("engine.tensor_parallel_size") is not None:
        return
    devices = min([instance.accelerator_count or 1, *_counts(table)])
    over, why = max(instances.splits(model.facts, devices)) if whole else None, "all devices of {}, which it needs"
    if over is None:
        over = instances.split(model.facts, instance, _wanted(table, registries), devices)
        why = "as many devices of {} as it needs"
    if over is None:
        over, why = _shortened(table, registries, model, instance, devices), "all devices of {} that can share it"
    if over is None:  # nothing holds it: the checks sum it up over all that there are
        over = max(instances.splits(model.facts, devices), default=1)
    if over is not None and over > 1:
        origin = f"{model.origin} ({why.format(instance.name)})"
        table.put(("engine", "tensor_parallel_size"), over, Source.MODEL, origin)


def _counts(table: Table) -> list[int]:
    """How many devices the components get that are switched on, where they say it."""
    found = []
    for path, candidates in table.candidates.items():
        if path[0] == "inference_components" and path[2:] == ("gpu_count",):
            enabled = table.candidates.get((*path[:2], "enabled"), [])
            if all(c.value for c in sorted(enabled, key=lambda c: c.source)[:1]):
                found.append(int(min(candidates, key=lambda c: c.source).value))
    return found


def _shortened(table: Table, registries: Registries, model: Model, instance: Instance, devices: int) -> int | None:
    """A length that the model's own type holds, where nobody names type or length; over how many devices, or None.

    Who names an instance type himself is told instead that the model's own length does not fit it.
    """
    chosen = table.winner("deployment.instance_type")
    ours = chosen is not None and chosen.source.level >= Source.MODEL.level
    over = max(instances.splits(model.facts, devices), default=0)
    if not ours or not over or table.winner("engine.max_model_len") is not None or not memory.possible(model.facts):
        return None
    found = instances.solve(model.facts, instance, _wanted(table, registries)._replace(tensor_parallel=over))
    lengths = [found.length_of(n) // STEP * STEP for n in (memory.COMFORTABLE, 1)] if found is not None else []
    length = next((n for n in lengths if n >= USEFUL), 0)
    if length:
        origin = f"{model.origin} (what {instance.name} holds)"
        table.put(("engine", "max_model_len"), length, Source.MODEL, origin)
    return over if length else None


def _wanted(table: Table, registries: Registries) -> memory.Wanted:
    """What the engine is asked for, as far as the typed keys say."""
    return instances.wanted(registries, _getter(table))


def _getter(table: Table) -> Callable[[str, Any], Any]:
    """Looks up the value of a key of `engine:`."""

    def get(key: str, default: Any) -> Any:
        found = table.winner(f"engine.{key}")
        return default if found is None else found.value

    return get
