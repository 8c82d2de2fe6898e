"""What a version of an engine knows: which list is taken, and what the serve script gets."""

from __future__ import annotations

import itertools
import json

import pytest

from mlcc.core import version_order
from mlcc.registries.engine_rows import Engine, EngineOptions, Option
from mlcc.registries.files import Root
from mlcc.registries.loader import load
from mlcc.render import engine_file
from mlcc.resolve.engine import options

BASE = EngineOptions(
    "base",
    "test",
    ("0.9.0", "0.10.0", "0.10.2"),
    {
        "always": Option("always", "flag", aliases=("ever",)),
        "new": Option("new", "integer", first="0.10.0"),
        "old": Option("old", "text", last="0.10.0"),
        "middle": Option("middle", "json", first="0.10.0", last="0.10.0"),
        "elsewhere": Option("elsewhere", "list", first="7.7.7"),
    },
    {"BASE_HOME": Option("BASE_HOME", "text"), "BASE_NEW": Option("BASE_NEW", "text", first="0.10.2")},
)
CHILD = EngineOptions(
    "child", "test", (), {"own": Option("own", "number")}, {"CHILD_X": Option("CHILD_X", "text")}, BASE
)


@pytest.mark.parametrize(
    ("version", "taken", "exact"),
    [
        ("0.9.0", "0.9.0", True), ("0.10.2", "0.10.2", True), ("0.9.7", "0.9.0", False), ("0.10.1", "0.10.0", False),
        ("1.0", "0.10.2", False), ("0.1", "0.9.0", False), ("", "0.9.0", False), ("latest", "0.9.0", False),
    ],
)  # fmt: skip
def test_the_nearest_version_before_is_taken(version, taken, exact):
    found = options.at_version(BASE, version)
    assert (found.version, found.exact) == (taken, exact)


@pytest.mark.parametrize(
    ("version", "names", "variables"),
    [
        ("0.9.0", {"always", "old", "elsewhere"}, {"BASE_HOME"}),
        ("0.10.0", {"always", "old", "new", "middle", "elsewhere"}, {"BASE_HOME"}),
        ("0.10.2", {"always", "new", "elsewhere"}, {"BASE_HOME", "BASE_NEW"}),
    ],
)
def test_an_option_exists_from_its_first_to_its_last_version(version, names, variables):
    found = options.at_version(BASE, version)
    assert set(found.options) == names
    assert found.variables == variables


WORDS = Option("mode", "text", ("a", "b", "c"), since={"b": "0.9.0"}, until={"a": "0.9.0"})


@pytest.mark.parametrize(("version", "words"), [("0.8.0", "ac"), ("0.9.0", "abc"), ("0.10.0", "bc"), ("0.11.0", "bc")])
def test_a_version_has_its_own_words(version, words):
    listed = EngineOptions("x", "test", ("0.8.0", "0.9.0", "0.10.0"), {"mode": WORDS})
    assert "".join(options.at_version(listed, version).options["mode"].choices) == words


@pytest.mark.parametrize(
    ("version", "bounds", "free"),
    [
        ("0.9.0", {}, False),
        ("0.9.0", {"open_from": "0.9.0"}, True),
        ("0.8.0", {"open_from": "0.9.0"}, False),
        ("0.9.0", {"open_until": "0.9.0"}, True),
        ("0.10.0", {"open_until": "0.9.0"}, False),
    ],
)
def test_some_versions_take_other_words_too(version, bounds, free):
    listed = EngineOptions("x", "test", ("0.8.0", "0.9.0", "0.10.0"), {"mode": WORDS._replace(**bounds)})
    assert options.at_version(listed, version).options["mode"].open is free


def test_an_engine_has_the_options_of_the_one_it_is_made_on():
    found = options.at_version(CHILD, "0.10.0")
    assert (found.version, found.exact) == ("0.10.0", True)
    assert {"own", "new", "always"} <= set(found.options)
    assert found.variables == {"BASE_HOME", "CHILD_X"}


def test_a_list_without_versions_is_of_no_version():
    assert options.at_version(EngineOptions("none", "test"), "1.0") == options.KnownOptions("", False, {}, frozenset())


def test_an_option_is_found_by_its_other_names():
    found = options.at_version(BASE, "0.9.0")
    always = found.find("ever")
    assert always is found.find("always") is not None
    assert found.find("never") is None
    dashed = options.KnownOptions("1", True, {"a-b": Option("a-b", "flag")}, frozenset())
    assert dashed.find("a_b") is dashed.find("a-b") is not None


RISING = ["", "0.9.1", "0.10.2.dev3", "0.10.2a9", "0.10.2b1", "0.10.2rc1", "0.10.2-rc.2", "0.10.2", "0.10.2.post1",
          "v1", "1.2.3.4", "24.12-py3", "26.05-py3"]  # fmt: skip


def test_versions_are_ordered_by_their_numbers_and_candidates_stand_before_the_release():
    for one, other in itertools.pairwise(RISING):
        assert version_order.order(one) < version_order.order(other), (one, other)


@pytest.mark.parametrize(("one", "other"), [("1", "1.0.0"), ("1.2.3.4.5", "1.2.3.4"), ("535-beta", "535-beta0")])
def test_versions_with_the_same_numbers_are_equal(one, other):
    assert version_order.order(one) == version_order.order(other)


def test_a_version_of_a_thousand_digits_is_no_trouble():
    assert version_order.order("9" * 5000) > version_order.order("9")


# ---------------------------------------------------------------- engine.json
ENGINE = Engine(
    "base", "test", prefix="BASE_", further_prefixes=("OLD_",), command=("run", "it"), fixed_arguments=("--quiet",),
    flags={"host": "--host", "port": "--port"}, model_variables={"model.name": "BASE_MODEL"}, routes={"ping": "/health"}, file_option="more",
    typed_keys={"max_model_len": "new", "speculative.model": "middle.model"},
    extra_variables={"BASE_LEN": "max_model_len", "BASE_DRAFT": "speculative.model", "BASE_LOST": "dtype"},
)  # fmt: skip


def test_the_serve_script_gets_what_it_needs():
    reported = json.loads(engine_file.engine_document(ENGINE, "0.10.0", options.at_version(BASE, "0.10.0")))
    assert reported == {
        "engine": "base",
        "version": "0.10.0",
        "prefixes": ["BASE_", "OLD_"],
        "command": ["run", "it"],
        "fixed": ["--quiet"],
        "flags": {"host": "--host", "port": "--port"},
        "model_variable": "BASE_MODEL",
        "routes": {"ping": "/health"},
        "file": "more",
        "parts": {"BASE_LEN": "new", "BASE_DRAFT": "middle.model"},
        "options": {
            "flag": ["always ever"], "integer": ["new"], "text": ["old"], "list": ["elsewhere"], "json": ["middle"],
        },
        "variables": ["BASE_HOME"],
    }  # fmt: skip


def test_without_a_list_the_serve_script_gets_no_options():
    reported = json.loads(engine_file.engine_document(Engine("plain", "test"), "", None))
    assert (reported["options"], reported["variables"], reported["model_variable"]) == ({}, [], "")


def document_of(name: str, version: str) -> list[str]:
    found = load().options(load().engines[name].options_name)
    known = options.at_version(found, version) if found is not None else None
    return engine_file.engine_document(load().engines[name], version, known).splitlines()


SERVED = [name for name, row in load().engines.items() if row.style == "serve"]


@pytest.mark.parametrize("name", SERVED)
def test_a_key_is_a_line_and_another_version_of_the_engine_changes_three(name):
    row = load().options(load().engines[name].options_name)
    versions = sorted((row.parent or row).versions if row is not None else ["1"], key=version_order.order)
    documents = [document_of(name, version) for version in versions]
    assert {len(lines) for lines in documents} == {len(json.loads("".join(documents[0]))) + 2}
    for one, other in itertools.pairwise(documents):
        changed = [line for line, after in zip(one, other, strict=True) if line != after]
        assert {line.split(":")[0].strip() for line in changed} <= {'"version"', '"options"', '"variables"'}


def test_the_option_that_takes_a_file_is_read_as_json():
    """TensorRT-LLM lists it as the path of a file; what mlcc spells is the text of that file."""
    document = json.loads("".join(document_of("tensorrt-llm", "1.2.1")))
    assert document["file"] == "extra_llm_api_options"
    assert "extra_llm_api_options" in document["options"]["json"][0].split()
    assert "extra_llm_api_options" not in " ".join(document["options"]["text"]).split()


def test_lists_that_inherit_from_each_other_end(tmp_path):
    """A project's own registry may say so; each list counts once."""
    head = "version: 1\nkind: options\nname: {0}\ntitle: T\nsource: s\ninherits: {1}\nversions: {{'1': {{source: s}}}}\nrows: {{{0}: {{type: flag}}}}\n"
    (tmp_path / "options").mkdir()
    for name, above in (("one", "two"), ("two", "one")):
        (tmp_path / f"options/{name}.yaml").write_text(head.format(name, above))
    found = load([Root("own", str(tmp_path))]).options("one")
    assert found is not None
    assert set(options.at_version(found, "1").options) == {"one", "two"}
