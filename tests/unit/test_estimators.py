"""Pickles that are read and not loaded: real estimators, and bytes that no library has written."""

from __future__ import annotations

import io
import pickle
import struct
import zlib
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from mlcc.lookups.model_files import packed_files, pickles
from mlcc.lookups.model_files.estimators import Estimator, estimator
from mlcc.lookups.model_files.found import TooMuch, Unreadable
from tests.functional.test_own_model import churn

ROWS, KINDS = np.arange(40.0).reshape(20, 2), np.arange(20) % 2


class Own(LinearRegression):
    """A class that no image has."""


class Trap:
    """Writes a file where it is loaded."""

    def __reduce__(self) -> Any:
        return open, ("trap-was-loaded", "w")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("made", [churn, lambda: RandomForestClassifier(5, random_state=0).fit(ROWS, KINDS)])
def test_every_protocol(tmp_path: Path, made: Any, protocol: int) -> None:
    model = made()
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(model, protocol=protocol))
    found = estimator(str(path))
    assert (found.version, found.modules) == (sklearn.__version__, ())
    assert found.columns == tuple(getattr(model, "feature_names_in_", ()))
    assert found.features == model.n_features_in_


@pytest.mark.parametrize("compress", [0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("lzma", 3), ("xz", 3), True])
def test_every_compression_of_joblib(tmp_path: Path, compress: Any) -> None:
    path = str(tmp_path / "churn.joblib")
    joblib.dump(churn(), path, compress=compress)
    examples, columns = ("basic", 0, 0), ("plan", "months", "spend")
    assert estimator(path) == Estimator("sklearn.pipeline.Pipeline", sklearn.__version__, columns, 3, examples, ())


def test_large_arrays_are_passed_over(tmp_path: Path) -> None:
    model = LinearRegression().fit(np.ones((2, 300_000)), [1, 2])
    path = tmp_path / "large.joblib"
    joblib.dump(model, path)
    assert path.stat().st_size > 2_000_000
    assert estimator(str(path)).features == 300_000


def test_texts_searches_and_own_classes(tmp_path: Path) -> None:
    texts = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(["good", "bad"], [1, 0])
    table = pd.DataFrame(ROWS, columns=["a", "b"])
    search = GridSearchCV(LogisticRegression(), {"C": [1, 2]}, cv=2).fit(table, KINDS)
    found = {}
    for name, model in (("texts", texts), ("search", search), ("own", Own().fit(ROWS, KINDS))):
        joblib.dump(model, tmp_path / name)
        found[name] = estimator(str(tmp_path / name))
    assert found["texts"].examples == ("text",)
    assert (found["search"].columns, found["search"].examples) == (("a", "b"), (0, 0))
    assert found["own"].modules == ("tests",)


def test_nothing_of_it_is_run(tmp_path: Path) -> None:
    path = tmp_path / "trap.pkl"
    path.write_bytes(pickle.dumps([Trap()]))
    with pytest.raises(Unreadable, match="no estimator"):
        estimator(str(path))
    path.write_bytes(pickle.dumps(Trap()))
    assert estimator(str(path)).name in ("io.open", "_io.open")
    assert not Path("trap-was-loaded").exists()


def program(*parts: bytes) -> bytes:
    return b"".join(parts) + b"."


WRAPPED = b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(U\x05shape(%sU\x05dtypecnumpy\ndtype\n(U\x02%stRu"


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        (b"", "the file ends here"),
        (b"no pickle at all", "no pickle"),
        (program(b"K\x01"), "no estimator"),
        (program(b"t"), "no pickle"),
        (program(b"Pid\n"), "no estimator"),
        (program(b"Q"), "the instruction BINPERSID"),
        (b"\x8e" + struct.pack("<Q", 1 << 62), "the file ends here"),
        (b"(" * 1_000_001, "1,000,000 instructions"),
        (b"U\xff" + b"x" * 255 + b"T" + struct.pack("<I", 1 << 16) + b"x" * (1 << 16), "the file ends here"),
        ((b"T" + struct.pack("<I", 1 << 16) + b"x" * (1 << 16)) * 70, "bytes of texts"),
        (b"I" + b"1" * 70_000, "a line of more than"),
        (WRAPPED % (b"K\x01" * 70 + b"t", b"f8") + b"b.", "an array of the shape"),
        (WRAPPED % (b"L-1L\nt", b"f8") + b"b.", "an array of the shape"),
        (WRAPPED % (b"L4611686018427387903L\nt", b"f8") + b"b.", "the file ends here"),
        (WRAPPED % (b"K\x01t", b"??") + b"b.", "a type that is not known"),
        ((WRAPPED % (b"K\x01t", b"O8") + b"b") * 20, "pickles, one in another"),
        (b"\x04\x22\x4d\x18" + b"x" * 20, "LZ4"),
        (b"x\x9c" + b"\xff" * 20, "does not unpack"),
        (b"\x1f\x8b" + b"broken", "does not unpack"),
    ],
)
def test_bytes_that_no_library_writes(tmp_path: Path, data: bytes, wrong: str) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(data)
    with pytest.raises(Unreadable, match=wrong):
        estimator(str(path))


def test_a_small_file_of_many_zeros_ends_at_the_limit() -> None:
    packed = zlib.compress(b"\x8e" + struct.pack("<Q", 1 << 40) + b"\0" * (8 << 20))
    stream = packed_files.Stream(packed_files.Inflated(io.BytesIO(packed)), 4 << 20)  # type: ignore[arg-type]
    with pytest.raises(TooMuch, match="unpacks to more than"):
        pickles.Machine(stream).run()


def test_a_tuple_in_a_tuple_is_no_key(tmp_path: Path) -> None:
    """Python's hash() of tuples a million deep would end the process."""
    path = tmp_path / "deep.pkl"
    path.write_bytes(program(b"}", b")" + b"\x85" * 300_000, b"K\x01s"))
    with pytest.raises(Unreadable, match="no estimator"):
        estimator(str(path))


@settings(max_examples=150)
@given(data=st.data())
def test_any_change_of_a_pickle_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = bytearray(PICKLED)
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "changed.pkl"
    path.write_bytes(whole[: data.draw(st.integers(1, len(whole)))])
    try:
        assert isinstance(estimator(str(path)), Estimator)
    except Unreadable:
        pass


PICKLED = pickle.dumps(churn())
