"""Rows about AWS: what a step takes, against one call of the official client, both asking a server of this machine.

The server answers at once with what stands in it, so that the figures are of the programs alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bench import place as places
from bench.measure import Command, Row, alternately, compared
from bench.place import Place

CLIENT = "awscli==1.46.3"
ACCOUNT, OTHER = "111122223333", "444455556666"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
KEYS = "[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = example\n"
CONFIG = f"""version: 1
project: {{name: iris}}
deployment: {{config: http-flask, region: us-east-1, account_id: "{ACCOUNT}", role_arn: {ROLE}}}
build: {{strategy: none, image_uri: {ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/iris:1}}
model: {{name: s3://iris-models/model.tar.gz}}
"""
ARN = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}"


class Server(ThreadingHTTPServer):
    """account: whose credentials it says that it was asked with; answers: by operation of SageMaker."""

    daemon_threads = True

    def __init__(self, account: str, answers: Mapping[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = {name: json.dumps(answer).encode() for name, answer in answers.items()}
        self.identity = (
            f"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::{account}:user/u</Arn>"
            f"<UserId>U</UserId><Account>{account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
        ).encode()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server
    protocol_version = "HTTP/1.1"
    # head and body go out at once: the caller's kernel would wait before it confirms the first of two small packets
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Answers by the operation that a header names, else with the caller's identity."""
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        body = self.server.answers.get(operation) if operation else self.server.identity
        self.send_response(200 if body is not None else 400)
        body = body if body is not None else b'{"__type": "ValidationException", "message": "Could not find"}'
        self.send_header("Content-Type", "application/x-amz-json-1.1" if operation else "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Is silent."""


def steps(place: Place, rounds: int) -> Iterator[Row]:
    """do/deploy up to its first call, and the whole of do/status, with keys in the environment and in ~/.aws."""
    client = _client(place.folder / "aws")
    if client is None:
        yield Row("do/deploy up to its first call", "", "not measured: no awscli", None, 0.5)
        return
    project = place.project("on-aws")
    (project / "mlcc.yaml").write_text(CONFIG)
    environ = {**place.environ("aws-home"), "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
    subprocess.run([place.mlcc, "apply", "-q"], cwd=project, env=environ, check=True, capture_output=True)
    file = Path(environ["HOME"]) / ".aws/credentials"
    file.parent.mkdir()
    file.write_text(KEYS)
    in_environ = {**environ, "HOME": str(place.folder), "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "b"}
    dry = subprocess.run(
        [place.mlcc, "do", "deploy", "--dry-run"], cwd=project, env=environ, check=True, capture_output=True
    )
    answers = _answers(json.loads(dry.stdout)["calls"])
    with _serving(OTHER, {}) as other, _serving(ACCOUNT, answers) as own:
        to_other, to_own = {"AWS_ENDPOINT_URL": other}, {"AWS_ENDPOINT_URL": own}
        found = alternately(
            {
                # that the account is another ends it
                "deploy": Command([place.mlcc, "do", "deploy"], {**in_environ, **to_other}, project, code=1),
                "deploy, file": Command([place.mlcc, "do", "deploy"], {**environ, **to_other}, project, code=1),
                "identity": Command([client, "sts", "get-caller-identity"], {**in_environ, **to_other}, project),
                "status": Command([place.mlcc, "do", "status"], {**in_environ, **to_own}, project),
                "endpoint": Command(
                    [client, "sagemaker", "describe-endpoint", "--endpoint-name", "iris"],
                    {**in_environ, **to_own},
                    project,
                ),
            },
            rounds,
        )
    wall = {name: sample.wall_s for name, sample in found.items()}
    yield compared("do/deploy up to its first call : aws sts", wall["deploy"], wall["identity"], 0.5)
    yield compared("  the same with keys in ~/.aws", wall["deploy, file"], wall["identity"], 0.5)
    yield compared("do/status : aws sagemaker describe-endpoint", wall["status"], wall["endpoint"], 1.0)


def _client(folder: Path) -> str | None:
    """The official client in an environment of its own; None where it cannot be installed."""
    places.say(f"installing {CLIENT} ...")
    try:
        places.quietly([sys.executable, "-m", "venv", str(folder)])
        pip = [str(folder / "bin/python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        places.quietly([*pip, "install", CLIENT])
    except RuntimeError as problem:
        places.say(f"the rows about AWS are left out: {problem}")
        return None
    return str(folder / "bin/aws")


@contextmanager
def _serving(account: str, answers: Mapping[str, Any]) -> Iterator[str]:
    server = Server(account, answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.url
    finally:
        server.shutdown()
        server.server_close()


def _answers(calls: list[Any]) -> dict[str, Any]:
    """What SageMaker says of a deployment that serves, made of the calls that would make it."""
    made = {call["operation"]: call["parameters"] for call in calls}
    endpoint, component = made["CreateEndpoint"], made["CreateInferenceComponent"]
    times = {"CreationTime": 1.7e9, "LastModifiedTime": 1.7e9}
    name, part = endpoint["EndpointName"], component["InferenceComponentName"]
    variant = {"VariantName": component["VariantName"], "CurrentInstanceCount": 1, "DesiredInstanceCount": 1}
    state = {
        "InferenceComponentArn": f"{ARN}:inference-component/{part}",
        "InferenceComponentName": part,
        "EndpointArn": f"{ARN}:endpoint/{name}",
        "EndpointName": name,
        "VariantName": component["VariantName"],
        "InferenceComponentStatus": "InService",
        **times,
    }
    return {
        "DescribeEndpoint": {
            "EndpointName": name,
            "EndpointArn": f"{ARN}:endpoint/{name}",
            "EndpointConfigName": endpoint["EndpointConfigName"],
            "EndpointStatus": "InService",
            "ProductionVariants": [variant],
            **times,
        },
        "ListTags": {"Tags": endpoint["Tags"]},
        "ListInferenceComponents": {"InferenceComponents": [state]},
        "DescribeInferenceComponent": {
            **state,
            "Specification": component["Specification"],
            "RuntimeConfig": {"DesiredCopyCount": 1, "CurrentCopyCount": 1},
        },
    }
