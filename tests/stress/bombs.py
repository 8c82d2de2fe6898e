"""Files that are as costly to read as their caps allow, made here byte by byte, for the tests of G17."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

MIB = 1 << 20
HEAD = b"tree\nversion=v4\nnum_class=1\n"


# ---------------------------------------------------------------- protobuf
def varint(value: int) -> bytes:
    """A number as protobuf writes it."""
    found = b""
    while value > 0x7F:
        found += bytes([value & 0x7F | 0x80])
        value >>= 7
    return found + bytes([value])


def number(field: int, value: int) -> bytes:
    """A field with a number."""
    return varint(field << 3) + varint(value)


def part(field: int, data: bytes) -> bytes:
    """A field with a message or a text."""
    return varint(field << 3 | 2) + varint(len(data)) + data


def onnx_tensor(name: bytes, dims: bytes, kind: int = 1) -> bytes:
    """ValueInfoProto."""
    return part(1, name) + part(2, part(1, number(1, kind) + part(2, dims)))


def onnx(*fields: bytes) -> bytes:
    """A model with a graph of these fields."""
    return number(1, 8) + part(7, b"".join(fields))


def onnx_dims(size: int) -> bytes:
    """One tensor with as many dimensions as fit into `size` bytes."""
    dim = part(1, number(1, 4))
    return onnx(part(11, onnx_tensor(b"x", dim * (size // len(dim)))), part(12, onnx_tensor(b"y", dim)))


def onnx_names(tensors: int, letter: bytes, dims: int) -> bytes:
    """Tensors with the longest names, of a character that takes long to print, and huge dimensions."""
    size = part(1, number(1, (1 << 63) - 1)) * dims
    named = [letter * (250 // len(letter)) + b"%04d" % n for n in range(tensors)]
    return onnx(*(part(12 if n % 2 else 11, onnx_tensor(name, size)) for n, name in enumerate(named)))


def onnx_fields(size: int) -> bytes:
    """A graph of fields of two bytes that mean nothing."""
    return onnx(b"\x08\x00" * (size // 2))


def onnx_nested(size: int) -> bytes:
    """Many messages with few fields each: no single one has many."""
    weight = part(5, b"\x08\x00" * 1000)
    x = part(11, onnx_tensor(b"x", b""))
    return onnx(x, weight * (size // len(weight)), part(12, onnx_tensor(b"y", b"")))


def onnx_weights(size: int) -> bytes:
    """Initializers with long names, each of which is also an input."""
    names = [b"%0200d" % n for n in range(size // 450)]
    weights = b"".join(part(5, part(8, name)) + part(11, onnx_tensor(name, b"")) for name in names)
    return onnx(weights, part(12, onnx_tensor(b"y", b"")))


def onnx_depth(size: int) -> bytes:
    """Messages in messages; a message is as long as the number of its length."""
    data = b""
    while len(data) < size:
        data = part(7, data)
    return data


def signature(size: int, name: bytes = b"serving_default") -> bytes:
    """A SavedModel with a signature of many inputs, or many signatures."""
    info = part(2, number(2, 1) + part(3, part(2, number(1, 4))))
    entries = [part(1, part(1, b"input%08d" % n) + info) for n in range(size // 35)]
    return part(2, part(5, part(1, name) + part(2, b"".join(entries))))


def signatures(size: int) -> bytes:
    """Many signatures, none of which is the one that serves."""
    return part(2, b"".join(part(5, part(1, b"%0200d" % n)) for n in range(size // 208)))


def rank(size: int) -> bytes:
    """A SavedModel of one tensor with many dimensions."""
    shape = part(2, number(1, 4)) * (size // 4)
    info = part(2, number(2, 1) + part(3, shape))
    return part(2, part(5, part(1, b"serving_default") + part(2, part(1, part(1, b"x") + info))))


# ---------------------------------------------------------------- Universal Binary JSON and JSON
def ubj_text(text: bytes) -> bytes:
    """A text without its marker."""
    return b"L" + struct.pack(">q", len(text)) + text


def ubj_in(inner: bytes, *keys: bytes) -> bytes:
    """A value inside objects."""
    for key in reversed(keys):
        inner = b"{" + ubj_text(key) + inner + b"}"
    return inner


def filled(size: int, begin: str, unit: str, end: str) -> bytes:
    """A text of one unit again and again."""
    return (begin + unit * ((size - len(begin) - len(end)) // len(unit)) + end).encode()


MODEL = '{"learner_model_param":{"num_feature":"4"},"objective":{"name":"x"}}'
LEARNER = f'{{"learner":{MODEL},"rest":['
INSIDE = '{"learner":{"learner_model_param":{"num_feature":"4","rest":['
INSIDE_END = ']},"objective":{"name":"x"}}}'

# What each file is, by name: its bytes.
FILES: Mapping[str, tuple[str, Callable[[], bytes]]] = {
    "an int of 4,300 nines in LightGBM's text": ("a.txt", lambda: HEAD + b"max_feature_idx=" + b"9" * 4300 + b"\n"),
    "an int of 5,000 digits in LightGBM's text": ("a.txt", lambda: HEAD + b"max_feature_idx=" + b"1" * 5000 + b"\n"),
    "4 MiB of short lines in LightGBM's text": ("a.txt", lambda: HEAD + b"ab=\n" * MIB),
    "4 MiB of different lines in LightGBM's text": ("a.txt", lambda: HEAD + b"".join(b"%d=1\n" % n for n in range(MIB // 2))),
    "11 MiB of dimensions in ONNX": ("a.onnx", lambda: onnx_dims(11 * MIB)),
    "200 tensors of 60 dimensions in ONNX": ("a.onnx", lambda: onnx_names(200, b"x", 60)),
    "names that are long to print in ONNX": ("a.onnx", lambda: onnx_names(250, b"\x01", 4)),
    "names outside the BMP in ONNX": ("a.onnx", lambda: onnx_names(250, "\U000e0001".encode(), 4)),
    "60 MiB of fields in ONNX": ("a.onnx", lambda: onnx_fields(60 * MIB)),
    "60 MiB of fields in many messages of ONNX": ("a.onnx", lambda: onnx_nested(60 * MIB)),
    "60 MiB of weights that are inputs in ONNX": ("a.onnx", lambda: onnx_weights(60 * MIB)),
    "messages in messages of ONNX": ("a.onnx", lambda: onnx_depth(MIB // 4)),
    "60 MiB of inputs in a SavedModel": ("saved_model.pb", lambda: signature(60 * MIB)),
    "60 MiB of other signatures in a SavedModel": ("saved_model.pb", lambda: signatures(60 * MIB)),
    "60 MiB of dimensions in a SavedModel": ("saved_model.pb", lambda: rank(60 * MIB)),
    "64 MiB of empty lists in JSON": ("a.json", lambda: filled(64 * MIB, LEARNER, "[],", "0]}")),
    "64 MiB of empty objects in JSON": ("a.json", lambda: filled(64 * MIB, LEARNER, "{},", "0]}")),
    "64 MiB of small objects in JSON": ("a.json", lambda: filled(64 * MIB, LEARNER, '{"a":0},', "0]}")),
    "64 MiB of numbers in JSON": ("a.json", lambda: filled(64 * MIB, LEARNER, "1,", "0]}")),
    "64 MiB of parameters in JSON": ("a.json", lambda: filled(64 * MIB, INSIDE, "1,", "0" + INSIDE_END)),
    "64 MiB of quotes in JSON": ("a.json", lambda: filled(64 * MIB, LEARNER, '\\"', '"]}')),
    "64 MiB of backslashes in one text of JSON": ("a.json", lambda: filled(64 * MIB, LEARNER + '"', "\\\\", '"]}')),
    "64 MiB of spaces in JSON": ("a.json", lambda: filled(64 * MIB, LEARNER, " ", "0]}")),
    "keys with 64 MiB of spaces behind in JSON": ("a.json", lambda: filled(64 * MIB, "{", '"a"   ', ":0}")),
    "64 MiB of brackets in JSON": ("a.json", lambda: b"[" * (64 * MIB)),
    "an int of 60,000 digits in JSON": ("a.json", lambda: json.dumps({"learner": {"learner_model_param": {"num_feature": "1" * 60_000}, "objective": {}}}).encode()),
    "half a surrogate in JSON": ("a.json", lambda: LEARNER.replace('"4"', '"\\ud800"').encode() + b"0]}"),
    "a count of 2**60 in UBJSON": ("a.ubj", lambda: ubj_in(b"[#L" + struct.pack(">q", 1 << 60), b"learner")),
    "a count of 2**60 words in UBJSON": ("a.ubj", lambda: b"[$T#L" + struct.pack(">q", 1 << 60)),
    "an array of 2**60 numbers in UBJSON": ("a.ubj", lambda: b"[$D#L" + struct.pack(">q", 1 << 60)),
    "60 MiB of empty lists in UBJSON": ("a.ubj", lambda: ubj_in(b"[" + b"[]" * (30 * MIB) + b"]", b"rest")),
    "60 MiB of parameters in UBJSON": ("a.ubj", lambda: ubj_in(b"[" + b"[]" * (30 * MIB) + b"]", b"learner", b"learner_model_param")),
    "60 MiB of keys in UBJSON": ("a.ubj", lambda: b"{" + b"U\x01aZ" * (15 * MIB) + b"}"),
    "60 texts of a MiB in UBJSON": ("a.ubj", lambda: b"[" + (b"S" + ubj_text(b"x" * MIB)) * 60 + b"]"),
    "lists in lists of UBJSON": ("a.ubj", lambda: b"[" * (16 * MIB)),
}  # fmt: skip


def sparse(path: Path, size: int) -> None:
    """A file of `size` bytes that are all zero and take no place."""
    with open(path, "wb") as stream:
        stream.truncate(size)
