"""Functions that fill a parser, walked without being run: assignments, changes of keyword tables, `add_argument`."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .arguments import Argument, Found, annotated, fields, from_hints, words
from .source import UNKNOWN, Code, Module, Thing, hints, statements

PARSER = object()


@dataclass
class Frame:
    """One function being walked: where its names are looked up, and what its locals hold."""

    module: Module
    cls: Thing | None = None
    owner: Thing | None = None
    local: dict[str, Any] = field(default_factory=dict)


class Walk:
    """Goes through functions that fill a parser, in order, both branches of every `if`."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self.found: list[Found] = []
        self.depth = 0

    def function(self, thing: Thing, cls: Thing | None = None, arguments: Mapping[str, Any] | None = None) -> Any:
        """Walks one function; gives what it returns."""
        if self.depth > 12:
            return UNKNOWN
        module = Module(thing.module.name, thing.module.package, dict(thing.module.names))
        owner = cls
        for one in self.code.lineage(cls) if cls is not None else []:
            owner = one if thing.node in one.node.body else owner
        names = [a.arg for a in thing.node.args.args]
        local = {n: PARSER for n in names if n not in ("cls", "self")}
        frame = Frame(module, cls, owner, local | dict(arguments or {}))
        self.depth += 1
        for node in statements(thing.node.body):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                module.names |= {a.asname or a.name: node for a in node.names}
            elif isinstance(node, ast.Return):
                self.depth -= 1
                return self.value(node.value, frame) if node.value is not None else None
            else:
                self.statement(node, frame)
        self.depth -= 1
        return None

    def statement(self, node: ast.stmt, frame: Frame) -> None:
        """One statement."""
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            self.assign(node.targets[0], node.value, frame)
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                holder = self.value(target.value, frame) if isinstance(target, ast.Subscript) else None
                if isinstance(holder, dict) and isinstance(target, ast.Subscript):
                    holder.pop(self.code.value(target.slice, frame.module), None)
        elif isinstance(node, ast.Expr):
            self.value(node.value, frame)
        elif isinstance(node, ast.For):
            self.loop(node, frame)

    def assign(self, target: ast.expr, value: ast.expr, frame: Frame) -> None:
        """`name = ...`, `kwargs["x"] = ...` and `kwargs["x"]["type"] = ...`."""
        if isinstance(target, ast.Name):
            frame.local[target.id] = self.value(value, frame)
        elif isinstance(target, ast.Subscript):
            holder = self.value(target.value, frame)
            key = self.code.value(target.slice, frame.module)
            if isinstance(holder, dict) and isinstance(key, str):
                holder.pop("note" if key == "type" else "", None)
                holder |= words(self.code, {key: value}, frame.module, frame.local)

    def loop(self, node: ast.For, frame: Frame) -> None:
        """`for key, value in kwargs.items()`: every field becomes an option; other loops are walked once."""
        name, _, items = ast.unparse(node.iter).partition(".")
        table = frame.local.get(name)
        if isinstance(table, dict) and items == "items()" and "add_argument" in ast.unparse(node):
            self.found += [Found(("--" + key.replace("_", "-"),), argument) for key, argument in table.items()]
            return
        for one in statements(node.body):
            self.statement(one, frame)

    def value(self, node: ast.AST | None, frame: Frame) -> Any:
        """What an expression gives, as far as it matters here; calls that add arguments are carried out."""
        if isinstance(node, ast.Call):
            return self.call(node, frame)
        if isinstance(node, ast.Name) and node.id in frame.local:
            return frame.local[node.id]
        if isinstance(node, ast.Subscript):
            holder = self.value(node.value, frame)
            key = self.code.value(node.slice, frame.module)
            if isinstance(holder, dict) and isinstance(key, str):
                return holder.get(key, UNKNOWN)
        return self.code.value(node, frame.module, frame.local)

    def call(self, node: ast.Call, frame: Frame) -> Any:
        """A call: add_argument, get_kwargs, a change of a dict or list, or another function that gets the parser."""
        name = ast.unparse(node.func)
        attribute = name.rpartition(".")[2]
        if attribute == "add_argument":
            return self.add(node, frame)
        if attribute.endswith(("ArgumentParser", "add_argument_group", "add_mutually_exclusive_group", "add_parser")):
            return PARSER
        if attribute == "add_cli_args_from_dataclass":
            return self.dataclass(node.args[1], frame)
        if attribute == "get_kwargs" and node.args:
            cls = self.cls(node.args[0], frame)
            rows = fields(self.code, cls) if cls else ()
            return {n: from_hints(n, hints(self.code, a.annotation, m)) for n, a, m in rows}
        if isinstance(node.func, ast.Attribute) and attribute in ("remove", "append", "add", "update"):
            return self.change(node, attribute, self.value(node.func.value, frame), frame)
        return self.follow(node, frame)

    def change(self, node: ast.Call, how: str, holder: Any, frame: Frame) -> None:
        """`choices.remove(x)` and the like; `kwargs.update({...})`."""
        value = self.value(node.args[0], frame) if node.args else UNKNOWN
        if isinstance(holder, list) and value is not UNKNOWN:
            if how == "remove":
                holder[:] = [h for h in holder if h != value]
            elif how in ("append", "add") and value not in holder:
                holder.append(value)
        elif isinstance(holder, dict) and how == "update" and isinstance(node.args[0], ast.Dict):
            for key, one in zip(node.args[0].keys, node.args[0].values, strict=True):
                if isinstance(key, ast.Constant):
                    holder |= words(self.code, {str(key.value): one}, frame.module, frame.local)

    def cls(self, node: ast.expr, frame: Frame) -> Thing | None:
        """The class that an expression names."""
        if isinstance(node, ast.Name) and node.id in ("cls", "self") and frame.cls is not None:
            return frame.cls
        found = self.code.look_up(frame.module, node)
        return found if found is not None and isinstance(found.node, ast.ClassDef) else None

    def follow(self, node: ast.Call, frame: Frame) -> Any:
        """Another function of the package, where it is handed the parser or the arguments."""
        given = [self.value(a, frame) for a in node.args if not isinstance(a, ast.Starred)]
        if not any(g is PARSER or isinstance(g, dict) for g in given):
            return self.code.value(node, frame.module, frame.local)
        target, cls, after = node.func, None, None
        thing = None
        if isinstance(target, ast.Attribute):
            if ast.unparse(target.value) == "super()":
                cls, after = frame.cls, frame.owner
            else:
                cls = self.cls(target.value, frame)
            thing = self.code.member(cls, target.attr, after) if cls is not None else None
        thing = thing or self.code.look_up(frame.module, target)
        if thing is None or not isinstance(thing.node, ast.FunctionDef):
            return given[0]
        names = [a.arg for a in thing.node.args.args if a.arg not in ("cls", "self")]
        return self.function(thing, cls, dict(zip(names, given, strict=False)))

    def dataclass(self, node: ast.expr, frame: Frame) -> None:
        """SGLang's style: the annotated fields of the class, or of the field groups collected into it."""
        cls = self.cls(node, frame)
        if cls is None:
            return
        groups = [cls]
        for name, one in cls.module.names.items():
            thing = self.code.find(cls.module, name) if isinstance(one, ast.ImportFrom) else None
            if thing is not None and isinstance(thing.node, ast.ClassDef) and ".fields." in thing.module.name:
                groups.append(thing)
        for group in groups:
            rows = [annotated(self.code, *row) for row in fields(self.code, group)]
            self.found += [row for row in rows if row is not None]

    def add(self, node: ast.Call, frame: Frame) -> None:
        """`add_argument(...)`; positional arguments are no options."""
        spellings = [self.code.value(a, frame.module) for a in node.args]
        spellings = [s for s in spellings if isinstance(s, str) and s.startswith("-")]
        argument: Argument = {}
        for keyword in node.keywords:
            if keyword.arg is not None:
                argument |= words(self.code, {keyword.arg: keyword.value}, frame.module, frame.local)
            else:
                argument |= self.spread(keyword.value, frame)
        if spellings:
            long = [s for s in spellings if s.startswith("--")] or spellings
            self.found.append(Found((*long, *(s for s in spellings if s not in long)), argument))

    def spread(self, node: ast.expr, frame: Frame) -> Argument:
        """`**kwargs` and `**{**kwargs, "key": value}`."""
        if isinstance(node, ast.Dict):
            found: Argument = {}
            for key, value in zip(node.keys, node.values, strict=True):
                if key is None:
                    found |= self.spread(value, frame)
                elif isinstance(key, ast.Constant):
                    found |= words(self.code, {str(key.value): value}, frame.module, frame.local)
            return found
        value = self.value(node, frame)
        return dict(value) if isinstance(value, dict) else {}


def top_level(code: Code, name: str, body: list[ast.stmt]) -> list[Found]:
    """The options that a module's own statements add."""
    walk, module = Walk(code), code.module(name)
    if module is not None:
        frame = Frame(module)
        for node in statements(body):
            walk.statement(node, frame)
    return walk.found
