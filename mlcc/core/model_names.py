"""What kind of place a model's name names."""

from __future__ import annotations

KINDS = (("./", "path"), ("s3://", "s3"), ("jumpstart://", "jumpstart"), ("registry://", "registry"))


def kind(name: str) -> str:
    """What a model name names: path, s3, jumpstart, registry or hub."""
    return next((k for start, k in KINDS if name.startswith(start)), "hub")
