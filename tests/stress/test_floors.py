"""G42 (docs/guarantees.md): mlcc works with the lowest version of each requirement, and none has a known problem.

An environment of its own gets exactly the versions with which setup.cfg begins, and tests of each stage run in it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.test_package_metadata import name_of, option
from tests.helpers import ROOT

# Before the tests take proxies and the home away: pip needs them.
ENVIRON = dict(os.environ)
# The version in which a problem of a direct requirement is mended, and where the problem is described.
MENDED = {
    "Jinja2": ("3.1.6", "CVE-2025-27516: a template leaves its sandbox"),
    "cookiecutter": ("2.1.1", "CVE-2022-24065: a template's address is an option of hg"),
    "ruamel.yaml": ("0.16.8", "CVE-2019-20478: load() runs code"),
}
TESTS = (
    "tests/unit/test_yaml_reader.py", "tests/unit/test_validator.py", "tests/unit/test_generator.py",
    "tests/functional/test_apply.py", "tests/functional/test_explain_show.py", "tests/functional/test_validate.py",
)  # fmt: skip

# It leaves names out that only later releases of the template library import.
OF_A_NEWER_RELEASE = "tests/unit/test_generator.py::test_a_release_that_needs_other_names_is_imported_whole"


def floors() -> dict[str, str]:
    """The lowest version of each requirement of this Python."""
    found = {}
    for line in option("options", "install_requires").splitlines():
        requirement, _, marker = line.partition(";")
        if "<" not in marker or sys.version_info < (3, 11):
            found[name_of(requirement)] = requirement.partition(">=")[2].strip()
    return found


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def test_no_lowest_version_has_a_known_problem() -> None:
    lowest = floors()
    assert set(MENDED) <= set(lowest)
    for name, (version, problem) in MENDED.items():
        assert numbers(lowest[name]) >= numbers(version), f"{name} {lowest[name]}: {problem}"


def run(*argv: object, cwd: Path) -> str:
    done = subprocess.run(list(map(str, argv)), cwd=cwd, env=ENVIRON, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.full
def test_mlcc_works_with_the_lowest_versions(tmp_path: Path) -> None:
    python = tmp_path / "venv/bin/python"
    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    source = shutil.copytree(
        ROOT, tmp_path / "source", ignore=shutil.ignore_patterns(".*", "*.egg-info", "build", "__pycache__")
    )
    pins = [f"{name}=={version}" for name, version in floors().items()]
    pip = (python, "-m", "pip", "install", "-q", "--disable-pip-version-check")
    run(*pip, *pins, "pytest", "hypothesis", cwd=tmp_path)
    run(*pip, "--no-deps", source, cwd=tmp_path)
    options = ("-q", "-p", "no:cacheprovider", "--programs", "machine", "--deselect", OF_A_NEWER_RELEASE)
    output_text = run(python, "-m", "pytest", *options, *TESTS, cwd=ROOT)
    print(f"\n{' '.join(pins)}: {output_text.splitlines()[-1]}")
