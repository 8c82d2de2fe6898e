# mlcc: rendered from mlcc.yaml; yours to edit, mlcc apply merges your lines
"""The contract of a running Triton server, over HTTP, with the standard library alone.

Run it with `MLCC_TEST_URL=http://127.0.0.1:8080 python -m unittest tests/test_contract.py`.
"""

from __future__ import annotations

import http.client
import json
import os
import time
import unittest
from typing import Any, NamedTuple
from urllib.parse import urlsplit

URL = os.environ.get("MLCC_TEST_URL") or "http://127.0.0.1:8080"
LOAD_S = 600  # models may still be loading when the tests start

REQUEST = '{"inputs": [{"name": "input__0", "shape": [2, 13], "datatype": "FP32", "data": [[14.23, 1.71, 2.43, 15.6, 127.0, 2.8, 3.06, 0.28, 2.29, 5.64, 1.04, 3.92, 1065.0], [12.37, 0.94, 1.36, 10.6, 88.0, 1.98, 0.57, 0.28, 0.42, 1.95, 1.05, 1.82, 520.0]]}]}'
SAMPLE: Any = json.loads(REQUEST) if REQUEST else None


class Answer(NamedTuple):
    """The server's output so far."""

    status: int
    text: str


def ask(method: str, path: str, body: bytes | str | None = None) -> Answer:
    """One request."""
    parts = urlsplit(URL)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=60)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        response = connection.getresponse()
        return Answer(response.status, response.read().decode())
    finally:
        connection.close()


def setUpModule() -> None:
    """Waits until the models have loaded."""
    deadline = time.monotonic() + LOAD_S
    while True:
        try:
            status = ask("GET", "/ping").status
        except OSError:
            status = 0
        if status == 200:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"the models at {URL} have not loaded: GET /ping gives {status or 'no answer'}")
        time.sleep(0.5)


class Contract(unittest.TestCase):
    """GET /ping and POST /invocations."""

    def test_ping_is_fast(self) -> None:
        started = time.monotonic()
        self.assertEqual(ask("GET", "/ping").status, 200)
        self.assertLess(time.monotonic() - started, 2, "SageMaker waits two seconds for /ping")

    @unittest.skipIf(SAMPLE is None, "no request is known: SAMPLE is yours to write")
    def test_sample(self) -> None:
        answer = ask("POST", "/invocations", json.dumps(SAMPLE))
        self.assertEqual(answer.status, 200, answer.text)
        document = json.loads(answer.text)
        self.assertTrue(document)
        if "inputs" in SAMPLE:
            rows = SAMPLE["inputs"][0]["shape"][0]
            self.assertTrue(document["outputs"])
            for tensor in document["outputs"]:
                self.assertEqual(tensor["shape"][0], rows, tensor["name"])

    def test_what_is_no_request_is_refused(self) -> None:
        unknown = {"name": "no-such-tensor", "shape": [1], "datatype": "FP32", "data": [1]}
        for body in ('{"inputs": [', "no JSON", json.dumps({"inputs": [unknown]})):
            answer = ask("POST", "/invocations", body)
            self.assertGreaterEqual(answer.status, 400, body)
            self.assertTrue(json.loads(answer.text)["error"], body)

    def test_it_goes_on_after_a_bad_request(self) -> None:
        ask("POST", "/invocations", "no JSON")
        self.assertEqual(ask("GET", "/ping").status, 200)


if __name__ == "__main__":
    unittest.main()
