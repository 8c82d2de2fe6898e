"""tools/pins: how the pins of a row follow from what a resolver answers.  The resolver here knows a small index."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from mlcc.registries.rows import DeploymentConfig, FrameworkVersion
from tests.helpers import File, build_tree
from tools import interpreters
from tools.pins.resolver import Unresolved, reach, reasons
from tools.pins.rows import computed, wrong

# Package: day, version, what it needs.  The newest last.
INDEX: dict[str, list[tuple[str, str, list[str]]]] = {
    "scikit-learn": [("2022-05", "1.1.3", ["numpy", "joblib"])],
    "pandas": [("2022-05", "1.5.0", ["numpy"]), ("2026-01", "3.0.0", ["numpy"])],
    "joblib": [("2022-01", "1.1.0", []), ("2026-01", "1.6.0", ["cloudpickle"])],
    "cloudpickle": [("2026-01", "3.1.0", [])],
    "numpy": [("2022-01", "1.23.0", []), ("2022-06", "1.24.0", []), ("2026-01", "2.4.0", [])],
    "xgboost": [("2022-01", "1.7.6", ["numpy"])],
    "flask": [("2026-01", "3.1.3", ["click"])],
    "click": [("2022-01", "8.0.0", []), ("2026-01", "8.5.1", [])],
}
FLASK = DeploymentConfig("http-flask", "", frameworks=("sklearn",), requirements=("click==8.5.1", "flask==3.1.3"))


class Index:
    """Takes the newest version that a pin and the day allow."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[str], str]] = []

    def __call__(
        self, requirements: Iterable[str], python: str, constraints: Iterable[str] = (), until: str = ""
    ) -> Mapping[str, str]:
        """See tools.pins.rows.Resolve."""
        self.asked.append((list(requirements), until))
        rules = [*self.asked[-1][0], *constraints]
        exact = dict(rule.split("==") for rule in rules if "==" in rule)
        below = dict(rule.split("<") for rule in rules if "<" in rule)
        found: dict[str, str] = {}
        waiting = [rule.partition("==")[0] for rule in self.asked[-1][0]]
        while waiting:
            name = waiting.pop()
            fits = [
                (version, needs)
                for day, version, needs in INDEX.get(name, [])
                if (not until or day <= until) and exact.get(name) in (None, version) and version < below.get(name, "9")
            ]
            if not fits:
                raise Unresolved(f"{name} has no version")
            found[name] = fits[-1][0]
            waiting += [need for need in fits[-1][1] if need not in found]
        return found


def test_the_newest_of_everything() -> None:
    server, sample = computed("sklearn", "1.1.3", "3.11", [FLASK], Index())
    assert server == ["cloudpickle==3.1.0", "joblib==1.6.0", "numpy==2.4.0", "pandas==3.0.0", "scikit-learn==1.1.3"]
    assert sample == []


def test_the_packages_of_a_day() -> None:
    server, _ = computed("sklearn", "1.1.3", "3.11", [FLASK], Index(), until="2022-07")
    assert server == ["joblib==1.1.0", "numpy==1.24.0", "pandas==1.5.0", "scikit-learn==1.1.3"]


def test_a_bound_stands_over_the_day_and_a_name_alone_is_the_newest() -> None:
    bounds = ["numpy<1.24", "joblib"]
    server, _ = computed("sklearn", "1.1.3", "3.11", [FLASK], Index(), "2022-07", bounds)
    assert server == ["cloudpickle==3.1.0", "joblib==1.6.0", "numpy==1.23.0", "pandas==1.5.0", "scikit-learn==1.1.3"]


def test_what_a_config_pins_has_its_version_and_a_conflict_is_seen() -> None:
    held = FLASK._replace(requirements=(*FLASK.requirements, "numpy==1.23.0"))
    server, _ = computed("sklearn", "1.1.3", "3.11", [held], Index(), until="2022-07")
    assert "numpy==1.23.0" in server
    with pytest.raises(Unresolved, match="numpy has no version"):
        computed("sklearn", "1.1.3", "3.11", [FLASK._replace(requirements=("numpy==7",))], Index())


def test_the_sample_s_pins_are_what_the_server_has_not_and_the_second_package_name_serves() -> None:
    server, sample = computed("xgboost", "1.7.6", "3.11", [], Index(), until="2022-07")
    assert server == ["numpy==1.24.0", "xgboost==1.7.6"]
    assert sample == ["joblib==1.1.0", "scikit-learn==1.1.3"]
    with pytest.raises(Unresolved, match=r"xgboost-cpu has no version\nxgboost has no version"):
        computed("xgboost", "9", "3.11", [], Index())


ROW = FrameworkVersion("1", "", python="3.11", requirements=("numpy==1.23.0", "xgboost==1.7.6"))


def test_good_pins_are_named_by_nothing() -> None:
    assert list(wrong(ROW, FLASK, "3.11", Index())) == []


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (ROW._replace(requirements=("xgboost==1.7.6",)), "server: comes along unpinned: numpy==2.4.0"),
        (ROW._replace(requirements=("numpy==1.0", "xgboost==1.7.6")), "server: numpy has no version"),
        (ROW._replace(sample_requirements=("joblib==1.6.0",)), "sample: comes along unpinned: cloudpickle==3.1.0"),
    ],
)
def test_bad_pins_are_named(row: FrameworkVersion, problem: str) -> None:
    assert list(wrong(row, FLASK, "3.11", Index())) == [problem]


def test_a_config_s_pins_are_those_for_the_row_s_python() -> None:
    config = FLASK._replace(requirements_by_python={"3.11": ["click==8.0.0", "flask==3.1.3"]})
    index = Index()
    assert list(wrong(ROW, config, "3.12", index)) == []
    assert "click==8.0.0" in index.asked[-1][0]


# ---------------------------------------------------------------- what the resolver is asked with, and says
def test_the_index_is_the_one_of_pip_and_no_other() -> None:
    settings = "global.index-url='https://mirror/simple'\nglobal.extra-index-url='https://other'\n:env:.cert='/c.pem'\n"
    environ = {"UV_INDEX": "https://more", "UV_FIND_LINKS": "/wheels", "PATH": "/bin"}
    expected = {"PATH": "/bin", "UV_DEFAULT_INDEX": "https://mirror/simple", "SSL_CERT_FILE": "/c.pem"}
    assert reach(settings, environ) == expected
    assert reach(settings, {"UV_DEFAULT_INDEX": "mine"})["UV_DEFAULT_INDEX"] == "mine"


def test_a_reason_is_one_line() -> None:
    printed = "error: No solution found when resolving dependencies\n  cause: Because a needs b<2\n         and b==3.\n"
    assert reasons(printed) == "Because a needs b<2 and b==3."


# ---------------------------------------------------------------- interpreters
def interpreter(text: str) -> File:
    return File(f"#!/bin/sh\n{text}\n", 0o755)


def test_an_interpreter_is_found_behind_a_stub_and_among_pyenv_s(tmp_path: Path) -> None:
    build_tree(
        tmp_path,
        {
            "shims/python3.10": interpreter("exit 127"),
            "other/python3.10": interpreter("echo 3.9"),
            "home/.pyenv/versions/3.10.9/bin/python3.10": interpreter("echo 3.10"),
            "home/.pyenv/versions/3.10.13/bin/python3.10": interpreter("echo 3.10"),
            "home/.pyenv/versions/3.10-dev/bin/python3.10": interpreter("echo 3.10"),
            "bin/python3.10": interpreter("echo 3.10"),
        },
    )
    environ = {"PATH": f"{tmp_path}/shims:{tmp_path}/other", "HOME": str(tmp_path / "home")}
    assert interpreters.find("3.10", environ) == tmp_path / "home/.pyenv/versions/3.10.13/bin/python3.10"
    assert interpreters.find("3.10", {**environ, "PATH": f"{tmp_path}/bin"}) == tmp_path / "bin/python3.10"
    assert interpreters.find("3.11", environ) is None


def test_where_there_is_none_a_sentence_and_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environ = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    assert interpreters.main(["3.10"], environ) == 1
    assert capsys.readouterr() == ("", "there is no Python 3.10 on PATH or among pyenv's versions\n")
    assert interpreters.main(["../3.10"], environ) == 1
    assert "is no version such as 3.10" in capsys.readouterr().err


def test_what_uv_says_of_a_failed_installation_is_passed_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build_tree(tmp_path, {"there/uv/bin/uv": interpreter("echo no network >&2; exit 1")})
    environ = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    assert interpreters.main(["--install", str(tmp_path / "there"), "3.10"], environ) == 1
    said = capsys.readouterr().err
    assert "could not be installed" in said
    assert said.endswith("ended with 1:\nno network\n")


def test_what_uv_has_installed_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = "mkdir -p $UV_PYTHON_INSTALL_DIR/c-3.10/bin; cp $HOME/python3.10 $UV_PYTHON_INSTALL_DIR/c-3.10/bin"
    build_tree(tmp_path, {"there/uv/bin/uv": interpreter(made), "python3.10": interpreter("echo 3.10")})
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYENV_ROOT": "/nowhere"}
    assert interpreters.main(["--install", str(tmp_path / "there"), "3.10"], environ) == 0
    assert capsys.readouterr().out == f"{tmp_path}/there/pythons/c-3.10/bin/python3.10\n"
