"""What a list of requirements brings for a Python that need not be on this machine.

Law: nothing is installed but the resolver itself, in an environment that goes again; wheels for Debian 12 on x86_64
alone count, since an image without a compiler builds nothing; one index alone counts, since another may list files
without the day they came.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tools.interpreters import UV

# The glibc of Debian 12 is 2.36.
PLATFORM = "x86_64-manylinux_2_36"
# How this machine reaches its index: pip's names, and uv's variables.
REACH = {"index-url": "UV_DEFAULT_INDEX", "trusted-host": "UV_INSECURE_HOST", "cert": "SSL_CERT_FILE"}


class Unresolved(Exception):
    """Why requirements have no solution."""


def canonical(name: str) -> str:
    """The name of a package as the rows spell it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def split(requirement: str) -> tuple[str, str]:
    """Name and version of a pin."""
    name, _, version = requirement.partition("==")
    return canonical(name.partition("[")[0]), version


class Resolver:
    """uv's resolver; it goes by the markers of a package, and by its wheels, as pip would in the image."""

    def __init__(self, uv: Path, environ: Mapping[str, str]) -> None:
        """uv: the program."""
        self.uv, self.environ = uv, environ

    def __call__(
        self, requirements: Iterable[str], python: str, constraints: Iterable[str] = (), until: str = ""
    ) -> dict[str, str]:
        """Versions by name: all that these requirements bring.  Raises Unresolved.

        python: a version such as 3.10; constraints: hold for what is brought, and bring nothing; until: a day
        (YYYY-MM-DD), what was uploaded later does not count.
        """
        with tempfile.TemporaryDirectory(prefix="mlcc-pins-") as folder:
            wanted, bounds = Path(folder) / "wanted.in", Path(folder) / "bounds.txt"
            wanted.write_text("".join(f"{line}\n" for line in requirements), encoding="utf-8")
            bounds.write_text("".join(f"{line}\n" for line in constraints), encoding="utf-8")
            options = ["--constraint", bounds, "--python-version", python, "--python-platform", PLATFORM]
            options += ["--only-binary", ":all:", "--no-header", "--no-annotate", "--no-python-downloads"]
            options += ["--exclude-newer", f"{until}T23:59:59Z"] if until else []
            argv = [self.uv, "pip", "compile", "--quiet", "--no-config", *options, wanted]
            done = subprocess.run(argv, env=dict(self.environ), capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unresolved(reasons(done.stderr))
        return dict(split(line) for line in done.stdout.splitlines() if "==" in line)


def reasons(printed: str) -> str:
    """Why, in one line."""
    lines = [re.sub(r"^\s*(cause|error|hint): ", "", line).strip() for line in printed.splitlines()]
    return " ".join(line for line in lines if line and not line.startswith("No solution found"))


def reach(settings: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment in which uv asks the index that pip asks on this machine, and nothing beside it.

    settings: what `pip config list` prints.
    """
    others = ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
    kept = {name: value for name, value in environ.items() if name not in others}
    for line in settings.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if section in ("global", "install", ":env:") and name in REACH:
            kept.setdefault(REACH[name], value.strip("'"))
    return kept


@contextmanager
def resolver(environ: Mapping[str, str]) -> Iterator[Resolver]:
    """A resolver.  Raises OSError where it cannot be installed."""
    with tempfile.TemporaryDirectory(prefix="mlcc-pins-") as folder:
        for argv in ([sys.executable, "-m", "venv", folder], [f"{folder}/bin/pip", "install", "--quiet", UV]):
            done = subprocess.run(argv, env=dict(environ), capture_output=True, text=True, check=False)
            if done.returncode:
                raise OSError(f"{UV} could not be installed: {done.stderr[-400:]}")
        listed = subprocess.run(
            [sys.executable, "-m", "pip", "config", "list"],
            env=dict(environ),
            capture_output=True,
            text=True,
            check=False,
        )
        yield Resolver(Path(folder) / "bin/uv", reach(listed.stdout, environ))
