"""Where the figures are taken.  Law: mlcc as a user installs it, from a wheel, in an environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PEER_VERSION = "1.6.0"
PEER = f"@aws/ml-container-creator@{PEER_VERSION}"


class Place(NamedTuple):
    """folder: temporary, removed afterwards; python and mlcc: of the environment that the wheel is installed in."""

    folder: Path
    python: str
    mlcc: str

    def environ(self, home: str = "home") -> dict[str, str]:
        """A plain environment with a home folder of its own, so that no cache of the user's helps."""
        path = self.folder / home
        path.mkdir(exist_ok=True)
        return {"PATH": os.environ["PATH"], "HOME": str(path), "LANG": "C.UTF-8"}

    def project(self, name: str, config: str = "http-flask", more: str = "") -> Path:
        """A folder with the smallest mlcc.yaml.  more: further lines of it."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        text = f"version: 1\nproject: {{name: iris}}\ndeployment: {{config: {config}}}\n{more}"
        (folder / "mlcc.yaml").write_text(text)
        return folder


def make(folder: Path) -> Place:
    """Builds the wheel and installs it."""
    say("building the wheel and installing it ...")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    quietly([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT)])
    [wheel] = folder.glob("mlcc-*.whl")
    quietly([sys.executable, "-m", "venv", str(folder / "venv")])
    bin_ = folder / "venv/bin"
    quietly([str(bin_ / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check", "install", str(wheel)])
    return Place(folder, str(bin_ / "python"), str(bin_ / "mlcc"))


def peer(folder: Path) -> list[str] | None:
    """The command of the tool that the documents describe, installed by npm; None where there is no npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        say("no node and npm here: the rows that compare with the peer are left out (bench/peers.md)")
        return None
    say(f"installing {PEER} ...")
    folder.mkdir()
    environ = {**os.environ, "HOME": str(folder)}
    quietly([npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), PEER], environ)
    return [node, str(folder / "node_modules/.bin/ml-container-creator")]


def quietly(argv: list[str], environ: dict[str, str] | None = None) -> None:
    """Runs a program whose output is of no interest.  Raises RuntimeError with the end of it when it fails."""
    done = subprocess.run(argv, env=environ, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stderr[-2000:]}")


def say(text: str) -> None:
    """Talk."""
    print(text, file=sys.stderr, flush=True)


def without_python(folder: Path) -> str:
    """A PATH on which there is a shell and node, and no Python."""
    made = folder / "nopython"
    made.mkdir(exist_ok=True)
    for program in ("node", "sh", "env", "dirname"):
        found = shutil.which(program)
        if found is not None and not (made / program).exists():
            (made / program).symlink_to(found)
    return str(made)
