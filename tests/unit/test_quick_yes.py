"""The quick yes: never yes where jsonschema objects, and yes to what people write."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from mlcc.io.schema import validator
from mlcc.io.schema.quick_yes import accepts
from mlcc.io.yaml import reader
from tests.helpers import ROOT, SMALLEST, run_mlcc

DOCUMENTS = [ROOT / "mlcc.example.yaml", *sorted((ROOT / "tests/golden/cases").rglob("*.yaml"))]
ODD = (
    None,
    True,
    False,
    0,
    1,
    -1,
    1.5,
    10**9,
    float("nan"),
    "",
    "a",
    "A b",
    "x\n",
    "../x",
    "é" * 300,
    [],
    {},
    ["a", "a"],
    {"": 1},
    [[]],
)


def objections(name, value):
    return list(validator._validator(name).iter_errors(value))


def plain(path):
    root = reader.load_yaml(path.read_bytes(), path.name).root
    assert root is not None
    return root.plain()


def places(value, path=()):
    """Every path of a document."""
    yield path
    if isinstance(value, dict):
        for key, child in value.items():
            yield from places(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from places(child, (*path, index))


def changed(value, path, new):
    """A copy with another value at a path."""
    if not path:
        return new
    result = copy.deepcopy(value)
    inner = result
    for segment in path[:-1]:
        inner = inner[segment]
    inner[path[-1]] = new
    return result


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: f"{p.parent.name}-{p.name}")
def test_it_says_yes_to_what_people_write(path):
    assert accepts(validator.load_schema("mlcc"), plain(path))


def test_it_says_yes_to_locks(tmp_path):
    (tmp_path / "mlcc.yaml").write_text(SMALLEST)
    assert run_mlcc("apply", "-q", cwd=tmp_path).code == 0
    assert accepts(validator.load_schema("lock"), plain(tmp_path / "mlcc.lock"))


def test_it_never_says_yes_where_jsonschema_objects():
    """Every place of the example that shows every key, with every odd value in it, or a key beside it."""
    example = plain(ROOT / "mlcc.example.yaml")
    full, answered_yes, refused = validator.load_schema("mlcc"), 0, 0
    for path in places(example):
        for odd in ODD:
            value = changed(example, path, odd)
            if accepts(full, value):
                answered_yes += 1
                assert not objections("mlcc", value), (path, odd)
            else:
                refused += 1
        parent = example
        for segment in path:
            parent = parent[segment]
        if isinstance(parent, dict):
            value = changed(example, (*path, "surprise"), 1)
            assert not accepts(full, value) or not objections("mlcc", value)
    assert answered_yes > 80, "a test that never sees a yes proves nothing"
    assert refused > 500


SIMPLE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abx-", max_size=3), inner, max_size=4),
    max_leaves=8,
)
KEYWORDS = {
    "type": "object",
    "properties": {
        "a": {"type": ["integer", "string"], "minimum": 0, "maxLength": 2},
        "b": {"enum": [1, True, "x", None]},
    },
    "patternProperties": {"^x": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 9}},
    "additionalProperties": {
        "anyOf": [{"type": "array", "items": {"type": "string"}, "uniqueItems": True}, {"type": "null"}]
    },
    "required": ["a"],
    "maxProperties": 3,
    "minProperties": 1,
}


@given(SIMPLE | st.dictionaries(st.sampled_from(["a", "b", "x", "xb", "ab"]), SIMPLE, max_size=4))
def test_each_keyword(value):
    if accepts(KEYWORDS, value):
        assert Draft7Validator(KEYWORDS).is_valid(value)


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        ({"type": "integer"}, 1, True),
        ({"type": "integer"}, 1, 1.0),
        ({"type": "number"}, 1.0, False),
        ({"type": "boolean"}, True, 1),
        ({"type": "null"}, None, 0),
        ({"enum": [1, "a"]}, 1, True),
        ({"pattern": "^a$(?!\\n)"}, "a", "a\n"),
        ({"items": {"type": "string"}}, ["a"], [1]),
        ({"items": {"type": "string"}}, "no list", [None]),
        ({"items": [{"type": "string"}]}, {}, ["a"]),
        ({"uniqueItems": True}, ["a", "b"], ["a", "a"]),
        ({"uniqueItems": True}, ["a"], [[1]]),
        ({"uniqueItems": False}, [1, 1], None),
        ({"additionalProperties": False}, {}, {"a": 1}),
        ({"properties": {"a": {"type": "string"}}}, {"b": 1}, {"a": 1}),
        ({"required": ["a"]}, {"a": 1}, {}),
        ({"minItems": 1}, [1], []),
        ({"maxItems": 1}, [1], [1, 2]),
        ({"minLength": 1}, "a", ""),
        ({"maxLength": 1}, "a", "ab"),
        ({"minProperties": 1}, {"a": 1}, {}),
        ({"maxProperties": 1}, {"a": 1}, {"a": 1, "b": 2}),
        ({"minimum": 1}, 1, 0),
        ({"maximum": 1}, 1, 2),
        ({"exclusiveMinimum": 1}, 2, 1),
        ({"exclusiveMaximum": 1}, 0, 1),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "a", 1),
        ({"allOf": [{"type": "string"}, {"maxLength": 1}]}, "a", "ab"),
        ({"dependencies": {"a": ["b"]}}, {"a": 1, "b": 1}, {"a": 1}),
        ({"dependencies": {"a": {}}}, {"b": 1}, {"a": 1}),
        ({"x-mlcc": {}, "title": "t"}, 1, None),
    ],
    ids=str,
)
def test_a_keyword(rule, good, bad):
    assert accepts(rule, good)
    if bad is not None:
        assert not accepts(rule, bad)


@pytest.mark.parametrize("keyword", ["not", "if", "oneOf", "contains", "format", "const", "$ref"])
def test_a_keyword_that_it_does_not_know_is_never_a_yes(keyword):
    assert not accepts({keyword: {}}, 1)


def test_the_smallest_file_does_without_jsonschema(mlcc, tmp_path):
    import subprocess
    import sys

    (tmp_path / "mlcc.yaml").write_text(SMALLEST)
    program = "import sys\nfrom mlcc.cli.main import run_command_line\ncode = run_command_line(['validate'])\nassert code == 0 and 'jsonschema' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
