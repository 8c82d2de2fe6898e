"""What the tests on real components share: running mlcc and the engine, asking a server, and judging its answers."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.helpers import Result

CANARY_VARIABLE = "REAL_TEST_CANARY"
CANARY = "canary-3f9c-do-not-keep"
JSON, CSV = "application/json", "text/csv"
SAMPLE = re.compile(r"(?m)^SAMPLE: .*$")
# Asks servers of this machine.  urllib keeps the proxies of the first request of a process, which a test may have set.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

# Two rows of each sample data set that no model of any worth confuses, and their classes.
IRIS = ([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]], [0, 2])
WINE = (
    [
        [14.23, 1.71, 2.43, 15.6, 127.0, 2.8, 3.06, 0.28, 2.29, 5.64, 1.04, 3.92, 1065.0],
        [12.37, 0.94, 1.36, 10.6, 88.0, 1.98, 0.57, 0.28, 0.42, 1.95, 1.05, 1.82, 520.0],
    ],
    [0, 1],
)

# Added to the end of code/handler.py, which is the user's: load and predict take as long as they are asked to.
SLOW = """

import os
import time

_load, _predict = load, predict


def load(model_dir):
    time.sleep(float(os.environ.get("TEST_LOAD_S", "0")))
    return _load(model_dir)


def predict(model, rows):
    time.sleep(float(os.environ.get("TEST_PREDICT_S", "0")))
    return _predict(model, rows)
"""


# ---------------------------------------------------------------- programs
def run(
    *argv: str | Path,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 600,
    stdin: str = "",
) -> Result:
    """Runs a program to its end."""
    done = subprocess.run(
        [str(a) for a in argv],
        cwd=cwd,
        env=None if env is None else dict(env),
        input=stdin.encode(),
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


def must(result: Result, what: str, code: int = 0) -> Result:
    """The result, whose exit code must be `code`."""
    output_text = f"{result.stdout[-3000:]}\n{result.stderr[-3000:]}"
    assert result.code == code, f"{what} ended with {result.code}, not {code}:\n{output_text}"
    return result


def reported(result: Result, what: str, code: int = 0) -> Result:
    """The result of mlcc itself, which shows no traceback of its own; a server's log may hold one, which mlcc quotes."""
    ours = [line for line in result.stderr.splitlines() if line.startswith("Traceback")]
    assert not ours, f"{what} shows a traceback:\n{result.stderr[-3000:]}"
    return must(result, what, code)


@dataclass(frozen=True)
class Rig:
    """mlcc, and the environment in which it is called."""

    mlcc: Path
    environ: Mapping[str, str]

    def __call__(self, *arguments: str, code: int = 0, cwd: str | Path | None = None, **variables: str) -> Result:
        """Runs mlcc with variables over the environment."""
        done = run(self.mlcc, *arguments, cwd=cwd, env={**self.environ, **variables}, timeout=120)
        return reported(done, f"mlcc {' '.join(arguments)}", code)

    def project(self, path: Path, config: str, *options: str, engine: str, more: str = "") -> Project:
        """A new project, rendered.  more: lines for the end of its mlcc.yaml."""
        self(
            "init", path.name, "--deployment-config", config, "--deployment-target", "local", *options, "-C", str(path)
        )
        with (path / "mlcc.yaml").open("a") as stream:
            stream.write(more)
        self("apply", "-q", "-f", str(path / "mlcc.yaml"))
        return Project(path, {**self.environ, "MLCC_ENGINE": engine})


@dataclass(frozen=True)
class Project:
    """A rendered project."""

    path: Path
    environ: Mapping[str, str]

    @property
    def checkout(self) -> str:
        """What tells this directory's image and container from another's."""
        return hashlib.sha256(os.fsencode(self.path.resolve())).hexdigest()[:8]

    @property
    def image(self) -> str:
        """The image that do/build makes."""
        return f"mlcc/{self.path.name}:{self.checkout}"

    @property
    def container(self) -> str:
        """The container that do/deploy starts."""
        return f"mlcc-{self.path.name}-{self.checkout}"

    def do(self, step: str, *arguments: str, code: int = 0, timeout: float = 900) -> Result:
        """Runs a do/ shim from another directory, as a user or a pipeline would."""
        done = run(self.path / "do" / step, *arguments, cwd="/", env=self.environ, timeout=timeout)
        return reported(done, f"do/{step} {' '.join(arguments)}", code)

    def json(self, step: str, *arguments: str, code: int = 0) -> Any:
        """What a step says with --json."""
        return json.loads(self.do(step, "--json", *arguments, code=code).stdout)

    def slow(self) -> None:
        """Edits the handler: it sleeps as the container's environment says."""
        handler = self.path / "code/handler.py"
        assert "TEST_PREDICT_S" not in handler.read_text()
        with handler.open("a") as stream:
            stream.write(SLOW)

    def contract(self, url: str) -> None:
        """Runs the project's own tests/test_contract.py and the whole contract against a server."""
        environ = {**self.environ, "MLCC_TEST_URL": url}
        own = self.path / "tests/test_contract.py"
        judge_contract(run(sys.executable, "-B", own, "-v", env=environ, timeout=180), least=5)
        whole = run(sys.executable, "-B", "-", "-v", env=environ, stdin=whole_contract(self.path), timeout=180)
        judge_contract(whole, least=10)


def whole_contract(path: Path) -> str:
    """tests/real/http_contract.py with the SAMPLE of the project that lies there."""
    own = (path / "tests/test_contract.py").read_text()
    [sample] = [line for line in own.splitlines() if line.startswith("SAMPLE: ")]
    text, count = SAMPLE.subn(lambda _: sample, Path(__file__).with_name("http_contract.py").read_text())
    assert count == 1
    return text


def judge_contract(done: Result, least: int) -> None:
    """Checks what unittest has printed: at least so many tests ran, and all passed; none may be skipped."""
    assert done.code == 0, f"the contract fails:\n{done.stderr[-4000:]}"
    ran = [line for line in done.stderr.splitlines() if line.startswith("Ran ")]
    assert ran, done.stderr
    assert int(ran[0].split()[1]) >= least, f"too few tests ran: {ran[0]}"
    assert "skipped" not in done.stderr, done.stderr


@dataclass(frozen=True)
class Docker:
    """The engine's own command line."""

    environ: Mapping[str, str]

    def __call__(self, *arguments: str, code: int | None = 0, stdin: str = "", timeout: float = 300) -> Result:
        """Runs docker; `code` None lets any exit code pass."""
        done = run("docker", *arguments, env=self.environ, stdin=stdin, timeout=timeout)
        return done if code is None else must(done, f"docker {' '.join(arguments)}", code)

    def inspect(self, name: str) -> Any:
        """All that the engine knows of an image or a container."""
        return json.loads(self("inspect", name).stdout)[0]

    @contextmanager
    def container(
        self, image: str, *options: str, env: Mapping[str, str] | None = None, network: str = "host"
    ) -> Iterator[Container]:
        """Runs `docker run IMAGE serve`, as SageMaker does, and removes the container in the end."""
        port = free_port() if network == "host" else 8080
        given = dict(env or {})
        if network == "host":
            given = {"SAGEMAKER_BIND_TO_PORT": str(port), "MLCC_BIND_HOST": "127.0.0.1", **given}
        variables = [f"--env={name}={value}" for name, value in given.items()]
        name = f"mlcc-test-{port}-{threading.get_ident() % 10000}-{time.monotonic_ns() % 1000000}"
        started = time.monotonic()
        self("run", "--detach", "--name", name, "--network", network, *variables, *options, image, "serve")
        try:
            yield Container(self, name, Server(f"http://127.0.0.1:{port}", started))
        finally:
            self("rm", "--force", "--volumes", name)


@dataclass(frozen=True)
class Container:
    """A container that serves."""

    docker: Docker
    name: str
    server: Server

    def logs(self) -> str:
        """All that it has printed."""
        done = self.docker("logs", self.name)
        return done.stdout + done.stderr

    def running(self) -> bool:
        """Whether its first process lives."""
        return bool(self.docker.inspect(self.name)["State"]["Running"])

    def execute(self, *argv: str, stdin: str = "", code: int | None = 0) -> Result:
        """Runs a program in it."""
        return self.docker("exec", "--interactive", self.name, *argv, stdin=stdin, code=code)

    def terminate(self, limit: float = 32) -> tuple[int, float]:
        """SIGTERM to its first process: exit code, and the seconds it took.  Never SIGKILL."""
        began = time.monotonic()
        self.docker("kill", "--signal", "TERM", self.name)
        waited = self.docker("wait", self.name, timeout=limit, code=None)
        return int(waited.stdout.strip() or -1), time.monotonic() - began


# ---------------------------------------------------------------- servers
def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Answer:
    """What a server has printed."""

    status: int
    headers: Mapping[str, str]
    body: str
    seconds: float

    @property
    def type(self) -> str:
        """The media type."""
        return self.headers.get("content-type", "").partition(";")[0]

    def json(self) -> Any:
        """The body, which must be JSON and say so."""
        assert self.type == JSON, f"the type is {self.type!r}: {self.status} {self.body[:300]}"
        return json.loads(self.body)


@dataclass(frozen=True)
class Server:
    """A server at a URL; started: when, on the steady clock."""

    url: str
    started: float = field(default_factory=time.monotonic)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        return host, int(port)

    def ask(
        self, method: str, path: str, body: bytes | str | None = None, timeout: float = 60, **headers: str
    ) -> Answer:
        """One request; underscores in header names stand for hyphens."""
        began = time.monotonic()
        connection = http.client.HTTPConnection(*self.address, timeout=timeout)
        try:
            connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
            reply = connection.getresponse()
            found = {k.lower(): v for k, v in reply.getheaders()}
            return Answer(reply.status, found, reply.read().decode(), time.monotonic() - began)
        finally:
            connection.close()

    def ping(self) -> Answer:
        """A health check with SageMaker's two seconds."""
        return self.ask("GET", "/ping", timeout=2)

    def invoke(self, body: Any, content_type: str = JSON, timeout: float = 60, **headers: str) -> Answer:
        """POST /invocations; what is not text is sent as JSON."""
        data = body if isinstance(body, (str, bytes)) else json.dumps(body)
        return self.ask("POST", "/invocations", data, timeout, Content_Type=content_type, **headers)

    def accept(self, alive: Callable[[], bool], limit: float = 30) -> float:
        """Waits until a connection is accepted; the seconds since the start."""
        while True:
            try:
                socket.create_connection(self.address, 1).close()
                return time.monotonic() - self.started
            except OSError:
                assert alive(), "the server has ended before it accepted a connection"
                assert time.monotonic() - self.started < limit, f"no connection within {limit} s"
                time.sleep(0.02)

    def first_answer(self, alive: Callable[[], bool], limit: float = 30) -> Answer:
        """The first answer to /ping, whatever it says.

        A connection is accepted before a worker runs: how long that one takes to start is the machine's matter.
        """
        self.accept(alive, limit)
        while True:
            with suppress(OSError, http.client.HTTPException):
                return self.ping()
            assert alive(), "the server has ended before it answered"
            assert time.monotonic() - self.started < limit, f"no answer within {limit} s"

    def ready(self, alive: Callable[[], bool], limit: float = 90) -> float:
        """Waits until /ping says 200; the seconds since the start."""
        self.accept(alive)
        while True:
            try:
                answer = self.ping()
            except (OSError, http.client.HTTPException) as problem:
                seen = type(problem).__name__
            else:
                if answer.status == 200:
                    return time.monotonic() - self.started
                assert answer.status == 503, f"/ping says {answer.status} while the model loads"
                seen = f"{answer.status} {answer.body}"
            assert alive(), f"the server has ended; /ping last answered {seen}"
            assert time.monotonic() - self.started < limit, f"not ready within {limit} s: {seen}"
            time.sleep(0.05)

    def refuses(self) -> bool:
        """True when nobody accepts a connection."""
        try:
            socket.create_connection(self.address, 1).close()
        except OSError:
            return True
        return False


def csv_text(rows: list[list[float]]) -> str:
    """Rows as CSV."""
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


def classes(predictions: list[Any]) -> list[int]:
    """The class of each prediction: the number itself, or the place of the largest of its scores."""
    return [p.index(max(p)) if isinstance(p, list) else round(float(p)) for p in predictions]


def assert_predicts(server: Server, sample: tuple[list[list[float]], list[int]]) -> None:
    """JSON and CSV in and out give the classes that the rows have."""
    rows, expected = sample
    answer = server.invoke({"instances": rows})
    assert answer.status == 200, answer
    assert classes(answer.json()["predictions"]) == expected, answer.body
    for body, content_type in (({"instances": rows}, JSON), (csv_text(rows), CSV)):
        as_json = server.invoke(body, content_type, Accept=JSON)
        assert as_json.status == 200, as_json
        assert as_json.json() == answer.json(), f"{content_type} in gives another answer: {as_json.body}"
        as_csv = server.invoke(body, content_type, Accept=CSV)
        assert (as_csv.status, as_csv.type) == (200, CSV), as_csv
        lines = [[float(v) for v in line.split(",")] for line in as_csv.body.splitlines()]
        assert classes([line if len(line) > 1 else line[0] for line in lines]) == expected, as_csv.body


def assert_refuses(server: Server, sample: tuple[list[list[float]], list[int]]) -> None:
    """What cannot be answered is refused with the right status and one sentence, and the server goes on."""
    rows, _ = sample
    big = json.dumps({"instances": rows}).ljust(6_291_457)
    for what, status, answer in (
        ("an unknown type", 415, server.invoke(b"PAR1", "application/vnd.apache.parquet")),
        ("half a JSON document", 400, server.invoke('{"instances": [[')),
        ("a word in a row", 400, server.invoke({"instances": [[*rows[0][:-1], "word"]]})),
        ("a row that is too short", 400, server.invoke({"instances": [rows[0][:-1]]})),
        ("CSV with words", 400, server.invoke("a,b\nc,d\n", CSV)),
        ("nothing", 400, server.invoke("")),
        ("one byte too many", 413, server.invoke(big)),
    ):
        assert answer.status == status, f"{what}: wanted {status}, saw {answer}"
        message = answer.json()["error"]
        assert message, f"{what} is refused without a sentence"
        for trace in ("Traceback", 'File "', ".py", ", line "):
            assert trace not in answer.body, f"{what} is refused with a trace: {answer.body}"
    exact = server.invoke(big[:-1])
    assert exact.status == 200, (
        f"6,291,456 bytes, the largest body that SageMaker sends: {exact.status} {exact.body[:200]}"
    )
    found = server.ask("GET", "/execution-parameters").json()
    assert found["MaxPayloadInMB"] == 6, found
    assert found["MaxConcurrentTransforms"] >= 1, found
    assert found["BatchStrategy"] == "MULTI_RECORD", found


@contextmanager
def in_flight(server: Server, body: Any, timeout: float = 60) -> Iterator[list[Answer | Exception]]:
    """Sends a request in a thread; the list holds the answer (or what went wrong) when the block has ended."""
    got: list[Answer | Exception] = []

    def send() -> None:
        try:
            got.append(server.invoke(body, timeout=timeout))
        except (OSError, http.client.HTTPException) as problem:
            got.append(problem)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield got
    finally:
        thread.join(timeout + 5)
    assert not thread.is_alive(), "the request has never been answered"


def listeners(port: int) -> set[str]:
    """Addresses that this machine listens on with a port, in the kernel's notation."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            local, _, state = line.split()[1:4]
            address, _, hexadecimal = local.rpartition(":")
            if state == "0A" and int(hexadecimal, 16) == port:
                found.add(address)
    return found


LOOPBACK = "0100007F"  # 127.0.0.1


def tree(path: Path) -> dict[str, tuple[int, bytes]]:
    """Mode and bytes of every file below a folder."""
    return {
        str(p.relative_to(path)): (p.stat().st_mode & 0o777, p.read_bytes())
        for p in sorted(path.rglob("*"))
        if p.is_file() and not p.is_symlink()
    }


def inside(path: str | Path) -> str:
    """A path as the engine wants it for --volume."""
    return os.path.abspath(path)
