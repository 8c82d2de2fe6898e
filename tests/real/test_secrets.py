"""The entry point that reads secrets, against Moto's Secrets Manager: a server that speaks AWS's own protocol."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.real.rig import DIRECT, Rig, free_port, must, run

pytestmark = pytest.mark.real

PACKAGE = "moto[secretsmanager,server]==5.2.5"
TEXT = """\
version: 1
project: {name: chat}
deployment: {config: transformers-vllm}
model: {name: meta-llama/Llama-3.1-8B-Instruct}
secrets: {HF_TOKEN: {secretsmanager: mlcc/hf-token, json_key: token}}
"""
KEY = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": "eu-west-1"}
PRINT = "import os; print(os.environ['HF_TOKEN'], os.environ['OTHER'])"
LIMIT_S = 60


@pytest.fixture(scope="module")
def moto(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running Moto."""
    venv = tmp_path_factory.mktemp("moto") / "venv"
    must(run(sys.executable, "-m", "venv", venv), "making an environment")
    must(run(venv / "bin/python", "-I", "-m", "pip", "install", "-q", PACKAGE, env=rig.environ, timeout=600), "pip")
    port = free_port()
    argv = [venv / "bin/moto_server", "-H", "127.0.0.1", "-p", str(port)]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            until = time.monotonic() + LIMIT_S
            while time.monotonic() < until and server.poll() is None:
                try:
                    DIRECT.open(f"{url}/moto-api/", timeout=2).close()
                    break
                except OSError:
                    time.sleep(0.1)
            yield url
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def program(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """code/with_secrets of a rendered project."""
    folder = tmp_path_factory.mktemp("projects") / "chat"
    folder.mkdir()
    (folder / "mlcc.yaml").write_text(TEXT)
    must(run(rig.mlcc, "apply", "-q", cwd=folder, env=rig.environ), "mlcc apply")
    assert 'ENTRYPOINT ["/opt/program/with_secrets", "/opt/program/serve"]' in (folder / "Dockerfile").read_text()
    return folder / "code/with_secrets"


def test_secrets_by_name_by_arn_and_by_key(moto: str, program: Path):
    client = boto3.client(
        "secretsmanager", "eu-west-1", endpoint_url=moto, aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    client.create_secret(Name="mlcc/hf-token", SecretString=json.dumps({"token": "hf_one"}))
    arn = client.create_secret(Name="mlcc/other", SecretString="two, as it is")["ARN"]
    environ = {**KEY, "AWS_ENDPOINT_URL": moto, "PATH": os.environ["PATH"]}
    reported = {"MLCC_SECRET_HF_TOKEN": "mlcc/hf-token:token::", "MLCC_SECRET_OTHER": arn}
    done = run(program, sys.executable, "-c", PRINT, env={**environ, **reported})
    assert (done.code, done.stdout) == (0, "hf_one two, as it is\n"), done.stderr
    for wrong in ({"MLCC_SECRET_HF_TOKEN": "mlcc/none"}, {"MLCC_SECRET_HF_TOKEN": "mlcc/hf-token:none::"}):
        done = run(program, sys.executable, "-c", "print('started')", env={**environ, **wrong})
        assert (done.code, done.stdout) == (1, "")
        assert done.stderr.startswith("with_secrets: HF_TOKEN (mlcc/")
        assert "hf_one" not in done.stderr
        assert len(done.stderr.splitlines()) == 1
