# mlcc: rendered from mlcc.yaml; yours to edit, mlcc apply merges your lines
"""The contract of a running model server, over HTTP, with the standard library alone.

    MLCC_TEST_URL=http://127.0.0.1:8080 python -m unittest tests/test_contract.py

The rows that are sent are those of SAMPLE.  Add what callers of your own model rely on.
"""

from __future__ import annotations

import csv
import io
import json
import os
import time
import unittest
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

URL = os.environ.get("MLCC_TEST_URL") or "http://127.0.0.1:8080"
LOAD_S = 120  # the model may still be loading when the tests start
SAMPLE: Any = json.loads('{"instances": [[14.23, 1.71, 2.43, 15.6, 127.0, 2.8, 3.06, 0.28, 2.29, 5.64, 1.04, 3.92, 1065.0], [12.37, 0.94, 1.36, 10.6, 88.0, 1.98, 0.57, 0.28, 0.42, 1.95, 1.05, 1.82, 520.0]]}')
ROWS: list[Any] = SAMPLE if isinstance(SAMPLE, list) else next(iter(SAMPLE.values()))
JSON, CSV, LINES = "application/json", "text/csv", "application/jsonlines"


def ask(path: str, body: bytes | None = None, **headers: str) -> tuple[int, str, str]:
    """Status, Content-Type and text of an answer; underscores in header names stand for hyphens."""
    request = Request(URL + path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=60) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read().decode()
    except HTTPError as error:
        return error.code, error.headers.get_content_type(), error.read().decode()


def invoke(body: Any, content_type: str = JSON, accept: str = JSON) -> tuple[int, str, str]:
    """POST /invocations; what is not text is sent as JSON."""
    data = body if isinstance(body, str) else json.dumps(body)
    return ask("/invocations", data.encode(), Content_Type=content_type, Accept=accept)


def csv_lines(rows: list[Any]) -> str:
    """Rows as CSV, objects with their columns' names first."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    if isinstance(rows[0], dict):
        writer.writerow(rows[0])
    writer.writerows(row.values() if isinstance(row, dict) else row if isinstance(row, list) else [row] for row in rows)
    return lines.getvalue()


def setUpModule() -> None:
    """Waits until the model has loaded."""
    deadline = time.monotonic() + LOAD_S
    try:
        while (answer := ask("/ping"))[0] != 200:
            if time.monotonic() > deadline or '"failed"' in answer[2]:
                raise AssertionError(f"the model at {URL} has not loaded: GET /ping gives {answer[0]} {answer[2]}")
            time.sleep(0.5)
    except URLError as error:
        raise AssertionError(f"nothing answers at {URL}; set MLCC_TEST_URL: {error.reason}") from None


class Contract(unittest.TestCase):
    """What SageMaker and callers rely on."""

    def predictions(self, body: Any, content_type: str = JSON) -> list[Any]:
        """The predictions of a JSON answer, one for each row."""
        status, answered, text = invoke(body, content_type)
        self.assertEqual((status, answered), (200, JSON), text)
        found: list[Any] = json.loads(text)["predictions"]
        self.assertEqual(len(found), len(body if isinstance(body, list) else ROWS))
        self.assertNotIn(found[0], ([], "", {}, None))
        return found

    def test_ping_is_fast(self) -> None:
        started = time.monotonic()
        self.assertEqual(ask("/ping")[0], 200)
        self.assertLess(time.monotonic() - started, 2, "SageMaker waits two seconds for /ping")

    def test_every_way_to_write_rows_gives_the_same(self) -> None:
        expected = self.predictions(SAMPLE)
        header = "present" if isinstance(ROWS[0], dict) else "absent"
        self.assertEqual(self.predictions({"inputs": ROWS}), expected)
        self.assertEqual(self.predictions("".join(json.dumps(row) + "\n" for row in ROWS), LINES), expected)
        self.assertEqual(self.predictions(csv_lines(ROWS), f"text/csv; header={header}"), expected)

    def test_many_rows_keep_their_order(self) -> None:
        self.assertEqual(self.predictions(ROWS * 200)[-len(ROWS) :], self.predictions(ROWS))

    def test_csv_out(self) -> None:
        status, answered, text = invoke(SAMPLE, accept=CSV)
        self.assertEqual((status, answered, len(text.splitlines())), (200, CSV, len(ROWS)), text)

    def test_refusals_are_one_sentence_in_json(self) -> None:
        for body, content_type, accept, wanted in (
            ("{", JSON, JSON, 400),
            ({"instances": []}, JSON, JSON, 400),
            (SAMPLE, "text/plain", JSON, 415),
            (SAMPLE, JSON, "image/png", 406),
        ):
            with self.subTest(body=body, content_type=content_type, accept=accept):
                status, answered, text = invoke(body, content_type, accept)
                self.assertEqual((status, answered, list(json.loads(text))), (wanted, JSON, ["error"]), text)


if __name__ == "__main__":
    unittest.main()
