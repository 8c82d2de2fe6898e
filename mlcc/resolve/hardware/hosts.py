"""The host of a container: its machine image (AMI), whose driver it has to use, and its devices.  Law: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.core.paths import dotted_path
from mlcc.core.values import Scalar, Source
from mlcc.core.version_order import order
from mlcc.registries.loader import Registries
from mlcc.registries.rows import Entry, Target
from mlcc.resolve.candidates import Table
from mlcc.resolve.choices import HELD, Choices
from mlcc.resolve.result import Rows

# The host that SageMaker takes where no machine image is named.
HOST = "default"


def pod_devices(target: Target | None, asked: Any) -> int | None:
    """How many devices a pod gets, on a target with pods and where it is set.  asked: hyperpod.gpu_count."""
    return int(asked) if target is not None and target.manifests and asked is not None else None


def driver_branch(driver: str) -> tuple[int, ...]:
    """A driver's branch: `535` of 535.104.05."""
    return order(driver)[:1]


def oldest_host(amis: Mapping[str, Entry], needed: str, use: str) -> str:
    """The oldest machine image for a use (`endpoint`, `transform`) whose driver is new enough; empty for none."""
    rows = [a for a in amis.values() if a.facts.get("accelerator") == "cuda" and a.facts.get("use") == use]
    new = [a for a in rows if a.name != HOST and driver_branch(str(a.facts.get("driver", ""))) >= driver_branch(needed)]
    return min(new, key=lambda a: (order(str(a.facts["driver"])), a.name)).name if new else ""


def offer_host_image(table: Table, registries: Registries, rows: Rows, choices: Choices) -> None:
    """The host that a version's image needs, where the user names none and the instance type has its accelerator.

    choices: what mlcc.lock holds stays while its driver is new enough.
    """
    target, version, instance = rows.target, rows.version, rows.instance
    if target is None or version is None or instance is None or not target.host_image:
        return
    name = str(version.accelerator.get("inference_ami_version", ""))
    amis = registries.entries("amis")
    row = amis.get(name) if instance.accelerator == version.accelerator.get("type") else None
    if row is None or row.facts.get("use") != target.instances or table.best(target.host_image) is not None:
        return
    origin = f"{version.origin} accelerator.inference_ami_version"
    if driver_branch(str(row.facts.get("driver", ""))) < driver_branch(instance.driver):
        name, origin = oldest_host(amis, instance.driver, target.instances), f"{instance.origin} driver"
    if not name:
        return
    needed = driver_branch(str(amis[name].facts.get("driver", "")))

    def offered(held: Scalar) -> bool:
        known = amis.get(str(held))
        facts = known.facts if known is not None else {}
        return facts.get("use") == target.instances and driver_branch(str(facts.get("driver", ""))) >= needed

    path = dotted_path(target.host_image)
    chosen = str(choices.choose(path, name, f"{version.name} on {instance.name}", offered))
    table.put(path, chosen, Source.FRAMEWORK, origin if chosen == name else HELD)
