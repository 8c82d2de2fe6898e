"""What a model file says of itself.  Law: data; a parser reads bytes of a stranger and runs nothing of them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple
from mlcc.core.value_text import scalar_text
from mlcc.resolve.triton.models import Tensor

MAX_BYTES = 16 << 30  # of files that are looked at in place
MAX_TENSORS = 256
MAX_DIMS = 64
MAX_NAME = 256
MAX_DIGITS = 20
BATCH = 64
WINDOW = 4096


class Unreadable(ValueError):
    """The bytes are not what their format says; the text says where they cease to be."""


class TooMuch(Unreadable):
    """The bytes may be right, but there is more to read than mlcc allows; the text says how much that is."""


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

    An output of one dimension, the batch alone, is [1] in requests, and nothing (reshape) in the model: Triton's way,
    since each tensor must have a dimension besides the batch.  An input of one dimension may be a row of any length.
    https://github.com/triton-inference-server/server, docs/user_guide/model_configuration.md (Reshape)
    """
    known = [t.dims for t in (*inputs, *outputs) if t.dims is not None]
    every_known = bool(inputs) and len(known) == len(inputs) + len(outputs)
    rows = every_known and all(len(t.dims or ()) > 1 for t in inputs) and all(d and d[0] == -1 for d in known)
    if not rows:
        return Found(form, _not_scalar(inputs), _not_scalar(outputs))
    alone = [t.name for t in outputs if t.dims is not None and len(t.dims) == 1]
    notes = (f"one value for each row of a batch, in answers as [rows, 1]: {', '.join(alone)}",) if alone else ()
    return Found(form, _without_batch(inputs), _without_batch(outputs), batched=True, notes=notes)


def _without_batch(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    parts = [(t, t.dims[1:]) for t in tensors if t.dims is not None]
    return tuple(t._replace(dims=dims) if dims else t._replace(dims=(1,), reshape=()) for t, dims in parts)


def _not_scalar(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """A tensor without dimensions is [1] in config.pbtxt, which takes no empty dims."""
    return tuple(t._replace(dims=(1,)) if t.dims == () else t for t in tensors)


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


class Bytes:
    """The bytes of an open file, read where they are asked for.

    A small part is held at a time, so that a large file needs no memory, and one that shrinks meanwhile is no crash.
    """

    def __init__(self, fd: int, size: int) -> None:
        """size: what is beyond is not read."""
        self._fd, self._size = fd, size
        self._start, self._held = 0, b""
        self.steps = 0

    def __len__(self) -> int:
        """How many bytes there are."""
        return self._size

    def step(self, limit: int) -> None:
        """Counts one piece of work on this file, wherever it is.  Raises TooMuch after `limit` of them."""
        self.steps += 1
        if self.steps > limit:
            raise TooMuch(f"it has more than {limit:,} parts, which is the most that mlcc reads")

    def byte(self, at: int) -> int:
        """The byte at a place, -1 beyond the end."""
        offset = at - self._start
        if 0 <= offset < len(self._held):
            return self._held[offset]
        found = self.part(at, 1) if at < self._size else b""
        return found[0] if found else -1

    def part(self, at: int, size: int) -> bytes:
        """`size` bytes from `at` on; fewer where the file ends."""
        size = min(size, self._size - at)
        offset = at - self._start
        if offset < 0 or offset + size > len(self._held):
            self._start, self._held, offset = at, os.pread(self._fd, max(size, WINDOW), at), 0
        return self._held[offset : offset + size]


@contextmanager
def opened(path: str) -> Iterator[int]:
    """A descriptor of a plain file; opening a pipe would wait for whoever writes to it."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise Unreadable("it is not a plain file")
        yield fd
    finally:
        os.close(fd)


@contextmanager
def looked_at(path: str) -> Iterator[Bytes]:
    """The bytes of a file where they lie, however many they are."""
    with opened(path) as fd:
        size = os.fstat(fd).st_size
        if size > MAX_BYTES:
            raise TooMuch(f"it has {size:,} bytes, and {MAX_BYTES:,} are the most that mlcc looks at")
        yield Bytes(fd, size)


def head(path: str, limit: int) -> bytes:
    """The first bytes of a file, at most `limit`."""
    with opened(path) as fd, os.fdopen(os.dup(fd), "rb") as stream:
        return stream.read(limit)


def check_dims(name: str, count: int) -> None:
    """Raises TooMuch for a tensor of more dimensions than any backend serves."""
    if count > MAX_DIMS:
        raise TooMuch(f"{name} has more than {MAX_DIMS} dimensions, which is the most that mlcc reads")


def number(value: Any, what: str) -> int:
    """A count that a file spells as a number or as text.

    The length is checked first: Python refuses to make text of a number of thousands of digits.
    """
    try:
        text = str(value)
        if len(text) <= MAX_DIGITS:
            return int(text)
    except ValueError:
        pass
    raise Unreadable(f"{what} is no whole number of at most {MAX_DIGITS} digits")
