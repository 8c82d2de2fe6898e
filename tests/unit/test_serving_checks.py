"""Checks of serving projects: a good and a bad case each, with the packaged rows and with rows of a project's own."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple

import pytest

from mlcc.checks import containers, runner
from mlcc.checks.common import driver
from mlcc.checks.common.compatibility import within
from mlcc.checks.runner import built_in
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.registries.loader import Registries, load
from mlcc.resolve.engine import spelling
from tests.fakes import Over, read, resolved
from tests.helpers import only

HEAD = "version: 1\nproject: {name: chat}\n"
SMALL = "model: {name: Qwen/Qwen3-4B}\n"
LENGTH = "engine: {max_model_len: 4096}\n"


def text_of(extra: str = "", config: str = "transformers-vllm", deployment: str = "", model: str = SMALL) -> str:
    """An mlcc.yaml: its head, what is deployed where, the model, and the rest."""
    place = deployment or "instance_type: ml.g5.xlarge"
    return f"{HEAD}deployment: {{config: {config}, {place}}}\n{model}{extra}"


def subject_of(text: str, known: Registries | None = None, env: str | None = None) -> Subject:
    rows = known or load()
    return Subject(resolved(text, known=rows, env=env), rows, read(text).root)


def found(text: str, code: str = "", known: Registries | None = None, env: str | None = None) -> list[Finding]:
    """Findings of one check, or of resolving and all checks."""
    subject = subject_of(text, known, env)
    if code == "MLCC130":
        return [*(f for f in subject.resolved.findings if f.code == code), *built_in()[code](subject)]
    return list(built_in()[code](subject)) if code else [*subject.resolved.findings, *runner.run(subject)]


GPU = "instance_type: ml.g5.xlarge"
FOUR = "instance_type: ml.g5.12xlarge"
BATCH = "instance_type: ml.g5.xlarge, target: batch-transform"
POD = "instance_type: ml.g5.xlarge, target: hyperpod-eks"
OLD_AMI = "endpoint: {inference_ami_version: al2-ami-sagemaker-inference-gpu-2-1}\n"
LLAMA = "model: {name: meta-llama/Llama-3.1-8B-Instruct}\n"
ISSUES = "framework: {version: 0.28.0}\n"
LONG = "x" * 1100
ECR = "123456789012.dkr.ecr.%s.amazonaws.com/chat:1"
MANY = "env: {" + ", ".join(f"V{n}: a" for n in range(96)) + "}\n"
BULK = "env: {" + ", ".join(f"V{n}: {'y' * 1000}" for n in range(33)) + "}\n"
ADAPTER = "adapters: [{name: legal, artifact_url: s3://bucket/legal.tar.gz}]\n"
THREE = "{name: a, gpu_count: 3}"
TWO = "inference_components: [{name: a, gpu_count: 1}, {name: b, gpu_count: 1%s}]\n"


class Bad(NamedTuple):
    """An mlcc.yaml with a mistake: the finding's code, path and severity, and a part of its message and of its hint."""

    code: str
    text: str
    path: str
    severity: str
    message: str
    hint: str


class Good(NamedTuple):
    """An mlcc.yaml in which a check finds nothing."""

    code: str
    text: str


def names(rows: Iterable[Bad | Good]) -> list[str]:
    """What each row is called: its code, and what it is about."""
    return [
        f"{row.code} {row.message or row.path}" if isinstance(row, Bad) else f"{row.code} {about(row.text)}"
        for row in rows
    ]


def about(text: str) -> str:
    """The last line of an mlcc.yaml, in which it differs from others; of a long one the beginning."""
    return text.rstrip("\n").rpartition("\n")[2][:60]


BAD = [
    Bad("MLCC104", text_of(deployment="instance_type: ml.m5.xlarge"), "deployment.instance_type", "error",
     "'ml.m5.xlarge' has no CUDA device, and transformers-vllm needs one", "or a CPU config"),
    Bad("MLCC104", text_of(deployment="instance_type: ml.m5.xlarge", model="model: {name: Qwen/Qwen3-32B}\n"), "deployment.instance_type",
     "error", "has no CUDA device", "use ml.g5.12xlarge (7.09 $/h instead of 0.23), or a CPU config"),
    Bad("MLCC104", text_of(deployment="instance_type: ml.m5.xlarge", model="model: {name: google/gemma-3-27b-it}\n"),
     "deployment.instance_type", "error", "has no CUDA device", "use ml.g6.12xlarge (5.75 $/h instead of 0.23), or"),
    Bad("MLCC104", text_of(deployment="instance_type: ml.m5.xlarge", model="model: {name: acme/none}\n"), "deployment.instance_type",
     "error", "has no CUDA device", "use ml.g5.2xlarge (1.52 $/h instead of 0.23), or a CPU config"),
    Bad("MLCC104", text_of(deployment="instance_type: ml.inf2.xlarge"), "deployment.instance_type", "error",
     "has no CUDA device", "use ml.g"),
    Bad("MLCC130", text_of("engine: {max_model_len: 1024}\nenv: {VLLM_MAX_MODEL_LEN: '2048'}\n"),
     "env.VLLM_MAX_MODEL_LEN", "error", "'2048', and engine.max_model_len is '1024' (mlcc.yaml:5)", "keep one"),
    Bad("MLCC130", text_of("env: {SM_VLLM_MAX_MODEL_LEN: '2048', VLLM_MAX_MODEL_LEN: '1024'}\n"),
     "env.VLLM_MAX_MODEL_LEN", "error", "they are one option", "keep one"),
    Bad("MLCC130", text_of("engine: {extra_args: {max-model-len: 2048}, max_model_len: 1024}\n"),
     "engine.extra_args.max-model-len", "error", "engine.max_model_len is '1024'", "keep one"),
    Bad("MLCC130", text_of("engine: {extra_args: {seed: 1}}\nenv: {VLLM_SEED: '2'}\n"), "engine.extra_args.seed",
     "error", "'1', and env.VLLM_SEED is '2'", "keep one"),
    Bad("MLCC130", text_of("env: {VLLM_MODEL: a/b}\n"), "env.VLLM_MODEL", "error", "model.name is 'Qwen/Qwen3-4B'", ""),
    Bad("MLCC130", text_of("engine: {speculative: {model: a/b}}\nenv: {VLLM_SPECULATIVE_CONFIG: '{\"model\":\"c/d\"}'}\n"),
     "env.VLLM_SPECULATIVE_CONFIG", "error", '{"model":"a/b"}', "keep one"),
    Bad("MLCC130", text_of("env: {VLLM_ASYNC_SCHEDULING: 'true', VLLM_NO_ASYNC_SCHEDULING: 'true'}\n"), "env.VLLM_NO_ASYNC_SCHEDULING",
     "error", "VLLM_NO_ASYNC_SCHEDULING is 'true', and VLLM_ASYNC_SCHEDULING is 'true': they are one option", "keep one of them"),
    Bad("MLCC130", text_of("engine: {extra_args: {async-scheduling: true, no-async-scheduling: true}}\n"), "engine.extra_args.no-async-scheduling",
     "error", "and engine.extra_args.async-scheduling is 'true': they are one option", ""),
    Bad("MLCC130", text_of("env: {VLLM_SEED: '1', SM_VLLM_SEED: '2'}\n"), "env.VLLM_SEED", "error", "SM_VLLM_SEED is '2'", ""),
    Bad("MLCC130", text_of("env: {VLLM_SEED: '1'}\ninference_components: [{name: a, env: {SM_VLLM_SEED: '2'}}]\n"),
     "inference_components[a].env.SM_VLLM_SEED", "error", "they are one option in inference_components[a]", ""),
    Bad("MLCC130", text_of("env: {TRTLLM_TP_SIZE: '1', TRTLLM_TENSOR_PARALLEL_SIZE: '2'}\n", config="transformers-tensorrt-llm"),
     "env.TRTLLM_TP_SIZE", "error", "TRTLLM_TENSOR_PARALLEL_SIZE is '2'", ""),
    Bad("MLCC130", text_of("env: {SGLANG_EP_SIZE: '1', SGLANG_EXPERT_PARALLEL_SIZE: '2'}\n", config="transformers-sglang"),
     "env.SGLANG_EXPERT_PARALLEL_SIZE", "error", "SGLANG_EP_SIZE is '1'", ""),
    Bad("MLCC130", text_of("inference_components: [{name: a, engine: {dtype: half}, env: {VLLM_DTYPE: bfloat16}}]\n"),
     "inference_components[a].env.VLLM_DTYPE", "error", "inference_components[a].engine.dtype is 'half'", ""),
    Bad("MLCC131", text_of("env: {VLLM_GPU_MEMORY_UTILIZATION: '1.5'}\n"), "env.VLLM_GPU_MEMORY_UTILIZATION", "error",
     "VLLM_GPU_MEMORY_UTILIZATION: Value 1.5 exceeds maximum 1.0", "engine.gpu_memory_utilization is the same option"),
    Bad("MLCC131", text_of("env: {VLLM_GPU_MEMORY_UTILIZATION: '-0.5'}\n"), "env.VLLM_GPU_MEMORY_UTILIZATION", "error",
     "Value -0.5 must be above 0.0", ""),
    Bad("MLCC131", text_of("env: {VLLM_MAX_MODEL_LEN: '0'}\n"), "env.VLLM_MAX_MODEL_LEN", "error",
     "Value 0 is below minimum 1", ""),
    Bad("MLCC131", text_of("env: {VLLM_MAX_MODEL_LEN: '4096.5'}\n"), "env.VLLM_MAX_MODEL_LEN", "error",
     "'4096.5' is not a whole number", ""),
    Bad("MLCC131", text_of(f"env: {{VLLM_MAX_MODEL_LEN: '{'9' * 40}'}}\n"), "env.VLLM_MAX_MODEL_LEN", "error",
     "Value 1e+40 exceeds maximum 100000000", ""),
    Bad("MLCC134", text_of("engine: {dtype: bfloat16}\n", deployment="instance_type: ml.g4dn.xlarge"), "engine.dtype", "error",
     "bfloat16 needs devices of compute capability 8.0, and ml.g4dn.xlarge has T4 of 7.5", "set it to half"),
    Bad("MLCC135", text_of("build: {platform: linux/arm64}\n"), "build.platform", "error",
     "the image is built for 'linux/arm64', and ml.g5.xlarge runs linux/amd64", "remove build.platform"),
    Bad("MLCC136", text_of(deployment=BATCH) + "batch: {input_path: s3://bucket/a/}\n", "batch.output_path", "warning",
     "batch.output_path is missing", "mlcc set batch.output_path s3://"),
    Bad("MLCC136", text_of("endpoint: {data_capture_percent: 50}\n"), "endpoint.data_capture_percent", "warning",
     "has no effect without endpoint.data_capture_s3_uri", "mlcc set endpoint.data_capture_s3_uri"),
    Bad("MLCC136", text_of(deployment=f"{GPU}, target: async-inference"), "async.s3_output_path", "warning", "is missing", ""),
    Bad("MLCC137", text_of("engine: {lora: {enabled: false}}\n" + ADAPTER), "engine.lora.enabled", "error",
     "adapter legal needs LoRA in the engine, and engine.lora.enabled is false", "remove engine.lora.enabled: adapters switch LoRA on"),
    Bad("MLCC137", text_of("env: {VLLM_NO_ENABLE_LORA: 'true'}\n" + ADAPTER), "engine.lora.enabled", "error", "engine.lora.enabled is false", ""),
    Bad("MLCC137", text_of("engine: {lora: {enabled: true}}\ninference_components: [{name: a, engine: {lora: {enabled: false}}}]\n" + ADAPTER),
     "inference_components[a].engine.lora.enabled", "error", "in inference_components[a]", ""),
    Bad("MLCC137", text_of("engine: {lora: {enabled: false}}\ninference_components: [{name: a, gpu_count: 1}, {name: b, gpu_count: 1}]\n"
     + ADAPTER.replace("legal,", "legal, base: b,", 1), deployment=FOUR), "engine.lora.enabled", "error", "in inference_components[b]", ""),
    Bad("MLCC138", text_of(f"inference_components: [{THREE}, {{name: b, gpu_count: 1, copy_count: 2}}]\n", deployment=FOUR),
     "inference_components[b].gpu_count", "error", "the components need 5 devices (a 3, b 2), and 1 x ml.g5.12xlarge have 4", "lower gpu_count"),
    Bad("MLCC138", text_of("inference_components: [{name: a}, {name: b}]\n"), "inference_components[b].copy_count", "error",
     "the components need 2 devices (a 1, b 1), and 1 x ml.g5.xlarge have 1", "or use ml.g6.12xlarge (5.75 $/h instead of 1.41)"),
    Bad("MLCC138", text_of("inference_components: [{name: a, copy_count: 2}]\n", deployment=FOUR), "inference_components[a].copy_count", "error",
     "the components need 8 devices (a 8), and 1 x ml.g5.12xlarge have 4", "instance_count"),
    Bad("MLCC138", text_of("inference_components: [{name: a, gpu_count: 1, copy_count: 8}]\n"), "inference_components[a].gpu_count", "error",
     "the components need 8 devices (a 8), and 1 x ml.g5.xlarge have 1", "copy_count"),
    Bad("MLCC395", text_of("endpoint: {volume_size_gb: 50}\n"), "endpoint.volume_size_gb", "error", "ml.g5.xlarge has disks of its own", "remove it"),
    Bad("MLCC139", text_of("endpoint: {inference_ami_version: al2-ami-sagemaker-inference-gpu-3-1}\n", deployment="instance_type: ml.p6-b300.48xlarge"),
     "endpoint.inference_ami_version", "error", "has driver 550, and B300 devices (ml.p6-b300.48xlarge) need driver 580 or newer", ""),
    Bad("MLCC139", text_of(OLD_AMI, deployment="instance_type: ml.p2.xlarge"), "endpoint.inference_ami_version", "error",
     "K80 devices (ml.p2.xlarge) need driver 470 or older", ""),
    Bad("MLCC153", text_of(model="model: {name: acme/own}\n"), "model.name", "note", "do not know the size of 'acme/own'", ""),
    Bad("MLCC153", text_of("inference_components: [{name: a, model: acme/own}]\n"), "inference_components[a].model", "note", "", ""),
    Bad("MLCC146", text_of(model="model: {name: google/gemma-4-31B-it}\n"), "deployment.instance_type", "error",
     "the weights of google/gemma-4-31B-it alone take 57.7 GiB; 1 device of ml.g5.xlarge give 19.8", "split it over more devices"),
    Bad("MLCC142", text_of("framework: {version: 0.4.0}\n", deployment="instance_type: ml.p6-b200.48xlarge"), "deployment.instance_type", "error",
     "B200 devices of compute capability 10.0, and CUDA 12.1 in the image supports up to 9.x", "a newer version"),
    Bad("MLCC141", text_of("framework: {version: 0.31.0, base_image: 'vllm/vllm-openai:v0.31.0-cu129'}\n"
     "batch: {transform_ami_version: al2-ami-sagemaker-batch-gpu-470}\n", deployment=BATCH),
     "batch.transform_ami_version", "error", "CUDA 12.9 in the image", ""),
    Bad("MLCC133", text_of("model: {name: a/b, chat_template_file: ./t.jinja}\n", config="diffusors-vllm-omni", model=""),
     "model.chat_template_file", "warning", "has no variable for model.chat_template_file", ""),
    Bad("MLCC131", text_of("engine: {kv_cache_dtype: fp9}\n", config="transformers-sglang"), "engine.kv_cache_dtype", "error", "'fp9' is not one of", "the engine gets it as SGLANG_KV_CACHE_DTYPE"),
    Bad("MLCC140", text_of("engine: {max_num_batched_tokens: 128, max_num_seqs: 256}\n"), "engine.max_num_batched_tokens", "error",
     "max_num_batched_tokens is 128, and must not be below max_num_seqs, which is 256", "raise it to 256"),
    Bad("MLCC140", text_of("engine: {lora: {max_loras: 2}}\n"), "engine.lora.max_loras", "error", "has no effect without lora.enabled", ""),
    Bad("MLCC140", text_of("inference_components: [{name: a, engine: {lora: {enabled: false, max_loras: 2}}}]\n"),
     "inference_components[a].engine.lora.max_loras", "error", "in inference_components[a]", ""),
    Bad("MLCC159", text_of(model="model: {name: s3://bucket/m}\n"), "model.name", "error", "neither a prefix, which ends in a slash", "s3://bucket/m/"),
    Bad("MLCC159", text_of("inference_components: [{name: a, model: s3://bucket/m}]\n"), "inference_components[a].model", "error", "", ""),
    Bad("MLCC189", text_of(model="model: {name: a/b, chat_template: chatmll}\n"), "model.chat_template", "error", "'chatmll' is no template", "did you mean chatml?"),
    Bad("MLCC189", text_of(model="model: {name: a/b, chat_template: zzzzzzzz}\n"), "model.chat_template", "error", "", "known: chatml"),
    Bad("MLCC189", text_of(model="model: {name: a/b, chat_template: chatml, chat_template_file: ./t}\n"), "model.chat_template", "error", "are both set", "remove one"),
    Bad("MLCC133", text_of(config="diffusors-comfyui", model="model: {name: a/b}\n"), "model.name", "error", "has no variable for model.name", ""),
    Bad("MLCC146", text_of(LENGTH + "inference_components: [{name: a, gpu_count: 1, model: Qwen/Qwen3-32B}]\n", deployment=FOUR), "engine.max_model_len",
     "error", "in inference_components[a]", "give it gpu_count: 4"),
    Bad("MLCC146", text_of("env: {VLLM_MODEL: Qwen/Qwen3-32B}\n", model=""), "deployment.instance_type", "error", "Qwen/Qwen3-32B does not fit", ""),
    Bad("MLCC177", text_of(config="transformers-lmi", deployment=f"{GPU}, region: cn-north-1"), "framework.base_image", "error",
     "is in us-west-2 (aws), and cn-north-1 is in aws-cn", "727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn/djl-inference:"),
    Bad("MLCC177", text_of("framework: {base_image: '123456789012.dkr.ecr.us-east-1.amazonaws.com/a:1'}\n", deployment=f"{GPU}, region: us-isof-south-1"),
     "framework.base_image", "error", "", "copy it to your own ECR"),
    Bad("MLCC143", text_of("engine: {tensor_parallel_size: 2, extra_args: {data-parallel-size: 4}}\n", deployment=FOUR),
     "engine.tensor_parallel_size", "error", "8 devices are needed, and there are 4", ""),
    Bad("MLCC144", text_of("engine: {max_model_len: 4096, max_num_seqs: 4}\n"), "engine.max_num_seqs", "note",
     "4 sequences of 4,096 tokens fill 2.2 GiB of cache, and the engine takes 1", "kv-cache-memory-bytes: 2415919104}"),
    Bad("MLCC144", text_of("engine: {max_model_len: 4096, max_num_seqs: 4}\n", config="transformers-sglang"), "engine.max_num_seqs", "note",
     "fill 2.2 GiB of cache", "engine.gpu_memory_utilization: 0."),
    Bad("MLCC131", text_of("env: {VLLM_MAX_NUM_SEQS: 1K}\n"), "env.VLLM_MAX_NUM_SEQS", "error",
     "'1K' is not a whole number for this option: write 1024", "engine.max_num_seqs is the same option"),
    Bad("MLCC131", text_of("env: {VLLM_MAX_NUM_SEQS: auto}\n"), "env.VLLM_MAX_NUM_SEQS", "error",
     "'auto' is not a number", ""),
    Bad("MLCC131", text_of("env: {VLLM_TENSOR_PARALLEL_SIZE: all}\n"), "env.VLLM_TENSOR_PARALLEL_SIZE", "error",
     "'all' is neither a number nor max", ""),
    Bad("MLCC131", text_of("env: {VLLM_TRUST_REMOTE_CODE: maybe}\n"), "env.VLLM_TRUST_REMOTE_CODE", "error",
     "'maybe' is not true or false", ""),
    Bad("MLCC131", text_of("env: {VLLM_ENFORCE_EAGER: maybe}\n"), "env.VLLM_ENFORCE_EAGER", "error",
     "'maybe' is not true or false", "see the engine's documentation"),
    Bad("MLCC131", text_of("env: {VLLM_NO_ENABLE_PREFIX_CACHING: maybe}\n"), "env.VLLM_NO_ENABLE_PREFIX_CACHING", "error",
     "'maybe' is not", ""),
    Bad("MLCC131", text_of("engine: {quantization: awp}\n"), "engine.quantization", "warning",
     "vllm 0.31.0 itself has no 'awp' (did you mean awq?): only a plugin in the image adds one", "the engine gets it as VLLM_QUANTIZATION"),
    Bad("MLCC131", text_of("env: {VLLM_LOAD_FORMAT: gguf}\n"), "env.VLLM_LOAD_FORMAT", "warning", "itself has no 'gguf'", ""),
    Bad("MLCC131", text_of("engine: {kv_cache_dtype: fp9}\n"), "engine.kv_cache_dtype", "error", "'fp9' is not one of auto", ""),
    Bad("MLCC131", text_of("env: {VLLM_KV_CACHE_DTYPE: octave_k3v4}\n"), "env.VLLM_KV_CACHE_DTYPE", "error", "is not one of auto", ""),
    Bad("MLCC131", text_of("env: {VLLM_DTYPE: float8}\n"), "env.VLLM_DTYPE", "error", "'float8' is not one of auto", ""),
    Bad("MLCC131", text_of("env: {VLLM_SWAP_SPACE: much, VLLM_SEED: one}\nframework: {version: 0.28.0}\n"),
     "env.VLLM_SEED", "error", "'one' is not a number", ""),
    Bad("MLCC131", text_of("env: {VLLM_SPECULATIVE_CONFIG: '{model: x}'}\n"), "env.VLLM_SPECULATIVE_CONFIG", "error",
     "is not JSON", ""),
    Bad("MLCC131", text_of(f"env: {{VLLM_SPECULATIVE_CONFIG: '{'[' * 9000}'}}\n"), "env.VLLM_SPECULATIVE_CONFIG",
     "error", "is not JSON", ""),
    Bad("MLCC131", text_of("inference_components: [{name: a, env: {VLLM_MAX_NUM_SEQS: '-1'}}]\n"),
     "inference_components[a].env.VLLM_MAX_NUM_SEQS", "error", "Value -1 is below minimum 1", ""),
    Bad("MLCC132", text_of("env: {VLLM_MAX_MODEL_LENGTH: '1'}\n"), "env.VLLM_MAX_MODEL_LENGTH", "error",
     "has no option VLLM_MAX_MODEL_LENGTH", "did you mean VLLM_MAX_MODEL_LEN?"),
    Bad("MLCC132", text_of("engine: {extra_args: {enforce-eagre: true}}\n"), "engine.extra_args.enforce-eagre", "error",
     "has no option --enforce-eagre", "did you mean --enforce-eager?"),
    Bad("MLCC132", text_of("env: {VLLM_ZZZZZZZZ: '1'}\n"), "env.VLLM_ZZZZZZZZ", "error", "", "remove it, or choose"),
    Bad("MLCC132", text_of("inference_components: [{name: a, env: {VLLM_XYZ: '1'}}]\n"),
     "inference_components[a].env.VLLM_XYZ", "error", "has no option VLLM_XYZ", ""),
    Bad("MLCC133", text_of("engine: {speculative: {method: eagle}}\n", "transformers-djl"), "engine.speculative.method",
     "warning", "has no option for engine.speculative.method", "extra_args"),
    Bad("MLCC141", text_of(OLD_AMI), "endpoint.inference_ami_version", "error",
     "al2-ami-sagemaker-inference-gpu-2-1 has driver 535", "al2023-ami-sagemaker-inference-gpu-4-1"),
    Bad("MLCC141", text_of(OLD_AMI.replace("gpu-2-1", "gpu-2")), "endpoint.inference_ami_version", "warning",
     "has driver 535", "set endpoint.inference_ami_version"),
    Bad("MLCC141", text_of(OLD_AMI.replace("gpu-2-1", "gpu-2") + "engine: {tensor_parallel_size: 4}\n", deployment=FOUR),
     "endpoint.inference_ami_version", "error", "has driver 535", ""),
    Bad("MLCC141", text_of(OLD_AMI.replace("gpu-2-1", "neuron-2")), "endpoint.inference_ami_version", "error",
     "al2-ami-sagemaker-inference-neuron-2 has no driver for CUDA devices", "gpu-4-1"),
    Bad("MLCC141", text_of(deployment=BATCH), "batch.transform_ami_version", "error",
     "the default host has driver 470 or newer", "no host of this use has it"),
    Bad("MLCC142", text_of(deployment="instance_type: ml.p3.2xlarge"), "deployment.instance_type", "error",
     "V100 devices of compute capability 7.0", "use ml.g4dn.4xlarge (1.51 $/h), or an older version"),
    Bad("MLCC143", text_of("engine: {tensor_parallel_size: 2}\n"), "engine.tensor_parallel_size", "error",
     "2 devices are needed, and there are 1 (ml.g5.xlarge)", "set it to max"),
    Bad("MLCC143", text_of("engine: {tensor_parallel_size: 3}\n", deployment=FOUR), "engine.tensor_parallel_size",
     "error", "has 32 attention heads and 8 of keys and values, which 3 devices cannot share evenly", "use 1, 2, 4, 8, 16"),
    Bad("MLCC143", text_of("engine: {pipeline_parallel_size: 3, tensor_parallel_size: 2}\n", deployment=FOUR),
     "engine.tensor_parallel_size", "error", "6 devices are needed", ""),
    Bad("MLCC143", text_of(TWO % ", engine: {tensor_parallel_size: 2}", deployment=FOUR),
     "inference_components[b].engine.tensor_parallel_size", "error",
     "2 devices are needed in inference_components[b], and there are 1", ""),
    Bad("MLCC143", text_of("inference_components: [{name: a, gpu_count: 8}]\n", deployment=FOUR),
     "inference_components[a].gpu_count", "error", "gpu_count is 8 in inference_components[a], and ml.g5.12xlarge has 4",
     "lower it to 4"),
    Bad("MLCC145", text_of("engine: {max_model_len: 50000}\n"), "engine.max_model_len", "error",
     "takes 40,960 tokens at most, and max_model_len is 50,000", "lower it to 40960"),
    Bad("MLCC145", text_of("inference_components: [{name: a, engine: {max_model_len: 50000}}]\n"),
     "inference_components[a].engine.max_model_len", "error", "in inference_components[a]", ""),
    Bad("MLCC146", text_of("engine: {max_model_len: 40960}\n", deployment="instance_type: ml.g4dn.xlarge"),
     "engine.max_model_len", "error", "does not fit ml.g4dn.xlarge with 40,960 tokens", "left for the KV cache"),
    Bad("MLCC146", text_of(), "deployment.instance_type", "note", "has room for 1 sequence of 40,960 tokens at a time",
     "set engine.max_model_len: 19456, or use ml."),
    Bad("MLCC147", text_of("framework: {version: 0.4.0}\n"), "framework.version", "error", "Qwen/Qwen3-4B needs vllm >=0.8.",
     "mlcc catalog frameworks"),
    Bad("MLCC147", text_of(config="transformers-lmi", extra="framework: {version: 15.0.0}\n",
     model="model: {name: openai/gpt-oss-20b}\n"), "framework.version", "error",
     "openai/gpt-oss-20b needs vllm >=0.10.1, and 0.8.4 is chosen", "name=lmi"),
    Bad("MLCC147", text_of(deployment="instance_type: ml.p5.4xlarge", model="model: {name: openai/gpt-oss-120b}\n"), "model.name", "warning", "on one H100", "https:"),
    Bad("MLCC147", text_of("inference_components: [{name: a, model: acme/issues}]\n"), "inference_components[a].model",
     "note", "it is slow on vllm", ""),
    Bad("MLCC148", text_of("engine: {quantization: awq}\n", model="model: {name: acme/big-AWQ}\n"),
     "engine.quantization", "warning", "acme/big-AWQ is quantised already (awq)", "remove engine.quantization"),
    Bad("MLCC148", text_of("engine: {quantization: awq}\n"), "engine.quantization", "error",
     "awq is read from a checkpoint that was quantised so, and Qwen/Qwen3-4B is not one", "while loading: fp8, fp8_per_block, fp8_per_tensor"),
    Bad("MLCC132", text_of("env: {VLLM_TP: '1'}\n"), "env.VLLM_TP", "error", "has no option VLLM_TP", ""),
    Bad("MLCC148", text_of("engine: {quantization: mxfp4}\n", model="model: {name: openai/gpt-oss-20b}\n"),
     "engine.quantization", "warning", "is quantised already (mxfp4)", ""),
    Bad("MLCC148", text_of("inference_components: [{name: a, model: acme/b-gptq, engine: {quantization: gptq}}]\n"),
     "inference_components[a].engine.quantization", "warning", "acme/b-gptq is quantised already (gptq)", ""),
    Bad("MLCC149", text_of(f"env: {{NOTE: {LONG}}}\n"), "env.NOTE", "error", "NOTE has 1,100 characters", "a file"),
    Bad("MLCC149", text_of(MANY + LENGTH + "endpoint: {volume_size_gb: 64}\n").replace(
        "4096}", "4096, max_num_seqs: 2, dtype: half, quantization: awq, load_format: auto, kv_cache_dtype: fp8}"),
     "env", "error", "variables; SageMaker takes 100", "remove some"),
    Bad("MLCC149", text_of(BULK), "env", "error", "bytes; SageMaker takes 32,768", "put long values"),
    Bad("MLCC149", text_of("batch: {env: {" + ", ".join(f"B{n}: a" for n in range(17)) + "}}\n", deployment=BATCH),
     "batch.env.B9", "error", "17 variables; a transform job takes 16", ""),
    Bad("MLCC150", text_of("build: {image_uri: 'docker.io/acme/chat:1'}\n"), "build.image_uri", "error",
     "is not in Amazon ECR", "leave image_uri out"),
    Bad("MLCC150", text_of(f"build: {{image_uri: '{ECR % 'us-west-2'}'}}\n", deployment=GPU + ", region: us-east-1"),
     "build.image_uri", "error", "is in us-west-2, and the project is deployed in us-east-1", "copy it"),
    Bad("MLCC150", text_of("inference_components: [{name: a, image: 'acme/chat:1'}]\n"),
     "inference_components[a].image", "error", "is not in Amazon ECR", "leave image out"),
    Bad("MLCC152", text_of("batch: {max_concurrent: 20, max_payload_mb: 6}\n", deployment=BATCH), "batch.max_concurrent",
     "error", "20 requests of 6 MB at a time are 120 MB", "to 16, or batch.max_payload_mb to 5"),
    Bad("MLCC152", text_of("batch: {max_concurrent: 200, max_payload_mb: 1}\n", deployment=BATCH),
     "batch.max_concurrent", "error", "200 MB", "lower batch.max_concurrent to 100"),
    Bad("MLCC152", text_of("batch: {strategy: MultiRecord}\n", deployment=BATCH), "batch.strategy", "error",
     "each file is one record", "split_type: Line"),
    Bad("MLCC155", text_of(model=""), "model.name", "error", "transformers has no sample model, and none is named",
     "mlcc catalog models"),
    Bad("MLCC155", text_of("inference_components: [{name: a, model: Qwen/Qwen3-4B}, {name: b}]\n", model=""),
     "model.name", "error", "none is named", ""),
    Bad("MLCC155", text_of(model=LLAMA), "model.name", "warning", "is gated: its weights need a token", "HF_TOKEN"),
    Bad("MLCC155", text_of("secrets: {HF_TOKEN: {secretsmanager: t, phase: build}}\n", model=LLAMA), "model.name",
     "warning", "is gated", ""),
    Bad("MLCC155", text_of("network: {isolation: true}\n"), "network.isolation", "error", "forbids what", "into S3"),
    Bad("MLCC157", text_of(model="model: {name: acme/plain}\n"), "model.chat_template", "warning",
     "has no chat template of its own", "chat_template_file"),
]  # fmt: skip
PLAIN = """
version: 1
kind: models
source: test
rows:
  acme/plain: {family: acme, source: test, requires_template: true}
  acme/issues:
    family: acme
    source: test
    compatibility: {vllm: ">=0.8"}
    known_issues:
      - {id: slow, message: it is slow on vllm, severity: note, source: test, engines: {vllm: ">=0.1"}}
      - {id: old, message: it is broken on old vllm, severity: warning, source: test, engines: {vllm: "<0.1"}}
      - {id: other, message: it is broken on sglang, severity: warning, source: test, engines: {sglang: ">=0.1"}}
  acme/odd: {family: acme, source: test, facts: {parameters: 1, layers: 1, hidden_size: 1, kv_heads: 1, head_dim: 1, sliding_window: {layers: 9, window: 1}}}
"""


VERSIONS = """
version: 1
kind: framework
name: vllm
source: test
versions:
  "0.27.1":
    validation_level: experimental
    source: test
    accelerator: {type: cuda, version: "13.0", driver: "580"}
    known_issues:
      - {id: all, message: it happens to all, severity: warning, source: where}
      - {id: a10g, message: it happens on A10G, severity: note, source: where, accelerators: [A10G]}
      - {id: g5, message: it happens on g5, severity: note, source: where, instances: [ml.g5.*]}
      - {id: l4, message: never here, severity: note, source: where, accelerators: [L4]}
      - {id: g6, message: never here, severity: note, source: where, instances: [ml.g6.*]}
      - {id: when, message: never here, severity: note, source: where, when: {tags.moon: [full]}}
      - {id: unless, message: never here, severity: note, source: where, unless: {project.name: [ch*]}}
      - {id: checked, message: never here, severity: note, source: where, checked_by: MLCC141}
      - {id: here, message: it happens here, severity: note, source: where, when: {project.name: [ch*]}, unless: {tags.moon: ["*"]}}
"""
OWN = Over(models__zz=PLAIN, frameworks__vllm=VERSIONS)


@pytest.mark.parametrize("row", BAD, ids=names(BAD))
def test_bad_cases(row):
    known = [f for f in found(row.text, row.code, OWN) if f.path == row.path and row.message in f.message]
    assert known, found(row.text, row.code, OWN)
    finding = known[0]
    assert finding.severity.label == row.severity
    assert row.hint in finding.hint


GOOD = [
    Good("MLCC137", text_of("adapters: [{name: legal, enabled: false, artifact_url: s3://bucket/legal.tar.gz}]\n")),
    Good("MLCC140", text_of("engine: {lora: {enabled: true, max_lora_rank: 32}}\n"
     "inference_components: [{name: a}, {name: b, engine: {lora: {enabled: false}}}]\n")),
    Good("MLCC140", text_of("engine: {lora: {max_lora_rank: 32}}\ninference_components: [{name: a, engine: {lora: {enabled: true}}}]\n")),
    Good("MLCC143", text_of("inference_components: [{name: a}, {name: z, enabled: false, gpu_count: 8}]\n")),
    Good("MLCC146", text_of(LENGTH + "inference_components: [{name: a}, {name: z, enabled: false, model: Qwen/Qwen3-32B}]\n")),
    Good("MLCC159", text_of(model="model: {name: s3://bucket/m.joblib, data_type: S3Object}\n")),
    Good("MLCC144", text_of("engine: {max_model_len: 4096, max_num_seqs: 16}\n")),
    Good("MLCC144", text_of("engine: {max_num_seqs: 4}\n")),
    Good("MLCC144", text_of(LENGTH)),
    Good("MLCC144", text_of("engine: {max_model_len: 4096, max_num_seqs: 4}\n", config="transformers-tensorrt-llm", model="model: {name: a/b}\n")),
    Good("MLCC177", text_of(config="transformers-lmi", deployment=f"{GPU}, region: eu-west-1")),
    Good("MLCC177", text_of(config="transformers-lmi", deployment="target: local, region: cn-north-1")),
    Good("MLCC177", text_of(config="transformers-lmi", deployment=f"{GPU}, region: xx-nowhere-1")),
    Good("MLCC140", text_of("engine: {max_num_batched_tokens: 512, max_num_seqs: 256, lora: {enabled: true, max_loras: 2, max_cpu_loras: 4}}\n")),
    Good("MLCC140", text_of("engine: {max_num_batched_tokens: 128, max_num_seqs: 256}\n", config="transformers-lmi")),
    Good("MLCC159", text_of(model="model: {name: s3://bucket/m/}\n")),
    Good("MLCC159", text_of(model="model: {name: s3://bucket/m.tar.gz}\n")),
    Good("MLCC189", text_of(model="model: {name: a/b, chat_template: '{{ messages }}'}\n")),
    Good("MLCC189", text_of(model="model: {name: a/b, chat_template: vicuna}\n")),
    Good("MLCC134", text_of("engine: {dtype: half}\n", deployment="instance_type: ml.g4dn.xlarge")),
    Good("MLCC134", text_of("engine: {dtype: bfloat16}\n")),
    Good("MLCC135", text_of("build: {platform: linux/amd64}\n")),
    Good("MLCC135", text_of("build: {platform: linux/arm64}\n", deployment="target: local")),
    Good("MLCC136", text_of("endpoint: {data_capture_percent: 50, data_capture_s3_uri: 's3://bucket/capture/'}\n")),
    Good("MLCC136", text_of(deployment=BATCH) + "batch: {input_path: s3://bucket/a/, output_path: s3://bucket/b/}\n"),
    Good("MLCC137", text_of(ADAPTER)),
    Good("MLCC137", text_of("engine: {lora: {enabled: true}}\n" + ADAPTER)),
    Good("MLCC137", text_of("inference_components: [{name: a, engine: {lora: {enabled: true}}}]\n" + ADAPTER)),
    Good("MLCC395", text_of("encryption: {volume_kms_key_id: alias/x}\n")),
    Good("MLCC138", text_of("inference_components: [{name: a, copy_count: 2}, {name: b}]\n", deployment=f"{FOUR}, instance_count: 2")),
    Good("MLCC138", text_of("inference_components: [{name: a}, {name: b, enabled: false}]\n")),
    Good("MLCC138", text_of(f"inference_components: [{THREE}, {{name: b, gpu_count: 1}}]\n", deployment=FOUR)),
    Good("MLCC138", text_of(f"inference_components: [{THREE}, {{name: b, gpu_count: 4, enabled: false}}]\n", deployment=FOUR)),
    Good("MLCC138", text_of(f"inference_components: [{THREE}, {{name: b, gpu_count: 4}}]\n", deployment=f"{FOUR}, instance_count: 2")),
    Good("MLCC139", text_of(OLD_AMI)),
    Good("MLCC139", text_of(deployment="instance_type: ml.p6-b200.48xlarge")),
    Good("MLCC153", text_of(LENGTH)),
    Good("MLCC153", text_of(model="model: {name: acme/own}\n", deployment="target: local")),
    Good("MLCC146", text_of(deployment="instance_type: ml.g5.48xlarge", model="model: {name: google/gemma-4-31B-it}\nengine: {tensor_parallel_size: 8}\n")),
    Good("MLCC142", text_of("framework: {version: 0.31.0}\n", deployment="instance_type: ml.p6-b200.48xlarge")),
    Good("MLCC141", text_of("framework: {version: 0.31.0, base_image: 'vllm/vllm-openai:v0.31.0-cu129'}\nendpoint: {inference_ami_version: al2-ami-sagemaker-inference-gpu-3-1}\n")),
    Good("MLCC141", text_of("framework: {version: 0.31.0, base_image: 'acme/own:1'}\n" + OLD_AMI)),
    Good("MLCC133", text_of("model: {name: a/b, revision: main, chat_template: chatml}\n", model="")),
    Good("MLCC150", text_of("build: {strategy: none, image_uri: 123456789012.dkr.ecr.us-isof-south-1.csp.hci.ic.gov/chat:1}\n")),
    Good("MLCC131", text_of("env: {VLLM_MAX_MODEL_LEN: 8k, VLLM_MAX_NUM_BATCHED_TOKENS: 2K}\n")),
    Good("MLCC131", text_of("env: {VLLM_MAX_MODEL_LEN: auto}\n")),
    Good("MLCC131", text_of("env: {VLLM_LOAD_FORMAT: Safetensors, VLLM_KV_CACHE_DTYPE: fp8, VLLM_NO_ENABLE_LORA: 'false'}\n")),
    Good("MLCC131", text_of("env: {VLLM_QUANTIZATION: ''}\n")),
    Good("MLCC146", text_of(config="diffusors-comfyui", deployment="instance_type: ml.g4dn.xlarge")),
    Good("MLCC104", text_of()),
    Good("MLCC104", text_of(deployment="instance_type: ml.zz9.large")),
    Good("MLCC104", HEAD + "deployment: {config: http-fastapi, instance_type: ml.g5.xlarge}\n"),
    Good("MLCC130", text_of("engine: {max_model_len: 1024}\nenv: {VLLM_MAX_MODEL_LEN: '1024'}\n")),
    Good("MLCC130", text_of("env: {VLLM_ASYNC_SCHEDULING: 'true', VLLM_NO_ASYNC_SCHEDULING: 'false', VLLM_SEED: '1', SM_VLLM_SEED: ' 1'}\n")),
    Good("MLCC130", text_of("env: {VLLM_ASYNC_SCHEDULING: '', SM_VLLM_ASYNC_SCHEDULING: 'true'}\n")),
    Good("MLCC130", text_of("engine: {enable_prefix_caching: false}\ninference_components: [{name: a, engine: {enable_prefix_caching: true}}]\n"
                        "framework: {name: vllm-dlc}\n")),
    Good("MLCC132", text_of("env: {VLLM_TENSOR_PARALLEL_SIZE: '1'}\n")),
    Good("MLCC130", text_of("engine: {extra_args: {max-model-len: 1024, seed: 1}, max_model_len: 1024}\n")),
    Good("MLCC130", text_of("env: {VLLM_MODEL: Qwen/Qwen3-4B, VLLM_SEED: '1'}\nengine: {extra_args: {seed: 1}}\n")),
    Good("MLCC130", text_of("engine: {max_model_len: 1024}\ninference_components: [{name: a, env: {VLLM_MAX_MODEL_LEN: 1}}]\n")),
    Good("MLCC131", text_of("env: {VLLM_GPU_MEMORY_UTILIZATION: '0.85', VLLM_TENSOR_PARALLEL_SIZE: max, OTHER: x}\n")),
    Good("MLCC131", text_of("env: {VLLM_ENFORCE_EAGER: 'TRUE', VLLM_SPECULATIVE_CONFIG: '{\"model\":\"a/b\"}'}\n")),
    Good("MLCC131", HEAD + "deployment: {config: http-fastapi}\nenv: {VLLM_MAX_MODEL_LEN: x}\n"),
    Good("MLCC132", text_of("env: {VLLM_SEED: '1', VLLM_LOGGING_LEVEL: DEBUG, VLLM_MODEL: Qwen/Qwen3-4B, HOME: /tmp}\n")),
    Good("MLCC132", text_of("engine: {lora: {enabled: true}, max_model_len: 1024, extra_args: {enforce_eager: true}}\n")),
    Good("MLCC132", HEAD + "deployment: {config: http-fastapi}\nenv: {VLLM_XYZ: x}\n"),
    Good("MLCC133", text_of("engine: {speculative: {method: eagle}, extra_args: {seed: 1}}\n")),
    Good("MLCC133", HEAD + "deployment: {config: http-fastapi}\n"),
    Good("MLCC141", text_of()),
    Good("MLCC141", text_of(deployment="instance_type: ml.g5.xlarge, target: local")),
    Good("MLCC141", text_of(OLD_AMI, deployment=POD)),
    Good("MLCC141", text_of(OLD_AMI, deployment="instance_type: ml.m5.xlarge")),
    Good("MLCC141", HEAD + "deployment: {config: http-fastapi}\n"),
    Good("MLCC141", text_of("batch: {transform_ami_version: my-own-image}\n", deployment=BATCH)),
    Good("MLCC142", text_of()),
    Good("MLCC142", text_of(deployment="instance_type: ml.m5.xlarge")),
    Good("MLCC143", text_of("engine: {tensor_parallel_size: max}\n", deployment=FOUR)),
    Good("MLCC143", text_of(TWO % ", engine: {tensor_parallel_size: max}", deployment=FOUR)),
    Good("MLCC143", text_of("engine: {tensor_parallel_size: 2}\n", deployment=FOUR, model="model: {name: x/unknown}\n")),
    Good("MLCC143", text_of("engine: {tensor_parallel_size: 2}\n", deployment="instance_type: ml.zz9.large")),
    Good("MLCC143", HEAD + "deployment: {config: http-fastapi}\n"),
    Good("MLCC145", text_of("engine: {max_model_len: 40960}\n")),
    Good("MLCC145", text_of("engine: {max_model_len: 50000}\nenv: {VLLM_ALLOW_LONG_MAX_MODEL_LEN: '1'}\n")),
    Good("MLCC145", text_of("engine: {max_model_len: 50000, extra_args: {rope-scaling: x}}\n")),
    Good("MLCC145", text_of("engine: {max_model_len: 50000}\n", model="model: {name: x/unknown}\n")),
    Good("MLCC146", text_of(LENGTH)),
    Good("MLCC146", text_of(LENGTH, deployment="instance_type: ml.zz9.large")),
    Good("MLCC146", text_of(LENGTH, deployment="instance_type: ml.inf2.xlarge")),
    Good("MLCC146", text_of(LENGTH, model="model: {name: x/unknown}\n")),
    Good("MLCC147", text_of()),
    Good("MLCC147", text_of(model="")),
    Good("MLCC147", HEAD + "deployment: {config: http-fastapi}\nframework: {name: nope}\n"),
    Good("MLCC148", text_of("engine: {quantization: fp8}\n")),
    Good("MLCC148", text_of("engine: {quantization: awq}\n", model="model: {name: acme/unknown}\n")),
    Good("MLCC148", text_of(model="model: {name: acme/big-AWQ}\n")),
    Good("MLCC148", text_of("engine: {quantization: awq}\n", model="model: {name: 's3://bucket/big-awq/'}\n")),
    Good("MLCC149", text_of(f"env: {{NOTE: {LONG}}}\n", deployment=POD)),
    Good("MLCC149", text_of(MANY.replace("95: a", "95: b"), deployment="instance_type: ml.g5.xlarge, target: local")),
    Good("MLCC149", text_of("batch: {env: {A: b}}\n", deployment=BATCH)),
    Good("MLCC150", text_of(f"build: {{image_uri: '{ECR % 'us-east-1'}'}}\n", deployment=GPU + ", region: us-east-1")),
    Good("MLCC150", text_of(f"build: {{image_uri: '{ECR % 'us-east-1'}'}}\n")),
    Good("MLCC150", text_of("build: {image_uri: 'docker.io/acme/chat:1'}\n", deployment=POD)),
    Good("MLCC152", text_of("batch: {max_concurrent: 16, strategy: MultiRecord, split_type: Line}\n", deployment=BATCH)),
    Good("MLCC152", text_of("batch: {max_concurrent: 1000, max_payload_mb: 0}\n", deployment=BATCH)),
    Good("MLCC152", text_of("batch: {max_concurrent: 100}\n")),
    Good("MLCC155", text_of()),
    Good("MLCC155", text_of("env: {VLLM_MODEL: Qwen/Qwen3-4B}\n", model="")),
    Good("MLCC155", text_of("inference_components: [{name: a, model: Qwen/Qwen3-4B}]\n", model="")),
    Good("MLCC155", text_of("network: {isolation: true}\n", model="model: {name: 's3://bucket/m/'}\n")),
    Good("MLCC155", text_of("secrets: {HF_TOKEN: {secretsmanager: t}}\n", model=LLAMA)),
    Good("MLCC155", HEAD + "deployment: {config: http-fastapi}\n"),
    Good("MLCC157", text_of()),
    Good("MLCC157", text_of(model="model: {name: acme/plain, chat_template_file: ./t.jinja}\n")),
    Good("MLCC157", text_of(model="model: {name: acme/plain, chat_template: chatml}\n")),
]  # fmt: skip


@pytest.mark.parametrize("row", GOOD, ids=names(GOOD))
def test_good_cases(row):
    assert found(row.text, row.code, OWN) == []


# The checks that are tested here; MLCC130 is found while values are resolved.
# MLCC151 is shown by every config that does not run everywhere (tests/functional/test_all_configs.py).
CODES = {*(row.code for row in BAD), "MLCC151", "MLCC154"}


def test_every_check_has_a_good_and_a_bad_case():
    assert {row.code for row in BAD} == {row.code for row in GOOD}


# ---------------------------------------------------------------- what is known of a version
@pytest.mark.parametrize(
    ("deployment", "expected"),
    [
        (GPU, ["it happens to all", "it happens on A10G", "it happens on g5", "it happens here"]),
        ("instance_type: ml.zz9.large", ["it happens to all", "it happens here"]),
        ("instance_type: ml.m5.large", ["it happens to all", "it happens here"]),
    ],
)
def test_issues_of_a_version_are_reported_where_they_happen(deployment, expected):
    text = text_of("framework: {version: 0.27.1}\n", deployment=deployment)
    reported = found(text, "MLCC154", OWN)
    assert [f.message for f in reported] == expected
    assert [f.severity.label for f in reported] == ["warning", "note", "note", "note"][: len(reported)]
    assert {f.hint for f in reported} == {"where"}


def test_a_config_without_version_has_no_issues():
    assert found(HEAD + "deployment: {config: http-fastapi}\nframework: {name: nope}\n", "MLCC154") == []


@pytest.mark.parametrize(
    ("version", "wanted", "expected"),
    [
        ("0.10.2", ">=0.9.1", True), ("0.9", ">=0.9.0", True), ("0.9", "<0.9.0", False), ("1", "==1.0.0", True),
        ("1.2", ">1.2", False), ("1.2.1", "<=1.2", False), ("1.5", ">=1,<2", True), ("2.0", ">=1,<2", False),
        ("2.0", "!=2", False), ("2", "2", True), ("", ">=0", True), ("0.5.3", "<0.5.3.post1", True),
    ],
)  # fmt: skip
def test_ranges_compare_numbers(version, wanted, expected):
    assert within(version, wanted) is expected


# ---------------------------------------------------------------- places
def places(text: str, known: Registries | None = None) -> list[containers.Container]:
    return list(containers.serving_containers(subject_of(text, known)))


def test_a_project_without_components_is_one_place():
    place = only(places(text_of(LENGTH, deployment=FOUR)))
    assert (place.prefix, place.devices, place.words, place.get("max_model_len")) == ((), 4, "", 4096)
    assert place.get("dtype", "none") == "none"
    assert place.path("dtype") == ("engine", "dtype")


def test_the_implied_component_is_the_project_unless_it_has_settings():
    assert [p.prefix for p in places(text_of("inference_components: [{name: default, copy_count: 2}]\n"))] == [()]
    own = only(places(text_of("inference_components: [{name: default, engine: {dtype: half}}]\n")))
    assert own.words == " in inference_components[default]"
    assert own.get("dtype") == "half"


def test_a_component_has_the_projects_values_under_its_own():
    text = text_of(
        "engine: {max_model_len: 4096, dtype: half}\nenv: {A: one, B: one}\n"
        "inference_components: [{name: a, gpu_count: 1, engine: {dtype: bfloat16}, env: {B: two}}, {name: b}]\n",
        deployment=FOUR,
    )
    a, b = places(text)
    assert (a.devices, a.get("dtype"), a.get("max_model_len"), a.env["A"].value, a.env["B"].value) == (
        1, "bfloat16", 4096, "one", "two")  # fmt: skip
    # an equal share, as is asked of SageMaker
    assert (b.devices, b.get("dtype"), b.env["B"].value) == (2, "half", "one")
    assert a.path("dtype") != b.path("dtype") == ("engine", "dtype")


def test_a_component_may_serve_another_model():
    a, b = places(text_of("inference_components: [{name: a, model: Qwen/Qwen3-32B}, {name: b}]\n"))
    assert a.model is not None
    assert b.model is not None
    assert (a.model.name, a.own_model, b.model.name, b.own_model) == ("Qwen/Qwen3-32B", True, "Qwen/Qwen3-4B", False)


@pytest.mark.parametrize(("size", "expected"), [("max", 8), ("2", 4), ("1", 2)])
def test_a_model_is_split_over_the_product(size, expected):
    text = text_of(f"engine: {{tensor_parallel_size: {size}, pipeline_parallel_size: 2}}\n", deployment=FOUR)
    place = only(places(text))
    assert containers.devices_needed(place) == expected
    assert containers.split_size(place) * 2 == expected


def test_max_without_devices_is_one():
    place = only(places(text_of("engine: {tensor_parallel_size: max}\n", deployment="instance_type: ml.m5.large")))
    assert containers.devices_needed(place) == containers.split_size(place) == 1


def test_an_environment_is_checked_with_its_overlay():
    text = text_of(LENGTH + "environments: {big: {engine: {max_model_len: 50000}}, small: {}}\n")
    assert "MLCC145" in [f.code for f in found(text, env="big")]
    assert "MLCC145" not in [f.code for f in found(text, env="small")]


def test_a_mistake_that_several_components_share_is_reported_once():
    text = text_of("env: {VLLM_XYZ: '1'}\nengine: {quantization: awq}\n" + TWO % "", model="model: {name: a/b-awq}\n",
                   deployment=FOUR)  # fmt: skip
    assert [f.code for f in found(text) if f.code in ("MLCC132", "MLCC148")] == ["MLCC132", "MLCC148"]


def test_weights_pass_through_the_machines_memory():
    text = text_of(LENGTH + TWO % "", model="model: {name: Qwen/Qwen3-32B}\n")
    reported = [f for f in found(text, "MLCC146") if "pass through" in f.message]
    assert only(reported).severity is Severity.WARNING


def test_an_option_of_another_version_is_a_warning():
    finding = only(found(text_of("env: {VLLM_XYZ: '1'}\nframework: {version: 0.27.1}\n"), "MLCC132", OLDER))
    assert finding.severity is Severity.WARNING
    assert "the nearest version with a list to 0.27.1" in finding.message


OLDER = Over(
    frameworks__vllm=VERSIONS,
    options__vllm="""
version: 1
kind: options
name: vllm
source: test
versions: {"0.1": {source: test}}
rows:
  model: {type: text}
  ratio: {type: number}
  names: {type: list}
""",
)


@pytest.mark.parametrize(
    ("value", "wrong"),
    [("0.5", ""), ("nan", "not a number"), ("inf", "not a number"), ("x", "not a number"), ("", "")],
)
def test_numbers_are_finite(value, wrong):
    reported = found(text_of(f"env: {{VLLM_RATIO: '{value}'}}\n"), "MLCC131", OLDER)
    assert bool(reported) is bool(wrong)


@pytest.mark.parametrize(("value", "wrong"), [("a b", False), ("a,b", False), ('["a"]', False), ("[a", True)])
def test_a_list_that_begins_like_json_is_json(value, wrong):
    assert bool(found(text_of(f"env: {{VLLM_NAMES: '{value}'}}\n"), "MLCC131", OLDER)) is wrong


def test_a_key_that_this_version_has_no_option_for():
    reported = {f.path: f.message for f in found(text_of("engine: {max_model_len: 4096}\n"), "MLCC132", OLDER)}
    assert "has no option --max-model-len" in reported["engine.max_model_len"]


def test_an_engine_without_a_list_is_not_checked():
    text = text_of("env: {COMFYUI_XYZ: '1'}\n", "diffusors-comfyui", model="")
    assert [f.code for f in found(text) if f.code in ("MLCC131",)] == []


def test_a_larger_split_is_proposed_before_a_larger_machine():
    engine = "engine: {max_model_len: 20480, tensor_parallel_size: 1}\n"
    text = text_of(engine, deployment="instance_type: ml.g6e.12xlarge", model="model: {name: Qwen/Qwen3-32B}\n")
    finding = next(f for f in found(text, "MLCC146") if f.severity is Severity.ERROR)
    assert finding.hint.startswith("set engine.tensor_parallel_size: 4, or use ")


def test_a_driver_that_no_host_has_is_reported():
    known = Over(frameworks__vllm=VERSIONS.replace('"580"', '"999"'))
    text = text_of("framework: {version: 0.27.1}\n" + OLD_AMI)
    finding = only(found(text, "MLCC141", known))
    assert "needs 999" in finding.message
    assert finding.hint.startswith("no host of this use has it: take framework.version ")
    assert driver._older_version(subject_of(text, known), {}, known.targets["realtime-inference"]) == ""


def test_what_fits_nowhere_has_no_larger_machine():
    finding = only(found(text_of(model="model: {name: acme/giant}\n"), "MLCC146", GIANT)[1:])
    assert finding.hint.startswith("choose a smaller or a quantised model")


GIANT = Over(
    models__zz="""
version: 1
kind: models
source: test
rows:
  acme/giant:
    source: test
    facts: {parameters: 900000000000000, attention_heads: 1, layers: 9000, hidden_size: 9000, kv_heads: 8, head_dim: 128, max_position_embeddings: 9000}
"""
)

# ---------------------------------------------------------------- whatever somebody writes
VALUES = (
    "'0'", "'-1'", "'1e999'", "'nan'", "'inf'", "'true'", "''", "' '", "'[1]'", "'{}'", "'null'", "'max'", "'1.5'",
    f"'{'9' * 400}'", f"'{'9' * 5000}'", "'\u0661'", "'0x10'", "'1_000'", f"'{'[' * 5000}'", "'a\\nb'", "true", "0", "-5", "1.5",
)  # fmt: skip
HOSTILE = ("transformers-vllm", "transformers-sglang", "transformers-lmi", "transformers-tensorrt-llm")


@pytest.mark.parametrize("config", HOSTILE)
@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_no_value_of_a_variable_makes_a_check_fail(config, value):
    engine = subject_of(text_of(config=config)).rows.engine
    assert engine is not None
    first, *others = sorted(spelling.keys_by_variable(engine))
    # written once: some are thousands of characters long
    lines = f"  {first}: &value {value}\n" + "".join(f"  {name}: *value\n" for name in (*others, f"{engine.prefix}X"))
    for text in (f"env:\n{lines}", "inference_components:\n- name: a\n  env:\n" + lines.replace("  ", "    ")):
        for finding in found(text_of(text, config, deployment=FOUR)):
            assert finding.message
            assert len(finding.message) < 600


@pytest.mark.parametrize(
    "deployment",
    [
        "instance_type: ml.zz.none",
        "instance_type: ml.t2.medium",
        "instance_type: ml.p6-b300.48xlarge",
        "target: local, instance_type: ml.inf2.xlarge",
    ],
)
@pytest.mark.parametrize(
    "model",
    [
        "",
        "model: {name: no/such}\n",
        "model: {name: 's3://bucket/k/'}\n",
        "model: {name: ./m}\n",
        "model: {name: acme/odd}\n",
        SMALL,
    ],
)
def test_no_model_and_no_instance_makes_a_check_fail(deployment, model):
    for config in ("transformers-vllm", "transformers-djl", "diffusors-comfyui", "http-flask"):
        found(text_of("engine: {tensor_parallel_size: max}\n", config, deployment, model), "", OWN)


def test_forty_components_are_checked_in_little_time():
    components = ", ".join(f"{{name: c{n}, gpu_count: 1, env: {{VLLM_X{n}: a}}}}" for n in range(40))
    text = text_of(f"inference_components: [{components}]\n", deployment=FOUR)
    found(text)
    started = time.process_time()
    reported = found(text)
    assert time.process_time() - started < 4
    assert len([f for f in reported if f.code == "MLCC132"]) == 40


ENGINES = """
version: 1
kind: engines
rows:
  vllm:
    title: Odd
    source: test
    prefix: VLLM_
    style: serve
    names: {no.such: VLLM_A, model.name: VLLM_MODEL}
    typed: {max_model_len: "a.b.c.d", lora.enabled: x, enable_prefix_caching: "!y"}
    more: {VLLM_N: max_model_len, VLLM_O: dtype}
"""


def test_an_engine_row_of_a_project_may_be_odd():
    known = Over(engines=ENGINES)
    text = text_of(
        "engine: {dtype: half, load_format: auto, max_model_len: 5, lora: {enabled: true}, enable_prefix_caching: true}\n"
        "env: {VLLM_M: a, VLLM_N: '7', VLLM_O: b, VLLM_X: 'false'}\n"
    )
    reported = found(text, "", known)
    assert "MLCC130" in [f.code for f in reported]
    assert {f.path for f in reported if f.code == "MLCC133"} == {"engine.dtype", "engine.load_format"}


def test_the_rules_about_variables_are_the_ones_that_can_be_left_out():
    from mlcc.checks.engines import engine_option, engine_value
    from mlcc.checks.runner import of_variables

    assert of_variables() == (engine_value.CODE, engine_option.CODE)
