"""Model files looked into: small ones made here byte by byte, cut off, and hostile."""

from __future__ import annotations

import base64
import json
import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from mlcc.core.errors import UserError
from mlcc.lookups import model_files
from mlcc.lookups.model_files.found import Unreadable, looked_at
from mlcc.lookups.model_files.ubjson import Reader
from mlcc.registries import load
from mlcc.render.pbtxt import render
from mlcc.resolve.triton.models import ModelConfig, Tensor
from tests.helpers import File, build_tree
from tests.nvidia import model_config

BACKENDS = load().triton_backends
ANY = None
# Written by the package onnx 1.23.2, and checked by it: x of (batch, 4) gives the total of each row, its softmax and the
# place of its largest number.
WRITTEN_BY_ONNX = base64.b64decode(
    "CAkSBG9ubng6+wEKLAoBeAoEYXhlcxIFdG90YWwiCVJlZHVjZVN1bSoPCghrZWVwZGltcxgAoAECChwKAXgSAXAiB1NvZnRtYXgqCwoEYXhpcxgB"
    "oAECCjAKAXgSBWxhYmVsIgZBcmdNYXgqCwoEYXhpcxgBoAECKg8KCGtlZXBkaW1zGACgAQISBHJvd3MqDQgBEAc6AQFCBGF4ZXNaGAoBeBITChEI"
    "ARINCgcSBWJhdGNoCgIIBGIYCgV0b3RhbBIPCg0IARIJCgcSBWJhdGNoYhgKAXASEwoRCAESDQoHEgViYXRjaAoCCARiGAoFbGFiZWwSDwoNCAcS"
    "CQoHEgViYXRjaEIECgAQEQ=="
)


# ---------------------------------------------------------------- files made here
def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    found = b""
    while value > 0x7F:
        found += bytes([value & 0x7F | 0x80])
        value >>= 7
    return found + bytes([value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def part(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(data)) + data


def onnx_tensor(name: str, kind: int, dims: list[int | str] | None) -> bytes:
    sizes = b"".join(part(1, number(1, d) if isinstance(d, int) else part(2, d)) for d in dims or [])
    shape = part(2, sizes) if dims is not None else b""
    return part(1, name) + part(2, part(1, number(1, kind) + shape))


def onnx(inputs: list[bytes], outputs: list[bytes], weights: tuple[str, ...] = ()) -> bytes:
    graph = part(2, "graph") + b"".join(part(5, number(2, 1) + part(8, w) + part(9, bytes(64))) for w in weights)
    graph += b"".join(part(11, t) for t in inputs) + b"".join(part(12, t) for t in outputs)
    return number(1, 8) + part(2, "made here") + part(7, graph) + part(8, number(2, 17))


def tf_tensor(kind: int, dims: list[int] | None) -> bytes:
    shape = number(3, 1) if dims is None else b"".join(part(2, number(1, d)) for d in dims)
    return part(1, "serving:0") + number(2, kind) + part(3, shape)


def saved_model(inputs: dict[str, bytes], outputs: dict[str, bytes], signature: str = "serving_default") -> bytes:
    value = b"".join(part(1, part(1, k) + part(2, v)) for k, v in inputs.items())
    value += b"".join(part(2, part(1, k) + part(2, v)) for k, v in outputs.items())
    graph = part(2, bytes(200)) + part(5, part(1, signature) + part(2, value))
    return number(1, 1) + part(2, graph)


def ubj(value: Any) -> bytes:
    """As XGBoost writes it: objects and lists without counts, arrays of numbers typed."""
    if isinstance(value, dict):
        body = b"".join(b"L" + struct.pack(">q", len(k)) + k.encode() + ubj(v) for k, v in value.items())
        return b"{" + body + b"}"
    if isinstance(value, list):
        return b"[$d#L" + struct.pack(">q", len(value)) + b"".join(struct.pack(">f", v) for v in value)
    if isinstance(value, str):
        return b"SL" + struct.pack(">q", len(value)) + value.encode()
    return b"i" + struct.pack(">b", value)


def xgboost(features: Any = "13", classes: str = "3", objective: str = "multi:softprob") -> dict[str, Any]:
    own = {"num_feature": features, "num_class": classes, "num_target": "1"}
    booster = {"model": {"trees": [0.5, 1.5]}}
    return {"learner": {"gradient_booster": booster, "learner_model_param": own, "objective": {"name": objective}}}


LIGHTGBM = "tree\nversion=v4\nnum_class={}\nmax_feature_idx=12\nobjective={}\n\nTree=0\nnum_leaves=3\n"
ROW = onnx_tensor("x", 1, ["N", 4])
FILES = {
    "a.onnx": onnx([ROW, onnx_tensor("w", 1, [4])], [onnx_tensor("label", 7, ["N"]), onnx_tensor("p", 1, ["N", 3])], ("w",)),
    "a.json": json.dumps(xgboost()).encode(),
    "a.ubj": ubj(xgboost()),
    "a.txt": LIGHTGBM.format(3, "multiclass num_class:3").encode(),
    "saved_model.pb": saved_model({"x": tf_tensor(1, [-1, 4])}, {"p": tf_tensor(1, [-1, 3])}),
}  # fmt: skip


def look(path: str | Path, data: bytes | None = None, name: str = "", file: str = "") -> model_files.Inspected:
    if data is not None:
        Path(path).write_bytes(data)
    return model_files.inspect(str(path), BACKENDS, name, file, False, {})


def code_of(path: str, data: bytes) -> str:
    """The code of what is wrong with a file, empty for nothing; no other exception may come."""
    try:
        look(path, data)
    except UserError as problem:
        return problem.findings[0].code
    return ""


def tensors(found: model_files.Inspected, key: str) -> list[tuple[Any, ...]]:
    return [tuple(t.values()) for t in found.element[key]]


# ---------------------------------------------------------------- what they hold
@pytest.mark.parametrize(
    ("name", "backend", "batch", "inputs", "outputs"),
    [
        (
            "a.onnx",
            "onnxruntime",
            64,
            [("x", "TYPE_FP32", [4])],
            [("label", "TYPE_INT64", [1], []), ("p", "TYPE_FP32", [3])],
        ),
        ("a.json", "fil", 32768, [("input__0", "TYPE_FP32", [13])], [("output__0", "TYPE_FP32", [3])]),
        ("a.ubj", "fil", 32768, [("input__0", "TYPE_FP32", [13])], [("output__0", "TYPE_FP32", [3])]),
        ("a.txt", "fil", 32768, [("input__0", "TYPE_FP32", [13])], [("output__0", "TYPE_FP32", [3])]),
        ("saved_model.pb", "tensorflow", 64, [("x", "TYPE_FP32", [4])], [("p", "TYPE_FP32", [3])]),
    ],
)
def test_each_format(name, backend, batch, inputs, outputs):
    found = look(name, FILES[name], file=name)
    assert (found.element["backend"], found.element["max_batch_size"], found.element["file"]) == (backend, batch, name)
    assert tensors(found, "inputs") == inputs
    assert tensors(found, "outputs") == outputs


def test_what_is_one_value_a_row_is_reported():
    [note] = look("a.onnx", FILES["a.onnx"]).notes
    assert note.endswith("as [rows, 1]: label")


def test_a_model_that_onnx_itself_has_written():
    found = look("rows.onnx", WRITTEN_BY_ONNX)
    assert found.element["max_batch_size"] == 64
    assert tensors(found, "inputs") == [("x", "TYPE_FP32", [4])]
    assert tensors(found, "outputs") == [
        ("total", "TYPE_FP32", [1], []), ("p", "TYPE_FP32", [4]), ("label", "TYPE_INT64", [1], [])
    ]  # fmt: skip
    [note] = found.notes
    assert note.endswith("total, label")


def test_one_value_a_row_is_what_triton_s_protobuf_has():
    """What is found becomes a config.pbtxt that NVIDIA's own protobuf reads: dims [1], and an empty reshape."""
    found = look("a.onnx", FILES["a.onnx"]).element
    outputs = tuple(Tensor(t["name"], t["data_type"], tuple(t["dims"]), tuple(t["reshape"]) if "reshape" in t else None) for t in found["outputs"])  # fmt: skip
    written = model_config(render(ModelConfig(found["name"], found["backend"], "", 64, outputs=outputs)))
    shapes = [(o.name, list(o.dims), o.HasField("reshape"), list(o.reshape.shape)) for o in written.output]
    assert shapes == [("label", [1], True, []), ("p", [3], False, [])]


@pytest.mark.parametrize(
    ("inputs", "outputs", "batch", "dims"),
    [
        ([["N", 4]], [["N", 3]], 64, [[4], [3]]),
        ([["N", 4]], [["N"]], 64, [[4], [1]]),
        ([["N", 4]], [["N"], ["N", 3]], 64, [[4], [1], [3]]),
        ([["N"]], [["N"]], 0, [[-1], [-1]]),
        ([[1, 4]], [[1, 3]], 0, [[1, 4], [1, 3]]),
        ([["N", 4]], [[3]], 0, [[-1, 4], [3]]),
        ([["N"]], [["N", 3]], 0, [[-1], [-1, 3]]),
        ([["N", 4]], [ANY], 0, [[-1, 4], None]),
        ([["N", "H", "W"]], [["N", "H"]], 64, [[-1, -1], [-1]]),
        ([[]], [[]], 0, [[1], [1]]),
        ([["N", 4]], [[]], 0, [[-1, 4], [1]]),
    ],
)
def test_where_the_batch_is(inputs, outputs, batch, dims):
    data = onnx([onnx_tensor("x", 1, d) for d in inputs], [onnx_tensor(f"y{n}", 1, d) for n, d in enumerate(outputs)])
    element = look("b.onnx", data).element
    assert element["max_batch_size"] == batch
    alone = [d == ["N"] and batch for d in outputs]
    assert [t.get("reshape") == [] for t in element["outputs"]] == [bool(a) for a in alone]
    assert [t.get("dims") for t in (*element["inputs"], *element["outputs"])] == dims


@pytest.mark.parametrize(
    ("classes", "objective", "size", "classifier", "probabilities"),
    [
        ("3", "multi:softprob", 3, "true", "true"),
        ("0", "binary:logistic", 1, "true", "false"),
        ("0", "reg:squarederror", 1, "false", "false"),
    ],
)
def test_classes_and_regressions(classes, objective, size, classifier, probabilities):
    for name, data in (("a.json", json.dumps(xgboost(7, classes, objective)).encode()), ("a.ubj", ubj(xgboost("7", classes, objective)))):  # fmt: skip
        element = look(name, data).element
        assert element["outputs"][0]["dims"] == [size]
        assert element["parameters"] == {
            "is_classifier": classifier,
            "output_class": classifier,
            "predict_proba": probabilities,
        }


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("models/wine.onnx", "wine"),
        ("wine/model.onnx", "wine"),
        ("/m/model_repository/red/1/model.onnx", "red"),
        ("/m/saved_model/saved_model.pb", "model"),
        ("/m/a b/model.onnx", "model"),
    ],
)
def test_a_model_s_name(path, name):
    assert model_files.model_name(path) == name


# ---------------------------------------------------------------- what cannot be read
def refused(path: str, data: bytes) -> str:
    with pytest.raises(UserError) as problem:
        look(path, data)
    [finding] = problem.value.findings
    assert finding.code == "MLCC165"
    assert len(finding.message) < 800
    return finding.message


@pytest.mark.parametrize(
    ("path", "data", "why"),
    [
        ("a.onnx", b"", "no graph"),
        ("a.onnx", part(7, part(12, onnx_tensor("x", 14, [1]))), "type that Triton does not have"),
        ("a.onnx", part(7, part(12, onnx_tensor("x" * 400, 1, [1]))), "name of 400 bytes"),
        ("a.onnx", varint(7 << 3 | 2) + varint(1 << 62), "beyond its message"),
        ("a.onnx", b"\xff" * 20, "more than ten bytes"),
        ("a.onnx", b"\x0b", "no such kind of field"),
        ("a.json", b"[" * 100_000, "not JSON"),
        ("a.json", b"{}", "no model of XGBoost"),
        ("a.json", json.dumps(xgboost("many")).encode(), "no whole number"),
        ("a.json", json.dumps(xgboost(10**30)).encode(), "no whole number of at most 20 digits"),
        ("a.json", json.dumps(xgboost(10**9)).encode(), "are no model"),
        ("a.json", b'{"learner": {"objective": {}', "ends too early"),
        ("a.json", b'{"learner": {"objective": {}}} {}', "something follows its end"),
        ("a.json", b'{"learner": {"objective": {"name', "within a text"),
        ("a.json", b'{"learner": {]', "closes what is not open"),
        ("a.json", json.dumps(xgboost(objective="x" * 70_000)).encode(), "65,536 are the most"),
        ("a.ubj", b"{" + b"L" + struct.pack(">q", 1 << 62), "a text of"),
        ("a.ubj", b"[" * 100_000, "one in another"),
        ("a.ubj", b"[$d#L" + struct.pack(">q", 1 << 60), "ends within a value"),
        ("a.ubj", b"[$Z#L" + struct.pack(">q", 1 << 60), "500,000 parts"),
        (
            "a.ubj",
            ubj({"learner": {"learner_model_param": {}}})[:-3] + b"U\x01x[$Z#L" + struct.pack(">q", 1 << 60),
            "10,000 parameters",
        ),
        ("a.txt", b"hello\n", "no model of LightGBM"),
        ("a.txt", b"tree\nnum_class=1\n", "max_feature_idx"),
        ("a.txt", b"tree\nmax_feature_idx=" + b"9" * 4300 + b"\n", "at most 20 digits"),
        ("a.txt", b"tree\n" + b"a=b\n" * 1000 + b"max_feature_idx=3\n", "max_feature_idx"),
        ("a.onnx", onnx([], [onnx_tensor("y", 1, [1] * 65)]), "y has more than 64 dimensions"),
        ("a.onnx", onnx([onnx_tensor(f"x{n}", 1, [1]) for n in range(256)], [ROW]), "a graph of 256 inputs"),
        ("a.onnx", onnx([onnx_tensor("\x01" * 240 + str(n), 1, [1]) for n in range(60)], [ROW]), "bytes to print"),
        ("saved_model.pb", saved_model({"x": tf_tensor(1, [1] * 65)}, {}), "x has more than 64 dimensions"),
        ("saved_model.pb", saved_model({str(n): tf_tensor(1, [1]) for n in range(257)}, {}), "more than 256"),
        ("saved_model.pb", part(2, part(5, part(1, "x")) * 1001), "1,000 signatures"),
        ("saved_model.pb", saved_model({}, {}, "other"), "no signature serving_default, but other"),
    ],
)
def test_hostile_files_are_findings(path, data, why):
    assert why in refused(path, data)


def test_fields_are_counted_over_the_whole_file():
    """No message of it has many."""
    many = part(5, b"\x08\x00" * 1000) * 1000
    assert "1,000,000 parts" in refused("a.onnx", onnx([ROW], [ROW])[:13] + part(7, part(11, ROW) + many))


def test_a_model_that_has_more_than_is_read_is_described_by_hand():
    with pytest.raises(UserError) as problem:
        look("a.onnx", onnx([], [onnx_tensor("y", 1, [1] * 65)]))
    assert "triton.models by hand" in problem.value.findings[0].hint


def test_two_inputs_of_one_name_are_one():
    value = part(1, part(1, "x") + part(2, tf_tensor(1, None))) + part(1, part(1, "x") + part(2, tf_tensor(1, [2])))
    data = part(2, part(5, part(1, "serving_default") + part(2, value)))
    assert tensors(look("saved_model.pb", data), "inputs") == [("x", "TYPE_FP32", [2])]


@pytest.mark.parametrize("odd", ['"9"', "[]", "null", "1e3", "-1", "true", str(10**9)])
def test_what_a_pickle_s_process_says_is_not_believed(tmp_path, odd):
    """A file named joblib.py beside it would be its module; here the process is a script that says what it likes."""
    output_text = f'{{"features": {odd}, "type": "TYPE_FP64"}}'
    build_tree(tmp_path, {"bin/python3": File(f"#!/bin/sh\necho '{output_text}'\n", 0o755)})
    Path("a.pkl").write_bytes(b"")
    with pytest.raises(UserError) as problem:
        model_files.inspect("a.pkl", BACKENDS, "", "", True, {"PATH": str(tmp_path / "bin")})
    assert "how many features" in problem.value.findings[0].message


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo no key $INTERNAL_API_KEY; exit 1", "could not load it: no key\n"),
        ("echo 401 for key kzT4QpLm29XcVbNaRw7 >&2; exit 1", "could not load it: 401 for key ***REDACTED***\n"),
        ("exit 1", "could not load it: it printed nothing\n"),
        ("while :; do echo xxxxxxxxxxxxxxxxxxxxxxx; done | head -c 3000000; exit 1", "could not load it: x"),
        ("""echo '{"features": 4, "type": "TYPE_FP64"}'; exit 1""", "could not load it: "),
        ("echo done", "did not say what it is\n"),
        ("echo [1]", "did not say what it is\n"),
    ],
)
def test_a_pickle_s_process_gets_no_secret_and_shows_none(tmp_path, script, words):
    build_tree(tmp_path, {"bin/python3": File(f"#!/bin/sh\n{script}\n", 0o755)})
    Path("a.pkl").write_bytes(b"")
    environ = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "INTERNAL_API_KEY": "kzT4QpLm29XcVbNaRw7"}
    with pytest.raises(UserError) as problem:
        model_files.inspect("a.pkl", BACKENDS, "", "", True, environ)
    assert words in problem.value.findings[0].message + "\n"


def test_what_a_library_prints_at_its_end_hides_no_answer(tmp_path):
    script = """echo warning; echo '{"features": 4, "type": "TYPE_FP64"}'; echo 'leaked semaphores' >&2"""
    build_tree(tmp_path, {"bin/python3": File(f"#!/bin/sh\n{script}\n", 0o755)})
    Path("a.pkl").write_bytes(b"")
    found = model_files.inspect("a.pkl", BACKENDS, "", "", True, {"PATH": str(tmp_path / "bin")})
    assert found.element["inputs"][0]["dims"] == [4]


@pytest.mark.parametrize("name", ["a.onnx", "a.ubj", "a.json", "saved_model.pb"])
def test_a_file_that_is_cut_off_anywhere(name):
    whole = FILES[name]
    for size in range(0, len(whole), max(len(whole) // 60, 1)):
        assert code_of(name, whole[:size]) in ("", "MLCC165")


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some.sampled_from(sorted(FILES)), some.data())
def test_a_file_with_any_bytes_changed(name, data):
    changed = bytearray(FILES[name])
    for at in data.draw(some.lists(some.integers(0, len(changed) - 1), min_size=1, max_size=8)):
        changed[at] = data.draw(some.integers(0, 255))
    assert code_of(name, bytes(changed)) in ("", "MLCC165")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some.binary(max_size=200))
def test_any_bytes_as_ubj(data):
    Path("a.ubj").write_bytes(data)
    with looked_at("a.ubj") as read, suppress(Unreadable):
        Reader(read).value()


@pytest.mark.parametrize(("path", "code"), [("a.weights", "MLCC166"), ("a.pkl", "MLCC167"), ("a.pt", "MLCC167"), ("b", "MLCC166")])  # fmt: skip
def test_what_is_not_looked_into(path, code):
    with pytest.raises(UserError) as problem:
        look(path, b"x")
    assert problem.value.findings[0].code == code


def test_a_pickle_is_run_only_when_asked(tmp_path):
    import os
    import pickle

    class Planted:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "ran"),)

    data = pickle.dumps(Planted())
    with pytest.raises(UserError):
        look("a.pkl", data)
    assert not (tmp_path / "ran").exists()
    with pytest.raises(UserError) as problem:
        model_files.inspect("a.pkl", BACKENDS, "", "", True, {"PATH": os.environ["PATH"]})
    assert (tmp_path / "ran").exists()
    assert problem.value.findings[0].code == "MLCC165"
