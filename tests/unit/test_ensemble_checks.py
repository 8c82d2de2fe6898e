"""Checks of what a Triton model's configuration may hold: a good and a bad case of each, with the real rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcc import pipeline
from mlcc.checks.runner import TRITON, table
from mlcc.core.findings import Finding
from tests.helpers import build_tree
from tests.unit.test_triton_checks import CASES

HEAD = "version: 1\nproject: {name: w}\ndeployment: {config: triton-python}\n"
A = "{name: a, max_batch_size: 4, inputs: [{name: X, data_type: TYPE_FP32, dims: [4]}], outputs: [{name: Y, data_type: TYPE_FP32, dims: [2]}]"
B = (
    "{name: b, max_batch_size: 8, inputs: [{name: X, data_type: TYPE_FP32, dims: [2]},"
    " {name: Z, data_type: TYPE_INT32, dims: [1], optional: true}], outputs: [{name: Y, data_type: TYPE_FP32, dims: [-1]}]"
)
E = "{name: e, platform: ensemble, max_batch_size: 4, inputs: [{name: I, data_type: TYPE_FP32, dims: [4]}], outputs: [{name: O, data_type: TYPE_FP32, dims: [2]}]"
FIRST, SECOND = (
    "{model_name: a, input_map: {X: I}, output_map: {Y: m}}",
    "{model_name: b, input_map: {X: m}, output_map: {Y: O}}",
)
STEP = "triton.models[e].ensemble_scheduling.step"


def steps(*each: str) -> str:
    return f", ensemble_scheduling: {{step: [{', '.join(each)}]}}"


def document(*models: str, more: str = "default_model: a") -> str:
    listed = "".join(f"    - {model}}}\n" for model in models)
    return f"{HEAD}triton:\n  {more}\n  models:\n{listed}"


def findings(text: str, files: dict[str, str] | None = None) -> list[Finding]:
    build_tree(".", {"mlcc.yaml": text, **(files or {})})
    return list(pipeline.check(pipeline.resolve(pipeline.load("mlcc.yaml"))).findings)


GOOD_PAIR = document(A, B, E + steps(FIRST, SECOND))
# What is wrong, and the code, the path and a part of the message of its only error.
ENSEMBLES = [
    (document(A, B, E + steps(FIRST, SECOND.replace("model_name: b", "model_name: bb"))), "MLCC112", STEP, "step 2 is 'bb', which is not in triton.models"),
    (document(A, B, E.replace("size: 4", "size: 8") + steps(FIRST, SECOND)), "MLCC112", STEP, "takes batches of 8, and its model a of 4"),
    (document(A, B + ", version_policy: {specific: {versions: [1, 3]}}", E + steps(FIRST, SECOND.replace("{model", "{model_version: 2, model"))), "MLCC112", STEP, "wants version 2 of b"),
    (document(A, B, E + steps(FIRST, SECOND.replace("{model", "{model_version: 0, model"))), "MLCC112", STEP, "wants version 0 of b"),
    (document(A, B, E + steps(FIRST, "{model_name: e, input_map: {I: n}, output_map: {O: O}}", "{model_name: b, input_map: {X: m}, output_map: {Y: n}}")), "MLCC112", STEP, "e -> e"),
    (document(A, B, E + steps(FIRST.replace("{X: I}", "{X: I, Q: I}"), SECOND)), "MLCC199", STEP, "step 1: a has no input 'Q'"),
    (document(A, B, E + steps(FIRST, SECOND.replace("{X: m}", "{Z: m}"))), "MLCC199", STEP, "the input 'X' of b is mapped to nothing"),
    (document(A, B, E + steps(FIRST, SECOND.replace("{Y: O}", "{Y: O, W: O2}")).replace("outputs: [{name: O,", "outputs: [{name: O2, data_type: TYPE_FP32, dims: [2]}, {name: O,")), "MLCC199", STEP, "b has no output 'W'"),
    (document(A, B, E.replace("FP32", "FP16", 1) + steps(FIRST, SECOND)), "MLCC199", STEP, "'I' is TYPE_FP16 in e and TYPE_FP32 in a"),
    (document(A.replace("[2]", "[3]"), B, E + steps(FIRST, SECOND)), "MLCC199", STEP, "'m' is [-1, 3] in a and [-1, 2] in b"),
    (document(A.replace("[2]", "[2, 1]"), B, E + steps(FIRST, SECOND)), "MLCC199", STEP, "'m' is [-1, 2, 1] in a and [-1, 2] in b"),
    (document(A, B, E + steps(FIRST, SECOND.replace("{X: m}", "{}"))), "MLCC199", STEP, "input_map is empty"),
    (document(A, B, E + steps(FIRST, SECOND, SECOND)), "MLCC116", STEP, "'O' comes from step 2 and from step 3"),
    (document(A.replace("[2]", "[4]"), B.replace("[2]", "[4]"), E + steps(FIRST.replace("{Y: m}", "{Y: I}"), SECOND.replace("{X: m}", "{X: I}"))), "MLCC116", STEP, "'I' comes from the request and from step 1"),
    (document(A, B, E + steps(FIRST, SECOND.replace("{X: m}", "{X: m, Z: n}"))), "MLCC116", STEP, "step 2 takes 'n', which nothing gives"),
    (document(A, B, E.replace("outputs: [", "outputs: [{name: P, data_type: TYPE_FP32, dims: [2]}, ") + steps(FIRST, SECOND)), "MLCC116", STEP, "outputs has 'P', which nothing gives"),
    (document(A, B, E.replace("inputs: [", "inputs: [{name: J, data_type: TYPE_FP32, dims: [2]}, ") + steps(FIRST, SECOND)), "MLCC116", STEP, "no step takes its input 'J'"),
    (document(A, B, E + steps(FIRST, SECOND, SECOND.replace("O", "left"))), "MLCC116", STEP, "'left', of step 3, goes nowhere"),
    (document(A, B, E + steps(FIRST, SECOND.replace("{X: m}", "{X: m, Z: n}"), "{model_name: c, input_map: {X: O}, output_map: {Y: n}}"), "{name: c, inputs: [{name: X}], outputs: [{name: Y}]"), "MLCC116", STEP, "steps 2, 3 wait for one another"),
    (document(A, B, E), "MLCC118", "triton.models[e].platform", "the ensemble e has no steps"),
    (document(A, B, E + ", instance_group: [{count: 2}]" + steps(FIRST, SECOND)), "MLCC118", "triton.models[e].instance_group", "the ensemble e cannot have instance_group"),
    (document(A, B, E + ", backend: python" + steps(FIRST, SECOND)), "MLCC118", "triton.models[e].backend", "cannot have backend"),
    (document(A, B, E + ", file: ./x.py" + steps(FIRST, SECOND)), "MLCC118", "triton.models[e].file", "cannot have file"),
    (document(A, B, E.replace("platform: ensemble, ", "") + steps(FIRST, SECOND)), "MLCC118", STEP, "e has steps, and is no ensemble"),
    (document(A, B, E + ", dynamic_batching: {}" + steps(FIRST, SECOND)), "MLCC118", STEP, "dynamic_batching, ensemble_scheduling exclude one another in e"),
    (document(A, B, E.replace("inputs: [{name: I, data_type: TYPE_FP32, dims: [4]}], ", "inputs: [{name: I}], ") + steps(FIRST, SECOND)), "MLCC162", "triton.models[e].name", "an ensemble needs the inputs with data_type and dims of I"),
]  # fmt: skip
SEQUENCE = ", sequence_batching: {control_input: [{name: S, control: [%s]}]}"
START = "{kind: CONTROL_SEQUENCE_START, fp32_false_true: [0, 1]}"
WARM = ", model_warmup: [{name: w, batch_size: %s, inputs: {%s}}]"
ZERO = "{data_type: TYPE_FP32, dims: [4], zero_data: true}"
MODELS = [
    (", version_policy: {all: {}, latest: {num_versions: 1}}", "MLCC118", "version_policy.all", "all, latest exclude one another in a.version_policy"),
    (", dynamic_batching: {}, sequence_batching: {}", "MLCC118", "sequence_batching", "dynamic_batching, sequence_batching exclude"),
    (", sequence_batching: {direct: {}, oldest: {}}", "MLCC118", "sequence_batching.oldest", "direct, oldest exclude one another in a.sequence_batching"),
    (WARM % (1, "X: {data_type: TYPE_FP32, dims: [4], zero_data: true, random_data: true}"), "MLCC118", "model_warmup", "random_data, zero_data exclude one another"),
    (", version_policy: {specific: {versions: [2, 3]}}", "MLCC179", "version_policy.specific.versions", "a is put into version 1, and its version_policy serves 2, 3"),
    (SEQUENCE % f"{START}, {START}", "MLCC119", "sequence_batching.control_input", "CONTROL_SEQUENCE_START stands 2 times"),
    (SEQUENCE % "{kind: CONTROL_SEQUENCE_END}", "MLCC119", "sequence_batching.control_input", "CONTROL_SEQUENCE_END has no values"),
    (SEQUENCE % "{kind: CONTROL_SEQUENCE_END, int32_false_true: [0, 1], fp32_false_true: [0, 1]}", "MLCC119", "sequence_batching.control_input", "has int32_false_true and fp32_false_true"),
    (SEQUENCE % "{kind: CONTROL_SEQUENCE_CORRID}", "MLCC119", "sequence_batching.control_input", "CONTROL_SEQUENCE_CORRID is of no data_type"),
    (SEQUENCE % "{kind: CONTROL_SEQUENCE_CORRID, data_type: TYPE_INT32, int32_false_true: [0, 1]}", "MLCC119", "sequence_batching.control_input", "neither yes nor no"),
    (", sequence_batching: {oldest: {preferred_batch_size: [8]}}", "MLCC164", "max_batch_size", "preferred_batch_size has 8"),
    (", response_cache: {enable: true}, sequence_batching: {}", "MLCC124", "response_cache.enable", "a has sequence_batching"),
    (", dynamic_batching: {priority_levels: 2}", "MLCC129", "dynamic_batching.priority_levels", "default_priority_level is missing, and priority_levels is 2"),
    (", dynamic_batching: {priority_levels: 2, default_priority_level: 3}", "MLCC129", "dynamic_batching.priority_levels", "default_priority_level is 3"),
    (", dynamic_batching: {default_priority_level: 1}", "MLCC129", "dynamic_batching.default_priority_level", "no effect without priority_levels"),
    (', dynamic_batching: {priority_queue_policy: {"1": {max_queue_size: 1}}}', "MLCC129", 'dynamic_batching.priority_queue_policy["1"].max_queue_size', "priority_queue_policy has no effect"),
    (', dynamic_batching: {priority_levels: 1, default_priority_level: 1, priority_queue_policy: {"2": {max_queue_size: 1}}}', "MLCC129", 'dynamic_batching.priority_queue_policy["2"].max_queue_size', "priority_queue_policy has 2"),
    (", dynamic_batching: {priority_levels: 2, default_priority_level: 1, preserve_ordering: true}", "MLCC129", "dynamic_batching.preserve_ordering", "more than one priority"),
    (", dynamic_batching: {preserve_ordering: true, default_queue_policy: {timeout_action: DELAY, default_timeout_microseconds: 5}}", "MLCC129", "dynamic_batching.preserve_ordering", "timeout_action DELAY"),
    (', instance_group: [{kind: KIND_CPU, profile: ["0"]}]', "MLCC100", "instance_group", "the backend python has no profile"),
    (", instance_group: [{kind: KIND_CPU, secondary_devices: [{kind: KIND_NVDLA}]}]", "MLCC100", "instance_group", "no secondary_devices"),
    (WARM % (1, ""), "MLCC188", "model_warmup", "lacks the input 'X'"),
    (WARM % (5, f"X: {ZERO}"), "MLCC188", "model_warmup", "is a batch of 5, and max_batch_size is 4"),
    (WARM % (1, f"X: {ZERO}, XX: {ZERO}"), "MLCC188", "model_warmup", "has 'XX', which is no input"),
    (WARM % (1, f"X: {ZERO}".replace("FP32", "FP16")), "MLCC188", "model_warmup", "has 'X' of TYPE_FP16"),
    (WARM % (1, f"X: {ZERO}".replace("[4]", "[5]")), "MLCC188", "model_warmup", "has 'X' of [5], and inputs of [4]"),
    (WARM % (1, "X: {data_type: TYPE_FP32, dims: [4]}"), "MLCC188", "model_warmup", "does not say what is in 'X'"),
]  # fmt: skip
GOOD = [
    GOOD_PAIR,
    # what a model does not declare is not compared; a tensor of any size fits; a model without batches fits its whole size
    document("{name: a, backend: onnxruntime", B, E + steps(FIRST, SECOND)),
    document(A.replace("[2]", "[-1]"), B, E + steps(FIRST, SECOND)),
    document(A, B.replace("size: 8", "size: 0").replace("dims: [2]", "dims: [-1, 2]").replace("dims: [-1]}]", "dims: [-1, 2]}]"), E + steps(FIRST, SECOND)),
    # steps in any order, an ensemble in an ensemble, an optional input mapped or not
    document(A, B, E + steps(SECOND, FIRST)),
    document(A, B, E + steps(FIRST, SECOND), E.replace("name: e", "name: f") + steps("{model_name: e, input_map: {I: I}, output_map: {O: O}}")),
    document(A, B, E.replace("inputs: [", "inputs: [{name: J, data_type: TYPE_INT32, dims: [1]}, ") + steps(FIRST, SECOND.replace("{X: m}", "{X: m, Z: J}"))),
    document(A, B + ", version_policy: {specific: {versions: [1, 2]}}", E + steps(FIRST, SECOND.replace("{model", "{model_version: 2, model"))),
    *(document(A + more) for more in (
        ", version_policy: {latest: {num_versions: 2}}", ", version_policy: {all: {}}", ", sequence_batching: {}",
        SEQUENCE % START, SEQUENCE % "{kind: CONTROL_SEQUENCE_CORRID, data_type: TYPE_UINT64}",
        ", sequence_batching: {oldest: {max_candidate_sequences: 4, preferred_batch_size: [4]}}",
        ", response_cache: {enable: true}", ", response_cache: {enable: false}, sequence_batching: {direct: {}}",
        ', dynamic_batching: {priority_levels: 2, default_priority_level: 2, priority_queue_policy: {"1": {max_queue_size: 1}}}',
        ", dynamic_batching: {priority_levels: 1, default_priority_level: 1, preserve_ordering: true}",
        ", instance_group: [{kind: KIND_CPU, count: 2, passive: true}]",
        WARM % (1, f"X: {ZERO}"), WARM % (1, f"X: {ZERO}") + SEQUENCE % START,
        WARM % (1, f"X: {ZERO}, S: {ZERO}") + SEQUENCE % START,
        ", optimization: {execution_accelerators: {cpu_execution_accelerator: [{name: openvino}]}}",
    )),
    document(A + ", response_cache: {enable: true}", more="response_cache_mb: 5"),
]  # fmt: skip


def errors(text: str) -> list[Finding]:
    return [f for f in findings(text) if f.severity.label == "error"]


@pytest.mark.parametrize(("text", "code", "path", "message"), ENSEMBLES)
def test_ensembles(text: str, code: str, path: str, message: str) -> None:
    found = [f for f in errors(text) if f.code == code and message in f.message]
    assert [f.path for f in found] == [path], errors(text)
    assert found[0].line
    assert found[0].hint


@pytest.mark.parametrize(("more", "code", "key", "message"), MODELS)
def test_models(more: str, code: str, key: str, message: str) -> None:
    found = errors(document(A + more))
    assert [(f.code, f.path) for f in found] == [(code, f"triton.models[a].{key}")], found
    assert message in found[0].message
    assert found[0].line
    assert found[0].hint


@pytest.mark.parametrize("text", GOOD)
def test_what_is_right(text: str) -> None:
    assert findings(text) == []


def test_every_check_of_triton_has_a_bad_case() -> None:
    bad = {code for _, code, *_ in ENSEMBLES} | {code for _, code, *_ in MODELS} | {"MLCC117"}
    assert set(table(TRITON)) <= bad | {code for code, *_ in CASES}


def test_a_rate_limiter_needs_a_server_that_limits() -> None:
    limiter = ", instance_group: [{kind: KIND_CPU, rate_limiter: {resources: [{name: R1, count: 4}], priority: 2}}]"
    [found] = findings(document(A + limiter))
    assert (found.code, found.severity.label, found.path) == ("MLCC100", "warning", "triton.models[a].instance_group")
    limited = document(A + limiter) + f"env: {found.hint.removeprefix('env: ')}\n"
    assert "--rate-limit=execution_count" in limited
    assert findings(limited) == []


# ---------------------------------------------------------------- the cache, and the default model
@pytest.mark.parametrize(
    ("models", "more", "path", "message"),
    [
        (A, "response_cache_mb: 5", "triton.response_cache_mb", "no model has response_cache"),
        ("{name: a, config_file: a.pbtxt", "default_model: a", "triton.models[a].config_file", "the server has no cache"),
    ],
)  # fmt: skip
def test_a_cache_without_use(models: str, more: str, path: str, message: str) -> None:
    own = 'backend: "python" response_cache { enable: true }'
    [found] = findings(document(models, more=more), {"a.pbtxt": own})
    assert (found.code, found.severity.label, found.path) == ("MLCC124", "warning", path)
    assert message in found.message


def values(text: str) -> dict[str, str]:
    build_tree(".", {"mlcc.yaml": text})
    resolved = pipeline.resolve(pipeline.load("mlcc.yaml")).default
    return {key: str(value) for key, value in resolved.below("env").items()}


@pytest.mark.parametrize(
    ("models", "more", "env"),
    [
        ((A, B, E + steps(FIRST, SECOND)), "x-a: 1", {"SAGEMAKER_TRITON_DEFAULT_MODEL_NAME": "e"}),
        ((A, B, E + steps(FIRST, SECOND)), "default_model: b", {"SAGEMAKER_TRITON_DEFAULT_MODEL_NAME": "b"}),
        ((A, B), "x-a: 1", {}),
        ((A + ", response_cache: {enable: true}",), "x-a: 1", {"SAGEMAKER_TRITON_DEFAULT_MODEL_NAME": "a", "MLCC_TRITON_CACHE_MB": "64"}),
        ((A + ", response_cache: {enable: true}",), "response_cache_mb: 9", {"SAGEMAKER_TRITON_DEFAULT_MODEL_NAME": "a", "MLCC_TRITON_CACHE_MB": "9"}),
        ((A + ", response_cache: {enable: false}",), "x-a: 1", {"SAGEMAKER_TRITON_DEFAULT_MODEL_NAME": "a"}),
    ],
)  # fmt: skip
def test_the_variables_of_the_server(models: tuple[str, ...], more: str, env: dict[str, str]) -> None:
    assert values(document(*models, more=more if more != "x-a: 1" else "#")) == env


def test_the_row_s_batching_gives_way_to_sequences() -> None:
    """FIL's row turns dynamic batching on, which excludes sequence batching."""
    tree = "{name: a, sequence_batching: {direct: {}}, inputs: [{name: x, data_type: TYPE_FP32, dims: [4]}], outputs: [{name: y, data_type: TYPE_FP32, dims: [1]}]"
    assert findings(document(tree).replace("triton-python", "triton-fil")) == []


# ---------------------------------------------------------------- a config.pbtxt of the user's own
OWN = 'backend: "python"\nmax_batch_size: 4\ninput { name: "X" data_type: TYPE_FP32 dims: 4 }\noutput { name: "Y" data_type: TYPE_FP32 dims: 2 }\n'
OWN_MODEL = "{name: a, config_file: configs/a.pbtxt"


@pytest.mark.parametrize(
    ("own", "element", "line", "message"),
    [
        (OWN + 'inputt { name: "x" }\n', OWN_MODEL, 5, "ModelConfig has no field inputt"),
        (OWN.replace("TYPE_FP32", "FP32", 1), OWN_MODEL, 3, "data_type: FP32 is not allowed: TYPE_FP32?"),
        (OWN + 'name: "b"\n', OWN_MODEL, 7, "is of the model 'b', and stands at a"),
        (OWN.replace("python", "fil"), OWN_MODEL, 7, "has the backend 'fil', and the element python"),
        (OWN, OWN_MODEL + ", max_batch_size: 8", 7, "max_batch_size beside config_file"),
        (OWN, OWN_MODEL + ", platform: ensemble", 7, "is no ensemble, and the element is one"),
        ('platform: "ensemble"', OWN_MODEL, 7, "is that of an ensemble, and the element is none"),
        (OWN + 'default_model_filename: "x.py"', OWN_MODEL + ", file: ./mine.py", 7, "names the file 'x.py'"),
    ],
)
def test_a_file_of_the_user_s_own(own: str, element: str, line: int, message: str) -> None:
    [found, *_] = [f for f in findings(document(element), {"configs/a.pbtxt": own}) if message in f.message]
    assert (found.code, found.severity.label, found.line) == ("MLCC117", "error", line)
    assert found.file == ("configs/a.pbtxt" if line < 7 else "mlcc.yaml")
    assert found.hint


def test_a_file_of_the_user_s_own_is_compared_like_any_model() -> None:
    text = document(OWN_MODEL, B, E + steps(FIRST, SECOND))
    assert findings(text, {"configs/a.pbtxt": OWN}) == []
    wrong = findings(text, {"configs/a.pbtxt": OWN.replace("4 }", "5 }").replace("size: 4", "size: 2")})
    assert [f.code for f in wrong] == ["MLCC112", "MLCC199"]
    ensemble = f"{E.partition(',')[0]}, platform: ensemble, config_file: e.pbtxt"
    own = 'platform: "ensemble" input { name: "I" data_type: TYPE_FP32 dims: 4 } output { name: "O" data_type: TYPE_FP32 dims: 2 }'
    step = 'step { model_name: "%s" model_version: -1 input_map { key: "X" value: "%s" } output_map { key: "Y" value: "%s" } }'
    own += f" max_batch_size: 4 ensemble_scheduling {{ {step % ('a', 'I', 'm')} {step % ('b', 'm', 'O')} }}"
    assert findings(document(A, B, ensemble), {"e.pbtxt": own}) == []
    zero = findings(document(A, B, ensemble), {"e.pbtxt": own.replace("model_version: -1 ", "")})
    assert [f.code for f in zero] == ["MLCC112", "MLCC112"], "protobuf's 0 is no version of theirs"


@pytest.mark.parametrize("kind", ["absent", "link", "folder", "large", "outside"])
def test_a_file_that_cannot_be_read(kind: str, tmp_path: Path) -> None:
    build_tree(".", {"configs/other.pbtxt": OWN})
    place = Path("configs/a.pbtxt")
    if kind == "link":
        place.symlink_to("other.pbtxt")
    elif kind == "folder":
        place.mkdir()
    elif kind == "large":
        place.write_bytes(b"#" * (256 * 1024 + 1))
    elif kind == "outside":
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere/a.pbtxt").write_text(OWN)
        place.parent.rename("kept")
        Path("configs").symlink_to(tmp_path / "elsewhere")
    [found] = findings(document(OWN_MODEL))
    assert (found.code, found.line, found.path) == ("MLCC036", 7, "triton.models[a].config_file")
