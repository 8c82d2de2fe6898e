"""Accelerators and prices, held a second time: typed from the vendors' tables, not from the registries."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

import pytest

from tests.helpers import ROOT, read_yaml

FOLDER = ROOT / "registries"
FAMILIES = {p.stem: read_yaml(p) for p in sorted((FOLDER / "instances").glob("*.yaml"))}
TYPES = {name: row for family in FAMILIES.values() for name, row in family["rows"].items()}
PRICES = read_yaml(FOLDER / "prices.yaml")


class Gpu(NamedTuple):
    """One NVIDIA family: the device, what one of them holds, and how many the sizes named have."""

    name: str
    architecture: str
    capability: str
    gib: int
    sizes: dict[str, int]


# https://aws.amazon.com/ec2/instance-types/#Accelerated_Computing and https://developer.nvidia.com/cuda-gpus
GPUS = {
    "g4dn": Gpu("T4", "Turing", "7.5", 16, {"xlarge": 1, "12xlarge": 4}),
    "g5": Gpu("A10G", "Ampere", "8.6", 24, {"xlarge": 1, "16xlarge": 1, "48xlarge": 8}),
    "g6": Gpu("L4", "Ada Lovelace", "8.9", 24, {"xlarge": 1, "24xlarge": 4}),
    "g6e": Gpu("L40S", "Ada Lovelace", "8.9", 48, {"16xlarge": 1, "48xlarge": 8}),
    "g7": Gpu("RTX PRO 4500 Blackwell", "Blackwell", "12.0", 32, {"2xlarge": 1, "48xlarge": 8}),
    "g7e": Gpu("RTX PRO 6000 Blackwell", "Blackwell", "12.0", 96, {"8xlarge": 1, "12xlarge": 2}),
    "gr6": Gpu("L4", "Ada Lovelace", "8.9", 24, {"4xlarge": 1, "8xlarge": 1}),
    "p2": Gpu("K80", "Kepler", "3.7", 12, {"xlarge": 1, "16xlarge": 16}),
    "p3": Gpu("V100", "Volta", "7.0", 16, {"2xlarge": 1, "16xlarge": 8}),
    "p4d": Gpu("A100", "Ampere", "8.0", 40, {"24xlarge": 8}),
    "p4de": Gpu("A100", "Ampere", "8.0", 80, {"24xlarge": 8}),
    "p5": Gpu("H100", "Hopper", "9.0", 80, {"4xlarge": 1, "48xlarge": 8}),
    "p5e": Gpu("H200", "Hopper", "9.0", 141, {"48xlarge": 8}),
    "p5en": Gpu("H200", "Hopper", "9.0", 141, {"48xlarge": 8}),
    "p6-b200": Gpu("B200", "Blackwell", "10.0", 179, {"48xlarge": 8}),
    "p6-b300": Gpu("B300", "Blackwell", "10.3", 268, {"48xlarge": 8}),
    "p6e-gb200": Gpu("GB200", "Blackwell", "10.0", 185, {"36xlarge": 4}),
}
# https://awsdocs-neuron.readthedocs-hosted.com, hardware guide: device, generation and number of its cores, GiB, and
# how many devices the sizes named have.
NEURON: dict[str, tuple[str, str, int, int, dict[str, int]]] = {
    "inf1": ("Inferentia", "NeuronCore-v1", 4, 8, {"2xlarge": 1, "6xlarge": 4, "24xlarge": 16}),
    "inf2": ("Inferentia2", "NeuronCore-v2", 2, 32, {"xlarge": 1, "24xlarge": 6, "48xlarge": 12}),
    "trn1": ("Trainium", "NeuronCore-v2", 2, 32, {"2xlarge": 1, "32xlarge": 16}),
    "trn1n": ("Trainium", "NeuronCore-v2", 2, 32, {"32xlarge": 16}),
    "trn2": ("Trainium2", "NeuronCore-v3", 8, 96, {"3xlarge": 1, "48xlarge": 16}),
}
# The driver branch of the CUDA toolkit that first compiles for a capability: no older branch can know the device.
# https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/ (toolkits 9.0, 10.0, 11.0, 11.1, 11.8, 12.8 and 12.9)
FIRST = {"7.0": 384, "7.5": 410, "8.0": 450, "8.6": 455, "8.9": 520, "9.0": 520, "10.0": 570, "10.3": 575, "12.0": 570}
# The first branch that names the device; absent for one whose first branch is not known.
DRIVERS = {
    "A100": "450", "A10G": "470", "B200": "570", "B300": "580", "GB200": "570", "H100": "525", "H200": "550",
    "L4": "535", "L40S": "535", "RTX PRO 4500 Blackwell": "570", "RTX PRO 6000 Blackwell": "575", "T4": "410",
    "V100": "384",
}  # fmt: skip


def device(family: str) -> dict[str, Any]:
    found: dict[str, Any] = FAMILIES[family]["accelerator"]
    return found


def counts(family: str, sizes: dict[str, int]) -> dict[str, Any]:
    return {size: FAMILIES[family]["rows"][f"ml.{family}.{size}"].get("accelerator_count") for size in sizes}


def test_every_accelerated_family_is_held_twice():
    kinds = {name: device(name)["type"] for name in FAMILIES if device(name)["type"] != "cpu"}
    assert kinds == dict.fromkeys(GPUS, "cuda") | dict.fromkeys(NEURON, "neuron") | {"dl1": "hpu"}


@pytest.mark.parametrize("family", GPUS)
def test_gpus(family):
    known, found = GPUS[family], device(family)
    shown = (found["name"], found["architecture"], found["compute_capability"], found["memory_gib"])
    assert shown == (known.name, known.architecture, known.capability, known.gib)
    assert counts(family, known.sizes) == known.sizes
    assert "neuron_cores" not in found


@pytest.mark.parametrize("family", GPUS)
def test_gpus_report_no_more_than_they_have(family):
    reported = device(family).get("reported_memory_mib")
    if reported is not None:
        assert 0.93 < reported / 1024 / GPUS[family].gib < 1.01


@pytest.mark.parametrize("family", GPUS)
def test_drivers(family):
    found = device(family)
    driver = found.get("driver")
    assert driver == DRIVERS.get(found["name"])
    if driver is not None:
        assert int(driver) >= FIRST[found["compute_capability"]], "a branch that cannot know the architecture"
        assert int(driver) <= int(found.get("last_driver", driver))


def test_only_retired_architectures_have_a_last_driver():
    found = {device(f)["architecture"]: device(f).get("last_driver") for f in GPUS}
    assert {k: v for k, v in found.items() if v} == {"Kepler": "470", "Volta": "580"}


@pytest.mark.parametrize("family", NEURON)
def test_neuron_devices(family):
    name, architecture, cores, gib, sizes = NEURON[family]
    found = device(family)
    shown = (found["name"], found["architecture"], found["neuron_cores"], found["memory_gib"])
    assert shown == (name, architecture, cores, gib)
    assert counts(family, sizes) == sizes
    assert not {"driver", "last_driver", "compute_capability"} & set(found)


def test_every_type_has_its_size():
    assert not [name for name, row in TYPES.items() if not {"vcpu", "memory_gib"} <= set(row)]
    for family, document in FAMILIES.items():
        accelerated = device(family)["type"] != "cpu"
        for name, row in document["rows"].items():
            assert ("accelerator_count" in row) == accelerated, name


# ---------------------------------------------------------------- prices
def price(name: str) -> dict[str, Any]:
    found = PRICES["rows"][name]
    header = {k: PRICES[k] for k in ("date", "source")}
    return header | (found if isinstance(found, dict) else {"usd": found})


@pytest.mark.parametrize("name", PRICES["rows"])
def test_prices_are_of_types_that_endpoints_accept(name):
    assert TYPES[name]["endpoint"], f"no endpoint runs on {name}"
    found = price(name)
    assert isinstance(found["usd"], float)
    assert 0 < found["usd"] < 1000
    assert len(found["source"]) > 8


def test_prices_say_their_day():
    days = {datetime.date.fromisoformat(price(name)["date"]) for name in PRICES["rows"]}
    assert min(days) >= datetime.date(2026, 1, 1)
    assert len(PRICES["rows"]) > 100


def test_a_larger_machine_of_a_family_is_not_cheaper():
    """Where it has at least as many of everything; four T4 on 12xlarge cost less than one on 16xlarge."""
    rows = [(name, TYPES[name], price(name)["usd"]) for name in PRICES["rows"]]
    for name, small, usd in rows:
        for other, large, more in rows:
            if name.split(".")[1] == other.split(".")[1] and all(
                large.get(k, 0) >= small.get(k, 0) for k in ("vcpu", "memory_gib", "accelerator_count")
            ):
                assert more >= usd, f"{other} costs less than {name}"


# Third copies, as AWS writes them in its pricing examples and as other lists of the same prices have them.
@pytest.mark.parametrize(
    ("name", "usd"),
    [
        ("ml.c5.xlarge", 0.204), ("ml.g4dn.xlarge", 0.7364), ("ml.g5.12xlarge", 7.09), ("ml.g5.2xlarge", 1.515),
        ("ml.g5.xlarge", 1.408), ("ml.g6.12xlarge", 5.752), ("ml.inf2.xlarge", 0.99), ("ml.m5.large", 0.115),
        ("ml.m5.xlarge", 0.23), ("ml.p4d.24xlarge", 25.25), ("ml.p5.48xlarge", 63.296), ("ml.r5.xlarge", 0.302),
    ],
)  # fmt: skip
def test_prices(name, usd):
    assert price(name)["usd"] == pytest.approx(usd, abs=0.005)
