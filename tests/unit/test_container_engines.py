"""The command that builds an image: what each engine is given, with programs that stand in for the engines."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlcc.core.errors import PreconditionError
from mlcc.io.container_engines import Engine
from tests.helpers import File, build_tree

BUILDX = '#!/bin/sh\n[ "$1 $2" = "buildx version" ] && exit {code}\nexit 1\n'


def docker(place: Path, code: int) -> Engine:
    """A docker whose `buildx version` ends with `code`."""
    build_tree(place, {"docker": File(BUILDX.format(code=code), 0o755)})
    return Engine("docker", str(place / "docker"), "1")


def options(engine: Engine) -> list[str]:
    found = engine.build_arguments("mlcc/iris:1", "linux/arm64", ".", "mlcc-iris-1", {"PATH": os.environ["PATH"]})
    assert found[0] == engine.program
    assert found[-3:] == ["--tag", "mlcc/iris:1", "."]
    return found[1:-3]


def after(found: list[str], option: str) -> str:
    assert found.count(option) == 1
    return found[found.index(option) + 1]


def test_podman_writes_docker_manifests() -> None:
    found = options(Engine("podman", "podman", ""))
    assert found[0] == "build"
    assert after(found, "--format") == "docker"


def test_buildx_writes_docker_manifests_and_no_attestations(tmp_path: Path) -> None:
    found = options(docker(tmp_path, 0))
    assert found[:2] == ["buildx", "build"]
    assert "--provenance=false" in found
    assert after(found, "--output") == "type=docker"


def test_docker_without_buildx_builds_as_it_always_did(tmp_path: Path) -> None:
    found = options(docker(tmp_path, 1))
    assert found[0] == "build"
    assert not {"--provenance=false", "--output", "--format"} & set(found)


def test_a_failed_build_leaves_no_container(tmp_path: Path) -> None:
    """BuildKit makes none; the others keep the last one of a failed build unless asked not to."""
    assert "--force-rm" in options(docker(tmp_path, 1))
    assert "--force-rm" in options(Engine("podman", "podman", ""))
    assert "--force-rm" not in options(docker(tmp_path, 0))


@pytest.mark.parametrize("kind", ["podman", "buildx", "docker"])
def test_every_engine_is_given_the_platform_and_whose_image_it_is(tmp_path: Path, kind: str) -> None:
    engine = Engine("podman", "podman", "") if kind == "podman" else docker(tmp_path, 0 if kind == "buildx" else 1)
    found = options(engine)
    assert after(found, "--platform") == "linux/arm64"
    assert after(found, "--label") == "mlcc.project=mlcc-iris-1"


@pytest.mark.parametrize(("given", "found"), [("", None), ("host", "host"), ("none", "none")])
def test_a_build_has_the_host_s_network_only_where_the_operator_names_it(given: str, found: str | None) -> None:
    environ = {"PATH": os.environ["PATH"], "MLCC_BUILD_NETWORK": given}
    arguments = Engine("podman", "podman", "").build_arguments("a:1", "linux/amd64", ".", "p", environ)
    assert (after(arguments, "--network") if "--network" in arguments else None) == found


def test_another_network_is_refused() -> None:
    with pytest.raises(PreconditionError, match="no such network"):
        Engine("podman", "podman", "").build_arguments(
            "a:1", "linux/amd64", ".", "p", {"MLCC_BUILD_NETWORK": "container:x"}
        )


def test_the_logs_of_a_container_are_cut_where_they_are_read(tmp_path: Path) -> None:
    """An engine that prints 40 lines, to both outputs."""
    script = (
        '#!/bin/sh\necho "asked: $*"\nn=0\nwhile [ $n -lt 40 ]; do echo out $n; echo err $n >&2; n=$((n + 1)); done\n'
    )
    build_tree(tmp_path, {"docker": File(script, 0o755)})
    environ = {"PATH": os.environ["PATH"]}
    engine = Engine("docker", str(tmp_path / "docker"), "1")
    whole, cut = engine.logs("iris-1", environ, 100, 10_000)
    assert (whole.splitlines()[:3], cut) == ([b"asked: logs --tail 100 iris-1", b"out 0", b"err 0"], False)
    assert engine.logs("iris-1", environ, 100, 14) == (b"out 39\nerr 39\n", True)
