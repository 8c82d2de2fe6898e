"""setup.cfg and pyproject.toml: the requirements that were agreed on, and no others."""

from __future__ import annotations

import configparser
import re

from tests.helpers import ROOT

AGREED = {"boto3", "click", "cookiecutter", "jsonschema", "rich", "ruamel.yaml", "tabulate"}
DECISION = ROOT / "docs/adr/0007-dependencies.md"
# For speed alone: everything works without it (0021).
FASTER = {"ruamel.yaml.clib"}


def option(section: str, name: str) -> str:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg")
    return parser[section][name].strip()


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]*[A-Za-z0-9]", requirement)
    assert found is not None, requirement
    return found[0]


def decided() -> set[str]:
    """Requirements that the decision record adds."""
    [decision] = [line for line in DECISION.read_text().splitlines() if line.startswith("**Decision.**")]
    return {name_of(quoted) for quoted in re.findall("`([^`]+)`", decision)}


def test_the_requirements_are_those_that_were_agreed_on() -> None:
    required = [name_of(line) for line in option("options", "install_requires").splitlines()]
    assert sorted(required) == sorted(AGREED | FASTER | decided())
    assert decided() == {"Jinja2", "packaging", "tomli"}


def test_every_requirement_has_a_floor_and_no_ceiling() -> None:
    for line in option("options", "install_requires").splitlines():
        version = line.partition(";")[0].strip().removeprefix(name_of(line))
        assert re.fullmatch(r">=[0-9.]+", version), line


def test_the_python_versions_are_those_that_were_agreed_on() -> None:
    assert option("options", "python_requires") == ">=3.10"
    assert option("mypy", "python_version") == "3.10"


def test_pyproject_names_the_build_system_and_nothing_else() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    assert re.findall(r"^\s*\[+(.+?)\]+\s*$", text, re.MULTILINE) == ["build-system"]
    assert re.findall(r"^([\w-]+)\s*=", text, re.MULTILINE) == ["requires", "build-backend"]
