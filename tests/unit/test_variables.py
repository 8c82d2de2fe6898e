"""Engine options as container variables and back: what is written in one form is known in the other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlcc.core import version_order
from mlcc.core.value_text import short_text
from mlcc.core.values import Source, Value
from mlcc.io.schema import keys
from mlcc.registries.loader import load
from mlcc.render import conf_values
from mlcc.resolve.engine import model_variables, options, spelling
from mlcc.resolve.result import Resolved
from tests.fakes import layer, resolved

KNOWN = load()
CONFIGS = {
    "vllm": "transformers-vllm", "sm-vllm": "transformers-vllm", "sglang": "transformers-sglang",
    "sm-sglang": "transformers-sglang", "lmi": "transformers-lmi", "djl": "transformers-djl",
    "tensorrt-llm": "transformers-tensorrt-llm", "vllm-omni": "diffusors-vllm-omni", "diffusion-sglang": "diffusors-sglang",
}  # fmt: skip
# The framework that has an engine, where its config has several.
FRAMEWORKS = {"sm-vllm": "vllm-dlc", "sm-sglang": "sglang-dlc"}
ROWS = [(name, key) for name, row in KNOWN.engines.items() for key in row.typed_keys]


def text_of(extra: str = "", engine: str = "vllm", place: str = "instance_type: ml.g5.12xlarge") -> str:
    framework = f"framework: {{name: {FRAMEWORKS[engine]}}}\n" if engine in FRAMEWORKS else ""
    head = f"version: 1\nproject: {{name: chat}}\ndeployment: {{config: {CONFIGS[engine]}, {place}}}\n"
    return f"{head}model: {{name: a/b}}\n{framework}{extra}"


def of(extra: str = "", engine: str = "vllm", *above: Any, env: str | None = None) -> Resolved:
    return resolved(text_of(extra, engine), *above, known=KNOWN, env=env)


def value(found: Resolved, dotted: str) -> Value:
    got = found.value(dotted)
    assert got is not None, dotted
    return got


def engine_of(name: str) -> Any:
    row = KNOWN.engines[name]
    assert of("", name).rows.engine == row
    return row


# ---------------------------------------------------------------- each key of each engine
def sample(key: str) -> Any:
    """A value that a key takes and no registry gives."""
    prop = keys.find(("engine", *key.split(".")))
    assert prop is not None, key
    kind = prop.schema.get("type", "integer")
    if kind == "boolean":
        return key != "enable_prefix_caching"
    if kind in ("integer", "number"):
        return 3 if kind == "integer" else 0.77
    return "half" if key == "dtype" else "abc"


def written(key: str, shown: Any) -> str:
    for word in reversed(key.split(".")):
        shown = {word: shown}
    return f"engine: {json.dumps(shown)}\n"


@pytest.mark.parametrize(("name", "key"), ROWS)
def test_every_typed_key_is_a_key_of_mlcc_yaml_and_an_option(name, key):
    engine = KNOWN.engines[name]
    assert keys.find(("engine", *key.split("."))) is not None
    how = spelling.spelled(engine, key)
    assert how is not None
    listed = KNOWN.options(engine.options_name)
    if listed is not None:
        newest = [*listed.versions, *(listed.parent.versions if listed.parent else ())]
        found = options.at_version(listed, max(newest, key=version_order.order))
        assert found.find(how.option), f"{engine.options_name} {found.version} has no --{how.option}"


@pytest.mark.parametrize(("name", "key"), ROWS)
def test_a_typed_key_becomes_a_variable(name, key):
    engine, how = engine_of(name), spelling.spelled(KNOWN.engines[name], key)
    assert how is not None
    given = sample(key)
    found = of(written(key, given), name)
    if given is how.opposite and engine.drops_false:
        # an entry point that drops `false` gets the opposite
        assert value(found, f"env.{spelling.variable(engine, engine.negation + how.option)}").value == "true"
        assert found.value(f"env.{spelling.variable(engine, how.option)}") is None
        return
    got = value(found, f"env.{spelling.variable(engine, how.option)}")
    assert got.source is Source.FILE
    if how.key:
        inner = json.loads(got.value)
        for word in how.key.split("."):
            inner = inner[word]
        assert inner == given
    else:
        assert got.value == short_text(given is not how.opposite if isinstance(given, bool) else given)


@pytest.mark.parametrize(("name", "key"), ROWS)
def test_a_variable_becomes_a_typed_key(name, key):
    engine = KNOWN.engines[name]
    how = spelling.spelled(engine, key)
    assert how is not None
    given = sample(key)
    for variable in [v for v, k in spelling.keys_by_variable(engine).items() if k == key]:
        shown = short_text(given is not how.opposite if isinstance(given, bool) else given)
        found = of(f"env: {{{variable}: '{shown}'}}\n", name)
        assert value(found, f"engine.{key}").value == given
        assert value(found, f"engine.{key}").source is Source.FILE
        assert value(found, f"env.{variable}").value == shown, "it keeps its name"
        others = [v for v, k in spelling.keys_by_variable(engine).items() if k == key and v != variable]
        assert not [v for v in others if found.value(f"env.{v}") is not None]


@pytest.mark.parametrize(
    ("variable", "text", "key", "expected"),
    [
        ("VLLM_TENSOR_PARALLEL_SIZE", "2", "tensor_parallel_size", 2),
        ("VLLM_GPU_MEMORY_UTILIZATION", "0.85", "gpu_memory_utilization", 0.85),
        ("VLLM_MAX_NUM_SEQS", "64", "max_num_seqs", 64),
        ("VLLM_MAX_MODEL_LEN", "4096", "max_model_len", 4096),
        ("VLLM_QUANTIZATION", "awq", "quantization", "awq"),
        ("VLLM_SPECULATIVE_MODEL", "a/draft", "speculative.model", "a/draft"),
        ("VLLM_KV_CACHE_DTYPE", "fp8", "kv_cache_dtype", "fp8"),
    ],
)
def test_usual_names_keep_their_names_in_do_config(variable, text, key, expected):
    found = of(f"env: {{{variable}: '{text}'}}\n")
    assert value(found, f"engine.{key}").value == expected
    assert conf_values.config({p: v.value for p, v in found.values.items()}, ("VLLM_", "SM_VLLM_"))[variable] == text


# ---------------------------------------------------------------- particular spellings
def test_prefix_caching_of_sglang_is_the_opposite_of_its_option():
    assert (
        value(of("engine: {enable_prefix_caching: true}\n", "sglang"), "env.SGLANG_DISABLE_RADIX_CACHE").value
        == "false"
    )
    assert (
        value(of("env: {SGLANG_DISABLE_RADIX_CACHE: 'true'}\n", "sglang"), "engine.enable_prefix_caching").value
        is False
    )


def test_parts_of_a_json_option_are_one_variable():
    found = of("engine: {speculative: {method: eagle3, model: a/d, num_speculative_tokens: 3}}\n")
    assert (
        value(found, "env.VLLM_SPECULATIVE_CONFIG").value
        == '{"method":"eagle3","model":"a/d","num_speculative_tokens":3}'
    )
    deep = of("engine: {enable_prefix_caching: true, kv_cache_dtype: fp8, lora: {max_loras: 2}}\n", "tensorrt-llm")
    assert json.loads(value(deep, "env.TRTLLM_EXTRA_LLM_API_OPTIONS").value) == {
        "kv_cache_config": {"enable_block_reuse": True, "dtype": "fp8"}, "lora_config": {"max_loras": 2},
    }  # fmt: skip


def test_a_json_option_written_whole_is_left_alone():
    found = of('env: {VLLM_SPECULATIVE_CONFIG: \'{"model": "a/d", "x": 1}\'}\nengine: {speculative: {model: a/d}}\n')
    assert found.findings == ()
    assert json.loads(value(found, "env.VLLM_SPECULATIVE_CONFIG").value) == {"model": "a/d", "x": 1}


@pytest.mark.parametrize("text", ["[1]", "5", "x", "{", "[" * 3000])
def test_a_json_option_that_is_no_object_contradicts_its_parts(text):
    found = of(f"env: {{VLLM_SPECULATIVE_CONFIG: '{text}'}}\nengine: {{speculative: {{model: a/d}}}}\n")
    assert [f.code for f in found.findings] == ["MLCC130"]


def test_all_devices_are_counted():
    assert value(of("engine: {tensor_parallel_size: max}\n"), "env.VLLM_TENSOR_PARALLEL_SIZE").value == "4"
    cpu = resolved(text_of("engine: {tensor_parallel_size: max}\n", place="instance_type: ml.m5.large"), known=KNOWN)
    assert value(cpu, "env.VLLM_TENSOR_PARALLEL_SIZE").value == "max", "the container counts them"


def test_hot_loading_of_adapters_has_its_variable():
    name = "env.VLLM_ALLOW_RUNTIME_LORA_UPDATING"
    assert value(of("engine: {lora: {enabled: true}}\n"), name).value == "true"
    assert of("engine: {lora: {enabled: false}}\n").value(name) is None
    assert of("engine: {lora: {max_loras: 2}}\n").value(name) is None
    own = of(f"engine: {{lora: {{enabled: true}}}}\nenv: {{{name[4:]}: 'false'}}\n")
    assert value(own, name).value == "false"


def test_further_options_are_passed_on():
    found = of("engine: {extra_args: {seed: 7, enforce-eager: true, swap_space: 0.5}}\n")
    assert [value(found, f"env.VLLM_{n}").value for n in ("SEED", "ENFORCE_EAGER", "SWAP_SPACE")] == [
        "7",
        "true",
        "0.5",
    ]


def test_a_further_option_that_is_a_typed_key_is_one():
    found = of("engine: {extra_args: {max-model-len: 2048}}\n")
    assert value(found, "engine.max_model_len").value == 2048
    assert value(found, "env.VLLM_MAX_MODEL_LEN").value == "2048"
    wrong = of("engine: {extra_args: {max-model-len: many}}\n")
    assert wrong.value("engine.max_model_len") is None
    assert value(wrong, "env.VLLM_MAX_MODEL_LEN").value == "many", "the checks say what is wrong with it"


@pytest.mark.parametrize("extra", ["chat_template: chatml", "chat_template_file: ./t.jinja"])
def test_the_chat_template_lies_in_the_image(extra):
    text = text_of().replace("model: {name: a/b}", f"model: {{name: a/b, revision: v1, {extra}}}")
    found = resolved(text, known=KNOWN)
    assert value(found, "env.VLLM_CHAT_TEMPLATE").value == model_variables.CHAT_TEMPLATE
    assert value(found, "env.VLLM_MODEL").value == "a/b"
    assert value(found, "env.VLLM_REVISION").value == "v1"


@pytest.mark.parametrize("name", ["s3://bucket/m/", "./m"])
def test_a_model_that_is_not_of_the_hub_is_no_variable(name):
    found = resolved(text_of().replace("{name: a/b}", f"{{name: '{name}', chat_template: chatml}}"), known=KNOWN)
    assert found.value("env.VLLM_MODEL") is None
    assert value(found, "env.VLLM_CHAT_TEMPLATE").value == model_variables.CHAT_TEMPLATE


# ---------------------------------------------------------------- precedence
def test_either_form_beats_what_is_below_it():
    above = layer(Source.OPTION, "engine: {max_model_len: 1024}", "--set")
    found = of("env: {VLLM_MAX_MODEL_LEN: '4096'}\n", "vllm", above)
    assert found.findings == ()
    for dotted, shown in (("engine.max_model_len", [1024, 4096]), ("env.VLLM_MAX_MODEL_LEN", ["1024", "4096"])):
        got = value(found, dotted)
        assert (got.source, got.origin, [got.value, got.beaten[0].value]) == (Source.OPTION, "--set", shown)
        assert got.beaten[0].source is Source.FILE
    above = layer(Source.OPTION, "env: {VLLM_MAX_MODEL_LEN: '1024'}", "--set")
    found = of("engine: {max_model_len: 4096}\n", "vllm", above)
    assert [value(found, d).value for d in ("engine.max_model_len", "env.VLLM_MAX_MODEL_LEN")] == [1024, "1024"]


def test_an_overlay_beats_the_file_in_the_other_form():
    found = of("env: {VLLM_MAX_MODEL_LEN: '1'}\nenvironments: {dev: {engine: {max_model_len: 2}}}\n", env="dev")
    assert value(found, "env.VLLM_MAX_MODEL_LEN").value == "2"
    assert found.findings == ()


def test_a_registrys_default_is_beaten_in_every_form():
    row = "gpu_memory_utilization"
    assert value(of(), f"engine.{row}").source is Source.FRAMEWORK
    for variable in ("VLLM_GPU_MEMORY_UTILIZATION", "SM_VLLM_GPU_MEMORY_UTILIZATION"):
        found = of(f"env: {{{variable}: '0.5'}}\n")
        got = value(found, f"env.{variable}")
        assert (got.value, got.beaten[0].source) == ("0.5", Source.FRAMEWORK)
        assert [p for p in found.values if p[0] == "env" and "UTILIZATION" in str(p[1])] == [("env", variable)]


def test_the_strongest_sources_name_stays():
    above = layer(Source.OPTION, "env: {VLLM_MAX_MODEL_LEN: '1'}", "--set")
    found = of("env: {SM_VLLM_MAX_MODEL_LEN: '2'}\n", "vllm", above)
    assert found.value("env.SM_VLLM_MAX_MODEL_LEN") is None
    assert value(found, "env.VLLM_MAX_MODEL_LEN").value == "1"


def test_a_value_that_cannot_be_read_stays_where_it_was_written():
    found = of("env: {SM_VLLM_MAX_MODEL_LEN: many, VLLM_MAX_MODEL_LEN: '2'}\n")
    assert value(found, "env.SM_VLLM_MAX_MODEL_LEN").value == "many"
    assert value(found, "engine.max_model_len").value == 2


def test_the_same_twice_is_no_contradiction():
    assert of("engine: {max_model_len: 5}\nenv: {VLLM_MAX_MODEL_LEN: '5', VLLM_MODEL: a/b}\n").findings == ()


# ---------------------------------------------------------------- components
PATH = "inference_components[c]"


def component(extra: str, top: str = "", engine: str = "vllm") -> Resolved:
    return of(f"{top}inference_components: [{{name: c, {extra}}}]\n", engine)


def test_a_component_spells_its_own():
    found = component("engine: {max_model_len: 5}", "engine: {max_model_len: 9}\n")
    assert value(found, f"{PATH}.env.VLLM_MAX_MODEL_LEN").value == "5"
    assert value(found, "env.VLLM_MAX_MODEL_LEN").value == "9"
    found = component("env: {VLLM_MAX_MODEL_LEN: '5'}")
    assert value(found, f"{PATH}.engine.max_model_len").value == 5


def test_a_component_counts_its_own_devices():
    name = f"{PATH}.env.VLLM_TENSOR_PARALLEL_SIZE"
    assert value(component("gpu_count: 2, engine: {tensor_parallel_size: max}"), name).value == "2"
    assert value(component("gpu_count: 2", "engine: {tensor_parallel_size: max}\n"), name).value == "2"
    assert value(component("copy_count: 2", "engine: {tensor_parallel_size: max}\n"), name).value == "4"
    assert component("gpu_count: 2", "engine: {tensor_parallel_size: 2}\n").value(name) is None


def test_a_components_part_of_a_json_option_has_the_projects_other_parts():
    found = component("engine: {speculative: {num_speculative_tokens: 2}}", "engine: {speculative: {model: a/d}}\n")
    assert value(found, f"{PATH}.env.VLLM_SPECULATIVE_CONFIG").value == '{"model":"a/d","num_speculative_tokens":2}'
    assert value(found, "env.VLLM_SPECULATIVE_CONFIG").value == '{"model":"a/d"}'


def test_a_component_uses_the_name_that_the_project_uses():
    found = component("engine: {max_model_len: 5}", "env: {SM_VLLM_MAX_MODEL_LEN: '9'}\n")
    assert value(found, f"{PATH}.env.SM_VLLM_MAX_MODEL_LEN").value == "5"
    assert found.value(f"{PATH}.env.VLLM_MAX_MODEL_LEN") is None


def test_a_components_model_of_the_hub_is_a_variable():
    assert value(component("model: c/d"), f"{PATH}.env.VLLM_MODEL").value == "c/d"
    assert component("model: 's3://bucket/m/'").value(f"{PATH}.env.VLLM_MODEL") is None


def test_a_config_without_engine_spells_nothing():
    text = "version: 1\nproject: {name: x}\ndeployment: {config: http-fastapi}\nenv: {VLLM_MAX_MODEL_LEN: '1'}\n"
    assert resolved(text, known=KNOWN).value("engine.max_model_len") is None


def test_a_model_without_template_has_the_registrys():
    found = resolved(text_of().replace("a/b", "lmsys/vicuna-7b-v1.5"), known=KNOWN)
    got = value(found, "env.VLLM_CHAT_TEMPLATE")
    assert (got.value, got.source) == (model_variables.CHAT_TEMPLATE, Source.MODEL)


def test_a_size_is_the_typed_key_too():
    found = of('env: {VLLM_MAX_MODEL_LEN: "8k"}\n')
    assert value(found, "engine.max_model_len").value == 8000
    assert value(found, "env.VLLM_MAX_MODEL_LEN").value == "8k"


def test_a_variable_with_an_accepted_prefix_is_written_under_the_engine_s_own_prefix():
    found = of("env: {VLLM_MAX_MODEL_LEN: '9'}\n", "sm-vllm")
    assert value(found, "engine.max_model_len").value == 9
    assert value(found, "env.SM_VLLM_MAX_MODEL_LEN").value == "9"
    assert value(found, "env.VLLM_MAX_MODEL_LEN").value == "9"
    twice = of("env: {VLLM_MAX_MODEL_LEN: '9', SM_VLLM_MAX_MODEL_LEN: '8'}\n", "sm-vllm")
    assert "MLCC130" in [f.code for f in twice.findings]


def test_an_engine_s_own_words_for_a_value_and_what_it_needs_besides():
    text = "engine: {speculative: {method: draft_model, model: a/c, num_speculative_tokens: 3}}\n"
    found = of(text, "sglang")
    assert value(found, "env.SGLANG_SPECULATIVE_ALGORITHM").value == "STANDALONE"
    assert value(found, "env.SGLANG_SPECULATIVE_NUM_STEPS").value == "3"
    assert value(found, "env.SGLANG_SPECULATIVE_EAGLE_TOPK").value == "1"
    output_text = of(text + "env: {SGLANG_SPECULATIVE_EAGLE_TOPK: '4'}\n", "sglang")
    assert value(output_text, "env.SGLANG_SPECULATIVE_EAGLE_TOPK").value == "4"
    back = of("env: {SGLANG_SPECULATIVE_ALGORITHM: EAGLE3}\n", "sglang")
    assert value(back, "engine.speculative.method").value == "eagle3"
    assert value(back, "env.SGLANG_SPECULATIVE_ALGORITHM").value == "EAGLE3"


# ---------------------------------------------------------------- an option that switches another one off
NO = "ENABLE_PREFIX_CACHING"


@pytest.mark.parametrize("name", ["vllm", "sm-vllm"])
def test_the_opposite_option_is_the_same_key(name):
    prefix = KNOWN.engines[name].prefix
    found = of(f"env: {{{prefix}NO_{NO}: 'true'}}\n", name)
    assert value(found, "engine.enable_prefix_caching").value is False
    assert value(found, f"env.{prefix}NO_{NO}").value == "true"
    assert found.value(f"env.{prefix}{NO}") is None
    assert not found.findings


@pytest.mark.parametrize("name", ["vllm", "sm-vllm"])
@pytest.mark.parametrize(
    "other",
    ["engine: {enable_prefix_caching: true}", "engine: {extra_args: {enable-prefix-caching: true}}", "PLAIN"],
)
def test_the_opposite_option_beside_the_option_is_a_contradiction(name, other):
    prefix = KNOWN.engines[name].prefix
    env = f"{prefix}NO_{NO}: 'true'" + (f", {prefix}{NO}: 'true'" if other == "PLAIN" else "")
    found = of(f"env: {{{env}}}\n" + ("" if other == "PLAIN" else other + "\n"), name)
    assert [f.code for f in found.findings] == ["MLCC130"]
    message = found.findings[0].message
    assert "they are one option" in message
    assert ("engine.enable_prefix_caching" in message) == (other == "engine: {enable_prefix_caching: true}")
    assert f"env.{prefix}" in message


@pytest.mark.parametrize("name", ["vllm", "sm-vllm"])
def test_what_is_stronger_takes_the_opposite_option_back(name):
    prefix = KNOWN.engines[name].prefix
    above = layer(Source.OPTION, "engine: {enable_prefix_caching: true}")
    found = of(f"env: {{{prefix}NO_{NO}: 'true'}}\n", name, above)
    assert value(found, f"env.{prefix}{NO}").value == "true"
    assert found.value(f"env.{prefix}NO_{NO}") is None
    off = layer(Source.OPTION, "engine: {enable_prefix_caching: false}")
    found = of(f"env: {{{prefix}{NO}: 'true'}}\n", name, off)
    reported = {k: found.value(f"env.{prefix}{k}") for k in (NO, f"NO_{NO}")}
    assert {k: v.value for k, v in reported.items() if v is not None} == (
        {NO: "false"} if name == "vllm" else {f"NO_{NO}": "true"}
    )


@pytest.mark.parametrize("name", ["vllm", "sm-vllm"])
@pytest.mark.parametrize(("project", "own"), [(True, False), (False, True)])
def test_a_component_takes_back_what_the_project_switches(name, project, own):
    prefix = KNOWN.engines[name].prefix
    above = f"env: {{{prefix}{'' if project else 'NO_'}{NO}: 'true'}}\n"
    component = f"inference_components: [{{name: c, engine: {{enable_prefix_caching: {str(own).lower()}}}}}]\n"
    found = of(above + component, name)
    assert not found.findings
    both = {
        k: (found.value(f"inference_components[c].env.{prefix}{k}") or found.value(f"env.{prefix}{k}"))
        for k in (NO, f"NO_{NO}")
    }
    reported = {k: v.value for k, v in both.items() if v is not None}
    switched = {k for k, v in reported.items() if v == "true"}
    assert switched == ({NO} if own else set() if name == "vllm" else {f"NO_{NO}"})
    assert reported.get(NO, "false") == str(own).lower()


def test_a_switch_without_a_value_is_on():
    assert value(of("env: {VLLM_ENABLE_PREFIX_CACHING: ''}\n"), "engine.enable_prefix_caching").value is True
    assert value(of("env: {VLLM_NO_ENABLE_PREFIX_CACHING: ''}\n"), "engine.enable_prefix_caching").value is False


def test_an_opposite_option_that_is_neither_true_nor_false_stays_for_the_checks():
    found = of("engine: {enable_prefix_caching: true}\nenv: {VLLM_NO_ENABLE_PREFIX_CACHING: maybe}\n")
    assert value(found, "env.VLLM_NO_ENABLE_PREFIX_CACHING").value == "maybe"


# ---------------------------------------------------------------- an option that depends on another key
@pytest.mark.parametrize(
    "method",
    ["engine: {speculative: {method: ngram, num_speculative_tokens: 4}}", "env: {SGLANG_SPECULATIVE_ALGORITHM: NGRAM}"],
)
def test_a_key_has_an_alternative_option_by_the_value_of_another_key(method):
    number = "" if "num_" in method else "engine: {speculative: {num_speculative_tokens: 4}}\n"
    found = of(f"{method}\n{number}", "sglang")
    assert value(found, "env.SGLANG_SPECULATIVE_NUM_DRAFT_TOKENS").value == "4"
    assert found.value("env.SGLANG_SPECULATIVE_NUM_STEPS") is None
    assert found.value("env.SGLANG_SPECULATIVE_EAGLE_TOPK") is None
    back = of("env: {SGLANG_SPECULATIVE_ALGORITHM: NGRAM, SGLANG_SPECULATIVE_NUM_DRAFT_TOKENS: '6'}\n", "sglang")
    assert value(back, "engine.speculative.num_speculative_tokens").value == 6


def test_a_component_s_own_method_decides_the_option_of_the_project_s_number():
    text = "engine: {speculative: {method: eagle, num_speculative_tokens: 4}}\n"
    found = of(text + "inference_components: [{name: c, engine: {speculative: {method: ngram}}}]\n", "sglang")
    assert value(found, "inference_components[c].env.SGLANG_SPECULATIVE_NUM_DRAFT_TOKENS").value == "4"
    assert value(found, "env.SGLANG_SPECULATIVE_NUM_STEPS").value == "4"
