"""The gallery, served: each example with its own training, in the versions of its container, by the do/ scripts."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import ROOT, read_yaml
from tests.real.rig import JSON, Project, Rig, Server, must, reported, run

pytestmark = pytest.mark.real

EXAMPLES = ROOT / "examples"
# What an answer holds besides the status 200.
ANSWERS = {
    "churn": lambda text: json.loads(text) == {"predictions": ["leaves", "stays"]},
    "houses": lambda text: [100_000 < one < 500_000 for one in json.loads(text)["predictions"]] == [True, True],
    "reviews": lambda text: [one["mood"] for one in json.loads(text)["moods"]] == ["good", "bad"],
    "demand": lambda text: [150 < one < 500 for one in json.loads(text)["predictions"]] == [True, True],
    "risk": lambda text: text == "0\n0\n",
}


def copied(name: str, folder: Path) -> Path:
    return Path(shutil.copytree(EXAMPLES / name, folder / name))


@pytest.fixture(params=sorted(ANSWERS))
def project(request: pytest.FixtureRequest, rig: Rig, tmp_path: Path) -> Iterator[Project]:
    """An example as its page says: applied, its handler put in place, its model trained with what the container gets."""
    folder = copied(request.param, tmp_path)
    rig("apply", "-q", cwd=folder)
    if (folder / "handler.py").exists():
        shutil.copy(folder / "handler.py", folder / "code/handler.py")
        rig("apply", "-q", cwd=folder)
    python = venv(tmp_path, "-r", str(folder / "code/requirements.txt"))
    must(run(python, "train.py", cwd=folder, env={"PATH": "/usr/bin:/bin"}, timeout=300), "train.py")
    assert rig("validate", cwd=folder).stdout == "", "the model is there, and of the version that mlcc.yaml names"
    made = Project(folder, {**rig.environ, "MLCC_ENGINE": "none"})
    yield made
    made.do("clean", "--target", "local")


def venv(folder: Path, *packages: str) -> Path:
    """The Python of a new environment with packages."""
    must(run(sys.executable, "-m", "venv", folder / "train", timeout=120), "venv")
    python = folder / "train/bin/python"
    must(run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages, timeout=900), "pip")
    return python


def test_an_example_is_served(rig: Rig, project: Project) -> None:
    asked = read_yaml(project.path / "mlcc.yaml")["test"]
    project.do("build", "--target", "local")
    url = project.json("deploy", "--target", "local")["url"]
    done = project.do("test", "--target", "local")
    assert "checks hold" in done.stdout
    server = Server(url.removesuffix("/invocations"))
    accept = asked.get("accept", JSON)
    answer = server.invoke(asked["payload"], asked.get("content_type", JSON), Accept=accept)
    assert (answer.status, answer.type) == (200, accept)
    assert ANSWERS[project.path.name](answer.body), answer.body
    if project.path.name != "reviews":  # whose requests are its own
        # what it asks of lists of numbers alone, or of the other limit of asynchronous requests, is left out by itself
        variables = {**rig.environ, "MLCC_TEST_URL": server.url}
        contract = run(sys.executable, "-B", project.path / "tests/test_contract.py", env=variables, timeout=180)
        must(contract, "tests/test_contract.py")


def test_the_ensemble_s_model_is_what_its_configuration_says(rig: Rig, tmp_path: Path) -> None:
    """Triton itself is not here: its two models are asked one after the other, as the ensemble does."""
    folder = copied("mood", tmp_path)
    python = venv(tmp_path, "numpy", "onnx", "onnxruntime")
    must(run(python, "train.py", cwd=folder, env={"PATH": "/usr/bin:/bin"}, timeout=300), "train.py")
    assert rig("validate", cwd=folder).stdout == "", "mlcc reads the file, and compares it with mlcc.yaml"
    found = json.loads(rig("inspect", "models/weights.onnx", "-o", "json", cwd=folder).stdout)
    assert "counts" in json.dumps(found)
    script = (
        "import numpy, onnxruntime, words\n"
        "session = onnxruntime.InferenceSession('models/weights.onnx')\n"
        "rows = numpy.stack([words.counts('a lovely day'), words.counts('a rude and cold day')])\n"
        "print(session.run(['score'], {'counts': rows})[0].reshape(-1).tolist())"
    )
    done = reported(run(python, "-c", script, cwd=folder, env={"PATH": "/usr/bin:/bin"}, timeout=120), "onnxruntime")
    good, bad = json.loads(done.stdout)
    assert good > 0.8
    assert bad < 0.2
