"""Importing a library without the parts that nobody here calls.  Law: what is left out is only what asks people things.

cookiecutter's generator imports its questionnaire (rich), a clock (arrow) and its own version (importlib.metadata, the
email parser): half of the time that a first apply takes to import.  While it is imported, names that it takes from
those modules are placeholders; a placeholder that is called says so.  A release that needs other names is imported
whole: slower, never wrong.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any


class Missing(Exception):
    """What a left-out name is: a class that can stand in an `except`, and that nobody can make one of."""

    def __init__(self, *_: object, **__: object) -> None:
        raise RuntimeError("this part of the library was not imported")


class Later(ModuleType):
    """A module that is imported when something of its is first used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)


def load(
    names: Sequence[str],
    left_out: Mapping[str, Iterable[str]],
    packages: Iterable[str] = (),
    lazy: Iterable[str] = (),
) -> None:
    """Makes modules ready, so that an import statement finds them.

    left_out: modules by name, with the names taken from them; packages: imported without running their `__init__`;
    lazy: modules that are imported when something of theirs is first used.  Where that fails nothing is made ready.
    """
    if names[0] in sys.modules:
        return
    before = set(sys.modules)
    try:
        with _placeholders(left_out, lazy):
            for package in packages:
                _bare(package)
            for name in names:
                importlib.import_module(name)
    except ImportError:
        # modules that were made on the way have placeholders in them
        for module in set(sys.modules) - before:
            del sys.modules[module]


@contextmanager
def _placeholders(left_out: Mapping[str, Iterable[str]], lazy: Iterable[str]) -> Iterator[None]:
    made = {name: ModuleType(name) for name in left_out if name not in sys.modules}
    for name, module in made.items():
        for attribute in left_out[name]:
            setattr(module, attribute, Missing)
    made |= {name: Later(name) for name in lazy if name not in sys.modules}
    sys.modules.update(made)
    try:
        yield
    finally:
        for name in made:
            sys.modules.pop(name, None)


def _bare(name: str) -> None:
    if name in sys.modules:
        return
    spec = find_spec(name)
    if spec is None:
        raise ImportError(f"no module {name}", name=name)
    sys.modules[name] = module_from_spec(spec)
