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
FOLDERS = ("mlcc", "schemas", "registries", "cookiecutters")
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


def pip(*arguments: str, cwd: Path) -> None:
    environ = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INDEX": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pip", *arguments], cwd=cwd, env=environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def wheel(source: Path, out: Path) -> Path:
    pip("wheel", "--quiet", "--no-build-isolation", "--no-deps", "-w", str(out), str(source), cwd=out)
    (built,) = out.glob("*.whl")
    return built


def unpacked_wheel(source: Path, out: Path) -> Path:
    """The same without pip: the build backend that pip calls, and the archive, which holds what pip would install."""
    code = "from setuptools import build_meta; import sys; build_meta.build_wheel(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, str(out)], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(out / "site")
    return out / "site"


def rendered(installed: Path, where: Path) -> dict[str, bytes]:
    """What an installation renders, from a directory that is not the checkout."""
    build_tree(where, {"mlcc.yaml": SMALLEST})
    environ = {**os.environ, "PYTHONPATH": str(installed)}
    code = f"import mlcc; assert mlcc.__file__.startswith({str(installed)!r}), mlcc.__file__; {RUN}"
    done = subprocess.run([sys.executable, "-c", code, "apply", "-q"], cwd=where, env=environ, capture_output=True)
    assert done.returncode == 0, done.stderr
    return read_tree(where)


def test_a_wheel_and_an_sdist_render_what_the_checkout_renders(source: Path, tmp_path: Path) -> None:
    build_tree(tmp_path, {"wheels/.keep": "", "sdist/.keep": "", "out/.keep": ""})
    built = wheel(source, tmp_path / "wheels")
    names = zipfile.ZipFile(built).namelist()
    assert not [n for n in names if n.endswith((".pyc", ".pyo")) or "__pycache__" in n]
    for kind in ("schemas/mlcc.schema.json", "registries/regions.yaml", "cookiecutters/common/cookiecutter.json"):
        assert f"mlcc/data/{kind}" in names
    pip(
        "install",
        "--quiet",
        "--no-deps",
        "--no-compile",
        "--target",
        str(tmp_path / "from-wheel"),
        str(built),
        cwd=tmp_path,
    )

    code = "from setuptools import build_meta; import sys; print(build_meta.build_sdist(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "sdist")], cwd=source, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (archive,) = (tmp_path / "sdist").glob("*.tar.gz")
    shutil.unpack_archive(archive, tmp_path / "unpacked")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    from_sdist = unpacked_wheel(unpacked, tmp_path / "out")

    here = rendered(ROOT, tmp_path / "a")
    assert rendered(tmp_path / "from-wheel", tmp_path / "b") == here
    assert rendered(from_sdist, tmp_path / "c") == here
