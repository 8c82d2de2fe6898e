"""Which instance type holds a model.  Law: pure; `fit` does the sums, here they meet the registries' instances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc import fit
from mlcc.fit import Device, Fit, Wanted
from mlcc.registries.load import Registries
from mlcc.registries.types import Instance

MIB_PER_GIB = 1024


def device(instance: Instance) -> Device | None:
    """One CUDA device of an instance type, with the memory that programs may use; None where that is not known."""
    if instance.accelerator != "cuda" or not instance.accelerator_count:
        return None
    reported = instance.reported_memory_mib
    whole = reported / MIB_PER_GIB if reported else instance.accelerator_memory_gib
    return Device(instance.accelerator_name, whole * fit.USABLE) if whole else None


def solve(facts: Mapping[str, Any], instance: Instance, wanted: Wanted) -> Fit | None:
    """The sum for a model on an instance type, or None where the device's memory is not known."""
    found = device(instance)
    return fit.solve(facts, found, wanted) if found is not None else None


def smallest(
    registries: Registries, facts: Mapping[str, Any], wanted: Wanted, offered: str = "", tight: bool = False
) -> Instance | None:
    """The cheapest instance type that holds a model which is split over all its devices.

    offered: the list that it must be on (`endpoint`, `transform`, `hyperpod`), empty for any; tight: room for a few
    callers is enough.  Types without a known price come after those with one, by their devices' memory.
    """
    enough = (fit.FITS, fit.TIGHT) if tight else (fit.FITS,)
    rows = []
    for row in registries.instances.values():
        count = row.accelerator_count or 0
        one = device(row)
        if one is None or (offered and not getattr(row, offered)):
            continue
        if int(facts.get("attention_heads", count)) % count:
            continue  # attention heads are divided among the devices
        if fit.solve(facts, one, wanted._replace(tensor_parallel=count)).verdict in enough:
            price = registries.price(row.name)
            rows.append((price is None, price.amount if price else one.memory_gib * count, row.name))
    return registries.instances[min(rows)[2]] if rows else None
