"""Facts that rules of policies may be about."""

from __future__ import annotations

import pytest

from mlcc.checks import policy_facts
from mlcc.checks.policy_facts import FACTS, PolicyContext
from mlcc.core.paths import Item
from mlcc.registries.loader import load
from tests.fakes import resolved

TEXT = """
version: 1
project: {name: chat}
deployment: {config: transformers-vllm, region: eu-west-1, instance_type: ml.g5.xlarge, instance_count: 2}
model: {name: Qwen/Qwen3-4B}
scaling: {min_count: 1, max_count: 5}
inference_components: [{name: a, image: "me/it:1"}, {name: b}]
environments: {prod: {deployment: {instance_count: 4}}, night: {deployment: {target: batch-transform}}}
"""


def context(env: str | None = None, text: str = TEXT) -> PolicyContext:
    return PolicyContext(resolved(text, known=load(), env=env), load())


def test_costs_of_an_hour_and_a_month_now_and_at_the_most():
    """The price of the row, by the count of the environment, or the most that scaling may start."""
    price = load().price("ml.g5.xlarge")
    assert price is not None
    for env, count in ((None, 2), ("prod", 4)):
        read_of = {name: FACTS[name].read(context(env)) for name in FACTS if "cost" in name}
        assert read_of == {
            "cost_usd_per_hour": pytest.approx(price.amount * count),
            "cost_usd_per_month": pytest.approx(price.amount * count * 730),
            "highest_cost_usd_per_hour": pytest.approx(price.amount * 5),
            "highest_cost_usd_per_month": pytest.approx(price.amount * 5 * 730),
        }


def test_a_job_has_no_cost_a_month():
    assert FACTS["cost_usd_per_month"].read(context("night")) is None
    assert FACTS["cost_usd_per_hour"].read(context("night")) is not None


def test_images_are_those_that_are_built_upon_or_deployed():
    found = policy_facts.values_of(FACTS["container_images"], context())
    assert [path for path, _ in found] == [
        ("framework", "base_image"), ("inference_components", Item("a"), "image"),
    ]  # fmt: skip
    assert found[1][1] == "me/it:1"


@pytest.mark.parametrize(("path", "known"), [("facts.accelerator", True), ("facts.no", False), ("accelerator", False)])
def test_a_fact_is_named_with_its_prefix(path, known):
    assert (policy_facts.fact_of(path) is not None) is known
