"""Where registry rows come from, and which of two rows of one name counts."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from mlcc.lifecycle.rendered_project import load_project
from mlcc.registries.files import Root
from tests.helpers import SMALLEST, Caller, build_tree

HERE = Path()
TARGET = "version: 1\nkind: targets\nrows:\n  mine: {title: %s, description: x}\n"
CONFIG = """version: 1
kind: deployment_configs
rows:
  mine:
    title: %s
    architecture: http
    backend: fastapi
    source: test
    validation_level: experimental
    frameworks: [sklearn]
    defaults: {framework: {name: sklearn}, deployment: {instance_type: ml.m5.large}, env: {WHO: %s}}
"""
NAMES = ("o1", "o2", "own")
PROJECT = SMALLEST.replace("http-fastapi", "mine")


@pytest.fixture(autouse=True)
def folders() -> None:
    """Three folders with rows of one name, each with its folder's name for a title."""
    for name in NAMES:
        files = {"targets.yaml": TARGET % name, "deployment_configs.yaml": CONFIG % (name, name)}
        build_tree(HERE / name, files)
    build_tree(HERE, {"mlcc.yaml": PROJECT})


def title(mlcc: Caller, *arguments: str) -> str:
    """The title of the row in the catalog."""
    result = mlcc("catalog", "targets", "mine", *arguments, "-o", "json", code=0)
    return json.loads(result.stdout)["rows"][0]["title"]


def who(mlcc: Caller, *arguments: str) -> str:
    """What a project gets from the row."""
    return yaml.safe_load(mlcc("show", *arguments, code=0).stdout)["env"]["WHO"]


BOTH = os.pathsep.join(("o1", "o2"))
OPERATORS = [
    ({"REGISTRY_PATH": "o1"}, [], "o1"),
    ({"MLCC_REGISTRY_PATH": "o1"}, [], "o1"),
    ({"MLCC_REGISTRY_PATH": "o2", "REGISTRY_PATH": "o1"}, [], "o2"),
    ({"MLCC_REGISTRY_PATH": BOTH}, [], "o2"),
    ({"REGISTRY_PATH": BOTH}, [], "o2"),
    ({"MLCC_REGISTRY_PATH": os.pathsep.join(("o2", "o1"))}, [], "o1"),
    ({"MLCC_REGISTRY_PATH": "o1"}, ["--registry", "o2"], "o2"),
    ({"MLCC_REGISTRY_PATH": "o2"}, ["--registry", "o1"], "o1"),
    ({}, ["--registry", "o1", "--registry", "o2"], "o2"),
    ({}, ["--registry", "o2", "--registry", "o1"], "o1"),
]


@pytest.mark.parametrize(("environ", "options", "expected"), OPERATORS)
def test_the_later_of_the_operator_s_folders_counts(mlcc, monkeypatch, environ, options, expected):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert title(mlcc, *options) == expected
    assert who(mlcc, *options) == expected


@pytest.mark.parametrize(("environ", "options", "expected"), OPERATORS)
def test_the_project_s_own_rows_count_more_than_the_operator_s(mlcc, monkeypatch, environ, options, expected):
    build_tree(HERE, {"mlcc.yaml": PROJECT + "registries: [own]\n"})
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert who(mlcc, *options) == "own"


def test_the_last_of_the_project_s_own_folders_counts(mlcc):
    build_tree(HERE, {"mlcc.yaml": PROJECT + "registries: [own, o1]\n"})
    assert who(mlcc) == "o1"


def test_a_step_reads_rows_in_the_same_order(mlcc):
    build_tree(HERE, {"mlcc.yaml": PROJECT + "registries: [own]\n"})
    mlcc("apply", "--registry", "o1", code=0)
    assert load_project(".", [Root("operator", "o1")]).config.title == "own"


def test_a_row_of_an_operator_s_folder_replaces_a_packaged_one(mlcc):
    row = "version: 1\nkind: targets\nrows:\n  local: {title: Ours, description: x}\n"
    build_tree(HERE, {"o1/targets.yaml": row})
    result = mlcc("catalog", "targets", "local", "--registry", "o1", "-o", "json", code=0)
    assert json.loads(result.stdout)["rows"][0]["title"] == "Ours"
    others = json.loads(mlcc("catalog", "targets", "--registry", "o1", "-o", "json", code=0).stdout)["rows"]
    assert "realtime-inference" in [r["name"] for r in others], "the other rows stay"
