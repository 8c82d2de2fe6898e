"""MLCC367: a kind of model source without its source."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.manifests import Problem, on_manifests, section
from mlcc.core.text import quoted
from mlcc.resolve.hyperpod.manifests import Document

CODE = "MLCC367"
SOURCE = ("spec", "modelSourceConfig")
STORAGE = {"s3": "s3Storage", "fsx": "fsxStorage", "huggingface": "huggingFaceModel"}


def problems(schema: str, document: Document) -> Iterator[Problem]:
    """Each kind has a field of its own, and `kubernetesVolume` a volume; the server asks for none of them."""
    source = section(document, *SOURCE)
    kind = source.get("modelSourceType")
    needed = STORAGE.get(kind, "") if isinstance(kind, str) else ""
    if needed and not section(source, needed):
        yield Problem((*SOURCE, needed), f"modelSourceType {kind} needs it", f"write {needed}, or take another type")
    if kind == "kubernetesVolume":
        name = section(document, "spec", "worker", "modelVolumeMount").get("name")
        volumes = section(document, "spec", "kubernetes").get("volumes")
        named = [v.get("name") for v in volumes if isinstance(v, dict)] if isinstance(volumes, list) else []
        if name not in named:
            hint = "add the volume to kubernetes.volumes, or name one of those"
            yield Problem(("spec", "kubernetes", "volumes"), f"no volume is called {quoted(str(name))}", hint)


check = on_manifests(CODE, problems)
