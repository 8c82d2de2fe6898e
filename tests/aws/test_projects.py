"""Projects of this machine as a registry of images: only what was built is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlcc.io.programs import Finished
from mlcc.lifecycle import image_tag, run_state
from mlcc.lifecycle.context import Context, Silent
from mlcc.lifecycle.steps import build
from mlcc.servers.devserver.projects import Projects
from tests.aws.account import loaded, render
from tests.helpers import build_tree

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
