"""A language by its commonest words.  Triton loads this file as model_repository/languages/1/model.py."""

import re

import numpy as np

WORDS = {
    "de": "der die das und ist nicht ein zu von mit wo ich auf dem",
    "en": "the and is not a to of with where i on in it that",
    "es": "el la los y es no un de con donde yo en que se",
    "fr": "le la les et est pas un de avec ou je sur que se",
}
COMMON = {language: set(words.split()) for language, words in WORDS.items()}


def guesses(text: str, best: int) -> list[tuple[str, float]]:
    """The likeliest languages, each with its share of the words that were known."""
    words = re.findall(r"\w+", text.lower())
    known = {language: sum(word in common for word in words) for language, common in COMMON.items()}
    total = sum(known.values()) or 1
    ranked = sorted(known, key=lambda language: (-known[language], language))
    return [(language, known[language] / total) for language in ranked[:best]]


class TritonPythonModel:
    """What Triton's Python backend calls."""

    def execute(self, requests: list) -> list:
        """One response for each request; BEST may be left out."""
        import triton_python_backend_utils as pb_utils

        responses = []
        for request in requests:
            texts = pb_utils.get_input_tensor_by_name(request, "TEXT").as_numpy().reshape(-1)
            asked = pb_utils.get_input_tensor_by_name(request, "BEST")
            best = 1 if asked is None else max(1, min(int(asked.as_numpy().reshape(-1)[0]), len(WORDS)))
            found = [guesses(text.decode(), best) for text in texts]
            names = np.array([[name.encode() for name, _ in row] for row in found], dtype=object)
            shares = np.array([[share for _, share in row] for row in found], dtype=np.float32)
            tensors = [pb_utils.Tensor("LANGUAGE", names), pb_utils.Tensor("SHARE", shares)]
            responses.append(pb_utils.InferenceResponse(tensors))
        return responses
