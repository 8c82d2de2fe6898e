"""Looking a model up: the right row, from the file that has it, and nothing of the others but their names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlcc import registries
from mlcc.core.errors import UserError
from mlcc.io import cache
from mlcc.registries.files import Root

HEAD = "version: 1\nkind: models\nsource: https://example.org/\nrows:\n"


def file(folder: Path, name: str, *rows: str, pad: int = 0) -> Path:
    """A file of models.  pad: rows that nobody asks for (only larger documents are remembered)."""
    rows = (*rows, *(f"pad/{name}-{n}" for n in range(pad)))
    lines = "".join(f"  '{row}': {{source: x, family: {name}}}\n" for row in rows)
    path = folder / "models" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + lines)
    return path


class Counting:
    """A memo that counts."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.hits = 0

    def read(self, name: str) -> bytes | None:
        self.hits += name in self.kept
        return self.kept.get(name)

    def write(self, name: str, payload: bytes) -> None:
        self.kept[name] = payload


def test_the_row_of_a_model(tmp_path):
    file(tmp_path, "a", "org/one", "org/*", "*/chat")
    found = registries.load([Root("own", str(tmp_path))])
    assert found.model("org/one").name == "org/one"
    assert found.model("org/two").name == "org/*"
    assert found.model("other/chat").name == "*/chat"
    assert found.model("nobody/nothing") is None
    assert set(found.models) - set(registries.load().models) == {"org/one", "org/*", "*/chat"}


def test_later_roots_and_files_win(tmp_path):
    file(tmp_path / "1", "a", "org/one")
    file(tmp_path / "1", "b", "org/one")
    file(tmp_path / "2", "c", "org/one")
    roots = [Root("1", str(tmp_path / "1")), Root("2", str(tmp_path / "2"))]
    for chosen, family in ((roots[:1], "b"), (roots, "c"), (roots[::-1], "b")):
        found = registries.load(chosen)
        assert found.model("org/one").family == family
        assert found.models["org/one"].family == family


def test_a_broken_file_is_an_error_whatever_is_asked_for(tmp_path):
    file(tmp_path, "a", "org/one")
    (tmp_path / "models/b.yaml").write_text(HEAD + "  x: {family: 3}\n")
    with pytest.raises(UserError) as problem:
        registries.load([Root("own", str(tmp_path))]).model("org/one")
    assert [(f.file, f.line) for f in problem.value.findings] == [("own/models/b.yaml", 5)] * 2


def test_a_file_of_another_kind_is_an_error(tmp_path):
    file(tmp_path, "a").write_text("version: 1\nkind: regions\nrows: {}\n")
    with pytest.raises(UserError, match="has rows of the kind models"):
        registries.load([Root("own", str(tmp_path), validate=False)]).model("org/one")


def test_names_are_remembered_and_checked_again_when_a_byte_changes(tmp_path):
    path = file(tmp_path, "a", "org/one", pad=40)
    kept = Counting()
    with cache.remembered(kept):
        for _ in range(2):
            found = registries.load([Root("own", str(tmp_path))])
            assert found.model("org/one").family == "a"
        hits = kept.hits
        assert hits >= 2, "the names, and the document"
        path.write_text(path.read_text() + "  bad: {family: 3}\n")
        for _ in range(2):
            with pytest.raises(UserError):
                registries.load([Root("own", str(tmp_path))]).model("org/one")


def test_a_project_s_own_rows_are_never_remembered(tmp_path):
    file(tmp_path, "a", "org/one", pad=40)
    kept = Counting()
    with cache.remembered(kept):
        found = registries.load([Root("own", str(tmp_path), trusted=False)])
        assert found.model("org/one").family == "a"
    assert not any(b"org/one" in payload for payload in kept.kept.values())


def test_what_was_remembered_may_be_rubbish(tmp_path):
    file(tmp_path, "a", "org/one", pad=40)
    kept = Counting()
    with cache.remembered(kept):
        assert registries.load([Root("own", str(tmp_path))]).model("org/one") is not None
        kept.kept = dict.fromkeys(kept.kept, b"\xff not json")
        assert registries.load([Root("own", str(tmp_path))]).model("org/one") is not None


def test_only_the_row_s_own_file_is_read_as_nodes(tmp_path, monkeypatch):
    for number in range(5):
        file(tmp_path, f"f{number}", f"org/m{number}", pad=40)
    kept = Counting()
    with cache.remembered(kept):
        assert registries.load([Root("own", str(tmp_path))]).model("org/m3").family == "f3"
        kept.hits = 0
        found = registries.load([Root("own", str(tmp_path))])
        assert found.model("org/m3").family == "f3"
        hits, kept.hits = kept.hits, 0
        packaged = registries.load([Root("none", str(tmp_path / "models"))])
        assert packaged.model("nobody/nothing") is None
        assert hits - kept.hits == 6, "five lists of names, one document"
    assert os.listdir(tmp_path) == ["models"]
