"""What a run of mlcc costs, as the kernel counts it: CPU seconds and the largest resident memory of one process.

A child of the tests would be charged with the tests' own memory, for a process begins as a copy of its parent; so a
small process stands between, whose child mlcc is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

BETWEEN = """
import json, os, sys
pid = os.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
_, status, used = os.wait4(pid, 0)
with open("cost.json", "w") as stream:
    json.dump([os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024], stream)
"""


class Cost(NamedTuple):
    """How a run ended (a signal is negative), what it used, and what it printed."""

    code: int
    cpu_s: float
    mib: float
    output_text: str

    def __str__(self) -> str:
        """For a table."""
        return f"exit {self.code}, {self.cpu_s:5.2f} s, {self.mib:4.0f} MiB, {len(self.output_text):6,} characters"


def measured(place: Path, *argv: str) -> Cost:
    """Runs the program mlcc in a folder.  What it prints and the costs are left in that folder's `printed` and `cost.json`."""
    program = str(Path(sys.executable).with_name("mlcc"))
    between = [sys.executable, "-I", "-S", "-c", BETWEEN, program, *argv]
    with open(place / "printed", "wb") as output_text:
        environ = {**os.environ, "MLCC_NO_CACHE": "1"}
        subprocess.run(
            between,
            cwd=place,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output_text,
            stderr=output_text,
            check=True,
        )
    code, cpu_s, mib = json.loads((place / "cost.json").read_text())
    return Cost(code, cpu_s, mib, (place / "printed").read_bytes().decode())
