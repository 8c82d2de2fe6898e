"""validate --validate-with-docker: what a base image holds, reported by an engine that stands in for docker and podman."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import Caller, File, assert_no_traceback, build_tree, run_mlcc

HERE = Path()
HEAD = "version: 1\nproject: {name: chat}\nmodel: {name: acme/tiny}\n"
CONFIG = "deployment: {config: transformers-vllm, instance_type: ml.g5.xlarge}\nframework: {version: 0.31.0}\n"
IMAGE = "vllm/vllm-openai:v0.31.0"
# Notes every call, and answers from a file.
ENGINE = f"""#!{sys.executable} -IS
import json, os, sys, time
place = os.path.dirname(os.path.abspath(__file__))
answers = json.load(open(place + "/answers.json"))
words = sys.argv[1:]
with open(place + "/calls", "a") as log:
    log.write(json.dumps(words) + "\\n")
def answer(given):
    time.sleep(given.get("sleep", 0))
    sys.stdout.write(given.get("out", ""))
    while given.get("endless"):
        os.write(1, bytes(10000))
        with open(place + "/written", "ab") as log:
            log.write(b".")
    sys.exit(given.get("code", 0))
if words[0] == "version":
    answer({{"out": json.dumps({{"Server": {{"Version": "1"}}}}), "code": answers.get("version", 0)}})
if words[:2] == ["image", "inspect"]:
    answer(answers["inspect"] if os.path.exists(place + "/pulled") or not answers.get("away") else {{"code": 1}})
if words[0] == "pull":
    if answers.get("pull", 0) == 0:
        open(place + "/pulled", "w").close()
    answer({{"code": answers.get("pull", 0)}})
if words[0] == "rm":
    sys.exit(0)
program = words[words.index("--entrypoint") + 1]
if program == "python3" and answers.get("really"):
    import subprocess
    at = words.index("-I")
    sys.exit(subprocess.run([sys.executable, *words[at:]]).returncode)
answer(answers.get(program, {{"code": 127}}))
"""


def described(env: list[str] | None = None, machine: str = "amd64") -> dict[str, Any]:
    """What `image inspect` says."""
    config = {"Env": ["PATH=/bin", *(["CUDA_VERSION=13.0.2"] if env is None else env)], "Labels": {}}
    return {"out": json.dumps([{"Os": "linux", "Architecture": machine, "Config": config}])}


def probed(python: str = "3.12.3", **versions: str) -> dict[str, Any]:
    """What the image's Python says."""
    return {"out": json.dumps({"python": python, "versions": versions or {"vllm": "0.31.0+cu130"}}) + "\n"}


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on PATH with a docker that says what answers.json holds."""
    place = tmp_path / "bin"
    build_tree(place, {"docker": File(ENGINE, 0o755)})
    answering(place)
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")
    monkeypatch.setenv("MLCC_ENGINE", "docker")
    build_tree(HERE, {"mlcc.yaml": HEAD + CONFIG})
    return place


def answering(place: Path, **answers: Any) -> None:
    """Sets what the engine says; all is as the registry row says unless it is given otherwise."""
    gpu = {"out": "NVIDIA A10G, 23028\n"}
    (place / "answers.json").write_text(
        json.dumps({"inspect": described(), "python3": probed(), "nvidia-smi": gpu, **answers})
    )


def calls(place: Path) -> list[list[str]]:
    return [json.loads(line) for line in (place / "calls").read_text().splitlines()]


def inspected(mlcc: Caller, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
    """The findings about the image."""
    result = mlcc("validate", "--validate-with-docker", "--json", *arguments, code=code)
    assert_no_traceback(result)
    return [f for f in json.loads(result.stdout)["findings"] if "MLCC170" <= f["code"] <= "MLCC179"]


# ---------------------------------------------------------------- what is learned
def test_an_image_that_is_as_its_row_says(mlcc: Caller, engine: Path):
    assert inspected(mlcc) == []
    output_text = mlcc("validate", "--validate-with-docker", code=0).stderr
    assert f"{IMAGE}: linux/amd64, CUDA 13.0.2, Python 3.12.3, vllm 0.31.0" in output_text
    assert "GPUs that it sees here: NVIDIA A10G with 23,028 MiB" in output_text


def test_nothing_runs_without_being_asked_to(mlcc: Caller, engine: Path):
    mlcc("validate", code=0)
    mlcc("validate", "--validate-with-docker=false", code=0)
    assert not (engine / "calls").exists()


def test_the_image_is_confined_and_never_pulled(mlcc: Caller, engine: Path):
    inspected(mlcc)
    made = calls(engine)
    assert not [c for c in made if c[0] == "pull"]
    runs = [c for c in made if c[0] == "run"]
    assert len(runs) == 2
    for run in runs:
        for words in (("--network", "none"), ("--cap-drop", "ALL"), ("--security-opt", "no-new-privileges")):
            assert run[run.index(words[0]) + 1] == words[1]
        assert "--read-only" in run
        assert not [w for w in run if w.startswith(("-v", "--volume", "--mount", "-e", "--env", "--privileged"))]
        name = run[run.index("--name") + 1]
        assert ["rm", "--force", name] in made
        assert run.index("--entrypoint") < run.index(IMAGE)


@pytest.mark.parametrize(
    ("answers", "code", "words"),
    [
        ({"inspect": described(["CUDA_VERSION=12.4.1"])}, "MLCC173", "holds CUDA 12.4.1, and its row says 13.0"),
        ({"python3": probed(vllm="0.9.2")}, "MLCC174", "holds vllm 0.9.2, and its row says 0.31.0"),
        ({"python3": probed("3.10.1")}, "MLCC174", "holds Python 3.10.1, and its row says 3.12"),
        ({"inspect": described(machine="arm64")}, "MLCC175", "is for linux/arm64"),
        ({"nvidia-smi": {"out": "NVIDIA A10G, 11019\n"}}, "MLCC176", "has 11,019 MiB"),
        ({"python3": {"code": 127}}, "MLCC172", "no Python that answers"),
    ],
)
def test_what_differs_is_a_finding(mlcc: Caller, engine: Path, answers, code, words):
    answering(engine, **answers)
    found = inspected(mlcc)
    assert [f["code"] for f in found] == [code]
    assert words in found[0]["message"]
    assert found[0]["severity"] == ("note" if code == "MLCC176" else "warning")
    assert found[0]["path"] == "framework.base_image"


def test_an_image_of_the_user_s_is_compared_too(mlcc: Caller, engine: Path):
    own = CONFIG.replace("0.31.0}", "0.31.0, base_image: 'example.com/own:1'}")
    build_tree(HERE, {"mlcc.yaml": HEAD + own})
    answering(engine, python3=probed(vllm="0.30.0"))
    found = inspected(mlcc)
    assert [(f["code"], f["line"]) for f in found] == [("MLCC174", 5)]


def test_cuda_may_be_known_by_the_image_s_files(mlcc: Caller, engine: Path):
    output_text = {"python": "3.12.3", "versions": {}, "cuda": "12.1.0"}
    answering(engine, inspect=described([]), python3={"out": json.dumps(output_text)})
    assert [f["code"] for f in inspected(mlcc)] == ["MLCC173"]


def test_an_older_image_has_python_alone(mlcc: Caller, engine: Path):
    answering(engine, python3={"code": 127}, python=probed())
    assert inspected(mlcc) == []


def test_the_question_is_one_that_python_understands(mlcc: Caller, engine: Path):
    """The engine runs the question with this Python, which has no vllm."""
    answering(engine, really=True)
    assert {f["code"] for f in inspected(mlcc)} <= {"MLCC173", "MLCC174"}
    version = ".".join(map(str, sys.version_info[:3]))
    assert f"Python {version}" in mlcc("validate", "--validate-with-docker", code=0).stderr


def test_podman_gets_its_own_words_for_gpus(mlcc: Caller, engine: Path, monkeypatch):
    (engine / "docker").rename(engine / "podman")
    monkeypatch.setenv("MLCC_ENGINE", "podman")
    assert inspected(mlcc) == []
    assert [c for c in calls(engine) if "nvidia.com/gpu=all" in c]


# ---------------------------------------------------------------- no engine, no image
def test_no_engine_is_reported_and_forbids_nothing(mlcc: Caller, engine: Path, monkeypatch):
    monkeypatch.setenv("MLCC_ENGINE", "none")
    found = inspected(mlcc)
    assert [(f["code"], f["severity"]) for f in found] == [("MLCC170", "warning")]
    assert "no container engine answers" in found[0]["message"]
    monkeypatch.setenv("MLCC_ENGINE", "docker")
    answering(engine, version=1)
    assert [f["code"] for f in inspected(mlcc)] == ["MLCC170"]


def test_an_image_that_is_not_here(mlcc: Caller, engine: Path):
    answering(engine, away=True)
    found = inspected(mlcc)
    assert [(f["code"], f["severity"]) for f in found] == [("MLCC171", "warning")]
    assert "docker pull fetches it, or --pull does" in found[0]["hint"]
    assert not [c for c in calls(engine) if c[0] in ("pull", "run")]


def test_an_image_is_pulled_when_that_is_asked(mlcc: Caller, engine: Path):
    answering(engine, away=True)
    assert inspected(mlcc, "--pull") == []
    assert ["pull", IMAGE] in calls(engine)
    (engine / "pulled").unlink()
    answering(engine, away=True, pull=1)
    assert [f["code"] for f in inspected(mlcc, "--pull")] == ["MLCC171"]


def test_pull_belongs_to_the_inspection(mlcc: Caller):
    build_tree(HERE, {"mlcc.yaml": HEAD + CONFIG})
    assert "MLCC901" in mlcc("validate", "--pull", "--json", code=2).stdout


def test_errors_elsewhere_still_decide_the_exit_code(mlcc: Caller, engine: Path, monkeypatch):
    monkeypatch.setenv("MLCC_ENGINE", "none")
    build_tree(HERE, {"mlcc.yaml": HEAD + CONFIG + "nope: 1\n"})
    mlcc("validate", "--validate-with-docker", code=1)


def test_an_answer_is_not_repeated_from_memory(engine: Path):
    assert "MLCC173" not in run_mlcc("validate", "--validate-with-docker").stdout
    answering(engine, inspect=described(["CUDA_VERSION=11.8.0"]))
    assert "MLCC173" in run_mlcc("validate", "--validate-with-docker").stdout


# ---------------------------------------------------------------- images of strangers
ODD = ["nonsense", "[" * 100000, '{"python": 3, "versions": {"vllm": []}}', "\x1b[31m::error::x"]


@pytest.mark.parametrize("out", ODD, ids=["text", "deep", "types", "control"])
@pytest.mark.parametrize("program", ["python3", "inspect", "nvidia-smi"])
def test_odd_answers_are_passed_over(mlcc: Caller, engine: Path, program, out):
    answering(engine, **{program: {"out": out}})
    result = mlcc("validate", "--validate-with-docker", code=0)
    assert_no_traceback(result)
    assert "\x1b" not in result.stdout + result.stderr


def test_versions_are_versions_and_nothing_else(mlcc: Caller, engine: Path):
    answering(
        engine,
        inspect=described(["CUDA_VERSION=1\x1b[31m", "x", "=", "A"]),
        python3=probed("3\n::error::", vllm="$(id)"),
    )
    assert inspected(mlcc) == []


def test_an_image_that_never_stops_talking(mlcc: Caller, engine: Path):
    answering(engine, python3={"endless": True})
    assert [f["code"] for f in inspected(mlcc)] == ["MLCC172"]
    # of 10 kB: it is ended when it has printed too much, not by the time
    assert (engine / "written").stat().st_size < 100
