"""mlcc: one committed mlcc.yaml becomes a container project that serves a model."""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers read it; importing it from `typing` takes longer than all else here
if TYPE_CHECKING:
    from mlcc.core.version import VERSION as __version__

__all__ = ["__version__", "api"]


def __getattr__(name: str) -> object:
    """What is imported when it is first used: `mlcc.api`, and the version."""
    if name == "__version__":
        from mlcc.core.version import VERSION

        return VERSION
    if name == "api":
        from importlib import import_module

        return import_module("mlcc.api")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
