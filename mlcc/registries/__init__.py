"""Curated knowledge: YAML rows as frozen records.  Law: no Python branches on a row's name.

>>> from mlcc import registries
>>> registries.load().instance("ml.m5.xlarge").vcpu
4
"""

from mlcc.registries.load import Registries, load
from mlcc.registries.read import Root

__all__ = ["Registries", "Root", "load"]
