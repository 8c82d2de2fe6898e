"""The repository of a bootstrap profile: projects share it, each with tags of its own, and none deletes it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from mlcc.core.errors import PreconditionError
from mlcc.io.container_engines import Engine
from mlcc.lifecycle import image_place, image_tag, run_state
from mlcc.lifecycle.bootstrap.profile import Profile
from mlcc.lifecycle.context import Context, Silent
from mlcc.lifecycle.rendered_project import load_project
from mlcc.lifecycle.steps import push, register, submit
from mlcc.lifecycle.targets.sagemaker import codebuild, facts, teardown, verbs
from tests.aws import walker
from tests.aws.account import World, loaded, render, rendered
from tests.aws.cloud import DIGEST, NUMBER, REGION
from tests.aws.test_push import ENGINE
from tests.helpers import File, build_tree

BARE = """version: 1
project: {name: iris}
deployment: {config: http-fastapi, target: async-inference}
async: {s3_output_path: s3://bucket/out/}
"""
ELSEWHERE = BARE.replace("async-inference}", "async-inference, region: eu-west-1}")
NAMED = BARE + "build: {repository: team/iris}\n"
ROLE = f"arn:aws:iam::{NUMBER}:role/mlcc-sagemaker-execution-role"
SHARED = "ml-container-creator"
NEW = Profile("dev", REGION, NUMBER, role_arn=ROLE)
MADE = NEW._replace(modules=("core",))
OTHERS = ["other-build-0123456789ab", "iris-two-build-0123456789ab", "iris-build-latest", "build-0123456789ab", "v1"]


@pytest.fixture
def world() -> World:
    found = World()
    found.cloud.repositories[SHARED] = {"mlcc:bootstrap": "mlcc"}
    found.cloud.images[SHARED] = list(OTHERS)
    return found


def context(world: World, text: str, profile: Profile | None, env: str | None = None, **arguments: Any) -> Context:
    return dataclasses.replace(world.context(rendered(text), env, **arguments), find_profile=lambda: profile)


def places(text: str, profile: Profile | None) -> image_place.ImagePlace:
    return image_place.located(loaded(rendered(text), None), profile)


def tag_of_named() -> str:
    return image_tag.tag_of(loaded(rendered(NAMED), None))


def test_the_repository_that_a_profile_made_or_names_is_shared() -> None:
    tag = image_tag.tag_of(loaded(rendered(BARE), None))
    assert places(BARE, None) == places(BARE, NEW) == ("mlcc/iris", tag, False, False)
    assert places(BARE, MADE) == (SHARED, f"iris-{tag}", True, True)
    assert places(BARE, NEW._replace(repository="team/all")) == ("team/all", f"iris-{tag}", True, True)
    assert places(NAMED, MADE).repository == "team/iris", "mlcc.yaml's comes first"
    assert places(NAMED, MADE)[1:] == (f"iris-{tag_of_named()}", True, False), "which projects may share, too"
    assert places(ELSEWHERE, MADE).repository == "mlcc/iris", "the profile's is in another region"


def test_projects_with_the_same_files_have_tags_of_their_own() -> None:
    first, second = BARE, BARE.replace("name: iris", "name: iris-two")
    assert places(first, MADE).tag != places(second, MADE).tag
    project = loaded(rendered(BARE), None)
    assert image_place.is_own(project, places(first, MADE).tag)
    assert [tag for tag in [*OTHERS, places(second, MADE).tag] if image_place.is_own(project, tag)] == []


def test_a_deployment_takes_its_image_from_there(world: World) -> None:
    assert verbs.deploy(context(world, BARE, MADE)).ok
    (model,) = world.account.models.values()
    assert model.request["PrimaryContainer"]["Image"] == f"{NUMBER}.dkr.ecr.{REGION}.amazonaws.com/{SHARED}@{DIGEST}"
    assumed = verbs.deploy(context(world, BARE, MADE, dry_run=True)).document["assumed"]
    assert assumed["image"].endswith(f"/{SHARED}:{places(BARE, MADE).tag}")


def test_clean_takes_the_project_s_images_alone(world: World) -> None:
    own = [f"iris-build-{number:012x}" for number in range(150)]
    world.cloud.images[SHARED] = [*OTHERS, *own]
    world.cloud.repositories["mlcc/iris"] = {"mlcc:project": "iris"}
    world.cloud.repositories["mlcc/two"] = {"mlcc:project": "two"}
    result = verbs.clean(context(world, BARE, MADE, what="repository"))
    assert result.ok
    assert result.document["proofs"] == {
        f"no image of it is left in {SHARED}": True, "no repository of it is left": True
    }  # fmt: skip
    assert world.cloud.images[SHARED] == OTHERS
    assert set(world.cloud.repositories) == {SHARED, "mlcc/two"}, "one of its own, of the time before, goes"
    assert world.cloud.calls.count("BatchDeleteImage") == 2, "a hundred at once"


@pytest.mark.parametrize("name", ["team/iris", "mlcc/iris"])
@pytest.mark.parametrize("what", ["repository", "all"])
def test_images_of_another_project_stay_where_both_name_one_repository(world: World, what: str, name: str) -> None:
    """Also where this project made it, and carries its tag."""
    text = NAMED.replace("team/iris", name)
    own = places(text, None).tag
    world.cloud.repositories[name], world.cloud.images[name] = {"mlcc:project": "iris"}, [*OTHERS, own]
    assert verbs.clean(context(world, text, None, what=what)).ok
    assert world.cloud.images[name] == OTHERS


def test_a_named_repository_goes_where_it_is_the_project_s_and_nothing_is_left_in_it(world: World) -> None:
    own = places(NAMED, None).tag
    for tags in ({}, {"mlcc:project": "other"}, {"mlcc:project": "iris"}):
        world.cloud.repositories["team/iris"], world.cloud.images["team/iris"] = tags, [own]
        cleaning = context(world, NAMED, None, what="repository")
        shown = verbs.clean(dataclasses.replace(cleaning, arguments={"what": "repository", "dry_run": True})).document
        assert [one["operation"] for one in shown["calls"]] == ["BatchDeleteImage", "DeleteRepository"]
        assert not shown["calls"][1]["parameters"]["force"]
        assert verbs.clean(cleaning).document["proofs"]["no image of it is left in team/iris"]
    assert "team/iris" not in world.cloud.repositories
    assert "DeleteRepository" in world.cloud.calls[-3:]
    assert world.cloud.calls.count("DeleteRepository") == 1


def test_images_of_others_in_the_project_s_own_repository_stay(world: World) -> None:
    """Another project named it with build.repository."""
    world.cloud.repositories["mlcc/iris"] = {"mlcc:project": "iris"}
    world.cloud.images["mlcc/iris"] = ["build-0123456789ab", "other-build-0123456789ab"]
    assert verbs.clean(context(world, BARE, None)).ok
    assert world.cloud.images["mlcc/iris"] == ["other-build-0123456789ab"]


def test_a_shared_repository_stays_whatever_its_tags_say(world: World) -> None:
    world.cloud.repositories[SHARED] = {"mlcc:project": "iris"}
    for what in ("repository", "all"):
        assert verbs.clean(context(world, BARE, MADE, what=what)).ok
    assert SHARED in world.cloud.repositories
    assert "DeleteRepository" not in world.cloud.calls


def test_images_that_another_environment_needs_stay(world: World) -> None:
    text = BARE + "environments: {prod: {tags: {team: x}}}\n"
    own = places(text, MADE).tag
    world.cloud.images[SHARED] = [*OTHERS, own]
    verbs.deploy(context(world, text, MADE, "prod"))
    cleaning = context(world, text, MADE)
    assert verbs.clean(cleaning).ok
    assert own in world.cloud.images[SHARED]
    assert isinstance(cleaning.progress, Silent)
    assert [line for line in cleaning.progress.lines if "stay" in line and "prod" in line]


def test_dry_runs_make_and_delete_no_shared_repository(world: World) -> None:
    found = teardown.clean(context(world, BARE, MADE, what="repository", dry_run=True)).document["calls"]
    assert [(one["operation"], one["parameters"]["repositoryName"]) for one in found] == [("BatchDeleteImage", SHARED)]
    assert [p for c in found for p in walker.problems(c["service"], c["operation"], c["parameters"])] == []
    pushed = push.run(context(world, BARE, MADE, dry_run=True)).document
    assert [one["operation"] for one in pushed["calls"]] == ["GetAuthorizationToken", "push"]
    assert SHARED in pushed["assumed"]["repository"]


@pytest.fixture
def pushing(world: World, tmp_path: Path) -> Context:
    """A context of a project that was built, with an engine that is a script."""
    project = render(BARE, tmp_path / "project")
    run_state.write(str(project), run_state.BUILD, {"kind": "image", "reference": "mlcc/iris:x"})
    program = build_tree(tmp_path / "bin", {"docker": File(ENGINE, 0o755)}) / "docker"
    (tmp_path / "temporary").mkdir()
    environ = {
        "PATH": "/usr/bin:/bin", "NOTES": str(tmp_path / "notes"), "TMPDIR": str(tmp_path / "temporary"), "FAILS": ""
    }  # fmt: skip
    made = dataclasses.replace(
        world.context(project), project=load_project(str(project)), environ=environ, find_profile=lambda: MADE
    )
    made.__dict__["engine"] = Engine("docker", str(program), "28")
    return made


def test_push_uses_it_and_register_knows_the_image(world: World, pushing: Context) -> None:
    pushed = push.run(pushing).document["pushed"]
    where = image_place.located(pushing.project, MADE)
    assert (pushed["repository"], pushed["tag"]) == (SHARED, where.tag)
    assert "CreateRepository" not in world.cloud.calls
    assert register.surroundings(pushing, "").image_digest == DIGEST


def test_a_shared_repository_that_is_gone_is_not_made_for_one_project(world: World, pushing: Context) -> None:
    del world.cloud.repositories[SHARED]
    with pytest.raises(PreconditionError) as missing:
        push.run(pushing)
    (found,) = missing.value.findings
    assert (found.code, "mlcc bootstrap deploy" in found.hint) == ("MLCC320", True)
    assert "CreateRepository" not in world.cloud.calls


def test_codebuild_pushes_there_and_nowhere_else(world: World, tmp_path: Path) -> None:
    text = BARE + "build: {strategy: codebuild-submit}\n"
    project = render(text, tmp_path / "project")
    build_tree(project, {"sample_model/model/model.joblib": "a model"})
    (tmp_path / "temporary").mkdir()
    made = dataclasses.replace(
        world.context(project), environ={"TMPDIR": str(tmp_path / "temporary")}, find_profile=lambda: MADE
    )
    found = submit.run(made).document["pushed"]
    assert found["reference"] == f"{NUMBER}.dkr.ecr.{REGION}.amazonaws.com/{SHARED}@{DIGEST}"
    (role,) = world.cloud.roles.values()
    assert f"arn:aws:ecr:{REGION}:{NUMBER}:repository/{SHARED}" in role["policy"]
    assert "repository/mlcc/iris" not in role["policy"]
    place, _ = facts.assumed(made.project, REGION, 0.0, MADE)
    assert f"repository/{SHARED}" in str(codebuild.policy(made.project, place))
