"""G40 and G41 (docs/guarantees.md): a command that gets a signal ends at once with one line, and leaves nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import warnings
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

import mlcc as package
from tests.stress import cases
from tests.stress.faults import CHANGING, FULL, copied, ended, figure, mlcc, run, start, swept, tree
from tests.stress.test_kill import staged

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
WORDS = {signal.SIGINT: "mlcc: interrupted\n", signal.SIGTERM: "mlcc: terminated\n"}
# Calls at which a command may be interrupted: those that change the disk, and those that look.
WATCHED = (*CHANGING, "stat", "read", "listdir", "scandir", "lstat", "close", "readlink")
PACKAGE = os.path.dirname(os.path.abspath(package.__file__)) + os.sep


def program(argv: list[str]) -> Callable[[], int]:
    """The program as it is started, but for the interpreter."""

    def action() -> int:
        from mlcc.cli import start as program_start

        # as a program has it: what a signal leaves open is closed without a word
        warnings.simplefilter("ignore", ResourceWarning)
        return program_start.run(argv)

    return action


def send(number: signal.Signals) -> None:
    """A signal to this process."""
    os.kill(os.getpid(), number)


def send_in_a_callback(number: signal.Signals) -> None:
    """The same where Python drops what is raised: in a callback of a weak reference, as the import system has one."""

    class Thing:
        pass

    thing = Thing()
    reference = weakref.ref(thing, lambda _: send(number))
    del thing
    assert reference() is None


def at(
    point: int, number: signal.Signals, counted: Path, way: Callable[[signal.Signals], None] = send
) -> Callable[[], Callable[[], None]]:
    """Sends this process a signal at one of its calls; -1 counts them only."""

    def prepare() -> Callable[[], None]:
        calls = 0
        signal.signal(signal.SIGINT, signal.default_int_handler)

        def wrapped(real: Callable[..., object]) -> Callable[..., object]:
            def call(*arguments: object, **options: object) -> object:
                nonlocal calls
                calls += 1
                if calls == point:
                    way(number)
                return real(*arguments, **options)

            return call

        for name in WATCHED:
            setattr(os, name, wrapped(getattr(os, name)))

        def tell() -> None:
            counted.write_text(str(calls))

        return tell

    return prepare


@pytest.mark.parametrize("way", [send, send_in_a_callback])
@pytest.mark.parametrize("number", CODES)
def test_at_any_call(tmp_path: Path, number: signal.Signals, way: Callable[[signal.Signals], None]) -> None:
    stage = staged(tmp_path / "backend", "backend")
    argv = ["apply", "-q", "-f", "../new.yaml", "-C", "."]
    output_text, counted, hurt = tmp_path / "printed", tmp_path / "counted", stage.folder / "hurt"
    swept()
    for _ in range(2):  # the first may keep in its home what every other finds there
        copied(stage.old, hurt)
        assert ended(start(program(argv), hurt, output_text, at(-1, number, counted))) == 0
    calls = int(counted.read_text())
    old, new, whole, unsent, slowest = tree(stage.old), tree(stage.new), 0, 0, 0.0
    points = random.Random("signals").sample(range(1, calls + 1), figure(100, 3 if way is send else 2))
    for point in points:
        copied(stage.old, hurt)
        counted.unlink()
        began = time.monotonic()
        code = ended(start(program(argv), hurt, output_text, at(point, number, counted, way)))
        slowest = max(slowest, time.monotonic() - began)
        text = output_text.read_text()
        if code == 0 and int(counted.read_text()) < point:  # a run that had fewer calls than the one that was counted
            unsent += 1
            continue
        if code == 0 and way is send_in_a_callback:  # it comes again a moment later, and the run had ended by then
            assert tree(hurt) == new, f"{number.name} at {point} of {calls}: {text}"
            whole += 1
            continue
        assert code == CODES[number], f"{number.name} at {point} of {calls}: {code} {text}"
        assert text == WORDS[number], f"{number.name} at {point} of {calls}: {text}"
        now = tree(hurt)
        assert now in (old, new), f"{number.name} at {point}: neither the old tree nor the new one"
        whole += now == new
    assert unsent <= len(points) // 50
    sent = len(points) - unsent
    print(
        f"\n{number.name} at {sent} of {calls} calls: {whole} new trees, {sent - whole} old ones, slowest {slowest:.2f} s"
    )


@pytest.mark.parametrize("number", CODES)
def test_at_random_moments(tmp_path: Path, number: signal.Signals) -> None:
    """The real program.  Before its first line runs, Python answers a signal in its own way; that is counted apart."""
    place = cases.project(tmp_path / "iris")
    assert run(mlcc("apply", "-q"), place).code == 0
    before, temporary = tree(place), tmp_path / "tmp"
    temporary.mkdir()
    executable = os.path.join(os.path.dirname(sys.executable), "mlcc")
    chance, ends, early = random.Random("moments"), dict[int, int](), 0
    names = ["validate", "plan", "apply check", "show", "explain", "diff", "doctor", "catalog"]
    for _ in range(figure(100, 3)):
        argv = cases.COMMANDS[chance.choice(names)]
        environ = {**os.environ, "MLCC_NO_CACHE": chance.choice(["", "1"]), "TMPDIR": str(temporary)}
        process = subprocess.Popen(
            [executable, *argv], cwd=place, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        time.sleep(chance.uniform(0, 0.3))
        process.send_signal(number)
        _, errors = process.communicate(timeout=10)
        if errors == "KeyboardInterrupt\n" or ("Traceback" in errors and f'File "{PACKAGE}' not in errors):
            early += 1  # Python was not there yet, or still in the script that calls mlcc
            continue
        assert "Traceback" not in errors, f"{argv}: {errors}"
        assert process.returncode in (0, CODES[number], -number), f"{argv}: {process.returncode} {errors}"
        ends[process.returncode] = ends.get(process.returncode, 0) + 1
        if process.returncode == CODES[number]:
            assert errors.endswith(WORDS[number]), errors
    assert len(ends) > 1 or not FULL
    assert tree(place) == before
    assert not list(temporary.iterdir())
    print(f"\n{number.name} at random moments: exit codes {ends}; {early} before mlcc began")
