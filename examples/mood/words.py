"""The first step of the ensemble: how often each of 256 kinds of words stands in a text."""

import re
import zlib

import numpy as np

KINDS = 256


def counts(text: str) -> np.ndarray:
    """A text as numbers; train.py uses the same function, so that both agree."""
    found = np.zeros(KINDS, np.float32)
    for word in re.findall(r"\w+", text.lower()):
        found[zlib.crc32(word.encode()) % KINDS] += 1
    return found


class TritonPythonModel:
    """What Triton's Python backend calls."""

    def execute(self, requests: list) -> list:
        """One response for each request, each of a batch of texts."""
        import triton_python_backend_utils as pb_utils

        responses = []
        for request in requests:
            texts = pb_utils.get_input_tensor_by_name(request, "TEXT").as_numpy().reshape(-1)
            rows = np.stack([counts(text.decode()) for text in texts])
            responses.append(pb_utils.InferenceResponse([pb_utils.Tensor("COUNTS", rows)]))
        return responses
