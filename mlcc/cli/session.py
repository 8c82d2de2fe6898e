"""What one run of the command line knows: the environment, the streams, how to speak.  Law: the only reader of environ.

Everything below the command line layer gets these things as arguments.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

import click

from mlcc.cli import replay
from mlcc.cli.home import home_folder
from mlcc.core.text import inert, printable
from mlcc.core.text_columns import columns, cut, wrapped

if TYPE_CHECKING:
    from mlcc.io.aws.connection import Caller

FORMATS = ("table", "json", "yaml", "markdown")
# How long a person waits before a progress bar appears.
PATIENCE_S = 1.0
# A run over many files keeps little of each: looking for garbage this often keeps it small.
MADE_OF_MANY = 10_000
FINDING_FORMATS = (*FORMATS, "sarif", "github", "junit")


class Unwritable(Exception):
    """The output takes nothing more (a full disk, a closed stream); the text says why."""


@dataclass
class Session:
    """One run.

    environ: the process environment; format: how results are printed; verbosity: -1 quiet, 0, 1 and more talk;
    done: what was carried out, for the case that the output cannot tell it; connect: makes a connection to AWS for a
    region, in place of the SDK's; wall: the time of day; begun: whether standard output has something of the result;
    several: whether the command is about more than one project.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    format: str = "table"
    verbosity: int = 0
    colour: bool = False
    usage_as_json: bool = False
    offline: bool = False
    documents: dict[str, Any] = field(default_factory=dict)
    sleep: Callable[[float], None] = time.sleep
    recording: replay.Recording | None = None
    plugged: Any = None
    done: str = ""
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    shown: str = ""
    begun: bool = False
    several: bool = False
    connect: Callable[[str], Caller] | None = None

    @property
    def home(self) -> str:
        """mlcc's own folder: $MLCC_HOME, else ~/.mlcc.  Not made before it is needed."""
        return home_folder(self.environ)

    @property
    def today(self) -> str:
        """The day in UTC, as waivers of policies name it."""
        return time.strftime(replay.DAY, time.gmtime(self.wall()))

    @property
    def user(self) -> str:
        """Who runs this, as the machine knows them; empty where it does not."""
        import pwd

        named = self.environ.get("LOGNAME") or self.environ.get("USER")
        try:
            return named or pwd.getpwuid(os.getuid()).pw_name
        except KeyError:  # a container may run as a number without a name
            return ""

    @property
    def staging(self) -> tuple[str, ...]:
        """Directories in which temporary files may be made, best first."""
        return (self.environ.get("TMPDIR", ""), "/tmp", "/var/tmp", "/dev/shm")

    @property
    def width(self) -> int:
        """Columns of the terminal, 80 where there is none."""
        return self.room or 80

    @property
    def room(self) -> int | None:
        """Columns that a line of the result may take; None where no terminal shows it: a program reads line by line."""
        return self.columns_of(sys.stdout)

    def columns_of(self, stream: TextIO) -> int | None:
        """How wide the terminal is that shows a stream, None where none does."""
        if not stream.isatty():
            return None
        named = self.environ.get("COLUMNS", "")
        try:
            found = int(named) if named.isdecimal() else os.get_terminal_size(stream.fileno()).columns
        except OSError:
            found = 0
        return found or 80

    def fitted(self, text: str, stream: TextIO, further: str | None = None) -> str:
        """Lines that take no more columns than the terminal has that shows a stream.

        further: what the lines after the first begin with, if not with more space than the first.
        """
        room = self.columns_of(stream)
        if room is None:
            return text
        return "\n".join("\n".join(wrapped(line, room, further)) for line in text.split("\n"))

    def limit(self, most: int) -> int:
        """How many characters of a value a terminal shows; nothing is cut (0) where a program reads it."""
        return most if self.room is not None else 0

    @property
    def machine(self) -> bool:
        """True when the result is for a program: nothing else may reach stdout."""
        return self.format != "table"

    def out(self, text: str = "", *, clean: bool = False, whole: bool = False, further: str | None = None) -> None:
        """One line of result, within the width of a terminal.

        clean: it was looked through for secrets already; whole: it is never folded, for somebody copies it or gives it
        to a program (a document, a script, a line of a file or of a log).
        """
        text = text if clean else redacted(text)
        self._echo(text if whole or self.machine else self.fitted(text, sys.stdout, further), err=False)

    def acknowledge(self, text: str) -> None:
        """One line of result that only confirms that all is well: -q takes it away."""
        if self.verbosity >= 0:
            self.out(text)

    def out_bytes(self, data: bytes) -> None:
        """A result that is no text, as it is."""
        self.clear()
        self.begun = True
        sys.stdout.buffer.write(data)

    def say(self, text: str, level: int = 0, further: str | None = None) -> None:
        """One line of talk, on stderr, when the verbosity allows it."""
        if self.verbosity >= level:
            self._echo(self.fitted(redacted(text), sys.stderr, further), err=True)

    def counted(self, names: Sequence[str], doing: str) -> Iterator[str]:
        """The names one by one; on a terminal, where it takes longer than a second, with a line that counts them."""
        watched, start = self.progress() and len(names) > 1, self.clock()
        self.several = len(names) > 1
        if self.several:
            gc.set_threshold(MADE_OF_MANY)
        for number, name in enumerate(names, 1):
            if watched and self.clock() - start > PATIENCE_S:
                self._show(f"{doing} {number} of {len(names)}: {printable(name, 200)}")
            yield name
        self.clear()

    def _show(self, text: str) -> None:
        """A line that the next one replaces."""
        self.clear()
        self.shown = cut(text, (self.columns_of(sys.stderr) or 80) - 1)[0]
        click.echo(self.shown, err=True, nl=False)

    def clear(self) -> None:
        """Takes the line of progress away."""
        if self.shown:
            click.echo(f"\r{' ' * columns(self.shown)}\r", err=True, nl=False)
            self.shown = ""

    def _echo(self, text: str, err: bool) -> None:
        self.clear()
        self.begun = self.begun or not err
        text = inert(text, commands=self.format == "github" and not err)
        if self.recording is not None:
            self.recording.printed_line(text, err)
        try:
            click.echo(text, err=err, color=self.colour or None)
        except BrokenPipeError:
            # the reader went away on purpose (`| head`): the work goes on, and its exit code is what it would be
            stream = sys.stderr if err else sys.stdout
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        except OSError as problem:
            raise Unwritable((problem.strerror or "input/output error").lower()) from None

    def paint(self, text: str, *, fg: str = "", bold: bool = False, dim: bool = False) -> str:
        """Text in colour where colour is wanted; colour never carries meaning alone."""
        return click.style(text, fg=fg or None, bold=bold or None, dim=dim or None) if self.colour else text

    def progress(self) -> bool:
        """True where a progress display makes sense."""
        return sys.stderr.isatty() and self.verbosity >= 0


def redacted(text: str) -> str:
    """Text without what has the format of a secret: it may stand in any word that somebody typed or pasted."""
    from mlcc.registries.redaction import redact_text

    return redact_text(text)


def current() -> Session:
    """The session of the running command."""
    found = click.get_current_context().find_root().obj
    assert isinstance(found, Session)
    return found


def wants_colour(environ: Mapping[str, str], stream_is_tty: bool) -> bool:
    """NO_COLOR (non-empty) and MLCC_NO_COLOR switch colour off, FORCE_COLOR on; else a terminal decides."""
    if environ.get("NO_COLOR") or environ.get("MLCC_NO_COLOR") or environ.get("TERM") == "dumb":
        return False
    return bool(environ.get("FORCE_COLOR")) or stream_is_tty


OFFLINE = ("1", "ON", "YES", "TRUE")


def silent(session: Session) -> bool:
    """True where the network is not to be used, though the command's name asks for it."""
    return session.offline or session.environ.get("HF_HUB_OFFLINE", "").upper() in OFFLINE
