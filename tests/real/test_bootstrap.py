"""mlcc bootstrap against ministack, an emulator of CloudFormation, S3, ECR, IAM and Secrets Manager; and cfn-lint.

What the emulator does not do: it gives buckets no tags, imports no repository, and simulates no policy.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.helpers import ROOT, Result
from tests.real.rig import DIRECT, Rig, free_port, must, run

pytestmark = pytest.mark.real

PACKAGES = ("ministack==1.5.33", "cfn-lint==1.58.0")
NUMBER, REGION = "123456789012", "us-east-1"
KEY = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_CONFIG_FILE": "/dev/null"}
SECRET = "hf_" + "a1B2c3D4" * 5
# A first start compiles what was installed.
LIMIT_S = 300


@pytest.fixture(scope="module")
def programs(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of both packages."""
    venv = tmp_path_factory.mktemp("aws") / "venv"
    must(run(sys.executable, "-m", "venv", venv), "making an environment")
    must(run(venv / "bin/python", "-I", "-m", "pip", "install", "-q", *PACKAGES, env=rig.environ, timeout=600), "pip")
    return venv / "bin"


@pytest.fixture(scope="module")
def ministack(rig: Rig, programs: Path) -> Iterator[str]:
    """The address of a running emulator."""
    port = free_port()
    environ = {**rig.environ, "MINISTACK_ACCOUNT_ID": NUMBER, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
    url = f"http://127.0.0.1:{port}"
    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([programs / "ministack"], env=environ, **quiet) as server:
        try:
            until = time.monotonic() + LIMIT_S
            while time.monotonic() < until and server.poll() is None:
                try:
                    DIRECT.open(f"{url}/_ministack/health", timeout=2).close()
                    break
                except OSError:
                    time.sleep(0.1)
            else:
                pytest.fail(f"ministack does not answer (exit code {server.poll()})")
            yield url
        finally:
            server.terminate()


class Bootstrap:
    """mlcc bootstrap with a home of its own; each call's exit code is given."""

    def __init__(self, rig: Rig, url: str, home: Path) -> None:
        self.rig, self.home = rig, home
        self.environ = {**rig.environ, **KEY, "AWS_ENDPOINT_URL": url, "MLCC_HOME": str(home), "NO_PROXY": "127.0.0.1"}

    def __call__(self, *words: str, code: int = 0, stdin: str = "") -> Result:
        found = run(self.rig.mlcc, "bootstrap", *words, env=self.environ, stdin=stdin, timeout=300)
        assert found.code == code, found.stdout + found.stderr
        return found

    def changes(self, *words: str) -> set[str]:
        document = json.loads(self(*words, "-o", "json").stdout)
        return {f"{one['action']} {one['module']}/{one['resource']}" for one in document["changes"]}


@pytest.fixture
def bootstrap(rig: Rig, ministack: str, tmp_path: Path) -> Bootstrap:
    DIRECT.open(urllib.request.Request(f"{ministack}/_ministack/reset", method="POST"), timeout=30).close()
    made = Bootstrap(rig, ministack, tmp_path / "home")
    made("add", "dev", "--region", REGION)
    return made


def client(bootstrap: Bootstrap, service: str) -> Any:
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    return boto3.client(service, REGION, endpoint_url=bootstrap.environ["AWS_ENDPOINT_URL"], **keys)


def status(bootstrap: Bootstrap, code: int = 0) -> dict[str, Any]:
    document = json.loads(bootstrap("status", "-o", "json", code=code).stdout)
    return {one["module"]: one for one in document["modules"]}


def test_the_templates_are_clean(programs: Path) -> None:
    found = run(programs / "cfn-lint", *sorted((ROOT / "registries/cloudformation").iterdir()), timeout=300)
    assert found.code == 0, found.stdout


def test_an_account_from_nothing_to_nothing(bootstrap: Bootstrap) -> None:
    planned = bootstrap.changes("deploy", "core", "benchmark", "ci", "--plan")
    assert {one["status"] for one in status(bootstrap).values()} == {"NOT_DEPLOYED"}
    assert bootstrap.changes("deploy", "core", "benchmark", "ci") == planned
    assert {"create core/ExecutionRole", "create benchmark/Workgroup", "create ci/Table"} <= planned
    assert bootstrap.changes("update") == set(), "it is as it shall be"
    profile = json.loads(bootstrap("show", "-o", "json").stdout)["profile"]
    assert profile["role_arn"] == f"arn:aws:iam::{NUMBER}:role/mlcc-sagemaker-execution-role"
    assert profile["buckets"]["benchmark_results"] == f"mlcc-benchmark-results-{NUMBER}-{REGION}"
    assert profile["benchmark"] == {"database": "mlcc_ci", "workgroup": "mlcc-benchmark"}
    assert {one["drift"] for one in status(bootstrap).values()} == {"IN_SYNC"}

    client(bootstrap, "iam").update_role(RoleName="mlcc-sagemaker-execution-role", Description="by hand")
    core = status(bootstrap, code=1)["core"]
    (role,) = [part for part in core["parts"] if part["resource"] == "ExecutionRole"]
    assert (core["drift"], role["drift"]) == ("DRIFTED", "MODIFIED")
    assert role["differences"][0].endswith("-> by hand")

    client(bootstrap, "s3").put_object(Bucket=profile["buckets"]["models"], Key="x", Body=b"data")
    gone = bootstrap("destroy", "core", "benchmark", "ci", "--yes").stdout
    assert f"  aws s3 rb --force s3://{profile['buckets']['models']}" in gone.splitlines()
    assert {one["status"] for one in status(bootstrap).values()} == {"NOT_DEPLOYED"}


def test_what_stayed_is_adopted_with_what_is_in_it(bootstrap: Bootstrap) -> None:
    bootstrap("deploy", "core", "benchmark")
    buckets = client(bootstrap, "s3")
    names = [one["Name"] for one in buckets.list_buckets()["Buckets"]]
    buckets.put_object(Bucket=names[0], Key="x", Body=b"data")
    bootstrap("destroy", "core", "benchmark", "--yes")
    refused = bootstrap("deploy", "core", code=1)
    assert "MLCC344" in refused.stderr, "the emulator has given no tags, so they are somebody else's"
    for name in names:  # as CloudFormation itself does
        tags = {"TagSet": [{"Key": "mlcc:bootstrap", "Value": "mlcc"}]}
        buckets.put_bucket_tagging(Bucket=name, Tagging=tags)
    client(bootstrap, "ecr").delete_repository(repositoryName="ml-container-creator", force=True)
    planned = bootstrap.changes("deploy", "core", "benchmark", "--plan")
    assert {"adopt core/ModelsBucket", "adopt benchmark/ResultsBucket", "create core/Repository"} <= planned
    assert planned <= bootstrap.changes("deploy", "core", "benchmark")
    assert buckets.get_object(Bucket=names[0], Key="x")["Body"].read() == b"data"
    found = {name: one["status"] for name, one in status(bootstrap).items()}
    assert found == {"core": "UPDATE_COMPLETE", "benchmark": "UPDATE_COMPLETE", "ci": "NOT_DEPLOYED"}


def test_what_is_somebody_else_s_and_another_account(bootstrap: Bootstrap) -> None:
    client(bootstrap, "iam").create_role(RoleName="acme-sagemaker-execution-role", AssumeRolePolicyDocument="{}")
    bootstrap("add", "acme", "--region", REGION, "--prefix", "acme")
    assert "MLCC344" in bootstrap("deploy", "--profile", "acme", code=1).stderr
    bootstrap("add", "other", "--region", REGION, "--account-id", "999999999999")
    for words in (["deploy"], ["destroy", "--yes"], ["status"], ["secrets", "list"]):
        assert "MLCC345" in bootstrap(*words, "--profile", "other", code=1).stderr
    assert client(bootstrap, "cloudformation").list_stacks()["StackSummaries"] == []


def test_a_secret_is_kept_and_never_shown(bootstrap: Bootstrap) -> None:
    texts = [bootstrap("secrets", "create", "hf-token", stdin=f"{SECRET}\n")]
    texts.append(bootstrap("secrets", "create", "hf-token", stdin="x", code=1))
    texts += [bootstrap("secrets", "list"), bootstrap("secrets", "describe", "hf-token", "-o", "json")]
    assert "mlcc/hf-token" in texts[2].stdout
    assert not [one for one in texts if SECRET in one.stdout + one.stderr]
    kept = client(bootstrap, "secretsmanager").get_secret_value(SecretId="mlcc/hf-token")
    assert kept["SecretString"] == SECRET
    for path in bootstrap.home.rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes()


def test_doctor_asks_the_account(bootstrap: Bootstrap) -> None:
    words = (bootstrap.rig.mlcc, "doctor", "--aws", "-o", "json")
    found = run(*words, env=bootstrap.environ, timeout=120)
    checks = {one["what"]: one for one in json.loads(found.stdout)["checks"]}
    assert checks["credentials"]["state"] == checks["clock"]["state"] == checks["account"]["state"] == "ok"
    assert checks["profile"]["hint"] == "mlcc bootstrap deploy"
