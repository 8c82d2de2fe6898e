"""MLCC179: a version policy that does not serve the version that the project has."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.paths import Item, Path
from mlcc.core.text import allowed
from mlcc.resolve.triton.models import MODELS, VERSION, ModelConfig, models_of, place

CODE = "MLCC179"


def check(subject: Subject) -> Iterator[Finding]:
    """What mlcc puts into the repository (a named file, code, an ensemble's folder) goes into version 1."""
    for model in models_of(subject.resolved):
        served = model.more.get("version_policy", {}).get("specific", {}).get("versions")
        if served is None or int(VERSION) in served or not _made(subject, model):
            continue
        message = (
            f"{model.name} is put into version {VERSION}, and its version_policy serves {allowed(map(str, served))}"
        )
        hint = f"versions: [{VERSION}, ...], or lay the files at model_repository/{model.name}/VERSION/ yourself"
        yield subject.finding(CODE, place(subject.resolved, model.name, "version_policy"), message, hint)


def _made(subject: Subject, model: ModelConfig) -> bool:
    """Whether there is a version that mlcc makes."""
    prefix: Path = (*MODELS, Item(model.name))
    row = subject.rows.backends.get(model.backend)
    own = row is not None and bool(row.code or row.options_file)
    return model.is_ensemble or own or (*prefix, "file") in subject.resolved.values
