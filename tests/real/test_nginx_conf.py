"""Every rendered nginx.conf, read by nginx itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcc import pipeline
from mlcc.registries.loader import load
from tests.helpers import needed
from tests.real.rig import must, run

pytestmark = pytest.mark.real

CONFIGS = load().deployment_configs
# Where something must stand before the server: uvicorn, or an engine without /ping and /invocations.
FRONTED = {"http-nginx", "transformers-tensorrt-llm", "diffusors-sglang", "diffusors-vllm-omni"}


@pytest.mark.parametrize("config", CONFIGS)
def test_nginx_reads_it(config: str, tmp_path: Path) -> None:
    head = f"version: 1\nproject: {{name: demo}}\ndeployment: {{config: {config}, target: local}}\n"
    (tmp_path / "mlcc.yaml").write_text(head + needed(config))
    tree = pipeline.render(pipeline.read(tmp_path / "mlcc.yaml"), [tmp_path])
    assert ("code/nginx.conf" in tree) is (config in FRONTED)
    for path, file in tree.items():
        if path.endswith("nginx.conf"):
            (tmp_path / "nginx.conf").write_bytes(file.data)
            output_text = must(run("nginx", "-t", "-e", "stderr", "-c", tmp_path / "nginx.conf"), "nginx -t").stderr
            assert "[warn]" not in output_text
