"""Images that pods of a cluster use stay, whichever environment is cleaned; no cluster is asked for it."""

from __future__ import annotations

import pytest

from mlcc.lifecycle.context import Silent
from mlcc.lifecycle.targets.sagemaker import cluster_images, verbs
from tests.aws.account import World, loaded, rendered

REALTIME = "target: realtime-inference"
TEXT = """version: 1
project: {name: iris}
deployment: {config: http-fastapi, target: realtime-inference, region: us-east-1, role_arn: "arn:aws:iam::123456789012:role/r"}
environments: {dev: {tags: {team: x}}, prod: {deployment: {target: hyperpod-eks}, hyperpod: {cluster: one}}}
"""
TURNED = TEXT.replace(REALTIME, "target: hyperpod-eks").replace(
    "{target: hyperpod-eks}, hyper", f"{{{REALTIME}}}, hyper"
)
TWO_CLUSTERS = TEXT.replace(REALTIME, "target: hyperpod-eks").replace(
    "environments", "hyperpod: {cluster: two}\nenvironments"
)


@pytest.mark.parametrize(
    ("text", "env", "step"), [(TEXT, None, "--env prod"), (TEXT, "dev", "--env prod"), (TURNED, "prod", "")]
)
@pytest.mark.parametrize("what", ["all", "repository"])
def test_the_repository_stays_for_pods_of_another_environment(text: str, env: str | None, step: str, what: str) -> None:
    world = World()
    world.cloud.repositories["mlcc/iris"] = {"mlcc:project": "iris"}
    cleaning = world.context(rendered(text), env, what=what)
    assert verbs.clean(cleaning).ok
    assert "mlcc/iris" in world.cloud.repositories
    assert isinstance(cleaning.progress, Silent)
    (line,) = (line for line in cleaning.progress.lines if line.startswith("the repository mlcc/iris stays"))
    assert "for hyperpod-eks" in line
    assert f"do/clean repository {step}".strip() in line
    shown = verbs.clean(world.context(rendered(text), env, what=what, dry_run=True)).document["calls"]
    assert [one for one in shown if one["service"] == "ecr"] == []


def test_without_such_an_environment_it_goes() -> None:
    world = World()
    world.cloud.repositories["mlcc/iris"] = {"mlcc:project": "iris"}
    assert verbs.clean(world.context(rendered(TEXT.partition(", prod")[0] + "}\n"))).ok
    assert world.left() == []


def test_of_two_clusters_neither_knows_of_the_other_one_s_pods() -> None:
    one = loaded(rendered(TWO_CLUSTERS), "prod")
    assert "aws ecr batch-delete-image" in cluster_images.users(one)
    same = loaded(rendered(TWO_CLUSTERS.replace("cluster: two", "cluster: one")), "prod")
    assert cluster_images.users(same) == "", "do/clean asks the cluster itself"
