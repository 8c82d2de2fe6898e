"""What the tests on real components stand on: the machine's own network, and an environment without secrets or choices.

`sh tests/real/run.sh` starts the container engine and the registry and says in the environment where they are.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.rig import CANARY, CANARY_VARIABLE, Docker, Rig, run

# What mlcc, AWS or Git could read; the engine's variables (DOCKER_*) and pip's stay.
BLANKED = ("AWS_", "ML_", "MLCC", "GIT_")


def pytest_configure(config: pytest.Config) -> None:
    """The markers of what installs more than a gigabyte, and of what runs only when it is asked for."""
    config.addinivalue_line("markers", "real_large: needs TensorFlow (MLCC_SKIP_LARGE=1 leaves it out)")
    config.addinivalue_line("markers", "real_versions: neither oldest nor newest (MLCC_ALL_VERSIONS=1 adds it)")


@pytest.fixture(autouse=True)
def no_network() -> None:
    """In place of the guard of the other tests: these install packages."""


@pytest.fixture(autouse=True)
def no_surroundings() -> None:
    """In place of the blank environment of the other tests: each program here is given its own (`rig`)."""


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Rig:
    """mlcc as installed here, with an environment that holds no secret but one, which must never be seen again."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(BLANKED) and k not in ("PYTHONPATH", "TERM")}
    mlcc = Path(sys.executable).with_name("mlcc")
    assert mlcc.exists(), f"{mlcc} is not there: make venv"
    environ |= {
        "MLCC": str(mlcc),
        "MLCC_HOME": str(tmp_path_factory.mktemp("mlcc-home")),
        "MLCC_PLUGINS": "none",
        # the daemon of these tests has no bridge
        "MLCC_BUILD_NETWORK": "host",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "COLUMNS": "80",
        CANARY_VARIABLE: CANARY,
    }
    return Rig(mlcc, environ)


@pytest.fixture(scope="session")
def docker() -> Docker:
    """The engine that run.sh has started.  Fails where there is none: nothing here is skipped."""
    missing = [name for name in ("DOCKER_HOST", "MLCC_REAL_BASE", "MLCC_REAL_REGISTRY") if not os.environ.get(name)]
    assert not missing, f"{', '.join(missing)} not set: run these tests with `make test-real`"
    found = Docker(dict(os.environ))
    assert found("image", "inspect", os.environ["MLCC_REAL_BASE"]).stdout, "the base image is not there"
    return found


@pytest.fixture(scope="session", autouse=True)
def no_process_left() -> Iterator[None]:
    """After the last test no server that mlcc started runs any more."""
    yield
    token = b"MLCC_RUN_TOKEN="
    left = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environ = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        ours = f"MLCC_REAL_RUN={os.environ.get('MLCC_REAL_RUN', '-')}".encode()
        tmp = f"TMPDIR={os.environ.get('TMPDIR', '-')}".encode()
        if any(v.startswith(token) for v in environ) and (ours in environ or tmp in environ):
            left.append(run("ps", "-o", "pid,args", "-p", folder.name).stdout)
    assert not left, f"servers are left: {left}"
