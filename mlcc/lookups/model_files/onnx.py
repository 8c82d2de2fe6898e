"""ONNX: the inputs and outputs of the graph (ModelProto, onnx/onnx.proto).  Law: the weights are passed over."""

from __future__ import annotations

from mlcc.lookups.model_files.found import MAX_TENSORS, Found, Unreadable, batched, looked_at
from mlcc.lookups.model_files.wire import Span, message
from mlcc.resolve.triton.models import Tensor

GRAPH, INITIALIZER, INPUT, OUTPUT = 7, 5, 11, 12
INITIALIZER_NAME = 8
# TensorProto.DataType
TYPES = {
    1: "TYPE_FP32", 2: "TYPE_UINT8", 3: "TYPE_INT8", 4: "TYPE_UINT16", 5: "TYPE_INT16", 6: "TYPE_INT32",
    7: "TYPE_INT64", 8: "TYPE_STRING", 9: "TYPE_BOOL", 10: "TYPE_FP16", 11: "TYPE_FP64", 12: "TYPE_UINT32",
    13: "TYPE_UINT64", 16: "TYPE_BF16",
}  # fmt: skip


def parse(path: str) -> Found:
    """The graph's own inputs and outputs; inputs that have a value in the file are weights."""
    with looked_at(path) as data:
        graph = message(data).first(GRAPH)
        if graph is None:
            raise Unreadable("it has no graph")
        inputs: list[Tensor] = []
        outputs: list[Tensor] = []
        weights = set()
        for number, _, span in graph.fields():
            if number == INITIALIZER:
                name = span.first(INITIALIZER_NAME)
                weights.add(name.text() if name is not None else "")
            elif number in (INPUT, OUTPUT):
                (inputs if number == INPUT else outputs).append(_tensor(span))
        inputs = [t for t in inputs if t.name not in weights]
    if not outputs or len(inputs) + len(outputs) > MAX_TENSORS:
        raise Unreadable(f"a graph of {len(inputs)} inputs and {len(outputs)} outputs")
    return batched("onnx", tuple(inputs), tuple(outputs))


def _tensor(info: Span) -> Tensor:
    """ValueInfoProto: 1 name, 2 type; there 1 tensor_type with 1 elem_type and 2 shape."""
    name, kind = info.first(1), info.first(2, 1)
    if name is None or kind is None:
        raise Unreadable("an input or output that is no tensor")
    shape = kind.first(2)
    dims = tuple(_dimension(dim) for dim in shape.all(1)) if shape is not None else None
    element = kind.value(1)
    if element not in TYPES:
        raise Unreadable(f"{name.text()} has elements of a type that Triton does not have")
    return Tensor(name.text(), TYPES[element], dims)


def _dimension(dim: Span) -> int:
    """1 dim_value; without one the size is any."""
    size = dim.value(1)
    return -1 if size is None or size < 0 else size
