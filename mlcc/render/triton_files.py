"""The files of a Triton repository: which paths may be rendered, and their texts.  Law: pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from mlcc.core.paths import Item, Path, names
from mlcc.registries.triton_rows import TritonBackend
from mlcc.render import pbtxt
from mlcc.resolve.result import Resolved, Rows
from mlcc.resolve.triton.models import (
    FOLDER,
    MODELS,
    VERSION,
    artifacts,
    keys_below,
    models_of,
    sample_file,
    served_sample,
)


def coded(values: Mapping[Path, Any], backends: Mapping[str, TritonBackend]) -> list[str]:
    """Places below the repository of the code files that are the project's own."""
    found = []
    for name in names(values, MODELS):
        own = keys_below(values, (*MODELS, Item(name)))
        row = backends.get(str(own.get("backend", "")))
        if row is not None and row.code and not own.get("file"):
            found.append(f"{name}/{VERSION}/{row.code}")
    return found


def option_files(values: Mapping[Path, Any], backends: Mapping[str, TritonBackend]) -> list[str]:
    """Places below the repository of the files of engine options."""
    rows = {
        n: backends.get(str(keys_below(values, (*MODELS, Item(n))).get("backend", ""))) for n in names(values, MODELS)
    }
    return [f"{n}/{VERSION}/{row.options_file}" for n, row in rows.items() if row is not None and row.options_file]


# ---------------------------------------------------------------- what is rendered
_PLACE = re.compile(rf"{FOLDER}/[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}/(?:config\.pbtxt|{VERSION}/(\w+\.\w+))\Z")
# An ensemble has no model file, and Triton loads a model by its version folders.
NOTE = "ensemble.txt"
NOTE_TEXT = "Triton needs this version folder; an ensemble has no file in it.\n"
_IN_VERSION = ("model.json", "model.py", NOTE)


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
    sampled = served_sample(values, own)
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


def files(resolved: Resolved) -> dict[str, bytes]:
    """The texts of the repository that are written by code: each config.pbtxt, and what an engine starts from."""
    values, backends = {p: v.value for p, v in resolved.values.items()}, resolved.rows.backends
    models = models_of(resolved)
    found = {f"{FOLDER}/{m.name}/config.pbtxt": m.text or pbtxt.render(m).encode() for m in models}
    found |= {f"{FOLDER}/{m.name}/{VERSION}/{NOTE}": NOTE_TEXT.encode() for m in models if m.is_ensemble}
    name = str(values.get(("model", "name"), ""))
    start = {} if "://" in name or name.startswith("./") or not name else {"model": name}
    text = json.dumps(start, indent=2) + "\n"
    return found | {f"{FOLDER}/{path}": text.encode() for path in option_files(values, backends)}
