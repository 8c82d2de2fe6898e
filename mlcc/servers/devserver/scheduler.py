"""Where copies of components fit.  Law: devices, processors and memory of an instance are the registry's facts.

A copy lies on one instance.  What of an instance's memory components may take is measured for one type; for the others
the whole is assumed, which is more than the service gives (`Rules.whole_memory_is_schedulable`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.servers.devserver.things import Account, Thing

NO_ROOM = (
    "There is not enough hardware resources on the instances for this endpoint to create a copy of the inference "
    "component."
)
# The most memory in MB that is not known to be refused (Hugging Face's notes on deployments: 1024 is accepted and 4096
# refused on an instance of 16 GiB).
MEASURED: Mapping[str, int] = {"ml.g5.xlarge": 4095}


class Room(NamedTuple):
    """What an instance has, or a copy needs: devices, processors, and memory in MB."""

    devices: float
    processors: float
    memory_mb: float

    def less(self, other: Room) -> Room:
        """What is left of it."""
        return Room(*(mine - taken for mine, taken in zip(self, other, strict=True)))

    def holds(self, other: Room) -> bool:
        """Whether something fits into it."""
        return all(mine >= wanted for mine, wanted in zip(self, other, strict=True))


def needs(specification: Mapping[str, Any]) -> Room:
    """What a copy of a component needs."""
    own = specification.get("ComputeResourceRequirements", {})
    return Room(
        float(own.get("NumberOfAcceleratorDevicesRequired", 0)),
        float(own.get("NumberOfCpuCoresRequired", 0)),
        float(own.get("MinMemoryRequiredInMb", 0)),
    )


def fits(account: Account, endpoint: Thing, name: str, specification: Mapping[str, Any], copies: int) -> bool:
    """Whether so many copies of a component find room beside the others of its endpoint, on as many instances as it
    may have.  An instance type that nobody knows has room for all."""
    free = list(_instances(account, endpoint))
    if not account.rules.copies_need_room or not free:
        return True
    wanted = [needs(specification)] * copies
    for thing in account.components.values():
        if thing.request["EndpointName"] == endpoint.name and thing.name != name and thing.running:
            wanted += [needs(thing.running["Specification"])] * int(
                thing.request.get("RuntimeConfig", {}).get("CopyCount", 0)
            )
    # the largest first, each on the first instance that holds it
    for copy in sorted(wanted, reverse=True):
        for number, room in enumerate(free):
            if room.holds(copy):
                free[number] = room.less(copy)
                break
        else:
            return False
    return True


def _instances(account: Account, endpoint: Thing) -> Iterator[Room]:
    for variant in endpoint.running.get("ProductionVariants", ()):
        row = account.instance(str(variant.get("InstanceType", "")))
        if row is None or row.vcpu is None or row.memory_gib is None:
            return
        scaling = variant.get("ManagedInstanceScaling", {})
        count = max(int(variant.get("InitialInstanceCount", 1)), int(scaling.get("MaxInstanceCount", 0)))
        whole = row.memory_gib * 1024 if account.rules.whole_memory_is_schedulable else math.inf
        memory_mb = float(MEASURED.get(row.name, whole))
        yield from [Room(float(row.accelerator_count or 0), float(row.vcpu), memory_mb)] * count
