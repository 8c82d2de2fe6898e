"""The samples of Triton's other backends: trained by do/build, read back by their own libraries, and by mlcc inspect.

The server of nvidia-pytriton has the Python backend alone, so these models are asked without Triton: by the library that
the backend is made of, with the rows, names and shapes that config.pbtxt declares.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.nvidia import model_config
from tests.real.rig import WINE, Rig, must, run

pytestmark = [pytest.mark.real, pytest.mark.real_large]

# Each prints {output name: values of two rows}; argv: the artifact; stdin: the rows.
READERS = {
    "fil": (
        "xgboost.json",
        "import xgboost; b = xgboost.Booster(model_file=sys.argv[1])\n"
        "answer = {'output__0': b.predict(xgboost.DMatrix(rows)).tolist()}",
    ),
    "onnxruntime": (
        "model.onnx",
        "import onnx; from onnx.reference import ReferenceEvaluator\n"
        "model = onnx.load(sys.argv[1]); onnx.checker.check_model(model, full_check=True)\n"
        "ask = ReferenceEvaluator(model); names = [o.name for o in model.graph.output]\n"
        "answer = {n: v.tolist() for n, v in zip(names, ask.run(None, {'input__0': rows})) if n == 'probabilities'}",
    ),
    "pytorch": (
        "model.pt",
        "import torch; model = torch.jit.load(sys.argv[1])\n"
        "answer = {'output__0': model(torch.as_tensor(rows)).tolist()}",
    ),
    "tensorflow": (
        "model.savedmodel",
        "import tensorflow as tf; model = tf.saved_model.load(sys.argv[1])\n"
        "ask = model.signatures['serving_default']\n"
        "answer = {n: v.numpy().tolist() for n, v in ask(input__0=tf.constant(rows)).items()}",
    ),
}
INSPECTED = ("fil", "onnxruntime", "tensorflow")


@pytest.mark.parametrize("backend", READERS)
def test_a_trained_sample_is_what_config_pbtxt_says(rig: Rig, tmp_path: Path, backend: str) -> None:
    # do/build asks for a server to run it on; building needs none
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/tritonserver").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bin/tritonserver").chmod(0o755)
    environ = {**rig.environ, "PATH": f"{tmp_path / 'bin'}:{rig.environ['PATH']}"}
    project = Rig(rig.mlcc, environ).project(tmp_path / "wines", f"triton-{backend}", engine="none")
    project.do("build")
    name, reader = READERS[backend]
    artifact = project.path / "model_repository/wine/1" / name
    declared = model_config((project.path / "model_repository/wine/config.pbtxt").read_text())
    [output], [source] = declared.output, declared.input
    assert (source.name, list(source.dims)) == ("input__0", [13])

    rows, kinds = WINE
    head = "import json, sys, numpy as np\nrows = np.asarray(json.load(sys.stdin), np.float32)\n"
    [python] = (project.path / ".mlcc/run").glob("venv-*/bin/python")
    script = f"{head}{reader}\nprint(json.dumps(answer))\n"
    done = must(run(python, "-c", script, artifact, stdin=json.dumps(rows), env=environ), "reading the sample")
    output_text: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    values = output_text[output.name]
    assert [len(v) for v in values] == [output.dims[0]] * 2
    assert [v.index(max(v)) for v in values] == kinds
    assert all(abs(sum(v) - 1) < 1e-4 for v in values), "probabilities"

    if backend in INSPECTED:
        found = json.loads(Rig(rig.mlcc, environ)("inspect", str(artifact), "--json", cwd=project.path).stdout)
        model = found["model"]
        assert [t["dims"] for t in model["inputs"]] == [[13]]
        assert output.name in [t["name"] for t in model["outputs"]] or backend == "fil"
        if backend == "onnxruntime":  # the class of each row: the batch is its only dimension
            [label] = [t for t in model["outputs"] if t["name"] == "label"]
            assert label == {"name": "label", "data_type": "TYPE_INT64", "dims": [1], "reshape": []}
