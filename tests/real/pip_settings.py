"""Prints this machine's pip settings (files and PIP_ variables) as one pip.conf, for the stand-in base image."""

from __future__ import annotations

import ast
import subprocess
import sys

CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
# paths of this machine, or what only a person at a terminal needs
LEFT_OUT = ("cert", "cache-dir", "log", "require-virtualenv", "user", "target", "prefix", "src", "constraint")


def settings() -> dict[str, str]:
    """Values by name; a variable stands over a file, as in pip."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    found: dict[str, str] = {}
    above: dict[str, str] = {}
    for line in listed.stdout.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if section in ("global", "install", ":env:") and name not in LEFT_OUT:
            (above if section == ":env:" else found)[name] = str(ast.literal_eval(value))
    return {**found, **above, "cert": CERTIFICATES}


def as_file(found: dict[str, str]) -> str:
    """The text of a pip.conf."""
    lines = ["[global]"]
    for name, value in sorted(found.items()):
        values = [line for line in value.splitlines() if line.strip()]
        lines += [f"{name} = {values[0]}"] if len(values) == 1 else [f"{name} =", *(f"    {v}" for v in values)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(as_file(settings()))
