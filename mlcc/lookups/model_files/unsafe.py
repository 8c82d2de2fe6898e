"""Model files that are programs: pickles and TorchScript.  Law: loaded only when asked for, and in another process."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from mlcc.core.json_data import read_json
from mlcc.core.text import printable
from mlcc.io import programs
from mlcc.io.environment import of_loader
from mlcc.lookups.model_files.found import MAX_TENSORS, Found, Unreadable
from mlcc.registries.redaction import redact_known
from mlcc.resolve.triton.models import Tensor

TIMEOUT_S = 300
MAX_PRINTED = 64 << 10
TYPES = ("TYPE_FP64", "TYPE_INT64", "TYPE_STRING")
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
answer = {'features': int(getattr(model, 'n_features_in_', 0)), 'type': 'TYPE_INT64' if numbers else 'TYPE_FP64'}
answer['type'] = 'TYPE_STRING' if classes is not None and not numbers else answer['type']
print('\\n' + json.dumps(answer))
"""
TORCHSCRIPT = """
import json, sys
import torch
model = torch.jit.load(sys.argv[1], map_location='cpu')
arguments = [a.name for a in model.forward.schema.arguments[1:]]
weights = [list(p.shape) for p in model.parameters() if p.dim() == 2]
answer = {'inputs': len(arguments), 'outputs': max(len(model.forward.schema.returns), 1)}
answer['features'] = weights[0][1] if weights else -1
answer['classes'] = weights[-1][0] if weights else -1
print('\\n' + json.dumps(answer))
"""


def pickled(path: str, environ: Mapping[str, str]) -> Found:
    """An estimator of scikit-learn's kind."""
    answer = _run(PICKLE, path, environ)
    features, kind = _count(answer, "features"), answer.get("type")
    if features <= 0 or kind not in TYPES:
        raise Unreadable("the object in it does not say how many features it has (n_features_in_)")
    inputs = (Tensor("input__0", "TYPE_FP64", (features,)),)
    notes = ("a pickle is served by code of yours: model.py of the Python backend loads it",)
    outputs = (Tensor("output__0", str(kind), (1,)),)
    return Found("py", inputs, outputs, batched=True, notes=notes)


def scripted(path: str, environ: Mapping[str, str]) -> Found:
    """A TorchScript module; sizes are guessed of its first and last matrix."""
    answer = _run(TORCHSCRIPT, path, environ)
    counts = [_count(answer, key, MAX_TENSORS) for key in ("inputs", "outputs")]
    if min(counts) < 0:
        raise Unreadable(f"a module of {counts[0]} inputs and {counts[1]} outputs; at most {MAX_TENSORS} are read")
    features, classes = (_count(answer, key) for key in ("features", "classes"))
    inputs = tuple(Tensor(f"input__{n}", "TYPE_FP32", (features,)) for n in range(counts[0]))
    outputs = tuple(Tensor(f"output__{n}", "TYPE_FP32", (classes,)) for n in range(counts[1]))
    notes = ("TorchScript holds no shapes: dims are those of its first and last matrix, -1 where it has none",)
    return Found("pt", inputs, outputs, batched=True, notes=notes)


def _count(answer: Mapping[str, Any], key: str, most: int = 1 << 24) -> int:
    """A number in the other process's answer; -1 for none, or one that cannot be."""
    value = answer.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most else -1


def _run(script: str, path: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """What the other process found out; it gets none of its caller's secrets, and of what it prints the end is kept."""
    python = programs.find("python3", environ) or sys.executable
    argv, given = [python, "-c", script, path], of_loader(environ)
    done, _ = programs.end_of(argv, environ=given, timeout_s=TIMEOUT_S, max_bytes=MAX_PRINTED)
    lines = redact_known(done.stdout.decode("utf-8", "replace"), environ).strip().splitlines()
    if done.code:
        words = printable(lines[-1] if lines else "it printed nothing", 200)
        raise Unreadable(f"{python} could not load it: {words}")
    for line in reversed(lines):  # libraries may print something more when they end
        with suppress(ValueError):
            found = read_json(line)
            if isinstance(found, dict):
                return found
    raise Unreadable("the process that loaded it did not say what it is")
