"""Each keyword of a schema as a finding: message, code, path, place; and what a schema says of its keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.core.findings import Finding
from mlcc.core.paths import Item
from mlcc.io.schema import keys, validator
from mlcc.io.yaml import reader, writer
from tests.helpers import codes, only

BASE = "version: 1\nproject: {name: iris}\n"


def findings(text: str, **options: bool) -> list[Finding]:
    loaded = reader.load_yaml(text.encode(), "mlcc.yaml")
    assert loaded.root is not None
    assert not loaded.findings
    return validator.validate_document(loaded.root, "mlcc", **options)


# code, path, line, message, part of the hint
KEYWORDS = {
    "additionalProperties": (
        "deploymnt: {}\n",
        "MLCC020",
        "deploymnt",
        3,
        "unknown key 'deploymnt'",
        "did you mean deployment?",
    ),
    "additionalProperties, nested": (
        "deployment:\n  instance-type: x\n",
        "MLCC020",
        "deployment.instance-type",
        4,
        "unknown key 'instance-type'",
        "did you mean instance_type?",
    ),
    "additionalProperties, nothing near": (
        "zzz: 1\n",
        "MLCC020",
        "zzz",
        3,
        "unknown key 'zzz'",
        "allowed here: adapters, async",
    ),
    "patternProperties": ("env: {'1A': x}\n", "MLCC021", 'env["1A"]', 3, "'1A' is not a valid name in", "names match"),
    "type string": (
        "framework: {version: 1.5}\n",
        "MLCC022",
        "framework.version",
        3,
        "'1.5' is not text",
        'write it in quotes: "1.5"',
    ),
    "type string, exactly as written": (
        "framework:\n  version: 0.10\n",
        "MLCC022",
        "framework.version",
        4,
        "is not text",
        'quotes: "0.10"',
    ),
    "type integer": (
        "deployment: {instance_count: 'two'}\n",
        "MLCC022",
        "deployment.instance_count",
        3,
        "'two' is not a whole number",
        "decimal digits",
    ),
    "type integer, a float": (
        "deployment: {instance_count: 1.0}\n",
        "MLCC022",
        "deployment.instance_count",
        3,
        "'1.0' is not a whole number",
        "",
    ),
    "type integer, a switch": (
        "deployment: {instance_count: true}\n",
        "MLCC022",
        "deployment.instance_count",
        3,
        "'true' is not a whole number",
        "",
    ),
    "type number": (
        "engine: {gpu_memory_utilization: x}\n",
        "MLCC022",
        "engine.gpu_memory_utilization",
        3,
        "'x' is not a number",
        "decimal digits",
    ),
    "type boolean": ("model: {accept_eula: 1}\n", "MLCC022", "model.accept_eula", 3, "'1' is not true or false", ""),
    "type object": ("deployment: x\n", "MLCC022", "deployment", 3, "'x' is not a mapping", ""),
    "type array": ("build: {requirements: x}\n", "MLCC022", "build.requirements", 3, "'x' is not a list", ""),
    "type, null": (
        "deployment:\n",
        "MLCC022",
        "deployment",
        3,
        "an absent value is not a mapping",
        "give it a value, or remove the key",
    ),
    "type, a collection": (
        "deployment: {region: [a, b]}\n",
        "MLCC022",
        "deployment.region",
        3,
        "the value is not text",
        "",
    ),
    "pattern": (
        "deployment: {region: US-EAST}\n",
        "MLCC023",
        "deployment.region",
        3,
        "'US-EAST' is not a valid",
        "for example ",
    ),
    "pattern, a newline at the end": (
        'deployment: {region: "us-east-1\\n"}\n',
        "MLCC023",
        "deployment.region",
        3,
        "'us-east-1\\n' is not a valid",
        "",
    ),
    "enum": (
        "model: {format: joblb}\n",
        "MLCC024",
        "model.format",
        3,
        "'joblb' is not one of the allowed values",
        "did you mean joblib?",
    ),
    "enum, nothing near": (
        "model: {format: zzzz}\n",
        "MLCC024",
        "model.format",
        3,
        "'zzzz' is not one of",
        "allowed: ",
    ),
    "minimum": (
        "deployment: {instance_count: -1}\n",
        "MLCC025",
        "deployment.instance_count",
        3,
        "'-1' is below the minimum of",
        "",
    ),
    "maximum": (
        "deployment: {instance_count: 99999999}\n",
        "MLCC025",
        "deployment.instance_count",
        3,
        "'99999999' exceeds the maximum of",
        "",
    ),
    "a number without end": (
        f"deployment: {{instance_count: {'9' * 200}}}\n",
        "MLCC025",
        "deployment.instance_count",
        3,
        "the number exceeds the maximum of",
        "",
    ),
    "minLength": ("build: {repository: a}\n", "MLCC026", "build.repository", 3, "'a' is shorter than 2 characters", ""),
    "minLength, nothing": ("build: {repository: ''}\n", "MLCC026", "build.repository", 3, "'' is empty", ""),
    "exclusiveMinimum": (
        "scaling: {target_value: 0}\n",
        "MLCC025",
        "scaling.target_value",
        3,
        "'0' must be greater than 0",
        "",
    ),
    "uniqueItems": (
        "network: {subnets: [subnet-1, subnet-1]}\n",
        "MLCC028",
        "network.subnets",
        3,
        "an element stands twice",
        "",
    ),
    "maxProperties": (
        "tags: {" + ", ".join(f"t{n}: a" for n in range(50)) + "}\n",
        "MLCC026",
        "tags",
        3,
        "the value has more than 45 keys",
        "",
    ),
    "maxLength": (
        f"deployment: {{region: us-{'e' * 100}-1}}\n",
        "MLCC026",
        "deployment.region",
        3,
        "is longer than",
        "",
    ),
    "maxItems": (
        "network: {subnets: [" + ", ".join(f"subnet-{n}" for n in range(50)) + "]}\n",
        "MLCC026",
        "network.subnets",
        3,
        "the value has more than 16 elements",
        "",
    ),
    "required": (
        "inference_components: [{copy_count: 1}]\n",
        "MLCC027",
        "inference_components[0].name",
        3,
        "the key name is missing",
        "",
    ),
    "anyOf": (
        "engine: {tensor_parallel_size: many}\n",
        "MLCC022",
        "engine.tensor_parallel_size",
        3,
        "'many' has none of the allowed forms",
        "",
    ),
}


@pytest.mark.parametrize("name", KEYWORDS)
def test_each_keyword_has_its_message(name):
    text, code, path, line, message, hint = KEYWORDS[name]
    first = next(f for f in findings(BASE + text) if (f.code, f.path) == (code, path))
    assert (first.line, first.file) == (line, "mlcc.yaml")
    assert message in first.message
    assert hint in first.hint


@pytest.mark.parametrize(("version", "newer"), [("2", True), ("10", True), ("0", False), ("-1", False)])
def test_a_newer_format_asks_for_a_newer_mlcc(version, newer):
    finding = only(findings(f"version: {version}\nproject: {{name: iris}}\ndeployment: {{config: a-b}}\n"))
    assert finding.code == "MLCC024"
    assert ("this mlcc reads version 1" in finding.message) == newer
    assert ("a newer mlcc is needed" in finding.hint) == newer


def test_columns_are_those_of_the_key():
    finding = only(findings(BASE + "deployment: {region: 5, instance_count: 2}\n"))
    assert (finding.line, finding.column) == (3, 14)


def test_what_is_missing_stands_where_it_should_be():
    finding = only(findings("project: {name: iris}\n"))
    assert (finding.code, finding.path, finding.message, finding.line) == (
        "MLCC027",
        "version",
        "the key version is missing",
        1,
    )
    assert finding.hint


def test_a_layer_need_not_be_complete_at_the_top():
    assert findings("deployment: {region: us-east-1}\n", partial=True) == []
    missing = findings("adapters: [{enabled: true}]\n", partial=True)
    assert {f.path for f in missing} == {"adapters[0].name", "adapters[0].artifact_url"}


def test_each_missing_key_is_reported_once():
    assert codes(findings(BASE + "adapters: [{enabled: true}]\n")) == ["MLCC027", "MLCC027"]


def test_x_keys_are_free():
    assert findings(BASE + "x-mine: {anything: [1, {a: ~}]}\n") == []
    assert codes(findings(BASE + "deployment: {x-mine: 1}\n")) == ["MLCC020"]


def test_all_mistakes_are_found_at_once():
    text = BASE + "deployment: {region: 1, instance_count: x}\nmodl: {}\nenv: {A: [1]}\n"
    assert sorted(f.path for f in findings(text)) == ["deployment.instance_count", "deployment.region", "env.A", "modl"]


def test_findings_end_at_a_limit():
    many = "".join(f"k{n}: 1\n" for n in range(5000))
    found = findings(BASE + "env:\n" + "".join(f"  K{n}: []\n" for n in range(1000)))
    assert validator.MAX_FINDINGS <= len(found) < validator.MAX_FINDINGS + 10
    assert len(findings(BASE + many)) >= validator.MAX_FINDINGS


SECRET = "hunter2hunter2"


@pytest.mark.parametrize(
    "secrets",
    [
        f"{{A: {SECRET}}}",
        f"{{A: {{secretsmanager: '{SECRET} !'}}}}",
        f"{{A: {{secretsmanager: x, phase: {SECRET}}}}}",
        f"{{A: {{env: '{SECRET}-'}}}}",
        f"{{A: [{SECRET}]}}",
        f"{SECRET}",
        f"[{SECRET}]",
    ],
)
def test_values_under_secrets_are_never_quoted(secrets):
    found = findings(f"{BASE}secrets: {secrets}\n")
    assert found
    assert not [f for f in found if SECRET in f.message or SECRET in f.hint]


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=100))
def test_no_message_carries_raw_foreign_text(text):
    loaded = reader.load_yaml(
        f"version: 1\ndeployment: {{region: {writer.quote('!' + text)}}}\n{writer.quote(text)}: 1\n".encode(), "f"
    )
    assert loaded.root is not None
    for finding in validator.validate_document(loaded.root, "mlcc"):
        shown = finding.message + finding.path + finding.hint
        assert not [c for c in shown if ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 or "\u202a" <= c <= "\u202e"]
        assert len(finding.message) < 1000


# ---------------------------------------------------------------- keys
@pytest.mark.parametrize(
    ("path", "name"),
    [
        (("deployment", "region"), "deployment.region"),
        (("env", "ANY"), "env.*"),
        (("inference_components", Item("a"), "copy_count"), "inference_components[].copy_count"),
        (("inference_components", 3, "copy_count"), "inference_components[].copy_count"),
        (("inference_components", Item("a"), "env", "X"), "inference_components[].env.*"),
        (("engine", "extra_args", "seed"), "engine.extra_args.*"),
        (("hyperpod", "overrides", "a", "b"), "hyperpod.overrides"),
        (("deployment",), "deployment"),
        (("nope",), None),
        (("deployment", "nope"), None),
        (("environments", "prod", "deployment"), None),
    ],
)
def test_find(path, name):
    found = keys.find(path)
    assert (found.name if found else None) == name


@pytest.mark.parametrize("path", [("project", "name", "x"), ("env", "A", "B"), ("inference_components", "a")])
def test_nothing_is_found_below_a_scalar(path):
    assert keys.find(path) is None


@pytest.mark.parametrize(
    ("path", "types"),
    [
        (("project", "name"), ("string",)),
        (("engine", "tensor_parallel_size"), ("integer", "string")),
        (("env", "A"), ("string", "integer", "number", "boolean")),
        (("adapters",), ("array",)),
        (("deployment",), ("object",)),
    ],
)
def test_types(path, types):
    assert keys.find(path).types == types


def test_lists_of_named_elements_are_marked():
    named = {p.name for p in keys.index().values() if p.named}
    assert named == {
        "triton.models",
        "triton.models[].inputs",
        "triton.models[].outputs",
        "inference_components",
        "adapters",
    }


def test_expand_inlines_references():
    expanded = validator.expand(
        {
            "definitions": {"a": {"type": "string"}, "b": {"items": {"$ref": "#/definitions/a"}}},
            "x": [{"$ref": "#/definitions/b"}],
        }
    )
    assert expanded == {"x": [{"items": {"type": "string"}}]}
