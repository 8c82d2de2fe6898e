"""Requests and answers of this project: {"reviews": [text, ...]} in, a mood and how sure it is for each out.

The server calls load() once in each worker process, and parse(), predict() and format() for each request.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import joblib

MAX_REVIEWS = 100


class Refused(Exception):
    """A mistake of the caller: the HTTP status, and a sentence for them."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def load(model_dir: Path) -> Any:
    """The pipeline that train.py has fitted."""
    return joblib.load(model_dir / "reviews.joblib")


def parse(body: bytes, content_type: str) -> list[str]:
    """The texts of a request."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, "the Content-Type must be one of application/json")
    try:
        texts = json.loads(body)["reviews"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refused(400, 'the body must be JSON: {"reviews": [text, ...]}') from error
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise Refused(400, "reviews must be a list of texts, one at least")
    if len(texts) > MAX_REVIEWS:
        raise Refused(413, f"at most {MAX_REVIEWS} reviews in a request")
    return texts


def predict(model: Any, data: list[str]) -> list[dict[str, Any]]:
    """The mood of each text; one that the model is not sure of is mixed."""
    good = [*model.classes_].index("good")
    sure = (float(row[good]) for row in model.predict_proba(data))
    return [{"mood": "mixed" if 0.35 < p < 0.65 else "good" if p > 0.5 else "bad", "good": round(p, 3)} for p in sure]


def format(predictions: list[dict[str, Any]], accept: str) -> tuple[str, str]:
    """The answer: {"moods": [...]}."""
    return json.dumps({"moods": predictions}), "application/json"
