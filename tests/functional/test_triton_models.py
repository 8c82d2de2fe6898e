"""Several models in one Triton repository as a user sees them: ensembles, a config.pbtxt of one's own, the sample's end."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from mlcc import pipeline
from mlcc.lifecycle import rendered_project as projects
from mlcc.lifecycle import run_state, trained_sample
from mlcc.lifecycle.context import Context, Silent
from mlcc.lifecycle.steps import build
from mlcc.lifecycle.targets import local_repository
from mlcc.registries import load, triton_config
from mlcc.render.pbtxt import document_lines
from mlcc.resolve.triton import config_text
from mlcc.resolve.triton.models import models_of
from tests.functional.test_triton import CONFIGS, document
from tests.helpers import ROOT, Caller, build_tree, read_tree, state_of
from tests.nvidia import model_config

ROWS = load().triton_backends
SAMPLED = [name for name in CONFIGS if ROWS[name.removeprefix("triton-")].sample is not None]
TENSORS = "inputs: [{name: x, data_type: TYPE_FP32, dims: [4]}], outputs: [{name: y, data_type: TYPE_FP32, dims: [1]}]"
ENSEMBLE = f"""triton:
  models:
    - {{name: first, max_batch_size: 4, {TENSORS.replace("[1]", "[4]")}}}
    - {{name: second, max_batch_size: 4, {TENSORS}}}
    - name: both
      platform: ensemble
      max_batch_size: 4
      {TENSORS.replace("}], outputs", "}]" + chr(10) + "      outputs")}
      ensemble_scheduling:
        step:
          - {{model_name: first, input_map: {{x: x}}, output_map: {{y: between}}}}
          - {{model_name: second, input_map: {{x: between}}, output_map: {{y: y}}}}
"""
OWN = b'# mine\nbackend: \'python\' max_batch_size: 4\ninput {name: "x" data_type: TYPE_FP32 dims: 4}\r\noutput {name: "y" data_type: TYPE_FP32 dims: 1}'


def configs() -> dict[str, Any]:
    """Every config.pbtxt of the project here, as NVIDIA's protobuf reads it."""
    return {p.parent.name: model_config(p.read_text()) for p in Path("model_repository").glob("*/config.pbtxt")}


# ---------------------------------------------------------------- ensembles
def test_an_ensemble_renders_and_a_second_apply_writes_nothing(mlcc: Caller) -> None:
    build_tree(".", {"mlcc.yaml": document("triton-python", "local") + ENSEMBLE})
    assert "nothing wrong" in mlcc("validate", code=0).stderr
    mlcc("apply", "-q", code=0)
    before = state_of(".")
    mlcc("apply", "-q", code=0)
    assert state_of(".") == before
    found = configs()
    assert [(m.name, m.platform, m.backend) for _, m in sorted(found.items())] == [
        ("both", "ensemble", ""), ("first", "", "python"), ("second", "", "python"),
    ]  # fmt: skip
    steps = found["both"].ensemble_scheduling.step
    assert [(s.model_name, s.model_version, dict(s.input_map), dict(s.output_map)) for s in steps] == [
        ("first", -1, {"x": "x"}, {"y": "between"}), ("second", -1, {"x": "between"}, {"y": "y"}),
    ]  # fmt: skip
    # Triton loads a model by its version folders, and Git and Docker forget empty ones and hidden files
    assert [p.name for p in Path("model_repository/both/1").iterdir()] == ["ensemble.txt"]
    variables = projects.load_project(".").environment()
    assert variables["SAGEMAKER_TRITON_DEFAULT_MODEL_NAME"] == "both"


def test_an_ensemble_that_goes_takes_its_files_along(mlcc: Caller) -> None:
    build_tree(".", {"mlcc.yaml": document("triton-python") + ENSEMBLE})
    mlcc("apply", "-q", code=0)
    text = document("triton-python") + ENSEMBLE[: ENSEMBLE.index("    - name: both")] + "  default_model: first\n"
    build_tree(".", {"mlcc.yaml": text})
    mlcc("apply", "-q", code=0)
    assert sorted(p.name for p in Path("model_repository").iterdir()) == ["first", "second"]


def test_an_ensemble_s_folder_is_served_on_this_machine(mlcc: Caller) -> None:
    text = (document("triton-python", "local") + ENSEMBLE).replace("{name: second,", "{name: second, file: ./mine.py,")
    build_tree(".", {"mlcc.yaml": text, "mine.py": "code"})
    mlcc("apply", "-q", code=0)
    place = Path(local_repository.assemble(projects.load_project(".")))
    assert (place / "both/1/ensemble.txt").is_file()
    assert (place / "second/1/model.py").read_text() == "code"


# ---------------------------------------------------------------- a config.pbtxt of the user's own
OWN_MODEL = "triton: {models: [{name: mine, config_file: ./configs/mine.pbtxt}]}\n"


def test_a_config_of_one_s_own_is_rendered_as_it_is_and_follows_its_file(mlcc: Caller) -> None:
    build_tree(".", {"mlcc.yaml": document("triton-python") + OWN_MODEL, "configs/mine.pbtxt": OWN})
    mlcc("apply", "-q", code=0)
    written = Path("model_repository/mine/config.pbtxt")
    assert written.read_bytes() == OWN
    assert model_config(OWN.decode()).max_batch_size == 4
    assert Path("model_repository/mine/1/model.py").exists()
    mlcc("plan", "--detailed-exitcode", code=0)
    mlcc("plan", "--detailed-exitcode", code=0)
    Path("configs/mine.pbtxt").write_bytes(OWN.replace(b"size: 4", b"size: 8"))
    assert "update    model_repository/mine/config.pbtxt" in mlcc("plan", "--detailed-exitcode", code=2).stdout
    mlcc("apply", "-q", code=0)
    assert written.read_bytes() == OWN.replace(b"size: 4", b"size: 8")


def test_an_edit_of_the_rendered_file_is_not_lost(mlcc: Caller) -> None:
    build_tree(".", {"mlcc.yaml": document("triton-python") + OWN_MODEL, "configs/mine.pbtxt": OWN})
    mlcc("apply", "-q", code=0)
    written = Path("model_repository/mine/config.pbtxt")
    written.write_bytes(OWN + b"\ninstance_group { count: 3 }\n")
    Path("configs/mine.pbtxt").write_bytes(OWN.replace(b"# mine", b"# ours"))
    mlcc("apply", "-q", code=0)
    assert b"# ours" in written.read_bytes()
    assert b"count: 3" in written.read_bytes()


def test_a_config_of_one_s_own_that_is_wrong_writes_nothing(mlcc: Caller) -> None:
    broken = OWN.replace(b"TYPE_FP32", b"FP32", 1)
    build_tree("sub", {"mlcc.yaml": document("triton-python") + OWN_MODEL, "configs/mine.pbtxt": broken})
    refused = mlcc("apply", "sub/mlcc.yaml", code=1)
    assert "sub/configs/mine.pbtxt:3:29: error MLCC117" in refused.stdout + refused.stderr
    assert not Path("sub/model_repository").exists()


# ---------------------------------------------------------------- the sample goes with a model of one's own
@pytest.mark.parametrize("config", SAMPLED)
def test_a_model_of_one_s_own_takes_the_sample_s_files_away(mlcc: Caller, config: str) -> None:
    build_tree(".", {"mlcc.yaml": document(config)})
    mlcc("apply", "-q", code=0)
    assert Path("sample_model/train.py").exists()
    own = f"triton: {{models: [{{name: mine, max_batch_size: 4, {TENSORS}}}]}}\n"
    build_tree(".", {"mlcc.yaml": document(config) + own})
    mlcc("apply", "-q", code=0)
    files = read_tree(".", skip=[".git", ".mlcc"])
    assert not [path for path in files if path.startswith(("sample_model/", "model_repository/wine/"))]
    assert "model_repository/mine/config.pbtxt" in files
    assert not Path("sample_model").exists()
    assert not Path("model_repository/wine").exists()


def test_what_somebody_edited_of_the_sample_stays_with_a_finding(mlcc: Caller) -> None:
    build_tree(".", {"mlcc.yaml": document("triton-python")})
    mlcc("apply", "-q", code=0)
    for name in ("sample_model/train.py", "model_repository/wine/1/model.py"):
        Path(name).write_text(Path(name).read_text() + "# mine\n")
    own = f"triton: {{models: [{{name: mine, {TENSORS}}}]}}\n"
    build_tree(".", {"mlcc.yaml": document("triton-python") + own})
    done = mlcc("apply", code=0)
    for name in ("sample_model/train.py", "model_repository/wine/1/model.py"):
        assert Path(name).read_text().endswith("# mine\n")
        assert name in done.stdout + done.stderr
    assert not Path("model_repository/wine/config.pbtxt").exists(), "so that Triton does not load what is left"


def context(environ: Mapping[str, str] = {}) -> Context:
    return Context(projects.load_project("."), environ, Silent(), lambda _: None, lambda: 0.0, {})


@pytest.mark.parametrize("config", ["triton-python", "triton-tensorflow"])
def test_the_trained_sample_goes_with_it(mlcc: Caller, config: str) -> None:
    """What do/build has trained: a file, or a folder (SavedModel); the next build removes it."""
    build_tree(".", {"mlcc.yaml": document(config)})
    mlcc("apply", "-q", code=0)
    path = build.artifact(projects.load_project("."))
    build_tree(".", {path if config == "triton-python" else f"{path}/saved_model.pb": "trained"})
    trained_sample.remember(projects.load_project("."), path)
    trained_sample.forget(context(), path)
    assert Path(path).exists(), "it is served"
    build_tree(".", {"mlcc.yaml": document(config) + f"triton: {{models: [{{name: mine, {TENSORS}}}]}}\n"})
    mlcc("apply", "-q", code=0)
    assert Path(path).exists(), "apply deletes only what it wrote"
    now = context()
    trained_sample.forget(now, "")
    assert not Path("model_repository/wine").exists()
    assert path in now.progress.lines[0]  # type: ignore[attr-defined]
    trained_sample.forget(now, "")


@pytest.mark.parametrize(
    ("path", "written", "digest"),
    [
        ("model_repository/wine/1/centroids.npz", b"mine", b"trained"),  # somebody's own stands there
        ("model_repository/mine/1/model.py", b"mine", b"mine"),  # no sample has such a file
        ("../outside", b"mine", b"mine"),
    ],
)
def test_a_record_that_is_not_true_removes_nothing(mlcc: Caller, path: str, written: bytes, digest: bytes) -> None:
    own = f"triton: {{models: [{{name: mine, {TENSORS}}}]}}\n"
    build_tree("project", {"mlcc.yaml": document("triton-python") + own, "keep": ""})
    os.chdir("project")
    mlcc("apply", "-q", code=0)
    build_tree(".", {path: written})
    known = hashlib.sha256(f"{path}\0{len(digest)}\0".encode() + digest).hexdigest()
    run_state.write(".", trained_sample.RECORD, {"path": path, "digest": known})
    trained_sample.forget(context(), "")
    assert Path(path).read_bytes() == written


# ---------------------------------------------------------------- the seeded model.py
class Tensor:
    """What Triton's Python backend gives a model, as far as the seeded file asks for it."""

    def __init__(self, name: str, value: Any) -> None:
        self.name, self.value = name, value

    def as_numpy(self) -> Any:
        return self.value


class Values(list[float]):
    """As much of an array as is asked for."""

    def astype(self, kind: str) -> tuple[str, list[float]]:
        return kind, list(self)


def model_of(path: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The seeded model, with stand-ins for numpy and the backend's own module."""
    backend = ModuleType("triton_python_backend_utils")
    vars(backend).update(
        get_input_tensor_by_name=lambda request, name: request.get(name),
        triton_string_to_numpy=lambda kind: kind.removeprefix("TYPE_"),
        Tensor=Tensor,
        TritonError=str,
        InferenceResponse=lambda tensors=(), error=None: SimpleNamespace(tensors=tensors, error=error),
    )
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", backend)
    monkeypatch.setitem(sys.modules, "numpy", ModuleType("numpy"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    made = ModuleType("seeded_model")
    SourceFileLoader("seeded_model", path).exec_module(made)
    return made.TritonPythonModel()


def test_an_optional_input_may_be_missing(mlcc: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    more = TENSORS.replace("inputs: [", "inputs: [{name: bias, data_type: TYPE_FP32, dims: [1], optional: true}, ")
    build_tree(".", {"mlcc.yaml": document("triton-python") + f"triton: {{models: [{{name: mine, {more}}}]}}\n"})
    mlcc("apply", "-q", code=0)
    file = Path("model_repository/mine/1/model.py")
    mine = 'return {"y": inputs["x"]} if "bias" not in inputs else {"y": inputs["bias"]}'
    file.write_text(file.read_text().replace('raise ValueError("predict() in model.py is yours to write")', mine))
    model = model_of(str(file), monkeypatch)
    config = {
        "input": [{"name": "x"}, {"name": "bias"}],
        "output": [{"name": "y", "data_type": "TYPE_FP32"}],
    }
    model.initialize({"model_repository": "m", "model_version": "1", "model_config": json.dumps(config)})
    x, bias = Tensor("x", Values([1.0])), Tensor("bias", Values([5.0]))
    answers = model.execute([{"x": x}, {"x": x, "bias": bias}])
    assert [[t.value for t in answer.tensors] for answer in answers] == [[("FP32", [1.0])], [("FP32", [5.0])]]


def test_the_seeded_model_answers_as_it_stands(mlcc: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request gets an answer that says what is yours to write, also one without its optional input."""
    build_tree(".", {"mlcc.yaml": document("triton-python") + f"triton: {{models: [{{name: mine, {TENSORS}}}]}}\n"})
    mlcc("apply", "-q", code=0)
    model = model_of("model_repository/mine/1/model.py", monkeypatch)
    config = {"input": [{"name": "x"}], "output": []}
    model.initialize({"model_repository": "m", "model_version": "1", "model_config": json.dumps(config)})
    answers = model.execute([{}, {"x": Tensor("x", Values([1.0]))}])
    assert ["yours to write" in answer.error for answer in answers] == [True, True]


# ---------------------------------------------------------------- the server's program
@pytest.mark.parametrize(("config", "program", "words"), [
    ("triton-python", "tritonserver", "nvidia-pytriton"),
    ("http-nginx", "nginx", "your system's package nginx"),
])  # fmt: skip
def test_do_build_for_this_machine_needs_the_server_s_program(mlcc: Caller, config: str, program: str, words: str) -> None:  # fmt: skip
    build_tree(".", {"mlcc.yaml": document(config, "realtime-inference")})
    mlcc("apply", "-q", code=0)
    refused = mlcc("do", "build", "--target", "local", code=3)
    assert f"error MLCC302: {program} is not installed" in refused.stderr
    assert words in " ".join(refused.stderr.split())
    assert not Path("model_repository/wine/1/centroids.npz").exists()
    assert not list(Path(".mlcc").glob("run/venv-*")), "nothing is built that could not be started"


def test_doctor_lists_the_programs_of_servers(mlcc: Caller) -> None:
    found = {c["what"]: c for c in json.loads(mlcc("doctor", "-o", "json", code=0).stdout)["checks"]}
    assert found["tritonserver"] == {
        "what": "tritonserver", "state": "missing", "found": "not on PATH", "hint": "",
        "needed_for": "triton-* as a process of this machine",
    }  # fmt: skip
    assert found["nginx"]["needed_for"] == "http-nginx as a process of this machine"


def test_every_program_of_a_server_is_one_that_somebody_provides() -> None:
    known = load()
    lacking = [
        (config.name, program)
        for config in known.deployment_configs.values()
        for program in config.programs
        if program not in known.architectures[config.architecture].provided_by
    ]
    assert lacking == []


# ---------------------------------------------------------------- every key
def one_of_each(message: str, fields: Mapping[str, Any], last: bool) -> dict[str, Any]:
    """The fields of a message, and of those that exclude one another the first or the last alone."""
    table, found = triton_config.table(), dict(fields)
    for group in table.choices.get(message, ()):
        there = [name for name in group if name in found]
        for name in there:
            if name != there[-1 if last else 0]:
                del found[name]
    for name, value in found.items():
        field = table.messages[message][name]
        if field.type in table.messages:
            if field.key:
                found[name] = {key: one_of_each(field.type, part, last) for key, part in value.items()}
            elif field.repeated:
                found[name] = [one_of_each(field.type, part, last) for part in value]
            else:
                found[name] = one_of_each(field.type, value, last)
    return found


@pytest.mark.parametrize("last", [False, True])
def test_every_key_of_the_example_is_a_field_that_nvidia_reads(last: bool) -> None:
    """mlcc.example.yaml has every key of triton.models; all of them reach config.pbtxt, as they are written."""
    text = (ROOT / "mlcc.example.yaml").read_text()
    block = text[text.index("# triton:") : text.index("\nenv: #")].replace("\n# ", "\n")[2:]
    build_tree(".", {"mlcc.yaml": document("triton-python") + block, "configs/tuned.pbtxt": OWN})
    project = pipeline.resolve(pipeline.load("mlcc.yaml"))
    models = [model for model in models_of(project.default) if model.text is None]
    assert [model.name for model in models] == ["dialogue", "iris", "pipeline"]
    for model in models:
        fields = one_of_each("ModelConfig", model.fields, last)
        written = "\n".join(document_lines(fields))
        read = config_text.read(written.encode())
        assert read.problems == ()
        assert json.loads(json.dumps(read.fields)) == json.loads(json.dumps(fields)), (
            "what is written is what was meant"
        )
        assert model_config(written).name == model.name
