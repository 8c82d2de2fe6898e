"""mlcc.yaml as a checked tree: what it holds, twins, build keys in overlays, and text from outside."""

from __future__ import annotations

import pytest

from mlcc.core.nodes import Mark, node_of
from mlcc.core.paths import Item, format_path
from mlcc.core.values import Source
from mlcc.load import document
from mlcc.load.coerce import coerce_text
from mlcc.load.document import document_layers, unknown_environment
from mlcc.load.layers import leaves, value_of
from tests.fakes import read
from tests.helpers import codes, only

BASE = "version: 1\nproject: {name: iris}\ndeployment: {config: http-flask}\n"


def load(text: str, **options: bool) -> document.Config:
    return document.load_document(text.encode(), "mlcc.yaml", **options)


def test_the_smallest_file_is_fine():
    found = load(BASE)
    assert found.ok
    assert found.findings == ()
    assert (found.environments, found.extends, found.texts("registries")) == ((), "", ())


def test_what_cannot_be_read_is_an_empty_tree_with_findings():
    found = load("a: [")
    assert not found.ok
    assert found.root.value == {}
    assert codes(found.findings) == ["MLCC005"]


@pytest.mark.parametrize("text", ["- a\n", "x\n", "3\n", "true\n"])
def test_a_document_that_is_no_mapping_is_refused(text):
    assert codes(load(text).findings) == ["MLCC022"]


def test_schema_mistakes_hide_later_rules():
    found = load(BASE + "adapters: [{name: a, artifact_url: x}, {name: a, artifact_url: x}]\n")
    assert set(codes(found.findings)) == {"MLCC023"}


# ---------------------------------------------------------------- twins
IC = BASE + "inference_components:\n"


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        (IC + "  - {name: a}\n  - {name: b}\n  - {name: a}\n", "inference_components[2].name", 7),
        (
            BASE + "triton: {models: [{name: m, backend: fil, file: x}, {name: M, backend: fil, file: y}]}\n",
            "triton.models[1].name",
            4,
        ),
        (
            BASE + "triton: {models: [{name: m, backend: fil, file: x, inputs: "
            "[{name: i, data_type: TYPE_FP32, dims: [1]}, {name: I, data_type: TYPE_FP32, dims: [1]}]}]}\n",
            "triton.models[0].inputs[1].name",
            4,
        ),
        (
            BASE + "environments:\n  prod:\n    inference_components: [{name: a}, {name: a}]\n",
            "inference_components[1].name",
            6,
        ),
    ],
)
def test_twins_are_found(text, path, line):
    finding = only(load(text).findings)
    assert (finding.code, finding.path, finding.line) == ("MLCC028", path, line)


def test_elements_of_different_lists_may_share_a_name():
    text = IC + "  - {name: a}\nadapters: [{name: a, artifact_url: 's3://bucket/a.tar.gz'}]\n"
    assert load(text).ok


# ---------------------------------------------------------------- environments
BUILD = [
    ("model: {format: joblib}", "model.format"),
    ("framework: {version: '1'}", "framework.version"),
    ("build: {strategy: docker}", "build.strategy"),
    ("deployment: {config: http-nginx}", "deployment.config"),
    ("seed_files: {tests: false}", "seed_files.tests"),
]


@pytest.mark.parametrize(("overlay", "key"), BUILD)
def test_an_overlay_may_not_change_what_is_built(overlay, key):
    found = load(f"{BASE}environments:\n  prod:\n    {overlay}\n").findings
    assert codes(found) in (["MLCC031"], ["MLCC020"])
    assert found[0].line == 6
    if found[0].code == "MLCC031":
        assert found[0].path == f"environments.prod.{key}"


@pytest.mark.parametrize(
    "overlay",
    [
        "deployment: {instance_type: ml.m5.xlarge}",
        "env: {A: b}",
        "scaling: {max_count: 3}",
        "engine: {max_num_seqs: 3}",
        "inference_components: [{name: a, copy_count: 2}]",
        "network: {isolation: true}",
        "tags: {a: b}",
        "ttl: 1h",
    ],
)
def test_an_overlay_may_change_what_is_deployed(overlay):
    assert load(f"{BASE}environments:\n  prod: {{{overlay}}}\n").findings == ()


def test_overlays_belong_in_mlcc_yaml_alone():
    finding = only(load(BASE + "environments: {prod: {}}\n", overlays=False).findings)
    assert (finding.code, finding.line) == ("MLCC030", 4)


def test_an_unknown_environment_names_the_nearest():
    found = load(BASE + "environments: {staging: {}, prod: {}}\n")
    assert unknown_environment(found, "prod") == []
    finding = only(unknown_environment(found, "prd"))
    assert finding.code == "MLCC032"
    assert "did you mean prod?" in finding.hint
    assert "'prd'" in finding.message
    assert "none" in only(unknown_environment(load(BASE), "prod")).hint


# ---------------------------------------------------------------- leaves and layers
def test_leaves_are_scalars_and_lists_with_paths():
    root = read(
        IC + "  - {name: chat, copy_count: 2}\nenv: {A: 1}\nnetwork: {subnets: [subnet-1]}\nx-me: {a: 1}\n"
    ).root
    found = {format_path(p): value_of(p, n) for p, n in leaves(root)}
    assert found == {
        "version": 1,
        "project.name": "iris",
        "deployment.config": "http-flask",
        "inference_components[chat].name": "chat",
        "inference_components[chat].copy_count": 2,
        "env.A": "1",
        "network.subnets": ("subnet-1",),
    }


@pytest.mark.parametrize(
    ("written", "kept"), [("1.50", "1.50"), ("true", "true"), ("0", "0"), ("1.0", "1.0"), ("'x'", "x")]
)
def test_container_variables_are_text_exactly_as_written(written, kept):
    root = read(f"{BASE}env: {{A: {written}}}\n").root
    assert value_of(("env", "A"), root.get("env", "A")) == kept


def test_layers_put_the_overlay_first_and_leave_structure_out():
    found = document_layers(read(BASE + "extends: base.yaml\nx-a: 1\nenvironments: {prod: {ttl: 1h}}\n"), "prod")
    assert [la.source for la in found] == [Source.OVERLAY, Source.FILE]
    assert set(found[1].root.value) == {"project", "deployment"}
    assert found[0].root.plain() == {"ttl": "1h"}


def test_an_environment_that_is_not_there_gives_no_layer():
    assert [la.source for la in document_layers(read(BASE), "prod")] == [Source.FILE]


def test_texts_have_places():
    found = read(BASE + "registries:\n  - ./a\n  - ./b\n").texts("registries")
    assert [(text, mark.line) for text, mark in found] == [("./a", 5), ("./b", 6)]


def test_a_tree_that_was_read_elsewhere_is_checked_too():
    found = document.check_tree(
        node_of({"deployment": {"regon": "x"}}, Mark("pyproject.toml")), "pyproject.toml", partial=True
    )
    finding = only(found.findings)
    assert (finding.code, finding.file, finding.line) == ("MLCC020", "pyproject.toml", 0)


# ---------------------------------------------------------------- coerce
@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        (("project", "name"), "123", "123"),
        (("project", "name"), "", ""),
        (("deployment", "instance_count"), "3", 3),
        (("deployment", "instance_count"), "-3", -3),
        (("deployment", "instance_count"), "1.5", 1.5),
        (("engine", "gpu_memory_utilization"), "0.9", 0.9),
        (("engine", "tensor_parallel_size"), "max", "max"),
        (("engine", "tensor_parallel_size"), "4", 4),
        (("model", "accept_eula"), "true", True),
        (("model", "accept_eula"), "Yes", True),
        (("model", "accept_eula"), " ON ", True),
        (("model", "accept_eula"), "1", True),
        (("model", "accept_eula"), "0", False),
        (("model", "accept_eula"), "off", False),
        (("network", "subnets"), "subnet-1,subnet-2", ["subnet-1", "subnet-2"]),
        (("network", "subnets"), "subnet-1", ["subnet-1"]),
        (("network", "subnets"), "[subnet-1]", ["subnet-1"]),
        (("network", "subnets"), "[]", []),
        (("build", "requirements"), "a==1", ["a==1"]),
        (("build", "requirements"), "a[x,y]==1.*,b>=1,<2,c~=3", ["a[x,y]==1.*", "b>=1,<2", "c~=3"]),
        (("build", "system_packages"), "curl=7.88.1-10+deb12u8,libgomp1", ["curl=7.88.1-10+deb12u8", "libgomp1"]),
        (("triton", "models", Item("m"), "dynamic_batching", "preferred_batch_size"), "4,8", [4, 8]),
        (("env",), "{A: b}", {"A": "b"}),
        (("env", "A"), "1.50", "1.50"),
        (("env", "A"), "yes", "yes"),
        (("tags", "a"), "1", "1"),
        (("engine", "extra_args", "seed"), "0", 0),
        (("engine", "extra_args", "x"), "abc", "abc"),
    ],
)
def test_text_becomes_what_its_key_takes(path, text, value):
    found, wrong = coerce_text(path, text)
    assert (found, wrong) == (value, "")
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("deployment", "instance_count"), "two"),
        (("deployment", "instance_count"), ""),
        (("deployment", "instance_count"), "true"),
        (("deployment", "instance_count"), "1: 2"),
        (("model", "accept_eula"), "maybe"),
        (("model", "accept_eula"), ""),
        (("network", "subnets"), "a b"),
        (("network", "subnets"), "["),
        (("env",), "A=b"),
    ],
)
def test_text_that_does_not_fit_is_refused_and_quoted(path, text):
    found, wrong = coerce_text(path, text)
    assert found is None
    assert wrong


@pytest.mark.parametrize("text", ["!!python/x {A: b}", "{A: b, A: c}", "{A: yes}"])
def test_yaml_of_an_option_obeys_the_rules_of_a_file(text):
    assert coerce_text(("env",), text)[1]


def test_switches_of_free_maps_are_read_as_switches():
    assert coerce_text(("engine", "extra_args", "enforce_eager"), "true") == (True, "")


def test_a_path_without_a_key_is_text():
    assert coerce_text(("nope", Item("x")), "1") == ("1", "")


@pytest.mark.parametrize(
    ("path", "text", "reported"),
    [
        (("secrets", "API_TOKEN"), "hunter2-hunter2", False),
        (("tags",), "hf_" + "a1B2" * 9, False),
        (("tags",), "plain", True),
        (("deployment", "instance_count"), "sk-" + "a1B2" * 9, False),
        (("deployment", "instance_count"), "many", True),
        (("seed_files", "tests"), "ghp_" + "a1B2" * 9, False),
    ],
)
def test_a_secret_is_not_quoted(path, text, reported):
    value, wrong = coerce_text(path, text)
    assert value is None
    assert (text in wrong) is reported


def test_an_environment_cannot_be_called_default():
    finding = document.load_document(b"version: 1\nenvironments: {default: {ttl: 1h}}\n", "f.yaml").findings[0]
    assert (finding.code, finding.path) == ("MLCC035", "environments.default")
