"""Plugins: an example distribution, built and installed by pip, with one of each group (tests/plugins/example)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlcc.io import plugins
from tests.helpers import ROOT, SMALLEST, Installed, build_tree, read_tree

EXAMPLE = ROOT / "tests/plugins/example"
SHELVED = "version: 1\nproject: {name: iris}\ndeployment: {config: http-flask, target: shelf}\ntags: {team: vision}\n"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which pip has installed the example."""
    return install(EXAMPLE, tmp_path_factory.mktemp("plugins"))


def install(source: Path, folder: Path) -> Path:
    """Builds a copy of a distribution and installs it."""
    shutil.copytree(source, folder / "source")
    pip = [sys.executable, "-m", "pip", "install", "-qq", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*pip, "--target", folder / "site", folder / "source"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return folder / "site"


@pytest.fixture
def mine(tmp_path: Path, site: Path) -> Installed:
    (tmp_path / "project").mkdir()
    return Installed(tmp_path / "project", site)


def test_the_list_names_who_brings_what(mine: Installed) -> None:
    rows = json.loads(mine("plugins", "-o", "json").stdout)["rows"]
    assert {row["group"] for row in rows} == set(plugins.GROUPS)
    assert {(row["distribution"], row["version"]) for row in rows} == {("mlcc-example", "1.2.3")}
    assert json.loads(mine("plugins", "-o", "json", MLCC_PLUGINS="none").stdout)["rows"] == []


def test_rows_and_layers(mine: Installed) -> None:
    build_tree(mine.folder, {"mlcc.yaml": SHELVED})
    mine("apply", "-q")
    assert (mine.folder / "shelf/label.txt").read_text() == "The model of iris, flask.\n"
    assert "plugin-example: " in (mine.folder / "mlcc.lock").read_text()
    assert str(mine.environ["PYTHONPATH"]) not in (mine.folder / "mlcc.lock").read_text()
    mine("apply", "--locked", "-q")
    assert "plugin example/targets.yaml" in mine("catalog", "targets", "shelf", "-o", "json").stdout
    mine("set", "deployment.target", "local")
    mine("apply", "-q")
    assert not (mine.folder / "shelf/label.txt").exists(), "what a plugin's layer rendered goes with the plugin's row"
    mine("set", "deployment.target", "shelf")


def test_a_target_and_a_step(mine: Installed) -> None:
    build_tree(mine.folder, {"mlcc.yaml": SHELVED})
    mine("apply", "-q")
    assert json.loads(mine("do/deploy", "--dry-run").stdout)["calls"][0]["service"] == "shelf"
    mine("do/test", code=1)
    mine("do/deploy")
    assert json.loads(mine("do/status", "--json").stdout)["status"] == "Shelved"
    mine("do/test")
    mine("do/clean")
    assert mine("do", "greet").stdout == "hello, iris\n"
    assert "greet" in mine("do", "--help").stdout


def test_a_check(mine: Installed) -> None:
    build_tree(mine.folder, {"mlcc.yaml": SMALLEST})
    for _ in range(2):
        found = json.loads(mine("validate", "-o", "json", code=1).stdout)["findings"]
        assert [(f["code"], f["path"], f["line"]) for f in found] == [("EXAMPLE001", "project.name", 2)]
    mine("validate", MLCC_PLUGINS="none")


def test_what_a_plugins_check_says_is_asked_each_time(mine: Installed, tmp_path: Path) -> None:
    site = tmp_path / "copy"
    shutil.copytree(mine.environ["PYTHONPATH"], site)
    own = Installed(mine.folder, site)
    build_tree(mine.folder, {"mlcc.yaml": SMALLEST})
    own("validate", code=1)
    code = site / "mlcc_example/__init__.py"
    code.write_text(code.read_text().replace("the project has no team", "nobody's project"))
    assert "nobody's project" in own("validate", code=1).stdout


def test_a_command_and_a_picker(mine: Installed) -> None:
    assert mine("hello").stdout == "hello from a plugin\n"
    output_text = mine("init", "shop", "--pick", "example").stderr
    assert "example picked tags.team = team-of-shop" in output_text
    text = (mine.folder / "mlcc.yaml").read_text()
    assert "http-nginx" in text
    assert "team-of-shop" in text
    assert "known: example" in mine("init", "shop", "--force", "--pick", "exmple", code=1).stderr


def test_what_the_user_named_is_not_picked(mine: Installed) -> None:
    mine("init", "shop", "--pick", "example", "--deployment-config", "http-flask")
    assert "http-flask" in (mine.folder / "mlcc.yaml").read_text()


def test_a_name_that_two_bring_names_both(mine: Installed, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(EXAMPLE, other)
    setup = (other / "setup.cfg").read_text().replace("name = mlcc-example", "name = mlcc-other")
    (other / "setup.cfg").write_text(setup)
    both = Installed(mine.folder, Path(mine.environ["PYTHONPATH"]), install(other, tmp_path / "second"))
    build_tree(mine.folder, {"mlcc.yaml": SMALLEST})
    refused = both("validate", code=1)
    assert "MLCC501" in refused.stderr + refused.stdout
    assert "mlcc-example and mlcc-other" in refused.stderr + refused.stdout


def broken(site: Path, folder: Path, **lines: str) -> Path:
    """A copy of the installed example in which functions are replaced."""
    copy = folder / "broken"
    shutil.copytree(site, copy)
    code = copy / "mlcc_example/__init__.py"
    code.write_text(code.read_text() + "".join(f"\n{name} = {line}\n" for name, line in lines.items()))
    return copy


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ({"rows": "lambda: 1 / 0"}, "ZeroDivisionError: division by zero"),
        ({"rows": "lambda: '/nowhere'"}, "is no folder"),
        ({"layers": "lambda: None"}, "is no folder"),
        ({"check": "lambda subject: 1 / 0"}, "ZeroDivisionError"),
        ({"check": "lambda subject: 5"}, "TypeError"),
        ({"check": "None"}, "TypeError"),
    ],
)
def test_a_plugin_that_does_not_work_is_named(mine: Installed, tmp_path: Path, lines: Any, words: str) -> None:
    own = Installed(mine.folder, broken(Path(mine.environ["PYTHONPATH"]), tmp_path, **lines))
    build_tree(mine.folder, {"mlcc.yaml": SMALLEST})
    result = own("validate", code=1)
    output_text = result.stdout + result.stderr
    assert "MLCC502" in output_text
    assert "mlcc-example" in output_text
    assert words in output_text


@pytest.mark.parametrize("answer", ["5", "{'deployment.config': 3}", "{'no.such.key': 'x'}"])
def test_answers_of_a_picker_are_judged(mine: Installed, tmp_path: Path, answer: str) -> None:
    own = Installed(mine.folder, broken(Path(mine.environ["PYTHONPATH"]), tmp_path, pick=f"lambda question: {answer}"))
    assert "MLCC502" in own("init", "shop", "--pick", "example", code=1).stderr
    assert not (mine.folder / "mlcc.yaml").exists()


def test_a_row_whose_layer_nobody_brings(mine: Installed) -> None:
    rows = (EXAMPLE / "src/mlcc_example/rows/targets.yaml").read_text().replace("targets/shelf", "targets/gone")
    build_tree(mine.folder, {"mlcc.yaml": SHELVED + "registries: [./own]\n", "own/targets.yaml": rows})
    assert "MLCC405" in mine("apply", code=1).stderr
    assert set(read_tree(mine.folder)) == {"mlcc.yaml", "own/targets.yaml"}


# ---------------------------------------------------------------- the cheap question
@pytest.mark.parametrize("kind", ["dist-info", "egg-info"])
def test_the_cheap_question_finds_whoever_speaks_of_mlcc(tmp_path: Path, kind: str) -> None:
    assert not plugins.possible([str(tmp_path), str(tmp_path / "absent")])
    build_tree(tmp_path, {f"a-1.{kind}/entry_points.txt": "[console_scripts]\na = b\n", f"b-1.{kind}/METADATA": ""})
    assert not plugins.possible([str(tmp_path)])
    build_tree(tmp_path, {f"c-1.{kind}/entry_points.txt": "[mlcc.checks]\na = b:c\n"})
    assert plugins.possible([str(tmp_path)])


def test_an_archive_is_left_to_the_library(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"")
    assert plugins.possible([str(tmp_path / "x.zip")])


def test_every_group_has_its_page_and_its_test() -> None:
    page = (ROOT / "docs/plugins.md").read_text()
    setup = (EXAMPLE / "setup.cfg").read_text()
    for group in plugins.GROUPS:
        assert f"`{group}`" in page, f"{group} is not explained"
        assert f"\n{group} =" in setup, f"{group} has no example"
