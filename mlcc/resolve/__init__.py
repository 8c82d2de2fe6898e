"""Config and registries to one value for each leaf, with its source.  Law: pure."""

from __future__ import annotations
