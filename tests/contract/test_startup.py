"""What starting costs: help and version import nothing that they do not show."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mlcc.core.version import VERSION
from tests.helpers import SMALLEST, build_tree, run_mlcc

HEAVY = {
    "boto3",
    "botocore",
    "cookiecutter",
    "jinja2",
    "jsonschema",
    "referencing",
    "ruamel",
    "rich",
    "tabulate",
    "importlib.metadata",
    "yaml",
    "requests",
    "asyncio",
    "socket",
    "ssl",
    "http.client",
    "subprocess",
    "email",
}
# Of the command line, what every run needs: no command, and nothing that prints a result.
AT_START = {
    f"mlcc.cli.{name}" for name in ("start", "home", "replay", "main", "command_table", "boundary", "lazy", "session")
}
NEVER = {"boto3", "botocore"}


def imported(*argv: str) -> set[str]:
    """Names of all modules that a run imports."""
    result = run_mlcc(*argv, env={"PYTHONPROFILEIMPORTTIME": "1"})
    assert result.code == 0, result.stderr
    return {line.rpartition("|")[2].strip() for line in result.stderr.splitlines() if line.startswith("import time:")}


def heavy(names: set[str], of: set[str]) -> set[str]:
    return {n for n in names for h in of if n == h or n.startswith(h + ".")}


@pytest.mark.parametrize("argv", [["--help"], ["--version"], ["-h"], []], ids=" ".join)
def test_help_and_version_import_nothing_heavy(argv):
    names = imported(*argv)
    assert "click" in names, "imports were seen at all"
    assert not heavy(names, HEAVY)
    assert not [n for n in names if n.startswith("mlcc.cli.") and n not in AT_START]


@pytest.mark.parametrize(
    "argv", [["plan"], ["validate"], ["show"], ["explain"], ["apply"], ["catalog", "configs"]], ids=" ".join
)
def test_commands_without_a_cloud_import_none(argv):
    build_tree(Path(), {"mlcc.yaml": SMALLEST})
    assert not heavy(imported(*argv), NEVER)


@pytest.mark.parametrize("argv", [["validate"], ["show"], ["explain"], ["catalog", "configs"]], ids=" ".join)
def test_only_what_renders_imports_the_renderer(argv):
    build_tree(Path(), {"mlcc.yaml": SMALLEST})
    assert not heavy(imported(*argv), {"cookiecutter", "jinja2"})


def test_importing_the_package_costs_nothing():
    script = (
        "import sys; before = set(sys.modules); import mlcc; print(sorted(set(sys.modules) - before), mlcc.__version__)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"['mlcc'] {VERSION}"
