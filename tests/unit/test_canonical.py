"""The canonical layout: one text for every layout of a document, with the same meaning and every comment."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.core.errors import UserError
from mlcc.io.yaml import reader, writer
from mlcc.load import canonical
from tests.helpers import ROOT


def done(text: str) -> str:
    """A text laid out, which is done alike when it is done again."""
    once = canonical.formatted(text.encode(), "mlcc.yaml")
    assert canonical.formatted(once, "mlcc.yaml") == once
    return once.decode()


CASES = {
    "keys in the order of the schema, x- keys last, two spaces": (
        "x-a: 1\nproject:\n      name:  iris\ndeployment: {region: us-east-1, config: http-fastapi}\nversion: 1\n",
        "version: 1\nproject:\n  name: iris\ndeployment: {config: http-fastapi, region: us-east-1}\nx-a: 1\n",
    ),
    "free keys as their author has them": ("env: {B: b, A: a}\n", "env: {B: b, A: a}\n"),
    "unknown keys behind the known ones": ("zzz: 1\nversion: 1\nx-y: 2\n", "version: 1\nzzz: 1\nx-y: 2\n"),
    "overlays as the top": (
        "environments:\n  prod: {ttl: 1d, deployment: {instance_count: 2}}\n  dev:\n    ttl: 2d\n    model: {name: a}\n",
        "environments:\n  prod: {deployment: {instance_count: 2}, ttl: 1d}\n  dev:\n    model: {name: a}\n    ttl: 2d\n",
    ),
    "elements of lists": (
        "adapters:\n- base: b\n  name: a\n-   {enabled: true, name: c}\n",
        "adapters:\n  - name: a\n    base: b\n  - {name: c, enabled: true}\n",
    ),
    "quotes": (
        "a: 'x'\nb: 'say \"x\"'\nc: 'it''s'\nd: \"t\\tb\"\ne: '\\d'\nf: \"long \n  line\"\ng: two\n  words\nh: \"1\"\n",
        "a: \"x\"\nb: 'say \"x\"'\nc: \"it's\"\nd: \"t\\tb\"\ne: '\\d'\nf: \"long line\"\ng: two words\nh: \"1\"\n",
    ),
    "texts of several lines": (
        "env:\n    A: |\n        x\n          y\n\n    B: >-\n      z\n    C: |2\n        q\n    D: |+\n     k\n\n\nversion: 1\n",
        "version: 1\nenv:\n  A: |\n    x\n      y\n\n  B: >-\n    z\n  C: |2\n      q\n  D: |+\n    k\n\n\n",
    ),
    "a comment goes with the key below it, or that it stands behind": (
        "# of tags\ntags: {a: b}   # behind\n# of the version\nversion: 1\n",
        "# of the version\nversion: 1\n# of tags\ntags: {a: b}   # behind\n",
    ),
    "the top of the file stays": (
        "# yaml-language-server: $schema=x\n# of ttl\nttl: 1d\nversion: 1\n",
        "# yaml-language-server: $schema=x\nversion: 1\n# of ttl\nttl: 1d\n",
    ),
    "so does what a blank line parts from the first key": (
        "\n\n# ours\n\n\nttl: 1d\nversion: 1\n", "# ours\n\nversion: 1\nttl: 1d\n",
    ),
    "a deeper comment ends the section above": (
        "env:\n  A: a\n  # B: b\nversion: 1\n", "version: 1\nenv:\n  A: a\n  # B: b\n",
    ),
    "one that a blank line parts from the key below follows the section above": (
        "env: {A: a}\n# B: b\n\nversion: 1\n", "version: 1\n\nenv: {A: a}\n# B: b\n",
    ),
    "blank lines": (
        "version: 1\n\n\n\nttl: 1d\n\ntags:\n\n  a: b\n\n\n  c: d\n\n",
        "version: 1\n\ntags:\n  a: b\n\n  c: d\n\nttl: 1d\n",
    ),
    "a comment in braces opens them": (
        "tags: {a: b, # why\n  c: d}\n", "tags:\n  a: b # why\n  c: d\n",
    ),
    "a long line of braces is opened": (
        f"tags: {{a: {'b' * 60}, c: {'d' * 60}}}\n", f"tags:\n  a: {'b' * 60}\n  c: {'d' * 60}\n",
    ),
    "braces over several lines are closed": ("tags: {a: b,\n   c: d\n }\n", "tags: {a: b, c: d}\n"),
    "anchors and aliases": (
        "env: &all {A: a}\nproject: {name: a}\nx-b: *all\nx-c: [&q 1, *q]\n",
        "project: {name: a}\nenv: &all {A: a}\nx-b: *all\nx-c: [&q 1, *q]\n",
    ),
    "a document's mark goes": ("---\nversion: 1\n...\n", "version: 1\n"),
    "empty ones": ("tags: {}\npolicies: [ ]\nx-n:\nx-m: ~\n", "tags: {}\npolicies: []\nx-n:\nx-m: ~\n"),
    "a document in braces": ("# a\n{ttl: 1d, version: 1} # b\n# c\n", "version: 1 # b\n# c\n\n# a\nttl: 1d\n"),
    "one without anything": ("# a\n{} # b\n# c\n", "# a\n# c\n# b\n{}\n"),
    "lists in lists": ("x-l:\n- - 1\n  - 2\n-\n  - a: 1\n", "x-l:\n  - - 1\n    - 2\n  - - a: 1\n"),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_layouts(before, after):
    assert done(before) == after


@pytest.mark.parametrize(
    "name", ["mlcc.example.yaml", *sorted(p.name for p in (ROOT / "tests/golden/cases").iterdir())]
)
def test_files_of_this_repository_keep_their_comments(name):
    path = ROOT / name if (ROOT / name).exists() else ROOT / "tests/golden/cases" / name
    text = path.read_text()
    assert Counter(c for c in text.split("\n") if c.startswith("#")) - Counter(done(text).split("\n")) == Counter()


def test_the_example_is_laid_out_so():
    text = (ROOT / "mlcc.example.yaml").read_text()
    assert done(text) == text


def test_line_ends_and_a_byte_order_mark_stay():
    assert (
        canonical.formatted("\ufeffttl: 1d\r\nversion: 1\r\n".encode(), "x")
        == "\ufeffversion: 1\r\nttl: 1d\r\n".encode()
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ttl: &t 1d\nversion: 1\nproject: *t\n", "MLCC414"),  # the alias would stand before its anchor
        ("version: 1\rttl: 1d\n", "MLCC004"),
        ("a: [", "MLCC005"),
        ("a: 1\na: 2\n", "MLCC006"),
        ("a: yes\n", "MLCC010"),
    ],
)
def test_what_cannot_be_kept_is_refused(text, code):
    with pytest.raises(UserError) as refused:
        canonical.formatted(text.encode(), "mlcc.yaml")
    assert refused.value.findings[0].code == code


def test_the_first_line_that_is_laid_out_otherwise():
    before = b"version: 1\nproject:  {name: a}\n"
    finding = canonical.misplaced(before, canonical.formatted(before, "m.yaml"), "m.yaml")
    assert finding is not None
    assert (finding.code, finding.file, finding.line) == ("MLCC415", "m.yaml", 2)
    assert canonical.misplaced(before, before, "m.yaml") is None


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [("a: 1", "a: 1", True), ("a: 1", "a: true", False), ("a: 0.1", "a: 0.10", False), ("a: 1", "b: 1", False),
     ("a: [1]", "a: [1, 2]", False), ("{a: 1, b: 2}", "{b: 2, a: 1}", True), ("a:", "a: null", True),
     ('a: "1"', "a: 1", False)],
)  # fmt: skip
def test_what_means_the_same(one, other, alike):
    roots = [reader.load_yaml(text.encode(), "x").root for text in (one, other)]
    assert roots[0] is not None
    assert roots[1] is not None
    assert canonical.same(roots[0], roots[1]) is alike


# ---------------------------------------------------------------- any document
KEYS = ["version", "project", "deployment", "env", "tags", "name", "region", "config", "x-a", "ttl", "A", "b c"]
TEXTS = ["a", "two words", "1", "it's", 'say "x"', "\\d", "# no", "a: b", "", "é", "x\ny", "tab\t", "- x", "&a", "*b"]
SCALARS = st.one_of(st.sampled_from(TEXTS), st.integers(-9, 99), st.booleans())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1, max_size=6)


class _Writer:
    """Writes a document in one of the many layouts that YAML allows."""

    def __init__(self, data: st.DataObject) -> None:
        self.data, self.comments = data, 0

    def choose(self, *of: Any) -> Any:
        return self.data.draw(st.sampled_from(of))

    def comment(self) -> str:
        self.comments += 1
        return f"# c{self.comments}{self.choose('', ': x', ' # y')}"

    def scalar(self, value: Any) -> str:
        if not isinstance(value, str):
            return writer.scalar(value)
        if "\n" not in value and "\t" not in value and self.choose(True, False):
            return "'" + value.replace("'", "''") + "'"
        return writer.scalar(value) if self.choose(True, False) else writer.quote(value)

    def block(self, value: Any, indent: int) -> list[str]:
        lines: list[str] = []
        pad, step = " " * indent, self.choose(1, 2, 4)
        items = value.items() if isinstance(value, dict) else [("", item) for item in value]
        for key, item in items:
            lines += self.choose([], [], [""], [pad + self.comment()], ["", ""], [self.comment(), ""])
            head = f"{pad}{self.scalar(key)}:" if isinstance(value, dict) else f"{pad}-"
            if isinstance(item, (dict, list)) and item and self.choose(True, True, False):
                lines += [head + self.choose("", f" {self.comment()}"), *self.block(item, indent + step)]
                lines += self.choose([], [], [" " * (indent + step) + self.comment()])
            else:
                text = writer.flow(item) if isinstance(item, (dict, list)) else self.scalar(item)
                lines.append(f"{head} {text}{self.choose('', '', '  ' + self.comment())}")
        return lines


@given(DOCUMENTS, st.data())
def test_any_layout_of_any_document_becomes_one_text_with_its_comments(document, data):
    made = _Writer(data)
    text = "\n".join(made.block(document, 0)) + data.draw(st.sampled_from(["\n", "\n# end\n", "\n\n# end\n\n"]))
    loaded = reader.load_yaml(text.encode(), "x")
    if loaded.root is None or loaded.findings:
        return
    after = done(text)
    read = reader.load_yaml(after.encode(), "x").root
    assert read is not None
    assert canonical.same(loaded.root, read)
    assert all(after.count(f"# c{n}") >= 1 for n in range(1, made.comments + 1) if f"# c{n}" in text)
    assert after.count("# end") == text.count("# end")
