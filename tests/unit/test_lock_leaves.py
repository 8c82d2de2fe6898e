"""Leaves of mlcc.lock: a difference is a line that says alone what it is about."""

from __future__ import annotations

import pytest

from mlcc.plan.lock_leaves import Leaf, leaf_differences

LOCK = """\
version: 1
mlcc: "0.1.0"
registries:
  builtin: "sha256:1"
choices: {}
values:
  ttl: {value: "8h", source: default}
  "inference_components[a].copy_count": {value: 1, source: file}
environments:
  prod:
    values:
      ttl: {value: "2d", source: overlay}
    absent: [env.A]
  dev:
    values: {}
files:
  do/config: {owner: managed, mode: "0644", digest: "sha256:2"}
"""


@pytest.mark.parametrize(
    ("old", "new", "leaves"),
    [
        ('mlcc: "0.1.0"', 'mlcc: "0.2.0"', [Leaf("mlcc", '"0.1.0"', '"0.2.0"')]),
        ("sha256:1", "sha256:9", [Leaf("registries.builtin", '"sha256:1"', '"sha256:9"')]),
        ("choices: {}", "choices: {a: {value: b, for: c}}", [Leaf("choices.a", None, "{value: b, for: c}")]),
        ('value: "8h"', 'value: "9h"', [Leaf("values.ttl", *(f'{{value: "{n}h", source: default}}' for n in "89"))]),
        ("source: overlay", "source: file", [
            Leaf("environments.prod.values.ttl", *(f'{{value: "2d", source: {s}}}' for s in ("overlay", "file"))),
        ]),
        ("absent: [env.A]", "absent: [env.B]", [Leaf("environments.prod.absent", "[env.A]", "[env.B]")]),
        ("  dev:\n    values: {}\n", "", [Leaf("environments.dev", "{}", None)]),
        ("[a].copy_count", "[b].copy_count", [
            Leaf("values.inference_components[a].copy_count", "{value: 1, source: file}", None),
            Leaf("values.inference_components[b].copy_count", None, "{value: 1, source: file}"),
        ]),
        (', digest: "sha256:2"}', ', digest: "sha256:2", executable: true}', [
            Leaf("files.do/config", *(f'{{owner: managed, mode: "0644", digest: "sha256:2"{x}}}' for x in ("", ", executable: true"))),
        ]),
        ("choices: {}", "choices:   {} # layout", []),
    ],
)  # fmt: skip
def test_what_differs_is_named_in_full(old, new, leaves):
    assert old in LOCK
    assert leaf_differences(LOCK.encode(), LOCK.replace(old, new, 1).encode()) == leaves


def test_of_a_lock_that_is_not_there_all_leaves_are_new():
    found = leaf_differences(b"", LOCK.encode())
    assert {leaf.before for leaf in found} == {None}
    assert "files.do/config" in [leaf.path for leaf in found]


@pytest.mark.parametrize("old", [b"<<<<<<< ours\n", b"- a\n", b"\xff", b"a: [\n"])
def test_of_what_is_no_lock_there_are_no_leaves(old):
    assert leaf_differences(old, LOCK.encode()) == []
