"""YAML with places and limits: what is read, what is refused and where, and what is written."""

from __future__ import annotations

import math
import sys
import time

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from mlcc.io.yaml import events, reader, writer
from mlcc.io.yaml import limits as guard
from mlcc.io.yaml.limits import Limits
from tests.helpers import codes, only

# Any text that a UTF-8 file can hold.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def load(text: str | bytes, limits: Limits = guard.CONFIG_LIMITS) -> reader.Loaded:
    return reader.load_yaml(text.encode() if isinstance(text, str) else text, "f.yaml", limits)


def plain(text: str) -> object:
    loaded = load(text)
    assert loaded.root is not None
    assert not loaded.findings
    return loaded.root.plain()


# ---------------------------------------------------------------- what is read
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1", {"a": 1}),
        ("a: -3", {"a": -3}),
        ("a: +3", {"a": 3}),
        ("a: 0", {"a": 0}),
        ("a: 1.50", {"a": 1.5}),
        ("a: true\nb: False\nc: TRUE", {"a": True, "b": False, "c": True}),
        ("a:\nb: ~\nc: null\nd: NULL", {"a": None, "b": None, "c": None, "d": None}),
        ("a: 'yes'\nb: \"012\"\nc: '1:30'", {"a": "yes", "b": "012", "c": "1:30"}),
        ("a: 1.5.2", {"a": "1.5.2"}),
        ("a: x y", {"a": "x y"}),
        ("a: |\n  one\n  two\n", {"a": "one\ntwo\n"}),
        ("a: >-\n  one\n  two\n", {"a": "one two"}),
        ("a: [1, [b, {c: d}]]", {"a": [1, ["b", {"c": "d"}]]}),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: &x 1\nb: [*x, *x]", {"a": 1, "b": [1, 1]}),
        ("'1': a", {"1": "a"}),
        ("# only\na: 1 # x", {"a": 1}),
        ("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
        ("\ufeffa: 1", {"a": 1}),
        ("a: http://x:80/y#z", {"a": "http://x:80/y#z"}),
        ("a: <<", {"a": "<<"}),
        ("'<<': 1", {"<<": 1}),
        ("a: {}\nb: []", {"a": {}, "b": []}),
        ("a: ümlaut 日本", {"a": "ümlaut 日本"}),
        ('a: "\\u202e\\x1b"', {"a": "\u202e\x1b"}),
    ],
)
def test_documents_are_read(text, value):
    assert plain(text) == value


def test_bytes_order_mark_is_dropped_and_text_is_kept_as_written():
    loaded = load("a: 1.50\nb: 0x1\n".replace("0x1", "'0x1'"))
    assert loaded.root.get("a").text == "1.50"
    assert loaded.root.get("b").text == "0x1"


def test_places_are_one_based():
    root = load("a: 1\nb:\n  - x\n  - name: y\n").root
    marks = {p: root.mark_of(p) for p in [("a",), ("b",), ("b", 0), ("b", 1, "name")]}
    assert {p: (m.line, m.column) for p, m in marks.items()} == {
        ("a",): (1, 1),
        ("b",): (2, 1),
        ("b", 0): (3, 5),
        ("b", 1, "name"): (4, 5),
    }
    assert root.mark.file == "f.yaml"


def test_very_long_numbers_stay_text():
    assert plain(f"a: {'9' * 400}") == {"a": "9" * 400}
    assert plain("a: 1.0e+999") == {"a": "1.0e+999"}


# ---------------------------------------------------------------- what is refused, and where
AMBIGUOUS = [
    "yes",
    "No",
    "ON",
    "off",
    "012",
    "0o14",
    "0x1F",
    "0b11",
    "1_000",
    "1_0.5",
    "1:30",
    "1:30.5",
    "190:20:30",
    ".5",
    "._0",
    "-_0",
    "-.1_2",
    "5.",
    "-.5e3",
    "+5.e2",
    ".inf",
    "-.INF",
    ".nan",
    "2024-01-31",
    "2024-1-1",
    "2024-01-31T10:00:00Z",
    "2024-01-31 10:00",
    "=",
    "00.5",
    "-012",
]


@pytest.mark.parametrize("word", AMBIGUOUS)
def test_what_readers_read_differently_is_a_finding(word):
    loaded = load(f"a: 1\nb:\n  c: {word}\n")
    finding = only(loaded.findings)
    assert (finding.code, finding.line, finding.column, finding.path) == ("MLCC010", 3, 6, "b.c")
    assert f'"{word}"' in finding.hint
    assert loaded.root is not None, "reading goes on, so that every mistake is shown"


@pytest.mark.parametrize("text", ["[0:]", "{a: b:}", "[x:, y]", "{a: [10.0:]}"])
def test_a_colon_at_the_end_is_read_differently_by_different_readers(text):
    assert codes(load(text).findings) == ["MLCC010"]


@pytest.mark.parametrize("text", ['["0:"]', "{a: 'b:'}", "{a: b:c}", "[s3://bucket/x:1]", "a: |\n  b:\n"])
def test_a_colon_elsewhere_or_in_quotes_is_text(text):
    assert codes(load(text).findings) == []


@pytest.mark.parametrize("word", AMBIGUOUS)
def test_quotes_settle_it(word):
    assert plain(f"a: '{word}'") == {"a": word}


PLAIN_SCALARS = st.one_of(
    st.text("0123456789_.:eE+-xobXOinfNA~=<yYtTrueszZ", min_size=1, max_size=8),
    st.from_regex(
        r"[-+]?[0-9_]{1,4}(\.[0-9_]{0,3})?([eE][-+]?[0-9]{1,2})?", fullmatch=True, alphabet="0123456789_.eE+-"
    ),
)


def readers(text: str) -> tuple[str, str]:
    """What two other YAML readers make of a plain scalar."""
    core = YAML(typ="safe", pure=True).load(f"[{text}]")[0]
    return type(pyyaml.safe_load(f"[{text}]")[0]).__name__, type(core).__name__


@given(PLAIN_SCALARS)
def test_a_plain_scalar_without_a_finding_means_the_same_to_every_reader(word):
    loaded = load(f"[{word}]")
    if loaded.root is None or loaded.findings or not isinstance(loaded.root.plain()[0], (str, int, float)):
        return
    ours = type(loaded.root.plain()[0]).__name__
    try:
        others = readers(word)
    except Exception:  # what other readers refuse they do not misread
        return
    assert others == (ours, ours)


@pytest.mark.parametrize(("word", "yaml11"), [("1e5", str), ("1.5e3", str), ("0.1_0", float), ("1._5", float)])
def test_numbers_that_yaml_1_1_reads_differently_are_findings(word, yaml11):
    assert type(pyyaml.safe_load(word)) is yaml11
    assert codes(load(f"a: {word}").findings) == ["MLCC010"]


HOSTILE: list[tuple[str, str | bytes, str, int, int]] = [
    ("empty", "", "MLCC005", 1, 1),
    ("only a comment", "# x\n", "MLCC005", 1, 1),
    ("null", "~\n", "MLCC005", 1, 1),
    ("not UTF-8", b"a: 1\nb: \xff\n", "MLCC003", 2, 4),
    ("UTF-16", "a: 1".encode("utf-16"), "MLCC003", 1, 1),
    ("NUL", "a: 1\nb: x\0y\n", "MLCC004", 2, 5),
    ("escape", "a: \x1b[31m\n", "MLCC004", 1, 4),
    ("C1", "a: \x9b31m\n", "MLCC004", 1, 4),
    ("DEL", "a: \x7f\n", "MLCC004", 1, 4),
    ("right-to-left override", "a: x # \u202e\n", "MLCC004", 1, 8),
    ("isolate", "a: \u2066x\n", "MLCC004", 1, 4),
    ("escaped NUL", 'a:\n  b: "x\\0"\n', "MLCC004", 2, 6),
    ("escaped lone surrogate", 'a: "\\ud800"\n', "MLCC004", 1, 4),
    ("unclosed quote", "a: 1\nb: 'x\n", "MLCC005", 2, 4),
    ("tab as indent", "a:\n\tb: 1\n", "MLCC005", 2, 1),
    ("bad indent", "a:\n    b: 1\n  c: 2\n", "MLCC005", 3, 3),
    ("mapping in a value", "a: b: c\n", "MLCC005", 1, 5),
    ("unknown alias", "a: *nope\n", "MLCC005", 1, 4),
    ("unicode escape out of range", 'a: "\\Uffffffff"\n', "MLCC005", 1, 1),
    ("directive", "%YAML 1.1\n---\na: 1\n", "MLCC005", 1, 1),
    ("tag directive", "%TAG ! tag:x,2000:\n---\na: 1\n", "MLCC005", 1, 1),
    ("twice the same key", "a: 1\nb: 2\na: 3\n", "MLCC006", 3, 1),
    ("twice in a nested map", "a:\n  b: 1\n  'b': 2\n", "MLCC006", 3, 3),
    ("tag", "a: !!python/object/apply:os.system [x]\n", "MLCC007", 1, 4),
    ("tag on a scalar", "a: 1\nb: !!int '3'\n", "MLCC007", 2, 4),
    ("tag on the root", "!!map\na: 1\n", "MLCC007", 1, 1),
    ("local tag", "a: !x y\n", "MLCC007", 1, 4),
    ("binary", "a: !!binary aGk=\n", "MLCC007", 1, 4),
    ("merge key", "x: &x {a: 1}\nb:\n  <<: *x\n", "MLCC008", 3, 3),
    ("a value that contains itself", "a: &x [*x]\n", "MLCC008", 1, 8),
    ("second document", "a: 1\n---\nb: 2\n", "MLCC009", 2, 1),
    ("list as key", "? [a]\n: 1\n", "MLCC011", 1, 3),
    ("map as key", "a: 1\n? {b: c}\n: 1\n", "MLCC011", 2, 3),
    ("number as key", "a: 1\n2: b\n", "MLCC011", 2, 1),
    ("null as key", "a: {~: b}\n", "MLCC011", 1, 5),
    ("true as key", "true: 1\n", "MLCC011", 1, 1),
    ("yes as key", "a:\n  yes: 1\n", "MLCC011", 2, 3),
]


@pytest.mark.parametrize(("text", "code", "line", "column"), [h[1:] for h in HOSTILE], ids=[h[0] for h in HOSTILE])
def test_hostile_documents(text, code, line, column):
    finding = load(text).findings[-1]
    assert (finding.code, finding.line, finding.column) == (code, line, column)
    assert finding.file == "f.yaml"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("flow", ["", "env: {A: 1,\n"])
def test_conflict_marks_of_git_are_called_so(flow, end):
    text = f"version: 1\n{flow}<<<<<<< HEAD\nttl: 3d\n=======\nttl: 5d\n>>>>>>> branch\n".replace("\n", end)
    finding = only(load(text).findings)
    assert (finding.code, finding.line) == ("MLCC005", 3 if flow else 2)
    assert "conflict marks of Git" in finding.message
    assert "<<<<<<<" in finding.hint


def test_an_unclosed_list_is_shown_where_it_begins():
    finding = only(load("a: 1\nb: [1,\n").findings)
    assert (finding.code, finding.line, finding.column) == ("MLCC005", 2, 4)


@pytest.mark.parametrize(
    ("written", "text"),
    [("\\ud83d\\ude42", "\U0001f642"), ("a\\udbff\\udfffb", "a\U0010ffffb"), ("\\U0001f642", "\U0001f642")],
)
def test_pairs_that_json_writes_are_one_character(written, text):
    """json.dumps writes what lies beyond U+FFFF as two escapes, and an mlcc.yaml may be written by a program."""
    loaded = load(f'{{"a": "{written}", "k{written}": 1}}')
    assert not loaded.findings
    assert loaded.root.plain() == {"a": text, f"k{text}": 1}


@pytest.mark.parametrize("text", ["\\ud83d x \\ude42", "\\ude42\\ud83d", "\\ud83d\\ud83d\\ude42"])
def test_halves_that_make_no_pair_stay_refused(text):
    assert codes(load(f'a: "{text}"').findings) == ["MLCC004"]


@pytest.mark.parametrize("key", ["\\0", "\\ud800"])
def test_keys_hold_no_nul_or_surrogate_either(key):
    assert codes(load(f'a: {{"x{key}": 1}}').findings) == ["MLCC004"]


def test_several_mistakes_are_shown_at_once():
    loaded = load("a: yes\na: !x 1\nb: on\n3: c\n")
    assert codes(loaded.findings) == ["MLCC010", "MLCC007", "MLCC006", "MLCC010", "MLCC011"]
    assert [f.line for f in loaded.findings] == [1, 2, 2, 3, 4]


SECRET = "hunter2-hunter2-hunter2"


@pytest.mark.parametrize(
    "text", ["a: '{}\n", "a: [{}: x\n", "a: {} : : x\n", "- {}\nb: 1\n", "a: @{}\n", "a: `{}`\n", "a: %{}\n"]
)
def test_a_syntax_message_never_quotes_the_document(text):
    loaded = load(text.format(SECRET))
    assert codes(loaded.findings) == ["MLCC005"]
    assert "hunter" not in loaded.findings[0].message + loaded.findings[0].hint


@given(st.binary(max_size=200))
def test_any_bytes_give_nodes_or_findings(data):
    loaded = load(data)
    assert loaded.root is not None or loaded.findings


@given(st.text("ab:-[]{},&*!|>?\"'\\%@#\n\t 0~<=.", max_size=40))
def test_any_yaml_like_text_gives_nodes_or_findings(text):
    loaded = load(text)
    assert loaded.root is not None or loaded.findings


# ---------------------------------------------------------------- limits
SMALL = Limits(max_bytes=1000, max_depth=4, max_nodes=20, max_aliases=3, max_chars=100)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: " + "x" * 60, None),
        ("a: 1 #" + "x" * 1000, "MLCC002"),
        ("[[[[1]]]]", None),
        ("[[[[[1]]]]]", "MLCC008"),
        ("a: {b: {c: {d: 1}}}", None),
        ("a: {b: {c: {d: {e: 1}}}}", "MLCC008"),
        ("[" + "1," * 19 + "]", None),
        ("[" + "1," * 20 + "]", "MLCC008"),
        ("[&a 1, *a, *a, *a]", None),
        ("[&a 1, *a, *a, *a, *a]", "MLCC008"),
        ("[&a [1,1,1,1], *a, *a]", None),
        ("[&a [1,1,1,1,1], *a, *a, *a]", "MLCC008"),
        ("[&a [[1]], *a]", None),
        ("[&a [[[1]]], [*a]]", "MLCC008"),
        ("[&a " + "x" * 40 + ", *a]", None),
        ("[&a " + "x" * 40 + ", *a, *a]", "MLCC008"),
        ("{" + "k" * 110 + ": 1}", "MLCC008"),
    ],
)
def test_limits(text, code):
    assert codes(load(text, SMALL).findings) == ([code] if code else [])


def test_the_config_limits_are_those_of_the_contract():
    assert Limits(256 * 1024, 16, 20_000, 100, 1024 * 1024) == guard.CONFIG_LIMITS
    assert (guard.PROJECT_REGISTRY_LIMITS.max_bytes, guard.PROJECT_REGISTRY_LIMITS.max_nodes) == (4 << 20, 200_000)


@pytest.mark.parametrize("line", ["a: 1\n", "a{n}: !x 1\n", "a{n}: 0888\n", "{n}: 1\n"])
def test_mistakes_are_reported_up_to_a_number(line):
    found = load("".join(line.replace("{n}", str(n)) for n in range(1000))).findings
    assert len(found) == events.MAX_FINDINGS


BOMBS = {
    "billion laughs": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{c}: &{c} [{','.join(['*' + p] * 9)}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)),
    "quadratic text": f"a: &a {'x' * 50_000}\nb: [{','.join(['*a'] * 99)}]\n",
    "deep lists": "[" * 100_000,
    "deep maps": "{a: " * 50_000,
    "deep block": "".join(" " * n + "a:\n" for n in range(600)),
    "many keys": "{" + ",".join(f"k{n}: 1" for n in range(30_000)) + "}",
    "many anchors": "\n".join(f"k{n}: &a{n} 1" for n in range(15_000)),
    "long plain": "a: " + "x" * 262_000,
    "long quoted": 'a: "' + "\\x41" * 60_000 + '"',
    "colons": "a: " + ":" * 100_000,
    "long number": "a: " + "1" * 200_000,
    "long float": "a: 1." + "1" * 200_000,
    "underscores": "a: 1" + "_1" * 100_000,
    "sexagesimal": "a: 1" + ":1" * 100_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_end_soon(name):
    before = time.perf_counter()
    loaded = load(BOMBS[name])
    assert time.perf_counter() - before < 10
    assert loaded.root is not None or loaded.findings


# ---------------------------------------------------------------- writing
def three_readers(text: str) -> list[object]:
    ours = load(text, guard.OPERATOR_LIMITS)
    assert ours.root is not None
    assert not ours.findings
    return [pyyaml.safe_load(text), YAML(typ="safe", pure=True).load(text), ours.root.plain()]


@given(TEXT)
def test_quoted_text_is_read_back_by_every_reader(text):
    document = f"a: {writer.quote(text)}\n"
    assert pyyaml.safe_load(document) == {"a": text}
    assert YAML(typ="safe", pure=True).load(document) == {"a": text}
    if "\0" not in text:
        assert plain(document) == {"a": text}


@given(TEXT)
def test_quoted_text_is_one_line_without_controls(text):
    assert not [
        c for c in writer.quote(text) if ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 or c in "\u2028\u2029\u202e\ufeff"
    ]


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False, width=32)
    .map(lambda x: round(x, 3))
    .filter(lambda x: 1e-3 < abs(x) < 1e15 or x == 0),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    st.sampled_from(
        [
            *AMBIGUOUS,
            "y",
            "n",
            "null",
            "~",
            "true",
            "1",
            "1.5",
            "-",
            "?",
            "a: b",
            "a #b",
            "- a",
            "<<",
            "",
            " ",
            "#",
            "'",
            '"',
        ]
    ),
)
KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
DOCUMENTS = st.dictionaries(
    KEYS,
    st.recursive(
        SCALARS,
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
        max_leaves=12,
    ),
    min_size=1,
    max_size=5,
)


@given(DOCUMENTS)
def test_what_is_dumped_is_read_back_by_every_reader(document):
    text = writer.dump(document)
    for read in three_readers(text):
        assert read == document


@given(DOCUMENTS)
def test_flow_is_one_line_and_is_read_back(document):
    text = writer.flow(document)
    assert "\n" not in text
    for read in three_readers(text):
        assert read == document


@pytest.mark.parametrize("value", [1e-07, 1e16])
def test_small_and_large_floats_are_read_back_by_every_reader(value):
    assert [r == {"a": value} for r in three_readers(writer.dump({"a": value}))] == [True] * 3


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_floats_that_yaml_cannot_carry_are_not_written_as_words(value):
    text = writer.dump({"a": value})
    assert isinstance(pyyaml.safe_load(text)["a"], float)


@pytest.mark.parametrize("value", [{}, []])
def test_an_empty_document_is_written_as_one(value):
    assert pyyaml.safe_load(writer.dump(value)) == value


def test_dump_looks_like_this():
    document = {"a": {"b": 1, "c": []}, "list": [{"name": "x", "deep": {"z": "no"}}, ["p", 2], "plain"], "e": {}}
    assert writer.dump(document) == (
        'a:\n  b: 1\n  c: []\nlist:\n  - name: x\n    deep:\n      z: "no"\n  - [p, 2]\n  - plain\ne: {}\n'
    )


def test_without_the_parser_in_c_a_packaged_file_is_read_by_the_other_one(monkeypatch):
    data = b"a: {b: [1, 'x']}\n"
    fast = reader.load_yaml(data, "f.yaml", packaged=True)
    monkeypatch.setitem(sys.modules, "_ruamel_yaml", None)
    assert reader.load_yaml(data, "f.yaml", packaged=True) == fast == reader.load_yaml(data, "f.yaml")
