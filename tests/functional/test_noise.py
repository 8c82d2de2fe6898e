"""Other words for the same mlcc.yaml change nothing: no value, and no file.

The full figure is in tests/stress/test_noise.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers import SMALLEST, applied, build_tree
from tests.noise import chosen, documents, noise, same_meaning
from tests.rewrites import Rewriting, rewriting

HERE = Path()
# other ones than those of `make stress`
NUMBERS = range(10_000, 10_006)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_rewritten_file_changes_nothing(mlcc, number):
    name, text = chosen(number)
    made = rewriting(text, number)
    assert same_meaning(text, made), made.text.decode()
    applied(HERE, text)
    assert noise(mlcc, HERE, made) == [], (name, made.kind, made.text.decode())


def test_another_meaning_is_reported(mlcc):
    """Else the tests of noise would compare nothing."""
    text = "version: 1\nproject: {name: iris}\ndeployment: {config: http-fastapi, instance_count: 2}\nenv: {A: b}\n"
    applied(HERE, text)
    for old, new in (("count: 2", "count: 3"), ("A: b", "A: B"), ("A: b", "A: 'b '"), ("env: {A: b}\n", "")):
        made = Rewriting("other", text.replace(old, new).encode())
        assert not same_meaning(text, made)
        assert any(line.startswith("value ") for line in noise(mlcc, HERE, made)), new


def test_documents_of_all_architectures_are_rewritten():
    configs = [text.partition("config: ")[2] for _, text in documents()]
    for architecture in ("http-", "transformers-", "triton-", "diffusors-"):
        assert sum(config.startswith(architecture) for config in configs) > 2
    assert len(documents()) > 100


def test_the_order_of_keys_within_a_list_means_nothing(mlcc):
    """The elements of some lists are mappings that are kept as they are written, down to the manifest."""
    text = (
        "version: 1\nproject: {name: iris}\ndeployment: {config: http-fastapi, target: hyperpod-eks}\n"
        "hyperpod: {cluster: c, overrides: {worker: {environmentVariables: [{name: A, value: a}]}}}\n"
    )
    applied(HERE, text)
    build_tree(HERE, {"mlcc.yaml": text.replace("{name: A, value: a}", "{value: a, name: A}")})
    assert mlcc("apply", "--check", code=0).stdout == "nothing to do\n"


@pytest.mark.parametrize("key", ["ttl: 8h", "deployment: {instance_count: 1}", "seed_files: {tests: true}"])
def test_a_default_that_is_written_out_changes_its_source_alone(mlcc, key):
    applied(HERE, SMALLEST)
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "extends: more.yaml\n", "more.yaml": key + "\n"})
    document = json.loads(mlcc("plan", "-o", "json", code=0).stdout)
    assert document["values"] == []
    assert [c["path"] for c in document["changes"] if c["action"] != "unchanged"] == ["mlcc.lock"]
