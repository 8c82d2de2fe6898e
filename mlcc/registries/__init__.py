"""Curated knowledge: YAML rows as frozen records.  Law: no Python branches on a row's name.

>>> from mlcc import registries
>>> registries.load().instance("ml.m5.xlarge").vcpu
4
"""

from __future__ import annotations

from mlcc.registries.files import Root
from mlcc.registries.loader import Registries, load

__all__ = ["Registries", "Root", "load"]
