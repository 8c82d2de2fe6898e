"""What AWS enumerates is enumerated here: a wrong word is a finding before a call is made.

The walk is over the service models that are installed: a member that a newer one adds fails, until a key has it or
service_enums.yaml says why none has.
"""

from __future__ import annotations

import fnmatch
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml

from mlcc.core.paths import Item, parse_path
from mlcc.io.schema import keys
from mlcc.lifecycle.targets.sagemaker.bodies import scaling
from mlcc.registries.loader import load
from tests.helpers import build_tree

DATA: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "service_enums.yaml").read_text())
KNOWN = load()


def _below(shape: Any, path: tuple[str, ...], above: frozenset[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    if shape.name in above:
        return
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield from _below(member, (*path, name), above | {shape.name})
    elif shape.type_name == "list":
        yield from _below(shape.member, (*path, "[]"), above)
    elif getattr(shape, "enum", None):
        yield ".".join(path), tuple(shape.enum)


@functools.cache
def members() -> dict[str, tuple[str, ...]]:
    """The words of every enumerated member, by operation and path."""
    session, found = botocore.session.get_session(), {}
    for service, operations in DATA["operations"].items():
        model = session.get_service_model(service)
        for operation in operations:
            shape = model.operation_model(operation).input_shape
            found |= {f"{operation} {path}": words for path, words in _below(shape, (), frozenset())}
    return found


def matches(pattern: str, member: str) -> bool:
    """Whether a pattern is a member's; a bracket stands for itself."""
    return fnmatch.fnmatchcase(member, pattern.replace("[", "[[]"))


def test_every_member_is_covered_or_has_a_reason():
    listed = {**DATA["keys"], **DATA["ours"], **DATA["left"]}
    missing = [member for member in members() if not any(matches(pattern, member) for pattern in listed)]
    assert not missing, f"no key has the words of {missing}"


@pytest.mark.parametrize("kind", ["keys", "ours", "left"])
def test_every_line_is_about_something(kind):
    assert not [pattern for pattern in DATA[kind] if not any(matches(pattern, member) for member in members())]
    both = [m for m in members() if sum(any(matches(p, m) for p in DATA[k]) for k in ("keys", "ours")) > 1]
    assert not both


def property_of(name: str) -> keys.Property:
    path = tuple("[]" if isinstance(s, Item) else s for s in parse_path(name.replace("[]", "[x]")) or ())
    found = keys.index().get(path)
    assert found is not None, name
    return found


def words_of(name: str) -> set[str]:
    """The words that a key's schema lists."""
    schema = property_of(name).schema
    return {word for form in (schema, *schema.get("anyOf", ())) for word in form.get("enum", ())}


@pytest.mark.parametrize("member", DATA["keys"])
def test_a_key_has_the_words_of_its_member(member):
    line, without = DATA["keys"][member], DATA["keys"][member].get("without", {})
    wanted = {
        word
        for word in members()[member]
        if fnmatch.fnmatchcase(word, line.get("only", "*")) and not any(fnmatch.fnmatchcase(word, w) for w in without)
    }
    unused = [w for w in without if not any(fnmatch.fnmatchcase(word, w) for word in members()[member])]
    assert not unused, "the service does not know them any more"
    if "rows" in line:  # a type that the target does not offer is a finding (MLCC108, MLCC109)
        assert {name for name, row in KNOWN.instances.items() if getattr(row, line["rows"])} == wanted
        return
    for key in (line["key"], *line.get("also", ())):
        assert words_of(key) == wanted, key


# ---------------------------------------------------------------- scaling.metric
METRICS = "PutScalingPolicy TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification.PredefinedMetricType"
TEXT = """version: 1
project: {name: iris}
deployment: {config: http-fastapi, target: TARGET, region: us-east-1}
scaling: {max_count: 2, metric: METRIC}
"""
ASYNC = "async: {s3_output_path: s3://bucket/out/}\n"


def test_targets_know_metrics_of_the_service():
    known = {word for word in members()[METRICS] if word.startswith("SageMaker")}
    assert set(scaling.PREDEFINED) == known
    of_targets = {metric for target in KNOWN.targets.values() for metric in target.predefined_metrics}
    assert of_targets == words_of("scaling.metric")


def codes(mlcc: Any, target: str, metric: str) -> str:
    text = TEXT.replace("TARGET", target).replace("METRIC", metric) + (ASYNC if target == "async-inference" else "")
    build_tree(".", {"mlcc.yaml": text})
    result = mlcc("validate")
    printed: str = result.stdout + result.stderr
    return printed


@pytest.mark.parametrize("metric", sorted(words_of("scaling.metric")))
@pytest.mark.parametrize("target", ["realtime-inference", "async-inference"])
def test_a_predefined_metric_is_one_of_what_scales_on_the_target(mlcc, target, metric):
    fits = metric in KNOWN.targets[target].predefined_metrics
    assert ("MLCC128" in codes(mlcc, target, metric)) is not fits


def test_a_name_that_is_nearly_predefined_is_no_metric_of_one_s_own(mlcc):
    printed = codes(mlcc, "realtime-inference", "SageMakerInferenceComponentInvocationsPerCpy")
    assert "MLCC022" in printed
    assert "did you mean SageMakerInferenceComponentInvocationsPerCopy?" in printed
    assert "MLCC022" in codes(mlcc, "realtime-inference", "SageMakerVariantProvisionedConcurrencyUtilization")


@pytest.mark.parametrize("target", ["realtime-inference", "async-inference"])
def test_a_metric_of_cloudwatch_stays_possible(mlcc, target):
    assert "nothing wrong" in codes(mlcc, target, "ModelLatency")
