"""The seeded code/handler.py with real scikit-learn models: what it reads, how the model is asked, what it answers."""

from __future__ import annotations

import ast
import io
import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from tests.helpers import ROOT, SMALLEST, Caller, build_tree
from tests.unit.test_serve_script import module

handler = module(ROOT / "tests/golden/trees/http-fastapi/code/handler.py", "seeded_handler")
JSON, CSV, LINES, NPY = "application/json", "text/csv", "application/jsonlines", "application/x-npy"
COLUMNS = ["plan", "months", "spend"]
# the plan alone decides
PEOPLE = pd.DataFrame(
    {
        "plan": ["basic", "pro", "basic", "pro", "team", "team"],
        "months": [1, 1, 2, 2, None, 18],
        "spend": [9, 9, 12.5, 12.5, 200, None],
    }
)
LEFT = np.array(["yes", "no", "yes", "no", "no", "no"])


def churn() -> Any:
    """A pipeline over a DataFrame of texts and numbers, with missing values."""
    columns = ColumnTransformer(
        [("plan", OneHotEncoder(), ["plan"]), ("rest", SimpleImputer(strategy="median"), ["months", "spend"])]
    )
    return make_pipeline(columns, DecisionTreeClassifier(random_state=0)).fit(PEOPLE, LEFT)


@pytest.fixture(scope="module")
def model() -> Any:
    return churn()


def answer(model: Any, body: Any, content_type: str = JSON, accept: str = JSON) -> Any:
    """What a caller gets, of text bodies as text."""
    data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    text, kind = handler.format(handler.predict(model, handler.parse(data, content_type)), accept)
    assert kind == accept
    return json.loads(text) if kind == JSON else text


def refusal(call: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(handler.Refused) as caught:
        call()
    return caught.value.status, str(caught.value)


RECORDS = [{"plan": "pro", "months": 30, "spend": 99}, {"spend": None, "months": 1, "plan": "basic"}]
WANTED = ["no", "yes"]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ({"instances": RECORDS}, JSON),
        ({"inputs": RECORDS}, JSON),
        (RECORDS, "application/json; charset=utf-8"),
        ({"instances": [["pro", 30, 99.0], ["basic", 1, None]]}, JSON),
        ([{**record, "id": 7} for record in RECORDS], JSON),
        ("plan,months,spend\npro,30,99\nbasic,1,\n", CSV),
        ("id,spend,months,plan\n7,99,30,pro\n8,,1,basic\n", CSV),
        ("pro,30,99\nbasic,1,\n", CSV),
        ("pro,30,99\nbasic,1,NaN\n", "text/csv; header=absent"),
        ("\ufeffplan,months,spend\r\npro,30,99\r\nbasic,1,\r\n", "text/csv; header=present"),
        ("\n".join(map(json.dumps, RECORDS)), LINES),
        ('["pro", 30, 99]\n\n["basic", 1, null]\n', "application/x-ndjson"),
    ],
)
def test_one_question_in_many_forms(model: Any, body: Any, content_type: str) -> None:
    assert answer(model, body, content_type) == {"predictions": WANTED}


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        ([{"plan": "pro", "months": 3}], JSON, "each row must have the columns plan, months, spend; missing: spend"),
        ([["pro", 3]], JSON, "each row must have 3 values (plan, months, spend), not 2"),
        ("plan,months\npro,3\n", CSV, "each row must have the columns plan, months, spend; missing: spend"),
        ([["never", 1, 2]], JSON, "the model refuses these rows: Found unknown categories ['never'] in column 0"),
        ([["pro", "x", 2]], JSON, "the model refuses these rows:"),
        ([["pro", [1], 2]], JSON, "every value must be a number, a text, true, false or null"),
        ([RECORDS[0], ["pro", 1, 2]], JSON, "all rows must be objects, or none"),
        ('[["pro", NaN, 2]]', JSON, "NaN is not JSON: null is a missing value"),
        ('[["pro", Infinity, 2]]', JSON, "Infinity is not JSON"),
        ('["pro", 1, 2]\n["pro", 1,\n', LINES, "line 2 is not JSON in UTF-8"),
        ("plan,months,spend\n", CSV, "there must be at least one row"),
        ("", LINES, "there must be at least one row"),
        ("a,b\n1\n", CSV, "all rows must have the same number of values"),
        ('{"instances": [], "inputs": []}', JSON, "the JSON object must have the one key"),
    ],
)
def test_what_is_refused_says_what_is_wanted(model: Any, body: Any, content_type: str, said: str) -> None:
    status, message = refusal(lambda: answer(model, body, content_type))
    assert status == 400
    assert message.startswith(said)


def test_types(model: Any) -> None:
    assert refusal(lambda: handler.parse(b"", "image/png"))[0] == 415
    assert refusal(lambda: answer(model, RECORDS, JSON, "image/png"))[0] == 406
    # the server hands on the type of the request where the caller leaves the answer's open
    assert handler.format([1], "image/png, */*;q=0.1")[1] == JSON
    assert handler.format([1], "text/csv, */*;q=0.1") == ("1\n", CSV)
    assert handler.format([1], "application/jsonl, */*;q=0.1") == ("1\n", LINES)


def test_labels_and_probabilities_are_one_line_of_the_handler(model: Any) -> None:
    data = handler.features(model, handler.parse(json.dumps(RECORDS).encode(), JSON))
    found = handler.labels_and_probabilities(model, data)
    assert [row["label"] for row in found] == WANTED
    assert all(abs(sum(row["probabilities"].values()) - 1) < 1e-9 for row in found)
    assert list(found[0]["probabilities"]) == ["no", "yes"]
    text, _ = handler.format(found, LINES)
    assert [json.loads(line)["label"] for line in text.splitlines()] == WANTED
    assert handler.format(found, CSV)[0].startswith("no,")


def test_texts_are_rows_of_one_value() -> None:
    texts = ["good good", "bad bad", "so good", "so bad"]
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [1, 0, 1, 0])
    assert answer(pipeline, {"instances": ["good", "bad"]}) == {"predictions": [1, 0]}
    assert answer(pipeline, '"good"\n"bad"\n', LINES) == {"predictions": [1, 0]}


class TestNumbers:
    """An estimator that was fitted with an array."""

    line = LinearRegression().fit([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [0.0, 1.0, 10.0])

    def test_rows(self) -> None:
        assert np.allclose(answer(self.line, [[2, 3], [4, 5.5]])["predictions"], [32, 59])
        assert np.allclose(answer(self.line, "a,b\n2,3\n", CSV)["predictions"], [32])

    @pytest.mark.parametrize(
        "body",
        [[[1, "2"]], [[1, True]], [[1, None]], [1, 2], [[1, 2, 3]], [[1, 2], [3]], [{"a": 1, "b": 2}], [[1, 10**400]]],
    )
    def test_what_is_no_row_of_numbers(self, body: Any) -> None:
        assert refusal(lambda: answer(self.line, body))[0] == 400

    def test_npy_both_ways(self) -> None:
        stream = io.BytesIO()
        np.save(stream, np.array([[2, 3], [4, 5]], dtype=np.int8))
        reply = answer(self.line, stream.getvalue(), NPY, NPY)
        assert np.allclose(np.load(io.BytesIO(reply)), [32, 54])

    @pytest.mark.parametrize("made", ["objects", "short", "huge", "text", "one number"])
    def test_npy_that_is_not_read(self, made: str) -> None:
        stream = io.BytesIO()
        if made == "huge":  # a header that asks for more memory than there is
            np.lib.format.write_array_header_1_0(
                stream, {"descr": "<f8", "fortran_order": False, "shape": (1 << 40, 8)}
            )
        else:
            np.save(stream, {"objects": np.array([[print]]), "one number": np.float64(1)}.get(made, np.ones((2, 2))))
        body = stream.getvalue()[:-1] if made == "short" else b"x" * 100 if made == "text" else stream.getvalue()
        assert refusal(lambda: answer(self.line, body, NPY))[0] == 400


@pytest.mark.parametrize(
    ("predictions", "text"),
    [
        (np.array([1.5, np.nan, np.inf]), '{"predictions": [1.5, null, null]}'),
        (np.array([b"a", b"b"], dtype=object), '{"predictions": ["a", "b"]}'),
        (pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), '{"predictions": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]}'),
        (pd.Series([1, 2]), '{"predictions": [1, 2]}'),
        ([{"a": np.float32(1.5), "b": (np.int64(2),)}], '{"predictions": [{"a": 1.5, "b": [2]}]}'),
        ({"total": np.float64(2)}, '{"predictions": {"total": 2.0}}'),
    ],
)
def test_what_a_model_gives_is_written_as_json(predictions: Any, text: str) -> None:
    assert handler.format(predictions, JSON) == (text, JSON)


def test_numbers_that_are_not_finite_stay_in_csv() -> None:
    assert handler.format(np.array([1.5, np.nan, np.inf]), CSV)[0] == "1.5\nnan\ninf\n"


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.integers(), max_size=2)
)


@settings(max_examples=30)
@given(
    rows=st.lists(
        st.one_of(st.lists(CELLS, max_size=4), st.dictionaries(st.sampled_from([*COLUMNS, "x"]), CELLS), CELLS),
        max_size=4,
    )
)
def test_no_rows_end_in_another_error(rows: list[Any]) -> None:
    """Whatever rows come, they are answered or refused: a mistake of the caller is no 500."""
    for model in (MODELS[0], TestNumbers.line):
        with suppress(handler.Refused):
            text, _ = handler.format(handler.predict(model, handler.parse(json.dumps(rows).encode(), JSON)), JSON)
            assert len(json.loads(text)["predictions"]) == len(rows)


MODELS = [churn()]


def test_the_sample_is_served_as_before(tmp_path: Path) -> None:
    """A model in a file, found by its suffix."""
    import joblib

    joblib.dump(TestNumbers.line, tmp_path / "other.joblib")
    assert np.allclose(answer(handler.load(tmp_path), [[2, 3]])["predictions"], [32])


@pytest.mark.parametrize(
    ("payload", "rows"),
    [
        ("12000,36,0.21\n4000,12,0.05\n", [[12000, 36, 0.21], [4000, 12, 0.05]]),
        ("plan,months\npro,3\nbasic,\n", [{"plan": "pro", "months": 3}, {"plan": "basic", "months": None}]),
        ("good\nbad\n", [["good"], ["bad"]]),
        ('"a, b",-1.50\n', [["a, b", -1.5]]),
    ],
)
def test_the_contract_test_sends_the_rows_of_a_request_in_csv(mlcc: Caller, payload: str, rows: list[Any]) -> None:
    test = json.dumps({"payload": payload, "content_type": "text/csv"})
    build_tree(".", {"mlcc.yaml": f"{SMALLEST}model: {{name: ./m.joblib}}\ntest: {test}\n"})
    mlcc("apply", "-q", code=0)
    found = re.search(r"SAMPLE: Any = json.loads\((.*)\)", Path("tests/test_contract.py").read_text())
    assert found is not None
    assert json.loads(ast.literal_eval(found[1])) == {"instances": rows}
