"""MLCC148: a quantisation method for a model that is quantised already, or for one that would have to be."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from mlcc.checks.containers import Container, Setting, known_options, serving_containers
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.paths import EMPTY, Path
from mlcc.core.records import NamedTuple
from mlcc.core.text import allowed
from mlcc.registries.rows import Entry
from mlcc.resolve.engine.spelling import spelled

CODE = "MLCC148"


class Case(NamedTuple):
    """A container with a quantisation method.

    setting: the method; name: of the model; of_checkpoint: the method by which the checkpoint is quantised, empty for
    none or an unknown one; is_plain: the checkpoint is known not to be quantised; reads_checkpoint: the method is read
    from a checkpoint, and not applied on load.
    """

    setting: Setting
    name: str
    of_checkpoint: str
    is_plain: bool
    reads_checkpoint: bool


def check(subject: Subject) -> Iterator[Finding]:
    """The engine reads the method from the checkpoint, and takes faster kernels when no method is set."""
    seen: set[Path] = set()
    methods = subject.registries.entries("quantizations")
    for container in serving_containers(subject):
        case = _case(subject, container, methods)
        if case is None or case.setting.path in seen:
            continue
        if case.of_checkpoint and "://" not in case.name:
            seen.add(case.setting.path)
            yield _twice(subject, case)
        elif case.is_plain and case.reads_checkpoint:
            seen.add(case.setting.path)
            yield _not_quantised(subject, case, methods)


def _case(subject: Subject, container: Container, methods: Mapping[str, Entry]) -> Case | None:
    setting = container.engine.get("quantization")
    if setting is None:
        return None
    named = subject.resolved.values.get(container.model_path)
    facts = container.model.facts if container.model is not None else EMPTY
    name = str(named.value) if named is not None else ""
    of_checkpoint = str(facts.get("quantization", "")) or _method_in_name(name, methods)
    method = methods.get(str(setting.value))
    reads_checkpoint = method is not None and bool(method.facts.get("checkpoint"))
    return Case(setting, name, of_checkpoint, "parameters" in facts and not of_checkpoint, reads_checkpoint)


def _method_in_name(name: str, methods: Mapping[str, Entry]) -> str:
    """The part of a model's name by which publishers name a method: `AWQ`."""
    words = name.lower().replace("_", "-").rpartition("/")[2].split("-")
    marks = (mark for row in methods.values() for mark in row.facts.get("marks", ()))
    return next((mark for mark in marks if mark in words), "")


def _twice(subject: Subject, case: Case) -> Finding:
    message = f"{case.name} is quantised already ({case.of_checkpoint}); "
    message += "naming a method keeps the engine from its fastest kernels"
    return subject.finding(CODE, case.setting.path, message, "remove engine.quantization", Severity.WARNING)


def _not_quantised(subject: Subject, case: Case, methods: Mapping[str, Entry]) -> Finding:
    message = f"{case.setting.value} is read from a checkpoint that was quantised so, and {case.name} is not one"
    own = _methods_of_engine(subject)
    others = [name for name, row in methods.items() if not row.facts.get("checkpoint") and name in own]
    hint = "name such a checkpoint"
    hint += f", or a method that quantises while loading: {allowed(others)}" if others else ""
    return subject.finding(CODE, case.setting.path, message, hint)


def _methods_of_engine(subject: Subject) -> Collection[str]:
    """The methods that the engine's version has by itself."""
    engine, options = subject.rows.engine, known_options(subject)
    how = spelled(engine, "quantization") if engine is not None else None
    option = options.find(how.option) if options is not None and how is not None else None
    return option.choices if option is not None else ()
