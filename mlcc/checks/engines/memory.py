"""MLCC146: a model that does not fit its devices, with the arithmetic and the ways out."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.containers import Container, serving_containers, split_size
from mlcc.checks.proposals import larger, named
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.paths import format_path
from mlcc.core.values import Source
from mlcc.registries.rows import Instance, Model
from mlcc.resolve.hardware import instances, memory
from mlcc.resolve.hardware.memory import EngineSettings, Fit

CODE = "MLCC146"
# Lengths are proposed in steps of round numbers, and none that is shorter than one step.
LENGTH_STEP = 1024


def check(subject: Subject) -> Iterator[Finding]:
    """An engine that cannot hold one sequence of the wanted length dies after it has loaded the weights."""
    instance, target, engine = subject.rows.instance, subject.rows.target, subject.rows.engine
    if instance is None or engine is None or target is None or not target.instances:
        return
    if "max_model_len" not in engine.typed_keys:
        return  # it generates no text: it has no KV cache
    reported = set()
    for container in serving_containers(subject):
        model = container.model
        if model is None or not memory.knows_weights(model.facts):
            continue
        if not memory.can_estimate(model.facts):
            yield from _weights_alone(subject, model, instance, container)
            continue
        for finding in _machine_memory(subject, model, instance, container):
            if finding not in reported:
                reported.add(finding)
                yield finding
        fit = instances.estimate(model.facts, instance, engine_settings(subject, container))
        if fit is not None and fit.verdict != memory.FITS:
            yield _does_not_fit(subject, model, instance, container, fit)


def engine_settings(subject: Subject, container: Container) -> EngineSettings:
    """The settings of a container's engine."""
    return instances.engine_settings(subject.registries, container.get, split_size(container))


# ---------------------------------------------------------------- what does not fit
def _does_not_fit(subject: Subject, model: Model, instance: Instance, container: Container, fit: Fit) -> Finding:
    is_set = "max_model_len" in container.engine
    path = container.path("max_model_len") if is_set else ("deployment", "instance_type")
    arithmetic = "; ".join(" ".join(line.split()) for line in fit.lines())
    hint = f"{_ways_out(subject, model, instance, container, fit)} ({arithmetic})"
    if fit.verdict == memory.TIGHT:
        number = int(fit.sequences(fit.length))
        sequences = f"{number} sequence{'s' if number > 1 else ''} of {fit.length:,} tokens"
        message = f"{model.name} on {instance.name} has room for {sequences} at a time{container.words}"
        return subject.finding(CODE, path, message, hint, Severity.NOTE)
    message = f"{model.name} does not fit {instance.name} with {fit.length:,} tokens{container.words}"
    return subject.finding(CODE, path, message, hint)


def _weights_alone(subject: Subject, model: Model, instance: Instance, container: Container) -> Iterator[Finding]:
    """For a model without known shapes only the weights are compared; they must leave something for the cache."""
    device, settings = instances.device(instance), engine_settings(subject, container)
    if device is None:
        return
    number = settings.tensor_parallel * settings.pipeline_parallel
    weights, room = memory.weight_gib(model.facts, settings), device.memory_gib * settings.utilization * number
    if weights >= room:
        devices = f"{number} device{'s' if number > 1 else ''}"
        message = (
            f"the weights of {model.name} alone take {weights:.1f} GiB; {devices} of {instance.name} give {room:.1f}"
        )
        hint = "split it over more devices (engine.tensor_parallel_size), take larger ones, or a quantised checkpoint"
        yield subject.finding(CODE, ("deployment", "instance_type"), f"{message}{container.words}", hint)


def _machine_memory(subject: Subject, model: Model, instance: Instance, container: Container) -> Iterator[Finding]:
    """A checkpoint passes through the machine's own memory on its way to the devices."""
    settings = engine_settings(subject, container)
    if not instances.passes_through(model.facts, instance, settings):
        weights = memory.weight_gib(model.facts, settings._replace(quantization=""))
        message = (
            f"{model.name} has {weights:.1f} GiB of weights, which pass through the {instance.memory_gib:g} GiB of "
            f"memory of {instance.name}: loading may end in the kernel killing the engine"
        )
        hint = larger(
            subject,
            "take an instance type with more memory (mlcc catalog instances)",
            lambda one: instances.passes_through(model.facts, one, settings),
        )
        yield subject.finding(CODE, ("deployment", "instance_type"), message, hint, Severity.WARNING)


# ---------------------------------------------------------------- ways out
def _ways_out(subject: Subject, model: Model, instance: Instance, container: Container, fit: Fit) -> str:
    """What the user can change; another instance type only where a component cannot get more devices of this one."""
    settings = engine_settings(subject, container)
    ways = [_shorter(subject, fit), _wider_split(model, instance, container, settings)]
    more_devices = _more_devices(model, instance, container, settings)
    ways.append(more_devices or _other_type(subject, model, instance, container, fit))
    return ", or ".join(filter(None, ways)) or "choose a smaller or a quantised model"


def _shorter(subject: Subject, fit: Fit) -> str:
    """A length that fits."""
    length = fit.length_of(1 if fit.verdict == memory.NO else memory.COMFORTABLE)
    if length < LENGTH_STEP:
        return ""
    chosen = subject.resolved.value("deployment.instance_type")
    # for another length mlcc might choose another type
    by_mlcc = chosen is not None and chosen.source is Source.MODEL
    same_type = f"deployment.instance_type: {chosen.value} and " if chosen is not None and by_mlcc else ""
    return f"set {same_type}engine.max_model_len: {length // LENGTH_STEP * LENGTH_STEP}"


def _wider_split(model: Model, instance: Instance, container: Container, settings: EngineSettings) -> str:
    """A split over more of the container's devices."""
    size = instances.smallest_split(model.facts, instance, settings, container.devices or 1)
    if size is None or size <= split_size(container):
        return ""
    section = f"{format_path(container.prefix)}." if container.prefix else ""
    return f"set {section}engine.tensor_parallel_size: {size}"


def _more_devices(model: Model, instance: Instance, container: Container, settings: EngineSettings) -> str:
    """More devices of the same instance type for an inference component."""
    have = instance.accelerator_count or 0
    if not container.prefix or (container.devices or 0) >= have:
        return ""
    size = instances.smallest_split(model.facts, instance, settings, have)
    return f"give it gpu_count: {size} and that tensor_parallel_size" if size is not None else ""


def _other_type(subject: Subject, model: Model, instance: Instance, container: Container, fit: Fit) -> str:
    """The cheapest instance type that fits."""
    rows = subject.rows
    dtype = instances.number_format(container.get("dtype", ""), model.facts)
    split = container.engine.get("tensor_parallel_size")
    by_hand = split is not None and subject.resolved.values[split.path].source.by_hand
    found = instances.cheapest(
        subject.registries,
        model.facts,
        engine_settings(subject, container),
        rows.target.instances if rows.target is not None else "",
        tight=fit.verdict == memory.NO,
        needs=instances.device_needs(subject.registries, rows.version, rows.engine, dtype),
        split_over=split.value if split is not None and by_hand and isinstance(split.value, int) else 0,
    )
    return f"use {named(subject, found.name)}" if found is not None and found != instance else ""
