"""The format of a model file by its name."""

from __future__ import annotations

from typing import Any

import pytest

from mlcc import pipeline
from mlcc.core.values import Source
from mlcc.resolve.model_format import suffix
from tests.helpers import SMALLEST, build_tree


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("./churn.joblib", ".joblib"),
        ("./models/v1.2/Churn.PKL", ".pkl"),
        ("./models/v1.2/", ""),
        ("./models", ""),
        ("./.hidden", ""),
        ("./ends.", ""),
        ("s3://bucket/churn.joblib", ""),
        ("acme/churn.joblib", ""),
    ],
)
def test_suffix(name: str, found: str) -> None:
    assert suffix(name) == found


@pytest.mark.parametrize(
    ("more", "framework", "form", "source"),
    [
        ("model: {name: ./churn.pkl}", "sklearn", "pkl", Source.FILE),
        ("model: {name: ./churn.joblib}", "sklearn", "joblib", Source.FILE),
        ("model: {name: ./trees.ubj}", "xgboost", "ubj", Source.FILE),
        ("model: {name: ./net.h5}", "tensorflow", "h5", Source.FILE),
        ("model: {name: ./net.keras}\nframework: {name: tensorflow}", "tensorflow", "keras", Source.FILE),
        # what the user names wins, and a folder says nothing
        ("model: {name: ./churn.pkl, format: joblib}", "sklearn", "joblib", Source.FILE),
        ("model: {name: ./trees.ubj}\nframework: {name: sklearn}", "sklearn", "joblib", Source.FRAMEWORK),
        ("model: {name: ./folder}", "sklearn", "joblib", Source.FRAMEWORK),
    ],
)
def test_what_the_name_says(more: str, framework: str, form: str, source: Any) -> None:
    build_tree(".", {"mlcc.yaml": f"{SMALLEST}{more}\n"})
    resolved = pipeline.resolve(pipeline.load("mlcc.yaml")).resolved
    assert (resolved.get("framework.name"), resolved.get("model.format")) == (framework, form)
    assert resolved.values["model", "format"].source is source
