"""The wheel and the sdist carry schemas, registries and cookiecutters, and render what this checkout renders."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.helpers import ROOT, SMALLEST, build_tree, read_tree

NEEDED = ("setup.cfg", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "CHANGELOG.md")
FOLDERS = ("mlcc", "schemas", "registries", "cookiecutters", "examples")
RUN = "import sys; from mlcc.cli.main import run_command_line; sys.exit(run_command_line(sys.argv[1:]))"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is packaged, so that building leaves no trace in the checkout."""
    root = tmp_path_factory.mktemp("source")
    for name in NEEDED:
        shutil.copy(ROOT / name, root / name)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, root / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def built(kind: str, source: Path, out: Path) -> Path:
    """A wheel or an sdist, by the build backend that pip calls (tests/stress/test_floors.py installs one with pip)."""
    code = f"from setuptools import build_meta; import sys; build_meta.build_{kind}(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, str(out)], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [archive] = out.iterdir()
    return archive


def rendered(installed: Path, where: Path) -> dict[str, bytes]:
    """What an installation renders, from a directory that is not the checkout."""
    build_tree(where, {"mlcc.yaml": SMALLEST})
    environ = {**os.environ, "PYTHONPATH": str(installed)}
    code = f"import mlcc; assert mlcc.__file__.startswith({str(installed)!r}), mlcc.__file__; {RUN}"
    done = subprocess.run([sys.executable, "-c", code, "apply", "-q"], cwd=where, env=environ, capture_output=True)
    assert done.returncode == 0, done.stderr
    return read_tree(where)


def test_a_wheel_and_an_sdist_render_what_the_checkout_renders(source: Path, tmp_path: Path) -> None:
    for name in ("wheel", "sdist", "from-sdist"):
        (tmp_path / name).mkdir()
    wheel = zipfile.ZipFile(built("wheel", source, tmp_path / "wheel"))
    names = wheel.namelist()
    assert not [n for n in names if n.endswith((".pyc", ".pyo")) or "__pycache__" in n]
    for kind in (
        "schemas/mlcc.schema.json",
        "registries/regions.yaml",
        "cookiecutters/common/cookiecutter.json",
        "examples/churn/train.py",
    ):
        assert f"mlcc/data/{kind}" in names
    wheel.extractall(tmp_path / "a/site")

    shutil.unpack_archive(built("sdist", source, tmp_path / "sdist"), tmp_path / "unpacked")
    [unpacked] = (tmp_path / "unpacked").iterdir()
    zipfile.ZipFile(built("wheel", unpacked, tmp_path / "from-sdist")).extractall(tmp_path / "b/site")

    here = rendered(ROOT, tmp_path / "here")
    assert rendered(tmp_path / "a/site", tmp_path / "from-wheel") == here
    assert rendered(tmp_path / "b/site", tmp_path / "from-the-sdist") == here
