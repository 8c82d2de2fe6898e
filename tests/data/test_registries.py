"""The registries: valid, sorted, sourced, and true to one another."""

from __future__ import annotations

import functools
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from mlcc.checks import policies, runner
from mlcc.checks.common.model_kind import WORDS
from mlcc.core.nodes import Mark, Node
from mlcc.io import packaged as resources
from mlcc.io.schema import keys, validator
from mlcc.io.yaml import reader
from mlcc.io.yaml.limits import OPERATOR_LIMITS
from mlcc.lifecycle import STEPS
from mlcc.load import document as config
from mlcc.registries.files import Root, document
from mlcc.registries.loader import Registries, builtin, load
from mlcc.registries.match import Matcher
from mlcc.registries.parse import SCHEMAS
from mlcc.registries.rows import (
    VALIDATION_LEVELS,
    Architecture,
    DeploymentConfig,
    Framework,
    FrameworkVersion,
    Instance,
    Model,
    Region,
    Row,
    Target,
)
from mlcc.render.layers import layer_info
from tests.helpers import ROOT, read_yaml

FOLDER = ROOT / "registries"
FILES = sorted(p.relative_to(FOLDER).as_posix() for p in FOLDER.rglob("*.yaml"))
CHECKED = Root("builtin", str(FOLDER), validate=True)
KNOWN: Registries = load()
SECTIONS = set(validator.load_schema("mlcc")["properties"])


@functools.cache
def plain(name: str) -> dict[str, Any]:
    return dict(read_yaml(FOLDER / name))


# ---------------------------------------------------------------- files
@pytest.mark.parametrize("name", FILES)
def test_every_file_is_valid_and_both_parsers_read_it_alike(name):
    """Checked as a stranger's would be, which raises with every finding; each text, style and place (docs/adr/0021)."""
    slow = document(CHECKED, name)
    assert slow.value
    assert plain(name)["version"] == 1
    assert plain(name)["kind"] in SCHEMAS
    assert sys.implementation.name != "cpython" or importlib.util.find_spec("_ruamel_yaml") is not None
    fast = reader.load_yaml((FOLDER / name).read_bytes(), slow.mark.file, OPERATOR_LIMITS, packaged=True)
    assert not fast.findings
    for one, other in zip(_nodes(slow), _nodes(fast.root), strict=True):
        places = [(n.mark, n.text, n.style, n.end, n.keys, n.is_map or n.is_list or n.value) for n in (one, other)]
        assert places[0] == places[1]


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_where_its_kind_belongs(name):
    kind = plain(name)["kind"]
    place = {
        "framework": f"frameworks/{plain(name).get('name')}.yaml",
        "options": f"options/{plain(name).get('name')}.yaml",
        "instances": f"instances/{plain(name).get('family')}.yaml",
    }
    assert name == place.get(kind, f"{kind}.yaml") or (kind == "models" and name.startswith("models/"))


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_formatted(name):
    text = (FOLDER / name).read_text()
    lines = text.splitlines()
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "\t" not in text
    assert "\r" not in text
    assert not [n for n, line in enumerate(lines, 1) if line != line.rstrip()], "blanks at the end of a line"
    assert not [n for n, line in enumerate(lines, 1) if len(line) > 200], "a long line"
    assert not [n for n, line in enumerate(lines, 1) if (len(line) - len(line.lstrip(" "))) % 2], "an odd indentation"
    assert lines[0] == "version: 1"
    assert lines[1].startswith("kind: ")


FAMILY_SIZES = ["nano", "micro", "small", "medium", "large", "xlarge"]


def size(name: str) -> tuple[float, str]:
    """How large an instance type is, within its family."""
    word = name.rpartition(".")[2]
    found = re.match(r"([0-9]+)xlarge", word)
    metal = re.match(r"metal(?:-([0-9]+)xl)?", word)
    if found:
        return int(found[1]), word
    if metal:
        return 1000 + int(metal[1] or 0), word
    return FAMILY_SIZES.index(word.partition("-")[0]) / 10 - 1, word


def tables() -> Iterator[tuple[str, list[str]]]:
    for name in FILES:
        rows = plain(name).get("rows")
        if isinstance(rows, dict):
            yield name, list(rows)


TABLES = list(tables())


@pytest.mark.parametrize(("name", "rows"), TABLES, ids=[t[0] for t in TABLES])
def test_rows_are_sorted(name, rows):
    assert rows
    if name.startswith("instances/"):
        assert rows == sorted(rows, key=size)
    elif name == "regions.yaml":
        partitions = list(plain(name)["partitions"])
        order = {r: (partitions.index(plain(name)["rows"][r]["partition"]), r) for r in rows}
        assert rows == sorted(rows, key=order.__getitem__)
    else:
        assert rows == sorted(rows)


# ---------------------------------------------------------------- sources
def rows() -> list[tuple[str, Row]]:
    found: list[tuple[str, Row]] = []
    for table in ("architectures", "deployment_configs", "targets", "regions", "models", "instances"):
        found += [(f"{table} {name}", row) for name, row in getattr(KNOWN, table).items()]
    found += [(f"frameworks {f.name} {v.name}", v) for f in KNOWN.frameworks.values() for v in f.versions.values()]
    return found


ROWS = rows()


def test_every_row_says_where_its_facts_come_from():
    assert len(ROWS) > 300
    assert not [name for name, row in ROWS if len(row.source) < 8]
    assert not [name for name, row in ROWS if re.search(r"(?i)todo|fixme|tbd|example\.com", row.source)]


def test_every_row_knows_its_file_and_line():
    assert not [name for name, row in ROWS if not re.fullmatch(r"builtin:[a-z0-9_/.-]+\.yaml:[0-9]+", row.origin)]


def test_levels_are_known_and_tested_needs_evidence():
    for name, row in ROWS:
        assert row.validation_level in VALIDATION_LEVELS
        if row.validation_level == "tested":
            assert getattr(row, "evidence", None), f"{name} is called tested, and nothing shows it"


def test_aliases_are_unique_and_no_row_s_own_name():
    for table in ("deployment_configs", "targets", "architectures"):
        found = getattr(KNOWN, table)
        names = [*found, *(a for row in found.values() for a in row.aliases)]
        assert len(names) == len(set(names)), table


# ---------------------------------------------------------------- level 8
def partial_documents() -> list[tuple[str, Node]]:
    found = [(name, row.defaults) for name, row in ROWS]
    for framework in KNOWN.frameworks.values():
        for version in framework.versions.values():
            found += [(f"{framework.name} {version.name} {p.name}", p.defaults) for p in version.profiles.values()]
    for model in KNOWN.models.values():
        found += [(f"{model.name} {p.name}", p.defaults) for p in model.profiles.values()]
    return [(name, node) for name, node in found if node.value]


DEFAULTS = partial_documents()


@pytest.mark.parametrize(("name", "node"), DEFAULTS, ids=[d[0] for d in DEFAULTS])
def test_defaults_are_valid_pieces_of_mlcc_yaml(name, node):
    found = config.check_tree(node, name, partial=True, overlays=False)
    assert found.ok, found.findings


# ---------------------------------------------------------------- rows among themselves
@pytest.mark.parametrize("name", KNOWN.deployment_configs)
def test_deployment_configs(name):
    row = KNOWN.deployment_configs[name]
    architecture = KNOWN.architectures[row.architecture]
    assert name == f"{row.architecture}-{row.backend}"
    assert re.search(keys.index()[("deployment", "config")].schema["pattern"], name)
    assert row.description.endswith(".")
    for framework in row.frameworks:
        found = KNOWN.framework(framework)
        assert found is not None, f"{name} serves {framework}, which no file describes"
        assert found.versions
    assert list(row.frameworks) == sorted(row.frameworks)
    for requirement in row.requirements:
        assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*(\[[a-z,]+\])?==[0-9][0-9A-Za-z.+!]*", requirement), requirement
    assert list(row.requirements) == sorted(row.requirements)
    for package in row.system_packages:
        assert "=" in package, package
    rules = layer_info(resources.path("cookiecutters", *architecture.layer.split("/"))).files
    assert set(row.files) <= {f for f, rule in rules.items() if rule.optional}
    backends = ROOT / "cookiecutters" / architecture.layer / "templates" / "backends"
    assert not backends.is_dir() or list(backends.glob(f"{row.backend}*")), f"no partial for {row.backend}"


def test_every_optional_file_belongs_to_a_config():
    for architecture in KNOWN.architectures.values():
        rules = layer_info(resources.path("cookiecutters", *architecture.layer.split("/"))).files
        used = {f for c in KNOWN.deployment_configs.values() if c.architecture == architecture.name for f in c.files}
        assert {f for f, rule in rules.items() if rule.optional} == used


def test_every_partial_belongs_to_a_config():
    for architecture in KNOWN.architectures.values():
        backends = {c.backend for c in KNOWN.deployment_configs.values() if c.architecture == architecture.name}
        for file in (ROOT / "cookiecutters" / architecture.layer / "templates" / "backends").glob("*"):
            assert any(file.name.startswith((f"{b}_", f"{b}.")) for b in backends), file.name


@pytest.mark.parametrize("name", KNOWN.architectures)
def test_architectures(name):
    row = KNOWN.architectures[name]
    assert (ROOT / "cookiecutters" / row.layer / "cookiecutter.json").is_file()
    assert set(row.uses) <= SECTIONS
    assert set(row.steps) <= set(STEPS)
    assert list(row.steps) == sorted(row.steps)
    assert set(row.model_kinds) <= set(WORDS)
    assert [c for c in KNOWN.deployment_configs.values() if c.architecture == name]
    assert {"port", "ping", "invocations"} <= set(row.container)


@pytest.mark.parametrize("name", KNOWN.targets)
def test_targets(name):
    row = KNOWN.targets[name]
    pattern = keys.index()[("deployment", "target")].schema["pattern"]
    assert all(re.match(pattern, each) for each in (name, *row.aliases))
    assert set(row.uses) <= SECTIONS
    assert row.instances in ("", "endpoint", "transform", "hyperpod")
    assert row.description.endswith(".")
    if row.layer:
        assert (ROOT / "cookiecutters" / row.layer / "cookiecutter.json").is_file()


def version_key(name: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"[0-9]+", name))


@pytest.mark.parametrize("name", KNOWN.frameworks)
def test_frameworks(name):
    row = KNOWN.frameworks[name]
    assert [c for c in KNOWN.deployment_configs.values() if name in c.frameworks], "no config serves it"
    forms = keys.index()[("model", "format")].schema["enum"]
    assert set(row.formats) <= set(forms)
    assert row.default_format in row.formats or not row.formats
    assert list(row.versions) == sorted(row.versions, key=version_key, reverse=True), "newest first"
    for version in row.versions.values():
        assert re.search(keys.index()[("framework", "version")].schema["pattern"], version.name)
        for requirement in (*version.requirements, *version.sample_requirements):
            assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*(\[[a-z,]+\])?==[0-9][0-9A-Za-z.+!]*", requirement), requirement
        image = version.defaults.get("framework", "base_image")
        assert image is not None, f"{name} {version.name} names no base image"
        assert re.search(r":[a-z-]*v?[0-9]", image.value), f"{image.value} floats"
        assert "latest" not in image.value


@pytest.mark.parametrize("family", sorted({i.family for i in KNOWN.instances.values()}))
def test_instance_families(family):
    found = [i for i in KNOWN.instances.values() if i.family == family]
    for row in found:
        assert row.name.startswith(f"ml.{family}.")
        assert KNOWN.instance(row.name) == row, "a look-up of one reads the same row"
        assert row.platform in ("linux/amd64", "linux/arm64")
        assert row.accelerator in ("cpu", "cuda", "neuron", "rocm", "hpu")
        assert (row.accelerator != "cpu") == bool(row.accelerator_name)
        assert row.accelerator != "cpu" or not row.accelerator_count
        assert row.vcpu is None or row.vcpu > 0
    known = [(size(i.name), i.vcpu) for i in found if i.vcpu]
    assert [v for _, v in sorted(known)] == sorted(v for _, v in known), "a larger size has at least as many vCPUs"


# ---------------------------------------------------------------- facts that AWS publishes, held a second time
GRAVITON = re.compile(r"(?:c|g|hpc|i|im|is|m|r|t|x)[0-9]+g(?:b|d|en|n)?")
# Machines with a processor of Arm's that is not Graviton (NVIDIA Grace).
GRACE = {"p6e-gb200"}
VCPU = {"ml.c4.8xlarge": 36, "ml.t2.medium": 2, "ml.t3.medium": 2}
# GiB for each vCPU, by the family's first letters; the longest that fits counts.
GIB_PER_VCPU = {
    "c": 2, "c4": 1.875, "c5n": 2.625, "dl1": 8, "g": 4, "g6e": 8, "g7e": 8, "gr6": 8, "i3en": 8, "inf1": 2, "inf2": 4,
    "m": 4, "p2": 15.25, "p3": 7.625, "p4d": 12, "p5": 32 / 3, "p6-b200": 32 / 3, "p6-b300": 64 / 3, "p6e": 20 / 3,
    "r": 8, "t2": 4, "t3": 4, "trn1": 4, "trn2": 32 / 3,
}  # fmt: skip
GIB = {
    "ml.c4.8xlarge": 60, "ml.c5n.18xlarge": 192, "ml.c5n.9xlarge": 96, "ml.g7e.12xlarge": 512, "ml.g7e.24xlarge": 1024,
    "ml.g7e.48xlarge": 2048, "ml.p2.16xlarge": 732, "ml.p5.4xlarge": 256, "ml.t2.large": 8, "ml.t2.medium": 4,
    "ml.t3.large": 8, "ml.t3.medium": 4,
}  # fmt: skip
# Kind, GiB and compute capability of a device.
DEVICES = {
    "A100": ("cuda", {"p4d": 40, "p4de": 80}, "8.0"),
    "A10G": ("cuda", 24, "8.6"),
    "B200": ("cuda", 179, "10.0"),
    "B300": ("cuda", 268, "10.3"),
    "GB200": ("cuda", 185, "10.0"),
    "Gaudi": ("hpu", 32, ""),
    "H100": ("cuda", 80, "9.0"),
    "H200": ("cuda", 141, "9.0"),
    "Inferentia": ("neuron", 8, ""),
    "Inferentia2": ("neuron", 32, ""),
    "K80": ("cuda", 12, "3.7"),
    "L4": ("cuda", 24, "8.9"),
    "L40S": ("cuda", 48, "8.9"),
    "RTX PRO 4500 Blackwell": ("cuda", 32, "12.0"),
    "RTX PRO 6000 Blackwell": ("cuda", 96, "12.0"),
    "T4": ("cuda", 16, "7.5"),
    "Trainium": ("neuron", 32, ""),
    "Trainium2": ("neuron", 96, ""),
    "V100": ("cuda", 16, "7.0"),
}
# How many devices a machine has where it is not one.
DEVICE_COUNTS = {
    "dl1.24xlarge": 8, "g4dn.12xlarge": 4, "g5.12xlarge": 4, "g5.24xlarge": 4, "g5.48xlarge": 8, "g6.12xlarge": 4,
    "g6.24xlarge": 4, "g6.48xlarge": 8, "g6e.12xlarge": 4, "g6e.24xlarge": 4, "g6e.48xlarge": 8, "g7.12xlarge": 2,
    "g7.24xlarge": 4, "g7.48xlarge": 8, "g7e.12xlarge": 2, "g7e.24xlarge": 4, "g7e.48xlarge": 8, "inf1.24xlarge": 16,
    "inf1.6xlarge": 4, "inf2.24xlarge": 6, "inf2.48xlarge": 12, "p2.16xlarge": 16, "p2.8xlarge": 8, "p3.16xlarge": 8,
    "p3.8xlarge": 4, "p4d.24xlarge": 8, "p4de.24xlarge": 8, "p5.48xlarge": 8, "p5e.48xlarge": 8, "p5en.48xlarge": 8,
    "p6-b200.48xlarge": 8, "p6-b300.48xlarge": 8, "p6e-gb200.36xlarge": 4, "trn1.32xlarge": 16, "trn1n.32xlarge": 16,
    "trn2.48xlarge": 16,
}  # fmt: skip


def vcpus(name: str) -> int:
    """Four for each `xlarge`, two for `large`, one for `medium`."""
    word = name.rpartition(".")[2]
    return VCPU.get(name) or {"medium": 1, "large": 2}.get(word) or 4 * int(word.removesuffix("xlarge") or 1)


def gib(name: str, family: str) -> float:
    known = max((f for f in GIB_PER_VCPU if family.startswith(f)), key=len)
    return GIB.get(name) or vcpus(name) * GIB_PER_VCPU[known]


@pytest.mark.parametrize("family", sorted({i.family for i in KNOWN.instances.values()}))
def test_facts_of_instances(family):
    for row in (i for i in KNOWN.instances.values() if i.family == family):
        if row.vcpu is not None:
            assert (row.name, row.vcpu) == (row.name, vcpus(row.name))
        if row.memory_gib is not None:
            assert (row.name, row.memory_gib) == (row.name, pytest.approx(gib(row.name, family)))
        arm = family in GRACE or bool(GRAVITON.fullmatch(family))
        assert (row.name, row.platform) == (row.name, "linux/arm64" if arm else "linux/amd64")
        if row.accelerator == "cpu":
            assert not re.match(r"dl|g[0-9r]|inf|p[0-9]|trn", family), f"{family} has an accelerator"
            continue
        kind, memory, capability = DEVICES[row.accelerator_name]
        memory = memory[family] if isinstance(memory, dict) else memory
        found = (row.accelerator, row.accelerator_memory_gib, row.compute_capability, row.accelerator_count)
        expected = (kind, memory, capability, DEVICE_COUNTS.get(row.name.removeprefix("ml."), 1))
        assert (row.name, *found) == (row.name, *expected)


@pytest.mark.parametrize("name", ["m7g", "c6gd", "c6gn", "r8g", "t4g", "im4gn", "is4gen", "x2gd", "g5g", "hpc7g"])
def test_names_of_graviton_families(name):
    assert GRAVITON.fullmatch(name)


@pytest.mark.parametrize("name", ["g5", "g4dn", "gr6", "c6i", "c6in", "m5d", "i3en", "p4de", "dl1", "trn1n", "c8a"])
def test_names_of_other_families(name):
    assert not GRAVITON.fullmatch(name)


def test_regions():
    partitions = plain("regions.yaml")["partitions"]
    for row in KNOWN.regions.values():
        assert row.partition in partitions
        assert row.dns_suffix == partitions[row.partition]["dns_suffix"]
        assert row.title
    assert {r.partition for r in KNOWN.regions.values()} == set(partitions), "a partition without a region"


def test_model_patterns_are_not_ambiguous():
    assert list(Matcher(KNOWN.models).ambiguous()) == []


def test_names_from_the_outside_are_looked_up():
    assert KNOWN.canonical("targets", "managed-inference") == ("realtime-inference", True)
    assert KNOWN.canonical("targets", "nope") == ("nope", False)
    assert KNOWN.instance("nope") is None
    assert KNOWN.framework("nope") is None


def test_digests_depend_on_names_and_bytes(tmp_path):
    (tmp_path / "a.yaml").write_text("x")
    one = Registries([Root("r", str(tmp_path))]).digests()
    (tmp_path / "a.yaml").rename(tmp_path / "b.yaml")
    two = Registries([Root("r", str(tmp_path))]).digests()
    (tmp_path / "b.yaml").write_text("y")
    three = Registries([Root("r", str(tmp_path))]).digests()
    assert len({one["r"], two["r"], three["r"]}) == 3


def test_instances_and_regions_are_those_of_botocore():
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "instances.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


RECORDS = (Architecture, DeploymentConfig, Target, FrameworkVersion, Framework, Model, Instance, Region)


@pytest.mark.parametrize("record", RECORDS)
def test_every_record_begins_with_what_every_row_has(record):
    shared = ("name", "origin", "title", "source", "validation_level", "aliases", "defaults")
    assert record._fields[: len(shared)] == shared
    assert record("a", "b")[: len(shared)] == ("a", "b", "", "", "unknown", (), Node({}, Mark("")))


@pytest.mark.parametrize("name", KNOWN.deployment_configs)
def test_a_config_read_alone_is_the_row_of_the_table(name):
    """Its lines, too: findings name them."""
    alone = Registries((builtin(),)).config(name)
    assert alone == KNOWN.deployment_configs[name]
    assert alone.defaults.mark == KNOWN.deployment_configs[name].defaults.mark
    assert Registries((builtin(),)).architecture(alone.architecture) == KNOWN.architectures[alone.architecture]


@pytest.mark.parametrize("name", ["", "rows", "http", "http-flask:", "title", "  http-flask", "x\ny", "triton-onnx"])
def test_what_is_no_config_has_no_row(name):
    assert Registries((builtin(),)).config(name) is None


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.value.values() if node.is_map else node.value if node.is_list else ():
        yield from _nodes(child)


# ---------------------------------------------------------------- known issues
ISSUES = [
    (f"{owner} {issue['id']}", issue)
    for owner, row in (
        *((f"{f.name} {v.name}", v) for f in load().frameworks.values() for v in f.versions.values()),
        *load().models.items(),
    )
    for issue in row.known_issues
]


def test_there_are_issues_of_every_kind():
    assert {key for _, issue in ISSUES for key in issue} >= {"when", "unless", "checked_by", "accelerators", "engines"}


@pytest.mark.parametrize(("name", "issue"), ISSUES, ids=[n for n, _ in ISSUES])
def test_an_issue_speaks_of_paths_that_exist_and_of_checks_that_are_there(name, issue):
    for path in (*issue.get("when", ()), *issue.get("unless", ())):
        assert policies.exists(path), path
    assert issue.get("checked_by", "MLCC141") in runner.built_in()
