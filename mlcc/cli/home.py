"""Where mlcc keeps what is its own on a machine."""

from __future__ import annotations

import os
from collections.abc import Mapping


def home_folder(environ: Mapping[str, str]) -> str:
    """mlcc's own folder: $MLCC_HOME, else ~/.mlcc.  Not made before it is needed."""
    return environ.get("MLCC_HOME") or os.path.join(os.path.expanduser("~"), ".mlcc")


def older_config() -> str:
    """Where the older tool keeps its profiles, which `mlcc bootstrap import` reads."""
    return os.path.join(os.path.expanduser("~"), ".ml-container-creator", "config.json")
