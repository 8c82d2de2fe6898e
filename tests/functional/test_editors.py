"""`mlcc schema --install`: what it writes, and what it leaves alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlcc.io.editors import jetbrains, neovim, vscode
from mlcc.registries import kinds, load
from tests.helpers import ROOT, SMALLEST, Caller, build_tree, git_repo, read_tree, state_of

HERE = Path()
ROWS = load().entries("editors")


def test_every_row_has_a_form() -> None:
    from mlcc.cli.editor_files import FORMS

    assert {row.facts["form"] for row in ROWS.values()} == set(FORMS)
    assert set(FORMS.values()) == {vscode.merged, jetbrains.merged, neovim.merged}


@pytest.mark.parametrize("editor", ROWS)
def test_settings_and_schemas_are_written_once(mlcc: Caller, editor: str) -> None:
    git_repo(HERE)
    build_tree(HERE, {"a/b/mlcc.yaml": SMALLEST})
    file = str(ROWS[editor].facts["file"])
    said = mlcc("schema", "--install", editor, "-C", "a/b", code=0)
    assert f"create    {file}" in said.stdout
    assert "MLCC424" not in said.stderr
    assert sorted(name for name in read_tree(HERE) if name.startswith(".")) == sorted(
        [file, *(f".schemas/mlcc/{name}.schema.json" for name in ("mlcc", "policies", "workspace"))]
    )
    assert (HERE / ".schemas/mlcc/mlcc.schema.json").read_bytes() == (ROOT / "schemas/mlcc.schema.json").read_bytes()
    before = state_of(HERE)
    assert "nothing to do" in mlcc("schema", "--install", editor, code=0).stderr
    assert state_of(HERE) == before


def test_registries_get_their_schemas_where_there_are_any(mlcc: Caller) -> None:
    build_tree(HERE, {"a/registries/regions.yaml": "version: 1\n", "node_modules/registries/x": ""})
    mlcc("schema", "--install", "vscode", code=0)
    found = json.loads((HERE / ".vscode/settings.json").read_text())["yaml.schemas"]
    assert found["./.schemas/mlcc/regions.schema.json"] == ["**/registries/regions.yaml"]
    assert found["./.schemas/mlcc/instances.schema.json"] == ["**/registries/instances/*.yaml"]
    assert len(found) >= len(kinds.TOP) + len(kinds.FOLDERS) + 1
    assert all((HERE / name).is_file() for name in found)


@pytest.mark.parametrize("editor", ROWS)
def test_print_writes_nothing(mlcc: Caller, editor: str) -> None:
    shown = mlcc("schema", "--install", editor, "--print", code=0).stdout
    assert "mlcc.schema.json" in shown
    assert read_tree(HERE) == {}
    document = json.loads(mlcc("schema", "--install", editor, "--print", "--json", code=0).stdout)
    assert [row["path"] for row in document["files"]] == [str(ROWS[editor].facts["file"])]
    assert document["files"][0]["content"] == shown


def test_settings_that_cannot_be_kept_are_refused(mlcc: Caller) -> None:
    build_tree(HERE, {".vscode/settings.json": '{\n"a": oops}\n'})
    before = state_of(HERE)
    refused = mlcc("schema", "--install", "vscode", code=1)
    assert ".vscode/settings.json:2:1: error MLCC423" in refused.stderr
    assert "--print" in refused.stderr
    assert state_of(HERE) == before
    shown = mlcc("schema", "--install", "vscode", "--print", code=0).stdout
    assert "yaml.schemas" in json.loads(shown), "what to add by hand"


@pytest.mark.parametrize("place", [".vscode", ".vscode/settings.json", ".schemas", ".schemas/mlcc"])
def test_nothing_is_written_through_a_link(mlcc: Caller, place: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    target = build_tree(outside, {"settings.json": "{}\n"}) / "settings.json" if place.endswith("json") else outside
    (HERE / place).parent.mkdir(exist_ok=True)
    (HERE / place).symlink_to(target)
    before = state_of(outside)
    assert mlcc("schema", "--install", "vscode").code == 1
    assert state_of(outside) == before


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--install", "emacs"], 1, "idea, nvim, vscode"),
        (["--install", ""], 2, "empty"),
        (["lock", "--install", "vscode"], 2, "MLCC901"),
        (["--install", "vscode", "--options"], 2, "MLCC901"),
        (["--print"], 2, "MLCC901"),
        (["-C", "x"], 2, "MLCC901"),
    ],
)
def test_what_is_refused(mlcc: Caller, words: list[str], code: int, says: str) -> None:
    refused = mlcc("schema", *words, code=code)
    assert says in refused.stderr
    assert (refused.stdout, read_tree(HERE)) == ("", {})


def test_a_line_that_names_another_schema_is_found(mlcc: Caller) -> None:
    line = "# yaml-language-server: $schema="
    texts = {
        "a": f"{line}https://x.example/\x1b[31ms.json\n",
        "b": f"{line}../.schemas/mlcc/mlcc.schema.json\n",
        "c": "",
    }
    build_tree(HERE, {f"{name}/mlcc.yaml": text + SMALLEST for name, text in texts.items()})
    said = mlcc("schema", "--install", "nvim", code=0).stderr
    assert "a/mlcc.yaml:1:1: warning MLCC424" in said
    assert ("\x1b" in said, "b/mlcc.yaml" in said, "c/mlcc.yaml" in said) == (False, False, False)


def test_init_names_the_schema_that_is_there(mlcc: Caller) -> None:
    git_repo(HERE)
    mlcc("init", "iris", "-C", "before", "--deployment-config", "http-fastapi", code=0)
    mlcc("schema", "--install", "vscode", code=0)
    mlcc("init", "iris", "-C", "a/after", "--deployment-config", "http-fastapi", code=0)
    mlcc("init", "iris", "-C", "with space", "--deployment-config", "http-fastapi", code=0)
    first = {n: (HERE / n / "mlcc.yaml").read_text().splitlines()[0] for n in ("before", "a/after", "with space")}
    assert "mlcc schema --install vscode" in first["before"]
    assert first["a/after"] == "# yaml-language-server: $schema=../../.schemas/mlcc/mlcc.schema.json"
    assert (HERE / "a/after" / first["a/after"].partition("=")[2]).is_file()
    mlcc("apply", "--all", "-q", code=0)
