"""mlcc: one committed mlcc.yaml becomes a container project that serves a model."""

from mlcc._version import VERSION as __version__

__all__ = ["__version__"]
