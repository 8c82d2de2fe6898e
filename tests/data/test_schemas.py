"""The schemas: valid draft-07, explained throughout, and patterns that no text can stall."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mlcc.cli.catalog_tables import TABLES
from mlcc.io.schema import keys
from mlcc.io.schema import validator as schema
from mlcc.registries import load
from tests.helpers import ROOT

PATHS = sorted((ROOT / "schemas").glob("*.json"))
NAMES = [p.name.removesuffix(".schema.json") for p in PATHS]
INPUT = [n for n in NAMES if not n.startswith("output-")]


def document(name: str) -> dict[str, Any]:
    return json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text())


def parts(node: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every subschema with its place; `properties` and the like are not subschemas themselves."""
    if not isinstance(node, Mapping):
        return
    yield path, node
    for key in ("properties", "patternProperties", "definitions"):
        for name, child in node.get(key, {}).items():
            yield from parts(child, f"{path}/{key}/{name}")
    for key in ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"):
        yield from parts(node.get(key), f"{path}/{key}")
    for key in ("anyOf", "oneOf", "allOf"):
        for number, child in enumerate(node.get(key, [])):
            yield from parts(child, f"{path}/{key}/{number}")


def described(node: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every subschema that describes a value of a document: properties, values of maps, elements of lists."""
    for place, child in parts(schema.expand(node), path):
        parent = place.rsplit("/", 2)
        if place and (
            parent[-1] in ("items", "additionalProperties") or parent[-2] in ("properties", "patternProperties")
        ):
            yield place, child


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_has_an_address(name):
    assert document(name)["$id"] == f"https://mlcc.dev/schemas/v1/{name}.schema.json"


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_valid_draft_07(name):
    found = document(name)
    assert found["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(found)


@pytest.mark.parametrize("name", NAMES)
def test_references_have_no_siblings_and_lead_somewhere(name):
    found = document(name)
    for place, part in parts(found):
        if "$ref" in part:
            assert set(part) == {"$ref"}, f"{place}: draft-07 ignores what stands beside $ref"
            assert part["$ref"].removeprefix("#/definitions/") in found["definitions"], place


@pytest.mark.parametrize("name", NAMES)
def test_every_definition_is_used(name):
    text = json.dumps(document(name))
    assert not [d for d in document(name).get("definitions", {}) if f'"#/definitions/{d}"' not in text]


@pytest.mark.parametrize("name", INPUT)
def test_every_key_is_explained(name):
    for place, part in described(document(name)):
        if part and not place.endswith("/^x-"):
            missing = {"title", "description", "examples"} - set(part)
            assert not missing, f"{place} has no {missing}"
            assert part["title"].strip()
            assert part["description"].strip().endswith((".", ")")), place
            assert isinstance(part["examples"], list), place
            assert part["examples"], place


@pytest.mark.parametrize("name", NAMES)
def test_examples_and_defaults_are_valid(name):
    for place, part in parts(schema.expand(document(name))):
        validator = jsonschema.Draft7Validator(part)
        for value in [*part.get("examples", []), *([part["default"]] if "default" in part else [])]:
            if place.endswith("additionalProperties") and value == {}:
                continue  # rows and maps whose example is an empty one
            errors = [e.message for e in validator.iter_errors(value)]
            assert not errors, f"{place}: {value!r}: {errors}"


@pytest.mark.parametrize("name", INPUT)
def test_objects_are_closed_or_say_what_they_hold(name):
    """A typo must not pass: an object lists its keys, or says what any key holds, or is free on purpose."""
    free = []
    for place, part in parts(schema.expand(document(name))):
        if part.get("type") == "object" and "properties" in part:
            assert part.get("additionalProperties") is False or isinstance(part.get("additionalProperties"), dict), (
                place
            )
        elif part.get("type") == "object" and "additionalProperties" not in part:
            free.append(place.rpartition("/")[2])
    assert set(free) <= {
        "overrides",
        "defaults",
        "evidence",
        "container",
        "accelerator",
        "facts",
        "sample",
        "model",
        "environment",
    }, free


# ---------------------------------------------------------------- x-mlcc
PROPERTIES = keys.index()


@pytest.mark.parametrize("fact", ["option", "env"])
def test_options_and_variables_are_unique(fact):
    given = [p.meta[fact] for p in PROPERTIES.values() if p.meta.get(fact)]
    assert len(given) == len(set(given)) > 100


def test_do_variables_are_unique_in_their_file():
    for scope in ((), ("inference_components", "[]"), ("adapters", "[]")):
        inside = [p for path, p in PROPERTIES.items() if path[: len(scope)] == scope and ("[]" in path) == bool(scope)]
        given = [p.meta["variable"] for p in inside if p.meta.get("variable")]
        assert len(given) == len(set(given))
        assert given


def test_names_have_one_form():
    for prop in PROPERTIES.values():
        option, env, variable = (prop.meta.get(k) for k in ("option", "env", "variable"))
        assert option is None or re.fullmatch(r"--[a-z0-9]+(-[a-z0-9]+)*", option), prop.name
        assert env is None or env == "ML_" + option.removeprefix("--").upper().replace("-", "_"), prop.name
        assert variable is None or re.fullmatch(r"[A-Z][A-Z0-9_]*", variable), prop.name
        assert (option is None) == (env is None), prop.name


def test_a_key_that_names_rows_says_of_which_table():
    """The table is what completion offers and what `mlcc catalog TABLE` lists."""
    named = {p.name: p.meta["catalog"] for p in PROPERTIES.values() if p.meta.get("catalog")}
    assert set(named.values()) <= set(TABLES)
    assert named["deployment.instance_type"] == "instances"
    assert len(named) == 5


def test_every_key_says_what_it_changes():
    for path, prop in PROPERTIES.items():
        if not prop.meta:
            continue
        leaf = not any(other[: len(path)] == path and other != path for other in PROPERTIES)
        if leaf:
            assert prop.phase in ("build", "deploy"), prop.name


def test_build_keys_of_a_section_are_not_deploy_keys_below():
    for path, prop in PROPERTIES.items():
        above = PROPERTIES.get(path[:-1])
        if above is not None and above.phase == "build":
            assert prop.phase == "build", prop.name


def test_an_overlay_s_keys_are_deploy_keys():
    overlay = schema.load_schema("mlcc")["properties"]["environments"]
    child = (
        next(iter(overlay["patternProperties"].values()))
        if "patternProperties" in overlay
        else overlay["additionalProperties"]
    )
    found = keys.properties(child).keys()
    assert found
    for path in found:
        assert path in PROPERTIES, f"environments.NAME.{'.'.join(path)} is no key of the file"
    for path, prop in PROPERTIES.items():
        if prop.phase == "deploy" and path[0] not in ("environments", "extends", "version"):
            assert path in found, f"{prop.name} cannot be set in an overlay"


# ---------------------------------------------------------------- patterns
def patterns() -> list[tuple[str, str, tuple[str, ...]]]:
    """(schema and place, pattern, examples) of every pattern, each once."""
    found: dict[str, tuple[str, str, tuple[str, ...]]] = {}
    for name in NAMES:
        for place, part in parts(document(name)):
            words = tuple(e for e in part.get("examples", []) if isinstance(e, str))
            if "pattern" in part:
                found.setdefault(part["pattern"], (f"{name}{place}", part["pattern"], words))
            for pattern in part.get("patternProperties", {}):
                found.setdefault(pattern, (f"{name}{place}", pattern, ()))
    return list(found.values())


PATTERNS = patterns()


def test_there_are_patterns_to_test():
    assert len(PATTERNS) > 30


@pytest.mark.parametrize(("place", "pattern", "words"), PATTERNS, ids=[p[0] for p in PATTERNS])
def test_patterns_are_anchored_at_both_ends(place, pattern, words):
    if pattern == "^x-":
        return
    assert pattern.startswith("^")
    assert pattern.endswith("$(?!\\n)")
    body = re.sub(r"\[[^\]]*\]|\\.", "", pattern.removeprefix("^").removesuffix("$(?!\n)"))
    while (inner := re.sub(r"\([^()]*\)", "", body)) != body:
        body = inner
    assert "|" not in body, "an alternative outside parentheses is not anchored"
    for word in words:
        if re.search(pattern, word):
            assert not re.search(pattern, word + "\n"), "a newline at the end passes"
            assert not re.search(pattern, "\n" + word), "a newline at the beginning passes"


ATOMS = (
    "a",
    "A",
    "0",
    "-",
    ".",
    "/",
    "_",
    ":",
    " ",
    "a-",
    "a.",
    "a/",
    "0.",
    "-a",
    "./",
    "../",
    "a0",
    "aA",
    "@",
    "=",
    "a,",
    "s3://",
    "arn:aws:",
    "ml.",
    ";",
)
# a linear search of so many characters takes under a millisecond, a quadratic one nearly a second
SIZE, MOST_S = 30_000, 0.1


@pytest.mark.parametrize(("place", "pattern", "words"), PATTERNS, ids=[p[0] for p in PATTERNS])
def test_patterns_take_linear_time(place, pattern, words):
    compiled = re.compile(pattern)
    starts = {"", *words, *(w[: len(w) // 2] for w in words)}
    for start in sorted(starts, key=len)[:5]:
        for atom in dict.fromkeys([*ATOMS, *words]):
            if not atom:
                continue
            text = start + atom * (SIZE // len(atom)) + "\x00"
            before = time.process_time()
            compiled.search(text)
            spent = time.process_time() - before
            assert spent < MOST_S, f"{place}: {SIZE} characters of {atom!r} after {start!r} take {spent:.1f} s"


@pytest.mark.parametrize("name", ["deployment.region", "deployment.instance_type"])
def test_patterns_accept_what_the_registries_hold(name):

    known = load()
    pattern = PROPERTIES[tuple(name.split("."))].schema["pattern"]
    for row in known.regions if name.endswith("region") else known.instances:
        assert re.search(pattern, row), row


def test_files_are_formatted():
    for path in PATHS:
        text = path.read_text()
        assert text.endswith("}\n"), path
        assert "\t" not in text, path
        assert not [line for line in text.splitlines() if line != line.rstrip()], path
        assert text.isascii(), path


def test_packaged_files_are_those_of_the_repository():
    for folder in ("schemas", "registries", "cookiecutters"):
        link = ROOT / "mlcc" / "data" / folder
        assert link.is_symlink()
        assert link.resolve() == ROOT / folder
        assert Path(f"../../{folder}") == link.readlink()
