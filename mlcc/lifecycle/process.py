"""A server as a process of this machine.  Law: only a process that is proved to be ours is ever signalled.

Proof is the start time and a random token in the process's environment, as recorded when it was started; a pid alone
proves nothing, for pids are reused and state files can be planted.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass

TOKEN = "MLCC_RUN_TOKEN"
PROC = "/proc"


@dataclass(frozen=True, slots=True)
class Identity:
    """A process as recorded: pid, start time in clock ticks since boot, token."""

    pid: int
    start: int
    token: str


def start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since boot, or None when there is none."""
    try:
        with open(f"{PROC}/{pid}/stat", "rb") as stream:
            fields = stream.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def _has_token(pid: int, token: str) -> bool:
    try:
        with open(f"{PROC}/{pid}/environ", "rb") as stream:
            return f"{TOKEN}={token}".encode() in stream.read().split(b"\0")
    except OSError:
        return False


def is_ours(identity: Identity) -> bool:
    """True when the recorded process lives and is the one that was started."""
    if identity.pid <= 1 or len(identity.token) < 16:
        return False
    return start_time(identity.pid) == identity.start and _has_token(identity.pid, identity.token)


def family(token: str) -> list[int]:
    """Every process that carries a token: the server and its workers."""
    if len(token) < 16:
        return []
    return [int(name) for name in os.listdir(PROC) if name.isdigit() and _has_token(int(name), token)]


def stop(identity: Identity, sleep: Callable[[float], None], grace_s: float) -> bool:
    """Ends a server and its workers: SIGTERM, then SIGKILL after `grace_s` seconds.  True when none is left."""
    if is_ours(identity):
        _signal(identity.pid, signal.SIGTERM)
    waited = 0.0
    while family(identity.token) and waited < grace_s:
        sleep(0.05)
        waited += 0.05
    for pid in family(identity.token):
        _signal(pid, signal.SIGKILL)
    waited = 0.0
    while family(identity.token) and waited < 5:
        sleep(0.05)
        waited += 0.05
    return not family(identity.token)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def free_port(wanted: int, host: str = "127.0.0.1") -> int:
    """`wanted` when nobody listens there, else a port that is free now."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise AssertionError("BUG: no port is free")


def listens(port: int, host: str = "127.0.0.1") -> bool:
    """True when something accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0
