# mlcc: rendered from mlcc.yaml; yours to edit, mlcc apply merges your lines
"""The model.  This is the file to edit.

Triton's Python backend makes one TritonPythonModel in each instance and calls execute() with a list of requests.
Files that it needs lie beside it, in the version folder.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """What Triton makes of config.pbtxt and this file."""

    def initialize(self, args: dict[str, str]) -> None:
        """Loads the model.  args: where the repository lies, the model's version, its configuration as JSON."""
        self.folder = Path(args["model_repository"]) / args["model_version"]
        config = json.loads(args["model_config"])
        self.inputs = [tensor["name"] for tensor in config["input"]]
        self.outputs = {tensor["name"]: tensor["data_type"] for tensor in config["output"]}

    def execute(self, requests: list[Any]) -> list[Any]:
        """One response for each request; a request that is wrong spoils no other."""
        return [self.answer(request) for request in requests]

    def answer(self, request: Any) -> Any:
        """The response to one request."""
        tensors = {name: pb_utils.get_input_tensor_by_name(request, name) for name in self.inputs}
        # None for an optional input that the request leaves out; one that is not optional Triton asks for itself
        inputs = {name: tensor.as_numpy() for name, tensor in tensors.items() if tensor is not None}
        try:
            outputs = self.predict(inputs)
        except ValueError as problem:
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(str(problem)))
        kinds = {name: pb_utils.triton_string_to_numpy(kind) for name, kind in self.outputs.items()}
        return pb_utils.InferenceResponse([pb_utils.Tensor(n, outputs[n].astype(kinds[n])) for n in kinds])

    def predict(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs by name, for the inputs by name; an optional input that the request leaves out is not in them."""
        raise ValueError("predict() in model.py is yours to write")
