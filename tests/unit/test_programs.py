"""Programs that are run: lists of arguments, an environment of ours, output as text, and an end in every case."""

from __future__ import annotations

import functools
import io
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mlcc.core.errors import PreconditionError
from mlcc.io import environment, programs

ENVIRON = {"PATH": os.environ["PATH"], "WORD": "a b"}


class Plain:
    """Passes every line on."""

    def feed(self, line: str) -> list[str]:
        return [line]

    def rest(self) -> list[str]:
        return []


def python(script: str) -> list[str]:
    return [sys.executable, "-I", "-c", script]


def test_a_program_gets_the_environment_that_is_passed_and_no_other():
    done = programs.run(python("import os; print(sorted(os.environ))"), environ={"WORD": "1"})
    assert (done.code, done.stderr) == (0, b"")
    assert b"WORD" in done.stdout
    assert b"HOME" not in done.stdout


@pytest.mark.parametrize("word", ["$(touch planted)", "a b", "'", "*", "-rf", "`id`", ";", "\n"])
def test_a_word_stays_a_word(tmp_path: Path, word: str):
    done = programs.run([*python("import sys; print(ascii(sys.argv[1:]))"), word], environ=ENVIRON, cwd=str(tmp_path))
    assert done.stdout.decode().strip() == ascii([word])
    assert not list(tmp_path.iterdir())


def test_input_and_codes():
    assert programs.run(python("import sys; sys.exit(len(sys.stdin.read()))"), environ=ENVIRON, stdin=b"abc").code == 3
    assert programs.run(python("import os; os.kill(os.getpid(), 9)"), environ=ENVIRON).code == -signal.SIGKILL


def test_what_takes_too_long_is_ended_and_says_so():
    done = programs.run(python("import time; time.sleep(60)"), environ=ENVIRON, timeout_s=0.2)
    assert done.code == 124
    assert done.stderr.endswith(b"timed out")


@pytest.mark.parametrize("call", [programs.run, programs.lines, functools.partial(programs.foreground, cleaner=Plain)])
def test_a_program_that_is_not_there_is_a_missing_precondition(call: Any):
    with pytest.raises(PreconditionError) as caught:
        list(call(["/nowhere/dock\x1ber"], environ=ENVIRON))
    finding = caught.value.findings[0]
    assert finding.code == "MLCC302"
    assert "\x1b" not in finding.message
    assert "PATH" in finding.hint


def test_find_looks_on_the_path_that_is_passed(tmp_path: Path):
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\n")
    assert programs.find("tool", {"PATH": str(tmp_path)}) is None
    tool.chmod(0o755)
    assert programs.find("tool", {"PATH": str(tmp_path)}) == str(tool)
    assert programs.find("tool", {}) is None


def test_lines_are_printable_end_with_the_code_and_are_copied_as_they_were():
    log = io.BytesIO()
    script = "import sys; sys.stdout.buffer.write(b'one\\n\\x1b[31mtwo\\xff\\nthree'); sys.exit(4)"
    found = list(programs.lines(python(script), environ=ENVIRON, log=log))
    assert found[0] == "one"
    assert "\x1b" not in found[1]
    assert found[2:] == ["three", "exit 4"]
    assert log.getvalue() == b"one\n\x1b[31mtwo\xff\nthree"


def test_of_a_line_without_an_end_the_beginning_is_read_and_not_shown():
    log = io.BytesIO()
    script = f"print('x' * {3 * programs.MAX_LINE}); print('end')"
    assert list(programs.lines(python(script), environ=ENVIRON, log=log)) == [programs.LONG_LINE, "end", "exit 0"]
    assert log.getvalue() == b"x" * programs.MAX_LINE + b"end\n"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("pass", (0, b"", False)),
        ("print('0123456789', end='')", (0, b"0123456789", False)),
        ("print('0123456789a', end='')", (0, b"123456789a", True)),
        ("import os; os.write(1, b'out '); os.write(2, b'err')", (0, b"out err", False)),
        (
            "import os; [os.write(1, b'x' * 7) for _ in range(1000)]; os.write(1, b'last line\\n')",
            (0, b"last line\n", True),
        ),
        ("raise SystemExit('no such')", (1, b"no such\n", False)),
    ],
)
def test_the_end_of_what_a_program_prints(script: str, expected: tuple[int, bytes, bool]):
    done, cut = programs.end_of(python(script), environ=ENVIRON, timeout_s=30, max_bytes=10)
    assert (done.code, done.stdout, cut) == expected


def test_a_program_that_never_stops_printing_is_ended_and_its_end_is_kept():
    script = "while True: print('x' * 9)"
    started = time.monotonic()
    done, cut = programs.end_of(python(script), environ=ENVIRON, timeout_s=0.5, max_bytes=1000)
    assert (done.code, set(done.stdout), len(done.stdout), cut) == (-signal.SIGKILL, set(b"x\n"), 1000, True)
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("call", [programs.end_of, programs.capped], ids=["end", "capped"])
def test_a_child_that_holds_the_output_open_does_not_hold_the_caller_up(call: Any):
    script = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(20)'])"
    start = time.monotonic()
    call(python(f"print('x', flush=True); {script}"), environ=ENVIRON, timeout_s=1, max_bytes=100)
    assert time.monotonic() - start < 15


@pytest.mark.parametrize("call", [programs.end_of, programs.capped], ids=["end", "capped"])
def test_a_program_that_closes_its_output_and_goes_on_has_no_more_time(call: Any):
    start = time.monotonic()
    script = "import os, time; os.close(1); os.close(2); time.sleep(30)"
    call(python(script), environ=ENVIRON, timeout_s=1, max_bytes=100)
    assert time.monotonic() - start < 15


def test_what_says_where_things_are_is_the_machine_s():
    environ = {"PATH": "/bin", "HOME": "/h", "TMPDIR": "/t", "HF_TOKEN": "x", "AWS_PROFILE": "y", "PYTHONPATH": "z"}
    plain = {"PATH": "/bin", "HOME": "/h", "TMPDIR": "/t"}
    assert environment.of_machine(environ) == plain
    packages = {"PIP_INDEX_URL": "i", "http_proxy": "p", "CC": "c"}
    assert environment.of_packages(environ | packages) == plain | packages


def test_lines_that_nobody_reads_on_end_the_program(tmp_path: Path):
    script = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    reader = programs.lines(python(script), environ=ENVIRON)
    pid = int(next(reader))
    reader.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize(("script", "code"), [("pass", 0), ("raise SystemExit(7)", 7)])
def test_a_foreground_program_gives_its_code(script: str, code: int):
    assert programs.foreground(python(script), environ=ENVIRON, cleaner=Plain) == code


def test_a_foreground_program_is_read_line_by_line(capfd: pytest.CaptureFixture[str]):
    script = (
        "import os; os.write(2, b'\\x1b[1m##[x]\\n'); os.write(1, b'a\\r\\n\\nb' + b'x' * (3 << 20) + b'\\nc\\xff')"
    )
    assert programs.foreground(python(script), environ=ENVIRON, cleaner=Plain) == 0
    output_text = capfd.readouterr()
    assert output_text.out == "a\n\n(a line that is too long to show)\nc\ufffd\n"
    assert output_text.err == "\\x1b[1m#\\#[x]\n"


def test_what_a_program_leaves_behind_does_not_hold_the_caller_up(capfd: pytest.CaptureFixture[str]):
    """A child of its own keeps its output open."""
    script = "import os, time\nprint('begun', flush=True)\nif not os.fork():\n    time.sleep(20)"
    began = time.monotonic()
    assert programs.foreground(python(script), environ=ENVIRON, cleaner=Plain) == 0
    assert time.monotonic() - began < 15
    assert capfd.readouterr().out == "begun\n"


@pytest.mark.parametrize(("on_terminate", "ends"), [("end", True), ("signal.SIG_IGN", False)])
def test_an_interrupt_reaches_the_program_as_one_terminate(tmp_path: Path, on_terminate: str, ends: bool):
    """A SIGINT to mlcc alone: the program may tidy up, is killed when it does not, and the interrupt goes on."""
    script = (
        "import os, signal, sys, time\n"
        "def end(*_):\n open('ended', 'w').close()\n sys.exit(0)\n"
        f"signal.signal(signal.SIGTERM, {on_terminate})\n"
        "open('pid', 'w').write(f'{os.getpid()}.')\ntime.sleep(60)\n"
    )
    caller = (
        "import sys, signal\nfrom mlcc.io import programs\nfrom mlcc.registries.redaction_lines import Lines\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"try:\n programs.foreground([sys.executable, '-I', '-c', {script!r}], environ={{}}, cleaner=lambda: Lines([]), grace_s={9 if ends else 0.2})\n"
        "except KeyboardInterrupt:\n sys.exit(130)\n"
    )
    with open(tmp_path / "log", "wb") as log:
        pid = programs.background([sys.executable, "-c", caller], environ=dict(os.environ), cwd=str(tmp_path), log=log)
    started, deadline = tmp_path / "pid", time.monotonic() + 30
    while not (started.exists() and started.read_text().endswith(".")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(pid, signal.SIGINT)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 130, (tmp_path / "log").read_text()
    assert (tmp_path / "ended").exists() == ends
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text().rstrip(".")), 0)


def test_a_capped_program_ends_when_it_says_too_much_or_takes_too_long():
    talk = [sys.executable, "-c", "import sys\nwhile True: sys.stdout.write('x' * 4096)"]
    done = programs.capped(talk, environ={}, timeout_s=20, max_bytes=10000)
    assert (len(done.stdout), done.code < 0) == (10000, True)
    started = time.monotonic()
    done = programs.capped([sys.executable, "-c", "import time; time.sleep(30)"], environ={}, timeout_s=0.5)
    assert (done.stdout, done.code < 0) == (b"", True)
    assert time.monotonic() - started < 10
    assert programs.capped([sys.executable, "-c", "print(1)"], environ={}, timeout_s=20) == programs.Finished(0, b"1\n")
    with pytest.raises(PreconditionError):
        programs.capped(["/nonexistent/program"], environ={}, timeout_s=1)


# Stands for a signal that comes while a program is started: its start takes long, and ends in the middle.
CALLER = """
import os, signal, subprocess, sys
from mlcc.io import programs

class Plain:
    feed = staticmethod(lambda line: [line])
    rest = staticmethod(lambda: [])

def end(number, frame):
    raise SystemExit(143)

class Slow(subprocess.Popen):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        print(self.pid, flush=True)
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000):
            pass

signal.signal(signal.SIGTERM, end)
subprocess.Popen = Slow
argv = ["sleep", "60"]
{
    "foreground": lambda: programs.foreground(argv, environ=os.environ, cleaner=Plain),
    "lines": lambda: list(programs.lines(argv, environ=os.environ)),
    "capped": lambda: programs.capped(argv, environ=os.environ, timeout_s=60),
    "end_of": lambda: programs.end_of(argv, environ=os.environ, timeout_s=60, max_bytes=9),
}[sys.argv[1]]()
"""


@pytest.mark.parametrize("how", ["foreground", "lines", "capped", "end_of"])
def test_a_program_that_is_being_started_is_ended_with_its_caller(how: str):
    done = programs.run([sys.executable, "-c", CALLER, how], environ=ENVIRON, timeout_s=30)
    assert done.code == 143, done
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)


# An interrupt at a random moment of a start, again and again: what was started is ended each time.
INTERRUPTED = """
import os, random, signal, subprocess, sys, threading
from mlcc.io import programs

class Interrupt(BaseException):
    pass

class Plain:
    feed = staticmethod(lambda line: [line])
    rest = staticmethod(lambda: [])

def interrupt(number, frame):
    raise Interrupt

signal.signal(signal.SIGALRM, interrupt)
chance, argv = random.Random(7), ["sleep", "60"]
calls = [
    lambda: programs.foreground(argv, environ=os.environ, cleaner=Plain),
    lambda: list(programs.lines(argv, environ=os.environ)),
    lambda: programs.capped(argv, environ=os.environ, timeout_s=60),
]
for number in range(int(sys.argv[1])):
    try:
        # a second one for a signal that comes right before Python begins to wait in the kernel, which it does not see
        signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.0001, 0.008), 2)
        calls[number % 3]()
    except Interrupt:
        signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        left = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        continue
    print(number, "left", left)
"""


def test_an_interrupt_at_any_moment_of_a_start_leaves_no_program():
    done = programs.run([sys.executable, "-c", INTERRUPTED, "200"], environ=ENVIRON, timeout_s=100)
    assert (done.code, done.stdout, done.stderr) == (0, b"", b"")
