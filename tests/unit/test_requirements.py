"""Python packages of rows and of the user, in one list."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcc import pipeline
from mlcc.core.findings import Finding
from mlcc.resolve.requirements import allows, is_empty, joined, lowest, parsed, twice
from tests.helpers import build_tree

ROWS = ("numpy==2.4.6", "pandas==3.1.1", "uvicorn==0.54.0", "h11[fast]==0.16.0")


@pytest.mark.parametrize(
    ("users", "changed"),
    [
        ([], {}),
        (["polars==1.2"], {"polars": "polars==1.2"}),
        (["numpy==1.26.4"], {"numpy": "numpy==1.26.4"}),
        (["NumPy==1.26.4"], {"numpy": "NumPy==1.26.4"}),
        (["numpy"], {}),
        (["numpy>=2,<3"], {}),
        (["numpy<2"], {"numpy": "numpy<2"}),
        (["uvicorn[standard]"], {"uvicorn": "uvicorn[standard]==0.54.0"}),
        (["h11[more]>=0.1"], {"h11": "h11[fast,more]==0.16.0"}),
        (["pandas==3.*"], {}),
        (["pandas==2.*"], {"pandas": "pandas==2.*"}),
        (["polars=1"], {"polars=1": "polars=1"}),
    ],
)
def test_a_package_stands_there_once(users: list[str], changed: dict[str, str]) -> None:
    base = {"numpy": ROWS[0], "pandas": ROWS[1], "uvicorn": ROWS[2], "h11": ROWS[3]}
    found = joined(ROWS, users)
    assert list(found.lines) == sorted({**base, **changed}.values(), key=str.lower)


def test_what_became_of_each_is_known() -> None:
    found = joined([*ROWS, "not a requirement"], ["numpy==1.26.4", "pandas>=2", "polars==1", "uvicorn==0.54.0"])
    assert [(row.text, own.text) for row, own in found.replaced] == [("numpy==2.4.6", "numpy==1.26.4")]
    assert [(own.text, row.text) for own, row in found.kept] == [("pandas>=2", "pandas==3.1.1")]
    assert "not a requirement" in found.lines


def test_what_pip_does_not_take_is_none() -> None:
    assert parsed("polars=1.2") is None
    assert parsed("polars==two") is None
    assert parsed("polars==1.2") == ("polars==1.2", "polars", "1.2")
    assert parsed("polars==1.*") == ("polars==1.*", "polars", "")
    assert allows("polars~=1.2", "1.9")
    assert not allows("polars~=1.2", "2.0")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a>=2.2,<3", "2.2"),
        ("a~=1.10.3", "1.10.3"),
        ("a<3", ""),
        ("a", ""),
        ("a==1.*", "1"),
        ("a>=1.10,>=1.9,<2", "1.10"),
    ],
)
def test_the_lowest_version_that_a_range_names(text: str, wanted: str) -> None:
    assert lowest(text) == wanted


@pytest.mark.parametrize(
    ("text", "empty"),
    [
        ("a", False),
        ("a==1,==2", True),
        ("a==1,>=1", False),
        ("a==1,>1", True),
        ("a>=3,<2", True),
        ("a>=2,<2", True),
        ("a>=2,<=2", False),
        ("a>2,<=2", True),
        ("a>=2,<3", False),
        ("a<2", False),
    ],
)
def test_a_range_in_which_no_version_lies(text: str, empty: bool) -> None:
    assert is_empty(text) is empty


def test_two_requirements_of_one_package() -> None:
    assert list(twice(["a-b==1", "c==1", "A_b==2", "c==1", "c=1"])) == [("a-b==1", "A_b==2")]


def findings(more: str, requirement: str, code: str) -> list[Finding]:
    text = f"version: 1\nproject: {{name: iris}}\ndeployment: {{config: http-fastapi}}\n{more}"
    build_tree(Path(), {"mlcc.yaml": text + f"build: {{requirements: ['{requirement}']}}\n"})
    return [f for f in pipeline.read("mlcc.yaml").findings if f.code == code]


@pytest.mark.parametrize(
    ("more", "requirement", "message", "hint"),
    [
        ("", "scikit-learn==1.5.2", "is not framework.version", "framework: {version: '1.5.2'}"),
        ("", "scikit-learn==1.5.77", "is not framework.version", "mlcc catalog frameworks sklearn"),
        ("", "sklearn==0.0", "is not framework.version", "leave sklearn out"),
        ("framework: {name: xgboost}\n", "xgboost>=2", "would be installed beside xgboost-cpu", "leave xgboost out"),
    ],
)
def test_the_framework_itself_has_its_row_s_version(more: str, requirement: str, message: str, hint: str) -> None:
    [one] = findings(more, requirement, "MLCC193")
    assert message in one.message
    assert hint in one.hint
    assert not findings(more, requirement, "MLCC194")


def test_the_framework_itself_in_its_row_s_version_is_no_mistake() -> None:
    assert not findings("", "scikit-learn>=1.5", "MLCC193")


@pytest.mark.parametrize(
    ("requirement", "words"), [("numpy==2.4.0", "takes the place of"), ("numpy>=2", "installed as 2.")]
)
def test_what_happens_to_a_row_s_package_is_noted(requirement: str, words: str) -> None:
    [one] = findings("", requirement, "MLCC194")
    assert words in one.message
    assert not findings("", requirement, "MLCC125")


@pytest.mark.parametrize(
    ("requirement", "message", "hint"),
    [
        ("polars=1.2", "'polars=1.2' is nothing that pip can install", "polars==1.2"),
        ("polars~=1", "'polars~=1' is nothing that pip can install", "polars~=1.0"),
        ("polars==two", "'polars==two' is nothing that pip can install", "name, extras in brackets, and a version"),
        ("polars>=2,<1.5", "no version satisfies 'polars>=2,<1.5'", "polars==VERSION"),
        ("Pol.ars==1.2', 'pol-ars==1.3", "'Pol.ars==1.2' and 'pol-ars==1.3' are two requirements", "keep one of them"),
    ],
)
def test_what_pip_would_refuse_is_an_error(requirement: str, message: str, hint: str) -> None:
    [one] = findings("", requirement, "MLCC193")
    assert message in one.message
    assert hint in one.hint
    assert (one.line, one.column) == (4, 23)
