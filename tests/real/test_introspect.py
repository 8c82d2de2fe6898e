"""validate --validate-with-docker on a real engine: the stand-in of the published Python image is run and compared."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.real.rig import Docker, Rig

pytestmark = pytest.mark.real
TEXT = "version: 1\nproject: {name: iris}\ndeployment: {config: http-flask}\nframework: {version: 1.5.2, base_image: 'IMAGE'}\n"


def inspected(rig: Rig, docker: Docker, place: Path, image: str, *arguments: str) -> tuple[list[dict[str, Any]], str]:
    """Findings about an image, and what is reported of it."""
    (place / "mlcc.yaml").write_text(TEXT.replace("IMAGE", image))
    variables = {"MLCC_ENGINE": "docker", **{n: v for n, v in docker.environ.items() if n.startswith("DOCKER_")}}
    words = ("validate", "--validate-with-docker", *arguments)
    found = json.loads(rig(*words, "--json", cwd=place, **variables).stdout)["findings"]
    output_text = rig(*words, cwd=place, **variables).stderr
    return [f for f in found if "MLCC170" <= f["code"] <= "MLCC179"], output_text


def test_an_image_of_this_machine(rig: Rig, docker: Docker, tmp_path: Path) -> None:
    image = os.environ["MLCC_REAL_BASE"]

    def containers() -> list[str]:
        listed = docker("ps", "--all", "--format", "{{.ID}} {{.Image}}").stdout.splitlines()
        return [line for line in listed if line.endswith(f" {image}")]

    before = containers()
    found, output_text = inspected(rig, docker, tmp_path, image)
    assert {f["code"] for f in found} <= {"MLCC174"}, "the stand-in may have another Python than the published image"
    assert f"{image}: linux/" in output_text
    assert "Python 3." in output_text
    assert containers() == before, "no container is left"


def test_an_image_without_python(rig: Rig, docker: Docker, tmp_path: Path) -> None:
    docker("build", "--tag", "mlcc-test-bare:1", "-", stdin="FROM scratch\nLABEL a=b\n")
    try:
        found, _ = inspected(rig, docker, tmp_path, "mlcc-test-bare:1")
        assert [f["code"] for f in found] == ["MLCC172"]
    finally:
        docker("rmi", "--force", "mlcc-test-bare:1")


def test_an_image_that_is_not_here_is_not_fetched(rig: Rig, docker: Docker, tmp_path: Path) -> None:
    found, _ = inspected(rig, docker, tmp_path, "mlcc-test-nowhere:1")
    assert [f["code"] for f in found] == ["MLCC171"]
