"""Secrets of a build: how the engine gets them, and where their values never stand.  The engine is a script."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mlcc.core.errors import MlccError
from mlcc.io.container_engines import Engine
from mlcc.lifecycle.context import Context, Silent
from mlcc.lifecycle.rendered_project import load_project
from mlcc.lifecycle.steps import build
from tests.aws import walker
from tests.aws.account import render
from tests.aws.cloud import Cloud
from tests.helpers import File, build_tree

VALUE, STORED = "hunter2-of-the-index", "token-in-secrets-manager"
TEXT = """version: 1
project: {name: iris}
deployment: {config: http-fastapi, region: us-east-1}
secrets:
  PIP_INDEX_URL: {env: TEAM_INDEX, phase: build}
  HF_TOKEN: {secretsmanager: mlcc/hf, json_key: token, phase: build}
"""
# Prints and notes its arguments, and what it was given.
ENGINE = """#!/bin/sh
[ "$1" = buildx ] && exit 1
echo "$*" >> "$NOTES"
printf '%s %s %s' "$PIP_INDEX_URL" "$HF_TOKEN" "$DOCKER_BUILDKIT" > "$NOTES.given"
echo "collecting from $PIP_INDEX_URL with $HF_TOKEN"
exit ${FAILS:-0}
"""


class Account(Cloud):
    """A connection that knows one secret."""

    region = "us-east-1"
    text = f'{{"token": "{STORED}"}}'

    def call(self, service: str, operation: str, parameters: Any) -> dict[str, Any]:
        if service != "secretsmanager":
            return self.answer(service, operation, parameters)
        walker.check(service, operation, parameters)
        assert (operation, parameters) == ("GetSecretValue", {"SecretId": "mlcc/hf"})
        return {"SecretString": self.text}


def context_of(tmp_path: Path, account: Account, **environ: str) -> Context:
    project = tmp_path / "project"
    if not project.exists():
        render(TEXT, project)
        build_tree(project, {"sample_model/model/model.joblib": "a model"})
    program = build_tree(tmp_path / "bin", {"docker": File(ENGINE, 0o755)}) / "docker"
    found = {"PATH": os.environ["PATH"], "NOTES": str(tmp_path / "notes"), "TEAM_INDEX": VALUE, **environ}
    now = lambda: 0.0  # noqa: E731
    made = Context(load_project(str(project)), found, Silent(), lambda _: None, now, {}, now, lambda _: account)
    made.__dict__["engine"] = Engine("docker", str(program), "28")
    return made


@pytest.mark.parametrize("fails", ["", "1"])
def test_the_engine_mounts_them_and_nobody_sees_them(tmp_path: Path, fails: str) -> None:
    context = context_of(tmp_path, Account(), FAILS=fails)
    words = ""
    try:
        words = str(build.run(context).document)
    except MlccError as problem:
        words = str(problem.findings)
        assert fails
    assert (tmp_path / "notes.given").read_text() == f"{VALUE} {STORED} 1"
    command = (tmp_path / "notes").read_text()
    assert "--secret id=HF_TOKEN,env=HF_TOKEN --secret id=PIP_INDEX_URL,env=PIP_INDEX_URL" in command
    progress: Any = context.progress
    shown = words + str(progress.lines) + str(progress.details) + command
    assert "collecting from" in shown
    assert VALUE not in shown
    assert STORED not in shown
    left = [p for p in (tmp_path / "project").rglob("*") if p.is_file() and b"token-in-secrets" in p.read_bytes()]
    assert left == []


def test_the_dockerfile_mounts_them_by_name(tmp_path: Path) -> None:
    context_of(tmp_path, Account())
    lines = (tmp_path / "project" / "Dockerfile").read_text().splitlines()
    (install,) = [line for line in lines if "pip install" in line]
    assert install == (
        "RUN --mount=type=secret,id=HF_TOKEN --mount=type=secret,id=PIP_INDEX_URL "
        'HF_TOKEN="$(cat /run/secrets/HF_TOKEN)" PIP_INDEX_URL="$(cat /run/secrets/PIP_INDEX_URL)" '
        "pip install --no-cache-dir -r requirements.txt"
    )


@pytest.mark.parametrize("text", ["no JSON", '{"token": 7}', '{"other": "x"}', "[]"])
def test_a_secret_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    account = Account()
    account.text = text
    with pytest.raises(MlccError) as refused:
        build.run(context_of(tmp_path, account))
    assert refused.value.findings[0].code == "MLCC313"
    assert not (tmp_path / "notes").exists()


def test_a_variable_that_is_not_set_is_exit_3(tmp_path: Path) -> None:
    context = context_of(tmp_path, Account())
    del context.environ["TEAM_INDEX"]  # type: ignore[attr-defined]
    with pytest.raises(MlccError) as refused:
        build.run(context)
    assert refused.value.findings[0].hint == "export TEAM_INDEX"
