"""mlcc: one committed mlcc.yaml becomes a container project that serves a model."""

from __future__ import annotations

from mlcc.core.version import VERSION as __version__

__all__ = ["__version__", "api"]


def __getattr__(name: str) -> object:
    """`import mlcc; mlcc.api.read(...)` imports the pipeline when it is first used."""
    if name == "api":
        from importlib import import_module

        return import_module("mlcc.api")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
