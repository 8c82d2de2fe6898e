# mlcc: rendered from mlcc.yaml; yours to edit, mlcc apply merges your lines
"""The model: how it is loaded and how it is asked.  This is the file to edit.

The server (app.py) calls load() once in each worker process, and predict() for each request, with rows that are checked
to be finite numbers of one shape.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

MODEL_FILE = "model.keras"


def load(model_dir: Path) -> keras.Model:
    """The model, without its optimizer and losses, which only training needs."""
    return keras.models.load_model(find_model(model_dir), compile=False)


def row_shape(model: keras.Model) -> tuple[int | None, ...] | None:
    """The shape of one row; None in it (or for all of it) where any size goes."""
    return tuple(model.input_shape[1:])


def predict(model: keras.Model, rows: NDArray[np.float64]) -> Any:
    """One prediction for each row: what the model's last layer gives.  rows: float64, shape (rows, ...)."""
    # Not model.predict(), which is made for whole data sets and builds a data pipeline for every call.
    return np.asarray(model(rows.astype(np.float32), training=False))


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
