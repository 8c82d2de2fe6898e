"""The command line with which a container starts its engine.  Law: packaged code makes it, and nothing is started.

The file that makes it in the container, `code/command_line.py` of the layer, makes it here, too: there is one law, and
no second one that could differ.  What it would look up on its machine is the argument here.  A project's own copy of
that file, which its user may have edited, is not run.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import InspectLoader
from types import ModuleType
from typing import Any

from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple
from mlcc.registries.rows import Architecture
from mlcc.render.layers import TEMPLATE_SUFFIX, layer_paths

# The file of a layer, and the folder of the image in which it lies.
LAW, FOLDER = "code/command_line.py", "/opt/program"


class EngineCommand(NamedTuple):
    """What an engine is started with.

    arguments: the whole command line; files: the texts of the files that it names, by path; behind: what stands in
    front of the engine (empty: nothing); refused: why the container would not start, instead of all that.
    """

    arguments: Sequence[str] = ()
    files: Mapping[str, str] = EMPTY
    behind: str = ""
    refused: str = ""


class Place(NamedTuple):
    """Where an engine starts.

    devices: accelerators that it gets; folder: of the project's code; exists: whether a file is there.  In an image is
    every file that a variable names.
    """

    devices: int = 1
    folder: str = FOLDER
    exists: Callable[[str], bool] = lambda path: True


IMAGE = Place()


def of_container(
    architecture: Architecture,
    document: str,
    environment: Mapping[str, str],
    place: Place = IMAGE,
    roots: Sequence[str] = (),
) -> EngineCommand | None:
    """What an engine is started with; None where the layer has no such law.

    document: the text of code/engine.json; environment: that it is started in; roots: folders of plugins' layers.
    """
    laws = (_law(layer, place.folder) for layer in layer_paths(architecture, None, roots))
    law = next(filter(None, laws), None)
    if law is None:
        return None
    engine = law.Engine(json.loads(document))
    machine = _machine(law, place)
    try:
        arguments, files = law.rehearse(engine, environment, machine)
    except law.Refused as refused:
        return EngineCommand(refused=str(refused))
    return EngineCommand(arguments, files, "nginx" if engine.routes else "")


def _machine(law: ModuleType, place: Place) -> Any:
    """A place as the law asks about it; the model is there."""

    class Container(law.Rehearsal):  # type: ignore[name-defined,misc]
        def devices(self) -> int:
            return max(place.devices, 1)

        def exists(self, path: str) -> bool:
            return place.exists(path)

        def has_model(self, folder: Any) -> bool:
            return True

    return Container()


class _Text(InspectLoader):
    """Makes a module of a text; an import of the file would leave its bytecode among the templates."""

    def __init__(self, text: str) -> None:
        self.text = text

    def get_source(self, fullname: str) -> str:
        """The text, whatever the module is called."""
        return self.text


@functools.cache
def _law(layer: str, folder: str) -> ModuleType | None:
    """The layer's law as a module that lies in a folder; None where the layer has none."""
    path = os.path.join(layer, "{{cookiecutter.root}}", LAW + TEMPLATE_SUFFIX)
    if not os.path.isfile(path):
        return None
    module = ModuleType("command_line")
    module.__file__ = f"{folder}/{os.path.basename(LAW)}"
    with open(path, encoding="utf-8") as stream:
        _Text(stream.read()).exec_module(module)
    return module
