"""The models of a Triton repository: implied, completed from the backends' rows, and read back."""

from __future__ import annotations

import pytest

from mlcc import pipeline
from mlcc.registries import load
from mlcc.render import triton_files
from mlcc.resolve.triton import models as models_module
from mlcc.resolve.triton.models import Tensor
from tests.helpers import build_tree

BACKENDS = load().triton_backends
HEAD = "version: 1\nproject: {name: wines}\n"


def resolved(more: str):
    build_tree(".", {"mlcc.yaml": HEAD + more})
    return pipeline.read("mlcc.yaml").default


def plain(found) -> dict:
    return {p: v.value for p, v in found.values.items()}


def models(more: str) -> dict:
    return {m.name: m for m in models_module.model_configs(plain(resolved(more)), BACKENDS)}


@pytest.mark.parametrize("name", [n for n, b in BACKENDS.items() if b.sample is not None])
def test_a_project_that_names_no_model_serves_the_sample(name):
    found = resolved(f"deployment: {{config: triton-{name}}}\n")
    values = plain(found)
    [model] = models_module.model_configs(values, BACKENDS)
    row = BACKENDS[name]
    assert (model.name, model.backend, model.platform) == ("wine", name, row.platform)
    assert model.inputs[0].dims == (13,)
    assert model.dynamic_batching == {}
    assert found.get("env.SAGEMAKER_TRITON_DEFAULT_MODEL_NAME") == "wine"
    assert '"shape": [2, 13]' in found.get("test.payload")
    sampled = models_module.served_sample(values, row)
    assert sampled is row.sample
    assert models_module.sample_file(sampled, row, values).startswith("model_repository/wine/1/")


FIL = "deployment: {config: triton-fil}\n"


@pytest.mark.parametrize(
    ("more", "artifact", "parameter"),
    [
        ("", "xgboost.json", "xgboost_json"),
        ("model: {format: ubj}\n", "xgboost.ubj", "xgboost_ubj"),
        ("model: {format: txt}\n", "model.txt", "lightgbm"),
    ],
)
def test_the_format_names_file_and_parameter(more, artifact, parameter):
    values = plain(resolved(FIL + more))
    [model] = models_module.model_configs(values, BACKENDS)
    assert model.parameters["model_type"] == parameter
    assert models_module.sample_file(BACKENDS["fil"].sample, BACKENDS["fil"], values).endswith(f"/{artifact}")


@pytest.mark.parametrize(
    ("more", "name", "source", "target"),
    [
        (FIL + "model: {name: ./models/a.ubj}\n", "wines", "models/a.ubj", "wines/1/xgboost.ubj"),
        (FIL + "triton: {models: [{name: a, file: ./m/b.txt}]}\n", "a", "m/b.txt", "a/1/model.txt"),
        (FIL + "triton: {models: [{name: a, file: m/b}]}\n", "a", "m/b", "a/1/xgboost.json"),
        (
            "deployment: {config: triton-tensorflow}\ntriton: {models: [{name: a, file: exported/}]}\n",
            "a",
            "exported",
            "a/1/model.savedmodel",
        ),
        ("deployment: {config: triton-tensorrtllm}\nmodel: {name: ./engines}\n", "wines", "engines", "wines/1"),
    ],
)
def test_files_of_the_project_get_their_place(more, name, source, target):
    values = plain(resolved(more))
    assert list(models_module.artifacts(values, BACKENDS)) == [models_module.Artifact(source, target)]
    assert [m.name for m in models_module.model_configs(values, BACKENDS)] == [name]
    assert models_module.served_sample(values, BACKENDS["fil"]) is None


def test_the_user_s_values_override_the_row():
    found = models(
        FIL + "triton: {models: [{name: wine, max_batch_size: 8, parameters: {predict_proba: 'false'},"
        " dynamic_batching: {max_queue_delay_microseconds: 5}}]}\n"
    )["wine"]
    assert found.max_batch_size == 8
    assert found.parameters["predict_proba"] == "false"
    assert found.parameters["is_classifier"] == "true"
    assert found.dynamic_batching == {"max_queue_delay_microseconds": 5}


def test_an_empty_mapping_switches_batching_on():
    onnx = "deployment: {config: triton-onnxruntime}\ntriton: {models: [{name: a%s}]}\n"
    assert models(onnx % "")["a"].dynamic_batching is None
    assert models(onnx % ", dynamic_batching: {}")["a"].dynamic_batching == {}


def test_a_model_without_batches_is_not_batched_by_its_row():
    assert models(FIL + "triton: {models: [{name: wine, max_batch_size: 0}]}\n")["wine"].dynamic_batching is None


def test_each_value_has_its_origin():
    found = resolved(FIL)
    value = found.value("triton.models[wine].parameters.model_type")
    assert value.value == "xgboost_json"
    assert "triton_backends.yaml" in value.origin


def test_a_model_of_the_hub_is_named_in_the_engine_s_file():
    found = resolved("deployment: {config: triton-vllm}\nmodel: {name: Qwen/Qwen3-4B}\n")
    texts = triton_files.files(found)
    assert texts["model_repository/wines/1/model.json"] == b'{\n  "model": "Qwen/Qwen3-4B"\n}\n'
    assert found.get("env.VLLM_MODEL") == "Qwen/Qwen3-4B"
    assert found.get("framework.base_image").endswith("-vllm-python-py3")
    assert b"kind: KIND_MODEL" in texts["model_repository/wines/config.pbtxt"]


@pytest.mark.parametrize(("name", "path"), [("s3://bucket/weights/", ""), ("./weights/", "weights")])
def test_an_engine_s_weights_may_come_from_elsewhere(name, path):
    found = resolved(f"deployment: {{config: triton-vllm}}\nmodel: {{name: '{name}'}}\n")
    context = triton_files.context(plain(found), found.rows)
    assert context["model_path"] == path
    assert context["repository_target"] == "/opt/program/model_repository/"
    assert triton_files.files(found)["model_repository/wines/1/model.json"] == b"{}\n"


def test_a_repository_in_s3_is_not_rendered():
    found = resolved(FIL + "model: {name: 's3://bucket/repository/'}\n")
    assert triton_files.files(found) == {}
    assert triton_files.context(plain(found), found.rows)["repository_target"] == ""


@pytest.mark.parametrize("variant", ["default", "vllm", "tensorrtllm"])
def test_the_backend_chooses_the_image(variant):
    config = {"default": "triton-fil", "vllm": "triton-vllm", "tensorrtllm": "triton-tensorrtllm"}[variant]
    found = resolved(f"deployment: {{config: {config}}}\n")
    assert found.get("framework.base_image") == found.rows.version.images[variant]


@pytest.mark.parametrize(
    ("path", "rendered"),
    [
        ("model_repository/wine/config.pbtxt", True),
        ("model_repository/wine/1/model.py", True),
        ("model_repository/wine/1/model.json", True),
        ("model_repository/wine/1/model.onnx", False),
        ("model_repository/wine/2/model.py", False),
        ("model_repository/../config.pbtxt", False),
        ("model_repository/a/b/config.pbtxt", False),
        ("model_repository/.hidden/config.pbtxt", False),
        ("model_repository/wine/config.pbtxt\n", False),
        (f"model_repository/{'a' * 129}/config.pbtxt", False),
        ("config.pbtxt", False),
    ],
)
def test_which_paths_a_project_may_render(path, rendered):
    assert triton_files.is_rendered(path) == rendered


@pytest.mark.parametrize(("place", "safe"), [("wine/1/model.onnx", True), ("../1/x", False), ("a/../../x", False)])
def test_which_places_a_file_may_have(place, safe):
    assert triton_files.is_safe(place) == safe


def test_how_a_tensor_differs_from_the_model_s_own():
    tensors = "[{name: a, data_type: TYPE_INT32, dims: [1], reshape: [], optional: true}, {name: b, dims: [-1], allow_ragged_batch: true}]"
    model = models(
        f"deployment: {{config: triton-tensorrtllm}}\ntriton: {{models: [{{name: m, inputs: {tensors}}}]}}\n"
    )["m"]
    assert model.inputs == (
        Tensor("a", "TYPE_INT32", (1,), (), optional=True),
        Tensor("b", "", (-1,), allow_ragged_batch=True),
    )
