"""docs/notebook.ipynb: every cell runs, in order, and prints what the notebook shows (UPDATE_GOLDEN=1 writes it anew)."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
from pathlib import Path
from typing import Any

from tests.helpers import ROOT

NOTEBOOK = ROOT / "docs/notebook.ipynb"


def run(source: str, names: dict[str, Any]) -> str:
    """What a cell prints, and the value of its last expression, as a notebook shows them."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, "cell", "exec"), names)
        value = eval(compile(ast.Expression(last.value), "cell", "eval"), names) if isinstance(last, ast.Expr) else None
    return printed.getvalue() + ("" if value is None else f"{value!r}\n")


def test_the_notebook_shows_what_happens() -> None:
    document = json.loads(NOTEBOOK.read_text())
    names: dict[str, Any] = {"__name__": "__main__"}
    shown, number = [], 0
    for cell in document["cells"]:
        if cell["cell_type"] == "code":
            number += 1
            text = run("".join(cell["source"]), names)
            outputs = [{"name": "stdout", "output_type": "stream", "text": text.splitlines(keepends=True)}]
            shown.append((cell["source"], cell["outputs"], outputs if text else []))
            cell["outputs"], cell["execution_count"] = outputs if text else [], number
    if os.environ.get("UPDATE_GOLDEN"):
        NOTEBOOK.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    else:
        for source, before, now in shown:
            assert before == now, "".join(source)
    assert Path("iris/Dockerfile").exists(), "the notebook runs in a folder of its own"
