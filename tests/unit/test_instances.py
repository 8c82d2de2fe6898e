"""Which instance type a model brings: its row's first that the target offers, else the cheapest that holds it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlcc.checks import runner
from mlcc.checks.runner import built_in
from mlcc.checks.subject import Subject
from mlcc.core.findings import Severity
from mlcc.core.values import Source
from mlcc.registries.loader import Registries, load
from mlcc.resolve.hardware import instances as placement
from mlcc.resolve.hardware import memory
from mlcc.resolve.hardware.memory import EngineSettings
from mlcc.resolve.result import Resolved
from tests.fakes import Over, read, registries, resolved
from tests.helpers import ROOT

# Qwen3-4B's shapes under a name of our own, which no packaged row lists instances for.
SMALL = {
    "parameters": 4_022_468_096, "layers": 36, "hidden_size": 2560, "attention_heads": 32, "kv_heads": 8,
    "head_dim": 128, "vocab_size": 151936, "max_position_embeddings": 40960, "dtype": "bfloat16",
}  # fmt: skip
LARGE = {**SMALL, "parameters": 32_762_123_264, "layers": 64, "hidden_size": 5120, "attention_heads": 64}
ODD = {**SMALL, "attention_heads": 9}
HEAD = "version: 1\nproject: {name: chat}\n"


def rows(facts: dict[str, Any], instances: tuple[str, ...] = ()) -> Registries:
    """The packaged registries with acme/own over them."""
    row = {"family": "acme", "source": "test", "facts": facts, "instances": list(instances)}
    row = {key: value for key, value in row.items() if value}
    return Over(models__own=json.dumps({"version": 1, "kind": "models", "source": "test", "rows": {"acme/own": row}}))


def of(facts: dict[str, Any], more: str = "", instances: tuple[str, ...] = (), deployment: str = "") -> Resolved:
    text = f"{HEAD}deployment: {{config: transformers-vllm{deployment}}}\nmodel: {{name: acme/own}}\n{more}"
    return resolved(text, known=rows(facts, instances))


@pytest.mark.parametrize(
    ("target", "listed", "takes"),
    [
        ("realtime-inference", ("ml.g5.xlarge", "ml.g6.xlarge"), "ml.g5.xlarge"),
        ("batch-transform", ("ml.p5e.48xlarge", "ml.g5.xlarge"), "ml.g5.xlarge"),
        ("local", ("ml.p5e.48xlarge", "ml.g5.xlarge"), "ml.p5e.48xlarge"),
        ("realtime-inference", ("ml.of.yours", "ml.g5.xlarge"), "ml.of.yours"),
    ],
)
def test_the_first_listed_type_that_the_target_offers_is_taken(target, listed, takes):
    found = of(SMALL, instances=listed, deployment=f", target: {target}")
    value = found.value("deployment.instance_type")
    assert (value.value, value.source) == (takes, Source.MODEL)
    assert value.origin.endswith("instances")


def test_without_a_list_the_cheapest_type_that_fits_is_taken_with_all_its_devices():
    value = of(SMALL).value("deployment.instance_type")
    assert value.source == Source.MODEL
    assert value.origin.endswith("(the cheapest that it fits)")
    known = load()
    cheapest = known.price(value.value).amount
    wanted = EngineSettings(length=None)
    cheaper = [
        row
        for row in known.instances.values()
        if row.endpoint and (price := known.price(row.name)) is not None and price.amount < cheapest
        and (one := placement.estimate(SMALL, row, wanted._replace(tensor_parallel=row.accelerator_count or 1))) is not None
        and one.verdict != memory.NO
    ]  # fmt: skip
    assert not cheaper


def test_a_large_model_is_split_over_all_devices_of_its_type():
    found = of(LARGE, "engine: {max_model_len: 8192}\n")
    instance = found.rows.instance
    assert instance.accelerator_count > 1
    assert found.get("engine.tensor_parallel_size") == instance.accelerator_count
    assert found.get("env.VLLM_TENSOR_PARALLEL_SIZE") == str(instance.accelerator_count)
    text = (
        f"{HEAD}deployment: {{config: transformers-vllm}}\nmodel: {{name: acme/own}}\nengine: {{max_model_len: 8192}}\n"
    )
    findings = list(built_in()["MLCC146"](Subject(found, rows(LARGE), read(text).root)))
    assert all(f.severity.name != "ERROR" for f in findings), findings


def test_a_shorter_length_or_a_quantised_cache_may_need_less():
    asked = of(LARGE, "engine: {max_model_len: 4096, quantization: awq}\n").rows.instance
    full = of(LARGE).rows.instance
    known = load()
    assert known.price(asked.name).amount < known.price(full.name).amount


def test_heads_that_do_not_divide_are_not_split():
    count = of(ODD).rows.instance.accelerator_count
    assert 9 % count == 0


def test_a_listed_type_is_split_over_the_fewest_of_its_devices_with_room_for_several_callers():
    found = of(LARGE, "engine: {max_model_len: 4096}\n", ("ml.g5.48xlarge",))
    value = found.value("engine.tensor_parallel_size")
    assert (value.value, value.source) == (4, Source.MODEL)
    assert value.origin.endswith("(as many devices of ml.g5.48xlarge as it needs)")
    assert (
        of(SMALL, "engine: {max_model_len: 4096}\n", ("ml.g5.48xlarge",)).value("engine.tensor_parallel_size") is None
    )
    output_text = of(LARGE, deployment=", instance_type: ml.g5.48xlarge").get("engine.tensor_parallel_size")
    assert output_text == 8, "four devices hold one sequence of the model's own length, eight hold more"


@pytest.mark.parametrize(
    ("more", "split"),
    [
        (
            "engine: {max_model_len: 4096}\ninference_components: [{name: a, gpu_count: 2}, {name: b, gpu_count: 4}]\n",
            2,
        ),
        ("engine: {max_model_len: 4096}\ninference_components: [{name: a, gpu_count: 4}]\n", 4),
        ("engine: {tensor_parallel_size: 1}\n", 1),
        ("env: {VLLM_TENSOR_PARALLEL_SIZE: '2'}\n", 2),
    ],
)
def test_a_component_s_devices_and_settings_decide_the_split(more, split):
    assert of(LARGE, more, ("ml.g5.48xlarge",)).get("engine.tensor_parallel_size") == split


def test_the_engine_s_own_variables_count():
    assert of(LARGE, "env: {VLLM_MAX_MODEL_LEN: '4096'}\n", ("ml.g5.48xlarge",)).get("engine.tensor_parallel_size") == 4
    twice = of(LARGE, "env: {VLLM_MAX_MODEL_LEN: '4096'}\nengine: {max_model_len: 1024}\n")
    assert [f.code for f in twice.findings] == ["MLCC130"]


def test_a_model_that_no_split_can_hold_is_estimated_over_all_devices():
    assert of({**LARGE, "parameters": 10**13}, instances=("ml.g5.48xlarge",)).get("engine.tensor_parallel_size") == 8
    assert list(placement.possible_splits({**ODD, "kv_heads": 3}, 12)) == [1, 3]
    assert list(placement.possible_splits(ODD, 12)) == [1], "eight heads of keys and values are not shared by three"
    assert list(placement.possible_splits({}, 6)) == [1, 2, 3, 6]


@pytest.mark.parametrize(
    ("heads", "narrow", "devices", "shared"),
    [
        (40, 10, 2, True),
        (40, 10, 4, False),
        (40, 10, 8, False),
        (40, 10, 20, True),
        (32, 8, 16, True),
        (32, 8, 3, False),
    ],
)
def test_heads_of_keys_and_values_are_shared_evenly_or_copied(heads, narrow, devices, shared):
    facts = {"attention_heads": heads, "kv_heads": narrow}
    assert placement.can_share_heads(facts, devices) is shared
    assert placement.can_share_heads({**facts, "mla": {}}, devices) is (heads % devices == 0)


def test_a_type_that_is_chosen_for_all_its_devices_is_used_whole():
    found = of({**LARGE, "parameters": 140_000_000_000, "layers": 96})
    instance = found.rows.instance
    assert instance is not None
    assert found.get("engine.tensor_parallel_size") == instance.accelerator_count > 1


def test_a_checkpoint_passes_through_the_machine_s_memory():
    found = of({**SMALL, "parameters": 7_200_000_000, "max_position_embeddings": 2048})
    assert found.rows.instance is not None
    assert found.rows.instance.memory_gib > 16, "a type with one small device has less"


def test_components_that_are_switched_off_take_no_devices():
    two = "[{name: a, gpu_count: 4}, {name: b, gpu_count: 1, enabled: false}]"
    deployment = ", instance_type: ml.g5.12xlarge"
    found = of(LARGE, f"inference_components: {two}\nengine: {{max_model_len: 4096}}\n", deployment=deployment)
    assert found.get("engine.tensor_parallel_size") == 4


def test_what_the_user_sets_is_kept():
    assert of(LARGE, deployment=", instance_type: ml.g5.xlarge").get("deployment.instance_type") == "ml.g5.xlarge"
    assert of(LARGE, "engine: {tensor_parallel_size: 2}\n").get("engine.tensor_parallel_size") == 2


def test_without_facts_the_type_of_the_framework_stays():
    value = of({}).value("deployment.instance_type")
    assert value.source == Source.FRAMEWORK


def test_no_type_can_hold_a_model_that_is_too_large():
    assert placement.cheapest(load(), {**LARGE, "parameters": 10**13}, EngineSettings(), "endpoint") is None
    assert of({**LARGE, "parameters": 10**13}).value("deployment.instance_type").source == Source.FRAMEWORK


def test_only_cuda_devices_of_known_memory_are_sized():
    known = load()
    assert placement.device(known.instance("ml.m5.xlarge")) is None
    assert placement.device(known.instance("ml.inf2.xlarge")) is None
    assert placement.estimate(SMALL, known.instance("ml.inf2.xlarge"), EngineSettings()) is None
    bare = known.instance("ml.g5.xlarge")._replace(reported_memory_mib=None, accelerator_memory_gib=None)
    assert placement.device(bare) is None
    installed = bare._replace(accelerator_memory_gib=24.0)
    assert placement.device(installed).memory_gib == pytest.approx(24 * memory.USABLE)
    assert registries().instances  # the small registries have none of these: nothing is chosen
    assert placement.cheapest(registries(), SMALL, EngineSettings()) is None


def test_a_type_of_the_models_own_row_that_cannot_hold_its_length_gets_a_shorter_one():
    huge = {**LARGE, "parameters": 70_000_000_000, "layers": 80, "hidden_size": 8192, "max_position_embeddings": 131072}
    found = of(huge, instances=("ml.g5.48xlarge",))
    value = found.value("engine.max_model_len")
    assert value.source == Source.MODEL
    assert value.origin.endswith("(what ml.g5.48xlarge holds)")
    assert value.value % 1024 == 0
    assert 2048 <= value.value < 131072
    assert found.get("engine.tensor_parallel_size") == 8
    assert found.get("env.VLLM_MAX_MODEL_LEN") == str(value.value)
    findings = list(
        built_in()["MLCC146"](Subject(found, load(), read(HEAD + "deployment: {config: transformers-vllm}\n").root))
    )
    assert all(f.severity.name != "ERROR" for f in findings)


@pytest.mark.parametrize(
    ("more", "deployment"),
    [
        ("", ", instance_type: ml.g5.48xlarge"),
        ("engine: {max_model_len: 131072}\n", ""),
        ("engine: {tensor_parallel_size: 8}\n", ""),
    ],
)
def test_a_user_who_names_type_length_or_split_gets_a_finding_instead(more, deployment):
    huge = {**LARGE, "parameters": 70_000_000_000, "layers": 80, "hidden_size": 8192, "max_position_embeddings": 131072}
    found = of(huge, more, ("ml.g5.48xlarge",), deployment)
    assert found.get("engine.max_model_len") in (None, 131072)


def test_of_a_model_without_shapes_the_weights_decide():
    blind = {"parameters": 31_000_000_000, "dtype": "bfloat16"}
    assert of(blind, instances=("ml.g6e.12xlarge",)).get("engine.tensor_parallel_size") == 2
    assert of(blind, instances=("ml.g6e.xlarge",)).value("engine.tensor_parallel_size") is None
    assert of(blind, instances=("ml.inf2.xlarge",)).value("engine.tensor_parallel_size") is None
    assert of({**LARGE, "parameters": 10**13}, instances=("ml.g5.48xlarge",)).value("engine.max_model_len") is None


def test_every_model_of_the_registries_has_a_first_project_without_error():
    """But for one that fits the type of its own row with no useful length."""
    known, wrong = load(), {}
    for name in (n for n in known.models if "*" not in n):
        text = f"{HEAD}deployment: {{config: transformers-vllm}}\nmodel: {{name: {name}}}\n"
        subject = Subject(resolved(text, known=known), known, read(text).root)
        found = [f.code for f in (*subject.resolved.findings, *runner.run(subject)) if f.severity.name == "ERROR"]
        wrong |= {name: found} if found else {}
    assert wrong == {"Qwen/Qwen3.5-9B": ["MLCC146"]}


# ---------------------------------------------------------------- the host that an image needs
@pytest.mark.parametrize(
    ("deployment", "version", "expected"),
    [
        ("config: triton-python, instance_type: ml.g5.xlarge", "26.07", "al2023-ami-sagemaker-inference-gpu-4-1"),
        ("config: triton-python, instance_type: ml.g5.xlarge", "24.05", "al2-ami-sagemaker-inference-gpu-3-1"),
        ("config: triton-vllm, instance_type: ml.g5.xlarge", "24.05", "al2-ami-sagemaker-inference-gpu-3-1"),
        (
            "config: triton-python, instance_type: ml.p6-b200.48xlarge",
            "24.05",
            "al2023-ami-sagemaker-inference-gpu-4-1",
        ),
        ("config: triton-python, instance_type: ml.m5.xlarge", "26.07", None),
        ("config: triton-python, instance_type: ml.inf2.xlarge", "26.07", None),
        ("config: triton-python, instance_type: ml.g5.xlarge, target: hyperpod-eks", "26.07", None),
        ("config: triton-python, instance_type: ml.g5.xlarge, target: batch-transform", "26.07", None),
        ("config: http-flask, instance_type: ml.g5.xlarge", "1.7.2", None),
        ("config: triton-python, instance_type: ml.none.xlarge", "26.07", None),
    ],
)
def test_the_host_is_the_one_that_the_version_s_image_needs(deployment, version, expected):
    text = f"version: 1\nproject: {{name: a}}\ndeployment: {{{deployment}}}\nframework: {{version: '{version}'}}\n"
    found = resolved(text, known=load())
    for key in ("endpoint.inference_ami_version", "batch.transform_ami_version"):
        assert found.get(key) == (expected if key.startswith("endpoint") else None)
    output_text = found.value("endpoint.inference_ami_version")
    if output_text is not None:
        assert output_text.source is Source.FRAMEWORK
        assert "frameworks/triton.yaml" in output_text.origin or "instances/p6" in output_text.origin
    own = resolved(text + "endpoint: {inference_ami_version: al2-ami-sagemaker-inference-gpu-2}\n", known=load())
    assert own.get("endpoint.inference_ami_version") == "al2-ami-sagemaker-inference-gpu-2"


# ---------------------------------------------------------------- devices that an image runs on
@pytest.mark.parametrize(
    ("config", "dtype", "devices"),
    [
        # a T4 would hold it, and neither TensorRT-LLM nor bfloat16 runs on one
        ("transformers-tensorrt-llm", "half", ("A10G", "L4")),
        ("transformers-vllm", "auto", ("A10G", "L4")),
        ("transformers-vllm", "half", ("T4",)),
    ],
)
def test_the_cheapest_type_is_one_whose_devices_run_the_image(config, dtype, devices):
    facts = {**SMALL, "parameters": 1_000_000_000, "layers": 12}
    text = f"{HEAD}deployment: {{config: {config}, region: us-east-1}}\nmodel: {{name: acme/own}}\n"
    found = resolved(f"{text}engine: {{max_model_len: 2048, dtype: {dtype}}}\n", known=rows(facts))
    assert found.rows.instance is not None
    assert found.rows.instance.accelerator_name in devices


@pytest.mark.parametrize(
    ("capability", "needs", "met"),
    [
        ("7.5", placement.DeviceNeeds(), True),
        ("7.5", placement.DeviceNeeds("8.0"), False),
        ("8.0", placement.DeviceNeeds("8.0", 9), True),
        ("10.0", placement.DeviceNeeds("8.0", 9), False),
        ("7.5", placement.DeviceNeeds("7.5", 9, "8.0"), False),
        ("8.6", placement.DeviceNeeds("7.5", 9, "8.0"), True),
        ("", placement.DeviceNeeds("8.0", 9, "8.0"), True),
    ],
)
def test_what_devices_must_be(capability, needs, met):
    row = load().instance("ml.g5.xlarge")
    assert row is not None
    assert needs.met(row._replace(compute_capability=capability)) is met


def test_a_split_that_the_user_sets_decides_the_type():
    text = f"{HEAD}deployment: {{config: transformers-vllm}}\nmodel: {{name: Qwen/Qwen3-8B}}\n"
    usual = resolved(text, known=load())
    assert usual.get("deployment.instance_type") == "ml.g5.12xlarge"
    one = resolved(f"{text}engine: {{tensor_parallel_size: 1}}\n", known=load())
    assert one.rows.instance is not None
    assert placement.can_hold(one.rows.model.facts, one.rows.instance, EngineSettings(), 1)
    assert not placement.can_hold(usual.rows.model.facts, usual.rows.instance, EngineSettings(), 1)
    assert not placement.can_hold(usual.rows.model.facts, one.rows.instance, EngineSettings(), 8)
    assert placement.can_hold({}, usual.rows.instance, EngineSettings(), 8)


def test_devices_that_no_host_knows_get_none():
    source = (ROOT / "registries/instances/p6-b200.yaml").read_text()
    newer = Over(**{"instances__p6-b200": source.replace('driver: "570"', 'driver: "990"')})
    text = f"{HEAD}deployment: {{config: triton-python, instance_type: ml.p6-b200.48xlarge}}\n"
    assert resolved(text, known=newer).get("endpoint.inference_ami_version") is None
    assert resolved(text, known=load()).get("endpoint.inference_ami_version")


def test_a_component_that_no_machine_can_hold_gets_no_more_devices():
    text = "inference_components: [{name: a, gpu_count: 1}]\nengine: {max_model_len: 4096}\n"
    found = of({**LARGE, "parameters": 10**12}, text, deployment=", instance_type: ml.g5.12xlarge")
    subject = Subject(found, rows({**LARGE, "parameters": 10**12}), read(HEAD + "deployment: {config: x}\n").root)
    [finding] = [f for f in built_in()["MLCC146"](subject) if f.severity is Severity.ERROR]
    assert "gpu_count" not in finding.hint
