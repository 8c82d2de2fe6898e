"""No machine, or none allowed: the failure names what would do."""

from __future__ import annotations

import pytest

from mlcc.core.errors import UserError
from mlcc.lifecycle.targets.sagemaker import capacity, verbs
from mlcc.registries import load
from mlcc.servers.devserver.faults import CAPACITY, ERROR, Fault
from tests.aws.account import World, loaded, rendered
from tests.aws.test_deploy import CLASSIC, TWO

QUOTA = (
    "The account-level service limit 'ml.g5.12xlarge for endpoint usage' is 0 Instances, with current utilization of 0"
)


def failed(world: World, text: str) -> UserError:
    with pytest.raises(UserError) as found:
        verbs.deploy(world.context(rendered(text)))
    return found.value


def test_no_machine_names_others_that_would_do() -> None:
    world = World()
    world.account.faults.add(Fault("CreateEndpoint", CAPACITY))
    (finding,) = failed(world, TWO).findings
    assert finding.code == "MLCC323"
    assert "at least as large: ml." in finding.hint
    assert "ml.g5.12xlarge" not in finding.hint.partition("at least")[2]


@pytest.mark.parametrize("text", [TWO, CLASSIC])
def test_they_are_no_smaller_in_anything(text: str) -> None:
    project = loaded(rendered(text), None)
    own = load().instance(str(project.get("deployment.instance_type")))
    names = capacity.alternatives(project)
    assert own is not None
    assert len(names) == capacity.SHOWN
    for name in names:
        one = load().instance(name)
        assert one is not None
        assert one.endpoint
        assert (one.accelerator, one.platform) == (own.accelerator, own.platform)
        assert (one.accelerator_count or 0, one.memory_gib or 0) >= (own.accelerator_count or 0, own.memory_gib or 0)


def test_a_quota_is_named_with_its_code() -> None:
    world = World()
    world.account.faults.add(Fault("CreateEndpoint", ERROR, "ResourceLimitExceeded", QUOTA, 400))
    world.quotas = [{"QuotaName": "ml.g5.12xlarge for endpoint usage", "QuotaCode": "L-65C4BD00", "Value": 0.0}]
    (finding,) = failed(world, TWO).findings
    assert (finding.code, "L-65C4BD00" in finding.hint) == ("MLCC328", True)
    assert "at least as large: ml." in finding.hint


def test_a_quota_that_nobody_tells_of_is_still_explained() -> None:
    world = World()
    world.account.faults.add(Fault("CreateEndpoint", ERROR, "ResourceLimitExceeded", QUOTA, 400))
    world.account.faults.add(Fault("ListServiceQuotas", ERROR, "AccessDeniedException", "no", 403))
    (finding,) = failed(world, TWO).findings
    assert "at least as large: ml." in finding.hint
