"""The gallery: each example renders, is valid in every environment, and its own code answers its own request."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers import ROOT, Caller, build_tree, read_tree, read_yaml, run_mlcc
from tests.unit.test_serve_script import module

EXAMPLES = ROOT / "examples"
NAMES = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
INDEX = (EXAMPLES / "README.md").read_text()
# XGBoost and ONNX are not among the packages of these tests: `make test-real` trains those.
TRAINED = ("churn", "demand", "reviews", "risk")


def config(name: str) -> dict[str, Any]:
    return read_yaml(EXAMPLES / name / "mlcc.yaml")


@pytest.fixture
def copied(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return Path(shutil.copytree(EXAMPLES / request.param, tmp_path / request.param))


def test_there_are_ten_and_each_has_a_line_of_the_index() -> None:
    assert len(NAMES) == 10
    assert sorted(re.findall(r"(?m)^\| \[([a-z]+)\]\(([a-z]+)/mlcc.yaml\) \| .+ \|$", INDEX)) == [(n, n) for n in NAMES]


def test_they_cover_what_there_is() -> None:
    found = {
        n: (c["deployment"]["config"], c["deployment"].get("target", "realtime-inference")) for n, c in ALL.items()
    }
    assert {c.split("-")[0] for c, _ in found.values()} == {"http", "transformers", "triton"}
    assert {target for _, target in found.values()} == {
        "realtime-inference", "async-inference", "batch-transform", "hyperpod-eks",
    }  # fmt: skip
    assert {c for c, _ in found.values()} >= {"http-fastapi", "http-flask", "http-nginx"}
    assert any("adapters" in c for c in ALL.values())
    assert any(len(c.get("environments", {})) > 1 for c in ALL.values())


ALL = {name: config(name) for name in NAMES}


@pytest.mark.parametrize("copied", NAMES, indirect=True)
def test_an_example_renders_is_valid_and_could_be_deployed(copied: Path) -> None:
    own = read_tree(copied)
    assert not {name for name in own if name.endswith(("mlcc.lock", "Dockerfile")) or name.startswith((".mlcc", "do/"))}
    assert sum(map(len, own.values())) < 16_000, "what somebody wrote, not what a program made"
    checked = json.loads(run_mlcc("validate", "-o", "json", cwd=copied).stdout)
    lacks = {f["code"] for f in checked["findings"]}
    assert lacks <= ({"MLCC158"} if "train.py" in own else set()), checked
    for env in (None, *config(copied.name).get("environments", {})):
        given = ("--env", env) if env else ()
        assert run_mlcc("validate", *given, cwd=copied).code == 0
    done = run_mlcc("apply", cwd=copied)
    assert done.code == 0, done
    assert {name: data for name, data in read_tree(copied).items() if name in own} == own, "it is theirs, and stays"
    assert run_mlcc("apply", "--locked", cwd=copied).code == 0
    for env in (None, *config(copied.name).get("environments", {})):
        given = ("--env", env) if env else ()
        calls = json.loads(run_mlcc("do", "deploy", "--dry-run", *given, cwd=copied).stdout)["calls"]
        assert calls


def trained(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    runpy.run_path("train.py")
    return folder / "models"


@pytest.mark.parametrize("copied", TRAINED, indirect=True)
def test_a_trained_example_answers_its_own_request(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = trained(copied, monkeypatch)
    assert run_mlcc("apply", "-q", cwd=copied).code == 0
    if (copied / "handler.py").exists():
        shutil.copy(copied / "handler.py", copied / "code/handler.py")
        assert "= keep      code/handler.py" in run_mlcc("apply", cwd=copied).stdout
    handler = module(copied / "code/handler.py", f"handler_of_{copied.name}")
    asked = config(copied.name)["test"]
    kind, accept = (asked.get(key, "application/json") for key in ("content_type", "accept"))
    rows = handler.parse(asked["payload"].encode(), kind)
    text, answered = handler.format(handler.predict(handler.load(models), rows), accept)
    assert answered == accept
    assert ANSWERS[copied.name](text), text


ANSWERS = {
    "churn": lambda text: json.loads(text) == {"predictions": ["leaves", "stays"]},
    "demand": lambda text: [150 < one < 500 for one in json.loads(text)["predictions"]] == [True, True],
    "reviews": lambda text: [one["mood"] for one in json.loads(text)["moods"]] == ["good", "bad"],
    "risk": lambda text: text == "0\n0\n",
}


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"[]", 400), (b"no", 400), (b'{"reviews": []}', 400), (b'{"reviews": [1]}', 400),
     (json.dumps({"reviews": ["a"] * 101}).encode(), 413)],
)  # fmt: skip
def test_the_handler_of_reviews_refuses_what_is_none(body: bytes, status: int) -> None:
    handler = module(EXAMPLES / "reviews/handler.py", "handler_of_reviews")
    with pytest.raises(handler.Refused) as caught:
        handler.parse(body, "application/json; charset=utf-8")
    assert caught.value.status == status


class Tensor:
    """Triton's tensor, of the Python backend."""

    def __init__(self, name: str, data: Any) -> None:
        self.name, self.data = name, data

    def as_numpy(self) -> Any:
        return self.data


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """What tritonserver gives a Python model to import."""
    made = types.ModuleType("triton_python_backend_utils")
    made.Tensor = Tensor  # type: ignore[attr-defined]
    made.InferenceResponse = list  # type: ignore[attr-defined]
    made.get_input_tensor_by_name = lambda request, name: request.get(name)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", made)


def texts(*words: str) -> Tensor:
    return Tensor("TEXT", np.array([[word.encode()] for word in words], dtype=object))


def shapes(name: str, model: str) -> dict[str, list[int]]:
    found = next(m for m in config(name)["triton"]["models"] if m["name"] == model)
    return {output["name"]: output["dims"] for output in found["outputs"]}


def test_languages_answers_as_its_configuration_says(backend: None) -> None:
    model = module(EXAMPLES / "languages/model.py", "languages").TritonPythonModel()
    plain = {"TEXT": texts("wo ist der Zug", "where is the train")}
    more = {"TEXT": texts("el tren no es"), "BEST": Tensor("BEST", np.array([[9]], np.int32))}
    first, second = model.execute([plain, more])
    assert [tensor.name for tensor in first] == [*shapes("languages", "languages")]
    assert first[0].data.tolist() == [[b"de"], [b"en"]]
    assert second[0].data.shape == second[1].data.shape == (1, 4)
    assert second[0].data[0][0] == b"es"


def test_words_of_mood_have_the_size_that_its_configuration_says(backend: None) -> None:
    words = module(EXAMPLES / "mood/words.py", "words")
    ((counted,),) = words.TritonPythonModel().execute([{"TEXT": texts("a lovely day", "lovely, LOVELY")}])
    assert [counted.name] == [*shapes("mood", "words")]
    assert counted.data.shape == (2, *shapes("mood", "words")["COUNTS"])
    assert counted.data.dtype == np.float32
    assert counted.data.sum(axis=1).tolist() == [3.0, 2.0]


@pytest.mark.parametrize("name", NAMES)
def test_init_copies_an_example(mlcc: Caller, name: str) -> None:
    mlcc("init", "--example", name, "-C", "new", code=0)
    assert read_tree("new") == read_tree(EXAMPLES / name, skip=("models",))


def test_init_replaces_nothing_with_an_example(mlcc: Caller) -> None:
    build_tree("new", {"train.py": "mine = 1\n"})
    before = read_tree(".")
    said = mlcc("init", "--example", "churn", "-C", "new", code=1).stderr
    assert "MLCC217" in said
    assert "new/train.py is there already" in said
    assert "did you mean churn?" in mlcc("init", "--example", "chrun", code=2).stderr
    for more in (("iris",), ("--region", "us-east-1"), ("--force",), ("--model", "m.joblib")):
        assert "MLCC901" in mlcc("init", *more, "--example", "churn", "-C", "other", code=2).stderr
    assert read_tree(".") == before


def test_an_example_as_json(mlcc: Caller) -> None:
    assert json.loads(mlcc("init", "--example", "notes", "-o", "json", code=0).stdout)["file"] == "mlcc.yaml"
