"""Runs a command as a machine would that has only the programs of tests/programs.txt.

bare.py COMMAND [ARGUMENT...]   runs it and ends with its exit code
bare.py --have LIST             ends with 0 when this machine has every program of a list

The command gets a PATH of links to the declared programs and nothing else, an empty home, and an environment of only
the variables by which package clients find their registry, their certificates and their proxy.  So what works here
because something was once installed by hand does not work, and is seen.  The tests themselves stand on the same links
(tests/conftest.py).  Standard library only: it runs before anything is installed.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DECLARED = ROOT / "tests/programs.txt"
# Programs that are wheels of the virtual environment; a machine without one has none of them.
WHEEL = "wheel:"
PASSED = {"CI", "LANG", "TERM", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}
PASSED_BEGINNINGS = ("PIP_", "UV_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")


class Undeclared(Exception):
    """A declared program that this machine does not have."""


def declared(file: Path = DECLARED) -> list[str]:
    """The names of a list of programs, in order; `wheel:NAME` for those that come as wheels."""
    lines = (line.partition("#")[0].split() for line in file.read_text(encoding="utf-8").splitlines())
    return [name for names in lines for name in names]


def link(folder: Path, names: Iterable[str], path: str, wheels: Path | None = None) -> None:
    """Fills a folder with the named programs.

    path: where the machine's programs are looked for; wheels: the folder of programs of the virtual environment, None
    where there is none yet.  Python is a script that starts the real one: through a link it would take the folder for
    its own installation.  Raises Undeclared with every name that is nowhere.
    """
    missing = []
    for name in names:
        if name.startswith(WHEEL):
            found = wheels / name.removeprefix(WHEEL) if wheels is not None else None
            if found is None:
                continue
            found = found if found.exists() else None
        else:
            place = shutil.which(name, path=path)
            found = Path(place) if place else None
        if found is None:
            missing.append(name.removeprefix(WHEEL))
        elif name.removeprefix(WHEEL).startswith("python"):
            start = sys.executable if wheels is None else str(found)
            _script(folder / name.removeprefix(WHEEL), f'exec {shlex.quote(start)} "$@"')
        else:
            (folder / name.removeprefix(WHEEL)).symlink_to(found.absolute())
    if missing:
        raise Undeclared(f"{DECLARED.name} declares {', '.join(missing)}, and this machine has none")


def _script(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    path.chmod(0o755)


def environment(environ: Mapping[str, str], path: Path, home: Path) -> dict[str, str]:
    """The variables of a bare machine.  environ: the caller's, of which few are passed on."""
    kept = {k: v for k, v in environ.items() if k in PASSED or k.upper().startswith(PASSED_BEGINNINGS)}
    own = Path(environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME", "/")) / ".config") / "pip/pip.conf"
    if own.is_file():
        kept.setdefault("PIP_CONFIG_FILE", str(own))
    return {"LANG": "C.UTF-8", **kept, "PATH": str(path), "HOME": str(home)}


def main(argv: list[str]) -> int:
    """Runs the command and returns its exit code."""
    if not argv:
        sys.stderr.write("usage: python3 tools/bare.py COMMAND [ARGUMENT...]\n")
        return 2
    if argv[0] == "--have":
        return 0 if all(shutil.which(name) for name in declared(Path(argv[1]))) else 1
    with tempfile.TemporaryDirectory(prefix="bare-") as name:
        path, home = Path(name, "bin"), Path(name, "home")
        path.mkdir()
        home.mkdir()
        try:
            link(path, declared(), os.environ.get("PATH", os.defpath))
        except Undeclared as problem:
            sys.stderr.write(f"bare: {problem}\n")
            return 3
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        program = shutil.which(argv[0], path=str(path)) or argv[0]
        return subprocess.run([program, *argv[1:]], env=environment(os.environ, path, home), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
