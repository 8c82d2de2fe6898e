"""A serving engine without a container engine: it runs where it is installed, and nothing is installed for it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.helpers import File, build_tree, run_mlcc

HERE = Path()
PROJECT = """\
version: 1
project: {name: chat}
deployment: {config: transformers-%s, target: local}
model: {name: Qwen/Qwen3-0.6B}
"""


def project(backend: str, found: bool) -> dict[str, str]:
    """A rendered project, and a PATH whose python3 has the engine or has it not (a fake: it only exits)."""
    build_tree(HERE, {"mlcc.yaml": PROJECT % backend})
    build_tree(HERE, {"bin/python3": File(f"#!/bin/sh\nexit {0 if found else 1}\n", 0o755)})
    assert run_mlcc("apply", "-q").code == 0
    return {"PATH": f"{HERE.resolve()}/bin:{os.environ['PATH']}", "DOCKER_HOST": "unix:///nowhere"}


@pytest.mark.parametrize("backend", ["vllm", "sglang"])
def test_the_python_that_has_it_is_taken(backend: str):
    environ = project(backend, found=True)
    done = run_mlcc("do", "build", "--json", env=environ)
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout)["built"] == {"kind": "installed", "reference": f"{HERE.resolve()}/bin/python3"}
    assert not list(HERE.glob(".mlcc/run/venv-*"))


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        ("vllm", "vllm is not installed in"),
        ("tensorrt-llm", "trtllm-serve is not on PATH"),
        ("lmi", "runs in its image only"),
    ],
)
def test_without_it_a_precondition_is_missing(backend: str, words: str):
    done = run_mlcc("do", "build", env=project(backend, found=False))
    assert done.code == 3
    assert "MLCC302" in done.stderr
    assert words in " ".join(done.stderr.split())
    assert "container engine" in " ".join(done.stderr.split())


def test_a_dry_run_says_what_it_would_look_for():
    done = run_mlcc("do", "build", "--dry-run", env=project("vllm", found=False))
    assert done.code == 0
    (call,) = json.loads(done.stdout)["calls"]
    assert (call["service"], call["operation"]) == ("engine", "find")


def test_a_machine_of_one_s_own_is_not_measured_by_an_instance_type():
    build_tree(HERE, {"mlcc.yaml": PROJECT % "vllm"})
    done = run_mlcc("validate", "-o", "json")
    assert json.loads(done.stdout)["findings"] == []
