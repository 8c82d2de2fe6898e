"""Whether each language model fits its devices, in one line a container.  Law: pure; the sums of the rule MLCC146."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.containers import serving_containers
from mlcc.checks.engines.memory import engine_settings
from mlcc.checks.subject import Subject
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.load.layers import DEFAULT_ENVIRONMENT
from mlcc.resolve.hardware import instances, memory
from mlcc.resolve.hardware.memory import Fit
from mlcc.resolve.project import Project

VERDICTS = {memory.NO: "does not fit", memory.TIGHT: "fits tightly", memory.FITS: "fits"}


class ModelFit(NamedTuple):
    """A model in a container of an environment, and the sum of its memory."""

    environment: str
    container: str
    model: str
    instance: str
    fit: Fit

    @property
    def words(self) -> str:
        """The sum in one line."""
        fit = self.fit
        where = f"{printable(self.model, 100)}{printable(self.container, 100)} on {printable(self.instance, 60)}"
        text = f"{where} {VERDICTS[fit.verdict]}: per device {fit.weights:.1f} GiB of weights"
        if fit.cache <= 0:
            return f"{text}, and nothing left for the KV cache"
        number = fit.sequences(fit.length)
        return (
            f"{text}, {fit.cache:.1f} GiB for the KV cache, {number:,.1f} sequences of {fit.length:,} tokens at a time"
        )


def of_project(project: Project) -> Iterator[ModelFit]:
    """Of every environment, where the memory of the model and of the device are known."""
    for resolved in project.every:
        subject = Subject(resolved, project.registries, project.inputs.config.root)
        instance, target, engine = subject.rows.instance, subject.rows.target, subject.rows.engine
        if instance is None or engine is None or target is None or not target.instances:
            continue
        if "max_model_len" not in engine.typed_keys:
            continue  # it generates no text: it has no KV cache
        for container in serving_containers(subject):
            model = container.model
            if model is None or not memory.can_estimate(model.facts):
                continue
            fit = instances.estimate(model.facts, instance, engine_settings(subject, container))
            if fit is not None:
                environment = resolved.env or DEFAULT_ENVIRONMENT
                yield ModelFit(environment, container.words, model.name, instance.name, fit)
