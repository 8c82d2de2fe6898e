"""A model of the project on an image of its own: sent to S3 once, found again by its content, taken away by do/clean."""

from __future__ import annotations

import dataclasses
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from mlcc.core.errors import MlccError
from mlcc.lifecycle.bootstrap.profile import Buckets, Profile
from mlcc.lifecycle.context import Context, Silent
from mlcc.lifecycle.rendered_project import load_project
from mlcc.lifecycle.targets.sagemaker import verbs
from mlcc.servers.devserver.faults import ERROR, Fault
from tests.aws import walker
from tests.aws.account import NUMBER, World, render
from tests.helpers import build_tree

IMAGE = f"{NUMBER}.dkr.ecr.us-east-1.amazonaws.com/team/server:3"
TEXT = f"""version: 1
project: {{name: iris}}
deployment: {{config: http-fastapi, region: us-east-1, role_arn: "arn:aws:iam::{NUMBER}:role/r"}}
model: {{name: ./model}}
build: {{strategy: none, image_uri: "{IMAGE}"}}
"""
DEV = Profile("dev", "us-east-1", NUMBER, buckets=Buckets(models="models"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return build_tree(render(TEXT, tmp_path / "project"), {"model/model.joblib": "one", "model/deep/x.bin": "two"})


def context_of(world: World, project: Path, profile: Profile | None = DEV, **arguments: Any) -> Context:
    world.cloud.buckets.setdefault("models", {})
    made = world.context(project, **arguments)
    return dataclasses.replace(made, find_profile=lambda: profile, project=load_project(str(project)))


def served(world: World) -> dict[str, Any]:
    (model,) = world.account.models.values()
    return dict(model.request["PrimaryContainer"])


def test_it_is_sent_once_and_taken_away(project: Path) -> None:
    world = World()
    verbs.deploy(context_of(world, project))
    source = served(world)["ModelDataSource"]["S3DataSource"]
    (key,) = world.cloud.buckets["models"]
    assert source == {"S3Uri": f"s3://models/{key}", "S3DataType": "S3Object", "CompressionType": "Gzip"}
    assert served(world)["Image"] == IMAGE
    with tarfile.open(fileobj=io.BytesIO(world.cloud.buckets["models"][key])) as archive:
        assert sorted(archive.getnames()) == ["deep/x.bin", "model.joblib"]
    assert verbs.deploy(context_of(world, project, plan=True)).document["changes"] == []
    verbs.deploy(context_of(world, project))
    assert world.cloud.calls.count("PutObject") == 1
    assert verbs.clean(context_of(world, project)).ok
    assert world.left() == ["models"]
    assert world.cloud.buckets["models"] == {}


def test_what_was_sent_before_goes_when_the_model_is_another_one(project: Path) -> None:
    world = World()
    verbs.deploy(context_of(world, project))
    world.cloud.buckets["models"]["mlcc/iris-two/default/0/model.tar.gz"] = b"of another project"
    render(TEXT.replace("./model", "s3://elsewhere/model.tar.gz"), project)
    cleaning = context_of(world, project)
    result = verbs.clean(cleaning)
    assert result.document["proofs"]["no model that was sent is left in S3"]
    assert list(world.cloud.buckets["models"]) == ["mlcc/iris-two/default/0/model.tar.gz"]
    assert isinstance(cleaning.progress, Silent)
    (line,) = (line for line in cleaning.progress.lines if line.startswith("DeleteObject"))
    assert line.startswith("DeleteObject s3://models/mlcc/iris/default/")


def test_who_sends_no_model_need_not_be_allowed_to_look_for_one(project: Path) -> None:
    world = World()
    world.account.faults.add(Fault("HeadBucket", ERROR, "403", "Forbidden", 403, match={"Bucket": "models"}))
    render(TEXT.replace("./model", "s3://elsewhere/model.tar.gz"), project)
    assert verbs.clean(context_of(world, project)).ok


def test_a_dry_run_of_clean_lists_it(project: Path) -> None:
    shown = verbs.clean(context_of(World(), project, dry_run=True)).document["calls"]
    (one,) = (c for c in shown if c["service"] == "s3" and c["parameters"]["Bucket"] == "models")
    assert one["operation"] == "DeleteObject"
    assert one["parameters"]["Key"].startswith("mlcc/iris/default/")


def test_another_model_is_another_deployment(project: Path) -> None:
    world = World()
    verbs.deploy(context_of(world, project))
    (project / "model" / "model.joblib").write_text("another")
    changes = verbs.deploy(context_of(world, project, plan=True)).document["changes"]
    assert changes
    assert len(world.cloud.buckets["models"]) == 1, "a plan sends nothing"
    verbs.deploy(context_of(world, project))
    assert len(world.cloud.buckets["models"]) == 2


@pytest.mark.parametrize("profile", [None, Profile("dev", "us-east-1", NUMBER)])
def test_without_a_bucket_it_is_exit_3(project: Path, profile: Profile | None) -> None:
    with pytest.raises(MlccError) as missing:
        verbs.deploy(context_of(World(), project, profile))
    assert "mlcc bootstrap deploy core" in missing.value.findings[0].hint


def test_a_link_is_not_followed(project: Path) -> None:
    (project / "model" / "passwords").symlink_to("/etc/passwd")
    world = World()
    with pytest.raises(MlccError):
        verbs.deploy(context_of(world, project))
    assert world.cloud.buckets["models"] == {}


def test_a_dry_run_sends_nothing(project: Path) -> None:
    world = World()
    document = verbs.deploy(context_of(world, project, dry_run=True)).document
    assert world.asked == []
    assert [p for c in document["calls"] for p in walker.problems(c["service"], c["operation"], c["parameters"])] == []
    assert "model_data" in document["assumed"]
    container = document["calls"][0]["parameters"]["PrimaryContainer"]
    assert container["ModelDataSource"]["S3DataSource"]["S3Uri"].startswith("s3://mlcc-models-")
