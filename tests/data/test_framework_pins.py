"""The pins of the rows of frameworks/: what a project of each installs, and what was seen to run.

Offline: that the pins also resolve, and each has a wheel, `python -m tools.pins --check` asks the index.
"""

from __future__ import annotations

import hashlib
import itertools
import re

import pytest

from mlcc.registries.loader import Registries, load
from mlcc.registries.rows import DeploymentConfig, FrameworkVersion
from tests.data.test_registries import ROWS, version_key
from tests.helpers import ROOT

KNOWN: Registries = load()


def serving(framework: str) -> list[DeploymentConfig]:
    """The configs that serve a framework."""
    return [config for config in KNOWN.deployment_configs.values() if framework in config.frameworks]


VERSIONS = [(f.name, v) for f in KNOWN.frameworks.values() for v in f.versions.values()]
OF_FRAMEWORK = {v.origin: name for name, v in VERSIONS}


def all_pins(row: FrameworkVersion) -> set[str]:
    """The pins that a row's evidence is about, with those that configs have for its Python alone."""
    configs = serving(OF_FRAMEWORK[row.origin]) if row.origin in OF_FRAMEWORK else []
    return {*row.requirements, *(p for c in configs for p in c.requirements_by_python.get(row.python, ()))}


def test_what_was_tested_is_what_the_row_holds():
    """Whoever changes pins runs `make test-real` again, and writes the day and the digest of the new pins."""
    tested = [(name, row) for name, row in ROWS if getattr(row, "evidence", None)]
    assert len(tested) >= 10
    for name, row in tested:
        pins = "".join(f"{requirement}\n" for requirement in sorted(all_pins(row)))
        digest = f"sha256:{hashlib.sha256(pins.encode()).hexdigest()}"
        assert row.evidence["digest"] == digest, f"{name}: its pins have now {digest}"


PIN = re.compile(r"([a-z0-9][a-z0-9._-]*)(\[[a-z,]+\])?==[0-9][0-9A-Za-z.+!]*")
# Rows whose packages the servers of mlcc's own run in, with the configs that serve them.
PINNED = [(f, v, c) for f, v in VERSIONS if v.requirements for c in serving(f)]


@pytest.mark.parametrize(
    ("framework", "version", "config"), PINNED, ids=[f"{f} {v.name} {c.name}" for f, v, c in PINNED]
)
def test_what_a_project_installs_names_each_package_once(framework, version, config):
    """`python -m tools.pins --check` asks the index that they also resolve, and bring nothing that is not pinned."""
    server = [*version.requirements, *config.pins(version.python)]
    for requirements in (server, [*server, *version.sample_requirements]):
        found: dict[str, str] = {}
        for requirement in requirements:
            name = PIN.fullmatch(requirement)[1]
            assert "_" not in name
            assert "." not in name, "spelled in one way, so that two pins of one package are seen"
            assert found.setdefault(name, requirement) == requirement
    again = {PIN.fullmatch(r)[1] for r in server} & {PIN.fullmatch(r)[1] for r in version.sample_requirements}
    assert not again, "what the server has already"


@pytest.mark.parametrize(("framework", "version"), VERSIONS, ids=[f"{f} {v.name}" for f, v in VERSIONS])
def test_pythons_of_a_version(framework, version):
    if not version.requirements:
        assert not version.other_pythons
        return
    image = version.defaults.get("framework", "base_image").value
    assert image.startswith(f"python:{version.python}."), "the packages are made for the Python of the image"
    assert tuple(map(int, version.python.split("."))) >= (3, 10), "what the servers' code needs"
    assert version.python not in version.other_pythons
    assert list(version.other_pythons) == sorted(version.other_pythons, key=version_key)
    for served in serving(framework):
        alone = served.pins(version.python) != served.requirements
        assert not (alone and version.other_pythons), "its packages are made for the one Python"


@pytest.mark.parametrize("name", [n for n, c in KNOWN.deployment_configs.items() if c.requirements_by_python])
def test_requirements_by_python(name):
    row = KNOWN.deployment_configs[name]
    for python, requirements in row.requirements_by_python.items():
        assert list(requirements) == sorted(requirements)
        assert not [r for r in requirements if not PIN.fullmatch(r)]
        assert {PIN.fullmatch(r)[1] for r in row.requirements} <= {PIN.fullmatch(r)[1] for r in requirements}
        used = [v for f, v in VERSIONS if f in row.frameworks and v.python == python]
        assert used, f"no row is of Python {python} any more"


@pytest.mark.parametrize("name", KNOWN.frameworks)
def test_what_is_left_out_has_no_row(name):
    row = KNOWN.frameworks[name]
    minors = {version.rpartition(".")[0] for version in row.versions}
    assert not minors & set(row.left_out)
    assert not [text for text in row.left_out.values() if text.endswith(".")], "it stands within a sentence"


def test_scikit_learn_s_models_are_asked_with_dataframes():
    for version in KNOWN.framework("sklearn").versions.values():
        assert {"pandas", "python-dateutil"} <= {PIN.fullmatch(r)[1] for r in version.requirements}, version.name


def test_versions_that_people_still_have():
    """From the oldest to the newest no minor version is missing that is not left out with a reason."""
    for name, oldest in (("sklearn", "1.0"), ("xgboost", "1.7"), ("tensorflow", "2.8")):
        row = KNOWN.framework(name)
        minors = {version.rpartition(".")[0] for version in row.versions} | set(row.left_out)
        known = sorted(version_key(minor) for minor in minors)
        assert known[0] == version_key(oldest)
        for one, next_one in itertools.pairwise(known):
            assert next_one in ((one[0], one[1] + 1), (one[0] + 1, 0)), f"{name}: nothing between {one} and {next_one}"


def test_the_guide_says_which_versions_there_are():
    text = " ".join((ROOT / "docs/guide.md").read_text(encoding="utf-8").split())
    words = []
    for name in ("sklearn", "xgboost", "tensorflow"):
        row = KNOWN.framework(name)
        newest, oldest = (list(row.versions)[place].rpartition(".")[0] for place in (0, -1))
        words.append(f"{row.title} {oldest} to {newest}")
        assert all(f"{row.title} {minor} has none" in text for minor in row.left_out)
    assert "{}, {} and {} have a row each minor version".format(*words) in text
