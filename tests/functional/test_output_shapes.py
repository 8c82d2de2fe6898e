"""Every JSON document that a command prints has the shape that schemas/ promises, and stands alone on stdout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlcc.core.nodes import Mark, node_of
from mlcc.io.schema import validator
from tests.helpers import build_tree, run_mlcc

GOOD = "version: 1\nproject: {name: iris}\ndeployment: {config: http-flask}\n"
BAD = "version: 1\nproject: {nme: iris}\ndeployment: {config: http-flsk}\n"
CASES = [
    ("output-findings", GOOD, ("validate",), 0),
    ("output-findings", BAD, ("validate",), 1),
    ("output-findings", BAD, ("apply",), 1),
    ("output-findings", BAD, ("show",), 1),
    ("output-plan", GOOD, ("plan",), 0),
    ("output-plan", GOOD, ("diff",), 0),
    ("output-plan", GOOD, ("apply",), 0),
    ("output-plan", GOOD, ("apply", "--check"), 2),
    ("output-plan", GOOD, ("upgrade", "--offline"), 0),
    ("output-findings", BAD, ("upgrade", "--offline"), 1),
    ("output-explain", GOOD, ("explain",), 0),
    ("output-explain", GOOD, ("explain", "deployment.target"), 0),
    ("output-findings", GOOD, ("explain", "deployment.tarjet"), 1),
    ("output-catalog", GOOD, ("catalog", "instances"), 0),
    ("output-catalog", GOOD, ("catalog", "configs", "http-flask"), 0),
    ("output-findings", GOOD, ("catalog", "configs", "http-flsk"), 1),
    ("output-catalog", GOOD, ("plugins",), 0),
]


@pytest.mark.parametrize(("name", "text", "arguments", "code"), CASES)
def test_shape(name: str, text: str, arguments: tuple[str, ...], code: int, tmp_path: Path) -> None:
    build_tree(tmp_path, {"mlcc.yaml": text})
    result = run_mlcc(*arguments, "-o", "json", cwd=tmp_path)
    assert result.code == code, result
    document = json.loads(result.stdout)
    assert validator.validate_document(node_of(document, Mark("stdout")), name) == []


@pytest.mark.parametrize(
    ("name", "arguments"), [("output-status", ("status",)), ("output-calls", ("build", "--dry-run"))]
)
def test_shape_of_steps(name: str, arguments: tuple[str, ...], tmp_path: Path) -> None:
    build_tree(tmp_path, {"mlcc.yaml": GOOD})
    assert run_mlcc("apply", "-q", cwd=tmp_path).code == 0
    result = run_mlcc("do", *arguments, "--target", "local", "--json", cwd=tmp_path)
    document = json.loads(result.stdout)
    assert validator.validate_document(node_of(document, Mark("stdout")), name) == []
