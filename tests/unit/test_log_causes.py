"""What lines of a log mean: each row on the line that its library prints."""

from __future__ import annotations

import re
import warnings

import pytest
from sklearn.exceptions import InconsistentVersionWarning

from mlcc.lifecycle.log_causes import Cause, cause
from mlcc.registries.loader import load

LINES = {
    "estimator_version": (
        str(InconsistentVersionWarning(estimator_name="SVC", current_sklearn_version="1.9.1", original_sklearn_version="1.2.2")),
        "written by scikit-learn 1.2.2, and 1.9.1 is installed",
        "mlcc set framework.version 1.2.2",
    ),
    "class_of_a_script": (
        "AttributeError: Can't get attribute 'Scorer' on <module '__main__' from '/opt/program/serve'>", "needs Scorer, which the program", "move it",
    ),
    "class_that_is_gone": (
        "AttributeError: Can't get attribute '_passthrough_scorer' on <module 'sklearn.metrics._scorer' from '/x/_scorer.py'>",
        "needs _passthrough_scorer of sklearn.metrics._scorer", "set framework.version",
    ),
    "numpy_two": ("ModuleNotFoundError: No module named 'numpy._core'", "written with numpy 2", "framework.version"),
    "module_missing": ("ModuleNotFoundError: No module named 'category_encoders'", "the module category_encoders is", "build.requirements"),
    "keras_class": ("TypeError: Could not locate class 'Mine'. Make sure custom classes are decorated", "the layer Mine,", "code/"),
    "memory": ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20 MiB.", "memory is full", "max_model_len"),
}  # fmt: skip


def test_every_row_has_a_line() -> None:
    assert set(LINES) == set(load().entries("log_causes"))


@pytest.mark.parametrize("name", LINES)
def test_a_line_of_the_library(name: str) -> None:
    line, says, hint = LINES[name]
    found = cause(["started", f"2026-12-01 WARNING [7] {line}", "ended"], load())
    assert found is not None
    assert says in found.says
    assert hint in found.hint
    assert "{" not in found.says + found.hint


@pytest.mark.parametrize("lines", [[], ["INFO ready"], ["No module named ''"], ["No module named 'a b'"]])
def test_other_lines_mean_nothing(lines: list[str]) -> None:
    assert cause(lines, load()) is None


def test_a_hostile_line_is_a_word_and_ends() -> None:
    found = cause(["No module named 'x\x1b[31m'", "No module named '" + "a" * 5000 + "'"], load())
    assert found == Cause(found.says, found.hint) if found else True
    assert found is None or "\x1b" not in found.says


def test_a_real_warning(tmp_path: object) -> None:
    """The text comes from the library that is installed here, not from this test."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.warn(
            InconsistentVersionWarning(
                estimator_name="A", current_sklearn_version="2.0", original_sklearn_version="1.0"
            ),
            stacklevel=1,
        )
    found = cause(re.split("\n", str(caught[0].message)), load())
    assert found is not None
    assert "1.0" in found.says
