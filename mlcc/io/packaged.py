"""Packaged files: schemas, registries, cookiecutters, examples.  Law: the one place that knows where they are.

They live below mlcc/data, which in a checkout are links to the folders at the top, and in a wheel holds copies.
"""

from __future__ import annotations

import functools
import json
import os
from typing import Any

DATA = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data")


def path(*parts: str) -> str:
    """The absolute path of a packaged file or folder."""
    return os.path.join(DATA, *parts)


def read(*parts: str) -> bytes:
    """The bytes of a packaged file."""
    with open(path(*parts), "rb") as stream:
        return stream.read()


@functools.cache
def schema(name: str) -> dict[str, Any]:
    """A packaged JSON Schema by its name, without the suffix: `mlcc`, `lock`, `instances` ..."""
    document: dict[str, Any] = json.loads(read("schemas", f"{name}.schema.json"))
    return document
