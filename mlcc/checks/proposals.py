"""Instance types that findings propose, with their prices.  Law: pure; no rule of its own."""

from __future__ import annotations

from collections.abc import Callable

from mlcc.checks.subject import Subject
from mlcc.registries.rows import Instance
from mlcc.resolve.hardware import instances
from mlcc.resolve.hardware.costs import proposed


def named(subject: Subject, name: str) -> str:
    """A type with its price, and that of the project's own; without, on a target that nobody bills for instances."""
    own, target = subject.rows.instance, subject.rows.target
    if target is None or not target.billed:
        return name
    return proposed(subject.registries, name, own.name if own is not None else "")


def larger(subject: Subject, otherwise: str, fits: Callable[[Instance], bool] = lambda one: True) -> str:
    """The cheapest type that is at least as large as the own one: `use ml.g5.12xlarge (7.09 $/h instead of 1.41)`.

    otherwise: what is said where there is none; fits: what it must be besides.
    """
    own, target = subject.rows.instance, subject.rows.target
    if own is None or target is None or not target.instances:
        return otherwise
    found = instances.alternatives(subject.registries, own, target.instances, fits)
    return f"use {named(subject, found[0].name)}" if found else otherwise


def with_devices(count: int) -> Callable[[Instance], bool]:
    """A condition: so many accelerators, or more."""
    return lambda one: (one.accelerator_count or 0) >= count
