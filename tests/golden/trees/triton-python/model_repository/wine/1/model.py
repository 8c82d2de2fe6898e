# mlcc: rendered from mlcc.yaml; yours to edit, mlcc apply merges your lines
"""The model: the cultivar whose average wine is nearest.  This is the file to edit.

Triton's Python backend makes one TritonPythonModel in each instance and calls execute() with a list of requests, each
of which holds one or more rows.  It needs numpy alone; centroids.npz, beside this file, is what sample_model/train.py writes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils

INPUT, OUTPUT = "input__0", "output__0"


class TritonPythonModel:
    """What Triton makes of config.pbtxt and this file."""

    def initialize(self, args: dict[str, str]) -> None:
        """Reads the averages.  args: where the repository lies, the model's version, its configuration as JSON."""
        file = Path(args["model_repository"]) / args["model_version"] / "centroids.npz"
        with np.load(file, allow_pickle=False) as arrays:
            self.mean, self.scale = arrays["mean"], arrays["scale"]
            self.centroids, self.classes = arrays["centroids"], arrays["classes"]

    def execute(self, requests: list[Any]) -> list[Any]:
        """One response for each request; a request that is wrong spoils no other."""
        return [self.answer(request) for request in requests]

    def answer(self, request: Any) -> Any:
        """The response to one request."""
        tensor = pb_utils.get_input_tensor_by_name(request, INPUT)
        rows = tensor.as_numpy() if tensor is not None else np.empty(0)
        if rows.ndim != 2 or rows.shape[1] != len(self.mean) or not np.isfinite(rows).all():
            reason = f"each row must have {len(self.mean)} finite numbers"
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(reason))
        return pb_utils.InferenceResponse([pb_utils.Tensor(OUTPUT, self.predict(rows))])

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """The class of each row, shape (rows, 1)."""
        scaled = (rows.astype(np.float64) - self.mean) / self.scale
        distances = np.linalg.norm(scaled[:, None, :] - self.centroids[None, :, :], axis=2)
        return self.classes[distances.argmin(axis=1)].astype(np.int64).reshape(-1, 1)
