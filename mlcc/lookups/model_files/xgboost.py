"""XGBoost's JSON and Universal Binary JSON: features, classes, objective.  Law: the trees are passed over."""

from __future__ import annotations

from typing import Any

from mlcc.core.json_data import read_json
from mlcc.lookups.model_files.found import Found, Unreadable, looked_at, number, text, trees
from mlcc.lookups.model_files.ubjson import Reader

CLASSIFIERS = ("multi:", "binary:")


def parse_json(path: str) -> Found:
    """A file that save_model has written as JSON."""
    try:
        return _found("json", read_json(text(path)))
    except ValueError as problem:
        if isinstance(problem, Unreadable):
            raise
        raise Unreadable("it is not JSON") from None


def parse_ubj(path: str) -> Found:
    """A file that save_model has written as Universal Binary JSON."""
    with looked_at(path) as data:
        return _found("ubj", Reader(data).value())


def _found(form: str, document: Any) -> Found:
    learner = document.get("learner") if isinstance(document, dict) else None
    own = learner.get("learner_model_param") if isinstance(learner, dict) else None
    objective = learner.get("objective") if isinstance(learner, dict) else None
    if not isinstance(own, dict) or not isinstance(objective, dict):
        raise Unreadable("it is no model of XGBoost: learner.learner_model_param is not there")
    features, classes = (number(own.get(key, 0), key) for key in ("num_feature", "num_class"))
    targets = max(number(own.get("num_target", 1), "num_target"), 1)
    return trees(form, features, classes, str(objective.get("name", "")).startswith(CLASSIFIERS), targets)
