"""The rendered buildspec.yml, run by a shell with programs that note what they are asked."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.helpers import ROOT, File, build_tree

TEXT = (ROOT / "cookiecutters/common/{{cookiecutter.root}}/buildspec.yml").read_text()
DOCKER = """#!/bin/sh
[ "$1 $2" != "buildx version" ] || exit $BUILDX
echo "docker $* BUILDKIT=$DOCKER_BUILDKIT" >> "$NOTES"
[ "$1" != build ] && [ "$1" != buildx ] || exit "$FAILS"
"""
AWS = """#!/bin/sh
echo "aws $*" >> "$NOTES"
"""


def built(tmp_path: Path, **more: str) -> list[str]:
    """What is asked, phase by phase as CodeBuild does: post_build runs after a failure, too."""
    programs = build_tree(tmp_path / "bin", {"docker": File(DOCKER, 0o755), "aws": File(AWS, 0o755)})
    environ = {
        "PATH": f"{programs}:{os.environ['PATH']}", "NOTES": str(tmp_path / "notes"), "FAILS": "0", "BUILDX": "1",
        "MLCC_IMAGE": "1.dkr.ecr.eu-west-1.amazonaws.com/x:1", "MLCC_REGISTRY": "1.dkr.ecr.eu-west-1.amazonaws.com",
        "MLCC_PLATFORM": "linux/amd64", **more,
    }  # fmt: skip
    document: Any = YAML(typ="safe").load(TEXT)
    good = True
    for phase in ("pre_build", "build", "post_build"):
        for command in document["phases"][phase]["commands"]:
            own = {**environ, "CODEBUILD_BUILD_SUCCEEDING": str(int(good))}
            done = subprocess.run([document["env"]["shell"], "-c", command], env=own, check=False)
            if done.returncode:
                good = False
                break
    return (tmp_path / "notes").read_text().splitlines()


def test_an_engine_with_buildx_is_asked_for_docker_s_manifest(tmp_path: Path) -> None:
    *_, build, push = built(tmp_path, BUILDX="0")
    assert build.startswith("docker buildx build --provenance=false --output type=docker --platform linux/amd64 --tag ")
    assert push.startswith("docker push 1.dkr.ecr.eu-west-1.amazonaws.com/x:1")


@pytest.mark.parametrize(("secrets", "kit"), [("", "BUILDKIT="), ("A B", "BUILDKIT=1")])
def test_an_engine_without_buildx_builds(tmp_path: Path, secrets: str, kit: str) -> None:
    asked = built(tmp_path, MLCC_SECRETS=secrets)
    password, login = sorted(asked[:2])
    assert password == "aws ecr get-login-password --region eu-west-1"
    assert login.startswith("docker login --username AWS --password-stdin 1.dkr.ecr.eu-west-1.amazonaws.com")
    assert asked[2].endswith(f" . {kit}")
    assert "--provenance" not in asked[2]
    assert asked[2].count("--secret") == len(secrets.split())


def test_what_was_not_built_is_not_pushed(tmp_path: Path) -> None:
    assert "push" not in built(tmp_path, FAILS="3")[-1]
