"""Local state: what others take away meanwhile is gone, and no obstacle."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from threading import Thread

from mlcc.lifecycle import run_state
from tests.helpers import build_tree

ROUNDS = 60


def test_a_sweep_while_others_remove_too(tmp_path: Path) -> None:
    """A server that ends takes its record along while `clean` removes all there is."""
    problems: list[BaseException] = []
    for _ in range(ROUNDS):
        build_tree(tmp_path, {f".mlcc/run/{'deep/' * (n % 3)}f{n}": "x" for n in range(40)})

        def sweep() -> None:
            try:
                run_state.sweep(str(tmp_path))
            except OSError as problem:
                problems.append(problem)

        both = [Thread(target=sweep), Thread(target=lambda: _remove(tmp_path / ".mlcc/run"))]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        assert run_state.leftovers(str(tmp_path)) == []
    assert problems == []


def _remove(folder: Path) -> None:
    with suppress(OSError):
        found = sorted(folder.rglob("*"), reverse=True)
        for path in found:
            with suppress(OSError):
                os.unlink(path) if path.is_file() else os.rmdir(path)


def test_links_are_removed_and_not_followed(tmp_path: Path) -> None:
    build_tree(tmp_path, {"outside/kept": "x", "p/.mlcc/run/a/b": "x"})
    (tmp_path / "p/.mlcc/run/a/link").symlink_to(tmp_path / "outside")
    run_state.sweep(str(tmp_path / "p"))
    assert (tmp_path / "outside/kept").exists()
    assert not (tmp_path / "p/.mlcc/run").exists()


def test_what_is_no_record_is_an_empty_one(tmp_path: Path) -> None:
    for text in ("", "[]", "{", "[" * 5000, "7", '"x"', "null"):
        build_tree(tmp_path, {".mlcc/run/server.json": text})
        assert run_state.read(str(tmp_path), run_state.SERVER) == {}
    assert run_state.read(str(tmp_path), "absent.json") == {}


def test_records_of_the_foreground(tmp_path: Path) -> None:
    assert run_state.foreground(str(tmp_path)) == []
    for name in ("run-a.json", "run-b.json", "server.json", "run-c.txt"):
        run_state.write(str(tmp_path), name, {"name": name})
    assert [r["name"] for r in run_state.foreground(str(tmp_path))] == ["run-a.json", "run-b.json"]
    run_state.remove(str(tmp_path), "run-a.json")
    assert [r["name"] for r in run_state.foreground(str(tmp_path))] == ["run-b.json"]
