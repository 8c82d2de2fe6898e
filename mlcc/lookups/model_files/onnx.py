"""ONNX: the inputs and outputs of the graph (ModelProto, onnx/onnx.proto).  Law: the weights are passed over."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.lookups.model_files.found import MAX_TENSORS, Found, TooMuch, Unreadable, batched, check_dims, looked_at
from mlcc.lookups.model_files.wire import Span, message
from mlcc.resolve.triton.models import Tensor

GRAPH, INITIALIZER, INPUT, OUTPUT = 7, 5, 11, 12
INITIALIZER_NAME = 8
# Old files list every weight as an input, too.
MAX_VALUES = 100_000
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
        inputs, outputs = _named(graph, INPUT), _named(graph, OUTPUT)
        for name in _weights(graph) if inputs else ():
            inputs.pop(name, None)
        if not outputs or len(inputs) + len(outputs) > MAX_TENSORS:
            raise Unreadable(f"a graph of {len(inputs)} inputs and {len(outputs)} outputs; 1 to {MAX_TENSORS} are read")
        sides = [tuple(_tensor(name, info) for name, info in side.items()) for side in (inputs, outputs)]
    return batched("onnx", sides[0], sides[1])


def _named(graph: Span, field: int) -> dict[str, Span]:
    """Inputs or outputs by name."""
    found: dict[str, Span] = {}
    for info in graph.all(field):
        name = info.first(1)
        if name is None:
            raise Unreadable("an input or output that is no tensor")
        found[name.text()] = info
        if len(found) > MAX_VALUES:
            raise TooMuch(f"a graph of more than {MAX_VALUES:,} inputs or outputs, which is the most that mlcc reads")
    return found


def _weights(graph: Span) -> Iterator[str]:
    """Names of inputs that have a value in the file."""
    for weight in graph.all(INITIALIZER):
        name = weight.first(INITIALIZER_NAME)
        if name is not None:
            yield name.text()


def _tensor(name: str, info: Span) -> Tensor:
    """ValueInfoProto: 1 name, 2 type; there 1 tensor_type with 1 elem_type and 2 shape."""
    kind = info.first(2, 1)
    if kind is None:
        raise Unreadable("an input or output that is no tensor")
    shape = kind.first(2)
    element = kind.value(1)
    if element not in TYPES:
        raise Unreadable(f"{name} has elements of a type that Triton does not have")
    if shape is None:
        return Tensor(name, TYPES[element], None)
    dims: list[int] = []
    for dim in shape.all(1):
        dims.append(_dimension(dim))
        check_dims(name, len(dims))
    return Tensor(name, TYPES[element], tuple(dims))


def _dimension(dim: Span) -> int:
    """1 dim_value; without one the size is any."""
    size = dim.value(1)
    return -1 if size is None or size < 0 else size
