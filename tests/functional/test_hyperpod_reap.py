"""mlcc reap --cluster: what is past its time in a cluster goes, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlcc.io.kubectl import Kubectl, KubectlError
from mlcc.lifecycle.context import Silent
from mlcc.lifecycle.targets.hyperpod import reaper, verbs
from tests.aws.account import rendered
from tests.functional.test_hyperpod import TEXT, Place
from tests.helpers import Caller

NOW, HOUR = 1_700_000_000, 3600


@pytest.fixture
def place(tmp_path: Path) -> Place:
    found = Place(tmp_path)
    verbs.deploy(found.context(rendered(TEXT)))
    return found


def kubectl(place: Place) -> Kubectl:
    return Kubectl(place.environ, "ours")


def change(place: Place, key: str, **metadata: Any) -> None:
    objects = place.objects
    objects[key]["metadata"] |= metadata
    (place.folder / "objects").write_text(json.dumps(objects))


def test_what_is_past_its_time_goes_with_all_that_belongs_to_it(place: Place) -> None:
    assert reaper.expired(kubectl(place), NOW + 7 * HOUR) == []
    (found,) = reaper.expired(kubectl(place), NOW + 9 * HOUR)
    named = (found.project, found.environment, found.kind, found.name, found.namespace)
    assert named == ("iris", "default", "Deployment", "iris", "default")
    assert found.since == NOW + 8 * HOUR
    other = {"metadata": {"name": "theirs", "labels": {"app": "iris"}, "namespace": "default"}}
    (place.folder / "objects").write_text(json.dumps({**place.objects, "services/theirs": other}))
    assert reaper.reap(found, kubectl(place), Silent())
    assert place.objects == {"services/theirs": other}
    assert place.calls[-1][:4] == ["--context", "ours", "--namespace", "default"]


@pytest.mark.parametrize(
    "metadata",
    [
        {"annotations": {}},
        {"annotations": {"mlcc.dev/expires": "soon"}},
        {"annotations": {"mlcc.dev/expires": "-5"}},
        {"labels": {}},
        {"labels": {"mlcc.dev/project": "iris", "mlcc.dev/environment": "default,app=x"}},
        {"labels": {"mlcc.dev/project": "--all", "mlcc.dev/environment": "default"}},
        {"namespace": ""},
        {"ownerReferences": [{"name": "x"}]},
    ],
)
def test_what_does_not_say_it_in_mlcc_s_way_is_never_named(place: Place, metadata: dict[str, Any]) -> None:
    change(place, "deployments/iris", **metadata)
    assert reaper.expired(kubectl(place), NOW + 99 * HOUR) == []


def test_a_part_with_time_left_keeps_the_whole(place: Place) -> None:
    objects = place.objects
    second = json.loads(json.dumps(objects["deployments/iris"]))
    second["metadata"] |= {"name": "iris-2", "annotations": {"mlcc.dev/expires": str(NOW + 99 * HOUR)}}
    (place.folder / "objects").write_text(json.dumps({**objects, "deployments/iris-2": second}))
    assert reaper.expired(kubectl(place), NOW + 9 * HOUR) == []
    assert len(reaper.expired(kubectl(place), NOW + 100 * HOUR)) == 2


def test_a_caller_without_the_right_to_look_is_refused(place: Place) -> None:
    (place.folder / "forbidden").write_text("deployments")
    with pytest.raises(KubectlError, match="Forbidden"):
        reaper.expired(kubectl(place), NOW)


def test_one_cluster_is_named(mlcc: Caller) -> None:
    done = mlcc("reap", "--dry-run", "--cluster", "a", "--eks-cluster", "b", code=2)
    assert "name one of them" in done.stderr
