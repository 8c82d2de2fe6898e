"""What the pins of a row must be: from what they are computed, and what is wrong with those that are written down.

A project installs three lists together: those of the framework's version, those of the deployment config for its
Python, and, where it trains the sample, `sample_requirements`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from mlcc.registries.rows import DeploymentConfig, FrameworkVersion
from tools.pins.resolver import Unresolved, canonical, split


class Resolve(Protocol):
    """Requirements to versions by name; raises Unresolved."""

    def __call__(
        self, requirements: Iterable[str], python: str, constraints: Iterable[str] = (), until: str = ""
    ) -> Mapping[str, str]:
        """All that these requirements bring."""


# The package that is the framework; where there are several, the first that has the version.
PACKAGES = {
    "sklearn": ("scikit-learn",),
    "tensorflow": ("tensorflow-cpu", "tensorflow"),
    "xgboost": ("xgboost-cpu", "xgboost"),
}
# What the server needs beside it: a model that was fitted with named columns is asked with a DataFrame.
BESIDE = {"sklearn": ("pandas",)}
# What training the sample needs.
SAMPLE = {"tensorflow": ("scikit-learn",), "xgboost": ("scikit-learn",)}


def pins(versions: Mapping[str, str]) -> list[str]:
    """Requirements, sorted as the rows have them."""
    return sorted(f"{name}=={version}" for name, version in versions.items())


def held(configs: Iterable[DeploymentConfig], python: str) -> dict[str, str]:
    """What the deployment configs pin for a Python; a data test proves that no two of them differ."""
    return {name: version for config in configs for name, version in map(split, config.pins(python))}


def computed(
    framework: str,
    version: str,
    python: str,
    configs: Iterable[DeploymentConfig],
    resolve: Resolve,
    until: str = "",
    bounds: Iterable[str] = (),
) -> tuple[list[str], list[str]]:
    """`requirements` and `sample_requirements` of a row.  Raises Unresolved.

    until: the day of which the packages are; bounds: requirements that stand over it, a name alone for the newest.  A
    package that a deployment config pins has the config's version, of whatever day.
    """
    configs, bounds = list(configs), list(bounds)
    free = {canonical(re.split(r"[^A-Za-z0-9._-]", bound)[0]) for bound in bounds}
    stated = [bound for bound in bounds if canonical(bound) not in free]

    def settled(wanted: list[str], fixed: Mapping[str, str]) -> dict[str, str]:
        """All that is wanted, of the day; then once more of any day, under what is settled elsewhere."""
        dated = resolve(wanted, python, until=until) if until else {}
        kept = {name: text for name, text in dated.items() if name not in {*fixed, *free}}
        return dict(resolve(wanted, python, [*stated, *pins({**kept, **fixed})]))

    fixed = held(configs, python)
    found = settled([_package(framework, version, python, resolve, until), *BESIDE.get(framework, ())], fixed)
    for config in configs:
        resolve([*pins(found), *config.pins(python)], python)
    sample = settled(list(SAMPLE[framework]), {**fixed, **found}) if framework in SAMPLE else {}
    return pins(found), pins({name: text for name, text in sample.items() if name not in found})


def _package(framework: str, version: str, python: str, resolve: Resolve, until: str) -> str:
    """The pin of the framework itself.  Raises Unresolved with why for each of its packages."""
    problems = []
    for name in PACKAGES[framework]:
        try:
            resolve([f"{name}=={version}"], python, until=until)
            return f"{name}=={version}"
        except Unresolved as problem:
            problems.append(str(problem))
    raise Unresolved("\n".join(problems))


def wrong(version: FrameworkVersion, config: DeploymentConfig, python: str, resolve: Resolve) -> Iterator[str]:
    """What is wrong with the pins that a project of a row and a config installs; nothing where all is well.

    Each has a wheel, they agree, and nothing else comes with them, so that an image is the same tomorrow.
    """
    for what, written in (
        ("server", [*version.requirements, *config.pins(version.python)]),
        ("sample", [*version.requirements, *config.pins(version.python), *version.sample_requirements]),
    ):
        if what == "sample" and not version.sample_requirements:
            continue
        try:
            found = resolve(written, python)
        except Unresolved as problem:
            yield f"{what}: {problem}"
            continue
        names = {name for name, _ in map(split, written)}
        unpinned = sorted(f"{name}=={text}" for name, text in found.items() if canonical(name) not in names)
        if unpinned:
            yield f"{what}: comes along unpinned: {', '.join(unpinned)}"
