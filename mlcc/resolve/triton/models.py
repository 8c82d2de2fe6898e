"""The models of a Triton repository, read from resolved values.

Law: pure; what a backend needs is a row of triton_backends.yaml, never a branch.  `complete` has added the values of
the rows before.  A project that names no model serves its backend's sample.  A model with a config.pbtxt of its own is
what that file says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.core.paths import EMPTY, Item, Path, names, nested
from mlcc.core.records import NamedTuple
from mlcc.registries.triton_rows import Sample, TritonBackend
from mlcc.resolve.result import Resolved
from mlcc.resolve.triton import config_text

MODELS: Path = ("triton", "models")
FOLDER = "model_repository"
VERSION = "1"
DEFAULT_MODEL = "SAGEMAKER_TRITON_DEFAULT_MODEL_NAME"
# Read by the rendered code/serve: the size of the response cache in MiB, and the usual one.
CACHE, CACHE_MB = "MLCC_TRITON_CACHE_MB", "64"
ENSEMBLE = "ensemble"
LATEST = -1
# Keys of an element that config.pbtxt has not, or has under another name or in another shape.
_OWN = ("name", "backend", "platform", "file", "config_file", "max_batch_size", "inputs", "outputs")
_NAMED = (*_OWN, "input", "output", "instance_group", "dynamic_batching", "parameters")


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
    others = any((*prefix, key) in values for key in ("file", "config_file", "platform"))
    return sample if (*prefix, "name") in values and not others else None


def sample_file(sample: Sample, backend: TritonBackend, values: Mapping[Path, Any]) -> str:
    """The path of the sample's artifact below the project."""
    form = backend.form("", str(values.get(("model", "format"), "")))
    file = sample.artifact or (form.file if form is not None else "")
    return f"{FOLDER}/{sample.name}/{VERSION}/{file}"


def models_of(resolved: Resolved) -> list[ModelConfig]:
    """Every model of a resolved configuration."""
    return model_configs({p: v.value for p, v in resolved.values.items()}, resolved.rows.backends, resolved.texts)


def model_configs(
    values: Mapping[Path, Any], backends: Mapping[str, TritonBackend], texts: Mapping[str, bytes] = EMPTY
) -> list[ModelConfig]:
    """Every model, with the contents of its config.pbtxt.  texts: the files that elements name as their own."""
    size = len(MODELS)
    parts: dict[str, dict[Path, Any]] = {}
    for path, value in values.items():
        item = path[size] if path[:size] == MODELS and len(path) > size else ""
        if isinstance(item, Item):
            parts.setdefault(item.name, {})[path[size + 1 :]] = value
    return [_model(part, name, backends, texts) for name, part in parts.items()]


def _model(
    part: Mapping[Path, Any], name: str, backends: Mapping[str, TritonBackend], texts: Mapping[str, bytes]
) -> ModelConfig:
    """part: the values below the element."""
    own = keys_below(part, ())
    backend = str(own.get("backend", ""))
    text = texts.get(str(own.get("config_file", "")))
    if text is not None:
        return own_config(name, text, backend)
    row = backends.get(backend)
    return ModelConfig(
        name,
        backend,
        str(own.get("platform") or (row.platform if row is not None else "")),
        own.get("max_batch_size"),
        _tensors(part, ("inputs",)),
        _tensors(part, ("outputs",)),
        tuple(own.get("instance_group", ())),
        own.get("dynamic_batching"),
        own.get("parameters", {}),
        _with_versions({key: value for key, value in own.items() if key not in _NAMED}),
    )


def _with_versions(more: dict[str, Any]) -> dict[str, Any]:
    """Of a step that names no version the latest is meant; Triton takes the protobuf's 0 for a version of that name."""
    scheduling = more.get("ensemble_scheduling")
    if not isinstance(scheduling, Mapping) or "step" not in scheduling:
        return more
    steps = [{"model_version": LATEST, **step} for step in scheduling["step"]]
    return {**more, "ensemble_scheduling": {**scheduling, "step": steps}}


def own_config(name: str, text: bytes, backend: str = "") -> ModelConfig:
    """A model as its own config.pbtxt describes it.  backend: of a file that names none."""
    found = config_text.read(text).fields
    return ModelConfig(
        name,
        str(found.get("backend", "" if found.get("platform") == ENSEMBLE else backend)),
        str(found.get("platform", "")),
        found.get("max_batch_size"),
        tuple(map(_written_tensor, found.get("input", ()))),
        tuple(map(_written_tensor, found.get("output", ()))),
        tuple(found.get("instance_group", ())),
        found.get("dynamic_batching"),
        {key: str(value.get("string_value", "")) for key, value in found.get("parameters", {}).items()},
        {key: value for key, value in found.items() if key not in _NAMED},
        text,
    )


def _written_tensor(found: Mapping[str, Any]) -> Tensor:
    reshape = found.get("reshape")
    return Tensor(
        str(found.get("name", "")),
        str(found.get("data_type", "")),
        tuple(found["dims"]) if "dims" in found else None,
        tuple(reshape.get("shape", ())) if reshape is not None else None,
        bool(found.get("optional")),
        bool(found.get("allow_ragged_batch")),
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


def place(resolved: Resolved, name: str, *keys: str) -> Path:
    """The path of a model's key where it is set, else that of its own config.pbtxt, else of its name."""
    prefix: Path = (*MODELS, Item(name))
    for size in range(len(keys), 0, -1):
        wanted: Path = (*prefix, *keys[:size])
        found = next((path for path in resolved.values if path[: len(wanted)] == wanted), None)
        if found is not None:
            return found
    own: Path = (*prefix, "config_file")
    return own if own in resolved.values else (*prefix, "name")


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

    @property
    def fields(self) -> dict[str, Any]:
        """It in the shape of the protobuf's ModelInput and ModelOutput."""
        fields: dict[str, Any] = {"name": self.name}
        fields |= {"data_type": self.data_type} if self.data_type else {}
        fields |= {"dims": self.dims} if self.dims is not None else {}
        fields |= {"reshape": {"shape": self.reshape}} if self.reshape is not None else {}
        return fields | {key: True for key in ("optional", "allow_ragged_batch") if getattr(self, key)}


class ModelConfig(NamedTuple):
    """The contents of a model's config.pbtxt: an element of `triton.models` with its backend's facts.

    platform: some backends need it besides their name, and an ensemble has it instead; max_batch_size: None where
    Triton decides, 0 where the dimensions contain the batch already; dynamic_batching: None where it is off; more:
    further fields by their names in the protobuf, in its shape; text: of a config.pbtxt of the user's own.
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
    more: Mapping[str, Any] = {}
    text: bytes | None = None

    @property
    def is_ensemble(self) -> bool:
        """Whether it only connects other models."""
        return self.platform == ENSEMBLE

    @property
    def steps(self) -> tuple[Mapping[str, Any], ...]:
        """The steps of an ensemble; none of other models."""
        return tuple(self.more.get("ensemble_scheduling", {}).get("step", ())) if self.is_ensemble else ()

    @property
    def fields(self) -> dict[str, Any]:
        """It in the shape of the protobuf's ModelConfig, without what it does not say."""
        fields: dict[str, Any] = {"name": self.name, **self.more}
        for key, text in (("platform", self.platform), ("backend", self.backend)):
            fields |= {key: text} if text else {}
        for key, value in (("max_batch_size", self.max_batch_size), ("dynamic_batching", self.dynamic_batching)):
            fields |= {key: value} if value is not None else {}
        for key, tensors in (("input", self.inputs), ("output", self.outputs)):
            fields |= {key: [tensor.fields for tensor in tensors]} if tensors else {}
        fields |= {"instance_group": self.instance_group} if self.instance_group else {}
        parameters = {key: {"string_value": value} for key, value in sorted(self.parameters.items())}
        return fields | ({"parameters": parameters} if parameters else {})
