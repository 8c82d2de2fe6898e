"""The program `mlcc`.  Law: what was printed before is printed again without importing the command line.

Signals are handled here and nowhere else, from the first import to the last flush: each ends the run with one line on
stderr and its exit code, wherever it arrives.
"""

from __future__ import annotations

import sys

try:
    import atexit
    import gc
    import os
    import signal
except KeyboardInterrupt:  # the first moment at which it is mlcc that answers
    sys.stderr.write("mlcc: interrupted\n")
    sys.exit(130)

INTERRUPTED, TERMINATED = 130, 143
ENDING = (signal.SIGTERM, signal.SIGHUP)
# How long after a callback in which a signal was dropped it comes again.
AGAIN_S = 0.002
# A run is short and keeps most of what it makes: looking for garbage as often as Python does took a twentieth of it.
MADE_BETWEEN_COLLECTIONS = 100_000


def main() -> None:
    """Runs the command line of this process, and ends it with the exit code."""
    gc.set_threshold(MADE_BETWEEN_COLLECTIONS)
    _leave(run(sys.argv[1:]))


def run(argv: list[str]) -> int:
    """Runs a command line, or prints again what it printed before, and returns the exit code."""
    try:
        # imported here, where an interrupt is answered
        from mlcc.core.errors import Terminated, signal_in

        _handle_signals(Terminated)
        _keep_signals(Terminated)
        _open_streams()
        code = _run(argv)
        _ignore_handlers()
        return code
    except BaseException as problem:
        # also what arrived before the command line could arrange for it, or while it kept its record
        _ignore_handlers()
        from mlcc.core.errors import Terminated, signal_in

        arrived = signal_in(problem)
        if arrived is None:
            raise
        return _ended(
            *(("terminated", TERMINATED) if isinstance(arrived, Terminated) else ("interrupted", INTERRUPTED))
        )


def _handle_signals(terminated: type[BaseException]) -> None:
    def terminate(*_: object) -> None:
        raise terminated

    for number in ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:  # what is ignored stays so: nohup means it
            signal.signal(number, terminate)


def _keep_signals(terminated: type[BaseException]) -> None:
    """Python drops what is raised in a callback of its own, as the import system has one: a signal comes again then."""

    def unraisable(seen: sys.UnraisableHookArgs) -> None:
        def again(*_: object) -> None:
            if sys.unraisablehook is unraisable:  # else the run has ended meanwhile
                raise seen.exc_type

        if not issubclass(seen.exc_type, (KeyboardInterrupt, terminated)):
            sys.__unraisablehook__(seen)
        else:  # handlers run in the main thread alone, and so does this
            signal.signal(signal.SIGALRM, again)
            signal.setitimer(signal.ITIMER_REAL, AGAIN_S)

    sys.unraisablehook = unraisable


def _ignore_handlers() -> None:
    """From here on a signal ends the process as it ends any other: nothing is left that could be torn."""
    sys.unraisablehook = sys.__unraisablehook__
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number in (signal.SIGINT, *ENDING):
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)


def _ended(word: str, code: int) -> int:
    try:
        sys.stderr.write(f"mlcc: {word}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        pass  # nobody reads it
    return code


def _leave(code: int) -> None:
    """Ends the process at once: taking the interpreter down piece by piece costs a tenth of a run, to no use."""
    threading = sys.modules.get("threading")
    if threading is not None and threading.active_count() > 1:
        sys.exit(code)  # a plugin's thread, which the interpreter waits for
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            pass  # the reader went away on purpose (`| head`)
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
    from mlcc.cli.home import home_folder

    name = replay.key(argv, os.environ, replay.terminal())
    record = replay.attempt(name, home_folder(os.environ))
    if record is not None:
        return _say(record["printed"], int(record["code"]))
    from mlcc.cli.main import run_command_line as command_line

    return command_line(argv, replay.Recording(name))


def _say(printed: list[tuple[bool, str]], code: int) -> int:
    """Prints lines on stderr or stdout and returns the exit code, also when the reader went away on purpose."""
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
    except OSError as problem:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.stderr.write(f"mlcc: cannot write the result: {(problem.strerror or 'input/output error').lower()}\n")
        return code or 1
    return code
