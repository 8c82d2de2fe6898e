"""Ids of configurations: known values, and that no two configurations share a text."""

from __future__ import annotations

import itertools
import random

import pytest

from mlcc.lifecycle.deployments.config_ids import config_id

LLAMA = ("transformers-vllm", "meta-llama/Llama-2-7b-chat-hf", "ml.g5.xlarge", "us-east-1", "managed-inference")
QWEN = ("transformers-vllm", "Qwen/Qwen3-4B", "ml.g5.xlarge", "us-west-2", "realtime-inference")


@pytest.mark.parametrize(("fields", "five"), [(LLAMA, "27d99a90e91450da"), (QWEN, "9586bf351b64c95f")])
def test_five_fields_are_those_of_older_tables(fields: tuple[str, ...], five: str) -> None:
    assert config_id(*fields).five_fields == five  # type: ignore[arg-type]


def test_seven_fields() -> None:
    found = config_id(*QWEN, 1, 0)  # type: ignore[arg-type]
    assert found.short == "02e81c36e264fb46" == found.full[:16]
    assert config_id("http-flask", "", "i", "r", "t") == config_id("http-flask", "none", "i", "r", "t")


def test_no_two_configurations_share_an_id() -> None:
    """Models may hold colons and slashes; the other fields hold neither, so that the whole can be taken apart."""
    chance = random.Random(1)
    models = ["", "a", "a:b", "a:b:c", "s3://bucket/a:b/", "x:ml.g5.xlarge:us-east-1", "1:0", ":", "::"]
    models += ["".join(chance.choices("ab:/", k=chance.randint(1, 8))) for _ in range(2000)]
    others = itertools.product(
        ("http-flask", "triton-fil"), ("ml.m5.large", "ml.g5.xlarge"), ("us-east-1",), ("local", "batch-transform")
    )
    rest = list(others)
    seen: dict[str, tuple[object, ...]] = {}
    for model, (config, instance, region, target), count in itertools.product(dict.fromkeys(models), rest, (0, 1)):
        fields = (config, model or "none", instance, region, target, count, 1 - count)
        found = config_id(config, model, instance, region, target, count, 1 - count).full
        assert seen.setdefault(found, fields) == fields
    assert len(seen) > 10_000
