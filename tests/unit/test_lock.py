"""mlcc.lock: written and read back; hostile locks are findings, never crashes."""

from __future__ import annotations

import pytest
import yaml as pyyaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mlcc.core.errors import UserError
from mlcc.core.paths import Item
from mlcc.core.tree import MANAGED, REMOVED, SEED, Record, digest
from mlcc.core.values import Source
from mlcc.core.version import VERSION
from mlcc.io.yaml import writer
from mlcc.load.layers import node_layer
from mlcc.plan import lock
from mlcc.plan.lock import Lock, Locked
from tests.fakes import resolved
from tests.helpers import codes

TEXT = """\
version: 1
project: {name: iris, description: "a: 'b' #c"}
deployment: {config: web-one}
framework: {name: trees}
env: {A: "1", B: "2"}
tags: {"cost center": x}
inference_components: [{name: chat}]
environments:
  prod: {env: {A: "9"}, ttl: 1h}
  dev: {}
"""
FILES = {
    "Dockerfile": Record(MANAGED, 0o644, digest(b"a")),
    "do/build": Record(MANAGED, 0o755, digest(b"b"), digest(b"c")),
    "do/config": Record(MANAGED, 0o644, digest(b"b"), REMOVED),
    "code/app.py": Record(SEED, 0o644, digest(b"d")),
    "do/push": Record(MANAGED, 0o755, digest(b"b"), executable=False),
}


def dumped() -> bytes:
    environments = {name: resolved(TEXT, env=name) for name in ("prod", "dev")}
    return lock.lock_bytes(resolved(TEXT), environments, {"builtin": "sha256:00"}, FILES)


def test_what_is_dumped_is_read_back():
    found = lock.read_lock(dumped())
    assert found.registries == {"builtin": "sha256:00"}
    assert found.files == FILES
    assert found.environment(None) == {p: v.value for p, v in resolved(TEXT).values.items()}
    for name in ("prod", "dev"):
        assert found.environment(name) == {p: v.value for p, v in resolved(TEXT, env=name).values.items()}
    assert found.values[("tags", "cost center")] == Locked("x", "file")
    assert found.values[("inference_components", Item("chat"), "copy_count")] == Locked(1, "default")


def test_every_yaml_reader_reads_it():
    plain = pyyaml.safe_load(dumped())
    assert plain["version"] == 1
    assert plain["values"]["project.description"] == {"value": "a: 'b' #c", "source": "file"}
    assert plain["environments"]["dev"] == {"values": {}}
    assert set(plain["environments"]["prod"]["values"]) == {"env.A", "ttl"}
    assert plain["files"]["do/build"]["mode"] == "0755"


def test_the_same_input_gives_the_same_bytes():
    assert dumped() == dumped()
    body = dumped().partition(b"\n")[2]
    assert b"mlcc.yaml" not in body, "no origins"
    assert b"test0" not in body, "no places in registries"


def test_a_leaf_that_an_environment_takes_away_is_recorded():
    chosen = resolved(TEXT.replace('env: {A: "1", B: "2"}', 'env: {A: "1"}'))
    found = lock.read_lock(lock.lock_bytes(resolved(TEXT), {"prod": chosen}, {"builtin": "x"}, FILES))
    assert ("env", "B") in found.environment(None)
    assert ("env", "B") not in found.environment("prod")


def test_an_unknown_environment_is_the_default_one():
    found = lock.read_lock(dumped())
    assert found.environment("nope") == found.environment(None)


ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


@settings(max_examples=30)
@given(st.dictionaries(ANY.filter(bool), ANY, max_size=4))
def test_any_text_survives_the_lock(tags):
    full = resolved(TEXT, node_layer(Source.OPTION, {"tags": tags}, "--set"))
    found = lock.read_lock(lock.lock_bytes(full, {}, {"builtin": "x"}, FILES))
    assert {p[1]: v.value for p, v in found.values.items() if p[0] == "tags" and p[1] in tags} == tags


def test_empty_tables_are_read_back():
    assert lock.read_lock(lock.lock_bytes(resolved(TEXT), {}, {}, {})).files == {}


HEAD = "version: 1\nfiles: {}\n"
HOSTILE = {
    "empty": "",
    "text": "not a lock",
    "a list": "- a\n",
    "no version": "files: {}\n",
    "no files": "version: 1\n",
    "version as text": "version: '1'\nfiles: {}\n",
    "version true": "version: true\nfiles: {}\n",
    "unknown key": HEAD + "more: 1\n",
    "truncated": "version: 1\nfiles:\n  a: {owner: man",
    "conflict markers": "<<<<<<< HEAD\nversion: 1\n=======\n",
    "files are a list": "version: 1\nfiles: []\n",
    "a file is text": "version: 1\nfiles: {a: b}\n",
    "owner unknown": "version: 1\nfiles: {a: {owner: root, mode: '0644', digest: x}}\n",
    "mode is a number": "version: 1\nfiles: {a: {owner: managed, mode: 420, digest: x}}\n",
    "mode is large": "version: 1\nfiles: {a: {owner: managed, mode: '7777', digest: x}}\n",
    "mode with a newline": 'version: 1\nfiles: {a: {owner: managed, mode: "0644\\n", digest: x}}\n',
    "digest is missing": "version: 1\nfiles: {a: {owner: managed, mode: '0644'}}\n",
    "digest is a list": "version: 1\nfiles: {a: {owner: managed, mode: '0644', digest: [x]}}\n",
    "digest is long": f"version: 1\nfiles: {{a: {{owner: managed, mode: '0644', digest: {'x' * 100}}}}}\n",
    "values are text": HEAD + "values: x\n",
    "a value without a source": HEAD + "values: {a.b: {value: 1}}\n",
    "a source is a list": HEAD + "values: {a.b: {value: 1, source: []}}\n",
    "environments are text": HEAD + "environments: x\n",
    "an environment is text": HEAD + "environments: {prod: x}\n",
    "absent is text": HEAD + "environments: {prod: {absent: x}}\n",
    "absent of lists": HEAD + "environments: {prod: {absent: [[a]]}}\n",
    "registries are a list": HEAD + "registries: [a]\n",
    "mlcc is a list": HEAD + "mlcc: [a]\n",
    "tag": HEAD + "values: !!python/object/apply:os.system [id]\n",
    "merge key": HEAD + "x: &x {}\nvalues: {<<: *x}\n",
    "deep": HEAD + "values: {a.b: {source: file, value: " + "[" * 40 + "]" * 40 + "}}\n",
    "twins": HEAD + "values: {a.b: {value: 1, source: file}, a.b: {value: 2, source: file}}\n",
    "NUL": HEAD + "mlcc: \0\n",
    "not UTF-8": "\udcff",
}


@pytest.mark.parametrize(
    ("text", "reported", "hint"),
    [
        ("version: 2\nfiles: {}\n", "has format 2", "upgrade mlcc; the lock stays"),
        ("version: 2\nparts: [a]\n", "a newer mlcc wrote it", "upgrade mlcc; the lock stays"),
        (HEAD + 'mlcc: "9.9.9"\nmore: 1\n', "written by mlcc 9.9.9, newer than this", "upgrade mlcc; the lock stays"),
        (HEAD + "more: 1\n", "cannot be read", "upgrade mlcc if a newer one wrote it; else"),
        (HEAD + "values: x\n", "cannot be read", "bring mlcc.lock back from Git"),
        ("version: 0\nfiles: {}\n", "cannot be read", "bring mlcc.lock back from Git"),
        ("<<<<<<< HEAD\n=======\n>>>>>>> x\n", "a merge of two branches", "mlcc apply settles it"),
    ],
)
def test_a_lock_of_a_newer_mlcc_is_called_so(text, reported, hint):
    with pytest.raises(UserError) as caught:
        lock.read_lock(text.encode())
    first = caught.value.findings[0]
    assert (first.code, first.file) == ("MLCC205", "mlcc.lock")
    assert reported in first.message
    assert caught.value.findings[0].hint.startswith(hint)


@pytest.mark.parametrize(
    ("version", "newer"),
    [("9.9.9", True), ("0.1.1", True), ("1.0rc1", True), (VERSION, False), ("0.0.9", False), ("", False), ("x", False)],
)
def test_a_lock_that_a_newer_mlcc_wrote_in_this_format_is_a_warning(version, newer):
    assert codes(lock.outdated_lock(lock.read_lock(f'{HEAD}mlcc: "{version}"\n'.encode()))) == ["MLCC222"] * newer


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_lock_is_a_finding(name):
    with pytest.raises(UserError) as caught:
        lock.read_lock(HOSTILE[name].encode("utf-8", "surrogateescape"))
    first = caught.value.findings[0]
    assert (first.code, first.file) == ("MLCC205", "mlcc.lock")
    assert "Git" in first.hint
    assert len(caught.value.findings) > 1, "what is wrong is reported too"


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "values: {'': {value: 1, source: file}, 'a..b': {value: 1, source: x}, '[': {value: 1, source: x}}\n",
        HEAD + "environments: {'../../x': {absent: ['', '..']}}\n",
        "version: 1\nfiles: {'../../etc/passwd': {owner: managed, mode: '0644', digest: x}}\n",
        "version: 1\nfiles: {mlcc.lock: {digest: x}}\n",
        HEAD + "values: {a.b: {value: {c: [1, {}]}, source: nonsense}, c.d: {value: null, source: file}}\n",
    ],
)
def test_odd_locks_are_read_as_far_as_they_make_sense(text):
    assert isinstance(lock.read_lock(text.encode()), Lock)


def test_a_file_without_a_mode_is_a_finding():
    with pytest.raises(UserError):
        lock.read_lock(b"version: 1\nfiles: {a: {owner: managed, digest: x}}\n")


def read(data: bytes) -> str:
    """`lock`, or the code of what is wrong."""
    try:
        return "lock" if isinstance(lock.read_lock(data), Lock) else "neither"
    except UserError as refused:
        return refused.findings[0].code


@given(st.binary(max_size=200))
def test_any_bytes_are_a_lock_or_a_finding(data):
    assert read(data) in ("lock", "MLCC205")


LOCKISH = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(0, 2), st.sampled_from(["a", "managed", "0644", "file", ""])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(
            st.sampled_from(["value", "source", "owner", "mode", "digest", "edited", "absent", "values", "a.b"]),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["values", "files", "environments", "registries", "mlcc"]), LOCKISH))
def test_any_shape_is_a_lock_or_a_finding(parts):
    text = writer.dump({"version": 1, "files": {}, **parts})
    assert read(text.encode()) in ("lock", "MLCC205")
