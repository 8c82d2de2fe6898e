"""Which Python a build without a container engine takes: one for which the pins of the row have wheels."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mlcc.core.errors import PreconditionError
from mlcc.lifecycle import rendered_project as projects
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.steps import build_python
from tests.helpers import Caller, File, build_tree

CONFIG = "version: 1\nproject: {name: iris}\ndeployment: {config: http-flask, target: local}\n"
OLD, NEW = 'framework: {version: "1.0.2"}\n', 'framework: {version: "1.5.2"}\n'
# What pyenv puts on PATH for a version that is not selected.
STUB = "#!/bin/sh\necho 'pyenv: python3.10: command not found' >&2\nexit 127\n"


def interpreter(version: str) -> File:
    """A program that answers as a Python of that version."""
    return File(f"#!/bin/sh\necho {version}\n", 0o755)


def project(mlcc: Caller, more: str) -> RenderedProject:
    build_tree(".", {"mlcc.yaml": CONFIG + more})
    mlcc("apply", "-q", code=0)
    return projects.load_project(".")


def test_the_image_s_python_is_taken_where_it_is_installed(mlcc: Caller) -> None:
    rendered = project(mlcc, OLD)
    build_tree("bin", {"python3.10": interpreter("3.10"), "python3.11": interpreter("3.11")})
    assert build_python.find(rendered, {"PATH": "bin"}, own="3.12") == "bin/python3.10"


def test_a_stub_of_that_name_does_not_hide_the_one_behind_it(mlcc: Caller) -> None:
    rendered = project(mlcc, OLD)
    build_tree(
        ".",
        {
            "shims/python3.10": File(STUB, 0o755),
            "no/python3.10": interpreter("2.7"),
            "bin/python3.10": interpreter("3.10"),
        },
    )
    assert build_python.find(rendered, {"PATH": "shims:nowhere::no:bin"}, own="3.12") == "bin/python3.10"


@pytest.mark.parametrize("text", ["#!/nowhere/sh\n", "\x7fELF is not a program", "#!/bin/sh\nexit 1\n"])
def test_what_does_not_run_is_none(mlcc: Caller, text: str) -> None:
    rendered = project(mlcc, OLD)
    build_tree("bin", {"python3.10": File(text, 0o755)})
    assert build_python.find(rendered, {"PATH": "bin"}, own="3.12") is None


@pytest.mark.parametrize("own", ["3.11", "3.12", "3.13"])
def test_mlcc_s_own_python_serves_where_the_pins_have_wheels_for_it(mlcc: Caller, own: str) -> None:
    assert build_python.find(project(mlcc, NEW), {"PATH": ""}, own=own) == sys.executable


def test_another_python_that_has_wheels_serves_before_none(mlcc: Caller) -> None:
    rendered = project(mlcc, NEW)
    build_tree("bin", {"python3.13": interpreter("3.13")})
    assert build_python.find(rendered, {"PATH": "bin"}, own="3.10") == "bin/python3.13"


def test_where_nothing_is_pinned_any_python_serves(mlcc: Caller) -> None:
    build_tree(".", {"mlcc.yaml": CONFIG.replace("http-flask", "triton-fil")})
    mlcc("apply", "-q", code=0)
    assert build_python.find(projects.load_project("."), {"PATH": ""}, own="2.7") == sys.executable


@pytest.mark.parametrize("own", ["3.9", "3.11", "3.14"])
@pytest.mark.parametrize(
    ("sample", "instead"), [(False, "start a container engine"), (True, "a model of your own")], ids=["own", "sample"]
)
def test_none_is_a_finding_that_says_what_to_install(mlcc: Caller, own: str, sample: bool, instead: str) -> None:
    with pytest.raises(PreconditionError) as caught:
        build_python.need(project(mlcc, OLD), {"PATH": ""}, sample, own)
    [finding] = caught.value.findings
    assert finding.code == "MLCC302"
    assert finding.message == "the packages of scikit-learn 1.0.2 are made for Python 3.10, and none is on PATH"
    assert finding.hint.startswith("install Python 3.10 with its module venv")
    assert instead in finding.hint


def test_a_stub_is_named(mlcc: Caller) -> None:
    rendered = project(mlcc, OLD)
    build_tree("shims", {"python3.10": File(STUB, 0o755)})
    with pytest.raises(PreconditionError, match=r"and shims/python3\.10 does not run"):
        build_python.need(rendered, {"PATH": "shims"}, sample=False, own="3.12")


def test_the_step_ends_with_3_and_leaves_nothing(mlcc: Caller) -> None:
    """A row for a Python that no machine has."""
    row = "versions:\n  \"9.9.9\": {validation_level: unknown, source: ours, python: '3.99', requirements: [joblib==1.4.2],\n"
    row += "    defaults: {framework: {base_image: 'acme/sklearn:9'}}}\n"
    files = {
        "mlcc.yaml": CONFIG + 'registries: [./registries]\nframework: {version: "9.9.9"}\n',
        "registries/frameworks/sklearn.yaml": "version: 1\nkind: framework\nname: sklearn\nsource: acme\n" + row,
    }
    build_tree(".", files)
    mlcc("apply", "-q", code=0)
    done = mlcc("do", "build", code=3)
    assert "MLCC302: the packages of scikit-learn 9.9.9 are made for Python 3.99, and none is on PATH" in done.stderr
    assert not list(Path(".mlcc").glob("run/venv-*"))
    dry = mlcc("do", "build", "--dry-run", "--json", code=0)
    assert '"python3.99"' in dry.stdout
