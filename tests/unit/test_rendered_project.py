"""A rendered project as the steps read it: whose environment a component's container gets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlcc.lifecycle import rendered_project as projects
from mlcc.lifecycle.context import Context, Silent
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.targets import local_server
from tests.helpers import Caller, applied, build_tree

CONFIG = """version: 1
project: {name: iris}
deployment: {config: http-flask}
env: {GREETING: hello, LOG_LEVEL: info}
secrets:
  API_TOKEN: {env: TOKEN_OF_THIS_MACHINE}
  OTHER: {env: NOT_SET_HERE}
inference_components:
  - {name: chat, env: {GREETING: hi, ONLY_CHAT: "1"}}
  - {name: rank, env: {ONLY_RANK: "1"}}
environments:
  prod:
    env: {LOG_LEVEL: warning}
    inference_components: [{name: chat, env: {GREETING: good day}}]
"""


@pytest.fixture
def rendered(mlcc: Caller) -> Path:
    build_tree(".", {"mlcc.yaml": CONFIG})
    mlcc("apply", "-q", code=0)
    return Path.cwd()


def load(rendered: Path, env: str | None = None) -> RenderedProject:
    return projects.load_project(str(rendered), env=env)


def test_a_component_s_variables_lie_over_the_project_s(rendered: Path) -> None:
    chat = load(rendered).environment("chat")
    assert (chat["GREETING"], chat["LOG_LEVEL"], chat["ONLY_CHAT"]) == ("hi", "info", "1")
    assert "ONLY_RANK" not in chat


def test_the_project_s_variables_alone_are_those_of_no_component(rendered: Path) -> None:
    plain = load(rendered).environment()
    assert (plain["GREETING"], plain["LOG_LEVEL"]) == ("hello", "info")
    assert not {"ONLY_CHAT", "ONLY_RANK"} & set(plain)


def test_an_environment_reaches_the_component(rendered: Path) -> None:
    chat = load(rendered, "prod").environment("chat")
    assert (chat["GREETING"], chat["LOG_LEVEL"], chat["ONLY_CHAT"]) == ("good day", "warning", "1")


def test_the_server_s_environment_is_the_component_s_with_the_secrets_of_this_machine(rendered: Path) -> None:
    environ = {"TOKEN_OF_THIS_MACHINE": "t0ken", "PATH": os.environ["PATH"]}
    context = Context(load(rendered), environ, Silent(), lambda _: None, lambda: 0.0, {"component": "chat"})
    found = local_server.environment(context, 1234, inside=False)
    assert (found["GREETING"], found["API_TOKEN"]) == ("hi", "t0ken")
    assert (found["SAGEMAKER_BIND_TO_PORT"], found["MLCC_BIND_HOST"]) == ("1234", "127.0.0.1")
    assert "OTHER" not in found
    assert "TOKEN_OF_THIS_MACHINE" not in found


ENGINES = """version: 1
project: {name: notes}
deployment: {config: CONFIG, instance_type: ml.g5.xlarge}
model: {name: Qwen/Qwen3-4B}
COMPONENTS
environments: {prod: {deployment: {instance_type: ml.g5.12xlarge}, engine: {tensor_parallel_size: max}}}
"""


@pytest.mark.parametrize(
    ("config", "variable"),
    [("transformers-sglang", "SGLANG_TP_SIZE"), ("transformers-vllm", "VLLM_TENSOR_PARALLEL_SIZE")],
)
@pytest.mark.parametrize("components", ["", "inference_components: [{name: default, gpu_count: 1}]"])
def test_an_engine_s_variable_of_one_environment_reaches_its_component(
    tmp_path: Path, config: str, variable: str, components: str
) -> None:
    text = ENGINES.replace("CONFIG", config).replace("COMPONENTS", components)
    if components:
        text = text.replace("engine:", "inference_components: [{name: default, gpu_count: 4}], engine:")
    folder = applied(tmp_path / "notes", text)
    assert load(folder).environment("default").get(variable, "1") == "1"
    assert load(folder, "prod").environment("default")[variable] == "4"
