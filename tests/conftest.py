"""What every test stands on: no home, no environment, no network, no plugins, a working directory of its own."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir

from tests.helpers import ROOT, Caller
from tools import bare

# The same examples on every machine and every run; a slow machine is not a failure.  `make stress` makes ten times as
# many (MLCC_EXAMPLES).
settings.register_profile(
    "mlcc",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=int(os.environ.get("MLCC_EXAMPLES", "40")),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("mlcc")


# Texts are made of st.characters(exclude_categories=["Cs"]), all that UTF-8 can hold: with a codec, and so by default,
# Hypothesis would try each character in each process, for three seconds.
@pytest.fixture(autouse=True, scope="session")
def no_hypothesis_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Hypothesis keeps what it keeps outside the repository."""
    set_hypothesis_home_dir(tmp_path_factory.getbasetemp() / "hypothesis")


# A suite started in the background of a shell inherits signals that are ignored, and would hand that on to the programs
# whose way of ending it tests; a handler of Python's is not inherited, an ignored signal is.
for _number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--programs machine`: the suites on real components use what this machine has."""
    parser.addoption("--programs", choices=("declared", "machine"), default="declared", help="which PATH the tests get")


# Where files live in memory: an apply writes each file through to its disk, which this suite would mostly wait for.
# Not at the full figures, and not where a container engine gives it 64 MB or runs no program in it.
MEMORY = "/dev/shm"


def _fits(folder: str) -> bool:
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize > 3 << 30 and not found.f_flag & os.ST_NOEXEC and os.access(folder, os.W_OK)


def pytest_configure(config: pytest.Config) -> None:
    """A PATH of only the programs that tests/programs.txt declares, and those of tests/stress/ at its full figures."""
    if config.getoption("--programs") == "machine":
        return
    if not os.environ.get("MLCC_STRESS") and "PYTEST_DEBUG_TEMPROOT" not in os.environ and _fits(MEMORY):
        memory = tempfile.mkdtemp(prefix="mlcc-tests-", dir=MEMORY)
        config.add_cleanup(lambda: shutil.rmtree(memory, ignore_errors=True))
        os.environ["PYTEST_DEBUG_TEMPROOT"] = memory
    lists = [bare.DECLARED, *([ROOT / "tests/stress/programs.txt"] if os.environ.get("MLCC_STRESS") else [])]
    place = Path(tempfile.mkdtemp(prefix="mlcc-programs-"))
    config.add_cleanup(lambda: shutil.rmtree(place, ignore_errors=True))
    names = [name for file in lists for name in bare.declared(file)]
    try:
        bare.link(
            place, names, os.environ.get(MACHINE, os.environ.get("PATH", os.defpath)), Path(sys.executable).parent
        )
    except bare.Undeclared as problem:
        raise pytest.UsageError(str(problem)) from None
    os.environ.setdefault(MACHINE, os.environ.get("PATH", os.defpath))
    os.environ["PATH"] = str(place)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes minutes belongs to `make stress`: elsewhere it is not collected, and so not counted."""
    if not os.environ.get("MLCC_STRESS"):
        full = [item for item in items if item.get_closest_marker("full")]
        config.hook.pytest_deselected(items=full)
        items[:] = [item for item in items if item not in {*full}]


def pytest_collection_finish() -> None:
    """The tests themselves are never garbage: neither this process nor one forked from it looks at them again."""
    gc.collect()
    gc.freeze()


# Where the machine's own programs are: workers are started with the suite's PATH, and make one of their own.
MACHINE = "SUITE_MACHINE_PATH"
BLANKED = ("AWS_", "ML_", "MLCC", "GIT_", "XDG_", "DOCKER_", "PYTHON", "LC_")
OTHERS = ("REGISTRY_PATH", "NO_COLOR", "FORCE_COLOR", "TERM", "TZ", "LANGUAGE", MACHINE)
NUMBERS = itertools.count()
LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")


class NetworkRefused(AssertionError):
    """A test tried to leave this machine."""


def _outside(address: Any) -> bool:
    """True for an address that is not of this machine (Unix sockets are)."""
    host = address[0] if isinstance(address, tuple) else ""
    return bool(host) and not str(host).startswith(LOOPBACK)


class LoopbackSocket(socket.socket):
    """A socket that refuses every peer beyond this machine."""

    def connect(self, address: Any) -> None:
        if _outside(address):
            raise NetworkRefused(f"connect to {address!r}")
        super().connect(address)

    def connect_ex(self, address: Any) -> int:
        if _outside(address):
            raise NetworkRefused(f"connect to {address!r}")
        return super().connect_ex(address)

    def sendto(self, data: Any, *arguments: Any) -> int:
        if _outside(arguments[-1]):
            raise NetworkRefused(f"send to {arguments[-1]!r}")
        return super().sendto(data, *arguments)


REAL_SOCKET, REAL_LOOK_UP = socket.socket, socket.getaddrinfo
DEAD_PROXY = "http://127.0.0.1:9"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def _look_up(host: Any, *arguments: Any, **options: Any) -> Any:
    if _outside((host,)):
        raise NetworkRefused(f"look up {host!r}")
    return REAL_LOOK_UP(host, *arguments, **options)


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    """Refuses connections and name look-ups beyond this machine; programs that are started meet a dead proxy."""
    socket.socket, socket.getaddrinfo = LoopbackSocket, _look_up  # type: ignore[misc]
    try:
        yield
    finally:
        socket.socket, socket.getaddrinfo = REAL_SOCKET, REAL_LOOK_UP  # type: ignore[misc]


# Of the environment of a test, what is the same for all.
SURROUNDINGS = {
    "MLCC_PLUGINS": "none",
    "MLCC_ENGINE": "none",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ALLOW_PROTOCOL": "file",
    "AWS_EC2_METADATA_DISABLED": "true",
    "COLUMNS": "80",
    **{name: DEAD_PROXY for upper in PROXIES for name in (upper, upper.lower())},
}


@pytest.fixture(autouse=True)
def no_surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An empty home, a blank environment, and a working directory that nothing else uses."""
    # numbered here: mktemp looks at all folders there are, each time
    place = f"{tmp_path_factory.getbasetemp()}/place{next(NUMBERS)}"
    home, work = f"{place}/home", f"{place}/work"
    for folder in (place, home, work):
        os.mkdir(folder)
    before = dict(os.environ)
    kept = {n: v for n, v in before.items() if not (n.startswith(BLANKED) or n in OTHERS)}
    folders = {f"XDG_{n}_HOME": f"{home}/{n.lower()}" for n in ("CONFIG", "CACHE", "DATA", "STATE")}
    folders |= {"XDG_RUNTIME_DIR": f"{home}/runtime", "HOME": home, "MLCC_HOME": f"{home}/mlcc"}
    # one by one with monkeypatch.setenv takes as long as the shortest tests
    _set_environment(kept | SURROUNDINGS | folders)
    os.chdir(work)
    try:
        yield
    finally:
        os.chdir(ROOT)
        _set_environment(before)


def _set_environment(wanted: Mapping[str, str]) -> None:
    for name in [name for name in os.environ if name not in wanted]:
        del os.environ[name]
    for name, value in wanted.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


@pytest.fixture
def mlcc(capsys: pytest.CaptureFixture[str]) -> Caller:
    """Calls mlcc in this process."""
    return Caller(capsys)
