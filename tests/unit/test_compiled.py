"""Templates compiled once in a process, and never taken for another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from mlcc import pipeline
from mlcc.render import generator
from mlcc.render.generator import Compiled
from tests.helpers import SMALLEST, build_tree

HERE = Path()


class Counting(Environment):
    """An environment that counts what it compiles."""

    count = 0

    def compile(self, *args: Any, **kwargs: Any) -> Any:
        self.count += 1
        return super().compile(*args, **kwargs)


def environment(folder: str, kept: Compiled) -> Counting:
    return Counting(loader=FileSystemLoader(folder), bytecode_cache=kept)  # type: ignore[arg-type]


def test_a_second_environment_compiles_nothing() -> None:
    build_tree(HERE, {"one/a": "{{ x }}!"})
    kept = Compiled()
    first, second = environment("one", kept), environment("one", kept)
    assert [e.get_template("a").render(x=n) for n, e in enumerate((first, second))] == ["0!", "1!"]
    assert (first.count, second.count) == (1, 0)


def test_another_file_of_that_name_and_another_text_of_that_file_are_compiled() -> None:
    build_tree(HERE, {"one/a": "1", "two/a": "2"})
    kept = Compiled()
    assert [environment(folder, kept).get_template("a").render() for folder in ("one", "two")] == ["1", "2"]
    build_tree(HERE, {"one/a": "3"})
    assert environment("one", kept).get_template("a").render() == "3"


def test_a_second_project_is_rendered_from_what_the_first_compiled() -> None:
    build_tree(HERE, {"a/mlcc.yaml": SMALLEST, "b/mlcc.yaml": SMALLEST.replace("iris", "moon")})
    first = pipeline.render(pipeline.read("a/mlcc.yaml"))
    known = dict(generator.COMPILED.kept)
    assert {key.name for key in known} >= {"Dockerfile.j2", "code/app.py.j2"}
    second = pipeline.render(pipeline.read("b/mlcc.yaml"))
    assert generator.COMPILED.kept == known
    assert sorted(first) == sorted(second)
    assert first["do/config"] != second["do/config"]
