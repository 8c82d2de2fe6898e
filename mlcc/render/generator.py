"""cookiecutter's generator, fast.  Law: the only importer of cookiecutter; only mlcc's own templates are rendered.

Half of the time of a first apply would go into importing what cookiecutter asks people with (rich), a clock (arrow), a
classifier of files (binaryornot) and its own version: those imports are replaced by placeholders.  A release that needs
other names is imported whole: slower, never wrong.  Templates that this process has compiled before are kept in memory;
nothing is kept on disk, where somebody else could write code.
"""

from __future__ import annotations

import glob
import importlib
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec
from types import CodeType, ModuleType
from typing import Any

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable, quoted
from mlcc.core.tree import is_binary
from mlcc.render.context import ROOT
from mlcc.render.layers import TEMPLATE_SUFFIX, LayerInfo

GENERATOR = ("cookiecutter.generate", "cookiecutter.extensions")
# what may begin a part of a template, and the line ends that Jinja makes alike
_MARKED = re.compile(r"[{\r\n]")
_SAFE_STAGING = re.compile(r"[A-Za-z0-9/_.-]+\Z")


# ---------------------------------------------------------------- importing it without its questionnaire
class Missing(Exception):
    """What a left-out name is: a class that can stand in an `except`, and that nobody can make one of."""

    def __init__(self, *_: object, **__: object) -> None:
        raise RuntimeError("this part of the library was not imported")


def is_binary_file(path: str) -> bool:
    """True for a file that is copied as it is, as everywhere in mlcc one with a NUL byte."""
    with open(path, "rb") as file:
        return is_binary(file.read())


def slugify(*arguments: Any, **options: Any) -> str:
    """The `slugify` of a template, imported when one uses it."""
    return str(importlib.import_module("slugify").slugify(*arguments, **options))


# By module, what stands for the names that cookiecutter's generator takes from it.  The first two only ask people
# things, the third runs programs of a template: rendering never does either.
STAND_INS: Mapping[str, Mapping[str, Any]] = {
    "rich.prompt": {"InvalidResponse": Missing},
    "cookiecutter.prompt": {"YesNoPrompt": Missing},
    "cookiecutter.hooks": {"run_hook_from_repo_dir": Missing},
    "binaryornot.check": {"is_binary": is_binary_file},
    "slugify": {"slugify": slugify},
    "slugify.slugify": {"DEFAULT_SEPARATOR": "-"},
}


class Later(ModuleType):
    """A module that is imported when something of its is first used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)


def import_with_stand_ins(
    names: Sequence[str],
    stand_ins: Mapping[str, Mapping[str, Any]],
    packages: Iterable[str] = (),
    lazy: Iterable[str] = (),
) -> None:
    """Makes modules ready, so that an import statement finds them.

    stand_ins: modules by name, with what stands for the names taken from them; packages: imported without running their
    `__init__`; lazy: modules that are imported when something of theirs is first used.  Where that fails none is ready.
    """
    if names[0] in sys.modules:
        return
    before = set(sys.modules)
    try:
        with _placeholders(stand_ins, lazy):
            for package in packages:
                _bare(package)
            for name in names:
                importlib.import_module(name)
    except ImportError:
        # modules that were made on the way have placeholders in them
        for module in set(sys.modules) - before:
            del sys.modules[module]


@contextmanager
def _placeholders(stand_ins: Mapping[str, Mapping[str, Any]], lazy: Iterable[str]) -> Iterator[None]:
    made = {name: ModuleType(name) for name in stand_ins if name not in sys.modules}
    for name, module in made.items():
        vars(module).update(stand_ins[name])
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


# ---------------------------------------------------------------- templates that were compiled before
class _Key(NamedTuple):
    name: str
    file: str | None
    source: str


class _Place:
    """What Jinja calls a bucket: the code of one template, or None where it is not there yet."""

    def __init__(self, key: _Key, code: CodeType | None) -> None:
        self.key, self.code = key, code


class Compiled:
    """A bytecode cache as Jinja takes one."""

    def __init__(self) -> None:
        self.kept: dict[_Key, CodeType] = {}

    def get_bucket(self, environment: Any, name: str, filename: str | None, source: str) -> _Place:
        """The place of a template.  environment: all are made alike."""
        key = _Key(name, filename, source)
        return _Place(key, self.kept.get(key))

    def set_bucket(self, bucket: _Place) -> None:
        """Keeps the code of a template."""
        if bucket.code is not None:
            self.kept[bucket.key] = bucket.code


COMPILED = Compiled()


class PlainName:
    """The template of a name in which nothing is to be rendered."""

    def __init__(self, text: str) -> None:
        self.text = text

    def render(self, *_: Any, **__: Any) -> str:
        """The name as it is."""
        return self.text


class PlainNames:
    """An extension as Jinja takes one, by which names of files are not compiled: cookiecutter renders those, too.

    Each was the template of a text without a marker, and took half a millisecond.  Jinja takes a line end away from
    the end of a template, so a name with one is compiled.
    """

    identifier, priority, tags = "names", 100, frozenset[str]()

    def __init__(self, environment: Any) -> None:
        """environment: cookiecutter's, of one rendering; its `from_string` is replaced."""
        compiled = environment.from_string

        def from_string(source: Any, *rest: Any, **options: Any) -> Any:
            plain = not rest and not options and isinstance(source, str) and not _MARKED.search(source)
            return PlainName(source) if plain else compiled(source, *rest, **options)

        environment.from_string = from_string

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """The source as it is."""
        return source

    def filter_stream(self, stream: Any) -> Any:
        """The tokens as they are."""
        return stream


# ---------------------------------------------------------------- rendering
def generate(layer: LayerInfo, values: Mapping[str, Any], staging: str) -> dict[str, bytes]:
    """Renders one layer into `staging` and reads it back."""
    import_with_stand_ins(GENERATOR, STAND_INS, packages=["cookiecutter"], lazy=["arrow"])
    from cookiecutter.generate import generate_files

    assert _SAFE_STAGING.match(staging), "cookiecutter renders the output path too"
    os.makedirs(staging)
    private = {k: v for k, v in values.items() if not k.startswith("_")}
    private["_copy_without_render"] = [glob.escape(name) for name in layer.verbatim]
    private["_jinja2_env_vars"] = {"bytecode_cache": COMPILED}
    private["_extensions"] = [f"{__name__}.PlainNames"]
    try:
        generate_files(repo_dir=layer.path, context={"cookiecutter": private}, output_dir=staging, accept_hooks=False)
        return dict(_read_back(os.path.join(staging, ROOT)))
    except OSError as problem:
        if not isinstance(problem, LookupError):
            raise
        # Jinja's word for a template that is not there is both
        message = f"the layer {printable(os.path.basename(layer.path))} has no template {quoted(str(problem), 100)}"
        hint = (
            "a registry row names a backend or framework that the layer does not know; mlcc catalog lists those it does"
        )
        raise UserError([error("MLCC405", message, hint=hint)]) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _read_back(root: str) -> Iterable[tuple[str, bytes]]:
    for folder, _, files in os.walk(root):
        for name in files:
            full = os.path.join(folder, name)
            with open(full, "rb") as stream:
                yield os.path.relpath(full, root).replace(os.sep, "/").removesuffix(TEMPLATE_SUFFIX), stream.read()
