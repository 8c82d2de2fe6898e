"""What the pages show is what mlcc does: their commands are run, and their YAML is validated.

Steps that install packages or start servers are run dry here, and for real by `make test-real`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mlcc import pipeline
from mlcc.load.request import Request
from mlcc.registries import load
from tests.documents import blocks, missing, path_to_an_endpoint, run_page
from tests.documents import commands as commands_of
from tests.helpers import ROOT, SMALLEST, build_tree, fork_server, run_mlcc

PAGES = (
    "README.md", "docs/guide.md", "docs/repository.md", "docs/workspace.md", "docs/policies.md", "docs/aws.md",
    "docs/hyperpod.md", "examples/README.md",
)  # fmt: skip
STEP = re.compile(r"^(\S*do/(?:build|push|submit|deploy|test|clean))\b(.*)$")
SETUP = re.compile(r"^mlcc bootstrap (?:deploy|destroy)\b.*$")
# These ask AWS, which tests/real/test_bootstrap.py does.
ASKING = ("mlcc doctor --aws", "mlcc bootstrap status", "mlcc bootstrap secrets ")
LEFT_OUT = ("make ", "pip ", "POST ", *ASKING)


def changed(text: str) -> str:
    """A step becomes a dry run; what belongs to the machine, and not to mlcc, is left out."""
    if text.startswith(LEFT_OUT):
        return ""
    return STEP.sub(r"\1\2 --dry-run", SETUP.sub(r"\g<0> --dry-run", text))


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page(page: str, tmp_path: Path) -> None:
    programs = f"{Path(fork_server().program).parent}:{Path(sys.executable).parent}"
    environ = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "MLCC_ENGINE": "none", "COLUMNS": "80"}
    folder = tmp_path / "page"
    folder.mkdir()
    problems = run_page(ROOT / page, folder, environ, changed)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("page", ["README.md", "docs/aws.md"])
def test_five_commands_lead_to_a_tested_endpoint(page: str, tmp_path: Path) -> None:
    once, each, (away,) = (lambda found: (found[:2], found[2:7], found[7:]))(path_to_an_endpoint(ROOT / page))
    assert all(text.startswith("mlcc bootstrap ") for text in once)
    assert (len(each), each[-1], away) == (5, "do/test", "do/clean")
    programs = f"{Path(fork_server().program).parent}:{Path(sys.executable).parent}"
    environ = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "MLCC_HOME": str(tmp_path / "home")}
    folder = tmp_path / "new"
    folder.mkdir()
    for text in map(changed, (*once, *each, away)):
        ran = subprocess.run(text, shell=True, cwd=folder, env=environ, capture_output=True, text=True)
        assert ran.returncode == 0, f"{text}\n{ran.stdout}{ran.stderr}"


@pytest.mark.parametrize("page", ["README.md", "docs/aws.md"])
def test_the_cost_of_the_example_is_that_of_the_registry(page: str, tmp_path: Path) -> None:
    project = pipeline.read(build_tree(tmp_path, {"mlcc.yaml": SMALLEST}) / "mlcc.yaml", Request())
    instance = str(project.resolved.values["deployment", "instance_type"].value)
    price = load().price(instance)
    assert price is not None
    words = f"costs {price.amount:g} {price.currency} an hour in {price.region} (price of {price.date})"
    assert f"`{instance}`, the instance of this example, {words}" in " ".join((ROOT / page).read_text().split())


def test_the_pages_show_commands() -> None:
    """Else the test above would prove nothing."""
    assert sum(1 for page in PAGES for _ in commands_of(ROOT / page)) >= 15


def test_a_line_that_is_not_printed_is_found() -> None:
    assert missing(("one 12 ms", "...", "three"), "x one 7.5 ms\ntwo\n  three\n") == ""
    assert missing(("one", "three", "two"), "one\ntwo\nthree\n") == "two"


@pytest.mark.parametrize(
    ("page", "line", "text"),
    [(page, line, text) for page in PAGES for line, text in blocks(ROOT / page, "yaml")],
    ids=lambda v: str(v) if isinstance(v, (int, str)) and len(str(v)) < 20 else "",
)
def test_the_yaml_of_a_page(page: str, line: int, text: str, tmp_path: Path) -> None:
    whole = (
        text
        if "version:" in text
        else f"version: 1\nproject: {{name: iris}}\ndeployment: {{config: http-fastapi}}\n{text}"
    )
    tree = {
        "mlcc.base.yaml": "tags: {team: vision}\n",
        "projects/iris/mlcc.yaml": whole,
        "projects/iris/model/model.joblib": "",
        "projects/iris/registries/models/mine.yaml": "version: 1\nkind: models\nrows: {}\n",
        ".git/HEAD": "ref: refs/heads/main\n",
    }
    build_tree(tmp_path, tree)
    done = run_mlcc("validate", cwd=tmp_path / "projects/iris")
    assert done.code == 0, f"{page}:{line}\n{done.stdout}{done.stderr}"
