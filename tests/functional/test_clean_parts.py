"""do/clean with a part on the targets that are not SageMaker's: never more goes than was named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlcc.core.errors import UsageError
from mlcc.lifecycle.context import Context, Silent
from mlcc.lifecycle.rendered_project import load_project
from mlcc.lifecycle.targets import local
from mlcc.lifecycle.targets.hyperpod import verbs
from tests.aws.account import rendered
from tests.aws.cloud import NUMBER
from tests.functional.test_hyperpod import REGION, TEXT, Place

NAME, BUCKET, OWN = "mlcc-build-iris", f"mlcc-build-{NUMBER}-{REGION}", {"mlcc:project": "iris"}
PARTS = ("endpoint", "components", "adapters", "model", "config", "repository", "codebuild")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A project that serves, and what push and submit make for it."""
    found = Place(tmp_path)
    verbs.deploy(found.context(rendered(TEXT)))
    cloud = found.aws.cloud
    cloud.repositories["mlcc/iris"] = dict(OWN)
    cloud.buckets[BUCKET] = {"iris/source.zip": b""}
    cloud.bucket_tags[BUCKET] = [{"Key": "mlcc:project", "Value": "mlcc"}]
    cloud.roles[NAME] = {"Tags": [{"Key": k, "Value": v} for k, v in OWN.items()], "Arn": "arn:aws:iam::1:role/r"}
    cloud.projects[NAME] = {"name": NAME, "tags": [{"key": k, "value": v} for k, v in OWN.items()]}
    return found


def clean(place: Place, **arguments: Any) -> dict[str, Any]:
    result = verbs.clean(place.context(rendered(TEXT), **arguments))
    assert result.ok
    return dict(result.document)


def test_all_takes_the_objects_and_what_was_made_beside_them(place: Place) -> None:
    assert len(clean(place)["proofs"]) == 3
    assert place.objects == {}
    assert place.aws.cloud.left() == []


def test_endpoint_takes_the_objects_alone(place: Place) -> None:
    before = place.aws.cloud.left()
    clean(place, what="endpoint")
    assert place.objects == {}
    assert place.aws.cloud.left() == before


def test_repository_takes_the_repository_alone(place: Place) -> None:
    before = place.objects
    clean(place, what="repository")
    assert place.objects == before
    assert place.aws.cloud.left() == [BUCKET, NAME, NAME]


def test_codebuild_takes_what_builds_alone_and_asks_no_cluster(place: Place) -> None:
    before = place.objects
    place.configure({})
    clean(place, what="codebuild")
    assert place.objects == before
    assert place.aws.cloud.left() == ["mlcc/iris"]


@pytest.mark.parametrize("what", ["components", "adapters", "model", "config"])
@pytest.mark.parametrize("dry", [True, False])
def test_a_part_that_a_cluster_does_not_have_is_refused(place: Place, what: str, dry: bool) -> None:
    before, left = place.objects, place.aws.cloud.left()
    with pytest.raises(UsageError) as caught:
        clean(place, what=what, dry_run=dry)
    assert "all" in caught.value.findings[0].hint
    assert "codebuild" in caught.value.findings[0].hint
    assert (place.objects, place.aws.cloud.left()) == (before, left)


def test_a_dry_run_names_each_part(place: Place) -> None:
    def operations(what: str) -> set[str]:
        return {one["operation"] for one in clean(place, what=what, dry_run=True)["calls"]}

    assert operations("endpoint") == {"Delete"}
    assert operations("repository") == {"DeleteRepository"}
    assert operations("codebuild") == {
        "DeleteProject",
        "DeleteRolePolicy",
        "DeleteRole",
        "DeleteObject",
        "DeleteBucket",
    }
    assert operations("all") == operations("endpoint") | operations("repository") | operations("codebuild")


@pytest.mark.parametrize("what", ["all", "repository"])
def test_images_that_another_environment_s_pods_need_stay(place: Place, what: str) -> None:
    other = {"metadata": {"name": "iris-prod", "labels": {"mlcc.dev/project": "iris", "mlcc.dev/environment": "prod"}}}
    (place.folder / "objects").write_text(json.dumps({**place.objects, "deployments/iris-prod": other}))
    context = place.context(rendered(TEXT), what=what)
    assert verbs.clean(context).ok
    assert "mlcc/iris" in place.aws.cloud.repositories
    assert isinstance(context.progress, Silent)
    assert [line for line in context.progress.lines if "stays" in line and "prod" in line]
    assert [c for c in place.calls if "--all-namespaces" in c]


@pytest.mark.parametrize("what", PARTS)
@pytest.mark.parametrize("dry", [True, False])
def test_this_machine_has_no_parts(place: Place, what: str, dry: bool) -> None:
    project = rendered(TEXT)
    now = lambda: 0.0  # noqa: E731
    arguments = {"what": what, "dry_run": dry}
    loaded = load_project(str(project), target="local")
    context = Context(loaded, place.environ, Silent(), lambda seconds: None, now, arguments)
    with pytest.raises(UsageError) as caught:
        local.clean(context)
    assert caught.value.findings[0].hint == "on local: all"
