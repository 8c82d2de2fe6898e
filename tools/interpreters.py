"""Finds, or installs, an interpreter of a version of Python: the rows of registries/frameworks/ name one each.

interpreters.py VERSION ...                    prints the path of each, one a line; exit 1 where one is nowhere
interpreters.py --install FOLDER VERSION ...   installs what is nowhere with uv, below that folder

Looked for on PATH, each of its folders, and in pyenv's versions: a shim of pyenv's runs only where its version is
selected.  What is printed has run, and can make virtual environments.  Standard library only: tests/real/run.sh calls
it.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

UV = "uv==0.13.9"
PROOF = "import ensurepip, venv, sys; print('%d.%d' % sys.version_info[:2])"


def find(version: str, environ: Mapping[str, str]) -> Path | None:
    """The interpreter of a version such as 3.10, or None.  Raises ValueError where that is no version."""
    if not re.fullmatch(r"[0-9]\.[0-9]{1,2}", version):
        raise ValueError(f"{version!r} is no version such as 3.10")
    return next((path for path in _places(version, environ) if works(path, version)), None)


def _places(version: str, environ: Mapping[str, str]) -> Iterator[Path]:
    name = f"python{version}"
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        yield Path(folder or ".") / name
    root = Path(environ.get("PYENV_ROOT") or Path(environ.get("HOME", "/")) / ".pyenv") / "versions"
    found = [path for path in root.glob(f"{version}.*") if path.name.rpartition(".")[2].isdecimal()]
    for path in sorted(found, key=lambda path: int(path.name.rpartition(".")[2]), reverse=True):
        yield path / "bin" / name


def works(path: Path, version: str) -> bool:
    """Whether it runs, is of that version, and can make virtual environments."""
    try:
        done = subprocess.run([path, "-I", "-c", PROOF], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and done.stdout.strip() == version


def install(version: str, folder: Path, environ: Mapping[str, str]) -> Path:
    """Installs an interpreter below a folder, with uv, and returns its path.  Raises OSError where that fails."""
    uv = folder / "uv/bin/uv"
    steps: list[list[str | Path]] = [[uv, "python", "install", "--no-bin", version]]
    if not uv.exists():
        steps = [
            [sys.executable, "-m", "venv", folder / "uv"],
            [folder / "uv/bin/pip", "install", "--quiet", UV],
            *steps,
        ]
    for step in steps:
        done = subprocess.run(
            step,
            env={**environ, "UV_PYTHON_INSTALL_DIR": str(folder / "pythons")},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
            raise OSError(f"{' '.join(map(str, step))} ended with {done.returncode}:\n{said}")
    for path in sorted((folder / "pythons").glob(f"*/bin/python{version}")):
        if works(path, version):
            return path
    raise OSError(f"uv has installed Python {version}, and it does not run")


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Prints paths; 1 where a version is nowhere, or could not be installed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("versions", nargs="+", metavar="VERSION")
    parser.add_argument("--install", type=Path, metavar="FOLDER")
    options = parser.parse_args(arguments)
    for version in options.versions:
        try:
            found = find(version, environ)
            if found is None and options.install is not None:
                print(f"installing Python {version} with uv: it is not on PATH and not among pyenv's", file=sys.stderr)
                found = install(version, options.install, environ)
        except (OSError, ValueError) as problem:
            print(f"there is no Python {version} here, and it could not be installed: {problem}", file=sys.stderr)
            return 1
        if found is None:
            print(f"there is no Python {version} on PATH or among pyenv's versions", file=sys.stderr)
            return 1
        print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
