"""What a model file says of itself.  Law: data; a parser reads bytes of a stranger and runs nothing of them."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from mlcc.core.paths import EMPTY
from mlcc.core.value_text import scalar_text
from mlcc.resolve.triton.models import Tensor

MAX_BYTES = 16 << 30  # of files that are looked at in place
MAX_TEXT_BYTES = 64 << 20  # of files that are read into memory
MAX_TENSORS = 256
MAX_NAME = 256
BATCH = 64


class Unreadable(ValueError):
    """The bytes are not what their format says; the text says where they cease to be."""


class Found(NamedTuple):
    """A model's tensors with all their dimensions (None: any rank; -1: any size), and parameters of its backend.

    batched: the first dimension of all tensors is the batch; notes: what a person should know.
    """

    format: str
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    parameters: Mapping[str, str] = EMPTY
    batched: bool = False
    notes: tuple[str, ...] = ()


def batched(form: str, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> Found:
    """A model whose dimensions hold the batch, if it has one: every tensor's first dimension has any size.

    An output of one dimension, the batch alone, cannot be told Triton so; it is left out where there is another.
    """
    every = (*inputs, *outputs)
    known = [t for t in every if t.dims is not None]
    if not inputs or len(known) < len(every) or not all(t.dims and t.dims[0] == -1 for t in known):
        return Found(form, inputs, outputs)
    kept = tuple(t for t in outputs if t.dims is not None and len(t.dims) > 1)
    if not kept or any(t.dims is not None and len(t.dims) < 2 for t in inputs):
        return Found(form, inputs, outputs)
    gone = [t.name for t in outputs if t not in kept]
    notes = (f"left out, for it has no dimension besides the batch: {', '.join(gone)}",) if gone else ()
    return Found(form, _without_batch(inputs), _without_batch(kept), batched=True, notes=notes)


def _without_batch(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(t._replace(dims=t.dims[1:]) for t in tensors if t.dims is not None)


def trees(form: str, features: int, classes: int, classifier: bool, targets: int = 1) -> Found:
    """A tree model on the Forest Inference Library: its tensors have fixed names, and hold no batch."""
    if not 0 < features <= 1 << 24 or not 0 <= classes <= 1 << 20 or not 0 < targets <= 1 << 20:
        raise Unreadable(f"{features} features, {classes} classes and {targets} targets are no model")
    wide = classes > 2
    word = scalar_text(classifier)
    parameters = {"is_classifier": word, "output_class": word, "predict_proba": scalar_text(wide)}
    size = classes if wide else targets
    inputs = (Tensor("input__0", "TYPE_FP32", (features,)),)
    return Found(form, inputs, (Tensor("output__0", "TYPE_FP32", (size,)),), parameters, batched=True)


@contextmanager
def looked_at(path: str) -> Iterator[memoryview]:
    """The bytes of a file where they lie, however many they are."""
    size = os.stat(path).st_size
    if size > MAX_BYTES:
        raise Unreadable(f"{size:,} bytes are too many to look at")
    with open(path, "rb") as stream:
        if not size:
            yield memoryview(b"")
            return
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            view = memoryview(mapped)
            try:
                yield view
            finally:
                view.release()


def text(path: str, limit: int = MAX_TEXT_BYTES) -> bytes:
    """The whole of a file that is read into memory."""
    with open(path, "rb") as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise Unreadable(f"it holds more than {limit:,} bytes")
    return data


def number(value: Any, what: str) -> int:
    """A count that a file spells as a number or as text."""
    try:
        return int(str(value))
    except ValueError:
        raise Unreadable(f"{what} is no whole number") from None
