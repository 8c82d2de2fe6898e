"""do/submit on tables: what is sent, what is made once, and what an interruption leaves."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from mlcc.core.errors import PreconditionError, UserError
from mlcc.lifecycle import run_state
from mlcc.lifecycle.bootstrap import permissions
from mlcc.lifecycle.bootstrap.profile import Profile
from mlcc.lifecycle.context import Context, Silent
from mlcc.lifecycle.rendered_project import load_project
from mlcc.lifecycle.steps import register, submit
from mlcc.lifecycle.targets.sagemaker import repository, teardown
from tests.aws import walker
from tests.aws.account import World, render
from tests.aws.cloud import DIGEST, NUMBER, REGION
from tests.helpers import build_tree

TEXT = """version: 1
project: {name: iris}
deployment: {config: http-fastapi, region: us-east-1}
build: {strategy: codebuild-submit}
secrets: {PIP_TOKEN: {secretsmanager: mlcc/pip, json_key: token, phase: build}}
"""
PLANTED = {
    ".env": "A=1", "code/.env.local": "x", "sample_model/key.pem": "x", ".aws/credentials": "x", "service-account.json": "{}",
    "code/id_rsa": "x", ".netrc": "x", ".git/config": "x", ".mlcc/run/build.json": "{}", "tests/data.txt": "x",
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = render(TEXT, tmp_path / "project")
    build_tree(folder, {"sample_model/model/model.joblib": "a model", **PLANTED})
    (folder / "code" / "out").symlink_to("/etc/passwd")
    return folder


@pytest.fixture
def world() -> World:
    return World()


def context_of(world: World, project: Path, tmp_path: Path, **arguments: Any) -> Context:
    (tmp_path / "temporary").mkdir(exist_ok=True)
    now = lambda: world.account.timeline.now  # noqa: E731
    environ = {"TMPDIR": str(tmp_path / "temporary"), "AWS_REGION": REGION}
    loaded = load_project(str(project))
    return Context(loaded, environ, Silent(), world.sleep, now, arguments, now, lambda region: world)


def test_a_first_and_a_second_build(world: World, project: Path, tmp_path: Path) -> None:
    cloud = world.cloud
    cloud.logs["/aws/codebuild/x"] = [
        {"timestamp": 1, "message": "Step 1/9\nStep 2/9"},
        {"timestamp": 2, "message": "done"},
    ]
    context = context_of(world, project, tmp_path)
    found = submit.run(context).document["pushed"]
    assert found["reference"] == f"{NUMBER}.dkr.ecr.{REGION}.amazonaws.com/mlcc/iris@{DIGEST}"
    shown = [line.strip() for line in context.progress.lines if line.startswith("    ")]  # type: ignore[attr-defined]
    assert shown == ["Step 1/9", "Step 2/9", "done"], "its log as it comes, without -v"
    (bucket,) = cloud.buckets
    assert cloud.buckets[bucket] == {}, "the source is deleted after the build"
    made = list(cloud.calls)
    cloud.statuses = ["SUCCEEDED"]
    submit.run(context_of(world, project, tmp_path))
    again = cloud.calls[len(made) :]
    assert not {"CreateRole", "CreateProject", "UpdateProject", "CreateBucket", "CreateRepository"} & set(again)
    first, second = (b["environmentVariablesOverride"] for b in cloud.builds)
    assert first == second
    assert cloud.builds[0]["idempotencyToken"] != cloud.builds[1]["idempotencyToken"]


def test_its_digest_is_recorded_as_that_of_a_push(world: World, project: Path, tmp_path: Path) -> None:
    context = context_of(world, project, tmp_path)
    found = submit.run(context).document["pushed"]
    assert run_state.read(str(project), run_state.PUSHED) == found
    assert register.surroundings(context, REGION).image_digest == DIGEST


def test_what_is_sent(world: World, project: Path, tmp_path: Path) -> None:
    context = context_of(world, project, tmp_path)
    submit.run(context)
    with zipfile.ZipFile(io.BytesIO(world.cloud.source)) as archive:
        names = set(archive.namelist())
        assert archive.getinfo("code/serve").external_attr >> 16 & 0o777 == 0o755
    assert {"Dockerfile", ".dockerignore", "buildspec.yml", "code/serve", "sample_model/model/model.joblib"} <= names
    assert not names & set(PLANTED)
    assert "code/out" not in names
    assert any("not sent" in line and "id_rsa" in line for line in context.progress.lines)  # type: ignore[attr-defined]
    first = world.cloud.source
    submit.run(context_of(world, project, tmp_path))
    assert world.cloud.source == first, "the same files are the same bytes"


def test_the_builder_may_do_little(world: World, project: Path, tmp_path: Path) -> None:
    submit.run(context_of(world, project, tmp_path))
    policy = json.loads(world.cloud.roles["mlcc-build-iris"]["policy"])
    for rule in policy["Statement"]:
        assert not [action for action in rule["Action"] if "*" in action]
        reads = all(a.startswith(("ecr:BatchGet", "ecr:Get", "ecr:BatchCheck")) for a in rule["Action"])
        assert reads or "*" not in rule["Resource"]
    (secret,) = [r["Resource"] for r in policy["Statement"] if r["Action"] == ["secretsmanager:GetSecretValue"]]
    assert secret == [f"arn:aws:secretsmanager:{REGION}:{NUMBER}:secret:mlcc/pip-??????"]
    variables = {v["name"]: (v["type"], v["value"]) for v in world.cloud.builds[0]["environmentVariablesOverride"]}
    assert variables["PIP_TOKEN"] == ("SECRETS_MANAGER", "mlcc/pip:token")
    assert variables["MLCC_SECRETS"] == ("PLAINTEXT", "PIP_TOKEN")


def test_a_failed_build_is_no_success(world: World, project: Path, tmp_path: Path) -> None:
    world.cloud.statuses = ["FAILED"]
    world.cloud.logs["/aws/codebuild/x"] = [{"timestamp": 1, "message": "no space left on device"}]
    context = context_of(world, project, tmp_path)
    with pytest.raises(UserError) as failed:
        submit.run(context)
    assert failed.value.findings[0].code == "MLCC317"
    assert "docker build" in failed.value.findings[0].message
    assert "    no space left on device" in context.progress.lines  # type: ignore[attr-defined]
    assert [*world.cloud.buckets.values()] == [{}]


def test_an_interrupted_build_is_stopped(world: World, project: Path, tmp_path: Path) -> None:
    world.cloud.statuses = ["IN_PROGRESS"]
    context = context_of(world, project, tmp_path)

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        submit.run(Context(**{**vars(context), "sleep": interrupted}))
    assert "StopBuild" in world.cloud.calls
    assert [*world.cloud.buckets.values()] == [{}]


def test_an_oci_manifest_is_no_success(world: World, project: Path, tmp_path: Path) -> None:
    world.cloud.media = "application/vnd.oci.image.manifest.v1+json"
    with pytest.raises(UserError) as refused:
        submit.run(context_of(world, project, tmp_path))
    assert refused.value.findings[0].code == "MLCC327"
    assert refused.value.findings[0].hint.startswith("do/submit again")


@pytest.mark.parametrize("step", ["push", "submit"])
def test_an_image_that_is_not_seen_names_the_step_that_pushes(step: str) -> None:
    with pytest.raises(UserError) as refused:
        repository.accepted(None, "iris:1", step)
    assert refused.value.findings[0].hint == f"do/{step} again"


def test_somebody_else_s_role_is_left_alone(world: World, project: Path, tmp_path: Path) -> None:
    world.cloud.roles["mlcc-build-iris"] = {"Arn": f"arn:aws:iam::{NUMBER}:role/x", "Tags": []}
    with pytest.raises(UserError) as refused:
        submit.run(context_of(world, project, tmp_path))
    assert refused.value.findings[0].code == "MLCC321"
    teardown.clean(context_of(world, project, tmp_path))
    assert world.cloud.roles["mlcc-build-iris"] == {"Arn": f"arn:aws:iam::{NUMBER}:role/x", "Tags": []}


def test_clean_takes_all_of_it_away(world: World, project: Path, tmp_path: Path) -> None:
    submit.run(context_of(world, project, tmp_path))
    found = teardown.clean(context_of(world, project, tmp_path, what="codebuild"))
    assert found.ok
    assert world.left() == ["mlcc/iris"]
    assert teardown.clean(context_of(world, project, tmp_path)).ok
    assert world.left() == []


BUCKET = f"mlcc-build-{NUMBER}-{REGION}"


def lines_of(context: Context) -> list[str]:
    assert isinstance(context.progress, Silent)
    return context.progress.lines


def test_a_bucket_of_somebody_else_is_neither_used_nor_emptied(world: World, project: Path, tmp_path: Path) -> None:
    world.cloud.buckets[BUCKET] = {"iris/mine.txt": b"mine"}
    with pytest.raises(UserError) as refused:
        submit.run(context_of(world, project, tmp_path))
    (one,) = refused.value.findings
    assert (one.code, BUCKET in one.message, "delete it" in one.hint) == ("MLCC321", True, True)
    cleaning = context_of(world, project, tmp_path)
    assert teardown.clean(cleaning).ok
    assert world.cloud.buckets == {BUCKET: {"iris/mine.txt": b"mine"}}
    assert [line for line in lines_of(cleaning) if line.startswith(f"the bucket {BUCKET} stays")]


def test_what_clean_deletes_in_s3_is_printed_and_in_the_dry_run(world: World, project: Path, tmp_path: Path) -> None:
    submit.run(context_of(world, project, tmp_path))
    world.cloud.buckets[BUCKET] = {"iris/0123456789abcdef.zip": b"", "other/0.zip": b""}
    shown = teardown.clean(context_of(world, project, tmp_path, dry_run=True)).document["calls"]
    assert [(c["operation"], c["parameters"]["Bucket"]) for c in shown if c["service"] == "s3"] == [
        ("DeleteObject", BUCKET), ("DeleteBucket", BUCKET)
    ]  # fmt: skip
    assert [p for c in shown for p in walker.problems(c["service"], c["operation"], c["parameters"])] == []
    cleaning = context_of(world, project, tmp_path)
    assert teardown.clean(cleaning).ok
    assert world.cloud.buckets[BUCKET] == {"other/0.zip": b""}
    words = f"DeleteObject s3://{BUCKET}/iris/0123456789abcdef.zip: a source of the project"
    assert [line for line in lines_of(cleaning) if line.startswith("Delete") and "s3" in line] == [words]


def test_a_dry_run_asks_nobody(world: World, project: Path, tmp_path: Path) -> None:
    document = submit.run(context_of(world, project, tmp_path, dry_run=True)).document
    assert [p for c in document["calls"] for p in walker.problems(c["service"], c["operation"], c["parameters"])] == []
    assert world.cloud.calls == []
    submit.run(context_of(world, project, tmp_path))
    changing = [
        o
        for o in world.cloud.calls
        if not o.startswith(("Describe", "Get", "List", "Head", "BatchGet", "PutBucket", "PutPublic"))
    ]
    assert [c["operation"] for c in document["calls"]] == changing


def test_without_a_buildspec_the_way_is_named(world: World, tmp_path: Path) -> None:
    folder = render(TEXT.replace("build: {strategy: codebuild-submit}\n", ""), tmp_path / "plain")
    with pytest.raises(PreconditionError) as missing:
        submit.run(context_of(world, folder, tmp_path))
    assert "codebuild-submit" in missing.value.findings[0].hint


def test_what_builds_is_called_as_the_profile_s_prefix_and_policy_say(
    world: World, project: Path, tmp_path: Path
) -> None:
    acme = Profile("team", REGION, NUMBER, prefix="acme")
    context = dataclasses.replace(context_of(world, project, tmp_path), find_profile=lambda: acme)
    submit.run(context)
    assert [*world.cloud.roles] == [*world.cloud.projects] == ["acme-build-iris"]
    bucket = f"acme-build-{NUMBER}-{REGION}"
    assert [*world.cloud.buckets] == [bucket]
    (rule,) = [
        s for s in permissions.statements(context.project.registries, ["submit"], acme) if s.name == "build_sources"
    ]
    assert f"arn:aws:s3:::{bucket}" in rule.resources
    dry = submit.run(dataclasses.replace(context, arguments={"dry_run": True})).document["calls"]
    assert {c["parameters"]["RoleName"] for c in dry if "RoleName" in c["parameters"]} == {"acme-build-iris"}
    teardown.clean(dataclasses.replace(context, arguments={"what": "codebuild"}))
    assert not world.cloud.roles
    assert not world.cloud.projects
    assert not world.cloud.buckets
