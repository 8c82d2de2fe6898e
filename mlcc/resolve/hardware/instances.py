"""Which instance type holds a model, and over how many of its devices.  Law: pure; `fit` does the sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from mlcc.core.version_order import order
from mlcc.registries.engine_rows import Engine
from mlcc.registries.loader import Registries
from mlcc.registries.rows import FrameworkVersion, Instance, Model
from mlcc.resolve.hardware import memory
from mlcc.resolve.hardware.memory import Device, Fit, Wanted

MIB_PER_GIB = 1024
# The share of an engine's memory that weights may take where nothing else is known of a model.
WEIGHTS = 0.85
# Beyond this share of a machine's memory, a checkpoint that is read through it leaves too little for the engine.
HOST_SHARE = 0.8


def device(instance: Instance) -> Device | None:
    """One CUDA device of an instance type, with the memory that programs may use; None where that is not known."""
    if instance.accelerator != "cuda" or not instance.accelerator_count:
        return None
    reported = instance.reported_memory_mib
    whole = reported / MIB_PER_GIB if reported else instance.accelerator_memory_gib
    return Device(instance.accelerator_name, whole * memory.USABLE, instance.small_batches) if whole else None


def wanted(registries: Registries, get: Callable[[str, Any], Any], tensor_parallel: int = 1) -> Wanted:
    """What an engine is asked for.  get: the value of a key of `engine:`, or what it is given as its default."""
    lora = bool(get("lora.enabled", False))
    return Wanted(
        tensor_parallel=tensor_parallel,
        pipeline_parallel=int(get("pipeline_parallel_size", 1)),
        utilization=float(get("gpu_memory_utilization", 0.9)),
        length=get("max_model_len", None),
        sequences=get("max_num_seqs", None),
        batched_tokens=get("max_num_batched_tokens", None),
        dtype=str(get("dtype", "")),
        quantization=str(get("quantization", "")),
        cache_dtype=str(get("kv_cache_dtype", "")),
        loras=int(get("lora.max_loras", 1)) if lora else 0,
        lora_rank=int(get("lora.max_lora_rank", 16)),
        methods=registries.entries("quantizations"),
    )


def solve(facts: Mapping[str, Any], instance: Instance, wanted: Wanted) -> Fit | None:
    """The sum for a model on an instance type, or None where the device's memory is not known."""
    found = device(instance)
    return memory.solve(facts, found, wanted) if found is not None else None


def shares(facts: Mapping[str, Any], devices: int) -> bool:
    """Whether so many devices can share a model's heads evenly.

    Heads of keys and values are divided too, or copied where there are fewer of them than devices (vLLM's
    QKVParallelLinear asserts it); a model with latent attention has none to divide.
    """
    heads, narrow = int(facts.get("attention_heads", 0)), int(facts.get("kv_heads", 0))
    if heads % devices or not narrow or "mla" in facts:
        return heads % devices == 0
    return narrow % devices == 0 if narrow >= devices else devices % narrow == 0


def splits(facts: Mapping[str, Any], devices: int) -> Iterator[int]:
    """Over how many of so many devices a model can be split, the fewest first."""
    return (n for n in range(1, devices + 1) if devices % n == 0 and shares(facts, n))


def passes_through(facts: Mapping[str, Any], instance: Instance, wanted: Wanted) -> bool:
    """Whether a checkpoint, on its way to the devices, leaves the machine's own memory something for the engine."""
    weights = memory.weight_gib(facts, wanted._replace(quantization=""))
    return not instance.memory_gib or weights <= HOST_SHARE * instance.memory_gib


def split(facts: Mapping[str, Any], instance: Instance, wanted: Wanted, devices: int) -> int | None:
    """The fewest of so many devices of an instance type that hold a model with room for several callers.

    Where they have room for a few only, all that can share it; None where not even those hold it.
    """
    if not memory.possible(facts):
        return _by_weights(facts, instance, wanted, devices)
    most = None
    for count in splits(facts, devices):
        found = solve(facts, instance, wanted._replace(tensor_parallel=count))
        if found is not None and found.verdict == memory.FITS:
            return count
        most = count if found is not None and found.verdict != memory.NO else most
    return most


def _by_weights(facts: Mapping[str, Any], instance: Instance, wanted: Wanted, devices: int) -> int | None:
    """The same for a model of which only the size is known: its weights leave a part of each device free."""
    one = device(instance)
    if one is None:
        return None
    weights, room = memory.weight_gib(facts, wanted), one.memory_gib * wanted.utilization * WEIGHTS
    return next((count for count in splits(facts, devices) if weights <= room * count), None)


class Needs(NamedTuple):
    """The compute capability that devices must have at least, and the last generation of them; empty, 0: any.

    number_format: what the number format needs besides, which an engine may do without by choosing another one.
    """

    least: str = ""
    newest: int = 0
    number_format: str = ""

    def too_old(self, instance: Instance) -> bool:
        """Whether an instance type's devices are older than what the image's kernels are made for."""
        return bool(self.least) and order(instance.compute_capability) < order(self.least)

    def too_new(self, instance: Instance) -> bool:
        """Whether they are of a later generation than the image's CUDA makes code for."""
        return bool(self.newest) and int(instance.compute_capability.partition(".")[0]) > self.newest

    def met(self, instance: Instance) -> bool:
        """Whether an instance type's devices run the image, in the model's own number format."""
        if not instance.compute_capability:
            return True
        has_format = not self.number_format or order(instance.compute_capability) >= order(self.number_format)
        return has_format and not self.too_old(instance) and not self.too_new(instance)


ANY = Needs()


def number_format(asked: str, facts: Mapping[str, Any]) -> str:
    """The format that a model computes in: the one that is asked for, else its checkpoint's, else the usual one."""
    return str(facts.get("dtype", "bfloat16")) if asked in ("", "auto") else asked


def needs(
    registries: Registries, version: FrameworkVersion | None, engine: Engine | None = None, dtype: str = ""
) -> Needs:
    """Which devices a version's image runs on.  dtype: the number format that the engine is asked to compute in."""
    accelerator = version.accelerator if version is not None else {}
    toolkit = ".".join(str(accelerator.get("version", "")).split(".")[:2])
    row = registries.entries("cuda").get(toolkit)
    facts = row.facts if row is not None else {}
    least = str(accelerator.get("compute_capability", "") or facts.get("compute_capability", ""))
    of_format = engine.capability.get("dtype", {}).get(dtype, "") if engine is not None else ""
    return Needs(least, int(facts.get("newest_major", 0)), of_format)


def listed(registries: Registries, model: Model, offered: str) -> str:
    """The first type of a model's row that is offered: the smallest that its publisher or a test has used."""
    for name in model.instances:
        row = registries.instance(name)
        if not offered or row is None or getattr(row, offered):
            return name
    return ""


def holds(facts: Mapping[str, Any], instance: Instance | None, wanted: Wanted, over: int) -> bool:
    """Whether so many devices of an instance type hold a model; True where that cannot be summed up."""
    if instance is None or not memory.possible(facts):
        return True
    found = solve(facts, instance, wanted._replace(tensor_parallel=over))
    return over <= (instance.accelerator_count or 0) and (found is None or found.verdict != memory.NO)


def smallest(
    registries: Registries,
    facts: Mapping[str, Any],
    wanted: Wanted,
    offered: str = "",
    tight: bool = False,
    asked: Needs = ANY,
    split_over: int = 0,
) -> Instance | None:
    """The cheapest instance type that holds a model which is split over all its devices.

    offered: the list that it must be on (`endpoint`, `transform`, `hyperpod`), empty for any; tight: room for a few
    callers is enough; asked: what its devices must be; split_over: over how many devices, where somebody says it.
    Types without a known price come after those with one, by their devices' memory.
    """
    enough = (memory.FITS, memory.TIGHT) if tight else (memory.FITS,)
    rows = []
    for row in registries.instances.values():
        count = row.accelerator_count or 0
        one = device(row)
        over = split_over or count
        if one is None or (offered and not getattr(row, offered)) or not 0 < over <= count or not shares(facts, over):
            continue
        if not asked.met(row) or not passes_through(facts, row, wanted):
            continue
        if memory.solve(facts, one, wanted._replace(tensor_parallel=over)).verdict in enough:
            price = registries.price(row.name)
            rows.append((price is None, price.amount if price else one.memory_gib * count, row.name))
    return registries.instances[min(rows)[2]] if rows else None


class Choice(NamedTuple):
    """An instance type for a model, empty for none; fitted: it is no type of the model's row, but the cheapest fit."""

    name: str
    fitted: bool = False


def choose(
    registries: Registries,
    model: Model,
    offered: str,
    version: FrameworkVersion | None,
    engine: Engine | None,
    get: Callable[[str, Any], Any],
) -> Choice:
    """The first type of a model's row that is offered, else the cheapest that holds it and runs the version's image.

    get: the value of a key of `engine:`, or what it is given as its default.  Who says over how many devices the model
    is split gets a type that holds it so.
    """
    said, asked_for = get("tensor_parallel_size", 0), wanted(registries, get)
    over = said if isinstance(said, int) else 0
    name = listed(registries, model, offered)
    if name and (not over or holds(model.facts, registries.instance(name), asked_for, over)):
        return Choice(name)
    if engine is None or not offered or not memory.possible(model.facts):
        return Choice("")
    asked = needs(registries, version, engine, number_format(str(get("dtype", "")), model.facts))
    row = smallest(registries, model.facts, asked_for, offered, tight=True, asked=asked, split_over=over)
    return Choice(row.name, True) if row is not None else Choice("")
