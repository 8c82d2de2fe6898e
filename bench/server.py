"""Rows about the http servers: what a request costs above the model's own work."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.measure import Row, progress
from bench.place import ROOT, Place

REQUESTS = 10_000
CONNECTIONS = 16
BACKENDS = ("flask", "fastapi", "nginx")
# In the project's own environment: the handler's predict on the same row, as often as there are requests.
BARE = """
import json, sys, time
from pathlib import Path
import numpy as np
sys.path.insert(0, "code")
import handler
model = handler.load(Path("sample_model/model"))
rows = np.array([json.loads(sys.argv[1])["instances"][0]], dtype=float)
took = []
for _ in range(int(sys.argv[2])):
    start = time.perf_counter()
    handler.predict(model, rows)
    took.append(time.perf_counter() - start)
took.sort()
print(json.dumps([took[len(took) // 2], took[len(took) * 99 // 100]]))
"""
PAYLOAD = '{"instances": [[5.1, 3.5, 1.4, 0.2]]}'


def overhead(place: Place, only: tuple[str, ...] = BACKENDS) -> Iterator[Row]:
    """Each backend: one connection against the bare loop, then sixteen connections at once."""
    for backend in only:
        if backend == "nginx" and subprocess.run(["which", "nginx"], capture_output=True).returncode:
            yield Row("http-nginx", "not measured: no nginx", "", None, None)
            continue
        progress(f"http-{backend}: building and starting")
        yield from _backend(place, backend)
    progress("")


def _backend(place: Place, backend: str) -> Iterator[Row]:
    folder = place.project(f"serve-{backend}", f"http-{backend}, target: local")
    environ = {**place.environ(), "MLCC_ENGINE": "none"}

    def mlcc(*argv: str) -> Any:
        done = subprocess.run([place.mlcc, *argv], cwd=folder, env=environ, capture_output=True, text=True)
        if done.returncode:
            output_text = (done.stderr or done.stdout)[-2000:]
            raise RuntimeError(f"mlcc {' '.join(argv)} ended with {done.returncode}:\n{output_text}")
        return json.loads(done.stdout) if "--json" in argv else None

    mlcc("apply", "-q")
    mlcc("do", "build", "-q")
    [python] = (folder / ".mlcc/run").glob("venv-*/bin/python")
    url = mlcc("do", "deploy", "--json", "--port", str(_free_port()))["url"]
    try:
        bare = _json([str(python), "-c", BARE, PAYLOAD, str(REQUESTS)], folder)
        progress(f"http-{backend}: {REQUESTS:,} requests")
        alone = _load(place, url, 1, REQUESTS // 10)
        crowd = _load(place, url, CONNECTIONS, REQUESTS)
    finally:
        mlcc("do", "clean", "-q")
    p50, p99 = ((alone[key] - own) * 1000 for key, own in zip(("p50", "p99"), bare, strict=True))
    yield Row(
        f"http-{backend} a request above predict()",
        f"p50 {p50:.2f} p99 {p99:.2f} ms",
        f"p50 {bare[0] * 1000:.2f} p99 {bare[1] * 1000:.2f} ms",
        None,
        None,
    )
    yield Row(
        f"  {CONNECTIONS} connections",
        f"p50 {crowd['p50'] * 1000:.1f} p99 {crowd['p99'] * 1000:.1f} ms",
        f"{crowd['per_s']:.0f} a second",
        None,
        None,
    )
    errors = float(crowd["errors"])
    yield Row(f"  errors in {REQUESTS:,} requests", f"{errors:.0f}", "0", errors, 0.0)


def _load(place: Place, url: str, connections: int, requests: int) -> dict[str, float]:
    argv = [place.python, str(ROOT / "bench/client.py"), url, str(connections), str(requests), PAYLOAD]
    found: dict[str, float] = _json(argv, place.folder)
    return found


def _json(argv: list[str], cwd: Path) -> Any:
    return json.loads(subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=True).stdout)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
