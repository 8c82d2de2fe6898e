"""ministack, an AWS of another maker, for what our SageMaker server wants beside it: S3, SNS, SQS."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlcc.lifecycle.targets.local_process import listens

PACKAGE = "ministack==1.5.33"
# One that is there; read here, for tests get a blank environment.
PROGRAM = os.environ.get("MLCC_REAL_MINISTACK", "")


@contextmanager
def ministack(folder: Path) -> Iterator[str]:
    """Its address; installed into a folder for these tests alone (MLCC_REAL_MINISTACK: one that is there)."""
    program = PROGRAM or str(folder / "venv/bin/ministack")
    if not os.path.exists(program):
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        subprocess.run([folder / "venv/bin/pip", "install", "-q", PACKAGE], check=True, timeout=600)
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    own = {"PATH": os.environ["PATH"], "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "HOME": str(folder)}
    with subprocess.Popen([program], env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + 60
            while not listens(port):
                assert process.poll() is None, "ministack has ended"
                assert time.monotonic() < end, "ministack does not listen"
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
