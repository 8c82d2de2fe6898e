"""The registries of one run: an ordered list of roots, read lazily.  Law: later roots override rows of earlier ones.

Nothing is read before it is asked for, and nothing twice: a project on one instance type reads one family's file.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from mlcc.core.errors import UserError
from mlcc.core.findings import Finding, allowed, error, nearest, quoted
from mlcc.core.nodes import Node
from mlcc.io import packaged
from mlcc.registries import files, kinds, parse
from mlcc.registries import rows as t
from mlcc.registries.engine_rows import Engine, Options
from mlcc.registries.files import Root
from mlcc.registries.inheritance import engine_like, joined_framework
from mlcc.registries.match import Matcher
from mlcc.registries.policy_rows import Policy, policies
from mlcc.registries.triton_rows import TritonBackend, triton_backend

Reader = Callable[[str, Node, Node], t.Row]


def builtin() -> Root:
    """The packaged registries."""
    return Root("builtin", packaged.path("registries"), trusted=True, validate=False)


def load(roots: Sequence[Root] = ()) -> Registries:
    """The packaged registries with `roots` over them, in order.  Files are read on first need.

    A root may be one folder of a registry's alone (`Root.inside`): a project's policies.

    >>> load().framework("sklearn").versions["1.5.2"].python
    '3.11'
    """
    return Registries((builtin(), *roots)) if roots else packaged_registries()


@functools.cache
def packaged_registries() -> Registries:
    """The packaged registries alone: a part of the program, so a run reads them once for however many projects."""
    return Registries((builtin(),))


class Registries:
    """Typed access to every table.  Look-ups return None for a name that no row has."""

    def __init__(self, roots: Sequence[Root]) -> None:
        """roots: lowest precedence first."""
        self.roots = tuple(roots)
        self._kept: dict[tuple[Any, ...], Any] = {}

    def _once(self, *call: Any) -> Any:
        """What a function returns for its arguments; it is called the first time only."""
        if call not in self._kept:
            function, *arguments = call
            self._kept[call] = function(*arguments)
        return self._kept[call]

    # -------------------------------------------------- files
    @functools.cached_property
    def _files(self) -> tuple[tuple[Root, tuple[str, ...]], ...]:
        return tuple((root, tuple(files.listing(root))) for root in self.roots)

    def _document(self, root: Root, relname: str) -> Node:
        node: Node = self._keeper(root)._once(files.document, root, relname)
        return node

    def _keeper(self, root: Root) -> Registries:
        """What is read of packaged files is kept with the packaged registries, whatever stands over them here."""
        return packaged_registries() if root == builtin() else self

    def _documents(self, match: str) -> list[Node]:
        """Documents named `match`, or below the folder `match/`, of every root in order."""
        found = []
        for root, names in self._files:
            for name in names:
                if name == match or (match.endswith("/") and name.startswith(match) and kinds.kind_of(name)):
                    found.append(self._document(root, name))
        return found

    def _rows(self, match: str, kind: str, reader: Reader | None = None) -> dict[str, t.Row]:
        rows: dict[str, t.Row] = {}
        row = reader or parse.KINDS[kind]
        for document in self._documents(match):
            kinds.expect(document, kind)
            table = document.get("rows")
            if table is not None:
                rows |= {name: row(name, node, document) for name, node in table.value.items()}
        return dict(sorted(rows.items()))

    def digests(self) -> dict[str, str]:
        """sha256 over each root's names and bytes: what a lock records (of the packaged files, those with rows)."""
        return {
            root.label or root.name: self._once(
                files.digest, root, tuple(n for n in names if root.validate or kinds.kind_of(n))
            )
            for root, names in self._files
        }

    def problems(self) -> list[Finding]:
        """What is wrong with the files of a project's own registries, whether or not something reads them today.

        Of the operator's and the plugins' only the names are judged: their files may be large.
        """
        findings = []
        for root, names in self._files:
            if not root.validate:
                continue  # packaged: the data tests have judged them
            for name in names:
                findings += kinds.named(root, name) if root.trusted else kinds.judge(root, name)
        return findings

    # -------------------------------------------------- tables
    @functools.cached_property
    def architectures(self) -> Mapping[str, t.Architecture]:
        """Every architecture."""
        return cast("dict[str, t.Architecture]", self._rows("architectures.yaml", "architectures"))

    @functools.cached_property
    def deployment_configs(self) -> Mapping[str, t.DeploymentConfig]:
        """The catalog of deployment configs."""
        return cast("dict[str, t.DeploymentConfig]", self._rows("deployment_configs.yaml", "deployment_configs"))

    @functools.cached_property
    def targets(self) -> Mapping[str, t.Target]:
        """Every deployment target."""
        return cast("dict[str, t.Target]", self._rows("targets.yaml", "targets"))

    @functools.cached_property
    def regions(self) -> Mapping[str, t.Region]:
        """Every AWS region."""
        return cast("dict[str, t.Region]", self._rows("regions.yaml", "regions"))

    @functools.cached_property
    def engines(self) -> Mapping[str, Engine]:
        """Every serving engine; a row that is like another one has what it does not say itself from that one."""
        rows = cast("dict[str, Engine]", self._rows("engines.yaml", "engines"))
        return {name: engine_like(row, rows) for name, row in rows.items()}

    @functools.cached_property
    def triton_backends(self) -> Mapping[str, TritonBackend]:
        """Every backend of a Triton server."""
        rows = self._rows("triton_backends.yaml", "triton_backends", triton_backend)
        return cast("dict[str, TritonBackend]", rows)

    @functools.cached_property
    def models(self) -> Mapping[str, t.Model]:
        """Every model row, patterns included."""
        return cast("dict[str, t.Model]", self._rows("models/", "models"))

    @functools.cached_property
    def instances(self) -> Mapping[str, t.Instance]:
        """Every instance type (reads all families: for listings; use `instance` for one)."""
        return cast("dict[str, t.Instance]", self._rows("instances/", "instances"))

    @functools.cached_property
    def frameworks(self) -> Mapping[str, t.Framework]:
        """Every framework (reads all files: for listings; use `framework` for one)."""
        names = [n for _, listed in self._files for n in listed if n.startswith("frameworks/") and kinds.kind_of(n)]
        found = {n: self.framework(n.removeprefix("frameworks/").rpartition(".")[0]) for n in sorted(set(names))}
        return {f.name: f for f in found.values() if f is not None}

    @functools.cached_property
    def policies(self) -> tuple[Policy, ...]:
        """Every rule of every root: none overrides another one."""
        found: list[Policy] = []
        for document in self._documents("policies/"):
            kinds.expect(document, "policies")
            found += policies(document)
        return tuple(found)

    # -------------------------------------------------- look-ups
    def instance(self, name: str) -> t.Instance | None:
        """One instance type; reads its family's file only."""
        family = name.split(".")[1] if name.count(".") >= 2 else ""
        return cast("t.Instance | None", self._once(self._rows, f"instances/{family}.yaml", "instances").get(name))

    def framework(self, name: str) -> t.Framework | None:
        """One framework; versions of later roots join those of earlier ones."""
        return cast("t.Framework | None", self._once(self._framework, name))

    def _framework(self, name: str) -> t.Framework | None:
        found: t.Framework | None = None
        for document in self._documents(f"frameworks/{name}.yaml"):
            kinds.expect(document, "framework")
            new = parse.framework(name, document, document)
            found = new if found is None else joined_framework(found, new)
        return found

    def entries(self, kind: str) -> Mapping[str, t.Entry]:
        """A table of facts: amis, cuda, quantizations, workloads and the like (records.KINDS)."""
        return cast("dict[str, t.Entry]", self._once(self._rows, f"{kind}.yaml", kind))

    def price(self, instance_type: str) -> t.Price | None:
        """What an hour of an instance type costs, with the day of that price; None where nobody says."""
        return self._prices.get(instance_type)

    @functools.cached_property
    def _prices(self) -> dict[str, t.Price]:
        found: dict[str, t.Price] = {}
        for document in self._documents("prices.yaml"):
            kinds.expect(document, "prices")
            found |= parse.prices(document)
        return found

    def options(self, name: str) -> Options | None:
        """What an engine's command line knows (the last root's file of that name), or None."""
        return cast("Options | None", self._once(self._options, name))

    def _options(self, name: str, below: tuple[str, ...] = ()) -> Options | None:
        documents = self._documents(f"options/{name}.yaml") if name and name not in below else []
        for document in documents:
            kinds.expect(document, "options")
        found = parse.options(documents[-1]) if documents else None
        above = documents[-1].get("inherits") if documents else None
        if found is None or above is None:
            return found
        return found._replace(parent=self._options(str(above.value), (*below, name)))

    @functools.cached_property
    def _model_files(self) -> dict[str, tuple[Root, str]]:
        """In which file each model row stands: the last one that has it."""
        where: dict[str, tuple[Root, str]] = {}
        for root, names in self._files:
            for name in names:
                if name.startswith("models/") and kinds.kind_of(name):
                    where |= dict.fromkeys(self._row_names(root, name), (root, name))
        return where

    def _row_names(self, root: Root, relname: str) -> tuple[str, ...]:
        names: tuple[str, ...] = self._keeper(root)._once(kinds.row_names, root, relname, "models")
        return names

    @functools.cached_property
    def _model_index(self) -> Matcher:
        return Matcher(self._model_files)

    def model(self, name: str) -> t.Model | None:
        """The row of a model: its own, else the pattern with the longest literal prefix.  Reads that file only."""
        key = self._model_index.find(name)
        return None if key is None else cast("t.Model", self._once(self._model, key))

    def _model(self, key: str) -> t.Model:
        document = self._document(*self._model_files[key])
        return parse.model(key, document.value["rows"].value[key], document)

    def config(self, name: str) -> t.DeploymentConfig | None:
        """One deployment config; of the packaged table only its row is read."""
        return cast("t.DeploymentConfig | None", self._once(self._row, "deployment_configs", name))

    def architecture(self, name: str) -> t.Architecture | None:
        """One architecture; of the packaged table only its row is read."""
        return cast("t.Architecture | None", self._once(self._row, "architectures", name))

    def _row(self, kind: str, name: str) -> t.Row | None:
        alone = kind not in self.__dict__ and self.roots == (builtin(),)
        found = files.row(self.roots[0], f"{kind}.yaml", name) if alone else None
        if found is None:
            table: Mapping[str, t.Row] = getattr(self, kind)
            return table.get(name)
        return parse.KINDS[kind](name, found.value["rows"].value[name], found)

    def canonical(self, kind: str, name: str) -> tuple[str, bool]:
        """A row name for a name or an alias of `deployment_configs` or `targets`, and whether it was an alias."""
        table: Mapping[str, t.Row] = getattr(self, kind)
        if name in table:
            return name, False
        for row in table.values():
            if name in row.aliases:
                return row.name, True
        return name, False


def unknown_row(kind: str, name: str, known: Mapping[str, Any]) -> UserError:
    """The error for a name that no row of a table has."""
    near = nearest(name, known)
    hint = (f"did you mean {near}? " if near else "") + f"known: {allowed(known)}"
    return UserError([error("MLCC401", f"no {kind} is called {quoted(name)}", hint=hint)])
