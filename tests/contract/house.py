"""The package as the contract tests see it: its modules, what each imports, and the rooms that they stand in."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator

from tests.helpers import ROOT

PACKAGE = ROOT / "mlcc"
FILES = {
    p.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"): p
    for p in sorted(PACKAGE.rglob("*.py"))
}
MODULES = sorted(FILES)


@functools.cache
def tree(module: str) -> ast.Module:
    """A module's syntax tree."""
    return ast.parse(FILES[module].read_text(encoding="utf-8"))


def _typing_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but those that only type checkers read."""
    for child in ast.iter_child_nodes(node):
        if not _typing_only(child):
            yield child
            yield from walk(child)


@functools.cache
def nodes(module: str) -> tuple[ast.AST, ...]:
    """The same of a module, kept."""
    return tuple(walk(tree(module)))


@functools.cache
def imports(module: str) -> frozenset[str]:
    """Modules that a module imports, anywhere in it; names of ours are resolved to modules."""
    found = set()
    for node in nodes(module):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            name = node.module or ""
            below = {f"{name}.{alias.name}" for alias in node.names}
            ours = {b for b in below if b in FILES}
            found |= ours
            if len(ours) < len(below) or not ours:
                found.add(name)
    return frozenset(found)


def within(module: str, *rooms: str) -> bool:
    """True for a module of one of the rooms; a room is a module or a package, named without `mlcc.`."""
    return any(module == f"mlcc.{room}" or module.startswith(f"mlcc.{room}.") for room in rooms)


def modules_of(*rooms: str) -> list[str]:
    """The modules of some rooms."""
    return [m for m in MODULES if within(m, *rooms)]


def room(module: str) -> str:
    """The room at the top of the package that a module stands in; the package itself is the room ``."""
    return module.split(".")[1] if "." in module else ""


@functools.cache
def arrows() -> dict[str, frozenset[str]]:
    """Which rooms each room imports."""
    rooms: dict[str, set[str]] = {room(m): set() for m in MODULES}
    for module in MODULES:
        rooms[room(module)] |= {room(i) for i in imports(module) if i in FILES} - {room(module)}
    return {name: frozenset(found) for name, found in rooms.items()}


def floors() -> dict[str, int]:
    """How high each room stands: one above the highest of those that it imports.  Raises where some import in a circle."""
    found: dict[str, int] = {}
    left = dict(arrows())
    while left:
        ready = [name for name, below in left.items() if not below & left.keys()]
        assert ready, f"a circle among {sorted(left)}"
        for name in ready:
            found[name] = 1 + max((found[b] for b in left[name]), default=0)
        for name in ready:
            del left[name]
    return found
