"""mlcc inspect: the explicit verb that opens a model file, to fill triton.models; plan and apply never open one."""

from __future__ import annotations

import os
from typing import Any

import click

from mlcc import pipeline
from mlcc.cli import mlcc_yaml
from mlcc.cli.help_sections import Command
from mlcc.cli.options import file_option, output_options
from mlcc.cli.output import document, print_document, printable_lines
from mlcc.cli.plugin_parts import plugged
from mlcc.cli.session import Session, current
from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.paths import Item
from mlcc.core.text import printable
from mlcc.io.yaml import writer
from mlcc.load import edit
from mlcc.load.document import load_document
from mlcc.load.locate import find_mlcc_yaml
from mlcc.load.request import Request
from mlcc.lookups import model_files
from mlcc.registries.loader import load as load_registries
from mlcc.resolve.triton.models import FOLDER


@click.command("inspect", cls=Command, epilog="Example: mlcc inspect models/wine.onnx --write")
@click.argument("model", type=click.Path())
@click.option("--name", default="", metavar="NAME", help="The model's name; without it the file's.")
@click.option("--write", "writes", is_flag=True, help="Put what was found into mlcc.yaml.")
@click.option("--unsafe-load", "loads", is_flag=True, help="Run a file that is a program (pickle, TorchScript).")
@file_option
@output_options()
def command(model: str, name: str, writes: bool, loads: bool, file: str) -> int:
    """Print what MODEL holds as an element of triton.models.

    ONNX, XGBoost (JSON, UBJSON), LightGBM text and SavedModels are read, not run.
    """
    session = current()
    target = file or (find_mlcc_yaml(".") if writes else "mlcc.yaml")
    place = _place(model, target)
    if writes and not place:
        message = f"{printable(model, 200)} lies outside the project of {printable(target, 200)}"
        raise UserError([error("MLCC168", message, file=model, hint="put it into the project")])
    named = "" if _lies_in_repository(place) else place
    found = model_files.inspect(model, load_registries().triton_backends, name, named, loads, session.environ)
    _print(session, found)
    if writes:
        _write(session, target, found.element)
    return 0


def _place(model: str, target: str) -> str:
    """The model's path below the folder of mlcc.yaml, or an empty text."""
    folder = os.path.realpath(os.path.dirname(os.path.abspath(target)))
    found = os.path.relpath(os.path.realpath(model), folder).replace(os.sep, "/")
    return "" if found == ".." or found.startswith("../") else found


def _lies_in_repository(place: str) -> bool:
    """True for a file that stands where Triton looks for it already."""
    parts = place.split("/")
    return len(parts) == 4 and parts[0] == FOLDER and parts[2].isdecimal()


def _print(session: Session, found: model_files.Inspected) -> None:
    if session.format == "json":
        print_document(session, document(model=found.element, notes=list(found.notes)))
    else:
        session.out(printable_lines(writer.dump({"triton": {"models": [found.element]}})), whole=True)
    for note in found.notes:
        session.say(printable(note, 0))


def _write(session: Session, target: str, element: dict[str, Any]) -> None:
    here = ("triton", "models", Item(str(element["name"])))

    def edited(before: bytes) -> bytes:
        loaded = load_document(before, target)
        if not loaded.ok:
            raise UserError(loaded.findings)
        text = before.decode("utf-8-sig")
        for key, value in element.items():
            if key != "name":
                text = edit.change(text, (*here, key), value)
        return text.encode()

    mlcc_yaml.change(target, edited)
    session.say(f"{printable(target, 200)}: triton.models[{element['name']}] set; mlcc apply renders it")
    _say_what_is_missing(session, target)


def _say_what_is_missing(session: Session, target: str) -> None:
    request = Request(environ=session.environ, plugged=plugged(session))
    project = pipeline.check(pipeline.resolve(pipeline.load(target, request)))
    for finding in project.findings:
        session.say(f"{printable(finding.place, 200)}: {finding.code} {printable(finding.message, 300)}")
