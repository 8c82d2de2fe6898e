"""Projects of this machine as a registry of images: only what was built is there."""

from __future__ import annotations

import dataclasses
import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mlcc.io.aws.connection import AwsError
from mlcc.io.container_engines import Engine as RealEngine
from mlcc.io.programs import Finished
from mlcc.lifecycle import image_place, image_tag, run_state
from mlcc.lifecycle.bootstrap.profile import Profile
from mlcc.lifecycle.context import Context, Silent
from mlcc.lifecycle.rendered_project import load_project
from mlcc.lifecycle.steps import build
from mlcc.servers.devserver.projects import Present, Projects
from tests.aws.account import loaded, render
from tests.aws.cloud import DIGEST, NUMBER, PASSWORD, REGION, Cloud
from tests.helpers import File, build_tree

TEXT = "version: 1\nproject: {name: iris}\ndeployment: {config: http-fastapi, region: us-east-1}\n"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mlcc/iris"
ID = "sha256:" + "1" * 64


class Engine:
    """A container engine that has some images: a fake."""

    name, program, version = "docker", "docker", "1"

    def __init__(self, *images: str) -> None:
        self.images = images

    def ask(self, *arguments: str, **more: Any) -> Finished:
        return Finished(0 if arguments[-1] in self.images else 1, ID.encode())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(TEXT, tmp_path_factory.mktemp("project"))


def context(folder: Path, engine: Engine | None = None) -> Context:
    found = Context(loaded(folder, None), {"PATH": "/usr/bin"}, Silent(), lambda _: None, lambda: 0.0)
    found.__dict__["engine"] = engine
    return found


def test_what_was_not_built_is_not_there(folder: Path) -> None:
    asked = context(folder)
    projects = Projects(lambda: [asked])
    assert projects.digest("mlcc/iris", image_tag.tag_of(asked.project)) == ""
    assert projects.command(f"{IMAGE}:1", "") is None
    assert not projects.starts_process(f"{IMAGE}:1")
    assert asked.progress.lines[0] == "iris: iris has not been built here"  # type: ignore[attr-defined]


def test_a_process_stands_for_an_image(folder: Path) -> None:
    asked = context(folder)
    projects, tag = Projects(lambda: [asked]), image_tag.tag_of(asked.project)
    run_state.write(str(folder), run_state.BUILD, {"kind": build.VENV, "reference": "x"})
    python = f".mlcc/run/{build.venv_name(asked.project)}/bin/python"
    build_tree(folder, {python: ""})
    digest = projects.digest("mlcc/iris", tag)
    assert digest.startswith("sha256:")
    assert projects.digest("mlcc/iris", "build-of-another-state") == projects.digest("mlcc/other", tag) == ""
    assert projects.starts_process(f"{IMAGE}@{digest}")
    found = projects.command(f"{IMAGE}@{digest}", "")
    assert found is not None
    assert found.argv == [str(folder / python), "code/serve", "serve"]
    assert found.environ["MLCC_MODEL_DIR"] == str(folder / "sample_model/model")
    other = projects.command(f"{IMAGE}@{digest}", "/data")
    assert other is not None
    assert other.environ["MLCC_MODEL_DIR"] == "/data"
    assert projects.reference(f"{IMAGE}@{digest}") == ""


def test_an_image_of_the_engine(folder: Path) -> None:
    own = build.image_name(loaded(folder, None))
    asked = context(folder, Engine(own, ID, "763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:1"))
    projects = Projects(lambda: [asked])
    run_state.write(str(folder), run_state.BUILD, {"kind": build.IMAGE, "reference": own})
    assert projects.digest("mlcc/iris", image_tag.tag_of(asked.project)) == ID
    assert projects.reference(f"{IMAGE}@{ID}") == ID
    assert projects.reference(f"{IMAGE}:tag") == own
    assert asked.progress.lines == []  # type: ignore[attr-defined]
    assert projects.reference(f"{IMAGE}@sha256:{'2' * 64}") == own
    assert "knows no such digest" in asked.progress.lines[0]  # type: ignore[attr-defined]
    public = "763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm"
    assert (projects.reference(f"{public}:1"), projects.reference(f"{public}:2")) == (f"{public}:1", "")
    assert not projects.starts_process(f"{IMAGE}@{ID}")


def test_projects_that_share_a_repository_are_kept_apart(tmp_path: Path) -> None:
    """That of a bootstrap profile: the tag and the digest say whose image it is."""
    shared = Profile("dev", REGION, NUMBER, repository="team/all")
    asked = []
    for name in ("one", "two"):
        made = context(render(TEXT.replace("iris", name), tmp_path / name))
        run_state.write(made.project.directory, run_state.BUILD, {"kind": build.VENV, "reference": name})
        build_tree(tmp_path / name, {f".mlcc/run/{build.venv_name(made.project)}/bin/python": ""})
        asked.append(dataclasses.replace(made, find_profile=lambda: shared))
    projects = Projects(lambda: asked)
    address = f"{NUMBER}.dkr.ecr.{REGION}.amazonaws.com/team/all"
    digests = set()
    for one in asked:
        place = image_place.located(one.project, shared)
        digest = projects.digest(place.repository, place.tag)
        digests.add(digest)
        for image in (f"{address}@{digest}", f"{address}:{place.tag}"):
            found = projects.command(image, "")
            assert found is not None
            assert found.argv[0].startswith(one.project.directory)
    assert len(digests) == 2


def test_a_folder_that_is_gone_concerns_its_own_project(tmp_path: Path) -> None:
    """Also the first one; with a line when it goes, and one when it comes back."""
    names, said = ("one", "two"), list[str]()
    for name in names:
        made = context(render(TEXT.replace("iris", name), tmp_path / name))
        run_state.write(made.project.directory, run_state.BUILD, {"kind": build.VENV, "reference": name})
        build_tree(tmp_path / name, {f".mlcc/run/{build.venv_name(made.project)}/bin/python": ""})
    tags = {name: image_tag.tag_of(loaded(tmp_path / name, None)) for name in names}

    def read(name: str) -> Context:
        return dataclasses.replace(made, project=load_project(str(tmp_path / name)))

    present = Present({name: partial(read, name) for name in names}, said.append)
    projects = Projects(present)

    def there() -> list[str]:
        return [name for name in names if projects.digest(f"mlcc/{name}", tags[name])]

    assert there() == ["one", "two"]
    (tmp_path / "one").rename(tmp_path / "away")
    assert there() == there() == ["two"]
    (tmp_path / "two").rename(tmp_path / "away2")
    assert there() == []
    (tmp_path / "away").rename(tmp_path / "one")
    assert there() == ["one"]
    gone = [f"{name}: its images are absent: no such directory" for name in names]
    assert said == [*gone, "one: its images are there again"]


# ---------------------------------------------------------------- beside a registry
PULLED = f"{NUMBER}.dkr.ecr.{REGION}.amazonaws.com/mlcc/iris@{DIGEST}"
# Notes what it is asked; has no image but the project's own, and pulls where it is signed in.
DOCKER = """#!/bin/sh
echo "$*" >> "$NOTES"
case "$*" in
*{{.Id}}*) echo ID ;;
"image inspect mlcc/iris"*) ;;
"image inspect"*) exit 1 ;;
login*) cat > "$DOCKER_CONFIG/config.json" ;;
pull*) [ -f "$DOCKER_CONFIG/config.json" ] || exit 1; [ -z "$FAILS" ] || { echo "denied: $FAILS" >&2; exit 1; } ;;
esac
"""


class Registry(Cloud):
    """An account with an ECR."""

    region = REGION

    def call(self, service: str, operation: str, parameters: Any) -> dict[str, Any]:
        return self.answer(service, operation, parameters)


def beside(folder: Path, tmp_path: Path, registry: Any, fails: str = "") -> tuple[Projects, Silent, Path]:
    """The project, built as an image, with a registry beside it; and the notes of the engine."""
    program = build_tree(tmp_path / "bin", {"docker": File(DOCKER.replace("ID", ID), 0o755)}) / "docker"
    (tmp_path / "temporary").mkdir()
    places = {"NOTES": str(tmp_path / "notes"), "TMPDIR": str(tmp_path / "temporary"), "FAILS": fails}
    run_state.write(str(folder), run_state.BUILD, {"kind": build.IMAGE, "reference": "mlcc/iris:x"})
    talk = Silent()
    asked = Context(loaded(folder, None), {"PATH": os.environ["PATH"], **places}, talk, lambda _: None, lambda: 0.0)
    asked.__dict__["engine"] = RealEngine("docker", str(program), "28")
    return Projects(lambda: [asked], registry), talk, tmp_path / "notes"


def test_what_was_pushed_is_pulled(folder: Path, tmp_path: Path) -> None:
    registry = Registry()
    projects, _, notes = beside(folder, tmp_path, registry)
    registry.pushed = False
    assert not projects.known(PULLED)
    registry.pushed = True
    assert projects.known(PULLED)
    assert "pull" not in notes.read_text(), "to know it is not to have it"
    assert projects.reference(PULLED) == PULLED
    assert notes.read_text().splitlines()[-2:] == [
        f"login --username AWS --password-stdin {PULLED.partition('/')[0]}", f"pull --quiet {PULLED}"
    ]  # fmt: skip
    assert PASSWORD not in notes.read_text()
    assert [*(tmp_path / "temporary").rglob("*")] == []


def test_nothing_stands_for_what_cannot_be_pulled(folder: Path, tmp_path: Path) -> None:
    projects, talk, _ = beside(folder, tmp_path, Registry(), fails="no such right")
    assert projects.reference(PULLED) == "", "the project's own build is another image"
    assert "no such right" in talk.lines[-1]


def test_an_image_of_another_registry_is_the_project_s(folder: Path, tmp_path: Path) -> None:
    projects, _, notes = beside(folder, tmp_path, Registry())
    other = PULLED.replace(NUMBER, "999999999999")
    assert projects.known(other)
    assert projects.reference(other).startswith("mlcc/iris:")
    assert "pull" not in notes.read_text()


def test_an_account_beside_without_a_registry(folder: Path, tmp_path: Path) -> None:
    class Refusing:
        region = REGION

        def call(self, service: str, operation: str, parameters: Any) -> dict[str, Any]:
            raise AwsError(service, operation, "NotImplemented", "no such service")

    projects, talk, _ = beside(folder, tmp_path, Refusing())
    assert projects.reference(PULLED).startswith("mlcc/iris:")
    assert talk.lines[0] == "the registry beside: GetAuthorizationToken is refused: no such service"
