"""The registries of one run: an ordered list of roots.  Law: later roots override rows of earlier ones.

A file is read when a row of it is needed, and once: a project on one instance type reads one family's file.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from mlcc.core.errors import UserError
from mlcc.core.findings import Finding, error
from mlcc.core.nodes import Node
from mlcc.core.text import allowed, nearest, quoted
from mlcc.io import packaged
from mlcc.registries import files, kinds, parse, rows
from mlcc.registries.engine_rows import Engine, EngineOptions
from mlcc.registries.files import Root
from mlcc.registries.inheritance import complete_engine, join_frameworks
from mlcc.registries.match import Matcher
from mlcc.registries.policy_rows import Policy, PolicyFolder, policy_folder
from mlcc.registries.price_rows import Price, prices_of
from mlcc.registries.triton_rows import TritonBackend, triton_backend

# Of the folders that mlcc.yaml names: each is compared with every value.
MAX_PROJECT_POLICIES = 2_000

Reader = Callable[[str, Node, Node], rows.Row]


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
        """The result of a function for its arguments; it is called once, and what it refused it refuses again."""
        if call not in self._kept:
            function, *arguments = call
            try:
                self._kept[call] = function(*arguments)
            except UserError as problem:
                self._kept[call] = problem
        if isinstance(self._kept[call], UserError):
            raise self._kept[call]
        return self._kept[call]

    # -------------------------------------------------- files
    @functools.cached_property
    def _files(self) -> tuple[tuple[Root, tuple[str, ...]], ...]:
        return tuple((root, tuple(files.listing(root))) for root in self.roots)

    def _document(self, root: Root, relname: str) -> Node:
        node: Node = self._keeper(root)._once(files.document, root, relname)
        return node

    def _keeper(self, root: Root) -> Registries:
        """The registries that keep what was read: the packaged ones for packaged files, for every project of a run."""
        return packaged_registries() if root == builtin() else self

    def _documents(self, match: str) -> list[Node]:
        """Documents named `match`, or below the folder `match/`, of every root in order."""
        documents = []
        for root, names in self._files:
            for name in names:
                if name == match or (match.endswith("/") and name.startswith(match) and kinds.kind_of(name)):
                    documents.append(self._document(root, name))
        return documents

    def _rows(self, match: str, kind: str, reader: Reader | None = None) -> dict[str, rows.Row]:
        table: dict[str, rows.Row] = {}
        read_row = reader or parse.KINDS[kind]
        for document in self._documents(match):
            kinds.expect_kind(document, kind)
            nodes = document.get("rows")
            if nodes is not None:
                table |= {name: read_row(name, node, document) for name, node in nodes.value.items()}
        return dict(sorted(table.items()))

    def digests(self) -> dict[str, str]:
        """sha256 over each root's names and bytes, as a lock records it (of the packaged root: the files with rows)."""
        return {
            root.label or root.name: self._once(
                files.digest, root, tuple(n for n in names if root.validate or kinds.kind_of(n))
            )
            for root, names in self._files
        }

    def problems(self) -> list[Finding]:
        """What is wrong with the files of a project's own registries, whether or not this run needs them.

        Of the operator's and the plugins' files only the names are checked: the files may be large.
        """
        findings = []
        for root, names in self._files:
            if not root.validate:
                continue  # packaged: the data tests check them
            for name in names:
                if root.trusted:
                    findings += kinds.unread_file(root, name)
                else:
                    findings += kinds.file_problems(root, name, self._document)
        return findings + self._too_many()

    def _too_many(self) -> list[Finding]:
        """A finding where the rules of a project's own folders are more than every value can be compared with."""
        own = {root.name for root in self.roots if not root.trusted}
        count = sum(1 for policy in self.policies if own and policy.mark.file.startswith(tuple(own))) if own else 0
        if count <= MAX_PROJECT_POLICIES:
            return []
        message = f"{count:,} rules in the project's own policies; at most {MAX_PROJECT_POLICIES:,} are checked"
        raise UserError([error("MLCC402", message, path="policies", hint="name a large set of rules with --registry")])

    # -------------------------------------------------- tables
    @functools.cached_property
    def architectures(self) -> Mapping[str, rows.Architecture]:
        """Every architecture."""
        return cast("dict[str, rows.Architecture]", self._rows("architectures.yaml", "architectures"))

    @functools.cached_property
    def deployment_configs(self) -> Mapping[str, rows.DeploymentConfig]:
        """The catalog of deployment configs."""
        return cast("dict[str, rows.DeploymentConfig]", self._rows("deployment_configs.yaml", "deployment_configs"))

    @functools.cached_property
    def targets(self) -> Mapping[str, rows.Target]:
        """Every deployment target."""
        return cast("dict[str, rows.Target]", self._rows("targets.yaml", "targets"))

    @functools.cached_property
    def regions(self) -> Mapping[str, rows.Region]:
        """Every AWS region."""
        return cast("dict[str, rows.Region]", self._rows("regions.yaml", "regions"))

    @functools.cached_property
    def engines(self) -> Mapping[str, Engine]:
        """Every serving engine; a row that is based on another one takes from it what it does not set itself."""
        table = cast("dict[str, Engine]", self._rows("engines.yaml", "engines"))
        return {name: complete_engine(row, table) for name, row in table.items()}

    @functools.cached_property
    def triton_backends(self) -> Mapping[str, TritonBackend]:
        """Every backend of a Triton server."""
        table = self._rows("triton_backends.yaml", "triton_backends", triton_backend)
        return cast("dict[str, TritonBackend]", table)

    @functools.cached_property
    def models(self) -> Mapping[str, rows.Model]:
        """Every model row, patterns included."""
        return cast("dict[str, rows.Model]", self._rows("models/", "models"))

    @functools.cached_property
    def instances(self) -> Mapping[str, rows.Instance]:
        """Every instance type (reads all families: for listings; use `instance` for one)."""
        return cast("dict[str, rows.Instance]", self._rows("instances/", "instances"))

    @functools.cached_property
    def frameworks(self) -> Mapping[str, rows.Framework]:
        """Every framework (reads all files: for listings; use `framework` for one)."""
        names = [n for _, listed in self._files for n in listed if n.startswith("frameworks/") and kinds.kind_of(n)]
        frameworks = (self.framework(n.removeprefix("frameworks/").rpartition(".")[0]) for n in sorted(set(names)))
        return {framework.name: framework for framework in frameworks if framework is not None}

    @functools.cached_property
    def policies(self) -> tuple[Policy, ...]:
        """Every rule of every root: none overrides another one."""
        return tuple(rule for folder in self.policy_folders for rule in folder.rules)

    @functools.cached_property
    def policy_folders(self) -> tuple[PolicyFolder, ...]:
        """The rules of each root: a waiver is for those of its own."""
        found = []
        for root, names in self._files:
            documents = [self._document(root, n) for n in names if n.startswith("policies/") and kinds.kind_of(n)]
            for document in documents:
                kinds.expect_kind(document, "policies")
            found.append(policy_folder(documents))
        return tuple(found)

    # -------------------------------------------------- look-ups
    def instance(self, name: str) -> rows.Instance | None:
        """One instance type; reads its family's file only."""
        family = name.split(".")[1] if name.count(".") >= 2 else ""
        return cast("rows.Instance | None", self._once(self._rows, f"instances/{family}.yaml", "instances").get(name))

    def framework(self, name: str) -> rows.Framework | None:
        """One framework; versions of later roots join those of earlier ones."""
        return cast("rows.Framework | None", self._once(self._framework, name))

    def _framework(self, name: str) -> rows.Framework | None:
        joined: rows.Framework | None = None
        for document in self._documents(f"frameworks/{name}.yaml"):
            kinds.expect_kind(document, "framework")
            row = parse.framework(name, document, document)
            joined = row if joined is None else join_frameworks(joined, row)
        return joined

    def entries(self, kind: str) -> Mapping[str, rows.Entry]:
        """A table of facts: amis, cuda, quantizations, workloads and the like (parse.KINDS)."""
        return cast("dict[str, rows.Entry]", self._once(self._rows, f"{kind}.yaml", kind))

    def price(self, instance_type: str) -> Price | None:
        """What an hour of an instance type costs, with the day of that price; None where no row has it."""
        return self._prices.get(instance_type)

    @functools.cached_property
    def _prices(self) -> dict[str, Price]:
        prices: dict[str, Price] = {}
        for document in self._documents("prices.yaml"):
            kinds.expect_kind(document, "prices")
            prices |= prices_of(document)
        return prices

    def options(self, name: str) -> EngineOptions | None:
        """The options of an engine in all its versions (the last root's file of that name), or None."""
        return cast("EngineOptions | None", self._once(self._options, name))

    def _options(self, name: str, children: tuple[str, ...] = ()) -> EngineOptions | None:
        documents = self._documents(f"options/{name}.yaml") if name and name not in children else []
        for document in documents:
            kinds.expect_kind(document, "options")
        if not documents:
            return None
        options, parent = parse.options(documents[-1]), documents[-1].get("inherits")
        if parent is None:
            return options
        return options._replace(parent=self._options(str(parent.value), (*children, name)))

    @functools.cached_property
    def _model_files(self) -> dict[str, tuple[Root, str]]:
        """The file of each model row: the last one that has it."""
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

    def model(self, name: str) -> rows.Model | None:
        """The row of a model: its own, else the pattern with the longest literal prefix.  Reads that file only."""
        key = self._model_index.find(name)
        return None if key is None else cast("rows.Model", self._once(self._model, key))

    def _model(self, key: str) -> rows.Model:
        document = self._document(*self._model_files[key])
        return parse.model(key, document.value["rows"].value[key], document)

    def config(self, name: str) -> rows.DeploymentConfig | None:
        """One deployment config; of the packaged table only its row is read."""
        return cast("rows.DeploymentConfig | None", self._once(self._row, "deployment_configs", name))

    def architecture(self, name: str) -> rows.Architecture | None:
        """One architecture; of the packaged table only its row is read."""
        return cast("rows.Architecture | None", self._once(self._row, "architectures", name))

    def _row(self, kind: str, name: str) -> rows.Row | None:
        only_packaged = kind not in self.__dict__ and self.roots == (builtin(),)
        document = files.row(self.roots[0], f"{kind}.yaml", name) if only_packaged else None
        if document is None:
            table: Mapping[str, rows.Row] = getattr(self, kind)
            return table.get(name)
        return parse.KINDS[kind](name, document.value["rows"].value[name], document)

    def canonical(self, kind: str, name: str) -> tuple[str, bool]:
        """A row name for a name or an alias of `deployment_configs` or `targets`, and whether it was an alias."""
        table: Mapping[str, rows.Row] = getattr(self, kind)
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
