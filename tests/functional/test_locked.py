"""`mlcc apply --locked`: nothing but what was committed, and what differs is named and shown.

The full figures are in tests/stress/test_locked.py.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import jsonschema
import pytest
from markdown_it import MarkdownIt

from mlcc.registries.files import Root, digest
from tests.helpers import SMALLEST, applied, build_tree
from tests.locked_cases import chosen, prepared, told, wrong_answer
from tests.locked_mutations import mutations, variations

HERE = Path()
KINDS = ("tree", "lock", "base", "folders", "sources", "run", "registries", "policies")


@pytest.mark.parametrize("kind", KINDS)
def test_a_mutation_is_refused_and_named(mlcc, tmp_path, kind):
    every = mutations("http", prepared("http", tmp_path / "project"))
    for number, change in enumerate(chosen({kind: every[kind]}, 2, random.Random(f"fast {kind}"))):
        folder = prepared("http", tmp_path / str(number))
        case = change(folder, random.Random(f"fast {number}"))
        assert wrong_answer(case, *told(case, folder, mlcc)) == ""


@pytest.mark.parametrize("chunk", range(4))
def test_what_may_be_otherwise_is_no_alarm(mlcc, tmp_path, chunk):
    every = {"all": variations("http", prepared("http", tmp_path / "project"))}
    for number, change in enumerate(chosen(every, 4, random.Random(f"fast {chunk}"))):
        folder = prepared("http", tmp_path / str(number))
        case = change(folder, random.Random(f"fast {number}"))
        assert told(case, folder, mlcc) == (0, []), case


# ---------------------------------------------------------------- what is shown
PROD = SMALLEST + "environments: {prod: {ttl: 2d}}\n"


@pytest.fixture
def project() -> Path:
    return applied(HERE, PROD)


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line[:1] in ("-", "+")]


def test_an_environment_is_derived_anew_and_its_difference_is_shown(mlcc, project):
    build_tree(HERE, {"mlcc.yaml": PROD.replace("2d", "3d")})
    result = mlcc("apply", "--locked", code=1)
    assert lines(result.stdout) == [
        "--- a/do/env/prod.conf (on disk)", "+++ b/do/env/prod.conf (rendered)", "-export TTL='2d'", "+export TTL='3d'",
        "--- a/mlcc.lock (on disk)", "+++ b/mlcc.lock (rendered)",
        '-environments.prod.values.ttl: {value: "2d", source: overlay}',
        '+environments.prod.values.ttl: {value: "3d", source: overlay}',
        *lines(result.stdout)[-2:],
    ]  # fmt: skip
    assert all("files.do/env/prod.conf: " in line for line in lines(result.stdout)[-2:])
    assert (
        "mlcc.lock is not what mlcc.yaml resolves to: environments.prod.values.ttl, files.do/env/prod" in result.stderr
    )


def test_an_edit_is_shown_from_what_was_rendered(mlcc, project):
    (HERE / "Dockerfile").write_text((HERE / "Dockerfile").read_text() + "# mine\n")
    result = mlcc("apply", "--locked", code=1)
    assert lines(result.stdout)[:3] == ["--- a/Dockerfile (rendered)", "+++ b/Dockerfile (on disk)", "+# mine"]
    assert "Dockerfile was edited, and mlcc.lock does not record an edit: +# mine" in result.stderr
    mlcc("apply", code=0)
    mlcc("apply", "--locked", code=0)
    (HERE / "Dockerfile").write_text((HERE / "Dockerfile").read_text() + "# more\n")
    assert "mlcc.lock does not record this edit" in mlcc("apply", "--locked", code=1).stderr
    mlcc("apply", "--restore", "Dockerfile", code=0)
    mlcc("apply", "--locked", code=0)


def test_an_edit_that_is_gone_again_is_named(mlcc, project):
    original = (HERE / "Dockerfile").read_bytes()
    (HERE / "Dockerfile").write_text("FROM mine\n")
    mlcc("apply", code=0)
    (HERE / "Dockerfile").write_bytes(original)
    assert "Dockerfile is as it is rendered, and mlcc.lock records an edit" in mlcc("apply", "--locked", code=1).stderr


@pytest.mark.parametrize(("path", "mode"), [("do/build", 0o644), ("Dockerfile", 0o755)])
def test_a_mode_of_the_user_s_is_recorded_and_another_one_refused(mlcc, project, path, mode):
    before = (HERE / path).stat().st_mode
    (HERE / path).chmod(mode)
    result = mlcc("apply", "--locked", code=1)
    can, cannot = ("can", "cannot") if mode & 0o100 else ("cannot", "can")
    assert f"{path} {can} be executed (mode {mode:04o}), and mlcc.lock records that it {cannot}" in result.stderr
    mlcc("apply", code=0)
    assert f"executable: {'true' if mode & 0o100 else 'false'}" in (HERE / "mlcc.lock").read_text()
    mlcc("apply", "--locked", code=0)
    (HERE / path).chmod(before)
    assert f"{path} {cannot} be executed" in mlcc("apply", "--locked", code=1).stderr
    mlcc("apply", code=0)
    assert "executable:" not in (HERE / "mlcc.lock").read_text()


def test_a_mode_is_kept_where_the_file_changes(mlcc, project):
    (HERE / "do/config").chmod(0o755)
    mlcc("apply", code=0)
    build_tree(HERE, {"mlcc.yaml": PROD + "ttl: 5d\n"})
    mlcc("apply", code=0)
    assert os.access("do/config", os.X_OK)
    mlcc("apply", "--locked", code=0)
    mlcc("apply", "--restore", "do/config", code=0)
    assert not (HERE / "do/config").stat().st_mode & 0o111
    mlcc("apply", "--locked", code=0)


def test_a_removed_file_is_named_and_its_lines_are_shown(mlcc, project):
    (HERE / "do/build").unlink()
    result = mlcc("apply", "--locked", code=1)
    assert "do/build was removed, and mlcc.lock does not record that\n" in result.stderr
    assert "-#!/bin/sh" in lines(result.stdout)
    mlcc("apply", code=0)
    mlcc("apply", "--locked", code=0)
    build_tree(HERE, {"do/build": "#!/bin/sh\n"})
    assert "do/build is there again" in mlcc("apply", "--locked", code=1).stderr


def test_the_document_holds_hunks_and_leaves_and_obeys_its_schema(mlcc, project):
    build_tree(HERE, {"mlcc.yaml": PROD.replace("2d", "3d"), ".mlcc/base/more": "x\n"})
    (HERE / "do/build").chmod(0o644)
    document = json.loads(mlcc("apply", "--locked", "-o", "json", code=1).stdout)
    schema = json.loads(mlcc("schema", "output-plan", code=0).stdout)
    jsonschema.validate(document, schema)
    rows = {row["path"]: row for row in document["differences"]}
    assert [*rows] == ["do/build", "do/env/prod.conf", ".mlcc/base/more", "mlcc.lock"]
    assert rows["do/build"]["diff"] == ""
    assert rows["do/env/prod.conf"]["diff"].endswith("\n-export TTL='2d'\n+export TTL='3d'\n")
    leaves = {leaf["path"]: (leaf["before"], leaf["after"]) for leaf in rows["mlcc.lock"]["leaves"]}
    assert leaves["environments.prod.values.ttl"] == tuple(
        f'{{value: "{ttl}", source: overlay}}' for ttl in ("2d", "3d")
    )
    assert "differences" not in json.loads(mlcc("apply", "--check", "-o", "json", code=2).stdout)


def test_markdown_has_the_hunks_in_fences(mlcc, project):
    (HERE / "Dockerfile").write_text("```\nFROM mine\n")
    text = mlcc("apply", "--locked", "-o", "markdown", code=1).stdout
    fences = [token.content for token in MarkdownIt("commonmark").parse(text) if token.type == "fence"]
    assert [content.split("\n")[0] for content in fences] == [
        "--- a/Dockerfile (rendered)",
        "--- a/mlcc.lock (on disk)",
    ]
    assert "+```\n+FROM mine\n" in fences[0]


def test_quiet_says_what_is_wrong_and_shows_no_hunks(mlcc, project):
    (HERE / "Dockerfile").write_text("FROM mine\n")
    result = mlcc("apply", "--locked", "-q", code=1)
    assert "@@" not in result.stdout
    assert "Dockerfile was edited" in result.stderr


LONG, WIDE, BOTH = "".join(f"RUN {n}\n" for n in range(2_000)), "x" * 400_000, f"{'y' * 900}\n" * 390


@pytest.mark.parametrize(("text", "form"), [(LONG, "table"), (WIDE, "json"), (BOTH, "json"), (LONG, "markdown")])
def test_a_large_difference_is_cut(mlcc, project, text, form):
    for path in ("Dockerfile", "do/config", "do/build"):
        (HERE / path).write_text(text)
    shown = mlcc("apply", "--locked", "-o", form, code=1).stdout
    assert "more lines" in shown or "..." in shown
    assert len(shown) < 250_000


@pytest.mark.parametrize("form", ["table", "json", "markdown"])
def test_a_secret_in_an_edit_is_not_shown(mlcc, project, form):
    token = "hf_" + "A1b2" * 10
    (HERE / "Dockerfile").write_text(f"FROM x\nENV HF_TOKEN={token}\n# {token}\n")
    result = mlcc("apply", "--locked", "-o", form, code=1)
    assert "FROM x" in result.stdout
    assert "A1b2A1b2" not in result.stdout + result.stderr


def test_a_value_of_this_run_is_refused_in_whichever_environment_it_counts(mlcc, project, monkeypatch):
    """The overlay of prod beats nothing of the environment: it is the variable that counts, everywhere."""
    monkeypatch.setenv("ML_TTL", "2d")
    result = mlcc("apply", "--locked", "--env", "prod", code=1)
    assert result.stderr.count("MLCC213") == 1


def test_a_layout_that_mlcc_does_not_write_is_refused_and_shown(mlcc, project):
    lock = HERE / "mlcc.lock"
    lock.write_text(
        lock.read_text()
        .replace("environments:\n  prod:\n", "environments:\n   prod:\n")
        .replace("\n    values", "\n       values")
        .replace("\n      ttl", "\n         ttl")
    )
    result = mlcc("apply", "--locked", code=1)
    assert "+  prod:" in lines(result.stdout)
    assert "mlcc.lock is not what mlcc.yaml resolves to: -   prod:" in result.stderr


def test_a_registry_with_other_line_ends_is_the_same(tmp_path):
    """As Git checks it out with core.autocrlf."""
    build_tree(tmp_path, {"a.yaml": b"x: 1\ny: 2\n"})
    before = digest(Root("r", str(tmp_path)), ("a.yaml",))
    build_tree(tmp_path, {"a.yaml": b"x: 1\r\ny: 2\r\n"})
    assert digest(Root("r", str(tmp_path)), ("a.yaml",)) == before
    build_tree(tmp_path, {"a.yaml": b"x: 1\r\ny: 3\r\n"})
    assert digest(Root("r", str(tmp_path)), ("a.yaml",)) != before
