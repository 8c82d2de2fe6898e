"""diff -o markdown, a comment on a pull request: what a reviewer reads, in the size that GitHub takes, from anybody."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.functional.test_markdown import EVIL
from tests.helpers import SMALLEST, Caller, applied, build_tree, commit, git_repo

HERE = Path()
READER = MarkdownIt("commonmark").enable("table")
MOST = 65_536
# Mentions, references, links and commits that GitHub makes of text outside code.
LIVE = re.compile(r"@\w|#\d|GH-\d|https?:|www\.|\b[0-9a-f]{7,40}\b|\w@\w")
TAGS = {"details", "summary", "code"}


class _Html(HTMLParser):
    """The tags of a comment's HTML, and the text in and outside of code."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.inside: list[str] = []
        self.outside: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        assert attrs == []
        self.tags.append(tag)
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in TAGS
        if self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        (self.inside if "code" in self._open else self.outside).append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


class Comment:
    """A comment as GitHub's reader sees it."""

    def __init__(self, text: str) -> None:
        """text: as mlcc printed it."""
        assert len(text) <= MOST
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)
        self.text = text
        self.tables: list[list[list[str]]] = []
        self.fences: list[str] = []
        self.folded: list[str] = []
        for token in READER.parse(text):
            self._read(token)

    def _read(self, token: Token) -> None:
        if token.type == "table_open":
            self.tables.append([])
        elif token.type == "tr_open":
            self.tables[-1].append([])
        elif token.type == "inline":
            words = "".join(_words(token))
            if token.level == 4:
                self.tables[-1][-1].append(words)
        elif token.type == "fence":
            assert token.info == "diff"
            self.fences.append(token.content)
        elif token.type == "html_block":
            html = _Html(token.content)
            assert not LIVE.search("".join(html.outside))
            self.folded += html.inside
        else:
            assert token.type.partition("_")[0] in (
                "table", "thead", "tbody", "tr", "th", "td", "paragraph", "heading", "bullet", "list"
            ), token  # fmt: skip

    def rows(self, heading: str) -> list[dict[str, str]]:
        """Rows of the tables that have a column, by their headings."""
        return [
            dict(zip(table[0], row, strict=True)) for table in self.tables if heading in table[0] for row in table[1:]
        ]


def _words(token: Token) -> Iterator[str]:
    for child in token.children or ():
        assert child.type in ("text", "code_inline", "strong_open", "strong_close", "softbreak"), child
        if child.type == "text":
            assert not LIVE.search(child.content), child
        yield child.content


@pytest.fixture
def project(mlcc: Caller) -> Path:
    """A rendered project, whose configuration has changed since."""
    applied(HERE, SMALLEST)
    (HERE / "mlcc.yaml").write_text(
        SMALLEST.replace("{config: http-fastapi}", "{config: http-fastapi, instance_count: 3}") + "ttl: 3d\n"
    )
    return Path.cwd()


def comment(mlcc: Caller, *arguments: str, code: int = 0) -> Comment:
    return Comment(mlcc("diff", *arguments, "-o", "markdown", code=code).stdout)


def test_a_reviewer_reads_counts_meaning_cost_and_files(project: Path, mlcc: Caller) -> None:
    found = comment(mlcc)
    assert found.text.splitlines()[0] == "**mlcc diff**: 1 project: 1 changed (2 values; 2 files: update)"
    assert found.rows("why") == [
        {
            "path": "deployment.instance_count",
            "old": "1",
            "new": "3",
            "source": "file (mlcc.yaml:3)",
            "why": "set there",
        },
        {"path": "ttl", "old": "8h", "new": "3d", "source": "file (mlcc.yaml:4)", "why": "set there"},
    ]
    (cost,) = found.rows("cost")
    assert cost["cost"].startswith("0.23 -> 0.69 $/h")
    assert found.folded == ["do/config", "mlcc.lock"]
    assert "-export TTL='8h'\n+export TTL='3d'\n" in found.fences[0]
    assert found.fences[0].startswith("--- a/do/config\n+++ b/do/config\n@@ -")


def test_memory_of_a_language_model(mlcc: Caller) -> None:
    text = "version: 1\nproject: {name: chat}\ndeployment: {config: transformers-vllm}\nmodel: {name: Qwen/Qwen3-4B}\n"
    git_repo(HERE, {"mlcc.yaml": text})
    build_tree(HERE, {"mlcc.yaml": text + "engine: {max_model_len: 8192}\n"})
    found = comment(mlcc, "--against", "HEAD")
    assert "`memory of default: Qwen/Qwen3-4B on ml.g5.xlarge fits" in found.text
    assert "(before: Qwen/Qwen3-4B on ml.g5.xlarge fits tightly" in found.text
    assert [row["why"] for row in found.rows("why")] == ["set there", "set there"]


def test_a_value_that_follows_from_others_and_one_that_is_gone(mlcc: Caller) -> None:
    applied(HERE, SMALLEST + "env: {A: b}\n")
    build_tree(HERE, {"mlcc.yaml": SMALLEST.replace("http-fastapi", "http-nginx")})
    found = {row["path"]: row for row in comment(mlcc).rows("why")}
    assert (found["env.A"]["why"], found["env.A"]["source"]) == ("no longer set", "removed")
    assert found["deployment.config"]["why"] == "set there"


def test_nothing_to_do(mlcc: Caller) -> None:
    applied(HERE, SMALLEST)
    assert mlcc("diff", "-o", "markdown", code=0).stdout == "**mlcc diff**: 1 project: 1 unchanged\n"


def test_many_projects_have_a_heading_each(mlcc: Caller) -> None:
    files = {f"{name}/mlcc.yaml": SMALLEST.replace("iris", name) for name in ("a", "b", "c", "d")}
    git_repo(HERE, files)
    build_tree(
        HERE, {"a/mlcc.yaml": files["a/mlcc.yaml"] + "ttl: 2d\n", "c/mlcc.yaml": files["c/mlcc.yaml"] + "x: 1\n"}
    )
    found = comment(mlcc, "--all", "--against", "HEAD", code=1)
    assert found.text.splitlines()[0].startswith(
        "**mlcc diff**: 4 projects: 2 unchanged, 1 changed, 1 refused (1 value; "
    )
    assert re.findall(r"^#### (.*)$", found.text, re.MULTILINE) == ["`a/mlcc.yaml`: changed", "`c/mlcc.yaml`: refused"]
    assert [row["code"] for row in found.rows("code")] == ["MLCC020"]
    assert found.folded == ["a/do/config"]


@pytest.mark.parametrize("way", [[], ["--against", "HEAD"], ["--env", "default", "--env", "prod"]])
def test_hostile_values_stay_text(mlcc: Caller, way: list[str]) -> None:
    git_repo(HERE, {"mlcc.yaml": SMALLEST})
    mlcc("apply", "-q", code=0)
    commit(HERE, "applied")
    values = "".join(f"  A{n}: {json.dumps(v)}\n" for n, v in enumerate(EVIL))
    overlay = "".join(f"      A{n}: {json.dumps(v)}\n" for n, v in enumerate(EVIL))
    own = f"environments:\n  prod:\n    env:\n{overlay}" if "--env" in way else f"env:\n{values}"
    build_tree(HERE, {"mlcc.yaml": SMALLEST + own})
    found = comment(mlcc, *way)
    assert set(EVIL) <= {row["new"] for row in found.rows("why")}


FENCES = [
    "```",
    "`" * 30,
    "~~~",
    "</details>",
    "<script>alert(1)</script>",
    "@acme/security",
    "\x1b[31m",
    "```diff",
    "\u202e",
]


def test_hostile_lines_of_files_stay_in_their_fence(mlcc: Caller) -> None:
    applied(HERE, SMALLEST)
    lines = (HERE / "do/config").read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if "TTL=" in line)
    lines[at - 1 : at - 1] = [f"# {text}" for text in FENCES] + FENCES
    (HERE / "do/config").write_text("\n".join(lines) + "\n")
    (HERE / "Dockerfile").write_text("\n".join(FENCES) + "\n")
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "ttl: 3d\n"})
    found = Comment(mlcc("diff", "-o", "markdown").stdout)
    assert found.folded
    assert all(content.startswith("--- a/") for content in found.fences)


HOSTILE_NAMES = ["a`|<b>@acme", "x</code></summary><h1>", "![x](http:", "#1 GH-1", "long" * 40]


def test_hostile_names_of_projects(mlcc: Caller) -> None:
    files = {f"{name}/mlcc.yaml": SMALLEST for name in HOSTILE_NAMES}
    git_repo(HERE, files)
    build_tree(HERE, {path: text + "ttl: 3d\n" for path, text in files.items()})
    found = comment(mlcc, "--all", "--against", "HEAD")
    assert {name for name in HOSTILE_NAMES if f"{name}/do/config" in found.folded} == {*HOSTILE_NAMES}


def test_a_secret_is_not_shown(mlcc: Caller) -> None:
    token = "hf_" + "A1b2" * 10
    applied(HERE, SMALLEST)
    (HERE / "do/config").write_text(f"# {token}\n" + (HERE / "do/config").read_text())
    build_tree(HERE, {"mlcc.yaml": SMALLEST + f"env: {{NOTE: {token}}}\n"})
    result = mlcc("diff", "-o", "markdown")
    assert "A1b2A1b2" not in result.stdout + result.stderr


def test_what_does_not_fit_is_left_out_by_whole_files_and_named(mlcc: Caller) -> None:
    files = {f"p{n:03}/mlcc.yaml": SMALLEST.replace("iris", f"p{n}") for n in range(60)}
    git_repo(HERE, files)
    more = "env:\n" + "".join(f"  NAME_{n}: '{'x' * 150}{n}'\n" for n in range(8))
    build_tree(HERE, {path: text + more for path, text in files.items()})
    found = comment(mlcc, "--all", "--against", "HEAD")
    assert len(found.text) > MOST * 0.8
    assert "60 projects: 60 changed (480 values; 60 files: update)" in found.text
    (start, listed) = found.text.split("Left out, because a comment holds no more")
    assert "and " in listed.splitlines()[-1]
    assert listed.splitlines()[-1].endswith(" more")
    assert start.count("<details>") == start.count("</details>") == len(found.fences)
    for content in found.fences:
        assert content.count("\n+export IC_ENV_NAME") == 8, "a file is shown whole or not at all"


def test_one_file_that_is_too_large(mlcc: Caller) -> None:
    old, new = (f"{SMALLEST}env:\n" + "".join(f"  NAME_{n}: '{sign * 280}{n}'\n" for n in range(90)) for sign in "xy")
    applied(HERE, old)
    build_tree(HERE, {"mlcc.yaml": new})
    found = comment(mlcc)
    listed = found.text.split("Left out")[1]
    assert "values of mlcc.yaml" in listed
    assert "do/config (update, +" in listed
    assert 30 < len(found.rows("why")) < 90


def test_a_mistake_of_the_only_project_is_in_the_comment(mlcc: Caller) -> None:
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "nope: 1\n"})
    found = comment(mlcc, code=1)
    assert found.text.splitlines()[0] == "**mlcc diff**: 1 project: 1 refused"
    assert [(row["code"], row["place"]) for row in found.rows("code")] == [("MLCC020", "mlcc.yaml:4:1")]
