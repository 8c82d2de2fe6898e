"""TensorFlow's SavedModel: the signature serving_default (saved_model.proto).  Law: the graph itself is passed over."""

from __future__ import annotations

import os

from mlcc.lookups.model_files.found import MAX_TENSORS, Found, TooMuch, Unreadable, batched, check_dims, looked_at
from mlcc.lookups.model_files.wire import Span, message
from mlcc.resolve.triton.models import Tensor

FILE = "saved_model.pb"
SIGNATURE = "serving_default"
MAX_SIGNATURES = 1000
META_GRAPH, SIGNATURES = 2, 5
# DataType
TYPES = {
    1: "TYPE_FP32", 2: "TYPE_FP64", 3: "TYPE_INT32", 4: "TYPE_UINT8", 5: "TYPE_INT16", 6: "TYPE_INT8",
    7: "TYPE_STRING", 9: "TYPE_INT64", 10: "TYPE_BOOL", 14: "TYPE_BF16", 17: "TYPE_UINT16", 19: "TYPE_FP16",
    22: "TYPE_UINT32", 23: "TYPE_UINT64",
}  # fmt: skip


def parse(path: str) -> Found:
    """Inputs and outputs of the signature that a server uses.  path: the folder, or the file in it."""
    file = os.path.join(path, FILE) if os.path.isdir(path) else path
    with looked_at(file) as data:
        known: list[str] = []
        for graph in message(data).all(META_GRAPH):
            for entry in graph.all(SIGNATURES):
                key, value = entry.first(1), entry.first(2)
                name = key.text() if key is not None else ""
                if name == SIGNATURE and value is not None:
                    return batched("savedmodel", _tensors(value, 1), _tensors(value, 2))
                known.append(name)
                if len(known) > MAX_SIGNATURES:
                    raise TooMuch(f"it has more than {MAX_SIGNATURES:,} signatures, which is the most that mlcc reads")
    raise Unreadable(f"it has no signature {SIGNATURE}, but {', '.join(known[:5]) or 'none'}")


def _tensors(signature: Span, field: int) -> tuple[Tensor, ...]:
    found: dict[str, Tensor] = {}
    for entry in signature.all(field):
        name, info = entry.first(1), entry.first(2)
        if name is None or info is None or len(found) == MAX_TENSORS:
            raise Unreadable(f"a signature that names no tensor, or more than {MAX_TENSORS}")
        found[name.text()] = _tensor(name.text(), info)
    return tuple(tensor for _, tensor in sorted(found.items()))


def _tensor(name: str, info: Span) -> Tensor:
    """TensorInfo: 2 dtype, 3 tensor_shape; there 2 dim with 1 size, and 3 unknown_rank."""
    kind, shape = info.value(2), info.first(3)
    if kind not in TYPES:
        raise Unreadable(f"{name} has elements of a type that Triton does not have")
    if shape is None or shape.value(3):
        return Tensor(name, TYPES[kind])
    sizes: list[int] = []
    for dim in shape.all(2):
        sizes.append(dim.value(1) or 0)
        check_dims(name, len(sizes))
    return Tensor(name, TYPES[kind], tuple(-1 if size < 0 else size for size in sizes))
