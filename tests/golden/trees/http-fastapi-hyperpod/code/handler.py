# mlcc: rendered from mlcc.yaml; yours to edit, mlcc apply merges your lines
"""The model: how it is loaded and how it is asked.  This is the file to edit.

The server (app.py) calls load() once in each worker process, and predict() for each request, with rows that are checked
to be finite numbers of one shape.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray

MODEL_FILE = "model.joblib"


def load(model_dir: Path) -> Any:
    """The fitted estimator.  Loading a pickle runs code that is in it: serve only models whose origin you trust."""
    return joblib.load(find_model(model_dir))


def row_shape(model: Any) -> tuple[int | None, ...] | None:
    """The shape of one row, (features,); None when the model does not say, and any row is let through."""
    features = getattr(model, "n_features_in_", None)
    return None if features is None else (features,)


def predict(model: Any, rows: NDArray[np.float64]) -> Any:
    """One prediction for each row: class labels or numbers.  rows: float64, shape (rows, features)."""
    return model.predict(rows)


def find_model(model_dir: Path) -> Path:
    """The model's file: MODEL_FILE, or else the only file of its kind in the model directory."""
    if (model_dir / MODEL_FILE).exists():
        return model_dir / MODEL_FILE
    suffix = Path(MODEL_FILE).suffix
    names = sorted(path.name for path in model_dir.iterdir()) if model_dir.is_dir() else []
    same_kind = [name for name in names if name.endswith(suffix)]
    if len(same_kind) != 1:
        found = ", ".join(names) or "nothing"
        raise FileNotFoundError(f"{model_dir} must hold {MODEL_FILE} or one *{suffix} file; there is {found}")
    return model_dir / same_kind[0]
