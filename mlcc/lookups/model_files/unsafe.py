"""Model files that are programs: pickles and TorchScript.  Law: loaded only when asked for, and in another process."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from mlcc.core.json_data import read_json
from mlcc.core.text import printable
from mlcc.io import programs
from mlcc.lookups.model_files.found import Found, Unreadable
from mlcc.resolve.triton.models import Tensor

TIMEOUT_S = 300
# What the other process runs: it prints one line of JSON.
PICKLE = """
import json, pickle, sys
try:
    import joblib
    model = joblib.load(sys.argv[1])
except ImportError:
    with open(sys.argv[1], 'rb') as stream:
        model = pickle.load(stream)
classes = getattr(model, 'classes_', None)
numbers = classes is not None and getattr(classes, 'dtype', None) is not None and classes.dtype.kind in 'iub'
said = {'features': int(getattr(model, 'n_features_in_', 0)), 'type': 'TYPE_INT64' if numbers else 'TYPE_FP64'}
said['type'] = 'TYPE_STRING' if classes is not None and not numbers else said['type']
print('\\n' + json.dumps(said))
"""
TORCHSCRIPT = """
import json, sys
import torch
model = torch.jit.load(sys.argv[1], map_location='cpu')
arguments = [a.name for a in model.forward.schema.arguments[1:]]
weights = [list(p.shape) for p in model.parameters() if p.dim() == 2]
said = {'inputs': len(arguments), 'outputs': max(len(model.forward.schema.returns), 1)}
said['features'] = weights[0][1] if weights else -1
said['classes'] = weights[-1][0] if weights else -1
print('\\n' + json.dumps(said))
"""


def pickled(path: str, environ: Mapping[str, str]) -> Found:
    """An estimator of scikit-learn's kind."""
    said = _run(PICKLE, path, environ)
    if not 0 < said.get("features", 0) <= 1 << 24:
        raise Unreadable("the object in it does not say how many features it has (n_features_in_)")
    inputs = (Tensor("input__0", "TYPE_FP64", (said["features"],)),)
    notes = ("a pickle is served by code of yours: model.py of the Python backend loads it",)
    outputs = (Tensor("output__0", str(said["type"]), (1,)),)
    return Found("py", inputs, outputs, batched=True, notes=notes)


def scripted(path: str, environ: Mapping[str, str]) -> Found:
    """A TorchScript module; sizes are guessed of its first and last matrix."""
    said = _run(TORCHSCRIPT, path, environ)
    inputs = tuple(Tensor(f"input__{n}", "TYPE_FP32", (said["features"],)) for n in range(said["inputs"]))
    outputs = tuple(Tensor(f"output__{n}", "TYPE_FP32", (said["classes"],)) for n in range(said["outputs"]))
    notes = ("TorchScript holds no shapes: dims are those of its first and last matrix, -1 where it has none",)
    return Found("pt", inputs, outputs, batched=True, notes=notes)


def _run(script: str, path: str, environ: Mapping[str, str]) -> dict[str, int]:
    python = programs.find("python3", environ) or sys.executable
    done = programs.run([python, "-c", script, path], environ=environ, timeout_s=TIMEOUT_S)
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    if done.code or not lines:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise Unreadable(f"{python} could not load it: {printable(said[-1] if said else 'it said nothing', 200)}")
    try:
        found = read_json(lines[-1])
    except ValueError:
        raise Unreadable("the process that loaded it did not say what it is") from None
    return found if isinstance(found, dict) else {}
