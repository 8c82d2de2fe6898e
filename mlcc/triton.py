"""The models of a Triton repository.  Law: pure; what a backend needs is a row of triton_backends.yaml, never a branch.

`complete` adds what the rows know to the candidates, so that every value has its source; `models` reads the elements
back from resolved values.  A project that names no model serves its backend's sample.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mlcc import pbtxt
from mlcc.candidates import Table, names
from mlcc.config import leaves, value_of
from mlcc.pbtxt import Model, Tensor
from mlcc.registries.triton import Sample, TritonBackend
from mlcc.selection import Rows
from mlcc.values import Item, Node, Path, Source

MODELS: Path = ("triton", "models")
FOLDER = "model_repository"
VERSION = "1"
DEFAULT_MODEL = "SAGEMAKER_TRITON_DEFAULT_MODEL_NAME"


# ---------------------------------------------------------------- candidates
def complete(table: Table, rows: Rows) -> None:
    """Adds the implied model, what each model's backend says of it, and the default model's variable."""
    own = rows.backend
    if own is None:
        return
    _implied(table, own)
    sampled = sample(_winners(table), own)
    for name in names(table.candidates, MODELS):
        _element(table, rows, own, name, sampled if sampled is not None and sampled.name == name else None)
    if sampled is not None:
        _put(table, ("test", "payload"), sampled.payload, own)
    _default_model(table, own)


def _winners(table: Table) -> dict[Path, Any]:
    return {p: min(found, key=lambda c: c.source).value for p, found in table.candidates.items()}


def _put(table: Table, path: Path, value: Any, row: TritonBackend) -> None:
    """Takes a row's value, unless something of the same or a stronger source says it, or a part of it."""
    for known, found in table.candidates.items():
        if known[: len(path)] == path and (known != path or any(c.source is Source.DEPLOYMENT_CONFIG for c in found)):
            return
    table.put(path, value, Source.DEPLOYMENT_CONFIG, row.origin)


def _implied(table: Table, own: TritonBackend) -> None:
    """The one model of a project that lists none: the file or the Hub's model that it names, else the sample."""
    if names(table.candidates, MODELS):
        return
    named, project = table.winner("model.name"), table.chosen("project.name")
    if named is None:
        seeded = table.winner("seed_files.sample_model")
        if own.sample is not None and (seeded is None or seeded.value):
            _put(table, (*MODELS, Item(own.sample.name), "name"), own.sample.name, own)
        return
    local = str(named.value).startswith("./")
    if project and (local or own.options_file):
        here: Path = (*MODELS, Item(project))
        table.put((*here, "name"), project, named.source, named.origin, named.mark)
        if local and not own.options_file:
            table.put((*here, "file"), str(named.value), named.source, named.origin, named.mark)


def _element(table: Table, rows: Rows, own: TritonBackend, name: str, sampled: Sample | None) -> None:
    here: Path = (*MODELS, Item(name))
    _put(table, (*here, "backend"), own.name, own)
    values = _winners(table)
    backend = rows.backends.get(str(values.get((*here, "backend"))))
    if backend is None:
        return
    if sampled is not None:
        _take(table, name, sampled.model, backend)
    form = backend.form(str(values.get((*here, "file"), "")), str(values.get(("model", "format"), "")))
    for key, value in form.parameters.items() if form is not None else ():
        _put(table, (*here, "parameters", key), str(value).replace("{model}", name), backend)
    _take(table, name, backend.model, backend)
    if _winners(table).get((*here, "max_batch_size")) == 0:
        _without_batching(table, (*here, "dynamic_batching"))


def _take(table: Table, name: str, part: Node, row: TritonBackend) -> None:
    for path, node in _leaves_of(name, part):
        _put(table, path, value_of(path, node), row)


def _without_batching(table: Table, path: Path) -> None:
    """Takes the row's own batching away where the user has said that there is no batch."""
    kept = [c for c in table.candidates.pop(path, []) if c.source is not Source.DEPLOYMENT_CONFIG]
    if kept:
        table.candidates[path] = kept


def _leaves_of(name: str, part: Node) -> Iterator[tuple[Path, Node]]:
    """The leaves of a row's partial element, at their places below triton.models[NAME]."""
    element = Node({"name": Node(name, part.mark), **part.value}, part.mark)
    root = Node({"triton": Node({"models": Node((element,), part.mark)}, part.mark)}, part.mark)
    yield from leaves(root)


def _default_model(table: Table, own: TritonBackend) -> None:
    """`triton.default_model` and its variable say the same; one model alone is the default."""
    path: Path = ("env", DEFAULT_MODEL)
    for candidate in table.candidates.get(("triton", "default_model"), []):
        if all(c.source != candidate.source for c in table.candidates.get(path, [])):
            table.put(path, candidate.value, candidate.source, candidate.origin, candidate.mark)
    known = names(table.candidates, MODELS)
    if len(known) == 1:
        _put(table, path, known[0], own)


# ---------------------------------------------------------------- elements
class Artifact(NamedTuple):
    """A model file of the project, and the place in the repository to which it is copied."""

    source: str
    target: str


def sample(values: Mapping[Path, Any], own: TritonBackend | None) -> Sample | None:
    """The backend's sample, where the project serves it."""
    found = own.sample if own is not None else None
    if found is None or ("model", "name") in values or not values.get(("seed_files", "sample_model"), True):
        return None
    here: Path = (*MODELS, Item(found.name))
    return found if (*here, "name") in values and (*here, "file") not in values else None


def sample_file(found: Sample, own: TritonBackend, values: Mapping[Path, Any]) -> str:
    """The path of the sample's artifact below the project."""
    form = own.form("", str(values.get(("model", "format"), "")))
    file = found.artifact or (form.file if form is not None else "")
    return f"{FOLDER}/{found.name}/{VERSION}/{file}"


def models(values: Mapping[Path, Any], backends: Mapping[str, TritonBackend]) -> list[Model]:
    """Every model, as its config.pbtxt says it."""
    return [_model(values, name, backends) for name in names(values, MODELS)]


def _model(values: Mapping[Path, Any], name: str, backends: Mapping[str, TritonBackend]) -> Model:
    here: Path = (*MODELS, Item(name))
    own = below(values, here)
    backend = str(own.get("backend", ""))
    row = backends.get(backend)
    return Model(
        name,
        backend,
        row.platform if row is not None else "",
        own.get("max_batch_size"),
        _tensors(values, (*here, "inputs")),
        _tensors(values, (*here, "outputs")),
        tuple(own.get("instance_group", ())),
        own.get("dynamic_batching"),
        own.get("parameters", {}),
    )


def below(values: Mapping[Path, Any], prefix: Path) -> dict[str, Any]:
    """The keys below a path as plain data, one level of mappings deep; named lists are left out."""
    found: dict[str, Any] = {}
    size = len(prefix)
    for path, value in values.items():
        rest = path[size:]
        if path[:size] != prefix or not rest or any(isinstance(s, Item) for s in rest):
            continue
        if len(rest) == 1:
            found[str(rest[0])] = value
        else:
            found.setdefault(str(rest[0]), {})[str(rest[1])] = value
    return found


def _tensors(values: Mapping[Path, Any], prefix: Path) -> tuple[Tensor, ...]:
    found = []
    for name in names(values, prefix):
        own = below(values, (*prefix, Item(name)))
        dims, reshape = (tuple(own[key]) if own.get(key) is not None else None for key in ("dims", "reshape"))
        optional, ragged = (bool(own.get(key)) for key in ("optional", "allow_ragged_batch"))
        found.append(Tensor(name, str(own.get("data_type", "")), dims, reshape, optional, ragged))
    return tuple(found)


def artifacts(values: Mapping[Path, Any], backends: Mapping[str, TritonBackend]) -> list[Artifact]:
    """The model files that the elements name."""
    found = []
    for name in names(values, MODELS):
        own = below(values, (*MODELS, Item(name)))
        row, source = backends.get(str(own.get("backend", ""))), str(own.get("file", ""))
        form = row.form(source, str(values.get(("model", "format"), ""))) if row is not None else None
        if source and form is not None:
            path = "/".join(part for part in source.split("/") if part not in ("", "."))
            found.append(Artifact(path, f"{name}/{VERSION}/{form.file}".rstrip("/")))
    return found


def coded(values: Mapping[Path, Any], backends: Mapping[str, TritonBackend]) -> list[str]:
    """Places below the repository of the code files that are the project's own."""
    found = []
    for name in names(values, MODELS):
        own = below(values, (*MODELS, Item(name)))
        row = backends.get(str(own.get("backend", "")))
        if row is not None and row.code and not own.get("file"):
            found.append(f"{name}/{VERSION}/{row.code}")
    return found


def option_files(values: Mapping[Path, Any], backends: Mapping[str, TritonBackend]) -> list[str]:
    """Places below the repository of the files of engine options."""
    rows = {n: backends.get(str(below(values, (*MODELS, Item(n))).get("backend", ""))) for n in names(values, MODELS)}
    return [f"{n}/{VERSION}/{row.options_file}" for n, row in rows.items() if row is not None and row.options_file]


# ---------------------------------------------------------------- what is rendered
_PLACE = re.compile(rf"{FOLDER}/[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}/(?:config\.pbtxt|{VERSION}/(\w+\.\w+))\Z")
_IN_VERSION = ("model.json", "model.py")


def is_rendered(path: str) -> bool:
    """True for a path of the repository that some project may render."""
    found = _PLACE.match(path)
    return found is not None and found[1] in (None, *_IN_VERSION)


def is_safe(place: str) -> bool:
    """True for a place below the repository that a model's file may have: a lock may have been forged."""
    name = place.partition("/")[0]
    return is_rendered(f"{FOLDER}/{name}/config.pbtxt") and ".." not in place.split("/")


def context(values: Mapping[Path, Any], rows: Rows) -> dict[str, Any]:
    """What the templates of the layer see of the repository; nothing of it for other architectures."""
    own = rows.backend
    sampled = sample(values, own)
    file = sample_file(sampled, own, values) if sampled is not None and own is not None else ""
    name = str(values.get(("model", "name"), ""))
    found: dict[str, Any] = {
        "artifacts": [a._asdict() for a in artifacts(values, rows.backends)],
        "code_files": coded(values, rows.backends),
        "repository_target": "",
        "sample_name": sampled.name if sampled is not None else "",
    }
    if own is None:
        return found
    if names(values, MODELS):
        found["repository_target"] = "/opt/program/model_repository/" if own.options_file else "/opt/ml/model/"
    weights = "/".join(p for p in name.split("/") if p != ".") if own.options_file and name.startswith("./") else ""
    return found | {
        "model_file": file.rpartition("/")[2],
        "model_path": weights.rstrip("/"),
        "sample": sampled is not None,
    }


def files(values: Mapping[Path, Any], backends: Mapping[str, TritonBackend]) -> dict[str, str]:
    """The texts of the repository that are written by code: each config.pbtxt, and what an engine starts from."""
    found = {f"{FOLDER}/{m.name}/config.pbtxt": pbtxt.render(m) for m in models(values, backends)}
    name = str(values.get(("model", "name"), ""))
    start = {} if "://" in name or name.startswith("./") or not name else {"model": name}
    text = json.dumps(start, indent=2) + "\n"
    return found | {f"{FOLDER}/{path}": text for path in option_files(values, backends)}
