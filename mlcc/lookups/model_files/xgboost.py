"""XGBoost's JSON and Universal Binary JSON: features, classes, objective.  Law: the trees are passed over."""

from __future__ import annotations

import re
from typing import Any

from mlcc.core.json_data import read_json
from mlcc.lookups.model_files.found import MAX_NAME, Found, TooMuch, Unreadable, head, looked_at, number, trees
from mlcc.lookups.model_files.json_parts import parts
from mlcc.lookups.model_files.ubjson import NUMBERS, Reader

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


# ---------------------------------------------------------------- what a file says besides its tensors
_RELEASE = re.compile(rb'"version"\s*:\s*\[\s*([0-9]{1,4})\s*,\s*([0-9]{1,4})\s*,\s*([0-9]{1,4})\s*\]')
_NAMES = re.compile(rb'"feature_names"\s*:\s*(\[[^\]]{0,65536}\])')
TAIL = 512


def release(path: str) -> str:
    """The version of XGBoost that wrote a file, empty where it does not say; it stands at the end."""
    with looked_at(path) as data:
        tail = data.part(max(len(data) - TAIL, 0), TAIL)
    found = _RELEASE.findall(tail)
    numbers = [int(part) for part in found[-1]] if found else _binary_release(tail)
    return ".".join(map(str, numbers))


def _binary_release(tail: bytes) -> list[int]:
    """The three numbers of the array `version` of Universal Binary JSON: each with its kind, after their count."""
    _, key, rest = tail.rpartition(b"version[#")
    found: list[int] = []
    while key and len(found) < 4:  # the count, and the numbers
        form = NUMBERS.get(rest[0]) if rest else None
        if form is None or len(rest) <= form.size:
            return []
        found.append(int(form.unpack_from(rest, 1)[0]))
        rest = rest[1 + form.size :]
    return found[1:] if all(0 <= n < 10_000 for n in found) else []


def columns(path: str) -> tuple[str, ...]:
    """The names of the columns that the model was fitted with; none where it was an array."""
    if path.endswith(".json"):
        found = _NAMES.search(head(path, 1 << 20))
        names = read_json(found[1]) if found is not None else ()
    else:
        with looked_at(path) as data:
            document = Reader(data, ({OUTER}, {"feature_names"})).value()
        learner = document.get(OUTER) if isinstance(document, dict) else None
        names = learner.get("feature_names") if isinstance(learner, dict) else ()
    return tuple(str(name)[:MAX_NAME] for name in names or () if isinstance(name, str))
