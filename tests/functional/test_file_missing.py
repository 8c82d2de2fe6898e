"""What mlcc.yaml names in the project and is not there; and what is reported beside a contradiction or a refused value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers import Caller, build_tree

HEAD = "version: 1\nproject: {name: chat}\n"
VLLM = HEAD + "deployment: {config: transformers-vllm, instance_type: ml.g5.xlarge}\n"


def found(mlcc: Caller, code: int) -> list[tuple[str, str, str]]:
    document = json.loads(mlcc("validate", "--json", code=code).stdout)
    return [(f["code"], f["path"], f["message"]) for f in document["findings"] if f["severity"] != "note"]


@pytest.mark.parametrize(
    ("text", "path", "name"),
    [
        (HEAD + "deployment: {config: http-flask}\nmodel: {name: ./m/model.joblib}\n", "model.name", "m/model.joblib"),
        (VLLM + "model: {name: a/b, chat_template_file: t.jinja}\n", "model.chat_template_file", "t.jinja"),
        (HEAD + "deployment: {config: triton-onnxruntime}\ntriton: {models: [{name: a, file: m/a.onnx}]}\n", "triton.models[a].file", "m/a.onnx"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_there_is_a_warning_until_it_is(mlcc: Caller, text: str, path: str, name: str) -> None:
    build_tree(Path(), {"mlcc.yaml": text})
    [(code, where, message)] = found(mlcc, code=0)
    assert (code, where) == ("MLCC158", path)
    assert "no such file in the project" in message
    build_tree(Path(), {name: ""})
    assert found(mlcc, code=0) == []
    Path(name).unlink()
    assert [f[0] for f in found(mlcc, code=0)] == ["MLCC158"]


def test_a_path_outside_is_for_others_to_judge(mlcc: Caller) -> None:
    build_tree(Path(), {"mlcc.yaml": VLLM + "model: {name: a/b}\n"})
    assert found(mlcc, code=0) == []


def test_a_contradiction_hides_nothing_and_shows_no_secret(mlcc: Caller) -> None:
    text = (
        VLLM
        + "model: {name: a/b}\nengine: {extra_args: {api-key: hunter2}}\nenv: {VLLM_API_KEY: hunter3, VLLM_MAX_NUM_SEQS: many}\n"
    )
    build_tree(Path(), {"mlcc.yaml": text})
    result = mlcc("validate", "--json", code=1)
    codes = {f["code"] for f in json.loads(result.stdout)["findings"]}
    assert {"MLCC130", "MLCC120", "MLCC131"} <= codes
    for form in ("json", "table", "sarif", "junit", "github"):
        shown = mlcc("validate", "-o", form, code=1)
        assert "hunter" not in shown.stdout + shown.stderr


def test_of_a_value_that_was_refused_nothing_else_is_reported(mlcc: Caller) -> None:
    build_tree(Path(), {"mlcc.yaml": VLLM + "model: {name: 'not a name'}\n"})
    assert {f[1] for f in found(mlcc, code=1)} == {"model.name"}
    assert "MLCC155" not in [f[0] for f in found(mlcc, code=1)]


def test_quiet_says_only_what_is_wrong(mlcc: Caller) -> None:
    build_tree(Path(), {"mlcc.yaml": VLLM + "model: {name: acme/own}\n"})
    assert "MLCC153" in mlcc("apply", code=0).stderr
    assert "MLCC153" not in mlcc("apply", "-q", code=0).stderr
