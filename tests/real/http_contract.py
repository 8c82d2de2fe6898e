"""The whole contract of a running http server, with the standard library alone, so that it runs in a container, too.

Law: `rig.whole_contract` puts the project's own SAMPLE in place of the one here; everything else follows from its rows.
The projects' own tests/test_contract.py holds what users are to rely on; here stands what mlcc itself promises.
"""

from __future__ import annotations

import csv
import http.client
import io
import json
import os
import time
import unittest
from typing import Any, NamedTuple
from urllib.parse import urlsplit

URL = os.environ.get("MLCC_TEST_URL") or "http://127.0.0.1:8080"
LOAD_S = 120  # the model may still be loading when the tests start
LIMIT_BYTES = 6291456  # SageMaker sends no more

SAMPLE: Any = json.loads('{"instances": [[5.1, 3.5, 1.4, 0.2]]}')
ROWS: list[Any] = SAMPLE if isinstance(SAMPLE, list) else next(iter(SAMPLE.values()))
# What numbers must be is asked only where the rows are lists of numbers; objects name their columns.
NUMBERS = all(isinstance(row, list) and all(type(cell) in (int, float) for cell in row) for row in ROWS)
NAMES = list(ROWS[0]) if isinstance(ROWS[0], dict) else []
WORD = "present" if NAMES else "absent"

JSON, CSV, LINES = "application/json", "text/csv", "application/jsonlines"


class Answer(NamedTuple):
    """The server's output so far."""

    status: int
    content_type: str
    text: str

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.text)


def ask(method: str, path: str, body: bytes | str | None = None, **headers: str) -> Answer:
    """One request; underscores in header names stand for hyphens."""
    parts = urlsplit(URL)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=60)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return Answer(response.status, response.headers.get_content_type(), response.read().decode())
    finally:
        connection.close()


def invoke(body: Any, content_type: str = JSON, **headers: str) -> Answer:
    """POST /invocations; what is not text or bytes is sent as JSON."""
    data = body if isinstance(body, (str, bytes)) else json.dumps(body)
    return ask("POST", "/invocations", data, Content_Type=content_type, **headers)


def csv_lines(rows: list[Any], header: list[str]) -> str:
    """Rows as CSV, the missing values as empty cells."""
    lines = io.StringIO()
    values = [list(row.values()) if isinstance(row, dict) else row if isinstance(row, list) else [row] for row in rows]
    csv.writer(lines, lineterminator="\n").writerows([header, *values] if header else values)
    return lines.getvalue()


def setUpModule() -> None:
    """Waits until the model has loaded."""
    deadline = time.monotonic() + LOAD_S
    while True:
        try:
            answer = ask("GET", "/ping")
        except OSError as error:
            raise AssertionError(f"nothing answers at {URL}; start the server or set MLCC_TEST_URL: {error}") from None
        if answer.status == 200:
            return
        if time.monotonic() > deadline or '"failed"' in answer.text:
            raise AssertionError(f"the model at {URL} has not loaded: GET /ping gives {answer.status} {answer.text}")
        time.sleep(0.5)


class Health(unittest.TestCase):
    """GET /ping and GET /execution-parameters."""

    def test_ping_is_fast(self) -> None:
        started = time.monotonic()
        self.assertEqual(ask("GET", "/ping").status, 200)
        self.assertLess(time.monotonic() - started, 2, "SageMaker waits two seconds for /ping")

    def test_execution_parameters(self) -> None:
        parameters = ask("GET", "/execution-parameters").json
        self.assertGreaterEqual(parameters["MaxConcurrentTransforms"], 1)
        self.assertIn(parameters["BatchStrategy"], ("MULTI_RECORD", "SINGLE_RECORD"))
        self.assertGreaterEqual(parameters["MaxPayloadInMB"], 0)

    def test_unknown_path_and_method(self) -> None:
        for method, path, status in (("GET", "/nowhere", 404), ("GET", "/invocations", 405), ("POST", "/ping", 405)):
            with self.subTest(method=method, path=path):
                answer = ask(method, path)
                self.assertEqual((answer.status, answer.content_type), (status, JSON))
                self.assertIn("error", answer.json)


class Predictions(unittest.TestCase):
    """POST /invocations with rows that the model takes."""

    def assert_predictions(self, answer: Answer, count: int) -> list[Any]:
        """The predictions of a JSON answer, one for each row, all of one type and none of them empty."""
        self.assertEqual((answer.status, answer.content_type), (200, JSON), answer.text)
        self.assertEqual(list(answer.json), ["predictions"])
        predictions: list[Any] = answer.json["predictions"]
        self.assertEqual(len(predictions), count)
        self.assertEqual(len({type(prediction) for prediction in predictions}), 1)
        self.assertIsInstance(predictions[0], (int, float, str, list, dict))
        self.assertNotIn(predictions[0], ([], "", {}))
        return predictions

    def test_json(self) -> None:
        self.assert_predictions(invoke(SAMPLE), len(ROWS))

    def test_every_way_to_write_rows_gives_the_same(self) -> None:
        expected = self.assert_predictions(invoke({"instances": ROWS}), len(ROWS))
        header = NAMES or ([f"column_{number}" for number in range(len(ROWS[0]))] if NUMBERS else [])
        word = "present" if header else "absent"
        for body, content_type in (
            ({"inputs": ROWS}, JSON),
            (ROWS, "application/json; charset=utf-8"),
            ("".join(json.dumps(row) + "\n" for row in ROWS), LINES),
            (csv_lines(ROWS, NAMES), f"text/csv; header={WORD}"),
            (csv_lines(ROWS, header), f"text/csv; header={word}"),
            (csv_lines(ROWS, header).replace("\n", "\r\n"), f"text/csv; charset=utf-8; header={word}"),
        ):
            with self.subTest(content_type=content_type):
                self.assertEqual(self.assert_predictions(invoke(body, content_type, Accept=JSON), len(ROWS)), expected)

    def test_many_rows_keep_their_order(self) -> None:
        once = self.assert_predictions(invoke(ROWS), len(ROWS))
        many = self.assert_predictions(invoke(ROWS * 200), len(ROWS) * 200)
        self.assertEqual(many[-len(ROWS) :], many[: len(ROWS)])
        self.assertEqual(len(once), len(ROWS))

    def test_csv_out(self) -> None:
        for body, content_type, headers in (
            (csv_lines(ROWS, NAMES), f"text/csv; header={WORD}", {}),
            (csv_lines(ROWS, NAMES), f"text/csv; header={WORD}", {"Accept": "*/*"}),
            (SAMPLE, JSON, {"Accept": CSV}),
            (SAMPLE, JSON, {"Accept": "application/json;q=0.1, text/csv"}),
        ):
            with self.subTest(content_type=content_type, **headers):
                answer = invoke(body, content_type, **headers)
                self.assertEqual((answer.status, answer.content_type), (200, CSV), answer.text)
                self.assertEqual(len(answer.text.splitlines()), len(ROWS))

    def test_json_out(self) -> None:
        for headers in ({}, {"Accept": "*/*"}, {"Accept": "application/*"}):
            with self.subTest(**headers):
                self.assert_predictions(invoke(SAMPLE, **headers), len(ROWS))


class Refusals(unittest.TestCase):
    """POST /invocations with what cannot be answered: the right status, one sentence, and no trace."""

    def assert_refused(self, answer: Answer, status: int) -> str:
        """The sentence of a refusal."""
        self.assertEqual((answer.status, answer.content_type), (status, JSON), answer.text)
        message = answer.json["error"]
        self.assertTrue(message)
        self.assertNotIn("Traceback", message)
        self.assertNotIn(".py", message)
        return str(message)

    def test_content_type(self) -> None:
        for content_type in ("text/plain", ""):
            with self.subTest(content_type=content_type):
                message = self.assert_refused(invoke(SAMPLE, content_type), 415)
                self.assertIn(JSON, message)
                self.assertIn(CSV, message)

    def test_accept(self) -> None:
        self.assert_refused(invoke(SAMPLE, Accept="image/png"), 406)

    def test_bad_json(self) -> None:
        bodies: list[Any] = [
            "",
            "{",
            "null",
            "7",
            '"text"',
            "[]",
            "[[]]",
            "{}",
            b"\xff\xfe\xfd",
            "[" * 100_000,
            {"instances": []},
            {"rows": ROWS},
            {"instances": ROWS, "inputs": ROWS},
            json.dumps({"instances": ROWS, "INSTANCES": ROWS}).lower(),  # the same key twice
            {"instances": {"a": 1}},
        ]
        for body in bodies:
            with self.subTest(body=str(body)[:60]):
                self.assert_refused(invoke(body), 400)

    @unittest.skipUnless(NUMBERS, "the rows of SAMPLE are not lists of numbers")
    def test_bad_numbers(self) -> None:
        number, row = ROWS[0][0], ROWS[0]
        bodies: list[Any] = [
            row,
            [[*row[:-1], "text"]],
            [[*row[:-1], str(number)]],
            [[*row[:-1], True]],
            [[*row[:-1], 10**400]],
            [row, row[:-1]],
            [[*row, number]],
            json.dumps([row]).replace(str(number), "NaN", 1),
            json.dumps([row]).replace(str(number), "-Infinity", 1),
            json.dumps([row]).replace(str(number), "1e999", 1),
        ]
        for body in bodies:
            with self.subTest(body=str(body)[:60]):
                self.assert_refused(invoke(body), 400)

    def test_bad_csv(self) -> None:
        for body in ("", "\n\n", "a,b,c\n", '"', "1,2\n1", b"\xff"):
            with self.subTest(body=str(body)[:60]):
                self.assert_refused(invoke(body, CSV), 400)

    @unittest.skipUnless(NUMBERS, "the rows of SAMPLE are not lists of numbers")
    def test_bad_numbers_in_csv(self) -> None:
        line = csv_lines(ROWS[:1], []).strip()
        for body in (f"{line},1", f"{line}\nx{line}", f"inf{line[3:]}"):
            with self.subTest(body=str(body)[:60]):
                self.assert_refused(invoke(body, CSV), 400)

    def test_body_size(self) -> None:
        if ask("GET", "/execution-parameters").json["MaxPayloadInMB"] != 6:
            self.skipTest("this server has another limit")
        fits = json.dumps(SAMPLE).encode().ljust(LIMIT_BYTES)
        self.assertEqual(invoke(fits).status, 200)
        self.assert_refused(invoke(fits + b" "), 413)

    def test_it_still_works(self) -> None:
        self.assertEqual(invoke("{").status, 400)
        self.assertEqual(invoke(SAMPLE).status, 200)


if __name__ == "__main__":
    unittest.main()
