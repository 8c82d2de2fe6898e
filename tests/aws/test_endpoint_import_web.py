"""mlcc init --import-endpoint by the program itself, over HTTP, on our own SageMaker server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mlcc.io.aws.connection import Connection
from mlcc.servers.devserver.web import DevServer
from tests.aws.test_web import serve

# Over HTTP and with a clock that runs; test_endpoint_import.py does the rest on a table.
pytestmark = pytest.mark.real


def test_an_endpoint_by_the_program(server: DevServer, mlcc: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    serve(Connection("us-east-1"), GREETING="hello", HF_TOKEN="hf_" + "a" * 30)
    asked = mlcc("init", "--import-endpoint", "e", "-C", "new", code=1)
    assert "nothing tells which deployment config the endpoint 'e' has" in asked.stderr
    done = mlcc("init", "--import-endpoint", "e", "--deployment-config", "http-flask", "-C", "new", code=0)
    found = yaml.safe_load(Path("new/mlcc.yaml").read_text())
    assert found["project"] == {"name": "e"}
    assert found["env"] == {"GREETING": "hello"}
    assert found["build"]["strategy"] == "none"
    assert "MLCC385" in done.stderr
    assert "mlcc apply -f new/mlcc.yaml, then do/deploy --plan" in done.stderr
    assert "hf_aaa" not in done.stderr + Path("new/mlcc.yaml").read_text()
    gone = mlcc("init", "--import-endpoint", "none", "-C", "other", code=1)
    assert "MLCC387" in gone.stderr
    assert "aws sagemaker list-endpoints --region" in gone.stderr
    assert not Path("other").exists()
