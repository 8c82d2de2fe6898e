"""The program `mlcc`.  Law: what was said before is said again without importing the command line."""

from __future__ import annotations

import atexit
import os
import sys

from mlcc.cli.home import home_folder

INTERRUPTED = 130


def main() -> None:
    """Runs the command line of this process, and ends it with the exit code."""
    _leave(run(sys.argv[1:]))


def run(argv: list[str]) -> int:
    """Runs a command line, or says again what it said before, and returns the exit code."""
    _open_streams()
    try:
        return _run(argv)
    except KeyboardInterrupt:
        # before the command line could arrange for it
        sys.stderr.write("mlcc: interrupted\n")
        return INTERRUPTED


def _leave(code: int) -> None:
    """Ends the process at once: taking the interpreter down piece by piece costs a tenth of a run, to no use."""
    threading = sys.modules.get("threading")
    if threading is not None and threading.active_count() > 1:
        sys.exit(code)  # a plugin's thread, which the interpreter waits for
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or 1
    os._exit(code)


def _open_streams() -> None:
    """A stream that the caller closed leads nowhere: no file opened later may take its number, and so its output."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            fd = os.open(os.devnull, os.O_RDWR)
            if fd != number:
                os.dup2(fd, number)
                os.close(fd)
            setattr(sys, name, open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False))  # noqa: SIM115


def _run(argv: list[str]) -> int:
    from mlcc.cli import replay

    name = replay.key(argv, os.environ, _terminal())
    record = replay.attempt(name, home_folder(os.environ))
    if record is not None:
        return _say(record["printed"], int(record["code"]))
    from mlcc.cli.main import run_command_line as command_line

    return command_line(argv, replay.Recording(name))


def _terminal() -> list[int]:
    """Which streams are terminals, and how wide they are."""
    found = [int(stream.isatty()) for stream in (sys.stdin, sys.stdout, sys.stderr) if stream is not None]
    return [*found, os.get_terminal_size(1).columns if sys.stdout is not None and sys.stdout.isatty() else 0]


def _say(printed: list[tuple[bool, str]], code: int) -> int:
    """Prints lines on stderr or stdout and returns the exit code: 0 when the reader went away on purpose."""
    streams = (sys.stdout, sys.stderr)
    for stream in streams:
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        for err, text in printed:
            streams[err].write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # the interpreter shall not complain about it at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OSError as problem:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.stderr.write(f"mlcc: cannot write the result: {(problem.strerror or 'input/output error').lower()}\n")
        return code or 1
    return code
