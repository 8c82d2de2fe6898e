"""Checks of Triton projects: a good and a bad case of each, with the real rows."""

from __future__ import annotations

import ast

import pytest

from mlcc import pipeline
from mlcc.registries import load
from tests.helpers import ROOT, build_tree, only

HEAD = "version: 1\nproject: {name: wines}\n"
TENSOR = "[{name: x, data_type: TYPE_FP32, dims: [4]}]"
ONNX = "deployment: {config: triton-onnxruntime}\n"
CASES = [
    # code, what is wrong, the path of the finding, a part of its message, the same mended
    ("MLCC160", "deployment: {config: triton-tensorrt}\n", "deployment.config", "no sample", "model: {name: ./m.plan}\n"),
    ("MLCC160", "deployment: {config: triton-vllm}\n", "deployment.config", "name a model", "model: {name: a/b}\n"),
    ("MLCC160", "deployment: {config: triton-fil}\nseed_files: {sample_model: false}\n", "deployment.config", "no sample", "model: {name: 's3://bucket/x/'}\n"),
    ("MLCC160", ONNX + "model: {name: a/b}\n", "model.name", "loads files", "triton: {models: [{name: a}]}\n"),
    ("MLCC161", ONNX + "triton: {models: [{name: a}, {name: b}]}\n", "deployment.config", "none of them", "env: {SAGEMAKER_TRITON_DEFAULT_MODEL_NAME: a}\n"),
    ("MLCC161", ONNX + "triton: {default_model: winee, models: [{name: wine}]}\n", "triton.default_model", "'winee'", ""),
    ("MLCC161", ONNX + "env: {SAGEMAKER_TRITON_DEFAULT_MODEL_NAME: c}\n", "env.SAGEMAKER_TRITON_DEFAULT_MODEL_NAME", "'c'", ""),
    ("MLCC162", f"deployment: {{config: triton-fil}}\ntriton: {{models: [{{name: a, inputs: {TENSOR}}}]}}\n", "triton.models[a].name", "outputs", ""),
    ("MLCC162", f"deployment: {{config: triton-pytorch}}\ntriton: {{models: [{{name: a, outputs: {TENSOR}, inputs: [{{name: y}}]}}]}}\n", "triton.models[a].name", "inputs with data_type and dims of y", ""),
    ("MLCC163", ONNX + "triton: {models: [{name: a, backend: vllm}]}\n", "triton.models[a].backend", "no backend vllm", ""),
    ("MLCC163", "deployment: {config: triton-tensorflow}\nframework: {version: '26.05'}\n", "framework.version", "25.02 was the last", ""),
    ("MLCC163", "deployment: {config: triton-vllm}\nmodel: {name: a/b}\nframework: {version: '23.10'}\n", "framework.version", "no image", ""),
    ("MLCC164", ONNX + "triton: {models: [{name: a, max_batch_size: 4, dynamic_batching: {preferred_batch_size: [4, 8]}}]}\n", "triton.models[a].max_batch_size", "preferred_batch_size has 8", ""),
    ("MLCC164", ONNX + "triton: {models: [{name: a, max_batch_size: 0, dynamic_batching: {}}]}\n", "triton.models[a].max_batch_size", "preferred_batch_size has 1", ""),
    ("MLCC178", ONNX + "model: {format: joblib}\n", "model.format", "onnxruntime loads no 'joblib'", ""),
    ("MLCC178", "deployment: {config: triton-fil}\nmodel: {name: ./m.json, format: ubj}\n", "model.format", "./m.json is what its own name says", ""),
    ("MLCC178", "deployment: {config: triton-vllm}\nmodel: {name: a/b, format: safetensors}\n", "model.format", "triton-vllm does not read model.format", ""),
    ("MLCC178", "deployment: {config: triton-fil}\nmodel: {name: 's3://bucket/x/', format: ubj}\n", "model.format", "does not read model.format", ""),
    ("MLCC101", ONNX + "model: {revision: main}\n", "model.revision", "triton-onnxruntime does not read model.revision", ""),
    ("MLCC101", ONNX + "model: {chat_template: x}\n", "model.chat_template", "does not read model.chat_template", ""),
    ("MLCC156", "deployment: {config: triton-python, instance_type: ml.m5.xlarge}\ntriton: {models: [{name: a, instance_group: [{kind: KIND_GPU}]}]}\n", "triton.models[a].name", "is placed on a GPU, and ml.m5.xlarge has none", ""),
    ("MLCC156", "deployment: {config: triton-python, instance_type: ml.g5.xlarge}\ntriton: {models: [{name: a, instance_group: [{gpus: [0, 1]}]}]}\n", "triton.models[a].name", "is placed on GPU 1, and ml.g5.xlarge has 1", ""),
    ("MLCC169", ONNX + "env: {SAGEMAKER_TRITON_LOG_VERBOS: '1'}\n", "env.SAGEMAKER_TRITON_LOG_VERBOS", "reads no 'SAGEMAKER_TRITON_LOG_VERBOS'", ""),
    ("MLCC169", ONNX + "env: {SAGEMAKER_TRITON_QQQQQQQQ: '1'}\n", "env.SAGEMAKER_TRITON_QQQQQQQQ", "reads no", ""),
    ("MLCC169", ONNX + "env: {SAGEMAKER_TRITON_THREAD_COUNT: many}\n", "env.SAGEMAKER_TRITON_THREAD_COUNT", "'many' is not a whole number", ""),
    ("MLCC169", ONNX + "env: {SAGEMAKER_TRITON_LOG_INFO: maybe}\n", "env.SAGEMAKER_TRITON_LOG_INFO", "'maybe' is not true or false", ""),
]  # fmt: skip
GOOD = [
    "deployment: {config: triton-fil}\nmodel: {format: ubj}\n",
    ONNX
    + "model: {format: onnx}\ntriton: {models: [{name: a, file: ./models/a.bin}, {name: b, backend: python}], default_model: a}\n",
    ONNX
    + "env: {SAGEMAKER_TRITON_LOG_INFO: 'TRUE', SAGEMAKER_TRITON_THREAD_COUNT: '4', OTHER: x, SAGEMAKER_REGION: y}\n",
    "deployment: {config: triton-python, target: local}\ntriton: {models: [{name: a, instance_group: [{kind: KIND_GPU}]}]}\n",
    "deployment: {config: triton-python, instance_type: ml.g5.xlarge}\ntriton: {models: [{name: a, instance_group: [{kind: KIND_GPU, gpus: [0]}]}]}\nendpoint: {inference_ami_version: al2023-ami-sagemaker-inference-gpu-4-1}\n",
    *(f"deployment: {{config: triton-{b}}}\n" for b in ("fil", "onnxruntime", "python", "pytorch", "tensorflow")),
    "deployment: {config: triton-fil}\nmodel: {name: 's3://bucket/repository/'}\n",
    ONNX + "triton: {default_model: b, models: [{name: a}, {name: b, backend: python}]}\n",
    ONNX + "triton: {models: [{name: a, max_batch_size: 8, dynamic_batching: {preferred_batch_size: [8]}}]}\n",
    "deployment: {config: triton-tensorrt}\nmodel: {name: ./m.plan}\n",
]


def findings(text: str):
    build_tree(".", {"mlcc.yaml": HEAD + text})
    return pipeline.check(pipeline.resolve(pipeline.load("mlcc.yaml"))).findings


@pytest.mark.parametrize(("code", "text", "path", "message", "mended"), CASES)
def test_bad_cases(code, text, path, message, mended):
    finding = only([f for f in findings(text) if f.code == code])
    assert finding.path == path
    assert message in finding.message
    assert finding.hint
    if mended:
        kept = text if "model:" not in text else ONNX
        assert not [f for f in findings(kept + mended) if f.code == code]


def test_keys_of_an_engine_are_read_where_there_is_one():
    text = "deployment: {config: triton-vllm}\nmodel: {name: a/b, revision: main, chat_template: x}\n"
    assert [f.path for f in findings(text) if f.code in ("MLCC101", "MLCC178")] == []


@pytest.mark.parametrize("text", GOOD)
def test_good_cases(text):
    assert [f for f in findings(text) if f.severity.label == "error"] == []


def test_the_nearest_model_is_named():
    [found] = findings(ONNX + "triton: {default_model: winee, models: [{name: wine}]}\n")
    assert "did you mean wine?" in found.hint


@pytest.mark.parametrize(("config", "wrong"), [("fil", False), ("python", False), ("tensorrt", True)])
def test_only_some_backends_need_a_device(config, wrong):
    text = f"deployment: {{config: triton-{config}, instance_type: ml.m5.xlarge}}\n"
    assert ("MLCC104" in {f.code for f in findings(text)}) == wrong


@pytest.mark.parametrize(("config", "unused"), [("fil", True), ("vllm", False)])
def test_engine_options_are_for_engines(config, unused):
    text = f"deployment: {{config: triton-{config}}}\nmodel: {{name: a/b}}\nengine: {{max_num_seqs: 8}}\n"
    assert ("engine" in {f.path for f in findings(text) if f.code == "MLCC101"}) == unused


def test_the_registry_and_the_start_script_know_the_same_variables():
    script = (ROOT / "cookiecutters/architectures/triton/{{cookiecutter.root}}/code/serve").read_text()
    tree = ast.parse(script)
    output_text = {t.id: ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.Assign) for t in n.targets
            if isinstance(t, ast.Name) and t.id in ("OPTIONS", "OTHERS")}  # fmt: skip
    names = {f"SAGEMAKER_TRITON_{name}" for name in (*output_text["OPTIONS"], *output_text["OTHERS"])}
    assert names == set(load().architectures["triton"].variables)
