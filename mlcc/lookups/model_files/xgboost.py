"""XGBoost's JSON and Universal Binary JSON: features, classes, objective.  Law: the trees are passed over."""

from __future__ import annotations

from typing import Any

from mlcc.core.json_data import read_json
from mlcc.lookups.model_files.found import Found, TooMuch, Unreadable, head, looked_at, number, trees
from mlcc.lookups.model_files.json_parts import parts
from mlcc.lookups.model_files.ubjson import Reader

MAX_TEXT_BYTES = 64 << 20
CLASSIFIERS = ("multi:", "binary:")
OUTER, PARAMETERS, OBJECTIVE = "learner", "learner_model_param", "objective"


def parse_json(path: str) -> Found:
    """A file that save_model has written as JSON."""
    data = head(path, MAX_TEXT_BYTES + 1)
    if len(data) > MAX_TEXT_BYTES:
        raise TooMuch(f"it has more than {MAX_TEXT_BYTES:,} bytes, which is the most that mlcc reads of JSON")
    wanted = {key.encode(): key for key in (PARAMETERS, OBJECTIVE)}
    found = parts(data, OUTER.encode(), wanted)
    try:
        return _found("json", {wanted[key]: read_json(part) for key, part in found.items()})
    except ValueError as problem:
        if isinstance(problem, Unreadable):
            raise
        raise Unreadable("it is not JSON") from None


def parse_ubj(path: str) -> Found:
    """A file that save_model has written as Universal Binary JSON."""
    with looked_at(path) as data:
        document = Reader(data, ({OUTER}, {PARAMETERS, OBJECTIVE})).value()
    return _found("ubj", document.get(OUTER) if isinstance(document, dict) else None)


def _found(form: str, learner: Any) -> Found:
    own = learner.get(PARAMETERS) if isinstance(learner, dict) else None
    objective = learner.get(OBJECTIVE) if isinstance(learner, dict) else None
    if not isinstance(own, dict) or not isinstance(objective, dict):
        raise Unreadable(f"it is no model of XGBoost: {OUTER}.{PARAMETERS} is not there")
    features, classes = (number(own.get(key, 0), key) for key in ("num_feature", "num_class"))
    targets = max(number(own.get("num_target", 1), "num_target"), 1)
    return trees(form, features, classes, str(objective.get("name", "")).startswith(CLASSIFIERS), targets)
