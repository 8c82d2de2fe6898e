"""A server as a process of this machine.  Law: only a process that is proved to be ours is ever signalled.

Proof is the start time and a random token in the process's environment, as recorded when it was started; a pid alone
proves nothing, for pids are reused and state files can be planted.
"""

from __future__ import annotations

import os
import signal
import socket
import zlib
from collections.abc import Callable

from mlcc.core.records import NamedTuple
from mlcc.io import programs

TOKEN = "MLCC_RUN_TOKEN"
PROC = "/proc"
_HAS_PROC = os.path.isdir(f"{PROC}/self")
_LISTEN = "0A"


class Identity(NamedTuple):
    """A process as recorded: pid, start time in clock ticks since boot, token."""

    pid: int
    start: int
    token: str


def start_time(pid: int) -> int | None:
    """When a process started (ticks since boot; on systems without /proc a number from `ps`), or None."""
    if not _HAS_PROC:
        printed = _ps("lstart=", pid)
        return zlib.crc32(printed) if printed else None
    try:
        with open(f"{PROC}/{pid}/stat", "rb") as stream:
            fields = stream.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def _ps(column: str, pid: int) -> bytes:
    """One column of `ps` for a process, its environment included."""
    done = programs.run(["ps", "eww", "-o", column, "-p", str(pid)], environ={"PATH": os.defpath, "LC_ALL": "C"})
    return done.stdout.strip()


def _has_token(pid: int, token: str) -> bool:
    wanted = f"{TOKEN}={token}".encode()
    if not _HAS_PROC:
        return wanted in _ps("command=", pid).split()
    return wanted in _environ(pid)


def _environ(pid: int) -> list[bytes]:
    """`NAME=value` of each variable that a process was started with; none where the kernel does not say."""
    try:
        with open(f"{PROC}/{pid}/environ", "rb") as stream:
            return stream.read().split(b"\0")
    except OSError:
        return []


def variables(identity: Identity) -> dict[str, str]:
    """The variables that the recorded process was started with; none where it has ended, or the kernel does not say."""
    known = _environ(identity.pid) if _HAS_PROC and is_ours(identity) else []
    pairs = (pair.decode("utf-8", "replace").partition("=") for pair in known)
    return {name: value for name, _, value in pairs}


def _pids() -> list[int]:
    if _HAS_PROC:
        return [int(name) for name in os.listdir(PROC) if name.isdigit()]
    done = programs.run(["ps", "axo", "pid="], environ={"PATH": os.defpath, "LC_ALL": "C"})
    return [int(word) for word in done.stdout.split()]


def is_ours(identity: Identity) -> bool:
    """True when the recorded process lives and is the one that was started."""
    if identity.pid <= 1 or len(identity.token) < 16:
        return False
    return start_time(identity.pid) == identity.start and _has_token(identity.pid, identity.token)


def identify(pid: int, token: str, sleep: Callable[[float], None], limit_s: float = 5.0) -> Identity:
    """The identity of a process that was just started with `token` in its environment.

    The kernel shows a new program's environment a moment after it reports the program as started; until then the
    process would not be recognised as ours, and could not be stopped.
    """
    start, waited = start_time(pid) or 0, 0.0
    while start_time(pid) == start and not _has_token(pid, token) and waited < limit_s:
        sleep(0.005)
        waited += 0.005
    return Identity(pid, start, token)


def family(token: str) -> list[int]:
    """Every process of a server: those that carry its token, and the others of their sessions.

    A server is started in a session of its own; nginx, for one, writes its title over its environment, so that only
    the session still says whose it is.
    """
    if len(token) < 16:
        return []
    pids = _pids()
    marked = {pid for pid in pids if _has_token(pid, token)}
    sessions = {_session(pid) for pid in marked} - {_session(os.getpid()), None}
    return sorted(marked | {pid for pid in pids if _session(pid) in sessions})


def session(leader: int) -> list[int]:
    """Every process of a session, its leader included; what has a group of its own is one of them."""
    return [pid for pid in _pids() if _session(pid) == leader]


def users(folder: str) -> list[int]:
    """Processes that mlcc has started with a program of a folder, whoever keeps their tokens; none without /proc."""
    inside = os.path.realpath(folder) + os.sep
    found = []
    for pid in _pids() if _HAS_PROC else ():
        known = dict(pair.partition(b"=")[::2] for pair in _environ(pid))
        first = os.fsdecode(known.get(b"PATH", b"")).partition(os.pathsep)[0]
        if TOKEN.encode() in known and os.path.realpath(first).startswith(inside):
            found.append(pid)
    return sorted(found)


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def stop(identity: Identity, sleep: Callable[[float], None], grace_s: float) -> bool:
    """Ends a server and its workers: SIGTERM, then SIGKILL after `grace_s` seconds.  True when none is left."""
    for pid in [identity.pid] if is_ours(identity) else family(identity.token):
        _signal(pid, signal.SIGTERM)
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


def owns_port(token: str, port: int) -> bool:
    """True when the server with this token is who listens on a port (and not a stranger who was faster).

    Where the system does not tell (no /proc), it is believed.
    """
    if not _HAS_PROC:
        return True
    wanted = _listening(port)
    return any(inode in wanted for pid in family(token) for inode in _sockets(pid))


def holds_port(token: str, port: int) -> bool:
    """True when the server with this token still listens on a port (a stranger who has it by now does not count)."""
    return owns_port(token, port) if _HAS_PROC else listens(port)


def _listening(port: int) -> set[str]:
    """Inodes of the sockets that listen on a port."""
    found = set()
    for table in ("tcp", "tcp6"):
        try:
            with open(f"{PROC}/net/{table}", encoding="ascii") as stream:
                rows = [line.split() for line in stream][1:]
        except OSError:
            continue
        found |= {row[9] for row in rows if row[3] == _LISTEN and int(row[1].rpartition(":")[2], 16) == port}
    return found


def _sockets(pid: int) -> list[str]:
    """Inodes of a process's open sockets."""
    folder = f"{PROC}/{pid}/fd"
    found = []
    try:
        for name in os.listdir(folder):
            target = os.readlink(f"{folder}/{name}")
            if target.startswith("socket:["):
                found.append(target[len("socket:[") : -1])
    except OSError:
        pass  # the process went away, or closed the descriptor, while we looked
    return found
