"""-o markdown for a comment on a pull request: whatever a value holds, a reader of Markdown sees text."""

from __future__ import annotations

import json
from pathlib import Path
from string import ascii_letters

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from mlcc.cli.output import markdown
from tests.helpers import SMALLEST, build_tree

HERE = Path()
READER = MarkdownIt("commonmark").enable("table")
EVIL = [
    "![x](http://evil.example/x.png) @acme/security [approve](http://evil.example)",
    "</td></tr></table><h1>approved</h1><img src=//evil.example>",
    "a | b || c",
    "\\|`x`|\\\\|@acme",
    "``` ` ``",
    "`",
    "` @acme `",
    "\\",
    "*a* _b_ ~~c~~ $d$ :+1: #1 GH-1 acme/x#2",
    "https://evil.example www.evil.example me@evil.example",
    "deadbeefdeadbeef defaced",
    "&lt;b&gt; &#64;acme &amp;",
    "<!-- -->",
    "[x]: http://evil.example",
    " spaces ",
    "- [ ] task",
    "ü🙂",
]


def text_of(cell: Token) -> str:
    """What a person reads in a cell.  Anything but words and pipes must stand in code, where no service looks."""
    for child in cell.children or ():
        plain = child.type == "text" and set(child.content) <= {*"| ,;", *ascii_letters}
        assert plain or child.type == "code_inline", child
    return "".join(child.content for child in cell.children or ())


def rows(text: str) -> list[list[str]]:
    """A table as its reader sees it; what is not in it are lines of mlcc's own."""
    found: list[list[str]] = []
    inside = False
    for token in READER.parse(text):
        inside = token.type != "tr_close" and (inside or token.type == "tr_open")
        if token.type == "tr_open":
            found.append([])
        elif token.type == "inline" and inside:
            found[-1].append(text_of(token))
        elif token.type == "inline":
            assert {t.type for t in token.children or ()} == {"text"}, token
    return found


def table(*row: str) -> str:
    """A table of one row."""
    return "| a | b | c |\n|---|---|---|\n| " + " | ".join(row) + " |\n"


LINE = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Cf")), min_size=1, max_size=30)
MARKUP = st.text(st.sampled_from("`|\\ *_<>&[]()!@#:/.~$-ab1"), min_size=1, max_size=30)


@given(LINE | MARKUP | st.sampled_from(EVIL))
def test_a_cell_is_read_as_the_text_it_was_made_of(text):
    assert rows(table("before", markdown(text), "after"))[1:] == [["before", text, "after"]]


def test_plain_words_stay_plain():
    assert markdown("edited; nothing new to merge") == "edited; nothing new to merge"
    assert markdown("defaced") == "`defaced`"
    assert markdown("") == ""


@pytest.fixture
def project(mlcc):
    """A rendered project, whose configuration has changed to hostile values since."""
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    mlcc("apply", code=0)
    build_tree(
        HERE, {"mlcc.yaml": SMALLEST + "env:\n" + "".join(f"  A{n}: {json.dumps(v)}\n" for n, v in enumerate(EVIL))}
    )


@pytest.mark.parametrize("command", [["plan"], ["explain", "env"], ["apply"]])
def test_values_are_text(project, mlcc, command):
    shown = mlcc(*command, "-o", "markdown", code=0).stdout
    seen = [cell for row in rows(shown) for cell in row]
    assert set(EVIL) <= set(seen)


def test_findings_are_text(mlcc):
    keys = "".join(f"{json.dumps(v)}: 1\n" for v in EVIL)
    place = "a`|<b>@acme/mlcc.yaml"
    build_tree(HERE, {place: SMALLEST + keys})
    found = json.loads(mlcc("validate", "-f", place, "-o", "json", code=1).stdout)["findings"]
    shown = rows(mlcc("validate", "-f", place, "-o", "markdown", code=1).stdout)[1:]
    assert [row[4] for row in shown] == [f["message"] for f in found]
    assert {row[2].partition(":")[0] for row in shown} == {place}


def test_what_is_shown_is_a_code_block(project, mlcc):
    shown = mlcc("show", "-o", "markdown", code=0).stdout
    tokens = READER.parse(shown)
    assert [(t.type, t.info) for t in tokens] == [("fence", "yaml")]
    assert tokens[0].content == mlcc("show", code=0).stdout


def test_rows_of_a_project_s_registry_are_text(mlcc):
    row = {"title": EVIL[0], "description": EVIL[1], "source": "test"}
    targets = {"version": 1, "kind": "targets", "source": "test", "rows": {"mine": row}}
    build_tree(HERE, {"own/targets.yaml": json.dumps(targets)})
    shown = rows(mlcc("catalog", "targets", "--registry", "own", "-o", "markdown", code=0).stdout)
    assert any(EVIL[0] in row for row in shown)
