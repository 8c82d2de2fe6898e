"""A project of the older tool as values of mlcc.yaml: read without running anything, or listed with its line."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from mlcc import pipeline
from mlcc.core.errors import UserError
from mlcc.core.findings import Finding
from mlcc.core.paths import format_path
from mlcc.io.schema import keys
from mlcc.load import new_text
from mlcc.load.request import Request
from mlcc.lookups import older_project
from mlcc.lookups.proposal import Proposal
from mlcc.lookups.shell_values import values
from mlcc.registries import load
from mlcc.render import conf_values
from tests.helpers import build_tree

SHELL = (
    "bash",
    "-c",
    '. "$0" >/dev/null 2>&1; for v in A B C D; do [ -z "${!v+x}" ] || printf "%s=%s\\0" "$v" "${!v}"; done',
)
NAMES = "ABCD"


# ---------------------------------------------------------------- the shell
def known(source: str) -> dict[str, str | None]:
    return {name: value.text for name, value in values(source).variables.items()}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("export A=\"x y\"\nexport B='$A'\nC=$A-${B}\n", {"A": "x y", "B": "$A", "C": "x y-$A"}),
        ("export A=${A:-${A:-${A:-us-east-1}}}\n", {"A": "us-east-1"}),
        ("A=1\nexport A=${A:-2} B=${A-3} C=${D-$A}\n", {"A": "1", "B": "1", "C": "1"}),
        ('export A="a\\"b\\$c"\\ d # e\n', {"A": 'a"b$c d'}),
        ("export A=\\\n'x'; B=2\r\n", {"A": "x", "B": "2"}),
        (': "${A:=x}" ${B:=y}\n', {"A": "x", "B": "y"}),
        ("A=1\nA=$(date)\nB=$A\n", {"A": None, "B": None}),
        ("A=`id`\nB=$HOME\nC=(1 2)\nD={a,b}\n", {"A": None, "B": None, "C": None, "D": None}),
        ("A=1\nif x; then A=2; fi\nB=3\n", {"A": None, "B": "3"}),
        ("A=1\n[ -z $B ] && A=2\nC=~/x\n", {"A": None, "C": None}),
        ("A=1\nf() { A=2; }\nA=3\nf\nB=1\n", {"A": None, "B": "1"}),
        ("A=1\nsource other\nB=2\n", {"A": None, "B": "2"}),
        ("A=1\ncat <<END\nA=2\nEND\nB=3\n", {"A": None, "B": "3"}),
        ("A=1\nexit 0\nB=3\n", {"A": "1", "B": None}),
        ("A='x\nB=3\n", {"A": None, "B": None}),
    ],
)
def test_what_can_be_known(source: str, found: dict[str, str | None]) -> None:
    assert known(source) == found


def test_a_line_that_doubles_ends() -> None:
    assert known("A=xxxxxxxx\n" + "A=$A$A\n" * 10_000)["A"] is None
    assert known("A=" + "${B:-" * 200 + "}" * 200)["A"] is None
    assert known('A="' + "$(" * 5_000)["A"] is None


def word(chance: random.Random, depth: int = 0) -> str:
    name = chance.choice(NAMES)
    parts = ["x", "1.2", "a-b", "a b" if depth else "q", "'s q'", '"d q"', '"a\\"b"', "\\ ", f"${name}", f"${{{name}}}",
             f'"${name} z"', "$(echo hi)", "{a,b}", "~", "&", "$", "\\\\", "{", "}", "*", "a=b", '"\\x"', "\\\n"]  # fmt: skip
    if depth < 3:
        sign = chance.choice((":-", "-", ":=", "="))
        inner = word(chance, depth + 1)
        parts += [f"${{{name}{sign}{inner}}}", f'"${{{name}{sign}{inner}}}"'] * 3
    return "".join(chance.choice(parts) for _ in range(chance.randint(0, 3)))


def script(chance: random.Random) -> Iterator[str]:
    for _ in range(chance.randint(1, 5)):
        name, text = chance.choice(NAMES), word(chance)
        usual = [f"export {name}={text}"] * 6 + [f"{name}={text}", f"{name}={text} # c"]
        others = (
            f"export {name}={text} {chance.choice(NAMES)}={word(chance)}", f': "${{{name}:=x}}"', f"{name}+={text}",
            f"unset {name}", f"if [ 1 = {chance.choice('12')} ]; then {name}={text}; fi", f"true && export {name}=7",
            f"[ -n ${name} ] || {name}=e", f"f() {{ {name}=1; }}", "f", f"read {name} <<< z", f"eval {name}=9",
            f"cat <<EOF\n{name}=9\nEOF", f"case x in x) {name}=4;; esac", f"for {name} in 1 2; do :; done", f"({name}=3)",
            f"{{ {name}=3; }}", f"{name}=(1 2)", f"printf -v {name} hi", f"declare {name}=5", f"{name}=1 true",
        )  # fmt: skip
        yield chance.choice((*usual, *others))


def test_what_is_known_is_what_bash_says(tmp_path: Path) -> None:
    """Compared with bash in an empty environment, where it runs the script to its end."""
    chance, compared = random.Random(7), 0
    for number in range(60):
        path = tmp_path / f"{number}.sh"
        path.write_text("\n".join(script(chance)) + "\n")
        done = subprocess.run([*SHELL, str(path)], env={"PATH": os.environ["PATH"]}, capture_output=True, check=False)
        real = dict(pair.split("=", 1) for pair in done.stdout.decode().split("\0") if pair)
        mine = known(path.read_text())
        assert set(real) <= set(mine) or done.returncode, path.read_text()
        for name, text in mine.items():
            if text is not None:
                compared += 1
                assert real.get(name) == text, path.read_text()
    assert compared > 20


# ---------------------------------------------------------------- projects
VLLM = """#!/bin/bash
# do-framework configuration
export PROJECT_NAME="chat"
export DEPLOYMENT_CONFIG="transformers-vllm"
export FRAMEWORK="transformers"
export MODEL_SERVER="vllm"
export ENABLE_LORA=true
export AWS_REGION=${AWS_REGION:-us-west-2}
export BUILD_TARGET="codebuild"
export CODEBUILD_COMPUTE_TYPE="BUILD_GENERAL1_LARGE"
export CODEBUILD_PROJECT_NAME="${PROJECT_NAME}-build-$(date +%Y%m%d)"
export DEPLOYMENT_TARGET="managed-inference"
export INSTANCE_TYPE="ml.g5.12xlarge"
export ENDPOINT_INITIAL_INSTANCE_COUNT="2"
export ENDPOINT_VARIANT_NAME="blue"
export IC_GPU_COUNT="${IC_GPU_COUNT:-1}"
export IC_CPU_COUNT="4"
export VLLM_MAX_NUM_SEQS=${VLLM_MAX_NUM_SEQS:-64}
export IC_ENV_VLLM_MAX_MODEL_LEN=${IC_ENV_VLLM_MAX_MODEL_LEN:-4096}
export IC_ENV_GREETING='$(touch /tmp/never) "hello"'
export IC_ENV_HF_TOKEN_ARN=arn:aws:secretsmanager:us-west-2:123456789012:secret:hf-abcdef
export MODEL_NAME="Qwen/Qwen3-4B"
export HF_MODEL_ID="Qwen/Qwen3-4B"
export NGC_API_KEY="nvapi-not-a-real-one"
export ROLE_ARN="arn:aws:iam::123456789012:role/mlcc"
export CAPACITY_RESERVATION_ARN="arn:aws:sagemaker:us-west-2:123456789012:training-plan/x"
export BENCHMARK_JOB_NAME=""
export BASE_IMAGE=${BASE_IMAGE:-vllm/vllm-openai:v0.31.0}
export INSTANCE_TYPE=${INSTANCE_TYPE:-ml.g5.xlarge}
echo "Configuration loaded"
echo "   Project: ${PROJECT_NAME}"
"""
TREE = {
    "do/config": VLLM,
    "do/ic/default.conf": 'export IC_IMAGE_TAG="chat-latest"\nexport IC_GPU_COUNT=2\nexport IC_COPY_COUNT=1\n'
    "export IC_MIN_MEMORY_MB=1024\nexport IC_STARTUP_TIMEOUT=900\nexport IC_DEPLOYED_NAME='chat-default-1'\n",
    "do/ic/small.conf": "export IC_GPU_COUNT=1\nexport IC_ENV_GREETING=bye\nexport IC_IMAGE_TAG=other\n",
    "do/adapters/legal.conf": 'export ADAPTER_NAME="legal"\nexport ADAPTER_IC_NAME="chat-adapter-legal"\n'
    'export ADAPTER_WEIGHTS_URI="s3://bucket/legal.tar.gz"\nexport ADAPTER_CREATED_AT="2026-01-01T00:00:00Z"\n',
}
ASYNC = """export PROJECT_NAME="iris"
export DEPLOYMENT_CONFIG="http-flask"
export AWS_REGION="eu-west-1"
export DEPLOYMENT_TARGET="async-inference"
export INSTANCE_TYPE="ml.m5.xlarge"
ACCOUNT_ID=$(aws sts get-caller-identity --query Account --output text 2>/dev/null || echo "UNKNOWN")
export ASYNC_S3_OUTPUT_PATH="s3://mlcc-async/${PROJECT_NAME}/output/"
export ASYNC_SNS_ERROR_TOPIC="arn:aws:sns:${AWS_REGION}:${ACCOUNT_ID}:ml-container-creator-${PROJECT_NAME}-async-error"
export ASYNC_MAX_CONCURRENT_INVOCATIONS="4"
export IC_GPU_COUNT="${IC_GPU_COUNT:-1}"
export MODEL_FORMAT="joblib"
export ENDPOINT_NAME="iris-1700000000"
"""
BATCH = """export PROJECT_NAME="iris"
export DEPLOYMENT_CONFIG="http-fastapi"
export DEPLOYMENT_TARGET="batch-transform"
export INSTANCE_TYPE="ml.m5.xlarge"
export BATCH_INPUT_PATH="s3://bucket/input/"
export BATCH_OUTPUT_PATH="s3://bucket/output/"
export BATCH_INSTANCE_COUNT="1"
export BATCH_SPLIT_TYPE="Line"
export BATCH_STRATEGY="MultiRecord"
export BATCH_JOIN_SOURCE="None"
export BATCH_MAX_CONCURRENT_TRANSFORMS="2"
export BATCH_MAX_PAYLOAD_IN_MB="6"
export MODEL_FORMAT="pkl"
"""
HYPERPOD = """export PROJECT_NAME="chat"
export DEPLOYMENT_CONFIG="transformers-vllm"
export DEPLOYMENT_TARGET="hyperpod-eks"
export INSTANCE_TYPE="ml.g5.12xlarge"
export HP_CLUSTER_NAME="ml-cluster"
export HP_NAMESPACE="serving"
export HP_REPLICAS="2"
export HP_GPU_COUNT="4"
export HP_QUEUE="team-a"
export FSX_VOLUME_HANDLE="fs-0123456789abcdef0"
export MODEL_NAME="Qwen/Qwen3-4B"
"""


def imported(folder: Path, tree: dict[str, str]) -> Proposal:
    return older_project.read(str(build_tree(folder, tree)), load())


def by_path(found: Proposal) -> dict[str, object]:
    return {format_path(path): value for path, value in found.values.items()}


def listed(found: Proposal) -> set[tuple[str, str, int]]:
    return {(f.code, f.file.rpartition("do/")[2], f.line) for f in found.findings}


def resolved(found: Proposal, folder: Path) -> tuple[dict[str, str], list[Finding]]:
    """The variables of our do/config for what was imported, and what the checks find."""
    rows = load()
    row = rows.deployment_configs[str(found.values["deployment", "config"])]
    text = new_text.text(found.values, row, hub=False, comments=found.comments)
    project = pipeline.check(pipeline.resolve(pipeline.load(str(folder / "mlcc.yaml"), Request(), text.encode())))
    plain = rows.architectures[row.architecture].env_prefixes
    return conf_values.config({p: v.value for p, v in project.default.values.items()}, plain), list(project.findings)


def test_a_project_with_components_and_an_adapter(tmp_path: Path) -> None:
    found = imported(tmp_path / "old", TREE)
    assert by_path(found) == {
        "project.name": "chat",
        "deployment.config": "transformers-vllm",
        "deployment.target": "realtime-inference",
        "deployment.region": "us-west-2",
        "deployment.instance_type": "ml.g5.12xlarge",
        "deployment.instance_count": 2,
        "deployment.role_arn": "arn:aws:iam::123456789012:role/mlcc",
        "endpoint.variant_name": "blue",
        "endpoint.routing_strategy": "LEAST_OUTSTANDING_REQUESTS",
        "endpoint.startup_timeout_s": 900,
        "engine.lora.enabled": True,
        "model.name": "Qwen/Qwen3-4B",
        "framework.base_image": "vllm/vllm-openai:v0.31.0",
        "build.strategy": "codebuild-submit",
        "build.compute_type": "BUILD_GENERAL1_LARGE",
        "env.VLLM_MAX_NUM_SEQS": "64",
        "env.VLLM_MAX_MODEL_LEN": "4096",
        "env.GREETING": '$(touch /tmp/never) "hello"',
        "secrets.HF_TOKEN.secretsmanager": "arn:aws:secretsmanager:us-west-2:123456789012:secret:hf-abcdef",
        "inference_components[default].gpu_count": 2,
        "inference_components[default].cpu_count": 4,
        "inference_components[default].copy_count": 1,
        "inference_components[default].memory_mb": 1024,
        "inference_components[default].startup_timeout_s": 900,
        "inference_components[small].gpu_count": 1,
        "inference_components[small].cpu_count": 4,
        "inference_components[small].copy_count": 1,
        "inference_components[small].env.GREETING": "bye",
        "adapters[legal].artifact_url": "s3://bucket/legal.tar.gz",
        "adapters[legal].base": "default",
    }
    lines = VLLM.splitlines()
    secret, reserved = (next(n for n, t in enumerate(lines, 1) if name in t) for name in ("NGC_API_KEY", "CAPACITY"))
    assert listed(found) == {
        ("MLCC385", "config", secret),
        ("MLCC383", "config", reserved),
        ("MLCC383", "ic/small.conf", 3),
    }
    assert found.comments == ("secrets:", "  NGC_API_KEY: {secretsmanager: ITS-NAME}")
    variables, problems = resolved(found, tmp_path)
    assert not [f for f in problems if f.severity.label == "error"]
    old = {
        n: v.text for n, v in values(VLLM).variables.items() if n in variables and n not in ("FRAMEWORK", "ROLE_ARN")
    }
    assert len(old) >= 9
    assert {n: variables[n] for n in old} == {**old, "DEPLOYMENT_TARGET": "realtime-inference"}


@pytest.mark.parametrize(
    ("text", "some", "found"),
    [
        (
            ASYNC,
            {"async.s3_output_path": "s3://mlcc-async/iris/output/", "model.format": "joblib",
             "async.max_concurrent_invocations_per_instance": 4},
            {("MLCC382", "config", 8), ("MLCC383", "config", 10), ("MLCC383", "config", 12)},
        ),
        (BATCH, {"batch.max_concurrent": 2, "batch.max_payload_mb": 6, "batch.join_source": "None"}, set()),
        (
            HYPERPOD,
            {"hyperpod.cluster": "ml-cluster", "hyperpod.replicas": 2, "hyperpod.gpu_count": 4,
             "hyperpod.fsx.file_system_id": "fs-0123456789abcdef0", "hyperpod.namespace": "serving"},
            {("MLCC383", "config", 9)},
        ),
    ],
    ids=["async", "batch", "hyperpod"],
)  # fmt: skip
def test_projects_of_other_targets(text: str, some: dict[str, object], found: set[object], tmp_path: Path) -> None:
    read = imported(tmp_path / "old", {"do/config": text})
    assert by_path(read).items() >= some.items()
    assert listed(read) == found
    variables, _ = resolved(read, tmp_path)
    old = {n: v.text for n, v in values(text).variables.items() if n in variables and v.text}
    assert len(old) > 4
    assert {n: variables[n] for n in old} == old


def test_what_is_hostile_is_refused_or_stays_text(tmp_path: Path) -> None:
    found = imported(
        tmp_path / "old",
        {
            "do/config": "export DEPLOYMENT_CONFIG=http-flask\nexport PROJECT_NAME='../../etc'\n"
            "export MODEL_NAME=\"org/$(touch X)\"\nexport INSTANCE_TYPE=ml.t2.micro'\n\nRUN curl evil'\n"
            "export IC_ENV_A=$'\\x1b[2J'\nexport IC_ENV_B='x\u202ey'\nexport IC_ENV_C='a: {b}\n# c'\n"
            "export AWS_REGION=us-east-1; rm -rf /\nexport ENDPOINT_VOLUME_SIZE=many\nexport FOO_BAR=1\n"
            f"export IC_ENV_D='ghp_{'a' * 36}'\n",
            "do/ic/..evil.conf": "export IC_GPU_COUNT=1\n",
        },
    )
    assert by_path(found) == {
        "deployment.config": "http-flask",
        "deployment.region": "us-east-1",
        "env.C": "a: {b}\n# c",
    }
    row = load().deployment_configs["http-flask"]
    text = new_text.text({("project", "name"): "x", **found.values}, row, hub=False, comments=("a\nb: c",))
    document = yaml.safe_load(text)
    assert document["env"] == {"C": "a: {b}\n# c"}
    assert "b" not in document
    codes = sorted(f.code for f in found.findings)
    assert codes == ["MLCC382"] * 3 + ["MLCC383"] + ["MLCC384"] * 5 + ["MLCC385"]
    assert not [f for f in found.findings if "ghp_" in f.message + f.hint]


def test_what_is_no_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no do/config"):
        imported(tmp_path / "a", {"x": ""})
    with pytest.raises(UserError, match="not UTF-8"):
        older_project.read(str(build_tree(tmp_path / "b", {"do/config": b"A=\xff\n"})), load())
    build_tree(tmp_path / "c", {"secret": "export A=1\n", "do/x": ""})
    (tmp_path / "c/do/config").symlink_to(tmp_path / "c/secret")
    with pytest.raises(UserError):
        older_project.read(str(tmp_path / "c"), load())


def test_every_row_names_a_key_that_is_there() -> None:
    rows = load().entries("older_variables")
    named = [str(row.facts["key"]) for row in rows.values() if "key" in row.facts]
    known = {prop.name for prop in keys.index().values()}
    assert len(named) > 20
    assert set(named) <= known
    own = {prop.meta.get("variable"): prop.name for prop in keys.index().values()}
    again = {name: rows[name].facts for name in set(rows) & set(own)}
    assert {name for name, row in again.items() if "otherwise" not in row} == {"FRAMEWORK", "ENDPOINT_NAME"}
    assert [name for name, row in again.items() if "key" in row and row["key"] != own[name]] == []


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("", {"batch.content_type": "application/json", "batch.max_concurrent": 1, "batch.max_payload_mb": 6}),
        ("export BATCH_MAX_PAYLOAD=9\n", {"batch.max_payload_mb": 9}),
        (
            "export BATCH_SPLIT_TYPE=Line BATCH_JOIN_SOURCE=Input BATCH_ACCEPT=text/csv\n",
            {"batch.accept": "text/csv", "batch.assemble_with": "Line", "batch.join_source": "Input"},
        ),
    ],
)
def test_what_the_older_scripts_do_where_nothing_is_set(line: str, some: dict[str, object], tmp_path: Path) -> None:
    head = "export PROJECT_NAME=iris DEPLOYMENT_CONFIG=http-flask DEPLOYMENT_TARGET=batch-transform\n"
    found = imported(tmp_path, {"do/config": head + line})
    assert by_path(found).items() >= some.items()
    assert ("batch.assemble_with" in by_path(found)) == ("Input" in line)
    assert found.findings == ()


@pytest.mark.parametrize(
    ("instance", "count", "some"),
    [
        ("ml.g5.12xlarge", "", {"inference_components[default].gpu_count": 1}),
        ("ml.g5.12xlarge", "export IC_GPU_COUNT=${IC_GPU_COUNT:-4}\n", {"inference_components[default].gpu_count": 4}),
        ("ml.m5.large", "", {}),
    ],
)
def test_the_older_tool_takes_one_device(instance: str, count: str, some: dict[str, object], tmp_path: Path) -> None:
    """Not all of the instance's, as mlcc does where nothing is said; and nothing is listed of what nobody wrote."""
    head = "export PROJECT_NAME=chat DEPLOYMENT_CONFIG=transformers-vllm DEPLOYMENT_TARGET=managed-inference\n"
    found = imported(tmp_path, {"do/config": f"{head}export INSTANCE_TYPE={instance}\n{count}"})
    counts = {p: v for p, v in by_path(found).items() if p.endswith("gpu_count")}
    assert counts == some
    assert found.findings == ()


NAMED = {
    "do/adapters/a.conf": 'export ADAPTER_NAME="legal"\nexport ADAPTER_WEIGHTS_URI="s3://bucket/legal.tar.gz"\n',
    "do/adapters/b.conf": 'export ADAPTER_WEIGHTS_URI="s3://bucket/b.tar.gz"\n',
    "do/adapters/c.conf": 'export ADAPTER_NAME="No Name"\nexport ADAPTER_WEIGHTS_URI="s3://bucket/c.tar.gz"\n',
    "do/adapters/d.conf": 'export ADAPTER_NAME="legal"\nexport ADAPTER_WEIGHTS_URI="s3://bucket/d.tar.gz"\n',
}


def test_an_adapter_has_the_name_that_stands_in_its_file(tmp_path: Path) -> None:
    found = imported(tmp_path, {"do/config": VLLM, "do/ic/default.conf": TREE["do/ic/default.conf"], **NAMED})
    artifacts = {p: v for p, v in by_path(found).items() if p.endswith(".artifact_url")}
    assert artifacts == {
        "adapters[legal].artifact_url": "s3://bucket/legal.tar.gz",
        "adapters[b].artifact_url": "s3://bucket/b.tar.gz",
        "adapters[c].artifact_url": "s3://bucket/c.tar.gz",
    }
    refused = {(f.file or "").rpartition("/")[2]: f.message for f in found.findings if "adapters" in (f.file or "")}
    assert refused.keys() == {"c.conf", "d.conf"}
    assert "has a file already" in refused["d.conf"]
