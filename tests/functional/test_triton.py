"""Triton projects as a user sees them: rendered, applied again, started by their own serve script, inspected."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest

from mlcc.core.errors import PreconditionError
from mlcc.io import packaged
from mlcc.lifecycle import rendered_project as projects
from mlcc.lifecycle.steps import build
from mlcc.lifecycle.targets import local_repository
from mlcc.registries import load
from tests.helpers import Caller, build_tree, read_tree, state_of
from tests.textproto import parse

KNOWN = load()
CONFIGS = sorted(n for n, c in KNOWN.deployment_configs.items() if c.architecture == "triton")
TENSORS = "inputs: [{name: x, data_type: TYPE_FP32, dims: [4]}], outputs: [{name: y, data_type: TYPE_FP32, dims: [1]}]"
MORE = {
    "triton-tensorrt": f"triton: {{models: [{{name: net, file: ./nets/a.plan, {TENSORS}}}]}}\n",
    "triton-tensorrtllm": f"triton: {{models: [{{name: chat, file: ./engines/, {TENSORS}}}]}}\n",
    "triton-vllm": "model: {name: Qwen/Qwen3-0.6B}\nengine: {max_model_len: 2048, max_num_seqs: 8}\n",
}
MAX_FILES, MAX_LINES = 30, 1500


def document(config: str, target: str = "realtime-inference") -> str:
    return f"version: 1\nproject: {{name: wines}}\ndeployment: {{config: {config}, target: {target}}}\n" + MORE.get(
        config, ""
    )


def test_there_are_eight():
    assert [c.removeprefix("triton-") for c in CONFIGS] == sorted(KNOWN.triton_backends)
    assert len(CONFIGS) == 8


@pytest.mark.parametrize("config", CONFIGS)
def test_every_config_renders_and_a_second_apply_writes_nothing(mlcc: Caller, config: str) -> None:
    build_tree(".", {"mlcc.yaml": document(config)})
    mlcc("apply", "-q", code=0)
    before = state_of(".")
    mlcc("apply", "-q", code=0)
    assert state_of(".") == before
    mlcc("apply", "--check", code=0)
    files = read_tree(".", skip=[".git", ".mlcc"])
    assert len(files) <= MAX_FILES
    assert sum(data.count(b"\n") for data in files.values()) <= MAX_LINES
    [written] = [parse(data.decode()) for path, data in files.items() if path.endswith("/config.pbtxt")]
    assert written["backend"] == [config.removeprefix("triton-")]
    assert f"model_repository/{written['name'][0]}/config.pbtxt" in files


@pytest.mark.parametrize("config", CONFIGS)
def test_the_image_gets_the_repository_and_no_more(mlcc: Caller, config: str) -> None:
    build_tree(".", {"mlcc.yaml": document(config)})
    mlcc("apply", "-q", code=0)
    copies = [json.loads(line[5:]) for line in Path("Dockerfile").read_text().splitlines() if line.startswith("COPY ")]
    backend = KNOWN.triton_backends[config.removeprefix("triton-")]
    place = "/opt/program/model_repository/" if backend.options_file else "/opt/ml/model/"
    assert copies[0] == ["model_repository/", place]
    assert copies[-1] == ["code/", "/opt/program/"]
    named = {"triton-tensorrt": ["nets/a.plan", place + "net/1/model.plan"], "triton-tensorrtllm": ["engines", place + "chat/1"]}  # fmt: skip
    assert copies[1:-1] == ([named[config]] if config in named else [])


def test_an_old_name_is_understood(mlcc: Caller) -> None:
    build_tree(".", {"mlcc.yaml": document("triton-onnx")})
    assert "write triton-onnxruntime" in mlcc("validate", code=0).stdout


def test_an_edited_config_is_merged(mlcc: Caller) -> None:
    build_tree(".", {"mlcc.yaml": document("triton-fil")})
    mlcc("apply", "-q", code=0)
    file = Path("model_repository/wine/config.pbtxt")
    file.write_text(file.read_text() + "version_policy { latest { num_versions: 2 } }\n")
    mlcc("set", "triton.models[wine].max_batch_size", "512", code=0)
    mlcc("apply", "-q", code=0)
    assert "max_batch_size: 512" in file.read_text()
    assert "num_versions: 2" in file.read_text()


def test_a_model_that_goes_takes_its_config_along(mlcc: Caller) -> None:
    onnx = "triton: {default_model: a, models: [{name: a}, {name: b}]}\n"
    build_tree(".", {"mlcc.yaml": document("triton-onnxruntime") + onnx})
    mlcc("apply", "-q", code=0)
    assert Path("model_repository/b/config.pbtxt").exists()
    build_tree(".", {"mlcc.yaml": document("triton-onnxruntime") + onnx.replace(", {name: b}", "")})
    mlcc("apply", "-q", code=0)
    assert not Path("model_repository/b/config.pbtxt").exists()
    assert Path("model_repository/a/config.pbtxt").exists()


def test_only_a_python_model_of_one_s_own_gets_a_file(mlcc: Caller) -> None:
    models = (
        "triton: {default_model: a, models: [{name: a}, {name: b, file: ./b.py}, {name: c, backend: onnxruntime}]}\n"
    )
    build_tree(".", {"mlcc.yaml": document("triton-python") + models})
    mlcc("apply", "-q", code=0)
    assert [str(p) for p in Path("model_repository").glob("*/1/*")] == ["model_repository/a/1/model.py"]
    assert "yours to write" in Path("model_repository/a/1/model.py").read_text()


# ---------------------------------------------------------------- the sample
@pytest.mark.parametrize("config", [c for c in CONFIGS if KNOWN.triton_backends[c[7:]].sample is not None])
def test_build_trains_the_sample_where_triton_looks_for_it(mlcc: Caller, config: str) -> None:
    build_tree(".", {"mlcc.yaml": document(config, "local")})
    mlcc("apply", "-q", code=0)
    project = projects.load_project(".")
    row = KNOWN.triton_backends[config[7:]]
    assert os.path.dirname(build.artifact(project)) == "model_repository/wine/1"
    assert build.sample_requirements(project) == row.sample.requirements
    compile(Path("sample_model/train.py").read_text(), "train.py", "exec")
    calls = json.loads(mlcc("do", "build", "--dry-run", "-o", "json", code=0).stdout)["calls"]
    assert calls[0]["parameters"] == {"script": "sample_model/train.py", "output": "model_repository/wine/1"}


# ---------------------------------------------------------------- as a process of this machine
def test_named_files_are_linked_where_triton_looks_for_them(mlcc: Caller) -> None:
    models = "triton: {default_model: a, models: [{name: a, file: ./nets/a.onnx}, {name: b, backend: tensorflow, file: nets/b}]}\n"
    text = document("triton-onnxruntime", "local") + 'framework: {version: "25.02"}\n' + models
    build_tree(".", {"mlcc.yaml": text, "nets/a.onnx": "weights"})
    mlcc("apply", "-q", code=0)
    with pytest.raises(PreconditionError, match=r"nets/b, a model of mlcc\.yaml, is not there"):
        local_repository.assemble(projects.load_project("."))
    build_tree("nets/b", {"saved_model.pb": "graph"})
    place = Path(local_repository.assemble(projects.load_project(".")))
    assert place == Path.cwd() / ".mlcc/run/model_repository"
    assert (place / "a/1/model.onnx").read_text() == "weights"
    assert (place / "b/1/model.savedmodel/saved_model.pb").read_text() == "graph"
    assert (place / "a/config.pbtxt").read_text() == Path("model_repository/a/config.pbtxt").read_text()
    assert Path(local_repository.assemble(projects.load_project("."))) == place, "it is made anew"


def test_a_version_folder_that_is_the_model_is_linked_as_one(mlcc: Caller) -> None:
    build_tree(".", {"mlcc.yaml": document("triton-tensorrtllm", "local"), "engines/rank0.engine": "engine"})
    mlcc("apply", "-q", code=0)
    place = Path(local_repository.assemble(projects.load_project(".")))
    assert (place / "chat/1/rank0.engine").read_text() == "engine"


def test_the_project_s_own_repository_is_served_where_no_file_is_named(mlcc: Caller) -> None:
    build_tree(".", {"mlcc.yaml": document("triton-fil", "local")})
    mlcc("apply", "-q", code=0)
    assert local_repository.assemble(projects.load_project(".")) == str(Path.cwd() / "model_repository")


def test_a_model_in_aws_is_not_served_here(mlcc: Caller) -> None:
    build_tree(".", {"mlcc.yaml": document("triton-fil", "local") + "model: {name: 's3://bucket/models/'}\n"})
    mlcc("apply", "-q", code=0)
    with pytest.raises(PreconditionError, match="lies in AWS"):
        local_repository.assemble(projects.load_project("."))


# ---------------------------------------------------------------- code/serve
def serve(name: str) -> ModuleType:
    """The rendered serve script as a module."""
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    try:
        made = ModuleType(name)
        made.__file__ = os.path.abspath("code/serve")
        SourceFileLoader(name, "code/serve").exec_module(made)
    finally:
        sys.dont_write_bytecode = before
    return made


@pytest.fixture
def script(mlcc: Caller) -> ModuleType:
    build_tree(".", {"mlcc.yaml": document("triton-python")})
    mlcc("apply", "-q", code=0)
    return serve("serve_python")


def output_text(script: ModuleType, call: Any, *arguments: Any) -> str:
    with pytest.raises(script.Refused) as problem:
        call(*arguments)
    return str(problem.value)


SHM = ["--backend-config=python,shm-default-byte-size=16777216", "--backend-config=python,shm-growth-byte-size=1048576"]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, SHM),
        ({"SAGEMAKER_TRITON_LOG_VERBOSE": "1"}, ["--log-verbose=1", *SHM]),
        ({"SAGEMAKER_TRITON_SHM_DEFAULT_BYTE_SIZE": "5"}, ["--backend-config=python,shm-default-byte-size=5", SHM[1]]),
        ({"SAGEMAKER_TRITON_THREAD_COUNT": "4"}, [*SHM, "--sagemaker-thread-count=4"]),
        ({"SAGEMAKER_SAFE_PORT_RANGE": "20000-21000"}, [*SHM, "--sagemaker-safe-port-range=20000-21000"]),
        ({"SAGEMAKER_TRITON_INFERENCE_TYPE": "generate", "SAGEMAKER_TRITON_DEFAULT_MODEL_NAME": "x"}, SHM),
        ({"SAGEMAKER_TRITON_LOG_INFO": ""}, SHM),
        (
            {"SAGEMAKER_TRITON_ALLOW_GRPC": "true", "SAGEMAKER_TRITON_GRPC_PORT": "8001"},
            ["--allow-grpc=true", "--grpc-port=8001", *SHM],
        ),
        ({"SAGEMAKER_TRITON_ADDITIONAL_ARGS": "--allow-http=true --x='a b'"}, [*SHM, "--allow-http=true", "--x=a b"]),
        ({"SAGEMAKER_TRITON_OVERRIDE_PING_MODE": "live"}, SHM),
        ({"MLCC_TRITON_CACHE_MB": "8"}, [*SHM, "--cache-config=local,size=8388608"]),
        ({"MLCC_TRITON_CACHE_MB": ""}, SHM),
    ],
)
def test_variables_become_options(script: ModuleType, environ: dict[str, str], expected: list[str]) -> None:
    assert list(script.options(environ)) == expected


def test_an_unknown_variable_is_refused_with_the_nearest_name(script: ModuleType) -> None:
    message = output_text(script, lambda: list(script.options({"SAGEMAKER_TRITON_LOG_VERBOS": "1"})))
    assert "Did you mean SAGEMAKER_TRITON_LOG_VERBOSE?" in message


@pytest.mark.parametrize(
    ("environ", "part"),
    [
        ({"MLCC_TRITON_CACHE_MB": "much"}, "'much': a number of MiB is expected"),
        ({"MLCC_TRITON_CACHE_MB": "0"}, "'0': a number of MiB is expected"),
        ({"SAGEMAKER_TRITON_ADDITIONAL_ARGS": "'x"}, "no closing quotation"),
    ],
)
def test_a_value_that_is_none_is_refused(script: ModuleType, environ: dict[str, str], part: str) -> None:
    assert part in output_text(script, lambda: list(script.options(environ)))


def test_on_a_multi_model_endpoint_the_service_loads_the_models(script: ModuleType) -> None:
    asked = {"SAGEMAKER_MULTI_MODEL": "true", "MLCC_MODEL_DIR": "model_repository"}
    options, own = script.repository_arguments(asked)
    assert options[1:] == ["--model-control-mode=explicit", "--model-namespacing=true"]
    assert own == {"SAGEMAKER_TRITON_PING_MODE": "live"}
    place = Path(options[0].removeprefix("--model-repository="))
    assert [*place.iterdir()] == []
    place.rmdir()
    asked |= {"SAGEMAKER_TRITON_OVERRIDE_PING_MODE": "ready"}
    assert script.repository_arguments(asked)[1] == {"SAGEMAKER_TRITON_PING_MODE": "ready"}


@pytest.mark.parametrize(
    ("files", "wanted", "part"),
    [
        (["config.pbtxt", "a/config.pbtxt"], "", "a folder for each model instead"),
        ([], "", "no model"),
        (["a/config.pbtxt", "b/config.pbtxt"], "", "holds a, b: name one"),
        (["wine/config.pbtxt"], "wines", "Did you mean wine?"),
        (["wine/config.pbtxt"], "zzz", "There is: wine."),
    ],
)
def test_a_repository_that_would_not_serve_is_refused(
    script: ModuleType, tmp_path: Path, files: list[str], wanted: str, part: str
) -> None:
    build_tree(tmp_path / "models", dict.fromkeys(files, "x"))
    environ = {"SAGEMAKER_TRITON_DEFAULT_MODEL_NAME": wanted}
    assert part in output_text(script, script.models, tmp_path / "models", environ)


@pytest.mark.parametrize(
    ("files", "wanted", "loaded"),
    [
        (["a/x"], "", ["a"]),
        (["a/x", "b/x"], "a", ["a", "b"]),
        (["a/config.pbtxt", "b/config.pbtxt", "c/config.pbtxt"], "b", ["b", "a", "c"]),
        # a folder without config.pbtxt is what is left of a model, unless it is asked for
        (["a/config.pbtxt", "b/1/model.onnx"], "", ["a"]),
        (["a/config.pbtxt", "b/1/model.onnx"], "b", ["b", "a"]),
        (["a/config.pbtxt", "README"], "", ["a"]),
    ],
)
def test_every_model_is_loaded_and_the_default_comes_first(
    script: ModuleType, tmp_path: Path, files: list[str], wanted: str, loaded: list[str]
) -> None:
    build_tree(tmp_path / "models", dict.fromkeys(files, "x"))
    assert script.models(tmp_path / "models", {"SAGEMAKER_TRITON_DEFAULT_MODEL_NAME": wanted}) == loaded


@pytest.mark.parametrize("port", ["0", "70000", "80 80", "x"])
def test_a_port_that_is_none_is_refused(script: ModuleType, port: str) -> None:
    assert "a port is expected" in output_text(script, script.command, {"SAGEMAKER_BIND_TO_PORT": port})


def test_the_program_takes_the_place_of_the_script(script: ModuleType, tmp_path: Path) -> None:
    """A stand-in that prints its arguments and the variables that it is given."""
    root = build_tree(tmp_path / "triton", {"backends/python/x": "", "bin/tritonserver": ""})
    program = root / "bin/tritonserver"
    program.write_text('#!/bin/sh\necho "$@"\necho "default $SAGEMAKER_TRITON_DEFAULT_MODEL_NAME pid $$"\nexit 7\n')
    program.chmod(0o755)
    environ = {"PATH": f"{program.parent}:{os.environ['PATH']}", "MLCC_MODEL_DIR": "model_repository"}
    environ |= {"SAGEMAKER_BIND_TO_PORT": "9000", "MLCC_BIND_HOST": "127.0.0.1"}
    process = subprocess.Popen(
        [sys.executable, "code/serve", "serve"], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    out, err = process.communicate(timeout=30)
    assert process.returncode == 7
    for option in (
        "--model-repository=model_repository --model-control-mode=explicit --load-model=wine",
        "--allow-sagemaker=true --sagemaker-port=9000 --allow-http=false --allow-grpc=false --allow-metrics=false",
        f"--backend-directory={root}/backends",
    ):
        assert option in out
    assert f"default wine pid {process.pid}" in out
    assert "every interface" in err


# ---------------------------------------------------------------- an engine's options
@pytest.fixture
def engine(mlcc: Caller) -> ModuleType:
    build_tree(".", {"mlcc.yaml": document("triton-vllm")})
    mlcc("apply", "-q", code=0)
    return serve("serve_vllm")


def options(engine: ModuleType, **environ: str) -> dict[str, Any]:
    place = engine.with_options(Path("model_repository"), Path("weights"), environ)
    assert place != Path("model_repository")
    assert (place / "wines/config.pbtxt").read_bytes() == Path("model_repository/wines/config.pbtxt").read_bytes()
    document: dict[str, Any] = json.loads((place / "wines/1/model.json").read_text())
    shutil.rmtree(place)
    return document


def test_an_engine_s_options_come_from_the_variables(engine: ModuleType) -> None:
    variables = projects.load_project(".").environment()
    found = options(engine, **variables, VLLM_ENFORCE_EAGER="true", VLLM_GPU_MEMORY_UTILIZATION="0.5")
    assert found["model"] == "Qwen/Qwen3-0.6B"
    assert (found["max_model_len"], found["max_num_seqs"]) == (2048, 8)
    assert (found["enforce_eager"], found["gpu_memory_utilization"]) == (True, 0.5)
    assert json.loads(Path("model_repository/wines/1/model.json").read_text()) == {"model": "Qwen/Qwen3-0.6B"}


def test_the_variable_s_model_stands_over_the_file_s(engine: ModuleType) -> None:
    assert options(engine, VLLM_MODEL="other/model")["model"] == "other/model"


@pytest.fixture
def copies_in(engine: ModuleType, tmp_path: Path) -> Iterator[Callable[[Path], subprocess.Popen[str]]]:
    """Starts servers, each with a copy of the models in a folder for temporary files; stand-ins that wait."""
    program = build_tree(tmp_path / "triton", {"bin/tritonserver": "#!/bin/sh\necho started\nexec sleep 60\n"})
    (program / "bin/tritonserver").chmod(0o755)
    environ = {"PATH": f"{program}/bin:{os.environ['PATH']}", "MLCC_MODEL_DIR": "model_repository"}
    running = []

    def started(temporary: Path) -> subprocess.Popen[str]:
        given = environ | {"VLLM_MODEL": "some/model", "TMPDIR": str(temporary)}
        argv = [sys.executable, "code/serve", "serve"]
        running.append(subprocess.Popen(argv, env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        assert running[-1].stdout is not None
        output_text = [running[-1].stdout.readline() for _ in range(2)]
        assert output_text[1] == "started\n", output_text
        return running[-1]

    yield started
    for process in running:
        process.kill()
        process.communicate()


def test_a_server_removes_the_models_of_those_that_have_ended(
    copies_in: Callable[[Path], subprocess.Popen[str]], tmp_path: Path
) -> None:
    """Two servers at once, each with a copy of its own; one is killed, and the next start removes its copy alone."""
    temporary = build_tree(tmp_path / "temporary", {"mlcc-models-file": "x", "other/file": "x"})
    (temporary / "mlcc-models-link").symlink_to(build_tree(tmp_path / "elsewhere", {"kept": "x"}))
    before = {*temporary.iterdir()}
    first = copies_in(temporary)
    [own] = {*temporary.iterdir()} - before
    copies_in(temporary)
    both = {*temporary.iterdir()} - before
    assert len(both) == 2
    first.kill()
    first.wait()
    copies_in(temporary)
    after = {*temporary.iterdir()}
    assert before < after
    assert both & after == both - {own}
    assert len(after - before) == 2
    assert (tmp_path / "elsewhere/kept").exists()


def test_an_engine_s_image_is_for_one_repository(engine: ModuleType) -> None:
    assert "one repository" in output_text(engine, engine.repository_arguments, {"SAGEMAKER_MULTI_MODEL": "true"})


def test_an_option_that_the_engine_does_not_have_is_refused(engine: ModuleType) -> None:
    with pytest.raises(engine.Refused) as problem:
        options(engine, VLLM_MAX_MODEL_LENN="1")
    assert "Did you mean VLLM_MAX_MODEL_LEN?" in str(problem.value)


def test_weights_of_one_s_own_are_found(engine: ModuleType) -> None:
    build_tree("weights", {"config.json": "{}"})
    Path("model_repository/wines/1/model.json").write_text("{}")
    assert options(engine)["model"] == "weights"


# ---------------------------------------------------------------- mlcc inspect
XGBOOST = {
    "learner": {
        "learner_model_param": {"num_feature": "13", "num_class": "3"},
        "objective": {"name": "multi:softprob"},
    }
}


def test_inspect_writes_what_it_finds_and_keeps_the_rest(mlcc: Caller) -> None:
    text = document("triton-fil") + "# a comment\ntags: {team: wine}\n"
    build_tree(".", {"mlcc.yaml": text, "models/red.json": json.dumps(XGBOOST)})
    shown = json.loads(mlcc("inspect", "models/red.json", "-o", "json", code=0).stdout)
    jsonschema.validate(shown, packaged.schema("output-inspect"))
    assert Path("mlcc.yaml").read_text() == text
    mlcc("inspect", "models/red.json", "--write", code=0)
    after = Path("mlcc.yaml").read_text()
    assert after.startswith(text.rstrip("\n"))
    resolved = json.loads(mlcc("show", "-o", "json", code=0).stdout)["triton"]["models"]
    assert {k: resolved[0][k] for k in shown["model"] if k != "parameters"} == {
        k: v for k, v in shown["model"].items() if k != "parameters"
    }
    assert resolved[0]["parameters"]["model_type"] == "xgboost_json"
    mlcc("inspect", "models/red.json", "--write", code=0)
    assert Path("mlcc.yaml").read_text() == after


def test_inspect_does_not_name_a_file_that_is_in_its_place(mlcc: Caller) -> None:
    build_tree(".", {"mlcc.yaml": document("triton-fil"), "model_repository/red/1/xgboost.json": json.dumps(XGBOOST)})
    found = json.loads(mlcc("inspect", "model_repository/red/1/xgboost.json", "-o", "json", code=0).stdout)["model"]
    assert found["name"] == "red"
    assert "file" not in found


def test_inspect_refuses_what_mlcc_yaml_would_not_take(mlcc: Caller) -> None:
    text = document("triton-onnxruntime")
    build_tree(".", {"mlcc.yaml": text, "red.json": json.dumps(XGBOOST)})
    mlcc("inspect", "red.json", "--write", "--name", "../red", code=1)
    assert Path("mlcc.yaml").read_text() == text
