"""What the README says of an installation is true of a wheel, far from any checkout: its install lines, its first lines."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import commands, run_page
from tests.helpers import ROOT, git

pytestmark = pytest.mark.real

README = ROOT / "README.md"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment in which the README's lines installed a wheel; its checkout is gone."""
    folder = tmp_path_factory.mktemp("wheel")
    checkout, place = folder / "checkout", folder / "venv"
    git(folder, "clone", "-q", str(ROOT), str(checkout))
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    [line] = [one.text for one in commands(README) if one.text.startswith("pip wheel")]
    environ = {**os.environ, "PATH": f"{place}/bin:{os.environ['PATH']}", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(["sh", "-ec", line], cwd=checkout, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.rmtree(checkout)
    return place


def environment(installed: Path, home: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ML_", "MLCC", "AWS_", "GIT_", "PYTHON"))}
    path = f"{installed}/bin:{os.environ['PATH']}"
    return {
        **kept,
        "PATH": path,
        "HOME": str(home),
        "MLCC_HOME": str(home / "mlcc"),
        "MLCC_ENGINE": "none",
        "COLUMNS": "80",
    }


def test_the_first_lines_of_the_readme(installed: Path, tmp_path: Path) -> None:
    """All but `make run`, which a checkout has, and the request, which is no command."""
    text = README.read_text()
    block = text[text.index("$ make run\n") + len("$ make run\n") :]
    page = tmp_path / "page.md"
    page.write_text("```console\n" + block[: block.index("```")] + "```\n")
    assert [one.text.split()[0] for one in commands(page)] == [
        "mlcc", "mlcc", "demo/do/build", "demo/do/deploy", "POST", "demo/do/test", "demo/do/clean",
    ]  # fmt: skip
    folder = tmp_path / "far"
    folder.mkdir()
    problems = run_page(
        page, folder, environment(installed, tmp_path), lambda text: "" if text.startswith("POST") else text
    )
    assert problems == [], "\n".join(problems)
    assert (folder / "demo/do/config").exists()


def test_what_a_wheel_brings_and_says_of_itself(installed: Path, tmp_path: Path) -> None:
    environ = environment(installed, tmp_path)

    def mlcc(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["mlcc", *words], cwd=tmp_path, env=environ, capture_output=True, text=True)

    for editor in ("vscode", "idea", "nvim"):
        assert mlcc("schema", "--install", editor).returncode == 0
    assert (tmp_path / ".schemas/mlcc/mlcc.schema.json").read_bytes() == (
        ROOT / "schemas/mlcc.schema.json"
    ).read_bytes()
    refused = mlcc("init", "--ci", "github")
    assert (refused.returncode, "MLCC420" in refused.stderr) == (1, True), "a wheel of this machine"
    for system in ("github", "gitlab"):
        assert mlcc("init", "--ci", system, "--ci-install", "mlcc==0.1.0").returncode == 0
    missing = subprocess.run(
        [ROOT / "cookiecutters/common/{{cookiecutter.root}}/do/step"], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True
    )  # fmt: skip
    assert missing.returncode == 3
    assert "install it as its README says" in missing.stderr
