"""What one option takes: of keywords of `add_argument`, of dataclass fields (two styles), of click decorators.

An argument is a dict of what argparse would be given, as words: `type` is one of int, float, str, json, bool; `action`,
`nargs`, `const` and `choices` are constants; what cannot be known without running the engine is left out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .source import UNKNOWN, Code, Hint, Module, Thing, hints, statements

Argument = dict[str, Any]
SUFFIXES = "also sizes such as 8k or 1G"
WORDS = {"int": "int", "float": "float", "str": "str", "bool": "bool", "json.loads": "json", "loads": "json"}


@dataclass
class Found:
    """One option: its spellings with dashes, the main one first, and its argument."""

    spellings: tuple[str, ...]
    argument: Argument


def parser_word(node: ast.AST, code: Code | None = None, module: Module | None = None) -> Argument:
    """What a `type=` says about the value: a known name, or what a function of the package says it returns."""
    name = ast.unparse(node)
    if isinstance(node, ast.Call) and node.args and name.split("(")[0].endswith(("optional_type", "parse_type")):
        return parser_word(node.args[0], code, module)
    last = name.rpartition(".")[2]
    if last.startswith("human_readable_int"):
        return {"type": "int", "note": SUFFIXES + (", or auto" if last.endswith("auto") else "")}
    if last == "union_dict_and_str":
        return {"type": "json", "note": "also plain text"}
    if last in ("str2bool", "parse_bool", "str_to_bool"):
        return {"type": "bool"}
    if "json" in last and last not in WORDS:
        return {"type": "json"}
    made = code.look_up(module, node) if code and module and isinstance(node, (ast.Name, ast.Attribute)) else None
    if made is not None and isinstance(made.node, ast.FunctionDef) and made.node.returns is not None:
        kinds = {h.kind for h in hints(code, made.node.returns, made.module)} - {"none"} if code else set()
        only = kinds.pop() if len(kinds) == 1 else ""
        return {"type": {"int": "int", "float": "float", "bool": "bool", "dict": "json"}.get(only, "str")}
    return {"type": WORDS.get(name, "str")}


# ---------------------------------------------------------------- fields that become options
HUMAN = {
    "max_num_batched_tokens",
    "max_num_scheduled_tokens",
    "kv_cache_memory_bytes",
    "safetensors_prefetch_block_size",
    "max_num_queued_tokens",
}


def fields(code: Code, cls: Thing) -> Iterator[tuple[str, ast.AnnAssign, Module]]:
    """The annotated fields of a class and its bases, each name once."""
    seen = set()
    for one in code.lineage(cls):
        for node in statements(one.node.body):
            if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
                continue
            if node.target.id not in seen and not ast.unparse(node.annotation).startswith(("ClassVar", "InitVar")):
                seen.add(node.target.id)
                yield node.target.id, node, one.module


def from_hints(name: str, found: frozenset[Hint]) -> Argument:
    """An option of a field, as vLLM's get_kwargs makes it."""
    kinds = {h.kind: h for h in found}
    if "dataclass" in kinds:
        return {"type": "json"}
    if set(kinds) == {"bool", "str", "none"}:
        return {"type": "str", "nargs": "?"}
    if "bool" in kinds:
        return {"action": "BooleanOptionalAction"}
    if "literal" in kinds:
        return literal_words(kinds["literal"], "str" not in kinds)
    for kind in ("tuple", "list", "set"):
        if kind in kinds:
            return {**element(kinds[kind]), "nargs": "+"}
    if "int" in kinds:
        auto = name == "max_model_len"
        note = {"note": SUFFIXES + (", or auto" if auto else "")} if auto or name in HUMAN else {}
        return {"type": "int", **note}
    if "float" in kinds:
        return {"type": "float"}
    if "dict" in kinds:
        return {"type": "json", **({"note": "also plain text"} if {"str", "other"} & set(kinds) else {})}
    return {"type": "str"}


def literal_words(hint: Hint, strict: bool) -> Argument:
    """A Literal: its type, and its values: `words` where others may be registered by a plugin."""
    kind = {int: "int", float: "float"}.get(type(hint.args[0]) if hint.args else str, "str")
    return {"type": kind, "choices" if strict else "words": sorted(hint.args, key=str)}


def element(hint: Hint) -> Argument:
    """The type of a collection's members."""
    inner = {h.kind: h for h in hint.args[0]} if hint.args else {}
    if "literal" in inner:
        return literal_words(inner["literal"], "str" not in inner)
    return {"type": next((k for k in ("str", "int", "float") if k in inner), "str")}


def annotated(code: Code, name: str, node: ast.AnnAssign, module: Module) -> Found | None:
    """An option of a field `name: A[type, "help" or Arg(...)]`, as SGLang declares them."""
    note = node.annotation
    if not isinstance(note, ast.Subscript) or ast.unparse(note.value) not in ("A", "Annotated", "typing.Annotated"):
        return None
    kind, *marks = note.slice.elts if isinstance(note.slice, ast.Tuple) else [note.slice]
    call = next((r for r in marks if isinstance(r, ast.Call) and ast.unparse(r.func) == "Arg"), None)
    if call is None and not any(isinstance(r, (ast.Constant, ast.JoinedStr, ast.BinOp)) for r in marks):
        return None
    given = {k.arg: k.value for k in call.keywords if k.arg} if call else {}
    constant = {k: code.value(v, module) for k, v in given.items()}
    if constant.get("no_cli") is True:
        return None
    aliases = constant.get("aliases") or []
    spellings = (constant.get("cli_name") or "--" + name.replace("_", "-"), *aliases)
    if "action" in given:
        extra = given.get("action_kwargs")
        keys = {}
        if isinstance(extra, ast.Dict):
            keys = {str(code.value(k, module)): v for k, v in zip(extra.keys, extra.values, strict=True) if k}
        return Found(spellings, words(code, {"action": given["action"], **keys}, module, {}))
    kinds = {h.kind: h for h in hints(code, kind, module)} if not isinstance(kind, ast.Constant) else {}
    kinds.pop("none", None)
    argument: Argument = {"type": next((k for k in ("int", "float") if set(kinds) == {k}), "str")}
    if set(kinds) == {"literal"}:
        argument = literal_words(kinds["literal"], True)
    elif set(kinds) == {"list"} and "type_parser" not in given:
        argument = {**element(kinds["list"]), "nargs": "+"}
    elif set(kinds) == {"bool"}:
        return Found(spellings, {"action": "store_true"})
    if "type_parser" in given:
        argument |= parser_word(given["type_parser"], code, module)
    rest = {k: given[k] for k in ("choices", "nargs") if k in given}
    return Found(spellings, argument | words(code, rest, module, {}))


def words(code: Code, given: Mapping[str, ast.expr], module: Module, local: Mapping[str, Any]) -> Argument:
    """The keywords of an add_argument call that matter here."""
    found: Argument = {}
    for key, node in given.items():
        value = code.value(node, module, local)
        if key == "type":
            found |= parser_word(node, code, module)
            found |= _enum(code, node, module)
        elif key == "action":
            found[key] = value if isinstance(value, str) else _action(code, node, module, "nargs" in given)
        elif (key == "nargs" and value is not UNKNOWN and value is not None) or (
            key == "choices" and isinstance(value, list)
        ):
            found[key] = value
        elif key == "choices":
            found |= _enum(code, node, module)
    return found


def _action(code: Code, node: ast.expr, module: Module, counted: bool) -> str:
    """The name of an action class; one that says itself that it takes no value is like store_true."""
    thing = code.look_up(module, node)
    made = code.member(thing, "__init__") if thing is not None and isinstance(thing.node, ast.ClassDef) else None
    if made is not None and isinstance(made.node, ast.FunctionDef) and not counted:
        names = [a.arg for a in made.node.args.args][-len(made.node.args.defaults) :] if made.node.args.defaults else []
        for name, default in zip(names, made.node.args.defaults, strict=True):
            if name == "nargs" and code.value(default, made.module) == 0:
                return "store_true"
    return ast.unparse(node).rpartition(".")[2]


def _enum(code: Code, node: ast.AST, module: Module) -> Argument:
    """The values of an enumeration that stands as a type, or is gone through by a comprehension."""
    what = "value"
    if isinstance(node, (ast.ListComp, ast.GeneratorExp)) and ast.unparse(node.elt).endswith((".value", ".lower()")):
        what = "name" if ".name" in ast.unparse(node.elt) else "value"
        node = node.generators[0].iter
    thing = code.look_up(module, node) if isinstance(node, (ast.Name, ast.Attribute)) else None
    if thing is None or not isinstance(thing.node, ast.ClassDef):
        return {}
    if not any("Enum" in ast.unparse(b) for c in code.lineage(thing) for b in c.node.bases):
        return {}
    pairs = [
        (s.targets[0].id.lower(), code.value(s.value, thing.module))
        for s in thing.node.body
        if isinstance(s, ast.Assign) and isinstance(s.targets[0], ast.Name) and not s.targets[0].id.startswith("_")
    ]
    found = [name if what == "name" else value for name, value in pairs]
    return {"choices": found} if found and all(isinstance(f, str) for f in found) else {}


def click_options(code: Code, thing: Thing) -> list[Found]:
    """The options of a click command, from its decorators."""
    found = []
    for node in thing.node.decorator_list:
        if not isinstance(node, ast.Call) or ast.unparse(node.func).rpartition(".")[2] != "option":
            continue
        names = [str(code.value(a, thing.module)) for a in node.args]
        given = {k.arg: k.value for k in node.keywords if k.arg}
        kind = given.get("type")
        argument: Argument = parser_word(kind, code, thing.module) if kind is not None else {"type": "str"}
        if isinstance(kind, ast.Call):
            last = ast.unparse(kind.func).rpartition(".")[2]
            words_given = [code.value(a, thing.module) for a in kind.args] if "Choice" in last else []
            choices = [w for one in words_given if isinstance(one, list) for w in one]
            argument = {"type": {"IntRange": "int", "FloatRange": "float"}.get(last, "str")}
            argument |= {"choices": choices} if choices else {}
        if code.value(given.get("is_flag"), thing.module) is True:
            argument = {"action": "store_true"}
        spellings = [n for n in names if n.startswith("-")]
        if any("/" in s for s in spellings):
            argument = {"action": "BooleanOptionalAction"}
            spellings = [s.partition("/")[0] for s in spellings]
        if code.value(given.get("multiple"), thing.module) is True:
            argument["action"] = "append"
        long = [s for s in spellings if s.startswith("--")]
        found.append(Found((*long, *(s for s in spellings if s not in long)), argument))
    return found
