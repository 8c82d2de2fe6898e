"""Whether mlcc.yaml says what was rendered from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcc.lifecycle.rendered_project import load_project
from mlcc.lifecycle.source_state import AS_APPLIED, state_of_source
from tests.helpers import SMALLEST, applied, build_tree

HERE = Path()
PROD = "environments: {prod: {deployment: {instance_count: 2}}}\n"


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (SMALLEST + PROD, AS_APPLIED),
        ("# a comment\n" + SMALLEST + PROD, AS_APPLIED),
        (SMALLEST.replace("fastapi", "flask") + PROD, "not applied: deployment.config (mlcc apply)"),
        (SMALLEST + PROD.replace("2", "3"), "not applied: deployment.instance_count (mlcc apply)"),
        (SMALLEST, "not applied: environments.prod (mlcc apply)"),
        (SMALLEST + PROD + "env: {A: '1', B: '2', C: '3', D: '4'}\n", "not applied: env.A, env.B, env.C and 1 more (mlcc apply)"),
        (SMALLEST + PROD + "nothing: 1\n", "has errors (mlcc validate)"),
        ("version: [", "has errors (mlcc validate)"),
    ],
)  # fmt: skip
def test_what_mlcc_yaml_says_beyond_the_lock(text: str, state: str) -> None:
    applied(HERE, SMALLEST + PROD)
    build_tree(HERE, {"mlcc.yaml": text})
    assert state_of_source(load_project(".")) == ("mlcc.yaml", state)


def test_a_tree_without_its_file_is_no_mistake() -> None:
    applied(HERE, SMALLEST)
    (HERE / "mlcc.yaml").unlink()
    assert state_of_source(load_project(".")) == ("", AS_APPLIED)
