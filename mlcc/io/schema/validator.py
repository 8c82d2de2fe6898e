"""Documents against their JSON Schemas, as findings.  Law: the only importer of jsonschema; knows no document by name.

Messages are built from the schema's keywords, never from jsonschema's own texts: those quote whole instances, which
may be secrets, control characters or bombs.  What a schema says about a key (its option, its variable, its phase) is
read here too, so that the command line, the documentation and the checks share one source.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from mlcc.core.findings import RENAME, SET, Finding, Fix, Severity
from mlcc.core.nodes import Node
from mlcc.core.paths import format_path
from mlcc.core.spelling import only_match
from mlcc.core.text import allowed, nearest, printable, quoted
from mlcc.core.value_text import scalar_text
from mlcc.io import packaged
from mlcc.io.schema.quick_yes import accepts

MAX_FINDINGS = 200
MAX_SUGGESTIONS = 50
_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
}


def expand(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema with every local `$ref` replaced by what it names (our schemas do not recurse)."""
    definitions = schema.get("definitions", {})

    @functools.cache
    def named(name: str) -> Any:
        return inline(definitions[name])

    def inline(node: Mapping[str, Any]) -> Any:
        if "$ref" in node:
            return named(str(node["$ref"]).rpartition("/")[2])
        made: dict[str, Any] = {}
        for key, value in node.items():
            if type(value) is dict:
                if key != "definitions":
                    made[key] = inline(value)
            elif type(value) is list:
                made[key] = [inline(element) if type(element) is dict else element for element in value]
            else:
                made[key] = value
        return made

    expanded: dict[str, Any] = inline(schema)
    return expanded


@functools.cache
def load_schema(name: str) -> dict[str, Any]:
    """A packaged schema, expanded."""
    return expand(packaged.schema(name))


@functools.cache
def schema_digest(name: str) -> str:
    """sha256 of a packaged schema's bytes: what a document was validated by."""
    return hashlib.sha256(packaged.read("schemas", f"{name}.schema.json")).hexdigest()


@functools.cache
def _validated(name: str, partial: bool) -> dict[str, Any]:
    """A schema; for a layer over others without what its top level requires."""
    schema = load_schema(name)
    return {k: v for k, v in schema.items() if k != "required"} if partial else schema


@functools.cache
def _validator(name: str) -> Any:
    from jsonschema import Draft7Validator
    from jsonschema.validators import extend

    checker = Draft7Validator.TYPE_CHECKER.redefine_many(
        {
            "integer": lambda _, value: isinstance(value, int) and not isinstance(value, bool),
            "number": lambda _, value: isinstance(value, (int, float)) and not isinstance(value, bool),
        }
    )
    strict: Any = extend(Draft7Validator, type_checker=checker)  # type: ignore[no-untyped-call]
    return strict(load_schema(name))


def validate_document(
    root: Node, name: str, *, partial: bool = False, clean: Callable[[str], str] = str
) -> list[Finding]:
    """Every way in which a document breaks the schema `name`, as findings with places.

    partial: the document is a layer over others, so what the top level requires may stand elsewhere; clean: takes
    secrets out of a value, which is cut in the message.
    """
    return list(dict.fromkeys(finding for _, finding in document_errors(root, name, partial=partial, clean=clean)))


def document_errors(
    root: Node, name: str, *, partial: bool = False, clean: Callable[[str], str] = str
) -> list[tuple[Where, Finding]]:
    """The same, each finding with the path of the value that is wrong; at most MAX_FINDINGS of them."""
    plain = root.plain()
    if accepts(_validated(name, partial), plain):
        return []
    found: list[tuple[Where, Finding]] = []
    for problem in _validator(name).iter_errors(plain):
        path = tuple(problem.absolute_path)
        if partial and problem.validator == "required" and not path:
            continue
        if problem.instance is None and problem.validator == "enum":
            continue  # that nothing stands there is one finding
        if isinstance(problem.instance, str):
            problem.instance = clean(problem.instance)
        explained = _KEYWORDS.get(problem.validator, _other)(problem, root, path)
        found.extend(itertools.islice(explained, MAX_FINDINGS - len(found)))
        if len(found) >= MAX_FINDINGS:
            break
    return found


# ---------------------------------------------------------------- messages
Where = tuple["str | int", ...]
"""The path of a value that is wrong.  An unknown key is wrong itself; what it stands in is not."""
Explained = Iterator[tuple[Where, Finding]]
Keyword = Callable[[Any, Node, Where], Explained]


def _make(
    code: str, root: Node, path: Where, message: str, hint: str = "", fix: Fix | None = None
) -> tuple[Where, Finding]:
    mark = root.mark_of(path)
    shown = format_path(tuple(printable(s, 60) if isinstance(s, str) else s for s in path))
    return path, Finding(code, Severity.ERROR, message, shown, mark.file, mark.line, mark.column, hint, fix)


def _shown(problem: Any, path: Where) -> str:
    """The offending value for a message; nothing below `secrets` and no collection is ever quoted."""
    value = problem.instance
    if value is None:
        return "an absent value"
    if (path and path[0] == "secrets") or isinstance(value, (dict, list)):
        return "the value"
    if isinstance(value, bool):
        return f"'{scalar_text(value)}'"
    if isinstance(value, (int, float)):
        # beyond Python's own limit for int-to-text, no number is worth showing
        return f"'{value}'" if abs(value) < 10**30 else "the number"
    return quoted(value, 60)


def _unknown(problem: Any, root: Node, path: Where) -> Explained:
    known = problem.schema.get("properties", {})
    patterns = problem.schema.get("patternProperties", {})
    names_are_free = any(p != "^x-" for p in patterns)
    foreign = (k for k in problem.instance if k not in known and not any(re.search(p, k) for p in patterns))
    for number, key in enumerate(foreign):
        where = (*path, key)
        if names_are_free and not known:
            kind = problem.schema.get("title", "this mapping").lower()
            message = f"{quoted(key, 60)} is not a valid name in {kind}"
            yield _make("MLCC021", root, where, message, f"names match {_readable(next(iter(patterns)))}")
            continue
        # looking for a neighbour takes long, and whoever has so many strange keys has another problem
        near = nearest(key, known) if number < MAX_SUGGESTIONS else ""
        hint = f"did you mean {near}? " if near else ""
        message = f"unknown key {quoted(key, 60)}"
        meant = only_match(key, (k for k in known if k not in problem.instance)) if near else ""
        fix = Fix(RENAME, key, meant) if meant else None
        yield _make("MLCC020", root, where, message, f"{hint}allowed here: {allowed(known, 40)}", fix)


def _type(problem: Any, root: Node, path: Where) -> Explained:
    wanted = problem.validator_value if isinstance(problem.validator_value, list) else [problem.validator_value]
    words = " or ".join(_TYPES[w] for w in wanted if w in _TYPES)
    node = root.get(*path)
    hint = ""
    if "string" in wanted and isinstance(problem.instance, (int, float)) and node is not None:
        hint = f'write it in quotes: "{printable(node.text, 40)}"'
    elif {"integer", "number"} & set(wanted) and isinstance(problem.instance, str):
        # unquoted text that is no number may be one to other YAML readers: another check finds those
        quoted_number = node is not None and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", node.text)
        hint = "write it without quotes" if quoted_number else "write it in decimal digits"
    elif problem.instance is None:
        hint = _absent(path)
    fix = _as_type(wanted, node) if path[:1] != ("secrets",) else None
    yield _make("MLCC022", root, path, f"{_shown(problem, path)} is not {words}", hint, fix)


def _as_type(wanted: Iterable[str], node: Node | None) -> Fix | None:
    """A number or a switch in quotes where a text belongs, and a number without quotes where a number belongs."""
    if node is None or node.is_map or node.is_list or node.value is None:
        return None
    if "string" in wanted and not isinstance(node.value, str):
        return Fix(SET, node.text, node.text)
    if isinstance(node.value, str) and re.fullmatch(r"0|-?[1-9][0-9]{0,17}", node.text) and {*wanted} <= _NUMBERS:
        return Fix(SET, node.text, int(node.text))
    words = {"true": True, "false": False}
    if isinstance(node.value, str) and node.text in words and {*wanted} == {"boolean"}:
        return Fix(SET, node.text, words[node.text])
    return None


_NUMBERS = {"integer", "number"}


def _absent(path: Where) -> str:
    """What to do about a null: it is neither the default nor the value of a base."""
    return f"give it a value, or remove the {'element' if path and isinstance(path[-1], int) else 'key'}"


def _readable(pattern: str) -> str:
    """A pattern as shown to people: without the anchors that guard against trailing newlines."""
    return pattern.removeprefix("^").replace("$(?!\\n)", "")


def _pattern(problem: Any, root: Node, path: Where) -> Explained:
    examples = problem.schema.get("examples", [])
    hint = "for example " + ", ".join(str(e) for e in examples[:3]) if examples else ""
    title = str(problem.schema.get("title", "value")).lower()
    yield _make("MLCC023", root, path, f"{_shown(problem, path)} is not a valid {title}", hint)


def newer(version: Any, known: Iterable[Any]) -> bool:
    """True for the version of a format that comes after all that are known."""
    return isinstance(version, int) and not isinstance(version, bool) and all(version > k for k in known)


def _enum(problem: Any, root: Node, path: Where) -> Explained:
    if path == ("version",) and newer(problem.instance, problem.validator_value):
        message = f"{_shown(problem, path)} is a newer format: this mlcc reads version {max(problem.validator_value)}"
        yield _make("MLCC024", root, path, message, "a newer mlcc is needed: upgrade mlcc")
        return
    words = [str(w) for w in problem.validator_value]
    near = nearest(problem.instance, words) if isinstance(problem.instance, str) else ""
    hint = f"did you mean {near}? allowed: {allowed(words, 20)}" if near else f"allowed: {allowed(words, 20)}"
    meant = only_match(problem.instance, words) if near else ""
    fix = Fix(SET, problem.instance, meant) if meant in problem.validator_value and meant else None
    yield _make("MLCC024", root, path, f"{_shown(problem, path)} is not one of the allowed values", hint, fix)


_BOUNDS = {
    "minimum": "is below the minimum of",
    "maximum": "exceeds the maximum of",
    "exclusiveMinimum": "must be greater than",
    "exclusiveMaximum": "must be less than",
}


def _bound(problem: Any, root: Node, path: Where) -> Explained:
    words = _BOUNDS[problem.validator]
    yield _make("MLCC025", root, path, f"{_shown(problem, path)} {words} {problem.validator_value}")


_LENGTHS = {
    "minLength": "is shorter than {} characters",
    "maxLength": "is longer than {} characters",
    "minItems": "has fewer than {} elements",
    "maxItems": "has more than {} elements",
    "minProperties": "has fewer than {} keys",
    "maxProperties": "has more than {} keys",
}


def _length(problem: Any, root: Node, path: Where) -> Explained:
    words = _LENGTHS[problem.validator].format(problem.validator_value)
    if problem.validator == "minLength" and problem.instance == "":
        words = "is empty"
    yield _make("MLCC026", root, path, f"{_shown(problem, path)} {words}")


def _required(problem: Any, root: Node, path: Where) -> Explained:
    for key in problem.validator_value:
        if key not in problem.instance:
            description = problem.schema.get("properties", {}).get(key, {}).get("description", "")
            yield _make("MLCC027", root, (*path, key), f"the key {key} is missing", description)


def _forms(problem: Any, root: Node, path: Where) -> Explained:
    words = [word for form in problem.validator_value for word in form.get("enum", ())]
    near = nearest(problem.instance, words) if isinstance(problem.instance, str) else ""
    described = f"did you mean {near}? one of {allowed(words)}" if near else str(problem.schema.get("description", ""))
    hint = _absent(path) if problem.instance is None else described
    yield _make("MLCC022", root, path, f"{_shown(problem, path)} has none of the allowed forms", hint)


def _unique(problem: Any, root: Node, path: Where) -> Explained:
    yield _make("MLCC028", root, path, "an element stands twice in the list")


def _other(problem: Any, root: Node, path: Where) -> Explained:
    yield _make("MLCC029", root, path, f"breaks the rule {problem.validator} of the schema")


_KEYWORDS: dict[str, Keyword] = {
    "additionalProperties": _unknown,
    "type": _type,
    "pattern": _pattern,
    "enum": _enum,
    "required": _required,
    "anyOf": _forms,
    "oneOf": _forms,
    "uniqueItems": _unique,
    **dict.fromkeys(_BOUNDS, _bound),
    **dict.fromkeys(_LENGTHS, _length),
}
