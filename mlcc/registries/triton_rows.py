"""Rows of triton_backends.yaml: what each backend of a Triton server needs.  Law: nodes in, frozen records out."""

from __future__ import annotations

from collections.abc import Mapping

from mlcc.core.nodes import Node
from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple
from mlcc.registries.rows import NOTHING


class Format(NamedTuple):
    """A form of model file: the name that the backend expects, and the parameters that it needs."""

    name: str
    file: str
    parameters: Mapping[str, str] = EMPTY


class Sample(NamedTuple):
    """The sample model of a backend.

    name: of the model, after its data set; artifact: what training writes, empty for the usual file of the format;
    requirements: what training needs; payload: a request; model: the values of its `triton.models` element.
    """

    name: str
    artifact: str
    requirements: tuple[str, ...]
    payload: str
    model: Node


class TritonBackend(NamedTuple):
    """A backend of Triton.

    formats: model files by format; image: the variant of the server image that has it; gpu: it runs on CUDA devices
    only; platform: a further field of config.pbtxt; last: the last release of Triton with it; tensors:
    inputs and outputs must be declared; batch: max_batch_size must be declared; options_file: the file of engine
    options that `serve` writes; code: the file of a project's own code; model: values of every model.
    """

    name: str
    origin: str
    title: str = ""
    source: str = ""
    validation_level: str = "unknown"
    aliases: tuple[str, ...] = ()
    defaults: Node = NOTHING
    formats: Mapping[str, Format] = EMPTY
    default_format: str = ""
    image: str = ""
    gpu: bool = False
    platform: str = ""
    last: str = ""
    tensors: bool = False
    options_file: str = ""
    code: str = ""
    profiles: bool = False
    model: Node = NOTHING
    sample: Sample | None = None

    def form(self, file: str, wanted: str) -> Format | None:
        """The format of a model: by its file's name, else the wanted one, else the usual one."""
        suffix = file.rstrip("/").rpartition(".")[2] if "." in file else ""
        known = (f for f in (suffix, wanted, self.default_format) if f in self.formats)
        return next((self.formats[f] for f in known), None)


PLAIN = (
    "title",
    "source",
    "default_format",
    "image",
    "gpu",
    "platform",
    "last",
    "tensors",
    "options_file",
    "code",
    "profiles",
)


def triton_backend(name: str, node: Node, root: Node) -> TritonBackend:
    """A row of triton_backends.yaml."""
    row, sample = node.plain(), node.get("sample")
    plain = {key: row[key] for key in PLAIN if key in row}
    return TritonBackend(name, str(node.mark))._replace(
        **plain,
        formats={k: Format(k, f["file"], f.get("parameters", {})) for k, f in row.get("formats", {}).items()},
        model=node.get("model") or NOTHING,
        sample=_sample(sample) if sample is not None else None,
    )


def _sample(node: Node) -> Sample:
    row = node.plain()
    requirements = tuple(map(str, row.get("requirements", ())))
    model = node.get("model") or NOTHING
    return Sample(str(row["name"]), str(row.get("artifact", "")), requirements, str(row["payload"]), model)
