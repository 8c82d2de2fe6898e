"""The models of a Triton repository, read from resolved values.

Law: pure; what a backend needs is a row of triton_backends.yaml, never a branch.  `complete` has added the values of
the rows before.  A project that names no model serves its backend's sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.core.paths import Item, Path, names, nested
from mlcc.core.records import NamedTuple
from mlcc.registries.triton_rows import Sample, TritonBackend

MODELS: Path = ("triton", "models")
FOLDER = "model_repository"
VERSION = "1"
DEFAULT_MODEL = "SAGEMAKER_TRITON_DEFAULT_MODEL_NAME"


# ---------------------------------------------------------------- elements
class Artifact(NamedTuple):
    """A model file of the project, and the place in the repository to which it is copied."""

    source: str
    target: str


def served_sample(values: Mapping[Path, Any], backend: TritonBackend | None) -> Sample | None:
    """The backend's sample, where the project serves it."""
    sample = backend.sample if backend is not None else None
    if sample is None or ("model", "name") in values or not values.get(("seed_files", "sample_model"), True):
        return None
    prefix: Path = (*MODELS, Item(sample.name))
    return sample if (*prefix, "name") in values and (*prefix, "file") not in values else None


def sample_file(sample: Sample, backend: TritonBackend, values: Mapping[Path, Any]) -> str:
    """The path of the sample's artifact below the project."""
    form = backend.form("", str(values.get(("model", "format"), "")))
    file = sample.artifact or (form.file if form is not None else "")
    return f"{FOLDER}/{sample.name}/{VERSION}/{file}"


def model_configs(values: Mapping[Path, Any], backends: Mapping[str, TritonBackend]) -> list[ModelConfig]:
    """Every model, with the contents of its config.pbtxt."""
    return [_model(values, name, backends) for name in names(values, MODELS)]


def _model(values: Mapping[Path, Any], name: str, backends: Mapping[str, TritonBackend]) -> ModelConfig:
    prefix: Path = (*MODELS, Item(name))
    own = keys_below(values, prefix)
    backend = str(own.get("backend", ""))
    row = backends.get(backend)
    return ModelConfig(
        name,
        backend,
        row.platform if row is not None else "",
        own.get("max_batch_size"),
        _tensors(values, (*prefix, "inputs")),
        _tensors(values, (*prefix, "outputs")),
        tuple(own.get("instance_group", ())),
        own.get("dynamic_batching"),
        own.get("parameters", {}),
    )


def keys_below(values: Mapping[Path, Any], prefix: Path) -> dict[str, Any]:
    """The keys below a path as nested plain data; named lists are left out."""
    size = len(prefix)
    below = {path[size:]: value for path, value in values.items() if path[:size] == prefix and len(path) > size}
    return nested({path: value for path, value in below.items() if not any(isinstance(s, Item) for s in path)})


def _tensors(values: Mapping[Path, Any], prefix: Path) -> tuple[Tensor, ...]:
    tensors = []
    for name in names(values, prefix):
        own = keys_below(values, (*prefix, Item(name)))
        dims, reshape = (tuple(own[key]) if own.get(key) is not None else None for key in ("dims", "reshape"))
        optional, ragged = (bool(own.get(key)) for key in ("optional", "allow_ragged_batch"))
        tensors.append(Tensor(name, str(own.get("data_type", "")), dims, reshape, optional, ragged))
    return tuple(tensors)


def artifacts(values: Mapping[Path, Any], backends: Mapping[str, TritonBackend]) -> list[Artifact]:
    """The model files that the elements name."""
    copies = []
    for name in names(values, MODELS):
        own = keys_below(values, (*MODELS, Item(name)))
        row, source = backends.get(str(own.get("backend", ""))), str(own.get("file", ""))
        form = row.form(source, str(values.get(("model", "format"), ""))) if row is not None else None
        if source and form is not None:
            path = "/".join(part for part in source.split("/") if part not in ("", "."))
            copies.append(Artifact(path, f"{name}/{VERSION}/{form.file}".rstrip("/")))
    return copies


class Tensor(NamedTuple):
    """An input or output.  dims: without the batch, unless max_batch_size is 0; None where Triton reads them itself.

    reshape: the dimensions that the model itself needs; optional and allow_ragged_batch: of inputs.
    """

    name: str
    data_type: str = ""
    dims: tuple[int, ...] | None = None
    reshape: tuple[int, ...] | None = None
    optional: bool = False
    allow_ragged_batch: bool = False


class ModelConfig(NamedTuple):
    """The contents of a model's config.pbtxt: an element of `triton.models` with its backend's facts.

    platform: some backends need it besides their name; max_batch_size: None where Triton decides, 0 where the
    dimensions contain the batch already; dynamic_batching: None where it is off.
    """

    name: str
    backend: str
    platform: str = ""
    max_batch_size: int | None = None
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    instance_group: tuple[Mapping[str, Any], ...] = ()
    dynamic_batching: Mapping[str, Any] | None = None
    parameters: Mapping[str, str] = {}
