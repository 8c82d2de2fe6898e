"""Which instance type can hold a model, and over how many of its devices.  Law: pure; `memory` does the sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.core.version_order import order
from mlcc.registries.engine_rows import Engine
from mlcc.registries.loader import Registries
from mlcc.registries.rows import FrameworkVersion, Instance, Model
from mlcc.resolve.hardware import memory
from mlcc.resolve.hardware.memory import Device, EngineSettings, Fit

MIB_PER_GIB = 1024
# The share of an engine's memory that weights may take, for a model of which only the size is known.
WEIGHTS = 0.85
# A checkpoint is read through the machine's memory; above this share of it, too little is left for the engine.
HOST_SHARE = 0.8


def device(instance: Instance) -> Device | None:
    """One CUDA device of an instance type, with the memory that programs may use; None where it is not known."""
    if instance.accelerator != "cuda" or not instance.accelerator_count:
        return None
    reported = instance.reported_memory_mib
    whole = reported / MIB_PER_GIB if reported else instance.accelerator_memory_gib
    return Device(instance.accelerator_name, whole * memory.USABLE, instance.small_batches) if whole else None


def engine_settings(registries: Registries, get: Callable[[str, Any], Any], tensor_parallel: int = 1) -> EngineSettings:
    """The settings of an engine.  get: returns the value of a key of `engine:`, or the default that it gets."""
    lora = bool(get("lora.enabled", False))
    return EngineSettings(
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


def estimate(facts: Mapping[str, Any], instance: Instance, settings: EngineSettings) -> Fit | None:
    """The sum for a model on an instance type, or None where the device's memory is not known."""
    one = device(instance)
    return memory.estimate(facts, one, settings) if one is not None else None


def can_share_heads(facts: Mapping[str, Any], devices: int) -> bool:
    """Whether a number of devices can share a model's heads evenly.

    Heads of keys and values are divided too, or copied where there are fewer of them than devices (vLLM's
    QKVParallelLinear asserts it); a model with latent attention has none to divide.
    """
    heads, narrow = int(facts.get("attention_heads", 0)), int(facts.get("kv_heads", 0))
    if heads % devices or not narrow or "mla" in facts:
        return heads % devices == 0
    return narrow % devices == 0 if narrow >= devices else devices % narrow == 0


def possible_splits(facts: Mapping[str, Any], devices: int) -> Iterator[int]:
    """The numbers of devices over which a model can be split, the lowest first; each divides `devices`."""
    return (n for n in range(1, devices + 1) if devices % n == 0 and can_share_heads(facts, n))


def passes_through(facts: Mapping[str, Any], instance: Instance, settings: EngineSettings) -> bool:
    """Whether a checkpoint, on its way to the devices, leaves the machine's own memory something for the engine."""
    weights = memory.weight_gib(facts, settings._replace(quantization=""))
    return not instance.memory_gib or weights <= HOST_SHARE * instance.memory_gib


def smallest_split(facts: Mapping[str, Any], instance: Instance, settings: EngineSettings, devices: int) -> int | None:
    """The lowest number of devices of an instance type with room for a model and several callers; at most `devices`.

    Where no number has room for several callers, the largest that can hold the model at all; None where none can.
    """
    if not memory.can_estimate(facts):
        return _by_weights(facts, instance, settings, devices)
    tight = None
    for count in possible_splits(facts, devices):
        fit = estimate(facts, instance, settings._replace(tensor_parallel=count))
        if fit is not None and fit.verdict == memory.FITS:
            return count
        tight = count if fit is not None and fit.verdict != memory.NO else tight
    return tight


def _by_weights(facts: Mapping[str, Any], instance: Instance, settings: EngineSettings, devices: int) -> int | None:
    """The same for a model of which only the size is known: its weights must leave a part of each device free."""
    one = device(instance)
    if one is None:
        return None
    weights, room = memory.weight_gib(facts, settings), one.memory_gib * settings.utilization * WEIGHTS
    return next((count for count in possible_splits(facts, devices) if weights <= room * count), None)


class DeviceNeeds(NamedTuple):
    """The devices that an image runs on.

    least: the lowest compute capability, empty for any; newest: the last generation, 0 for any; number_format: the
    lowest compute capability for the model's number format (an engine can choose another format instead).
    """

    least: str = ""
    newest: int = 0
    number_format: str = ""

    def too_old(self, instance: Instance) -> bool:
        """Whether an instance type's devices are too old for the image's kernels."""
        return bool(self.least) and order(instance.compute_capability) < order(self.least)

    def too_new(self, instance: Instance) -> bool:
        """Whether they are of a later generation than the image's CUDA can compile for."""
        return bool(self.newest) and int(instance.compute_capability.partition(".")[0]) > self.newest

    def met(self, instance: Instance) -> bool:
        """Whether an instance type's devices run the image, in the model's own number format."""
        if not instance.compute_capability:
            return True
        has_format = not self.number_format or order(instance.compute_capability) >= order(self.number_format)
        return has_format and not self.too_old(instance) and not self.too_new(instance)


ANY_DEVICE = DeviceNeeds()


def number_format(dtype: str, facts: Mapping[str, Any]) -> str:
    """The format that a model computes in: the one that is set, else its checkpoint's, else the usual one."""
    return str(facts.get("dtype", "bfloat16")) if dtype in ("", "auto") else dtype


def device_needs(
    registries: Registries, version: FrameworkVersion | None, engine: Engine | None = None, dtype: str = ""
) -> DeviceNeeds:
    """Which devices a version's image runs on.  dtype: the number format in which the engine computes."""
    accelerator = version.accelerator if version is not None else {}
    toolkit = ".".join(str(accelerator.get("version", "")).split(".")[:2])
    row = registries.entries("cuda").get(toolkit)
    facts = row.facts if row is not None else {}
    least = str(accelerator.get("compute_capability", "") or facts.get("compute_capability", ""))
    of_format = engine.needed_capability.get("dtype", {}).get(dtype, "") if engine is not None else ""
    return DeviceNeeds(least, int(facts.get("newest_major", 0)), of_format)


def at_least(one: Instance, own: Instance) -> bool:
    """Whether a type is another one, of the same kind, with no less of anything that is known."""
    if one.name == own.name or (one.platform, one.accelerator) != (own.platform, own.accelerator):
        return False
    pairs = (
        (one.accelerator_count, own.accelerator_count),
        (one.accelerator_memory_gib, own.accelerator_memory_gib),
        (one.memory_gib, own.memory_gib),
        (one.vcpu, own.vcpu),
    )
    enough = all((found or 0) >= (wanted or 0) for found, wanted in pairs)
    return enough and order(one.compute_capability or "0") >= order(own.compute_capability or "0")


def alternatives(
    registries: Registries, own: Instance, offered: str, fits: Callable[[Instance], bool] = lambda one: True
) -> list[Instance]:
    """Types that are at least as large as a project's own, the cheapest first, and last those without a price.

    offered: the list that they are on; fits: what they must be besides.
    """
    rows = registries.instances.values()
    fitting = [one for one in rows if getattr(one, offered) and at_least(one, own) and fits(one)]

    def rank(one: Instance) -> tuple[bool, float, str]:
        price = registries.price(one.name)
        return price is None, price.amount if price is not None else 0.0, one.name

    return sorted(fitting, key=rank)


def first_listed(registries: Registries, model: Model, offered: str) -> str:
    """The first type of a model's row that is offered: the smallest that its publisher or a test used."""
    for name in model.instances:
        row = registries.instance(name)
        if not offered or row is None or getattr(row, offered):
            return name
    return ""


def can_hold(facts: Mapping[str, Any], instance: Instance | None, settings: EngineSettings, devices: int) -> bool:
    """Whether a number of devices of an instance type can hold a model; True where that cannot be computed."""
    if instance is None or not memory.can_estimate(facts):
        return True
    fit = estimate(facts, instance, settings._replace(tensor_parallel=devices))
    return devices <= (instance.accelerator_count or 0) and (fit is None or fit.verdict != memory.NO)


def cheapest(
    registries: Registries,
    facts: Mapping[str, Any],
    settings: EngineSettings,
    offered: str = "",
    tight: bool = False,
    needs: DeviceNeeds = ANY_DEVICE,
    split_over: int = 0,
) -> Instance | None:
    """The cheapest instance type that can hold a model which is split over all its devices.

    offered: the list that it must be on (`endpoint`, `transform`, `hyperpod`), empty for any; tight: room for a few
    callers is enough; needs: what its devices must be; split_over: the number of devices, where the user sets it.
    Types without a known price come after those with one, by their devices' memory.
    """
    enough = (memory.FITS, memory.TIGHT) if tight else (memory.FITS,)
    ranked = []
    for row in registries.instances.values():
        one, count = device(row), row.accelerator_count or 0
        size = split_over or count
        if one is None or (offered and not getattr(row, offered)):
            continue
        if not 0 < size <= count or not can_share_heads(facts, size):
            continue
        if not needs.met(row) or not passes_through(facts, row, settings):
            continue
        if memory.estimate(facts, one, settings._replace(tensor_parallel=size)).verdict in enough:
            price = registries.price(row.name)
            ranked.append((price is None, price.amount if price else one.memory_gib * count, row.name))
    return registries.instances[min(ranked)[2]] if ranked else None


class Choice(NamedTuple):
    """An instance type for a model, empty for none; fitted: the cheapest that fits, not one of the model's row."""

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
    """The first type of a model's row that is offered, else the cheapest that can hold it and runs the version's image.

    get: returns the value of a key of `engine:`, or the default that it gets.  Where the user sets the number of
    devices for the split, the type must be able to hold the model with that number.
    """
    size, settings = get("tensor_parallel_size", 0), engine_settings(registries, get)
    size = size if isinstance(size, int) else 0  # `max` is a text
    name = first_listed(registries, model, offered)
    if name and (not size or can_hold(model.facts, registries.instance(name), settings, size)):
        return Choice(name)
    if engine is None or not offered or not memory.can_estimate(model.facts):
        return Choice("")
    needs = device_needs(registries, version, engine, number_format(str(get("dtype", "")), model.facts))
    row = cheapest(registries, model.facts, settings, offered, tight=True, needs=needs, split_over=size)
    return Choice(row.name, True) if row is not None else Choice("")
