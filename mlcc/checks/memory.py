"""MLCC146: a model that does not fit its devices, with the arithmetic and the two ways out."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc import fit
from mlcc.checks.base import Subject
from mlcc.checks.serving import Found, Place, places, tensor_parallel
from mlcc.diagnostics import Finding, Severity
from mlcc.fit import Device, Fit, Wanted
from mlcc.registries.load import Registries
from mlcc.registries.types import Instance, Model

CODE = "MLCC146"
MIB = 1024


def check(subject: Subject) -> Iterator[Finding]:
    """An engine that cannot hold one sequence of the asked length dies after it has loaded the weights."""
    instance, target, told = subject.rows.instance, subject.rows.target, set()
    if instance is None or subject.rows.engine is None or target is None or not target.instances:
        return
    for place in places(subject):
        model = place.model
        if model is None or not fit.possible(model.facts):
            continue
        found = solve(model, instance, place)
        for finding in _host(subject, model, instance, place):
            if finding not in told:
                told.add(finding)
                yield finding
        if found is None or found.verdict == fit.FITS:
            continue
        path = place.path("max_model_len")
        if "max_model_len" not in place.engine:
            path = ("deployment", "instance_type")
        arithmetic = "; ".join(" ".join(line.split()) for line in found.lines())
        hint = f"{_ways_out(subject, model, place, found)} ({arithmetic})"
        if found.verdict == fit.TIGHT:
            held = int(found.sequences(found.length))
            message = f"{model.name} on {instance.name} holds {held} of {found.length:,} tokens at a time{place.words}"
            yield subject.finding(CODE, path, message, hint, Severity.NOTE)
        else:
            message = f"{model.name} does not fit {instance.name} with {found.length:,} tokens{place.words}"
            yield subject.finding(CODE, path, message, hint)


HOST_SHARE = 0.8


def _host(subject: Subject, model: Model, instance: Instance, place: Place) -> Iterator[Finding]:
    """A checkpoint passes through the machine's own memory on its way to the devices."""
    weights = fit.weight_gib(model.facts, Wanted(dtype=str(place.get("dtype", ""))))
    if instance.memory_gib and weights > HOST_SHARE * instance.memory_gib:
        message = (
            f"{model.name} has {weights:.1f} GiB of weights, which pass through the {instance.memory_gib:g} GiB of "
            f"memory of {instance.name}: loading may end in the kernel killing the engine"
        )
        hint = "take an instance type with more memory (mlcc catalog instances)"
        yield subject.finding(CODE, ("deployment", "instance_type"), message, hint, Severity.WARNING)


def solve(model: Model, instance: Instance, place: Place) -> Fit | None:
    """The sum for one container, or None where the device's memory is not known."""
    memory = device_memory(instance)
    if memory is None:
        return None
    lora = bool(place.get("lora.enabled", False))
    wanted = Wanted(
        tensor_parallel=tensor_parallel(place),
        pipeline_parallel=int(place.get("pipeline_parallel_size", 1)),
        utilization=float(place.get("gpu_memory_utilization", 0.9)),
        length=place.get("max_model_len"),
        sequences=place.get("max_num_seqs"),
        batched_tokens=place.get("max_num_batched_tokens"),
        dtype=str(place.get("dtype", "")),
        quantization=str(place.get("quantization", "")),
        cache_dtype=str(place.get("kv_cache_dtype", "")),
        loras=int(place.get("lora.max_loras", 1)) if lora else 0,
        lora_rank=int(place.get("lora.max_lora_rank", 16)),
    )
    return fit.solve(model.facts, Device(instance.accelerator_name, memory), wanted)


def device_memory(instance: Instance) -> float | None:
    """GiB of one device that programs may use, for CUDA devices."""
    if instance.accelerator != "cuda" or not instance.accelerator_count:
        return None
    reported = instance.reported_memory_mib
    whole = reported / MIB if reported else instance.accelerator_memory_gib
    return whole * fit.USABLE if whole else None


def _ways_out(subject: Subject, model: Model, place: Place, found: Fit) -> str:
    ways = []
    length = found.length_of(1 if found.verdict == fit.NO else fit.COMFORTABLE)
    if length >= MIB:
        ways.append(f"set engine.max_model_len: {_round(length)}")
    larger = smallest(subject.registries, model, place, subject.rows.target.instances if subject.rows.target else "")
    if larger and subject.rows.instance is not None and larger == subject.rows.instance.name:
        ways.append(f"set engine.tensor_parallel_size: {subject.rows.instance.accelerator_count}")
    elif larger:
        ways.append(f"use {larger}")
    return ", or ".join(ways) or "choose a smaller or a quantised model"


def _round(length: int) -> int:
    """A length that people write: a multiple of 1,024 that is no longer."""
    return max(length // MIB * MIB, 1)


def smallest(registries: Registries, model: Model, place: Place, offered: str = "endpoint") -> str:
    """The cheapest instance type that fits the wanted length, with a split over all its devices.

    Types without a known price come after those with one, by their devices' memory.
    """
    rows = []
    for row in registries.instances.values():
        memory = device_memory(row)
        if memory is None or not row.accelerator_count or (offered and not getattr(row, offered)):
            continue
        heads = int(model.facts.get("attention_heads", row.accelerator_count))
        if heads % row.accelerator_count:
            continue
        split = place._replace(
            devices=row.accelerator_count,
            engine={**place.engine, "tensor_parallel_size": Found(row.accelerator_count, ())},
        )
        found = solve(model, row, split)
        if found is not None and found.verdict == fit.FITS:
            price = registries.price(row.name)
            rows.append((price is None, price.amount if price else memory * row.accelerator_count, row.name))
    return min(rows)[2] if rows else ""
