"""Computes and checks the pins of registries/frameworks/{sklearn,tensorflow,xgboost}.yaml, with the resolver of uv.

    python -m tools.pins FRAMEWORK VERSION --python 3.10 [--until DAY] [--with BOUND ...]
        prints what a new row has: `requirements`, `sample_requirements`, and the other Pythons that have wheels for
        them.  --until 2022-12-01: the packages of that day, so that an old framework gets what it was made for;
        --with 'numpy<1.24' requests: a bound that no package states, and a package that shall be the newest
    python -m tools.pins --check [FRAMEWORK [VERSION]]
        proves of each row, with each deployment config that serves it, and for each Python that it names: every pin
        has a wheel, the pins agree, and nothing comes along that is not pinned.  Exit 1 where that is not so

Nothing is installed, and the Pythons need not be on this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator

from mlcc.registries.loader import load
from mlcc.registries.rows import DeploymentConfig, FrameworkVersion
from tools.pins.resolver import Resolver, Unresolved, resolver
from tools.pins.rows import PACKAGES, computed, wrong

# Those that a build without a container engine may find on a machine.
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")


def _configs(framework: str) -> list[DeploymentConfig]:
    return [config for config in load().deployment_configs.values() if framework in config.frameworks]


def _chosen(framework: str | None, version: str | None) -> Iterator[tuple[str, FrameworkVersion]]:
    for name in [framework] if framework else PACKAGES:
        known = load().framework(name)
        for row in known.versions.values() if known is not None else ():
            if version in (None, row.name):
                yield name, row


def check(framework: str | None, version: str | None, resolve: Resolver) -> int:
    """Prints what is wrong with the rows; 1 where something is, or there is no such row."""
    faults = checked = 0
    for name, row in _chosen(framework, version):
        for python in (row.python, *row.other_pythons):
            for config in _configs(name):
                problems = list(wrong(row, config, python, resolve))
                for problem in problems or ["ok"]:
                    print(f"{name} {row.name}, {config.name}, Python {python}: {problem}", flush=True)
                faults, checked = faults + len(problems), checked + 1
    if not checked:
        print("there is no such row", file=sys.stderr)
    return int(bool(faults) or not checked)


def show(asked: argparse.Namespace, resolve: Resolver) -> int:
    """Prints the pins of a new row, and the other Pythons that have wheels for them."""
    configs = _configs(asked.framework)
    server, sample = computed(asked.framework, asked.version, asked.python, configs, resolve, asked.until, asked.bounds)
    row = FrameworkVersion(
        asked.version, "", python=asked.python, requirements=(*server,), sample_requirements=(*sample,)
    )
    others = [p for p in PYTHONS if p != asked.python and not any(list(wrong(row, c, p, resolve)) for c in configs)]
    print(f'    python: "{asked.python}"')
    if others:
        print(f"    other_pythons: {json.dumps(others)}")
    for name, found in (("requirements", server), ("sample_requirements", sample)):
        print(f"    {name}:{'' if found else ' []'}")
        for pin in found:
            print(f"      - {pin}")
    return 0


def main(arguments: list[str]) -> int:
    """The command: 0 done, 1 no such pins, 2 usage."""
    parser = argparse.ArgumentParser(prog="python -m tools.pins", usage=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("framework", nargs="?", choices=sorted(PACKAGES))
    parser.add_argument("version", nargs="?")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--python", default="")
    parser.add_argument("--until", default="")
    parser.add_argument("--with", dest="bounds", nargs="+", default=[])
    options = parser.parse_args(arguments)
    if not options.check and not (options.framework and options.version and options.python):
        parser.error("a framework, a version and --python, or --check")
    try:
        with resolver(os.environ) as resolve:
            return check(options.framework, options.version, resolve) if options.check else show(options, resolve)
    except (OSError, Unresolved) as problem:
        print(problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
