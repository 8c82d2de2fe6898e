"""Changing one value of a document, everything else kept."""

from __future__ import annotations

import io

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from mlcc.core.errors import UserError
from mlcc.core.paths import Item
from mlcc.io.yaml import reader
from mlcc.load.edit import change, comment_above

COMMENTED = """\
# top
version: 1
project:
  name: iris # its name
deployment:   # where
  config: http-flask
  instance_type: "ml.m5.xlarge"
inference_components:
  # the chat
  - name: chat
    copy_count: 1 # copies
# end
"""


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        (("project", "name"), "moon", "name: iris # its name", "name: moon # its name"),
        (("deployment", "instance_type"), "ml.c5.large", 'instance_type: "ml.m5.xlarge"', "instance_type: ml.c5.large"),
        (("inference_components", Item("chat"), "copy_count"), 3, "copy_count: 1 # copies", "copy_count: 3 # copies"),
        (("deployment", "config"), None, "  config: http-flask\n", ""),
    ],
)
def test_an_edit_changes_one_line_and_keeps_the_rest(path, value, old, new):
    assert old in COMMENTED
    assert change(COMMENTED, path, value) == COMMENTED.replace(old, new)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("env", "A"), "b", {"A": "b"}),
        (("network", "subnets"), ["subnet-1", "subnet-2"], {"subnets": ["subnet-1", "subnet-2"]}),
        (("adapters", Item("legal"), "base"), "chat", [{"name": "legal", "base": "chat"}]),
    ],
)
def test_an_edit_makes_what_is_absent(path, value, expected):
    text = change(COMMENTED, path, value)
    assert pyyaml.safe_load(text)[path[0]] == expected
    assert [line for line in COMMENTED.splitlines() if "#" in line] == [
        line for line in text.splitlines() if "#" in line
    ]


def test_an_edit_adds_an_element_beside_the_others():
    text = change(COMMENTED, ("inference_components", Item("rank"), "copy_count"), 2)
    assert pyyaml.safe_load(text)["inference_components"] == [
        {"name": "chat", "copy_count": 1},
        {"name": "rank", "copy_count": 2},
    ]


def test_removing_what_is_absent_changes_nothing():
    assert change(COMMENTED, ("deployment", "region"), None) == COMMENTED


def test_removing_below_an_absent_section_changes_nothing():
    assert change(COMMENTED, ("network", "isolation"), None) == COMMENTED


@pytest.mark.parametrize("value", ["yes", "on", "1:30", "012", "0x1F", "1_000", "2024-01-01", "null", "3"])
def test_an_edited_text_is_read_back_as_that_text(value):
    loaded = reader.load_yaml(change(COMMENTED, ("env", "A"), value).encode(), "f.yaml")
    assert loaded.root.get("env", "A").value == value
    assert not loaded.findings


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30))
def test_any_edited_text_is_read_back(value):
    text = change("a: 1\n", ("b",), value)
    assert YAML(typ="safe", pure=True).load(io.StringIO(text)) == {"a": 1, "b": value}


@pytest.mark.parametrize(
    ("text", "path", "value", "expected"),
    [
        ("a: 1", ("b",), 2, "a: 1\n\nb: 2\n"),
        ("a:\n    b: 1 # x\nc: 2\n", ("a", "d"), 3, "a:\n    b: 1 # x\n    d: 3\nc: 2\n"),
        ("a: {b: 1}\n", ("a", "b"), 2, "a: {b: 2}\n"),
        ("a: 1 # one\n# two\nb: 2\n", ("a",), None, "# two\nb: 2\n"),
        ("a: [1, 2]\nb: 3\n", ("a",), None, "b: 3\n"),
        (
            "l:\n- name: x\n  n: 1\n- name: y\n  n: 2\n",
            ("l", Item("y"), "n"),
            5,
            "l:\n- name: x\n  n: 1\n- name: y\n  n: 5\n",
        ),
        ("a: 'x' # keep\n", ("a",), "no", 'a: "no" # keep\n'),
        ("p: {s: [x]} # keep\n", ("p", "s"), ["v", "z"], "p: {s: [v, z]} # keep\n"),
        ("p:\n  s: [x] # keep\nb: 1\n", ("p", "s"), ["v"], "p:\n  s: [v] # keep\nb: 1\n"),
        ("p: [\n  x,\n  y,\n] # keep\nb: 1\n", ("p",), ["z"], "p: [z] # keep\nb: 1\n"),
        ("p:\n  - x\nb: 1\n", ("p",), ["v", "z"], "p:\n  - v\n  - z\nb: 1\n"),
    ],
)
def test_changes_are_as_small_as_they_can_be(text, path, value, expected):
    assert change(text, path, value) == expected


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("project", "name"), "moon"),
        (("ttl",), "2d"),
        (("deployment", "region"), "us-east-1"),
        (("deployment", "config"), None),
        (("network", "subnets"), ["subnet-1"]),
        (("inference_components", Item("rank"), "copy_count"), 2),
        (("inference_components", Item("chat"), "copy_count"), None),
        (("inference_components", Item("chat")), None),
    ],
)
def test_line_ends_and_a_byte_order_mark_stay(path, value, line_end, mark):
    def written(text: str) -> str:
        return mark + text.replace("\n", line_end)

    text = COMMENTED.replace("# end", "").rstrip()
    for before in (COMMENTED, text):
        try:
            expected = written(change(before, path, value))
        except UserError:
            with pytest.raises(UserError):
                change(written(before), path, value)
        else:
            assert change(written(before), path, value) == expected


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("deployment", "config"), 0),
        (("inference_components", Item("chat")), 9),
        (("inference_components", Item("chat"), "copy_count"), 0),
        (("version",), 1),
        (("ttl",), 0),
        (("network", "subnets"), 0),
    ],
)
def test_the_comment_above_a_key_is_found(path, line):
    assert comment_above(COMMENTED, path) == line
    assert comment_above("\ufeff" + COMMENTED.replace("\n", "\r\n"), path) == line


@pytest.mark.parametrize(
    "text", ["a: &x 1\nb: *x\n", "a: >-\n  folded\n  text\nb: 2\n", "a: [\n  1,\n  2,\n]\nb: 2\n", "{a: 1, b: 2}\n"]
)
@pytest.mark.parametrize("value", [7, "seven", ["x", "y"], None])
def test_awkward_layouts_are_changed_right_or_refused(text, value):
    before = pyyaml.safe_load(text)
    wanted = {**before, "a": value} if value is not None else {"b": before["b"]}
    try:
        after = change(text, ("a",), value)
    except UserError as refused:
        found: object = [f.code for f in refused.findings]
    else:
        found = pyyaml.safe_load(after)
    assert found in (wanted, ["MLCC219"])


@pytest.mark.parametrize(
    ("path", "value"),
    [(("project", "name", "deeper"), "x"), (("project", Item("x"), "y"), 1), (("inference_components", "x"), 1)],
)
def test_a_path_that_does_not_fit_the_document_is_refused(path, value):
    with pytest.raises(UserError):
        change(COMMENTED, path, value)


def test_a_named_element_is_removed():
    assert (
        pyyaml.safe_load(change(COMMENTED, ("inference_components", Item("chat")), None))["inference_components"] == []
    )


FLOW_COMMENTS = """\
tags: {
  team: a,     # who pays
  cost: "b # no comment",
}   # end
test:
  payload: |   # two flowers
    {"a": 1} # no comment either
"""


def test_a_change_that_would_lose_a_comment_about_another_key_is_refused():
    with pytest.raises(UserError, match="cannot be changed here"):
        change(FLOW_COMMENTS, ("test", "payload"), "x")


@pytest.mark.parametrize("comment", ["# who pays", "# end"])
def test_a_change_that_is_small_enough_keeps_every_comment(comment):
    assert comment in change(
        FLOW_COMMENTS.replace("|   # two", "x   # two").partition('    {"a"')[0], ("test", "payload"), "y"
    )
