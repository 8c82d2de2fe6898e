"""A plain document is read by the parser in C, which answers as the parser in Python does (docs/adr/0021; G18)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mlcc.core.nodes import Node
from mlcc.io.yaml import reader
from tests.stress.faults import figure

LOCK = """# Written by mlcc apply; commit it.
version: 1
mlcc: 0.1.0
registries:
  builtin: "sha256:0ab1"
  "own root": x
choices:
  engine.tensor_parallel_size: {value: 4, for: "m on i"}
values:
  env.A: {value: "it's: \\"a\\\\n\\" #x", source: 'set'}
  network.subnets: {value: [subnet-1, "s 2"], source: file}
  t: {value: null, source: registries}
environments:
  prod:
    values: {}
    absent: [a.b, c]
files:
  "do/a b": {owner: managed, mode: "0644", digest: "sha256:1", edited: removed}
"""
# What people write, in the forms that they use.
WRITTEN = """# our churn model
version: 1

project:
    name: churn-1   # the endpoint's name
    description: 'it''s ours'
deployment: {config: http-fastapi,
             region: eu-west-1}
build:
  requirements:
  - pandas==2.2.3
  -   "numpy>=1.26,<3"
env:
    A: 7.5
    "B C": "two
      lines"
    C: plain a*b&c!d@e.f|g 5%
      over lines
inference_components:
  - name: chat
    copy_count: 2
    env: {}
  -
    name: x
environments:
  prod:

    deployment: {instance_type: ml.g5.xlarge}
"""
BASES = {"lock": LOCK, "mlcc.yaml": WRITTEN}
SIGNS = "\n \"#$'()+,-./0159:;<=>AZ[\\]^_aeintxz{}~%&*!@|"
PARTS = (
    "\n", "\n  ", ": ", "- ", "? ", "{a: b}", "[a, b]", '"a":b', "a:b", "''", '""', "\\x41", '"\\u0041"', '"a\\\n  b"', "# x\n",
    "\n\n\n", "  a: 1\n", ":", "::", " #", "{", "}", ",", "[", "]", "~", "null", "\\", "---\n", "...\n", "&a ", "*a", "!x ", "\t", "é", "%",
)  # fmt: skip


def read(text: str) -> tuple[Any, ...]:
    """All that is known of a document."""
    loaded = reader.load_yaml(text.encode(), "f.yaml")
    nodes = list(nodes_of(loaded.root)) if loaded.root is not None else []
    return loaded.findings, [(n.plain(), n.mark, n.text, n.style, n.end, dict(n.keys)) for n in nodes]


def nodes_of(node: Node) -> Iterator[Node]:
    yield node
    for child in node.value.values() if node.is_map else node.value if node.is_list else ():
        yield from nodes_of(child)


def changed(text: str, chance: random.Random) -> str:
    """A text in which some signs are others, or gone, or more."""
    for _ in range(chance.randrange(1, 4)):
        at, way = chance.randrange(len(text)), chance.random()
        added = chance.choice(SIGNS) if way < 0.7 else chance.choice(PARTS)
        gone = chance.randrange(1, 4) if 0.3 < way < 0.5 else int(way < 0.2)
        text = text[:at] + added * (way > 0.4 or way < 0.3) + text[at + gone :]
    return text


@pytest.fixture
def without_c(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[Any, ...]]:
    """Reads a text by the parser in Python, as on a machine without the other."""

    def reading(text: str) -> tuple[Any, ...]:
        with monkeypatch.context() as changes:
            changes.setattr(reader, "_parser_in_c", lambda text: None)
            return read(text)

    return reading


@pytest.mark.parametrize("chunk", range(figure(20, 1)))
@pytest.mark.parametrize("base", BASES)
def test_a_changed_document_is_read_alike(base: str, chunk: int, without_c: Callable[[str], tuple[Any, ...]]) -> None:
    chance, plain = random.Random(f"parsers {chunk}"), 0
    for _ in range(figure(1000, 100)):
        text = changed(BASES[base], chance)
        plain += reader._is_plain(text)
        assert read(text) == without_c(text), text
    assert plain > figure(400, 33)


@pytest.mark.parametrize(
    "text", ["a: %x\n", "a: &x 1\n", "a: *x\n", "a: !x 1\n", "a: |\n  x\n", "a: >\n  x\n", "--- 1\n", "a: 1\n...\n", "a: '\t'\n", "a: b >\n", "a: (*x\n",
             "a: é\n", "a: 1\r\n", "{'a':1}\n", '{"a":1}\n', "? a\n", "@a: 1\n", "`a: 1\n", "a: \x85\n"],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_the_parser_in_python(text: str) -> None:
    assert not reader._is_plain(text)


@pytest.mark.parametrize("base", BASES)
def test_the_parser_in_c_is_used(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the test above would compare nothing."""
    used = []
    real = reader._parser_in_c
    monkeypatch.setattr(reader, "_parser_in_c", lambda text: used.append(text) or real(text))
    assert reader.load_yaml(BASES[base].encode(), "f.yaml").root is not None
    assert used == [BASES[base]]
