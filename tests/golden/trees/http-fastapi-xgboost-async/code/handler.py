# mlcc: rendered from mlcc.yaml; yours to edit, mlcc apply merges your lines
"""The model: how it is loaded and how it is asked.  This is the file to edit.

The server (app.py) calls load() once in each worker process, and predict() for each request, with rows that are checked
to be finite numbers of one shape.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

MODEL_FILE = "model.ubj"


def load(model_dir: Path) -> xgboost.Booster:
    """The booster, of a file that save_model() of a Booster, an XGBClassifier or an XGBRegressor has written."""
    # From memory, where xgboost goes by the content; of a file, it would guess from the name.
    return xgboost.Booster(model_file=bytearray(find_model(model_dir).read_bytes()))


def row_shape(model: xgboost.Booster) -> tuple[int | None, ...] | None:
    """The shape of one row: (features,)."""
    return (model.num_features(),)


def predict(model: xgboost.Booster, rows: NDArray[np.float64]) -> Any:
    """One prediction for each row: a number, or a probability for each class where the objective is multi:softprob.

    rows: float64, shape (rows, features).
    """
    matrix = xgboost.DMatrix(rows, feature_names=model.feature_names, feature_types=model.feature_types)
    return model.predict(matrix)


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
