"""Node trees as JSON: what comes back equals what was given."""

from __future__ import annotations

import pytest

from mlcc.io import cache
from mlcc.io.yaml import node_json, reader
from tests.helpers import ROOT

TEXTS = (
    "a: 1\nb: [x, 'y', \"z\", ~, null]\n",
    "a: {b: {c: true, d: 1.50, e: .inf, f: 0x1F, g: 1e3}}\n",
    "block: |\n  one\n  two\nfolded: >-\n  three\nempty: ''\nnothing:\n",
    "anchor: &a [1, 2]\nalias: *a\n",
    "- not\n- {a: mapping}\n- []\n- {}\n",
    '"quoted key": "é\\u2028\\U0001F600"\n',
)


@pytest.mark.parametrize("text", TEXTS)
def test_round_trip(text):
    root = reader.load_yaml(text.encode(), "f.yaml").root
    assert root is not None
    assert node_json.load(node_json.dump(root), "f.yaml") == root


@pytest.mark.parametrize("path", sorted((ROOT / "registries").rglob("*.yaml")), ids=lambda p: p.name)
def test_every_registry_file_comes_back(path):
    root = reader.load_yaml(path.read_bytes(), "f.yaml", packaged=True).root
    assert root is not None
    assert node_json.load(node_json.dump(root), "f.yaml") == root


class Dictionary:
    """A memo in memory."""

    def __init__(self):
        self.kept = {}
        self.hits = 0

    def read(self, name):
        self.hits += name in self.kept
        return self.kept.get(name)

    def write(self, name, payload):
        self.kept[name] = payload


def test_a_document_is_parsed_once_whatever_its_name():
    data = (ROOT / "registries/targets.yaml").read_bytes()
    plain = reader.load_yaml(data, "first.yaml", public=True)
    with cache.remembered(Dictionary()) as _:
        pass
    kept = Dictionary()
    with cache.remembered(kept):
        assert reader.load_yaml(data, "first.yaml", public=True) == plain
        assert reader.load_yaml(data, "first.yaml", public=True) == plain
        assert kept.hits == 1
        assert reader.load_yaml(data, "second.yaml", public=True).root.mark.file == "second.yaml"
        assert kept.hits == 2
        reader.load_yaml(data + b"x: y\n", "first.yaml", public=True)
        assert kept.hits == 2
    assert cache.remembering() is None


def test_a_document_with_findings_is_parsed_each_time():
    data = b"a: no\n" + b"# \n" * 1000
    kept = Dictionary()
    with cache.remembered(kept):
        assert (
            reader.load_yaml(data, "f.yaml", public=True).findings
            == reader.load_yaml(data, "f.yaml", public=True).findings
            != ()
        )
    assert not kept.kept


@pytest.mark.parametrize("rubbish", [b"", b"[]", b"{}", b"[1,2]", b"[1,1,1,1,'x']", b"[1,1,1,1,0,9,[[1]]]", b"\xff"])
def test_rubbish_is_a_miss(rubbish):
    data = (ROOT / "registries/targets.yaml").read_bytes()
    kept = Dictionary()
    kept.read = lambda name: rubbish
    with cache.remembered(kept):
        assert reader.load_yaml(data, "f.yaml", public=True) == reader.load_yaml(data, "f.yaml", public=True)
        assert reader.load_yaml(data, "f.yaml", public=True).root.get("kind") is not None


def test_a_users_file_is_never_kept():
    kept = Dictionary()
    with cache.remembered(kept):
        reader.load_yaml((ROOT / "mlcc.example.yaml").read_bytes(), "mlcc.yaml")
    assert not kept.kept
