"""Python sources as data: modules, names followed through imports, constants, and type hints. Nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

UNKNOWN = object()  # a value that only running the code would tell
Text = Callable[[str], "tuple[str, bool] | None"]


@dataclass(eq=False)
class Module:
    """One parsed file."""

    name: str
    package: bool
    names: dict[str, ast.AST] = field(default_factory=dict)
    stars: list[ast.ImportFrom] = field(default_factory=list)


@dataclass(eq=False)
class Thing:
    """A definition and the module where its names are looked up."""

    node: Any
    module: Module


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """All statements that may run, branches flattened; of `if TYPE_CHECKING` only the other branch."""
    for node in body:
        if isinstance(node, ast.If):
            checking = "TYPE_CHECKING" in ast.unparse(node.test)
            yield from statements(node.orelse if checking and node.orelse else node.body)
            yield from () if checking else statements(node.orelse)
        elif isinstance(node, ast.Try):
            yield from statements([*node.body, *(s for h in node.handlers for s in h.body), *node.orelse])
        elif isinstance(node, ast.With):
            yield from statements(node.body)
        else:
            yield node


def define(names: dict[str, ast.AST], node: ast.stmt) -> None:
    """Notes what a statement defines; the first definition stands (the others are fall-backs)."""
    if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
        names.setdefault(node.name, node)
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        for alias in node.names:
            names.setdefault(alias.asname or alias.name.partition(".")[0], node)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Name):
                names.setdefault(target.id, node.value)
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
        names.setdefault(node.target.id, node.value)


class Code:
    """All modules of one package, read when a name leads there."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.modules: dict[str, Module | None] = {}

    def module(self, name: str) -> Module | None:
        """The parsed module, or nothing where the package has no such source."""
        if name not in self.modules:
            found = self.text(name)
            self.modules[name] = None
            if found is not None:
                self.modules[name] = module = Module(name, found[1])
                for node in statements(ast.parse(found[0]).body):
                    define(module.names, node)
                    if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
                        module.stars.append(node)
        return self.modules[name]

    def find(self, module: Module | None, name: str, seen: int = 0) -> Thing | None:
        """What a name means in a module: a class, a function, or an expression."""
        if module is None or seen > 20:
            return None
        node = module.names.get(name)
        if node is None:
            found = (self.find(self.module(self.origin(module, s)), name, seen + 1) for s in module.stars)
            return next((f for f in found if f is not None), None)
        if isinstance(node, ast.ImportFrom):
            origin = self.origin(module, node)
            real = next((a.name for a in node.names if (a.asname or a.name) == name), name)
            imported = self.find(self.module(origin), real, seen + 1)
            if imported is None and (inner := self.module(f"{origin}.{real}")) is not None:
                return Thing(inner, inner)
            return imported
        if isinstance(node, ast.Import):
            return None
        if isinstance(node, ast.Name) and node.id != name:
            return self.find(module, node.id, seen + 1) or Thing(node, module)
        return Thing(node, module)

    def origin(self, module: Module, node: ast.ImportFrom) -> str:
        """The full name of the module that an import names."""
        if not node.level:
            return node.module or ""
        parts = module.name.split(".")
        parts = parts[: len(parts) - node.level + (1 if module.package else 0)]
        return ".".join([*parts, *([node.module] if node.module else [])])

    def look_up(self, module: Module, node: ast.expr) -> Thing | None:
        """The thing that a name or dotted name stands for."""
        if isinstance(node, ast.Name):
            return self.find(module, node.id)
        if isinstance(node, ast.Attribute):
            holder = self.look_up(module, node.value)
            if holder is not None and isinstance(holder.node, Module):
                return self.find(holder.node, node.attr)
            if holder is not None and isinstance(holder.node, ast.ClassDef):
                return self.member(holder, node.attr)
        return None

    def lineage(self, cls: Thing) -> list[Thing]:
        """The class and its bases, nearest first."""
        found = [cls]
        for base in cls.node.bases:
            thing = self.look_up(cls.module, base)
            if thing is not None and isinstance(thing.node, ast.ClassDef):
                found += [b for b in self.lineage(thing) if all(b.node is not f.node for f in found)]
        return found

    def member(self, cls: Thing, name: str, after: Thing | None = None) -> Thing | None:
        """A method or class attribute; after a class of the lineage (`super()`), or from the start."""
        line = self.lineage(cls)
        if after is not None:
            line = line[[c.node for c in line].index(after.node) + 1 :]
        for one in line:
            names: dict[str, ast.AST] = {}
            for node in statements(one.node.body):
                define(names, node)
            if name in names:
                return Thing(names[name], one.module)
        return None

    # ------------------------------------------------------------ constants
    def value(self, node: ast.AST | None, module: Module, local: Mapping[str, Any] | None = None) -> Any:
        """A constant, or a list of constants; UNKNOWN where only running would tell. A dict counts as its keys."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return self._all(node.elts, module, local)
        if isinstance(node, ast.Dict):
            return self._all([k for k in node.keys if k is not None], module, local)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.BitOr)):
            left, right = self.value(node.left, module, local), self.value(node.right, module, local)
            return left + right if isinstance(left, list) and isinstance(right, list) else UNKNOWN
        if isinstance(node, ast.Name) and node.id in (local or {}):
            return (local or {})[node.id]
        if isinstance(node, (ast.Name, ast.Attribute)):
            found = self.look_up(module, node)
            usable = found is not None and isinstance(found.node, ast.expr) and found.node is not node
            return self.value(found.node, found.module) if usable and found is not None else UNKNOWN
        if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("Literal"):
            return literal(self, node, module)
        return self._call(node, module, local) if isinstance(node, ast.Call) else UNKNOWN

    def _all(self, nodes: list[ast.expr], module: Module, local: Mapping[str, Any] | None) -> Any:
        found: list[Any] = []
        for node in nodes:
            starred = isinstance(node, ast.Starred)
            one = self.value(node.value if isinstance(node, ast.Starred) else node, module, local)
            if one is UNKNOWN or (starred and not isinstance(one, list)):
                return UNKNOWN
            found += one if starred else [one]
        return found

    def _call(self, node: ast.Call, module: Module, local: Mapping[str, Any] | None) -> Any:
        name = ast.unparse(node.func)
        if name in ("list", "sorted", "set", "tuple", "frozenset", "get_args", "typing.get_args") and node.args:
            found = self.value(node.args[0], module, local)
            return list(found) if isinstance(found, list) else UNKNOWN
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("keys", "copy") and not node.args:
            return self.value(node.func.value, module, local)
        thing = self.look_up(module, node.func)
        if thing is not None and isinstance(thing.node, ast.FunctionDef) and not node.args:
            inner = Module(thing.module.name, thing.module.package, dict(thing.module.names))
            for one in statements(thing.node.body):
                if isinstance(one, ast.ImportFrom):
                    inner.names |= {a.asname or a.name: one for a in one.names}
                if isinstance(one, ast.Return) and (found := self.value(one.value, inner)) is not UNKNOWN:
                    return found
        return UNKNOWN


# ---------------------------------------------------------------- type hints
@dataclass(frozen=True)
class Hint:
    """One member of a union: bool, int, float, str, none, dict, list, tuple, set, literal, dataclass or other."""

    kind: str
    args: tuple[Any, ...] = ()


PLAIN = {"bool": "bool", "int": "int", "float": "float", "str": "str", "None": "none", "dict": "dict", "Dict": "dict"}
MANY = {"list": "list", "List": "list", "tuple": "tuple", "Tuple": "tuple", "set": "set", "Set": "set"}
WRAPS = {"Annotated", "SkipValidation", "Final", "A"}


def literal(code: Code, node: ast.Subscript, module: Module) -> list[Any]:
    """The values of Literal[...], nested ones flattened."""
    found: list[Any] = []
    for one in node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]:
        value = code.value(one, module)
        found += value if isinstance(value, list) else [] if value is UNKNOWN else [value]
    return found


def hints(code: Code, node: ast.AST | None, module: Module) -> frozenset[Hint]:
    """The members of an annotation."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            return hints(code, ast.parse(node.value, mode="eval").body, module)
        return frozenset([Hint("none" if node.value is None else "other")])
    if isinstance(node, ast.BinOp):
        return hints(code, node.left, module) | hints(code, node.right, module)
    if isinstance(node, ast.Subscript):
        return _subscript(code, node, module)
    name = ast.unparse(node).removeprefix("typing.") if node is not None else ""
    if name in PLAIN or name in MANY:
        return frozenset([Hint(PLAIN.get(name) or MANY[name])])
    found = code.look_up(module, node) if isinstance(node, (ast.Name, ast.Attribute)) else None
    if found is None or isinstance(found.node, Module) or found.node is node:
        return frozenset([Hint("other")])
    if isinstance(found.node, ast.ClassDef):
        return frozenset([_class(code, found)])
    return hints(code, found.node, found.module) if isinstance(found.node, ast.expr) else frozenset([Hint("other")])


def _subscript(code: Code, node: ast.Subscript, module: Module) -> frozenset[Hint]:
    name = ast.unparse(node.value).removeprefix("typing.")
    parts = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name in WRAPS:
        return hints(code, parts[0], module)
    if name == "Optional":
        return hints(code, parts[0], module) | {Hint("none")}
    if name == "Union":
        return frozenset(h for p in parts for h in hints(code, p, module))
    if name == "Literal":
        return frozenset([Hint("literal", tuple(literal(code, node, module)))])
    if name in MANY:
        return frozenset([Hint(MANY[name], (hints(code, parts[0], module),))])
    return frozenset([Hint("dict" if name in ("dict", "Dict") else "other")])


def _class(code: Code, cls: Thing) -> Hint:
    line = code.lineage(cls)
    bases = {ast.unparse(b).split("[")[0] for c in line for b in c.node.bases}
    marks = {ast.unparse(d).split("(")[0].rpartition(".")[2] for c in line[:1] for d in c.node.decorator_list}
    if marks & {"dataclass", "config"}:
        return Hint("dataclass")
    return Hint("dict" if bases & {"dict", "Dict"} else "other")
