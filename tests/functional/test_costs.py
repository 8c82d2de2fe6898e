"""The cost of each environment stands in plan, diff and show, for people and as numbers."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.helpers import SMALLEST, build_tree

TEXT = SMALLEST.replace("http-fastapi", "http-fastapi, instance_type: ml.m5.xlarge, instance_count: COUNT")
TEXT += "environments: {prod: {deployment: {instance_type: ml.m5.2xlarge}, scaling: {max_count: 3}}}\n"


@pytest.fixture(autouse=True)
def changed(mlcc):
    """A project with two environments that was applied, and then got another instance."""
    build_tree(".", {"mlcc.yaml": TEXT.replace("COUNT", "1")})
    mlcc("apply", "-q", code=0)
    build_tree(".", {"mlcc.yaml": TEXT.replace("COUNT", "2")})


def costs(result) -> dict:
    return {row["environment"]: row for row in json.loads(result.stdout)["costs"]}


@pytest.mark.parametrize("command", [("plan",), ("diff",), ("apply", "--check")])
def test_before_and_after_are_numbers(mlcc, command):
    found = costs(mlcc(*command, "-o", "json"))
    assert list(found) == ["default", "prod"]
    own = found["default"]
    assert (own["instance_type"], own["count"], own["before"]["count"]) == ("ml.m5.xlarge", 2, 1)
    assert own["hour"] == pytest.approx(2 * own["before"]["hour"])
    assert own["month"] == pytest.approx(730 * own["hour"], abs=0.01)
    assert (own["currency"], own["region"]) == ("USD", "us-east-1")
    assert own["date"].startswith("20")
    assert [found["prod"][word]["count"] for word in ("least", "most")] == [1, 3]


@pytest.mark.parametrize("command", ["plan", "diff", "apply"])
def test_people_see_a_line_for_each_environment(mlcc, command):
    lines = mlcc(command, code=0).stdout.splitlines()
    first = next(line for line in lines if line.startswith("cost of default"))
    assert first.startswith("cost of default: 0.23 -> 0.46 $/h, 168 -> 336 $ a month (1 -> 2 x")
    assert max(len(line) for line in lines if "cost of" in line) <= 80
    assert [line for line in lines if line.startswith("cost of prod: ")]
    assert "cost of" not in mlcc("plan", "-q", code=0).stdout


def test_an_apply_that_changes_no_cost_says_nothing_of_it(mlcc):
    mlcc("apply", "-q", code=0)
    build_tree(".", {"mlcc.yaml": TEXT.replace("COUNT", "2") + "ttl: 1h\n"})
    assert "cost of" not in mlcc("apply", code=0).stdout
    assert "cost of default: 0.46 $/h" in mlcc("plan", code=0).stdout


def test_the_first_plan_has_no_before(mlcc):
    assert costs(mlcc("plan", "-C", "elsewhere", "-o", "json", code=0))["default"]["before"] is None


def test_show_has_the_cost_of_its_environment(mlcc):
    assert list(costs(mlcc("show", "-o", "json", code=0))) == ["default"]
    assert list(costs(mlcc("show", "--env", "prod", "-o", "json", code=0))) == ["prod"]
    text = mlcc("show", code=0).stdout
    assert "# cost of default: 0.46 $/h, 336 $ a month (2 x ml.m5.xlarge)\n" in text
    assert "costs" not in yaml.safe_load(text)


def test_two_environments_are_compared(mlcc):
    found = costs(mlcc("diff", "--env", "default", "--env", "prod", "-o", "json", code=0))["prod"]
    assert (found["instance_type"], found["before"]["instance_type"]) == ("ml.m5.2xlarge", "ml.m5.xlarge")
    assert "cost of default: 0.46 $/h" in mlcc("diff", "--env", "default", "--env", "prod", code=0).stdout


def test_several_projects_have_their_costs_in_their_documents(mlcc):
    build_tree(".", {"b/mlcc.yaml": SMALLEST})
    document = json.loads(mlcc("plan", "mlcc.yaml", "b/mlcc.yaml", "-o", "json", code=0).stdout)
    assert document["costs"] == []
    assert [len(one["costs"]) for one in document["projects"]] == [2, 1]


def test_a_machine_of_one_s_own_costs_nothing(mlcc):
    build_tree(".", {"mlcc.yaml": SMALLEST.replace("http-fastapi", "http-fastapi, target: local")})
    assert costs(mlcc("plan", "-o", "json", code=0)) == {}
    assert "cost of" not in mlcc("plan", code=0).stdout
