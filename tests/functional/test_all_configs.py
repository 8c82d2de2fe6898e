"""Every deployment config on every target: rendered, and read by the tools that read such files."""

from __future__ import annotations

import ast
import functools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from mlcc import pipeline
from mlcc.core.findings import Finding, Severity
from mlcc.core.tree import Rendered
from mlcc.registries.loader import load
from mlcc.resolve import project as project_module
from mlcc.resolve.engine import spelling
from tests.helpers import needed
from tests.nvidia import model_config

KNOWN = load()
BIN = Path(sys.executable).parent
MAX_FILES, MAX_LINES = 30, 1500
TARGETS = {
    "async-inference": "async: {s3_output_path: 's3://bucket/out/'}\n",
    "batch-transform": "batch: {input_path: 's3://bucket/in/', output_path: 's3://bucket/out/'}\n",
}


def text(config: str, target: str = "realtime-inference", more: str = "") -> str:
    head = (
        f"version: 1\nproject: {{name: demo}}\ndeployment: {{config: {config}, target: {target}, region: us-east-1}}\n"
    )
    return head + needed(config) + TARGETS.get(target, "") + more


# The newest images need a driver that no host of batch transform has; the finding names an older version that runs.
OLDER = re.compile(r"take (?:framework.name (\S+), )?framework.version (\S+) and batch.transform_ami_version (\S+)")
# Of these no version does, and their rows say so.
NOWHERE = [(c, t) for c, row in KNOWN.deployment_configs.items() for t in row.not_on]


def errors(project: project_module.Project) -> list[Finding]:
    return [f for f in project.findings if f.severity is Severity.ERROR]


@functools.cache
def fitting(config: str, target: str) -> str:
    """A mlcc.yaml of the config on the target without an error: with an older version where the target needs one."""
    written = text(config, target)
    Path("mlcc.yaml").write_text(written)
    found = errors(pipeline.read("mlcc.yaml"))
    older = next((m for f in found if f.code == "MLCC141" and (m := OLDER.search(f.hint))), None)
    if older is not None:
        name = f"name: {older[1]}, " if older[1] else ""
        written += f'framework: {{{name}version: "{older[2]}"}}\n'
        written = written.replace("batch: {", f"batch: {{transform_ami_version: {older[3]}, ")
    return written


@functools.cache
def rendered(config: str, target: str) -> dict[str, Rendered]:
    Path("mlcc.yaml").write_text(fitting(config, target))
    project = pipeline.read("mlcc.yaml")
    assert not errors(project), errors(project)
    return dict(pipeline.render(project, [os.environ.get("TMPDIR", ""), "/tmp"]))


PAIRS = [(c, t) for c, row in KNOWN.deployment_configs.items() for t in KNOWN.targets if t not in row.not_on]


@pytest.mark.parametrize(("config", "target"), NOWHERE)
def test_a_target_on_which_a_config_does_not_run_is_refused(config: str, target: str):
    Path("mlcc.yaml").write_text(text(config, target))
    assert "MLCC151" in [f.code for f in errors(pipeline.read("mlcc.yaml"))]


@pytest.mark.parametrize(("config", "target"), PAIRS)
def test_it_renders_small(config: str, target: str):
    tree = rendered(config, target)
    assert len(tree) + 2 <= MAX_FILES
    assert sum(file.data.count(b"\n") for file in tree.values()) <= MAX_LINES
    for path, file in tree.items():
        assert file.data.endswith(b"\n"), path
        assert not file.data.endswith(b"\n\n\n"), path
        assert b"cookiecutter" not in file.data, path


EVERY_MANIFEST = """hyperpod:
  cluster: c
  operator: false
  cpu_request: 500m
  fsx: {file_system_id: fs-0123456789abcdef0, dns_name: a.b, mount_name: abc}
scaling: {min_count: 1, max_count: 2, target_value: 60}
"""


@pytest.mark.parametrize("config", [c for c, t in PAIRS if t == "hyperpod-eks"])
def test_every_config_has_every_manifest(config: str):
    Path("mlcc.yaml").write_text(text(config, "hyperpod-eks", EVERY_MANIFEST))
    project = pipeline.read("mlcc.yaml")
    assert not errors(project), errors(project)
    tree = dict(pipeline.render(project, [os.environ.get("TMPDIR", ""), "/tmp"]))
    found = [path.removeprefix("manifests/") for path in tree if path.startswith("manifests/")]
    assert sorted(found) == ["autoscaler.yaml", "deployment.yaml", "service.yaml", "volume-claim.yaml", "volume.yaml"]


@pytest.mark.parametrize(("config", "target"), PAIRS)
def test_what_it_holds_is_python_json_and_yaml(config: str, target: str):
    for path, file in rendered(config, target).items():
        if path.endswith(".py") or file.data.startswith(b"#!/usr/bin/env python"):
            ast.parse(file.data, path)
        if path.endswith(".json"):
            json.loads(file.data)
        if path.endswith((".yaml", ".yml")):
            YAML(typ="safe", pure=True).load(file.data)


@pytest.mark.parametrize("config", [c for c, row in KNOWN.deployment_configs.items() if row.architecture == "triton"])
def test_nvidia_s_own_protobuf_reads_config_pbtxt(config: str):
    for target in KNOWN.targets:
        tree = rendered(config, target)
        [(path, file)] = [(p, f) for p, f in tree.items() if p.endswith("/config.pbtxt")]
        found = model_config(file.data.decode())
        assert f"model_repository/{found.name}/config.pbtxt" == path
        assert found.backend == config.removeprefix("triton-")


@pytest.mark.parametrize("config", KNOWN.deployment_configs)
def test_ruff_has_nothing_to_say(config: str):
    """The Python of a project is the user's to read and edit: it is formatted, and holds nothing unused."""
    for path, file in rendered(config, "realtime-inference").items():
        if path.endswith(".py") or file.data.startswith(b"#!/usr/bin/env python"):
            name = f"{path.replace('/', '-').removesuffix('.py')}.py"
            lint("ruff", "check", "--isolated", "-q", "--select=E4,E7,E9,F,I,W", data=file.data, name=name)
            lint("ruff", "format", "--isolated", "-q", "--line-length=120", "--check", data=file.data, name=name)


def lint(*argv: str, data: bytes, name: str) -> None:
    Path(name).write_bytes(data)
    done = subprocess.run([str(BIN / argv[0]), *argv[1:], name], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("config", KNOWN.deployment_configs)
def test_hadolint_has_nothing_to_say(config: str):
    for data in {rendered(config, target)["Dockerfile"].data for c, target in PAIRS if c == config}:
        lint("hadolint", "--no-color", "--failure-threshold", "warning", data=data, name="Dockerfile")


@pytest.mark.parametrize("config", KNOWN.deployment_configs)
def test_shellcheck_has_nothing_to_say(config: str):
    tree = rendered(config, "realtime-inference")
    scripts = {file.data for file in tree.values() if file.data.startswith((b"#!/bin/sh", b"#!/bin/bash"))}
    assert len(scripts) == 1, "every step is the same shim"
    lint("shellcheck", "--severity=warning", data=scripts.pop(), name="step")
    lint("shellcheck", "--severity=warning", "--shell=bash", data=tree["do/config"].data, name="config")


@pytest.mark.parametrize("config", KNOWN.deployment_configs)
def test_yamllint_has_nothing_to_say(config: str):
    """The lock too: it is committed and reviewed."""
    Path("project").mkdir()
    Path("project/mlcc.yaml").write_text(text(config))
    project = pipeline.read("project/mlcc.yaml")
    pipeline.apply(project)
    rules = "{extends: relaxed, rules: {line-length: disable}}"
    for file in sorted(Path("project").rglob("*.y*ml")):
        done = subprocess.run(
            [str(BIN / "yamllint"), "--strict", "-d", rules, str(file)], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("config", KNOWN.deployment_configs)
def test_a_second_apply_changes_nothing(config: str):
    Path("project").mkdir()
    Path("project/mlcc.yaml").write_text(text(config))
    pipeline.apply(pipeline.read("project/mlcc.yaml"))
    prepared, written = pipeline.apply(pipeline.read("project/mlcc.yaml"))
    assert not written
    assert not prepared.changes


@pytest.mark.parametrize("config", [c for c, row in KNOWN.deployment_configs.items() if row.architecture != "http"])
def test_the_engine_s_file_is_of_the_engine(config: str):
    tree = rendered(config, "local")
    if "code/engine.json" not in tree:
        return
    document = json.loads(tree["code/engine.json"].data)
    row = KNOWN.engines[document["engine"]]
    assert document["command"] == list(row.command)
    known = {o for names in document["options"].values() for o in " ".join(names).split()}
    for key in row.typed_keys:
        how = spelling.spelled(row, key)
        assert how is not None
        assert not known or how.option in known, key


def test_aliases_are_names_of_configs_with_a_warning():
    aliases = {a: row.name for row in KNOWN.deployment_configs.values() for a in row.aliases}
    assert aliases == {"diffusors-vllm": "diffusors-vllm-omni", "triton-onnx": "triton-onnxruntime"}
    for alias, name in aliases.items():
        Path("mlcc.yaml").write_text(text(name).replace(f"config: {name}", f"config: {alias}"))
        project = pipeline.read("mlcc.yaml")
        assert project.ok
        assert "MLCC110" in [f.code for f in project.findings]
        assert project.resolved.get("deployment.config") == name


def test_there_are_nineteen():
    assert len(KNOWN.deployment_configs) == 19
