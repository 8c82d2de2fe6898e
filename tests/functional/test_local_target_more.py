"""The target `local`, where a step must prove or refuse something: clean, status, logs, and whose server it is."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlcc.core.errors import UserError
from mlcc.io.container_engines import Engine
from mlcc.lifecycle import rendered_project as projects
from mlcc.lifecycle.context import Context, Silent
from mlcc.lifecycle.targets import local_process, local_server
from mlcc.lifecycle.targets.local_process import Identity
from tests.functional.test_local_target import SERVER, build, deploy, rendered, serving, step, until
from tests.helpers import File, assert_same, build_tree, fork_server, state_of

CONFIG = """version: 1
project: {name: iris}
deployment: {config: http-flask, target: local}
env: {GREETING: it's, WHO: nobody}
secrets: {API_TOKEN: {env: TOKEN_OF_THIS_MACHINE}}
inference_components:
  - {name: chat, env: {WHO: chat}}
"""
TOKEN = "0123456789abcdef" * 2
SECRET = {"TOKEN_OF_THIS_MACHINE": "a-secret-of-this-machine"}
ENGINE = """#!/bin/sh
case "$1 $2" in
    "version "*) echo '{"Server": {"Version": "1"}}' ;;
    "image inspect") exit {image} ;;
    "inspect "*) exit {container} ;;
    "ps "*) [ {container} = 1 ] || echo 0123abcd ;;
esac
"""
LISTENER = """
import os, signal, socket, sys, time
stubborn = sys.argv[1] == "stubborn"
if stubborn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.fork()
server = socket.create_server(("127.0.0.1", 0), reuse_port=True)
print(server.getsockname()[1], flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a secret and a component, whose virtual environment is made once."""
    return rendered(tmp_path_factory.mktemp("local"), CONFIG)


@pytest.fixture
def project(built: Path) -> Iterator[Path]:
    """The project, built, with nothing running before and after."""
    build(built)
    yield built
    assert step(built, "clean").code == 0


@pytest.fixture
def planted(built: Path) -> Iterator[Path]:
    """The project, not built; what a test writes below .mlcc/run is taken away."""
    step(built, "clean")
    yield built
    for name in ("server.json", "build.json"):
        (built / ".mlcc/run" / name).unlink(missing_ok=True)
    assert step(built, "clean").code == 0


@pytest.fixture
def listener() -> Iterator[Any]:
    """Starts a process with the token of a server; it listens on a port of its own and answers nothing."""
    started = []

    def start(mode: str = "plain", token: str = TOKEN) -> tuple[Identity, int]:
        running = subprocess.Popen(
            [sys.executable, "-c", LISTENER, mode],
            env={"PATH": os.environ["PATH"], local_process.TOKEN: token},
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        started.append(running)
        assert running.stdout is not None
        port = int(running.stdout.readline())
        return local_process.identify(running.pid, token, time.sleep), port

    yield start
    for running in started:
        try:
            os.killpg(running.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        running.communicate()


def write(root: Path, name: str, document: Any) -> None:
    build_tree(root, {f".mlcc/run/{name}": json.dumps(document)})


def context(root: Path, engine: Engine | None = None, **arguments: Any) -> Context:
    """What a step gets, with a clock that moves as the step sleeps and a real sleep that is short."""
    clock = itertools.count()
    environ = {"PATH": os.environ["PATH"], "MLCC_ENGINE": "none"}
    found = Context(
        projects.load_project(str(root)),
        environ,
        Silent(),
        lambda _: time.sleep(0.01),
        lambda: next(clock) / 10,
        arguments,
    )
    if engine is not None:
        found.__dict__["engine"] = engine
    return found


def record_of(identity: Identity, port: int) -> dict[str, Any]:
    return {"kind": "process", **identity._asdict(), "port": port, "url": f"http://127.0.0.1:{port}"}


# ---------------------------------------------------------------- clean proves
PROOFS = ("no process of it runs", "its port is closed", "no image of it is left", "no local state is left")


def cleaned(root: Path, place: Path, *, container_stays: bool, image_stays: bool) -> tuple[int, list[str]]:
    """clean with an engine of which nothing, a container or an image cannot be removed: exit code, what is left."""
    text = ENGINE.replace("{container}", "0" if container_stays else "1").replace(
        "{image}", "0" if image_stays else "1"
    )
    build_tree(place, {"docker": File(text, 0o755)})
    path = f"{place}{os.pathsep}{os.environ['PATH']}"
    shown = step(root, "clean", "--json", MLCC_ENGINE="docker", PATH=path)
    proofs = json.loads(shown.stdout)["proofs"]
    assert list(proofs) == list(PROOFS)
    return shown.code, [name for name, held in proofs.items() if not held]


def container(root: Path, **more: Any) -> dict[str, Any]:
    return {"kind": "container", "name": projects.load_project(str(root)).local_name, "container": "0123abcd", **more}


def test_clean_tells_of_a_container_that_stays(planted: Path, tmp_path: Path) -> None:
    write(planted, "server.json", container(planted, port=1, url="http://127.0.0.1:1"))
    code, left = cleaned(planted, tmp_path, container_stays=True, image_stays=False)
    assert (code, left) == (1, ["no process of it runs", "no local state is left"])
    assert (planted / ".mlcc/run/server.json").exists(), "what still runs must be found by the next clean"


def test_clean_tells_of_an_image_that_stays(planted: Path, tmp_path: Path) -> None:
    write(planted, "build.json", {"kind": "image", "reference": "mlcc/iris:1"})
    code, left = cleaned(planted, tmp_path, container_stays=False, image_stays=True)
    assert (code, left) == (1, ["no image of it is left"])


def test_clean_tells_of_a_port_that_is_still_held(planted: Path, tmp_path: Path, listener: Any) -> None:
    _, port = listener()
    write(planted, "server.json", container(planted, port=port, token=TOKEN))
    code, left = cleaned(planted, tmp_path, container_stays=False, image_stays=False)
    assert (code, left) == (1, ["its port is closed"])


def test_clean_with_an_engine_that_obeys_proves_all(planted: Path, tmp_path: Path) -> None:
    write(planted, "server.json", container(planted, port=1))
    write(planted, "build.json", {"kind": "image", "reference": "mlcc/iris:1"})
    assert cleaned(planted, tmp_path, container_stays=False, image_stays=False) == (0, [])


def test_clean_prints_what_is_left_for_people(planted: Path, tmp_path: Path) -> None:
    write(planted, "build.json", {"kind": "image", "reference": "mlcc/iris:1"})
    build_tree(tmp_path, {"docker": File(ENGINE.replace("{container}", "1").replace("{image}", "0"), 0o755)})
    shown = step(planted, "clean", MLCC_ENGINE="docker", PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert shown.code == 1
    assert "LEFT no image of it is left" in shown.stdout
    assert shown.stdout.count("ok  ") == 3


def test_clean_leaves_what_another_program_started_and_says_so(planted: Path) -> None:
    """`mlcc dev aws` starts servers of a project from the same environment, with tokens of its own."""
    folder = planted / ".mlcc/run/venv/bin"
    build_tree(planted, {".mlcc/run/venv/bin/x": ""})
    environ = {"PATH": f"{folder}:{os.environ['PATH']}", local_process.TOKEN: TOKEN}
    sleeping = [sys.executable, "-S", "-c", "print(1, flush=True); import time; time.sleep(60)"]
    with subprocess.Popen(sleeping, env=environ, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        shown = step(planted, "clean")
        assert shown.code == 1
        assert "LEFT no process of it runs" in shown.stdout
        assert f"processes {other.pid} run from what do/build made here: end mlcc dev aws" in shown.stdout
        assert other.poll() is None, "it is not ours to end"
        assert folder.exists(), "what it runs from stays"
        other.kill()
    assert step(planted, "clean").code == 0
    assert not folder.exists()


# ---------------------------------------------------------------- stop
def test_workers_that_ignore_sigterm_are_killed(listener: Any) -> None:
    identity, _ = listener("stubborn")
    until(lambda: len(local_process.family(TOKEN)) == 2)
    assert local_process.stop(identity, time.sleep, 0.1)
    assert local_process.family(TOKEN) == []


# ---------------------------------------------------------------- status and logs
def test_status_is_creating_while_the_server_does_not_answer_200(planted: Path, listener: Any) -> None:
    identity, _ = listener()
    server, port = http_server(planted, "never-ready")
    try:
        write(planted, "server.json", record_of(identity, port))
        shown = json.loads(step(planted, "status", "--json").stdout)
        assert (shown["status"], shown["url"]) == ("Creating", f"http://127.0.0.1:{port}")
    finally:
        server.kill()
        server.wait()


def http_server(root: Path, mode: str) -> tuple[subprocess.Popen[bytes], int]:
    """The small server by itself, started by no step."""
    port = local_process.free_port(0)
    environ = {"PATH": os.environ["PATH"], "SERVER_MODE": mode, "GREETING": "", "MLCC_BIND_HOST": "127.0.0.1"}
    running = subprocess.Popen(
        [sys.executable, "-c", SERVER],
        env={**environ, "SAGEMAKER_BIND_TO_PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: local_process.listens(port))
    return running, port


def test_status_is_failed_when_the_recorded_server_is_gone(planted: Path) -> None:
    write(planted, "server.json", record_of(Identity(2**22 + 1, 1, TOKEN), 1))
    shown = json.loads(step(planted, "status", "--json").stdout)
    assert shown["status"] == "Failed"
    assert "url" not in shown
    assert "iris on local: Failed" in step(planted, "status").stdout


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [([], "a b c d e"), (["-n", "2"], "d e"), (["--lines", "1"], "e"), (["-n", "9"], "a b c d e")],
)
def test_logs_shows_the_last_lines_that_were_asked_for(planted: Path, arguments: list[str], wanted: str) -> None:
    write(planted, "server.json", record_of(Identity(2**22 + 1, 1, TOKEN), 1))
    build_tree(planted, {".mlcc/run/server.log": "a\nb\nc\nd\ne\n"})
    assert step(planted, "logs", *arguments).stdout.split() == wanted.split()


@pytest.mark.parametrize(
    ("text", "lines", "first"),
    [
        ("\n" * 150_000, 100_000, ""),
        ("x" * (5 << 20), 1, "(the last line has more than 4 MiB and is not shown)"),
        ("y" * (5 << 20) + "\nend\n", 1, "end"),
        ("a\r\nb\rc\x0bd\n", 3, "a"),
    ],
    ids=["empty lines", "one long line", "a long line and a short one", "other ends of lines"],
)
def test_logs_shows_the_end_of_a_log_of_any_size(planted: Path, text: str, lines: int, first: str) -> None:
    write(planted, "server.json", record_of(Identity(2**22 + 1, 1, TOKEN), 1))
    build_tree(planted, {".mlcc/run/server.log": text.encode()})
    found = json.loads(step(planted, "logs", "--json").stdout)["lines"]
    assert (len(found), found[0]) == (lines, first)


# ---------------------------------------------------------------- a server in the foreground
PRINTS = """
import os, sys, time
print("begun with", os.environ["API_TOKEN"], flush=True)
for line in ("aB3", "cD4", "eF5gH", "-----BEGIN RSA PRIVATE KEY-----", "MIIEcanary", "-----END RSA PRIVATE KEY-----", "\\x1b[31mred"):
    print(line)
print("password in a message:", "aB3\\\\ncD4\\\\neF5gH", file=sys.stderr)
sys.stderr.write("no end of a line " + os.environ["API_TOKEN"])
sys.stderr.flush()
while not os.path.exists("go"):
    time.sleep(0.05)
sys.exit(7)
"""


def test_what_a_server_prints_in_the_foreground_shows_no_secret(project: Path) -> None:
    """It is seen at once, and its exit code is in the message."""
    (project / "code/serve").write_text(PRINTS)
    secrets = {"TOKEN_OF_THIS_MACHINE": "correct-horse-battery", "SIGNING_PASSWORD": "aB3\ncD4\neF5gH\n"}
    environ = {
        **os.environ,
        **secrets,
        "MLCC_ENGINE": "none",
        "MLCC": fork_server().program,
    }
    # unbuffered: what a buffer holds behind a line, `communicate` would not return
    running = subprocess.Popen(
        [project / "do/run"], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    )
    try:
        assert running.stdout is not None
        assert running.stdout.readline() == b"begun with ***REDACTED***\n"
        assert running.stdout.readline() == b"***REDACTED***\n"  # the password
        (project / "go").touch()
        out, err = (text.decode() for text in running.communicate(timeout=30))
    finally:
        running.kill()
        running.communicate()
        (project / "go").unlink()
        (project / "code/serve").write_text(SERVER)
    assert running.returncode == 1
    assert out == "***REDACTED***\n\\x1b[31mred\n"
    assert "(exit 7)" in err
    assert "password in a message: ***REDACTED***\nno end of a line ***REDACTED***\n" in err
    assert not [word for word in ("horse", "aB3", "eF5gH", "MIIE") if word in out + err]


def test_the_log_shows_no_secret_where_another_shell_started_the_server(project: Path) -> None:
    begun = 'print("serving on"'
    assert SERVER.count(begun) == 1
    talkative = SERVER.replace(begun, f'print("begun with", os.environ["API_TOKEN"], flush=True)\n{begun}')
    (project / "code/serve").write_text(talkative)
    try:
        assert step(project, "deploy", TOKEN_OF_THIS_MACHINE="correct-horse-battery").code == 0
        for arguments in (["logs"], ["logs", "-o", "json"]):
            shown = step(project, *arguments)
            assert shown.code == 0
            assert "***REDACTED***" in shown.stdout
            assert "horse" not in shown.stdout
    finally:
        (project / "code/serve").write_text(SERVER)


def test_the_log_of_a_container_shows_no_secret_that_it_was_started_with(planted: Path, tmp_path: Path) -> None:
    program = tmp_path / "engine"
    program.write_text(
        "#!/bin/sh\n"
        'case "$1" in\n'
        '    inspect) echo \'["API_TOKEN=correct-horse-battery", "PATH=/bin"]\' ;;\n'
        "    logs) echo begun with correct-horse-battery ;;\n"
        "esac\n"
    )
    program.chmod(0o755)
    engine = Engine("docker", str(program), "1")
    record = container(planted)
    found = local_server.log_lines(context(planted, engine), record, 0)
    assert found == ["begun with ***REDACTED***"]


@pytest.mark.parametrize("answer", [b"", b"no JSON", b'{"API_TOKEN": "x"}', b"null"])
def test_what_is_no_list_of_variables_holds_none(answer: bytes) -> None:
    assert local_server._pairs(answer) == {}


@pytest.mark.parametrize("key", ["pid", "start", "port"])
def test_a_number_beyond_all_in_a_record_is_no_record(planted: Path, key: str) -> None:
    record = {"kind": "process", "pid": 7, "start": 1, "token": TOKEN, "port": 8080, "url": "http://127.0.0.1:8080"}
    text = json.dumps({**record, key: 1}).replace(f'"{key}": 1', f'"{key}": 1e999')
    for name in ("server.json", "run-0.json"):
        build_tree(planted, {f".mlcc/run/{name}": text})
    for name, code in (("status", 0), ("test", 3), ("logs", 3), ("clean", 0)):
        assert step(planted, name).code == code


def test_a_log_that_is_no_file_is_named(planted: Path) -> None:
    write(planted, "server.json", {"kind": "process", "pid": 0, "start": 0, "token": TOKEN, "port": 1, "url": ""})
    (planted / ".mlcc/run/server.log").unlink(missing_ok=True)
    (planted / ".mlcc/run/server.log").mkdir()
    refused = step(planted, "logs")
    assert refused.code == 1
    assert "/.mlcc/run/server.log: error MLCC001: not a plain file" in refused.stderr
    (planted / ".mlcc/run/server.log").rmdir()


# ---------------------------------------------------------------- whose server answers
def test_a_stranger_s_answer_does_not_make_the_server_ready(planted: Path, listener: Any) -> None:
    identity, _ = listener()
    stranger, port = http_server(planted, "good")
    try:
        waiting = context(planted, timeout=2)
        with pytest.raises(UserError) as raised:
            local_server.wait(waiting, record_of(identity, port))
        assert "not ready after 2 s: /ping answered 200" in raised.value.findings[0].message
        assert local_process.family(TOKEN) == []
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


# ---------------------------------------------------------------- deploy
def test_deploy_replaces_the_server_that_runs(project: Path) -> None:
    assert deploy(project, "good", **SECRET).code == 0
    [first] = serving(project)
    # nothing is stopped for want of a secret
    for name in ("deploy", "run"):
        refused = step(project, name)
        assert refused.code == 3
        message = "MLCC313: TOKEN_OF_THIS_MACHINE is not set here, and secrets.API_TOKEN is read from it"
        assert message in " ".join(refused.stderr.split())
        assert serving(project) == [first]
    again = step(project, "deploy", **SECRET)
    assert again.code == 0
    assert "it is replaced" in again.stderr
    assert len(serving(project)) == 1
    assert serving(project) != [first]


def test_the_server_has_loopback_only_its_component_and_the_secrets(project: Path) -> None:
    build_tree(project, {"code/serve": File(SERVER, 0o755)})
    assert step(project, "deploy", "--component", "chat", TOKEN_OF_THIS_MACHINE="t0ken").code == 0
    record = json.loads((project / ".mlcc/run/server.json").read_text())
    pairs = Path(f"/proc/{record['pid']}/environ").read_text().strip("\0").split("\0")
    environ = dict(pair.split("=", 1) for pair in pairs)
    assert (environ["API_TOKEN"], environ["WHO"]) == ("t0ken", "chat")
    assert "TOKEN_OF_THIS_MACHINE" not in environ
    assert environ["MLCC_BIND_HOST"] == "127.0.0.1"
    assert listening(record["port"]) == {"0100007F"}


def listening(port: int) -> set[str]:
    """Addresses, as the kernel writes them, on which something listens on a port."""
    found = set()
    for table in ("tcp", "tcp6"):
        rows = [line.split() for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
        found |= {r[1].partition(":")[0] for r in rows if r[3] == "0A" and int(r[1].rpartition(":")[2], 16) == port}
    return found


def test_a_container_is_published_on_loopback_only(planted: Path) -> None:
    options, _ = local_server.container_options(context(planted, Engine("podman", "podman", "")), 8080)
    assert options[options.index("--publish") + 1] == "127.0.0.1:8080:8080"


def test_dry_runs_after_a_deploy_touch_nothing(project: Path) -> None:
    assert deploy(project, "good", **SECRET).code == 0
    running, before = serving(project), state_of(project)
    for name in ("clean", "deploy", "build", "test", "run"):
        assert step(project, name, "--dry-run").code == 0
        assert serving(project) == running
        assert_same(before, state_of(project))


def test_a_second_build_takes_the_virtual_environment_that_is_there(project: Path) -> None:
    [made] = (project / ".mlcc/run").glob("venv-*")
    mark = made / "mark"
    mark.write_text("")
    again = step(project, "build")
    assert again.code == 0
    assert mark.exists()
    assert "virtual environment" not in again.stderr
