"""MLCC146: a model that does not fit its devices, with the arithmetic and the two ways out."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.containers import Place, places, tensor_parallel
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.paths import format_path
from mlcc.core.values import Source
from mlcc.registries.rows import Instance, Model
from mlcc.resolve.hardware import instances, memory
from mlcc.resolve.hardware.memory import Fit, Wanted

CODE = "MLCC146"
# Lengths are proposed in steps that people write, and none that is shorter than one step.
LENGTH_STEP = 1024


def check(subject: Subject) -> Iterator[Finding]:
    """An engine that cannot hold one sequence of the asked length dies after it has loaded the weights."""
    instance, target, told = subject.rows.instance, subject.rows.target, set()
    engine = subject.rows.engine
    if instance is None or engine is None or target is None or not target.instances:
        return
    if "max_model_len" not in engine.typed:
        return  # it generates no text: it has no KV cache
    for place in places(subject):
        model = place.model
        if model is None or not memory.sized(model.facts):
            continue
        if not memory.possible(model.facts):
            yield from _weights_alone(subject, model, instance, place)
            continue
        found = instances.solve(model.facts, instance, wanted(subject, place))
        for finding in _host(subject, model, instance, place):
            if finding not in told:
                told.add(finding)
                yield finding
        if found is None or found.verdict == memory.FITS:
            continue
        path = place.path("max_model_len")
        if "max_model_len" not in place.engine:
            path = ("deployment", "instance_type")
        arithmetic = "; ".join(" ".join(line.split()) for line in found.lines())
        hint = f"{_ways_out(subject, model, place, found)} ({arithmetic})"
        if found.verdict == memory.TIGHT:
            held = int(found.sequences(found.length))
            message = f"{model.name} on {instance.name} holds {held} of {found.length:,} tokens at a time{place.words}"
            yield subject.finding(CODE, path, message, hint, Severity.NOTE)
        else:
            message = f"{model.name} does not fit {instance.name} with {found.length:,} tokens{place.words}"
            yield subject.finding(CODE, path, message, hint)


def _weights_alone(subject: Subject, model: Model, instance: Instance, place: Place) -> Iterator[Finding]:
    """Of a model without known shapes the weights alone, which must leave something for the cache."""
    device, asked = instances.device(instance), wanted(subject, place)
    over = asked.tensor_parallel * asked.pipeline_parallel
    weights = memory.weight_gib(model.facts, asked)
    room = device.memory_gib * asked.utilization * over if device is not None else weights
    if weights >= room and device is not None:
        devices = f"{over} device{'s' if over > 1 else ''}"
        message = (
            f"the weights of {model.name} alone take {weights:.1f} GiB; {devices} of {instance.name} give {room:.1f}"
        )
        hint = "split it over more devices (engine.tensor_parallel_size), take larger ones, or a quantised checkpoint"
        yield subject.finding(CODE, ("deployment", "instance_type"), f"{message}{place.words}", hint)


def _host(subject: Subject, model: Model, instance: Instance, place: Place) -> Iterator[Finding]:
    """A checkpoint passes through the machine's own memory on its way to the devices."""
    asked = wanted(subject, place)
    if not instances.passes_through(model.facts, instance, asked):
        weights = memory.weight_gib(model.facts, asked._replace(quantization=""))
        message = (
            f"{model.name} has {weights:.1f} GiB of weights, which pass through the {instance.memory_gib:g} GiB of "
            f"memory of {instance.name}: loading may end in the kernel killing the engine"
        )
        hint = "take an instance type with more memory (mlcc catalog instances)"
        yield subject.finding(CODE, ("deployment", "instance_type"), message, hint, Severity.WARNING)


def wanted(subject: Subject, place: Place) -> Wanted:
    """What a container's engine is asked for."""
    return instances.wanted(subject.registries, place.get, tensor_parallel(place))


def _ways_out(subject: Subject, model: Model, place: Place, found: Fit) -> str:
    ways = []
    length = found.length_of(1 if found.verdict == memory.NO else memory.COMFORTABLE)
    chosen = subject.resolved.value("deployment.instance_type")
    if length >= LENGTH_STEP:
        # for another length mlcc might choose another type
        derived = chosen is not None and chosen.source is Source.MODEL
        kept = f"deployment.instance_type: {chosen.value} and " if derived and chosen is not None else ""
        ways.append(f"set {kept}engine.max_model_len: {_round(length)}")
    offered = subject.rows.target.instances if subject.rows.target is not None else ""
    instance = subject.rows.instance
    over = (
        instances.split(model.facts, instance, wanted(subject, place), place.devices or 1)
        if instance is not None
        else None
    )
    if over is not None and over > tensor_parallel(place):
        where = f"{format_path(place.prefix)}." if place.prefix else ""
        ways.append(f"set {where}engine.tensor_parallel_size: {over}")
    if place.prefix and instance is not None and (place.devices or 0) < (instance.accelerator_count or 0):
        more = instances.split(model.facts, instance, wanted(subject, place), instance.accelerator_count or 1)
        if more is not None:
            ways.append(f"give it gpu_count: {more} and that tensor_parallel_size")
            return ", or ".join(ways)
    refused = found.verdict == memory.NO
    dtype = instances.number_format(place.get("dtype", ""), model.facts)
    asked = instances.needs(subject.registries, subject.rows.version, subject.rows.engine, dtype)
    said = place.engine.get("tensor_parallel_size")
    by_hand = said is not None and isinstance(said.value, int) and subject.resolved.values[said.path].source.by_hand
    larger = instances.smallest(
        subject.registries,
        model.facts,
        wanted(subject, place),
        offered,
        tight=refused,
        asked=asked,
        split_over=said.value if said is not None and by_hand else 0,
    )
    if larger is not None and larger != instance:
        ways.append(f"use {larger.name}")
    return ", or ".join(ways) or "choose a smaller or a quantised model"


def _round(length: int) -> int:
    """A length that people write: a whole number of steps that is no longer."""
    return max(length // LENGTH_STEP * LENGTH_STEP, 1)
