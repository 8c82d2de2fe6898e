"""The section of choices in mlcc.lock: what is no choice is left out, and nothing raises (load/lock_choices)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.core.paths import dotted_path
from mlcc.core.values import HeldChoice
from mlcc.io.disk.reader import Directory
from mlcc.load.lock_choices import choices_of, of_environment, read_choices
from mlcc.plan.lock import lock_bytes, read_lock, with_choices
from tests.fakes import registries, resolved

GOOD = b"""version: 1
mlcc: "0.1.0"
choices:
  framework.version: {value: "2.0", for: trees}
  engine.tensor_parallel_size: {value: 4, for: "m on i"}
  environments.prod.framework.version: {value: "1.0", for: trees}
values: {}
files: {}
"""
VERSION = dotted_path("framework.version")


@pytest.mark.parametrize("data", [GOOD, GOOD.replace(b"\n", b"\r\n")], ids=["lf", "crlf"])
def test_choices_are_read_by_environment(data):
    found = choices_of(data)
    assert of_environment(found, None) == {
        VERSION: HeldChoice("2.0", "trees"),
        dotted_path("engine.tensor_parallel_size"): HeldChoice(4, "m on i"),
    }
    assert of_environment(found, "prod")[VERSION] == HeldChoice("1.0", "trees")
    assert of_environment(found, "dev") == of_environment(found, None)


@pytest.mark.parametrize(
    "section",
    [
        b"",
        b"choices: {}\n",
        b"choices: 7\n",
        b"choices: [a]\n",
        b"choices:\n",
        b"choices:\n  framework.version: x\n",
        b"choices:\n  framework.version: {value: 1}\n",
        b"choices:\n  framework.version: {value: [1], for: a}\n",
        b"choices:\n  framework.version: {value: 1.5, for: a}\n",
        b"choices:\n  framework.version: {value: a, for: 1}\n",
        b"choices:\n  framework.version: {value: a, for: b, more: c}\n",
        b"choices:\n  ..: {value: a, for: b}\n",
        b"choices:\n  a: {value: a, for: b}\n  a: {value: c, for: b}\n",
        b"choices:\n  a: *b\n",
        b"choices:\n  \xff: 1\n",
        b"choices:\n<<<<<<< HEAD\n  a: {value: a, for: b}\n=======\n>>>>>>> x\n",
    ],
)
def test_what_is_no_choice_is_left_out(section):
    assert not choices_of(b"version: 1\n" + section + b"files: {}\n")


@given(st.binary(max_size=200))
def test_nothing_that_a_lock_holds_raises(data):
    choices_of(b"choices:\n  framework.version: {value: " + data + b", for: x}\n" + data)


def test_a_folder_without_a_readable_lock_holds_none(tmp_path):
    with Directory(str(tmp_path)) as target:
        assert not read_choices(target)
        (tmp_path / "mlcc.lock").symlink_to("/etc/passwd")
        assert not read_choices(target)


TEXT = "version: 1\nproject: {name: p}\ndeployment: {config: web-one}\nframework: {name: trees}\n"


def test_what_is_written_is_read_again():
    default = resolved(TEXT, known=registries())
    data = lock_bytes(default, {}, {}, {})
    expected = {path: HeldChoice(c.value, c.context) for path, c in default.choices.items()}
    assert choices_of(data) == expected
    read_lock(data)


def test_choices_are_replaced_and_all_else_stays():
    chosen = resolved(TEXT.replace("framework: {name: trees}", "framework: {name: nets}"))
    data = lock_bytes(resolved(TEXT), {}, {"a": "b"}, {})
    moved = with_choices(data, chosen, {})
    assert choices_of(moved)[VERSION] == HeldChoice("1.0", "nets")
    assert with_choices(moved, resolved(TEXT), {}) == data
    older = data[: data.index(b"choices:")] + data[data.index(b"values:") :]
    assert with_choices(older, resolved(TEXT), {}) == data, "an earlier release wrote no choices"
