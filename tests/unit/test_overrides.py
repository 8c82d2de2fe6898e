"""Options and variables: read like any document, each with its origin, refused with what to do."""

from __future__ import annotations

import pytest

from mlcc.core.values import Source
from mlcc.load import overrides
from mlcc.load.request import Request


def read(*texts: str, **options: str):
    return overrides.options(Request(texts, {k.replace("__", "."): v for k, v in options.items()}))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("env.A=1", {"env": {"A": "1"}}),
        ("env.A=", {"env": {"A": ""}}),
        ("env.A=a=b", {"env": {"A": "a=b"}}),
        ("deployment.instance_count=2", {"deployment": {"instance_count": 2}}),
        ("seed_files.tests=false", {"seed_files": {"tests": False}}),
        (
            "inference_components[chat].copy_count=2",
            {"inference_components": [{"name": "chat", "copy_count": 2}]},
        ),
    ],
)
def test_what_is_set(text: str, value: object):
    layer, problems = read(text)
    assert not list(problems)
    assert layer is not None
    assert layer.source is Source.OPTION
    assert layer.root.plain() == value


def test_elements_of_one_name_are_one_element():
    layer, problems = read("inference_components[a].copy_count=1", "inference_components[a].gpu_count=2")
    assert not list(problems)
    assert layer is not None
    assert layer.root.plain() == {"inference_components": [{"name": "a", "copy_count": 1, "gpu_count": 2}]}


def test_set_beats_a_generated_option_of_the_same_key():
    layer, _ = read("deployment.region=eu-west-1", deployment__region="us-east-1")
    assert layer is not None
    assert layer.root.plain() == {"deployment": {"region": "eu-west-1"}}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("env.A", "expected path=value"),
        ("deployment.instance_cuont=1", "did you mean deployment.instance_count?"),
        ("=1", "is not a key"),
        ("a..b=1", "is not a key"),
        ("version=1", "is not a key"),
        ("environments.prod.ttl=1d", "is not a key"),
        ("inference_components[0].copy_count=1", "go by their names"),
        ("inference_components[a]=1", "set one of its keys"),
        ("deployment[a].region=x", "is not a key"),
        ("deployment.instance_count=many", "is not a number"),
        ("env.A=\udcff", "lone surrogate"),
        ("env.A=\x00", "NUL"),
    ],
)
def test_what_is_refused(text: str, words: str):
    _, problems = read(text)
    (finding,) = problems
    assert finding.code == "MLCC033"
    assert "env.NAME" not in finding.hint  # the key is right, its value is not
    assert words in f"{finding.message} {finding.hint}"


def test_a_key_and_what_it_holds_cannot_both_be_set():
    layer, problems = read("env={A: 1}", "env.A=2")
    assert layer is None
    assert any("both set" in f.message or "mapping" in f.message for f in problems)


def test_variables_have_their_names_as_origins_and_foreign_ones_are_left_alone():
    layer, problems = overrides.variables({"ML_REGION": "eu-west-1", "ML_FLOW": "x", "PATH": "/bin"})
    assert not list(problems)
    assert layer is not None
    assert layer.source is Source.ENVIRONMENT
    assert layer.root.plain() == {"deployment": {"region": "eu-west-1"}}
    assert layer.root.mark_of(("deployment", "region")).file == "$ML_REGION"


def test_every_wrong_variable_is_reported_at_once():
    _, problems = overrides.variables({"ML_INSTANCE_COUNT": "x", "ML_REGION": "\x1b[2J"})
    found = list(problems)
    assert {f.code for f in found} == {"MLCC023", "MLCC034"}
    assert len(found) == 2
    assert not any("\x1b" in f.message for f in found)


def test_nothing_given_is_no_layer():
    assert overrides.options(Request()) == (None, [])
    assert overrides.variables({}) == (None, [])
