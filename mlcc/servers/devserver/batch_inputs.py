"""Which objects a transform job reads, and what their outputs are called.  Law: what is named is there, or fails.

Source: TransformS3DataSource and TransformOutput in AWS's API reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.core.json_data import read_json
from mlcc.core.records import NamedTuple
from mlcc.core.text import quoted
from mlcc.servers.devserver.batch import MANIFEST, Spoilt
from mlcc.servers.devserver.objects import MOST, Objects

# Of a manifest.
MAX_BYTES, S3 = 64 << 20, "s3://"


class Input(NamedTuple):
    """An object, and its name below the place of outputs, without the suffix."""

    uri: str
    name: str


def inputs(objects: Objects, source: Mapping[str, Any], keys_name_outputs: bool = True) -> list[Input]:
    """The objects of a job, in order.  source: its S3DataSource; keys_name_outputs: see `Rules`.

    Raises Spoilt where there are none or a manifest cannot be read, and Unavailable.
    """
    place = str(source["S3Uri"])
    if source["S3DataType"] == MANIFEST:
        return _listed(objects, place, keys_name_outputs)
    # what follows the last folder that the prefix names
    found = [Input(uri, uri[place.rfind("/") + 1 :]) for uri in objects.below(place)]
    if not found:
        raise Spoilt(f"no objects are below {place}")
    return found


def _listed(objects: Objects, place: str, keys_name_outputs: bool) -> list[Input]:
    """The objects of a manifest: a prefix, and keys that follow it."""
    data = objects.read(place)
    if data is None:
        raise Spoilt(f"{place}: there is no such manifest")
    try:
        document = read_json(data) if len(data) <= MAX_BYTES else None
    except ValueError as problem:
        raise Spoilt(f"{place}: the manifest is no JSON: {problem}") from None
    if not isinstance(document, list) or len(document) < 2 or len(document) > MOST:
        raise Spoilt(f"{place}: a manifest is a list of a prefix and at least one key, {MOST} elements at most")
    head, *keys = document
    prefix = head.get("prefix") if isinstance(head, dict) and len(head) == 1 else None
    if not isinstance(prefix, str) or not prefix.startswith(S3):
        raise Spoilt(f'{place}: a manifest begins with {{"prefix": "{S3}..."}}')
    for key in keys:
        if not isinstance(key, str) or not key:
            raise Spoilt(f"{place}: {quoted(str(key))} is no key")
    return [Input(prefix + key, key if keys_name_outputs else key.rpartition("/")[2]) for key in keys]
