"""Where inputs are found, and what of them is refused: bases, manifests, registries, files of --config."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlcc.core.values import Source
from mlcc.io.disk.reader import Refused
from mlcc.load import inputs as inputs_module
from mlcc.load import locate
from mlcc.load.request import Plugged, Request
from tests.helpers import SMALLEST, build_tree

HERE = Path()


def gathered(files: dict[str, str], request: Request | None = None, file: str = "repo/app/mlcc.yaml"):
    build_tree(HERE, {"repo/.git/HEAD": "x", **files})
    return inputs_module.gather(file, request or Request())


def by_source(inputs: inputs_module.Inputs) -> dict[Source, object]:
    return {layer.source: layer.root.plain() for layer in inputs.layers}


@pytest.mark.parametrize(
    ("files", "start", "found"),
    [
        (["repo/mlcc.yaml"], "repo", "repo/mlcc.yaml"),
        (["repo/mlcc.yml"], "repo", "repo/mlcc.yml"),
        (["repo/mlcc.yml", "repo/mlcc.yaml"], "repo", "repo/mlcc.yaml"),
        (["repo/mlcc.yaml"], "repo/a/b", "repo/mlcc.yaml"),
        (["mlcc.yaml"], "repo/a", None),  # above the repository's root
    ],
)
def test_the_file_is_looked_for_upwards_to_the_repository_s_root(files: list[str], start: str, found: str | None):
    build_tree(HERE, {"repo/.git/HEAD": "x", "repo/a/b/x": "", **dict.fromkeys(files, SMALLEST)})
    if found is None:
        with pytest.raises(Refused) as caught:
            locate.find_mlcc_yaml(start)
        assert "mlcc init" in caught.value.findings[0].hint
    else:
        assert locate.find_mlcc_yaml(start) == os.path.normpath(found)


def test_a_base_is_a_layer_of_its_own():
    inputs = gathered({"repo/base.yaml": "ttl: 1d\n", "repo/app/mlcc.yaml": SMALLEST + "extends: ../base.yaml\n"})
    assert not inputs.findings
    assert by_source(inputs)[Source.BASE] == {"ttl": "1d"}


@pytest.mark.parametrize(
    ("extends", "files", "words"),
    [
        ("../../outside.yaml", {"outside.yaml": "ttl: 1d\n"}, "lies outside the repository"),
        ("/etc/hostname", {}, "extends"),
        ("../none.yaml", {}, "no such file"),
        ("../base.yaml", {"repo/base.yaml": "extends: x.yaml\n"}, "chains are not followed"),
        ("../base.yaml", {"repo/base.yaml": "ttl: [1]\n"}, "ttl"),
        ("../base.yaml", {"repo/base.yaml": "ttl: 'x\n"}, ""),
    ],
)
def test_a_base_that_cannot_be_used_is_reported_with_a_place(extends: str, files: dict[str, str], words: str):
    inputs = gathered({**files, "repo/app/mlcc.yaml": SMALLEST + f"extends: {extends}\n"})
    assert inputs.findings
    assert Source.BASE not in by_source(inputs)
    assert any(words in f"{f.path} {f.message}" and f.line for f in inputs.findings)


def test_a_base_behind_a_link_is_refused():
    build_tree(HERE, {"outside.yaml": "ttl: 1d\n", "repo/x": ""})
    os.symlink("../outside.yaml", "repo/base.yaml")
    inputs = gathered({"repo/app/mlcc.yaml": SMALLEST + "extends: ../base.yaml\n"})
    assert any("base.yaml" in f"{f.file} {f.message}" for f in inputs.findings)
    assert Source.BASE not in by_source(inputs)


@pytest.mark.parametrize(
    ("files", "value"),
    [
        ({"pyproject.toml": "[tool.mlcc]\nttl = '1d'\n"}, {"ttl": "1d"}),
        ({"package.json": '{"mlcc": {"ttl": "2d"}}'}, {"ttl": "2d"}),
        ({"pyproject.toml": "[tool.mlcc]\nttl = '1d'\n", "package.json": '{"mlcc": {"ttl": "2d"}}'}, {"ttl": "1d"}),
        (
            {"pyproject.toml": "[tool.other]\nx = 1  # not mlcc\n", "package.json": '{"mlcc": {"ttl": "2d"}}'},
            {"ttl": "2d"},
        ),
        ({"pyproject.toml": "[tool]\nx = 1\n"}, None),
        ({"package.json": '["mlcc"]'}, None),
    ],
)
def test_the_project_manifest(files: dict[str, str], value: object):
    inputs = gathered({"repo/app/mlcc.yaml": SMALLEST, **{f"repo/app/{k}": v for k, v in files.items()}})
    assert not inputs.findings
    assert by_source(inputs).get(Source.MANIFEST) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", "[tool.mlcc\n"),
        ("pyproject.toml", "[tool.mlcc]\nttl = 1979-05-27\n"),
        ("pyproject.toml", "[tool.mlcc]\ntll = '1d'\n"),
        ("package.json", '{"mlcc": {"ttl": '),
        ("package.json", '{"mlcc": {"env": {"A": "\\ud800"}}}'),
        ("package.json", '{"mlcc": ' + "[" * 100_000),
    ],
)
def test_a_broken_manifest_names_itself(name: str, text: str):
    inputs = gathered({"repo/app/mlcc.yaml": SMALLEST, f"repo/app/{name}": text})
    assert inputs.findings
    assert all(name in f.file for f in inputs.findings)
    assert Source.MANIFEST not in by_source(inputs)


def test_another_tool_s_link_says_nothing_about_mlcc():
    build_tree(HERE, {"repo/app/mlcc.yaml": SMALLEST})
    os.symlink("/etc/hostname", "repo/app/pyproject.toml")
    assert not gathered({}).findings


def test_a_file_of_config_is_a_layer_and_a_missing_one_is_reported():
    build_tree(HERE, {"extra.yaml": "ttl: 3d\n"})
    inputs = gathered({"repo/app/mlcc.yaml": SMALLEST}, Request(extra="extra.yaml"))
    assert by_source(inputs)[Source.CONFIG_FILE] == {"ttl": "3d"}
    missing = gathered({"repo/app/mlcc.yaml": SMALLEST}, Request(extra="none.yaml"))
    assert any("none.yaml" in f"{f.file} {f.message}" for f in missing.findings)


@pytest.mark.parametrize(
    ("text", "words"),
    [("../out", "registries"), ("/tmp", "registries"), ("none", "no such directory")],
)
def test_a_registry_of_the_project_lies_in_it(text: str, words: str):
    build_tree(HERE, {"repo/out/x": ""})
    inputs = gathered({"repo/app/mlcc.yaml": SMALLEST + f"registries: [{text}]\n"})
    assert any(words in f"{f.path} {f.message}" and f.line for f in inputs.findings)


def test_a_registry_behind_a_link_is_refused():
    build_tree(HERE, {"out/x": "", "repo/app/x": ""})
    os.symlink("../../out", "repo/app/registries")
    inputs = gathered({"repo/app/mlcc.yaml": SMALLEST + "registries: [registries]\n"})
    assert inputs.findings
    assert not inputs.roots


def test_roots_come_from_plugins_then_the_variable_then_options_then_the_project():
    build_tree(HERE, {"one/x": "", "two/x": "", "three/x": "", "repo/app/own/x": ""})
    request = Request(
        environ={"MLCC_REGISTRY_PATH": f"one{os.pathsep}"}, registry_roots=("two",), plugged=Plugged({"p": "three"})
    )
    inputs = gathered({"repo/app/mlcc.yaml": SMALLEST + "registries: [./own]\n"}, request)
    assert not inputs.findings
    assert [root.label for root in inputs.roots] == ["plugin-p", "operator-1", "operator-2", "./own"]
    assert [root.trusted for root in inputs.roots] == [True, True, True, False]


def test_an_operator_s_folder_that_is_not_there_is_an_error():
    inputs = gathered({"repo/app/mlcc.yaml": SMALLEST}, Request(environ={"REGISTRY_PATH": "nowhere"}))
    assert [f.code for f in inputs.findings] == ["MLCC402"]


def test_a_file_of_another_user_above_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Git does with a repository of another user: what they own may be changed under our hands."""
    build_tree(tmp_path, {"mlcc.yaml": SMALLEST, "deep/er/x": ""})
    for name in ("getuid", "geteuid"):
        monkeypatch.setattr(os, name, lambda: 12345)
    with pytest.raises(Refused, match="belongs to another user"):
        locate.find_mlcc_yaml(str(tmp_path / "deep/er"))
    assert locate.find_mlcc_yaml(str(tmp_path)) == str(tmp_path / "mlcc.yaml")
