"""What a model file holds, as an element of `triton.models`.  Law: static parsers; nothing of the file is run unasked.

The formats are a table; which backend serves a format is a row of triton_backends.yaml.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Mapping
from typing import Any

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.records import NamedTuple
from mlcc.core.text import allowed, printable
from mlcc.lookups.model_files import lightgbm, onnx, savedmodel, unsafe, xgboost
from mlcc.lookups.model_files.found import BATCH, Found, TooMuch, Unreadable
from mlcc.registries.triton_rows import TritonBackend
from mlcc.resolve.triton.models import FOLDER, Tensor

PARSERS: Mapping[str, Callable[[str], Found]] = {
    ".json": xgboost.parse_json,
    ".onnx": onnx.parse,
    ".pb": savedmodel.parse,
    ".txt": lightgbm.parse,
    ".ubj": xgboost.parse_ubj,
}
LOADERS: Mapping[str, Callable[[str, Mapping[str, str]], Found]] = {
    ".joblib": unsafe.pickled,
    ".pickle": unsafe.pickled,
    ".pkl": unsafe.pickled,
    ".pt": unsafe.scripted,
    ".pth": unsafe.scripted,
}
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
# Names that say nothing of a model; its folder's name says more.
_USUAL = {"checkpoint", "model", "saved_model", "xgboost"}
# Of one model, its tensors in JSON.
MAX_PRINTED = 48 << 10
BY_HAND = "write the model's inputs and outputs into triton.models by hand"


class Inspected(NamedTuple):
    """A `triton.models` element, and what a person should know of it."""

    element: dict[str, Any]
    notes: tuple[str, ...]


def inspect(
    path: str, backends: Mapping[str, TritonBackend], name: str, file: str, load: bool, environ: Mapping[str, str]
) -> Inspected:
    """Looks into a model file.

    path: where it is; name: of the model, empty for one after the file; file: its path in the project, empty where it
    is not to be named; load: run the file, where it is a program.  Raises UserError with a finding.
    """
    shown = printable(path, 200)
    try:
        found = _found(path, shown, load, environ)
        element = _element(found, backends, name or model_name(path), file)
        _check_size(element, found.notes)
    except Unreadable as problem:
        message = f"{shown} cannot be read: {printable(str(problem), 300)}"
        hint = BY_HAND if isinstance(problem, TooMuch) else "write it anew with the library that made it"
        raise UserError([error("MLCC165", message, file=path, hint=hint)]) from None
    except OSError as problem:
        message = f"{shown} cannot be read: {(problem.strerror or 'no file').lower()}"
        hint = "name a model's file, or a SavedModel's folder"
        raise UserError([error("MLCC165", message, file=path, hint=hint)]) from None
    return Inspected(element, found.notes)


def _check_size(element: Mapping[str, Any], notes: tuple[str, ...]) -> None:
    """Raises TooMuch for a model of so many names and dimensions that nobody could read what is printed of it."""
    size = len(json.dumps({"model": element, "notes": notes}, indent=2))
    if size > MAX_PRINTED:
        raise TooMuch(f"its inputs and outputs take {size:,} bytes to print, and {MAX_PRINTED:,} are the most")


def _plain(path: str) -> None:
    """Refuses what is no plain file: opening a pipe would wait for whoever writes to it."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise Unreadable("it is not a plain file")


def _found(path: str, shown: str, load: bool, environ: Mapping[str, str]) -> Found:
    if os.path.isdir(path) and os.path.exists(os.path.join(path, savedmodel.FILE)):
        _plain(os.path.join(path, savedmodel.FILE))
        return savedmodel.parse(path)
    if not os.path.isdir(path):
        _plain(path)
    suffix = os.path.splitext(path)[1].lower()
    if suffix in PARSERS:
        return PARSERS[suffix](path)
    if suffix not in LOADERS:
        message = f"{shown} is of no kind of model that is known by its name"
        hint = f"known: {allowed([*PARSERS, *LOADERS])}, and the folder of a SavedModel"
        raise UserError([error("MLCC166", message, file=path, hint=hint)])
    if not load:
        message = f"{shown} can only be read by running what is in it"
        hint = "--unsafe-load does so, in another process: for files that you trust"
        raise UserError([error("MLCC167", message, file=path, hint=hint)])
    return LOADERS[suffix](path, environ)


def model_name(path: str) -> str:
    """A model's name after its file or, where that is called as all are, after its folder."""
    parts = [p for p in os.path.abspath(path).split(os.sep) if p]
    if len(parts) > 2 and FOLDER in parts[:-2]:
        words = [parts[parts.index(FOLDER) + 1]]
    else:
        stem = os.path.splitext(parts[-1])[0]
        words = [w for w in (stem, *parts[-2:-1]) if w not in _USUAL]
    return next((w for w in words if _NAME.match(w)), "model")


def _element(found: Found, backends: Mapping[str, TritonBackend], name: str, file: str) -> dict[str, Any]:
    backend = next((row.name for row in backends.values() if found.format in row.formats), "")
    element: dict[str, Any] = {"name": name, "backend": backend}
    if file and not backends[backend].code:
        element["file"] = file
    default = backends[backend].model.get("max_batch_size")
    batch = int(default.value) if default is not None else BATCH
    element["max_batch_size"] = batch if found.batched else 0
    for key, tensors in (("inputs", found.inputs), ("outputs", found.outputs)):
        if tensors:
            element[key] = [_tensor(tensor) for tensor in tensors]
    return element | ({"parameters": dict(sorted(found.parameters.items()))} if found.parameters else {})


def _tensor(tensor: Tensor) -> dict[str, Any]:
    plain: dict[str, Any] = {"name": tensor.name, "data_type": tensor.data_type}
    plain |= {} if tensor.dims is None else {"dims": list(tensor.dims)}
    return plain | ({} if tensor.reshape is None else {"reshape": list(tensor.reshape)})
