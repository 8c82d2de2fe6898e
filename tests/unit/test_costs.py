"""What an environment costs, and how a price stands in a hint."""

from __future__ import annotations

import pytest

from mlcc.checks import proposals
from mlcc.checks.subject import Subject
from mlcc.cli import costs as shown
from mlcc.cli.costs import Row
from mlcc.core.nodes import Mark, Node
from mlcc.core.paths import parse_path
from mlcc.registries.files import Root
from mlcc.registries.loader import Registries, load
from mlcc.resolve.hardware import costs, instances
from mlcc.resolve.hardware.costs import Cost
from mlcc.resolve.result import Resolved, Rows

KNOWN = load()


def cost(target: str = "realtime-inference", **values: object) -> Cost | None:
    """What plain values cost; `a__b` stands for the path a.b."""
    given = {parse_path(name.replace("__", ".")) or (): value for name, value in values.items()}
    return costs.of_values(given, KNOWN.targets[target], KNOWN)


def of(target: str = "realtime-inference", **values: object) -> Cost:
    found = cost(target, deployment__instance_type="ml.g5.xlarge", **values)
    assert found is not None
    return found


PRICE = KNOWN.price("ml.g5.xlarge")
assert PRICE is not None


# ---------------------------------------------------------------- sums
def test_an_hour_and_a_month_of_all_instances():
    document = of(deployment__instance_count=3).document
    assert document == {
        "instance_type": "ml.g5.xlarge", "count": 3, "hour": pytest.approx(3 * PRICE.amount),
        "month": pytest.approx(3 * PRICE.amount * 730), "currency": PRICE.currency, "region": PRICE.region,
        "date": PRICE.date, "per": "endpoint",
    }  # fmt: skip


def test_a_month_has_the_hours_of_a_year_by_its_months():
    assert costs.HOURS_OF_A_MONTH == 365 * 24 / 12


@pytest.mark.parametrize(
    ("values", "bounds"),
    [
        ({"scaling__min_count": 1, "scaling__max_count": 4}, (1, 4)), ({"scaling__max_count": 4}, (1, 4)),
        ({"scaling__min_count": 0, "scaling__max_count": 2}, (0, 2)), ({"scaling__min_count": 3}, (3, 3)), ({}, None),
    ],
)  # fmt: skip
def test_what_is_scaled_has_bounds(values, bounds):
    document = of(**values).document
    assert (document["least"]["count"], document["most"]["count"]) == bounds if bounds else "least" not in document
    if bounds:
        assert document["most"]["hour"] == pytest.approx(bounds[1] * PRICE.amount)


def test_a_job_costs_while_it_runs():
    found = of("batch-transform", deployment__instance_count=1, batch__instance_count=2, scaling__max_count=9).document
    assert (found["count"], found["hour"], found["month"], found["per"]) == (2, pytest.approx(2.816), None, "job")
    assert "most" not in found


def test_an_asynchronous_endpoint_costs_as_one():
    assert of("async-inference").document["per"] == "endpoint"


@pytest.mark.parametrize("target", ["local", "hyperpod-eks"])
def test_where_nobody_bills_for_instances_there_is_no_cost(target):
    assert cost(target, deployment__instance_type="ml.g5.xlarge") is None


def test_without_a_type_there_is_no_cost():
    assert cost() is None


def test_a_type_without_a_price_says_so():
    found = cost(deployment__instance_type="ml.p6-b300.48xlarge")
    assert found is not None
    assert found.document["hour"] is found.document["month"] is found.document["currency"] is None
    (line,) = shown.lines([Row("default", found)])
    assert line == "cost of default: price not known (1 x ml.p6-b300.48xlarge)"


# ---------------------------------------------------------------- lines
@pytest.mark.parametrize(
    ("row", "words"),
    [
        (Row("a", of()), "1.41 $/h, 1,028 $ a month (1 x ml.g5.xlarge)"),
        (Row("a", of(), of()), "1.41 $/h, 1,028 $ a month (1 x ml.g5.xlarge)"),
        (
            Row("a", of(deployment__instance_count=2), of()),
            "1.41 -> 2.82 $/h, 1,028 -> 2,056 $ a month (1 -> 2 x ml.g5.xlarge)",
        ),
        (
            Row("a", cost(deployment__instance_type="ml.g5.2xlarge"), of()),
            "1.41 -> 1.52 $/h, 1,028 -> 1,106 $ a month (1 x ml.g5.xlarge -> 1 x ml.g5.2xlarge)",
        ),
        (
            Row("a", cost(deployment__instance_type="ml.x.y"), of()),
            "1.41 $/h, 1,028 $ a month -> price not known (1 x ml.g5.xlarge -> 1 x ml.x.y)",
        ),
        (
            Row("a", cost(deployment__instance_type="ml.x.z"), cost(deployment__instance_type="ml.x.y")),
            "price not known (1 x ml.x.y -> 1 x ml.x.z)",
        ),
        (
            Row("a", of(scaling__min_count=0, scaling__max_count=2)),
            "1.41 $/h, 1,028 $ a month (1 x ml.g5.xlarge); scaled, 0 to 2 of them: 0.00 to 2.82 $/h, "
            "0 to 2,056 $ a month",
        ),
        (
            Row("a", of(scaling__max_count=3), of(scaling__max_count=2)),
            "1.41 $/h, 1,028 $ a month (1 x ml.g5.xlarge); scaled, 1 to 3 of them (before 1 to 2): "
            "1.41 to 4.22 $/h, 1,028 to 3,084 $ a month",
        ),
        (Row("a", of("batch-transform")), "1.41 $/h of a job (1 x ml.g5.xlarge)"),
        (
            Row("a", of(), of("batch-transform")),
            "1.41 $/h of a job -> 1.41 $/h, 1,028 $ a month (1 x ml.g5.xlarge)",
        ),
    ],
)
def test_an_environment_is_a_line(row, words):
    assert next(iter(shown.lines([row]))) == f"cost of a: {words}"


def test_the_day_and_the_region_of_the_prices_are_said_once():
    lines = list(shown.lines([Row("a", of()), Row("b", of(), None), Row("c", None)]))
    assert len(lines) == 3
    assert lines[-1] == f"  prices of {PRICE.region}, {PRICE.date}, on demand; 730 hours a month"
    assert list(shown.lines([])) == []


# ---------------------------------------------------------------- hints
@pytest.mark.parametrize(
    ("name", "own", "words"),
    [
        ("ml.g6e.xlarge", "ml.g5.2xlarge", "ml.g6e.xlarge (2.61 $/h instead of 1.52)"),
        ("ml.g6e.xlarge", "", "ml.g6e.xlarge (2.61 $/h)"), ("ml.g6e.xlarge", "ml.x.y", "ml.g6e.xlarge (2.61 $/h)"),
        ("ml.g5.xlarge", "ml.g5.xlarge", "ml.g5.xlarge (1.41 $/h)"),
        ("ml.x.y", "ml.g5.xlarge", "ml.x.y (price not known)"),
    ],
)  # fmt: skip
def test_a_proposal_has_its_price_beside_the_own_one(name, own, words):
    assert costs.proposed(KNOWN, name, own) == words


DEVICE = "accelerator: {type: cuda, name: A10G, memory_gib: 24, compute_capability: '8.6'}\n"


def unpriced(folder) -> Registries:
    """Registries with a type that is as large as ml.g5.12xlarge, and has no price."""
    (folder / "instances").mkdir()
    text = f"version: 1\nkind: instances\ntitle: T\nfamily: a0\nplatform: linux/amd64\nsource: s\n{DEVICE}"
    text += "rows:\n  ml.a0.large: {accelerator_count: 4, vcpu: 48, memory_gib: 192, endpoint: true, transform: false, "
    text += "hyperpod: false}\n"
    (folder / "instances/a0.yaml").write_text(text)
    return load([Root("own", str(folder))])


def test_a_type_without_a_price_comes_after_all_that_have_one(tmp_path):
    registries = unpriced(tmp_path)
    own = registries.instance("ml.g5.xlarge")
    assert own is not None
    found = [one.name for one in instances.alternatives(registries, own, "endpoint")]
    priced = [registries.price(name) is not None for name in found]
    assert "ml.a0.large" in found
    assert priced == sorted(priced, reverse=True)
    amounts = [price.amount for name in found if (price := registries.price(name)) is not None]
    assert amounts == sorted(amounts)


def subject(name: str, target: str = "realtime-inference") -> Subject:
    rows = Rows(instance=KNOWN.instance(name), target=KNOWN.targets[target])
    return Subject(Resolved({}, rows), KNOWN, Node({}, Mark("")))


def test_the_cheapest_larger_type_is_proposed():
    more = proposals.larger(subject("ml.g5.xlarge"), "nothing", proposals.with_devices(4))
    assert more.startswith("use ml.")
    assert more.endswith(" $/h instead of 1.41)")
    chosen = KNOWN.instance(more.split()[1])
    assert chosen is not None
    assert (chosen.accelerator_count or 0) >= 4
    assert proposals.larger(subject("ml.g5.xlarge"), "nothing", proposals.with_devices(999)) == "nothing"
    assert proposals.larger(subject("ml.g5.xlarge", "local"), "nothing") == "nothing"


def test_on_a_cluster_a_type_has_no_price_of_an_endpoint():
    assert proposals.named(subject("ml.g5.xlarge", "hyperpod-eks"), "ml.g5.8xlarge") == "ml.g5.8xlarge"
