"""What tests/conftest.py promises: no network, no home, no environment, no plugins."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.conftest import NetworkRefused
from tests.helpers import ROOT, SMALLEST, build_tree, fork_server, run_mlcc


@pytest.mark.parametrize("address", [("192.0.2.1", 443), ("8.8.8.8", 53), ("example.com", 80), ("169.254.169.254", 80)])
def test_nothing_beyond_this_machine_is_reached(address):
    with socket.socket() as sock, pytest.raises(NetworkRefused):
        sock.connect(address)
    with socket.socket() as sock, pytest.raises(NetworkRefused):
        sock.connect_ex(address)
    with pytest.raises(NetworkRefused):
        socket.create_connection(address, timeout=1)
    with socket.socket(type=socket.SOCK_DGRAM) as sock, pytest.raises(NetworkRefused):
        sock.sendto(b"x", address)


def test_names_are_not_looked_up():
    with pytest.raises(NetworkRefused):
        socket.getaddrinfo("sagemaker.us-east-1.amazonaws.com", 443)


def test_this_machine_is_reached():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        with socket.create_connection(server.getsockname(), timeout=5) as client:
            assert client.getpeername() == server.getsockname()


def test_the_environment_is_blank():
    found = {n for n in os.environ if n.startswith(("AWS_", "ML_", "MLCC"))}
    assert found == {"AWS_EC2_METADATA_DISABLED", "MLCC_HOME", "MLCC_PLUGINS", "MLCC_ENGINE"}
    assert (os.environ["MLCC_PLUGINS"], os.environ["MLCC_ENGINE"]) == ("none", "none")


def test_the_home_and_the_working_directory_are_empty_and_the_test_s_own():
    home = Path(os.environ["HOME"])
    assert list(home.iterdir()) == []
    assert list(Path.cwd().iterdir()) == []
    assert Path(os.environ["MLCC_HOME"]).parent == home
    assert not Path.cwd().is_relative_to(ROOT)
    assert not home.is_relative_to(ROOT)


def test_programs_that_are_started_see_the_same():
    assert str(Path(os.environ["HOME"])) in run_mlcc("doctor", "-o", "json").stdout


@pytest.mark.parametrize(
    "argv",
    [
        (), ("--version",), ("--help",), ("validate",), ("validate", "-o", "json"), ("plan",), ("plan", "--detailed-exitcode"),
        ("explain", "deployment.instance_type"), ("show", "-o", "json"), ("no-such-command",), ("do", "config"), ("catalog", "configs"),
        ("diff",), ("apply", "--check"), ("doctor",), ("explain", "MLCC108"), ("do", "status"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_forked_run_says_what_the_program_says(argv: tuple[str, ...]):
    build_tree(Path(), {"mlcc.yaml": SMALLEST})
    without = {"MLCC_NO_CACHE": "1"}
    forked, program = run_mlcc(*argv, env=without), run_mlcc(*argv, env=without, program=True)
    assert forked == program


def by_name(*argv: str, script: str = '"$0" "$@"', **variables: str) -> tuple[int, str, str]:
    """mlcc started by a shell, through the small program that asks for a fork."""
    words = ["bash", "-c", script, fork_server().program, *argv]
    done = subprocess.run(words, env={**os.environ, **variables}, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("argv", [(), ("--version",), ("plan", "-o", "json"), ("no-such-command",), ("do", "status")])
def test_what_starts_mlcc_by_its_name_gets_the_same(argv: tuple[str, ...]):
    build_tree(Path(), {"mlcc.yaml": SMALLEST})
    program = run_mlcc(*argv, env={"MLCC_NO_CACHE": "1"}, program=True)
    assert by_name(*argv, MLCC_NO_CACHE="1") == (program.code, program.stdout, program.stderr)
    assert by_name(*argv, MLCC_NO_CACHE="1", PYTHONHASHSEED="1") == (program.code, program.stdout, program.stderr)


def test_a_run_by_name_has_the_streams_and_signals_of_its_caller():
    build_tree(Path(), {"mlcc.yaml": SMALLEST})
    assert by_name("--version", script='"$0" "$@" >&-')[0] == 1
    assert by_name("init", "-f", "x.yaml", "x", script='"$0" "$@" <&- | cat')[0] == 0
    here = os.open(".", os.O_RDONLY)
    try:
        fcntl.flock(here, fcntl.LOCK_EX)  # it waits for the lock until the signal comes
        code, _, output_text = by_name("apply", script='"$0" "$@" & sleep 1; kill -TERM $!; wait $!')
    finally:
        os.close(here)
    assert (code, output_text) == (143, "mlcc: terminated\n")


def test_a_forked_run_ends_as_a_process_does():
    """Its own process, environment and working directory; killed when it takes too long."""
    build_tree(Path("here"), {"mlcc.yaml": SMALLEST})
    assert run_mlcc("validate", cwd="here").code == 0
    assert run_mlcc("validate").code == 1
    assert "eu-west-1" in run_mlcc("explain", "deployment.region", cwd="here", env={"ML_REGION": "eu-west-1"}).stdout
    with pytest.raises(subprocess.TimeoutExpired):
        run_mlcc("validate", cwd="here", timeout=0, env={"MLCC_NO_CACHE": "1"})
    assert run_mlcc("validate", cwd="here").code == 0
