"""The identity of a deployed configuration.  Law: pure; a recipe has a version, and an old recipe stays readable.

Two deployments that share deployment config, model, instance type, region, target and the numbers of components and
adapters have the same id, in whatever project they stand.
"""

from __future__ import annotations

import hashlib

from mlcc.core.records import NamedTuple

RECIPE = 2
# Stands in the place of a model that is not named.
NO_MODEL = "none"
SHOWN = 16


class ConfigId(NamedTuple):
    """An id as records keep it.

    short: the first 16 hexadecimal digits, which people and tables use; full: the whole SHA-256, which tells two
    configurations apart whose short ids are equal; five_fields: the short id of recipe 1, which old tables hold.
    """

    short: str
    full: str
    five_fields: str


def config_id(
    config: str, model: str, instance: str, region: str, target: str, components: int = 0, adapters: int = 0
) -> ConfigId:
    """The id of a configuration.

    components, adapters: how many are deployed, counted before any list is cut.

    >>> config_id("transformers-vllm", "Qwen/Qwen3-4B", "ml.g5.xlarge", "us-west-2", "realtime-inference", 1).short
    '02e81c36e264fb46'
    """
    five = ":".join((config, model or NO_MODEL, instance, region, target))
    full = _digest(f"{five}:{components}:{adapters}")
    return ConfigId(full[:SHOWN], full, _digest(five)[:SHOWN])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
