"""do/push with an engine that is a script: what it is asked, and what becomes of the password."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mlcc.core.errors import MlccError, PreconditionError, UserError
from mlcc.io.container_engines import Engine
from mlcc.lifecycle import image_tag, run_state
from mlcc.lifecycle.context import Context, Silent
from mlcc.lifecycle.rendered_project import load_project
from mlcc.lifecycle.steps import build, push, register
from tests.aws import walker
from tests.aws.account import render
from tests.aws.cloud import DIGEST, MANIFEST, NUMBER, PASSWORD, REGION, Cloud
from tests.helpers import File, build_tree

TEXT = """version: 1
project: {name: iris}
deployment: {config: http-fastapi, region: us-east-1}
"""
# Notes what it is asked, and keeps what it is given as docker does.
ENGINE = """#!/bin/sh
echo "$*" >> "$NOTES"
case "$1" in
login) cat > "$DOCKER_CONFIG/config.json"; cp "$DOCKER_CONFIG/config.json" "$NOTES.password" ;;
push) [ -f "$DOCKER_CONFIG/config.json" ] || exit 1; [ -z "$FAILS" ] || { echo "denied: $FAILS" >&2; exit 1; } ;;
esac
"""
OCI = "application/vnd.oci.image.manifest.v1+json"


class Registry(Cloud):
    """The tables as a connection."""

    region = REGION

    def __init__(self, tags: Mapping[str, str] | None = None, media: str = MANIFEST) -> None:
        super().__init__()
        self.media = media
        if tags is not None:
            self.repositories["mlcc/iris"] = dict(tags)

    @property
    def tags(self) -> dict[str, str]:
        return self.repositories["mlcc/iris"]

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return self.answer(service, operation, parameters)


@pytest.fixture
def pushing(tmp_path: Path) -> Any:
    """Makes contexts of a project that was built, with the engine above."""
    project = render(TEXT, tmp_path / "project")
    run_state.write(str(project), run_state.BUILD, {"kind": "image", "reference": "mlcc/iris:x"})
    program = build_tree(tmp_path / "bin", {"docker": File(ENGINE, 0o755)}) / "docker"
    (tmp_path / "temporary").mkdir()

    def make(registry: Registry, text: str = "", fails: str = "", **arguments: Any) -> Context:
        if text:
            render(text, project)
        environ = {
            "PATH": os.environ["PATH"], "NOTES": str(tmp_path / "notes"), "TMPDIR": str(tmp_path / "temporary"),
            "FAILS": fails,
        }  # fmt: skip
        now = lambda: 0.0  # noqa: E731
        found = Context(
            load_project(str(project)), environ, Silent(), lambda _: None, now, arguments, now, lambda _: registry
        )
        found.__dict__["engine"] = Engine("docker", str(program), "28")
        return found

    return make


def test_an_image_reaches_a_new_repository(pushing: Any, tmp_path: Path) -> None:
    registry = Registry()
    context = pushing(registry)
    pushed = push.run(context).document["pushed"]
    tag = image_tag.tag_of(context.project)
    address = f"{NUMBER}.dkr.ecr.{REGION}.amazonaws.com"
    assert pushed == {
        "repository": "mlcc/iris", "tag": tag, "digest": DIGEST, "reference": f"{address}/mlcc/iris@{DIGEST}"
    }  # fmt: skip
    assert register.surroundings(context, "").image_digest == DIGEST
    asked = (tmp_path / "notes").read_text().splitlines()
    assert [line for line in asked if not line.startswith(("image inspect", "context"))] == [
        f"login --username AWS --password-stdin {address}",
        f"tag mlcc/iris:{load_project(str(tmp_path / 'project')).checkout} {address}/mlcc/iris:{tag}",
        f"push {address}/mlcc/iris:{tag}",
        f"rmi {address}/mlcc/iris:{tag}",
    ]
    assert registry.tags["mlcc:project"] == "iris"
    assert "mlcc:expires" not in registry.tags


@pytest.mark.parametrize("fails", ["", "no such right"])
def test_the_password_reaches_the_engine_alone(pushing: Any, tmp_path: Path, fails: str) -> None:
    context = pushing(Registry(), fails=fails)
    words = ""
    try:
        words = str(push.run(context).document)
    except MlccError as problem:
        words = str(problem.findings)
    assert ("no such right" in words) == bool(fails)
    assert (tmp_path / "notes.password").read_text() == PASSWORD
    assert PASSWORD not in words + str(context.progress.lines) + (tmp_path / "notes").read_text()
    assert [*(tmp_path / "temporary").rglob("*")] == []


def test_a_repository_of_somebody_else_is_refused(pushing: Any) -> None:
    with pytest.raises(UserError) as refused:
        push.run(pushing(Registry({"mlcc:project": "other"})))
    assert refused.value.findings[0].code == "MLCC321"


def test_a_repository_that_mlcc_yaml_names_is_used(pushing: Any) -> None:
    registry = Registry()
    registry.repositories["team/iris"] = {}
    push.run(pushing(registry, TEXT + "build: {repository: team/iris}\n"))
    assert "CreateRepository" not in registry.calls


def test_a_manifest_that_sagemaker_refuses_is_no_success(pushing: Any) -> None:
    with pytest.raises(UserError) as refused:
        push.run(pushing(Registry(media=OCI)))
    assert refused.value.findings[0].code == "MLCC327"


def test_a_finished_image_is_not_pushed(pushing: Any) -> None:
    registry = Registry()
    image = f"{NUMBER}.dkr.ecr.{REGION}.amazonaws.com/x:1"
    assert push.run(pushing(registry, TEXT + f"build: {{strategy: none, image_uri: '{image}'}}\n")).ok
    assert registry.calls == []


def test_what_was_not_built_is_exit_3(pushing: Any, tmp_path: Path) -> None:
    context = pushing(Registry())
    run_state.remove(str(tmp_path / "project"), run_state.BUILD)
    with pytest.raises(PreconditionError):
        push.run(context)


def test_an_image_of_another_state_is_not_pushed_as_this_one(pushing: Any, tmp_path: Path) -> None:
    project, registry = tmp_path / "project", Registry()
    built = {"kind": "image", "reference": "mlcc/iris:x", "state": build.state_of(load_project(str(project)))}
    run_state.write(str(project), run_state.BUILD, built)
    assert push.run(pushing(registry)).document["pushed"]["digest"] == DIGEST
    with pytest.raises(PreconditionError) as refused:
        push.run(pushing(registry, TEXT + "build: {requirements: [rich]}\n"))
    (finding,) = refused.value.findings
    assert (finding.code, finding.hint) == ("MLCC305", "do/build")
    assert "has changed since its image" in finding.message
    assert push.run(pushing(registry, TEXT + "tags: {team: vision}\n")).ok, "what is not in the image needs no new one"


@pytest.mark.parametrize(
    "name", ["code/serve.py", "code/new.py", "code/large.bin", "model_repository/iris/1/model.onnx"]
)
def test_an_image_of_other_code_is_not_pushed_as_this_one(pushing: Any, tmp_path: Path, name: str) -> None:
    """The lock holds neither an edit that was made since `mlcc apply` nor a file of the user's own."""
    project = tmp_path / "project"
    built = {"kind": "image", "reference": "mlcc/iris:x", "state": build.state_of(load_project(str(project)))}
    run_state.write(str(project), run_state.BUILD, built)
    (project / "code" / "__pycache__").mkdir()
    (project / "code" / "__pycache__" / "serve.cpython-312.pyc").write_bytes(b"compiled")
    assert push.run(pushing(Registry())).ok
    edited = project / name
    edited.parent.mkdir(parents=True, exist_ok=True)
    edited.write_bytes(b"#" * ((5 << 20) if name.endswith(".bin") else 9))
    with pytest.raises(PreconditionError) as refused:
        push.run(pushing(Registry()))
    assert [(f.code, f.hint) for f in refused.value.findings] == [("MLCC305", "do/build")]


def test_a_dry_run_shows_the_calls(pushing: Any) -> None:
    registry = Registry()
    document = push.run(pushing(registry, dry_run=True)).document
    assert [c["operation"] for c in document["calls"]] == ["CreateRepository", "GetAuthorizationToken", "push"]
    made = [c for c in document["calls"] if c["service"] == "ecr"]
    assert [p for c in made for p in walker.problems(c["service"], c["operation"], c["parameters"])] == []
    assert registry.calls == []


def test_the_tag_follows_what_is_in_the_image(pushing: Any) -> None:
    first = image_tag.tag_of(pushing(Registry()).project)
    counted = image_tag.tag_of(pushing(Registry(), TEXT.replace("us-east-1}", "us-east-1, instance_count: 3}")).project)
    other = image_tag.tag_of(pushing(Registry(), TEXT + "build: {system_packages: [libgomp1]}\n").project)
    assert first == counted != other
