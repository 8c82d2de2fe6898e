"""From what happened to an exit code.  Law: the one place that maps exceptions to codes, and the last one to speak.

0 done · 1 the user's problem · 2 usage · 3 a precondition is missing · 70 a bug in mlcc ·
130 interrupted · 143 terminated.  A reader that goes away (`| head`) changes no code.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

import click

from mlcc.cli.replay import NO_CACHE, Recording
from mlcc.cli.session import Session, Unwritable, redacted, wants_colour
from mlcc.core.errors import MlccError, Terminated, signal_in
from mlcc.core.findings import Finding, Severity
from mlcc.core.text import inert, printable
from mlcc.core.version import VERSION
from mlcc.io.cache import Folder, remembered
from mlcc.io.disk.observer import observed

COMPLETION = "_MLCC_COMPLETE"
BUG, INTERRUPTED, TERMINATED = 70, 130, 143


def _echo(text: str, session: Session) -> None:
    """One line of mlcc itself, on stderr."""
    with suppress(BrokenPipeError):
        click.echo(inert(session.fitted(redacted(text), sys.stderr)), err=True)


def run(
    command: click.Command, argv: Sequence[str], recording: Recording | None = None, session: Session | None = None
) -> int:
    """Runs a command and returns the process's exit code; a whole recording is kept.  session: if not a new one."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    session = session or Session(recording=recording)
    session.colour = wants_colour(session.environ, sys.stdout.isatty())
    code = _flush(_remembered(command, argv, session), session)
    if recording is not None:
        recording.store(session.home, code)
    return code


# Commands that read registries, and may keep them in parsed form.
MAX_DOCUMENTS = 4096
KEEPING = ("apply", "catalog", "diff", "explain", "plan", "set", "show", "upgrade", "validate")


def _remembered(command: click.Command, argv: Sequence[str], session: Session) -> int:
    if session.environ.get(NO_CACHE) or not argv or argv[0] not in KEEPING:
        return _recorded(command, argv, session)
    with remembered(Folder(session.home, "documents", MAX_DOCUMENTS)):
        return _recorded(command, argv, session)


def _recorded(command: click.Command, argv: Sequence[str], session: Session) -> int:
    if session.recording is None or not session.recording.whole:
        session.recording = None
        return _guarded(command, argv, session)
    with observed(session.recording):
        return _guarded(command, argv, session)


def _guarded(command: click.Command, argv: Sequence[str], session: Session) -> int:
    """What a command returned, or what became of it; only what was printed through the session is replayed."""
    try:
        return _invoked(command, argv, session)
    except MlccError as problem:
        _as_asked(session)
        try:
            _findings(problem.findings, session)
        except Unwritable as closed:
            _ended(closed, session)
        return problem.exit_code
    except BaseException as problem:
        if session.recording is not None:
            session.recording.spoil()
        return _ended(signal_in(problem) or problem, session)


def _ended(problem: BaseException, session: Session) -> int:
    """The exit code of anything but a finding, and the line that says what happened."""
    session.clear()
    match problem:
        case click.exceptions.Exit():
            return problem.exit_code
        case click.Abort() | KeyboardInterrupt():
            return _stopped("interrupted", INTERRUPTED, session)
        case Terminated():
            return _stopped("terminated", TERMINATED, session)
        case click.UsageError():
            return _usage(problem, session)
        case click.ClickException():
            _echo(f"mlcc: {printable(problem.format_message(), 300)}", session)
            return 1
        case BrokenPipeError():
            # of a program or a connection: standard output is looked after where it is written
            _forget_output()
            return 1
        case Unwritable():
            return _unwritable(str(problem), session)
        case OSError():
            # the machine's trouble, not mlcc's: a full disk, a directory that went away, a limit on open files
            named = isinstance(problem.filename, (str, bytes)) and problem.filename  # not the number of a descriptor
            name = f"{printable(os.fsdecode(problem.filename), 200)}: " if named else ""
            _echo(f"mlcc: {name}{(problem.strerror or 'input/output error').lower()}", session)
            _forget_output()
            return 1
        case Exception():
            return _bug(session)
        case _:
            raise problem


def _stopped(word: str, code: int, session: Session) -> int:
    """The line about a signal, and for a program that waits for a document the one that says so."""
    _echo(f"mlcc: {word}", session)
    _as_asked(session)
    if session.format in ("json", "yaml") and not session.begun:
        hint = "the same command may be run again; what was begun stands on standard error"
        with suppress(Unwritable):
            _findings([Finding("MLCC903", Severity.ERROR, f"the command was {word}", hint=hint)], session)
    return code


def _invoked(command: click.Command, argv: Sequence[str], session: Session) -> int:
    """Runs the command; click's own `main` is for shell completion only (it prints on interrupts, and maps codes)."""
    if COMPLETION in session.environ:
        # whoever presses TAB behind a mistake, their own or a plugin's, has not asked for the message
        with suppress(click.UsageError, MlccError):
            command.main(prog_name="mlcc", complete_var=COMPLETION, standalone_mode=False)
        return 0
    arguments = list(argv)
    session.usage_as_json = bool({"--json", "-ojson", "--output=json"} & set(arguments)) or any(
        pair in (("-o", "json"), ("--output", "json")) for pair in itertools.pairwise(arguments)
    )
    with command.make_context("mlcc", arguments, obj=session) as context:
        result = command.invoke(context)
    return result if isinstance(result, int) else 0


def _flush(code: int, session: Session) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # the reader went away on purpose (`| head`), which changes no code
        _forget_output()
    except OSError as problem:
        return max(code, _unwritable((problem.strerror or "input/output error").lower(), session))
    return code


def _unwritable(why: str, session: Session) -> int:
    """Says why the result is not where it should be, and what is done all the same."""
    done = f"; {session.done}" if session.done else ""
    with suppress(OSError):
        _echo(f"mlcc: cannot write the result: {why}{done}", session)
    _forget_output()
    return 1


def _forget_output() -> None:
    """Keeps the interpreter from complaining at exit about what cannot be written any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _usage(problem: click.UsageError, session: Session) -> int:
    where = problem.ctx.command_path if problem.ctx is not None else "mlcc"
    if problem.ctx is not None and problem.format_message() == problem.ctx.get_help():
        # a group without a command: its help is the answer
        _echo(problem.ctx.get_help(), session)
        return 2
    message = printable(" ".join(problem.format_message().split()), 300)
    _as_asked(session)
    if session.machine:
        _findings([Finding("MLCC900", Severity.ERROR, message, hint=f"{where} --help")], session)
    else:
        _echo(f"mlcc: {message}\n    see {where} --help", session)
    return 2


def _as_asked(session: Session) -> None:
    """Takes the format from the words of a command line that was not understood whole, or has a broken plugin."""
    if session.usage_as_json and not session.machine:
        session.format = "json"


def _findings(findings: Sequence[Finding], session: Session) -> None:
    from mlcc.cli.output import print_findings

    print_findings(findings, session, failed=True)


def _bug(session: Session) -> int:
    """One line for the person, the traceback into a file that can be attached to a report."""
    import traceback

    from mlcc.io.disk.private import private_folder
    from mlcc.registries.redaction import redact_known

    text = redact_known(traceback.format_exc(), session.environ)
    where = ""
    try:
        private_folder(session.home)
        path = os.path.join(session.home, "crash.log")
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(f"mlcc {VERSION}, Python {sys.version.split()[0]}, {sys.platform}\n{text}")
        where = f"; please report it with {printable(path, 200)}"
    except OSError:
        pass
    kind = text.strip().splitlines()[-1].partition(":")[0].rpartition(".")[2]
    session_kind = "unexpected condition" if not kind else kind.replace("Error", " error").lower()
    _echo(f"mlcc: this is a bug in mlcc ({printable(session_kind, 60)}){where}", session)
    return BUG
