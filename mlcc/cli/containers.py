"""Containers for people: what `mlcc show --container` prints.  Law: one line a variable; commands can be copied."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from mlcc.cli.session import Session
from mlcc.core.text import printable
from mlcc.core.text_columns import beside, columns
from mlcc.lifecycle.containers import Container, Variable
from mlcc.render.engine_command import EngineCommand

INDENT, FURTHER = "    ", "      "


def lines(container: Container, session: Session) -> Iterator[str]:
    """A container, its variables with where each comes from, and the command line of its engine."""
    name = f"{container.env}, component {container.component}" if container.component else container.env
    yield session.paint(printable(name, 200), bold=True)
    image = printable(container.image, 200) or f"made by do/build on {printable(container.base_image, 200)}"
    yield f"  image: {image}"
    words = shlex.join([*container.entrypoint, *container.arguments])
    if not container.entrypoint:
        words = f"the image's own, with: {words}" if words else "the image's own"
    yield f"  starts: {printable(words, 0)}{' (entry point of the base image)' if container.own_entrypoint else ''}"
    yield "  environment:" if container.environment else "  environment: nothing of the project's"
    for variable in container.environment:
        yield from _variable(variable, session)
    if container.engine is not None:
        yield from _engine(container.engine, session)


def _variable(variable: Variable, session: Session) -> Iterator[str]:
    """A variable and its origin."""
    quoted = shlex.quote(variable.value) if variable.value else "''"
    text = f"{INDENT}{printable(variable.name, 200)}={printable(quoted, 0)}"
    origin = f"{'(a reference) ' if variable.reference else ''}{printable(variable.origin, 200)}"
    yield beside(text, session.paint(origin, dim=True), session.room)


def _engine(engine: EngineCommand, session: Session) -> Iterator[str]:
    if engine.refused:
        yield f"  the container would end at once: {printable(engine.refused, 0)}"
        return
    behind = f", behind {engine.behind} (PORT is a free one)" if engine.behind else ""
    yield f"  command line of the engine{behind}:"
    yield from continued(engine.arguments, session.width)
    for path, text in engine.files.items():
        yield f"  {path} holds:"
        yield f"{INDENT}{printable(text, 0)}"


def continued(arguments: Sequence[str], width: int) -> Iterator[str]:
    """A command line on as many lines as it needs; each but the last ends in a backslash, so that it can be copied."""
    line = INDENT
    for number, argument in enumerate(arguments):
        word = printable(shlex.quote(argument), 0)
        if line.strip() and columns(line) + columns(word) + 3 > width:
            yield f"{line} \\"
            line = FURTHER
        line += word if not line.strip() else f" {word}"
        if number == len(arguments) - 1:
            yield line
