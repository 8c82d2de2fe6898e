"""Paths, nodes and the one precedence."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.core.nodes import Mark, Node, node_of
from mlcc.core.paths import Item, format_path, parse_path, sections
from mlcc.core.values import SOURCE_TITLES, Source

NAME = string.ascii_letters + "_"
PLAIN = st.builds(str.__add__, st.sampled_from(NAME), st.text(NAME + string.digits + "-", max_size=20))
ITEM = st.builds(Item, st.text(string.ascii_letters + string.digits + "-_./: ", min_size=1, max_size=20))
SEGMENTS = st.lists(st.one_of(PLAIN, st.text(st.characters(exclude_categories=["Cs"]), max_size=20), ITEM), max_size=6)


@given(PLAIN, SEGMENTS)
def test_parse_path_is_the_inverse_of_format_path(first, rest):
    path = (first, *rest)
    assert parse_path(format_path(path)) == path


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("deployment", "region"), "deployment.region"),
        (("env", "A"), "env.A"),
        (("inference_components", Item("chat"), "copy_count"), "inference_components[chat].copy_count"),
        (("triton", "models", Item("a"), "inputs", Item("x/y:0")), "triton.models[a].inputs[x/y:0]"),
        (("tags", "cost center"), 'tags["cost center"]'),
        (("tags", ""), 'tags[""]'),
        (("tags", 'a"b]'), 'tags["a\\"b]"]'),
        (("build", "requirements", 3), "build.requirements[3]"),
    ],
)
def test_paths_read_like_this(path, text):
    assert format_path(path) == text


@pytest.mark.parametrize(
    "text", ["", "a..b", ".a", ".", "a.", '.["a"]', "a b", "a[", "a[]", "a[b", 'a["b]', "a]", "1a", "a.1b", 'a["\\x"]']
)
def test_what_is_not_a_path_is_refused(text):
    assert parse_path(text) is None


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_parse_path_answers_for_any_text(text):
    parsed = parse_path(text)
    assert parsed is None or all(isinstance(s, (str, Item)) for s in parsed)


def test_a_long_path_is_parsed_in_linear_time():
    assert parse_path(".".join(["a"] * 100_000)) == ("a",) * 100_000


def test_sections_are_the_proper_prefixes_longest_first():
    assert list(sections(("a", "b", "c"))) == [("a", "b"), ("a",)]
    assert list(sections(("a",))) == []


# ---------------------------------------------------------------- the precedence
def test_the_precedence_is_the_nine_levels_in_order():
    assert [(s.label, s.level) for s in sorted(Source)] == [
        ("option", 1),
        ("argument", 2),
        ("environment", 3),
        ("config-file", 4),
        ("overlay", 5),
        ("file", 5),
        ("base", 5),
        ("workspace", 5),
        ("manifest", 6),
        ("picker", 7),
        ("model-profile", 8),
        ("model", 8),
        ("framework-profile", 8),
        ("framework", 8),
        ("deployment-config", 8),
        ("default", 9),
    ]


@pytest.mark.parametrize("source", list(Source))
def test_only_what_is_in_the_repository_counts_as_committed(source):
    assert source.committed == (source.level in (5, 6, 8, 9))


def test_every_source_has_a_title():
    assert set(SOURCE_TITLES) == set(Source)


# ---------------------------------------------------------------- nodes
def tree() -> Node:
    a, b = Node(1, Mark("f", 1, 4), text="1"), Node("x", Mark("f", 3, 5), text="x")
    items = Node((b,), Mark("f", 3, 3))
    return Node({"a": a, "list": items}, Mark("f", 1, 1), keys={"a": Mark("f", 1, 1), "list": Mark("f", 2, 1)})


@pytest.mark.parametrize(
    ("path", "value"),
    [((), {"a": 1, "list": ["x"]}), (("a",), 1), (("list", 0), "x"), (("list",), ["x"])],
)
def test_get_finds_nodes(path, value):
    found = tree().get(*path)
    assert found is not None
    assert found.plain() == value


@pytest.mark.parametrize("path", [("b",), ("a", "b"), ("list", 1), ("list", -1), ("list", "0"), (0,), ("a", 0)])
def test_get_answers_none_for_what_is_not_there(path):
    assert tree().get(*path) is None


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("a",), 1),
        (("list",), 2),
        (("list", 0), 3),
        (("list", 7), 2),
        (("list", 0, "deeper"), 3),
        (("no",), 1),
        ((), 1),
    ],
)
def test_mark_of_is_the_key_s_place_or_the_nearest_ancestor_s(path, line):
    assert tree().mark_of(path).line == line


def test_node_of_puts_everything_at_one_mark():
    node = node_of({"a": [1, "x", {"b": True}], "c": None}, Mark("--set a"))
    assert node.plain() == {"a": [1, "x", {"b": True}], "c": None}
    assert str(node.mark_of(("a", 2, "b"))) == "--set a"
    assert node.get("a", 0).text == "1"


def test_a_mark_shows_its_line_only_when_it_has_one():
    assert (str(Mark("f", 3, 4)), str(Mark("f"))) == ("f:3", "f")


def test_values_are_frozen():
    with pytest.raises(AttributeError):
        Mark("f").line = 2
