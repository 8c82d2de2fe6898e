"""Which files of a project its documents may name."""

from __future__ import annotations

import pytest

from mlcc.load import named_paths

DOCUMENTS = {
    "app/mlcc.yaml": b"version: 1\nregistries: [./rows]\nmodel: {chat_template_file: code/x/../chat.jinja}\n",
    "app/pyproject.toml": b'[tool.mlcc.model]\nname = "./weights"\n[tool.other]\nname = "elsewhere"\n',
    "app/package.json": b"{",
}


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("rows/models/a.yaml", True),
        ("rows", True),
        ("code/chat.jinja", True),
        ("code/other.py", False),
        ("weights/model.bin", True),
        ("elsewhere/x", False),
        ("rowsy/a", False),
        ("src/rows/a", False),
    ],
)
def test_a_path_is_named_by_itself_or_a_folder_above(path: str, named: bool) -> None:
    assert named_paths.names(named_paths.of_documents(DOCUMENTS), path) is named


@pytest.mark.parametrize(
    ("extends", "folder", "found"),
    [
        ("../base.yaml", "a/b", "a/base.yaml"),
        ("base.yaml", "", "base.yaml"),
        ("../../x.yaml", "a", ""),
        ("", "a", ""),
    ],
)
def test_the_file_that_is_extended(extends: str, folder: str, found: str) -> None:
    text = f"version: 1\nextends: {extends}\n" if extends else "version: 1\n"
    assert named_paths.base(text.encode(), folder) == found


@pytest.mark.parametrize("data", [b"", b"[", b"\xff", b"extends: [1]\n", b"extends: {a: b}\n"])
def test_what_is_no_document_names_nothing(data: bytes) -> None:
    assert isinstance(named_paths.base(data, "a"), str)
    assert named_paths.names(named_paths.of_documents({"mlcc.yaml": data}), "x") is False
