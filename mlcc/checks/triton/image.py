"""MLCC163: a backend that the server's image does not have."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.paths import Item, Path
from mlcc.core.version_order import order
from mlcc.resolve.triton.models import MODELS, models_of

CODE = "MLCC163"


def check(subject: Subject) -> Iterator[Finding]:
    """Each model's backend is in the variant and the release of the image that the project is built on."""
    own, backends, version = subject.rows.backend, subject.rows.backends, subject.rows.version
    if own is None:
        return
    if version is not None and version.images and own.image not in version.images:
        message = f"Triton {version.name} has no image with the backend {own.name}"
        hint = "framework: {version: ...} of a release that has one; mlcc catalog frameworks"
        yield subject.finding(CODE, ("framework", "version"), message, hint)
    for model in models_of(subject.resolved):
        row, path = backends.get(model.backend), (*MODELS, Item(model.name), "backend")
        if row is None:
            continue
        if row.image != own.image:
            message = f"the image of {own.name} models has no backend {row.name}"
            yield subject.finding(CODE, path, message, f"a project of its own: deployment.config of {row.name}")
        elif row.last and version is not None and order(version.name) > order(row.last):
            message = f"Triton {version.name} has no backend {row.name}; {row.last} was the last release with it"
            version_path: Path = ("framework", "version")
            yield subject.finding(CODE, version_path, message, f'framework: {{version: "{row.last}"}}, or export ONNX')
