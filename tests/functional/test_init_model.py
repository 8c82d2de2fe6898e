"""mlcc init --model on the command line: what is read out of a model file, and written."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import joblib
import pytest
import sklearn
import yaml
from sklearn.linear_model import LinearRegression

from tests.functional.test_own_model import churn
from tests.helpers import build_tree
from tests.unit.test_model_files import xgboost

TREES = json.dumps({**xgboost("3", "0", "reg:squarederror"), "version": [3, 2, 0]})


@pytest.fixture(scope="module")
def pickled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "churn.joblib"
    joblib.dump(churn(), path)
    return path


def written(folder: str = ".") -> Any:
    return yaml.safe_load(Path(folder, "mlcc.yaml").read_text())


def test_a_pipeline_over_a_data_frame(mlcc: Any, pickled: Path) -> None:
    build_tree(".", {"models/churn.joblib": pickled.read_bytes()})
    mlcc("init", "churn", "--model", "models/churn.joblib", code=0)
    document = written()
    assert document["model"] == {"name": "./models/churn.joblib", "format": "joblib"}
    assert document["framework"] == {"name": "sklearn", "version": sklearn.__version__}
    assert json.loads(document["test"]["payload"]) == {"instances": [{"plan": "basic", "months": 0, "spend": 0}]}
    # a text that a person can edit
    assert """payload: '{"instances": [{"plan": "basic",""" in Path("mlcc.yaml").read_text()
    mlcc("validate", code=0)
    mlcc("apply", code=0)
    assert 'MODEL_FILE = "churn.joblib"' in Path("code/handler.py").read_text()


def test_by_the_key_and_beside_another_folder(mlcc: Any, pickled: Path) -> None:
    """--model-name is a path as mlcc.yaml has it: below the folder where that file is written."""
    build_tree("new", {"m/a.joblib": pickled.read_bytes(), "m/trees.json": TREES})
    mlcc("init", "-C", "new", "--model-name", "./m/a.joblib", code=0)
    assert written("new")["model"] == {"name": "./m/a.joblib", "format": "joblib"}
    mlcc("init", "-C", "new", "--force", "--model", "new/m/trees.json", code=0)
    assert written("new")["model"] == {"name": "./m/trees.json", "format": "json"}
    assert written("new")["framework"] == {"name": "xgboost", "version": "3.2.0"}
    assert json.loads(written("new")["test"]["payload"]) == {"instances": [[0.0, 0.0, 0.0]]}


def test_a_version_without_a_row_and_code_that_the_image_lacks(mlcc: Any) -> None:
    model = LinearRegression().fit([[1.0]], [1.0])
    data = pickle.dumps(model, protocol=2).replace(sklearn.__version__.encode(), b"0.1.2"[: len(sklearn.__version__)])
    build_tree(".", {"old.pkl": data})
    done = mlcc("init", "--model", "old.pkl", code=0)
    assert "MLCC396" in done.stderr
    assert "0.1.2" in done.stderr
    assert "version" not in written().get("framework", {})


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("gone.joblib", "MLCC165", "no such file"),
        ("broken.pkl", "MLCC165", "it is no pickle"),
        ("net.onnx", "MLCC115", "--deployment-config triton-onnxruntime, then mlcc inspect"),
        ("notes.md", "MLCC115", "no framework loads ./notes.md"),
        ("../outside.joblib", "MLCC168", "lies outside the project"),
    ],
)
def test_what_cannot_be_read_is_refused_and_nothing_is_written(mlcc: Any, name: str, code: str, says: str) -> None:
    build_tree(".", {"broken.pkl": b"\xff\xff", "net.onnx": b"", "notes.md": "x"})
    done = mlcc("init", "--model", name, code=1)
    assert code in done.stderr
    assert says in " ".join(done.stderr.split())
    assert not Path("mlcc.yaml").exists()


@pytest.mark.parametrize("name", ["s3://bucket/models/", "Qwen/Qwen3-0.6B"])
def test_a_model_that_lies_elsewhere_is_only_named(mlcc: Any, name: str) -> None:
    mlcc("init", "--model", name, "--deployment-config", "transformers-vllm", code=0)
    assert written()["model"] == {"name": name}


def test_one_origin_at_a_time(mlcc: Any) -> None:
    build_tree(".", {"older/do/config": "export DEPLOYMENT_CONFIG=http-flask\n", "a.pkl": b""})
    done = mlcc("init", "--model", "a.pkl", "--import", "older", code=2)
    assert "exclude each other" in done.stderr
