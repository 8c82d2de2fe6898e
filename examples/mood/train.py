"""Trains models/weights.onnx: a logistic regression in numpy, written as an ONNX graph (pip install numpy onnx)."""

from itertools import product
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save
from words import KINDS, counts

GOOD = ("lovely", "great", "friendly", "happy", "warm")
BAD = ("awful", "rude", "sad", "cold", "broken")
texts = [f"a {first} and {second} day" for words in (GOOD, BAD) for first, second in product(words, words)]
wanted = np.repeat([1.0, 0.0], len(texts) // 2)

rows, weights, bias = np.stack([counts(text) for text in texts]), np.zeros(KINDS), 0.0
for _ in range(500):
    wrong = 1 / (1 + np.exp(-(rows @ weights + bias))) - wanted
    weights, bias = weights - rows.T @ wrong / len(texts), bias - wrong.mean()

graph = helper.make_graph(
    [
        helper.make_node("MatMul", ["counts", "weights"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["sum"]),
        helper.make_node("Sigmoid", ["sum"], ["score"]),
    ],
    "weights",
    [helper.make_tensor_value_info("counts", TensorProto.FLOAT, ["batch", KINDS])],
    [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["batch", 1])],
    [
        numpy_helper.from_array(weights.astype(np.float32).reshape(KINDS, 1), "weights"),
        numpy_helper.from_array(np.float32([bias]), "bias"),
    ],
)
target = Path("models/weights.onnx")
target.parent.mkdir(exist_ok=True)
save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), target)
print(f"{target}: right for {((wrong + wanted > 0.5) == wanted).mean():.0%} of what it was trained with")
