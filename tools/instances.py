"""Keeps registries/instances/*.yaml and registries/regions.yaml in step with botocore's packaged data.

    python tools/instances.py --check    lists every difference; exit status 1 when there is one
    python tools/instances.py --write    sets the flags, adds what is missing, then lists what is left for a person

Law: botocore decides which instance types and regions exist and where SageMaker offers them; every other fact (vCPU,
memory, accelerators, titles, names) is typed by people, stands in the YAML only, and is never changed or deleted here.
A row or family added by --write carries what botocore knows and nothing else: a new family's file breaks its schema
until a person gives it a platform and an accelerator.  Reads no network, no environment and no home directory.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

from botocore import __version__ as botocore_version
from botocore.loaders import Loader
from botocore.regions import EndpointResolver
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

REGISTRIES = Path(__file__).resolve().parent.parent / "registries"
FLAGS = {
    "endpoint": "ProductionVariantInstanceType",
    "transform": "TransformInstanceType",
    "hyperpod": "ClusterInstanceType",
}
_SMALL = {"nano": 0.03, "micro": 0.06, "small": 0.12, "medium": 0.25, "large": 0.5, "xlarge": 1.0}
_MULTIPLE = re.compile(r"([0-9]+)xlarge\Z")

Facts = Mapping[str, Any]  # what botocore knows of one row
Table = Mapping[str, Facts]  # rows by name


# ---------------------------------------------------------------- what botocore says
def packaged() -> Loader:
    """A loader of botocore's own files: the default one would also read the environment and the home directory."""
    return Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)


def families(loader: Loader) -> Mapping[str, Table]:
    """The flags of every instance type, by family."""
    shapes = loader.load_service_model("sagemaker", "service-2")["shapes"]
    offered = {flag: frozenset(shapes[shape]["enum"]) for flag, shape in FLAGS.items()}
    found: dict[str, dict[str, Facts]] = {}
    for name in sorted(frozenset().union(*offered.values()), key=size):
        found.setdefault(family_of(name), {})[name] = {flag: name in offered[flag] for flag in FLAGS}
    return found


def partitions(loader: Loader) -> Table:
    """The DNS suffix of every partition."""
    return {p["partition"]: {"dns_suffix": p["dnsSuffix"]} for p in loader.load_data("endpoints")["partitions"]}


def regions(loader: Loader) -> Table:
    """Name, partition and SageMaker's presence of every region."""
    data = loader.load_data("endpoints")
    resolver = EndpointResolver(data)
    service = loader.load_service_model("sagemaker", "service-2")["metadata"]["endpointPrefix"]
    found: dict[str, Facts] = {}
    for partition in data["partitions"]:
        name = partition["partition"]
        served = frozenset(resolver.get_available_endpoints(service, name))
        for code, region in sorted(partition["regions"].items()):
            found[code] = {"name": region["description"], "partition": name, "sagemaker": code in served}
    return found


def family_of(name: str) -> str:
    """`ml.p6-b200.48xlarge` belongs to `p6-b200`."""
    return name.split(".")[1]


def size(name: str) -> tuple[float, str]:
    """A key that sorts the types of a family from small to large; sizes without a number (metal) come last."""
    word = name.rpartition(".")[2]
    multiple = _MULTIPLE.match(word)
    return (float(multiple[1]) if multiple else _SMALL.get(word, float("inf"))), name


# ---------------------------------------------------------------- rows
def differences(rows: Mapping[str, Mapping[str, Any]], known: Table, typed: frozenset[str]) -> Iterator[str]:
    """How rows differ from what botocore knows; the keys in `typed` belong to people and are not compared."""
    for name, facts in known.items():
        if name not in rows:
            yield f"{name}: is in botocore, but has no row"
            continue
        for key, value in facts.items():
            if key not in typed and rows[name].get(key) != value:
                yield f"{name}: {key} is {_shown(rows[name].get(key))}, botocore says {_shown(value)}"
    for name in rows:
        if name not in known:
            yield f"{name}: has a row, but is not in botocore"


def update(rows: CommentedMap, known: Table, typed: frozenset[str]) -> None:
    """Makes rows agree with what botocore knows: adds and sets, deletes nothing, leaves the keys in `typed` alone."""
    order = list(known)
    for index, (name, facts) in enumerate(known.items()):
        if name not in rows:
            row = CommentedMap(facts)
            row.fa.set_flow_style()
            before = [i for i, other in enumerate(rows) if other in order[:index]]
            rows.insert(before[-1] + 1 if before else 0, name, row)
            continue
        for key, value in facts.items():
            if key not in typed and rows[name].get(key) != value:
                rows[name][key] = value


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "absent" if value is None else str(value)


# ---------------------------------------------------------------- files
class Registry:
    """One YAML file of the registries and what botocore knows of its maps of rows."""

    def __init__(self, path: Path, head: Mapping[str, Any], maps: Mapping[str, Table], typed: frozenset[str]) -> None:
        """path: the file; head: a new file's first keys; maps: rows by the key they stand below."""
        self.path, self.maps, self.typed = path, maps, typed
        self.text = path.read_text("utf-8") if path.exists() else ""
        self.document: MutableMapping[str, Any] = _yaml().load(self.text) if self.text else CommentedMap(head)

    def differences(self) -> Iterator[str]:
        """Every difference, with the file's name before it."""
        for key, known in self.maps.items():
            for line in differences(self.document.get(key) or {}, known, self.typed):
                yield f"{self.path.name}: {line}"

    def write(self) -> None:
        """Brings the file in step; it is not touched where nothing changes."""
        if not any(self.differences()):
            return
        for key, known in self.maps.items():
            if self.document.get(key) is None:
                self.document[key] = CommentedMap()
            update(self.document[key], known, self.typed)
        stream = io.StringIO()
        _yaml().dump(self.document, stream)
        if stream.getvalue() != self.text:
            self.text = stream.getvalue()
            self.path.write_bytes(self.text.encode("utf-8"))


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    return yaml


def registries(root: Path, loader: Loader) -> Iterator[Registry]:
    """Every file: those that exist, and those of families that have none yet."""
    source = f"botocore {'.'.join(botocore_version.split('.')[:2])}"
    known = families(loader)
    folder = root / "instances"
    for family in sorted(known.keys() | {path.stem for path in folder.glob("*.yaml")}):
        head = {"version": 1, "kind": "instances", "family": family, "title": f"{family} instances", "source": source}
        yield Registry(folder / f"{family}.yaml", head, {"rows": known.get(family, {})}, frozenset())
    head = {"version": 1, "kind": "regions", "source": source}
    maps = {"partitions": partitions(loader), "rows": regions(loader)}
    yield Registry(root / "regions.yaml", head, maps, frozenset({"name"}))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Compare the instance and region registries with botocore's data.")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--check", action="store_true", help="list the differences; exit 1 when there is one")
    mode.add_argument("--write", action="store_true", help="set flags, add missing rows, list what is left")
    parser.add_argument("--registries", type=Path, default=REGISTRIES, metavar="DIR", help="the registries' folder")
    options = parser.parse_args(arguments)
    found: list[str] = []
    for registry in registries(options.registries, packaged()):
        if options.write:
            registry.write()
        found.extend(registry.differences())
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
