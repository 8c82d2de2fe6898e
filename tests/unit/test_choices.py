"""What a registry chose stays while a registry still offers it, and the lock is believed no further (resolve/choices)."""

from __future__ import annotations

import pytest

from mlcc.core.paths import dotted_path, format_path
from mlcc.core.values import HeldChoice, Scalar, Source
from mlcc.load import document
from mlcc.registries.loader import Registries
from mlcc.resolve.choices import Choices, newer_choices
from mlcc.resolve.resolver import resolve_layers
from mlcc.resolve.result import Resolved
from tests.fakes import Over, layer, read, registries
from tests.helpers import codes, only
from tests.unit.test_instances import LARGE, SMALL, rows

PATH = dotted_path("framework.version")
WEB = "version: 1\nproject: {name: p}\ndeployment: {config: web-one}\nframework: {name: trees}\n"


# ---------------------------------------------------------------- one choice
@pytest.mark.parametrize(
    ("held", "takes", "refused"),
    [
        (None, "new", False),
        (HeldChoice("new", "q"), "new", False),
        (HeldChoice("old", "q"), "old", False),
        (HeldChoice("old", "another question"), "new", False),
        (HeldChoice("forged", "q"), "new", True),
        (HeldChoice(7, "q"), "new", True),
    ],
    ids=["none", "the same", "held", "for something else", "not offered", "of another type"],
)
def test_a_held_choice_is_taken_where_it_answers_the_same_question_and_is_offered(held, takes, refused):
    choices = Choices({PATH: held} if held is not None else {})
    assert choices.choose(PATH, "new", "q", lambda value: value == "old") == takes
    assert codes(choices.findings) == (["MLCC224"] if refused else [])
    made = choices.made[PATH]
    assert (made.value, made.context, made.newest, made.is_held) == (takes, "q", "new", takes == "old")


def test_a_newer_choice_is_mentioned_once_for_all_environments():
    choices = Choices({PATH: HeldChoice("old", "q")})
    choices.choose(PATH, "new", "q", lambda value: True)
    note = only(newer_choices([choices.made, choices.made, {}]))
    assert (note.code, note.severity.label, note.path) == ("MLCC225", "note", "framework.version")
    assert "'old'" in note.message
    assert "'new'" in note.message


def test_what_the_lock_says_is_shown_without_control_characters():
    choices = Choices({PATH: HeldChoice("\x1b[31m", "q")})
    choices.choose(PATH, "new", "q", lambda value: False)
    assert "\x1b" not in only(choices.findings).message


# ---------------------------------------------------------------- in a resolution
def resolve(text: str, known: Registries | None = None, **held: tuple[Scalar, str]) -> Resolved:
    """A resolution with choices by dotted path (`__` for a dot)."""
    choices = {dotted_path(name.replace("__", ".")): HeldChoice(*choice) for name, choice in held.items()}
    return resolve_layers(document.document_layers(read(text), None), known or registries(), None, choices)


def test_the_best_version_is_chosen_and_recorded():
    found = resolve(WEB)
    assert found.get("framework.version") == "2.0"
    assert {format_path(p): (c.value, c.context) for p, c in found.choices.items()} == {
        "framework.version": ("2.0", "trees"),
        "framework.base_image": ("python:3.11", "trees 2.0"),
        "deployment.instance_type": ("ml.c1.large", "web"),
    }


def test_a_held_version_stays_with_all_that_its_row_brings():
    found = resolve(WEB, framework__version=("1.0", "trees"))
    value = found.value("framework.version")
    assert (value.value, value.source) == ("1.0", Source.FRAMEWORK)
    assert "mlcc.lock" in value.origin
    assert [(b.value, b.source) for b in value.beaten] == [("2.0", Source.FRAMEWORK)]
    assert found.rows.version.name == "1.0"
    assert found.get("framework.base_image") is None, "the row of 1.0 names none"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (WEB.replace("name: trees", 'name: trees, version: "3.0"'), "3.0"),
        (WEB.replace("trees", "nets"), "1.0"),
    ],
    ids=["the user names another", "the user takes another framework"],
)
def test_the_user_s_own_input_moves_a_choice(text, version):
    found = resolve(text, framework__version=("2.0", "trees"))
    assert found.get("framework.version") == version
    assert not [f for f in found.findings if f.code == "MLCC224"]


def test_an_image_stays_while_its_row_lists_it_as_superseded():
    text = "version: 1\nproject: {name: p}\ndeployment: {config: http-flask}\nframework: {name: own}\n"
    config = """
version: 1
kind: deployment_configs
rows:
  http-flask: {frameworks: [own], title: x, architecture: http, backend: flask, source: t, validation_level: unknown}
"""
    own = """
version: 1
kind: framework
name: own
source: t
formats: {pkl: {file: m.pkl}}
versions:
  "1":
    validation_level: unknown
    source: t
    superseded_images: ["python:3.11.1"]
    defaults: {framework: {base_image: "python:3.11.2"}}
"""
    known = Over(deployment_configs=config, frameworks__own=own)
    assert resolve(text, known).get("framework.base_image") == "python:3.11.2"
    held = {"framework__base_image": ("python:3.11.1", "own 1")}
    assert resolve(text, known, **held).get("framework.base_image") == "python:3.11.1"
    forged = resolve(text, known, framework__base_image=("evil/python:3.11.1", "own 1"))
    assert forged.get("framework.base_image") == "python:3.11.2"
    assert "MLCC224" in codes(forged.findings)


# ---------------------------------------------------------------- instance types, splits
LLM = "version: 1\nproject: {name: p}\ndeployment: {config: transformers-vllm}\nmodel: {name: acme/own}\n"
INSTANCE = "deployment.instance_type"


def test_a_held_instance_type_stays_while_the_model_fits_it():
    known = rows(SMALL)
    fresh = resolve(LLM, known)
    assert fresh.choices[dotted_path(INSTANCE)].context == "acme/own"
    held = resolve(LLM, known, deployment__instance_type=("ml.g6e.xlarge", "acme/own"))
    assert held.get(INSTANCE) == "ml.g6e.xlarge" != fresh.get(INSTANCE)
    assert held.rows.instance.name == "ml.g6e.xlarge"


@pytest.mark.parametrize(
    ("facts", "name", "context"),
    [
        (LARGE, "ml.g5.xlarge", "acme/own"),
        (SMALL, "ml.m5.xlarge", "acme/own"),
        (SMALL, "ml.p2.xlarge", "acme/own"),
        (SMALL, "ml.of.nobody", "acme/own"),
    ],
    ids=["too small", "without a device", "not for this image", "no such type"],
)
def test_a_held_instance_type_that_cannot_serve_is_chosen_anew_with_a_finding(facts, name, context):
    known = rows(facts)
    found = resolve(LLM, known, deployment__instance_type=(name, context))
    assert found.get(INSTANCE) == resolve(LLM, known).get(INSTANCE)
    assert "MLCC224" in codes(found.findings)


def test_another_model_gets_an_instance_type_of_its_own():
    found = resolve(LLM, rows(SMALL), deployment__instance_type=("ml.p5.48xlarge", "acme/bigger"))
    assert found.get(INSTANCE) == resolve(LLM, rows(SMALL)).get(INSTANCE)
    assert "MLCC224" not in codes(found.findings)


def test_a_listed_type_without_a_row_can_be_held():
    known = rows(SMALL, ("ml.g5.xlarge", "ml.of.yours"))
    assert resolve(LLM, known, deployment__instance_type=("ml.of.yours", "acme/own")).get(INSTANCE) == "ml.of.yours"


@pytest.mark.parametrize(("held", "takes"), [(8, 8), (4, 4), (3, None), (16, None), (True, None)])
def test_a_held_split_stays_where_the_devices_can_share_the_model(held, takes):
    known = rows(LARGE, ("ml.p4d.24xlarge",))
    fresh = resolve(LLM, known).get("engine.tensor_parallel_size")
    found = resolve(LLM, known, engine__tensor_parallel_size=(held, "acme/own on ml.p4d.24xlarge"))
    assert found.get("engine.tensor_parallel_size") == (takes or fresh)


def test_a_held_host_image_stays_while_its_driver_is_new_enough():
    known = rows(SMALL, ("ml.g5.xlarge",))
    path = "endpoint.inference_ami_version"
    fresh = resolve(LLM, known)
    context = fresh.choices[dotted_path(path)].context
    newer = "al2023-ami-sagemaker-inference-gpu-4-1"
    held = resolve(LLM, known, endpoint__inference_ami_version=(newer, context))
    assert held.get(path) == newer
    old = resolve(LLM, known, endpoint__inference_ami_version=("al2-ami-sagemaker-inference-gpu-2", context))
    assert old.get(path) == fresh.get(path)
    forged = resolve(LLM, known, endpoint__inference_ami_version=("mine", context))
    assert forged.get(path) == fresh.get(path)


def test_a_value_of_an_option_is_no_choice():
    found = resolve_layers(
        (*document.document_layers(read(WEB), None), layer(Source.OPTION, "framework: {version: '1.0'}", "--set")),
        registries(),
    )
    assert PATH not in found.choices
