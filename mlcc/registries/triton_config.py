"""The fields of config.pbtxt, as NVIDIA's protobuf has them.  Law: nodes in, frozen records out; read on first need.

config.pbtxt is written and read by this table alone: a field that a later Triton has is a line of triton_config.yaml.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.io import packaged
from mlcc.io.yaml import reader

FILE = "triton_config.yaml"
ROOT = "ModelConfig"
INTEGERS = {"int32": (-(2**31), 2**31), "int64": (-(2**63), 2**63), "uint32": (0, 2**32), "uint64": (0, 2**64)}
FLOATS = ("double", "float")


class Field(NamedTuple):
    """A field of a message.

    type: of a value, or of each value where there are several: a scalar's, an enumeration's or a message's name;
    repeated: it is a list; key: the type of the keys, where it is a map.
    """

    name: str
    type: str
    repeated: bool = False
    key: str = ""


class Table(NamedTuple):
    """Every message with its fields by name; every enumeration with its words; fields that exclude one another."""

    messages: Mapping[str, Mapping[str, Field]]
    enums: Mapping[str, tuple[str, ...]]
    choices: Mapping[str, tuple[tuple[str, ...], ...]]


@functools.cache
def table() -> Table:
    """The packaged table."""
    loaded = reader.load_yaml(packaged.read("registries", FILE), FILE, public=True, packaged=True)
    assert loaded.root is not None, loaded.findings
    document: Mapping[str, Any] = loaded.root.plain()
    messages = {
        message: {name: _field(name, kind) for name, kind in fields.items()}
        for message, fields in document["messages"].items()
    }
    choices = {name: tuple(map(tuple, groups)) for name, groups in document["choices"].items()}
    return Table(messages, {name: tuple(words) for name, words in document["enums"].items()}, choices)


def _field(name: str, kind: str) -> Field:
    words = kind.split(" ")
    return Field(name, words[-1], words[0] == "repeated", words[1] if words[0] == "map" else "")
