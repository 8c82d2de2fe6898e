"""Another engine, or another version of it: what a reviewer reads is what it means, and not much."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlcc.core.nodes import Mark, node_of
from mlcc.io.schema import validator
from mlcc.registries.loader import load
from tests.helpers import build_tree, commit, git, git_repo

TEXT = """version: 1
project: {name: chat}
deployment: {config: transformers-CONFIG, region: us-east-1, instance_type: ml.g5.xlarge}
model: {name: Qwen/Qwen3-0.6B}
engine: {max_model_len: 4096, enable_prefix_caching: true, lora: {enabled: true}}
env: {VLLM_LOGGING_LEVEL: DEBUG, VLLM_API_KEY: ''}
framework: {version: VERSION}
"""


def written(config: str, version: str = "") -> None:
    text = TEXT.replace("CONFIG", config)
    text = text.replace("VERSION", f"'{version}'") if version else text.replace("framework: {version: VERSION}\n", "")
    build_tree(".", {"mlcc.yaml": text})


@pytest.fixture
def switched(mlcc):
    """A project of vLLM that was applied, and shall be one of SGLang."""
    written("vllm")
    mlcc("apply", "-q", code=0)
    written("sglang")


def section(text: str) -> list[str]:
    """The lines about the engine, with those that were folded joined again."""
    lines = text.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("  engine: "))
    body: list[str] = []
    for line in lines[start + 1 :]:
        if line.startswith("        "):
            body[-1] += " " + line.strip()
        elif line.startswith("    "):
            body.append(line.strip())
        else:
            break
    return [lines[start].strip(), *body]


@pytest.mark.usefixtures("switched")
@pytest.mark.parametrize("command", ["plan", "diff", "apply"])
def test_a_switch_reads_as_what_it_means(mlcc, command):
    text = mlcc(command, code=0).stdout
    found = section(text)
    assert found[0].startswith("engine: vllm 0.")
    assert " -> sglang 0." in found[0]
    assert "engine.max_model_len: VLLM_MAX_MODEL_LEN=4096 -> SGLANG_CONTEXT_LENGTH=4096" in found
    assert "engine.enable_prefix_caching: VLLM_ENABLE_PREFIX_CACHING=true -> SGLANG_DISABLE_RADIX_CACHE=false" in found
    last = [line for line in found if "no counterpart" in line]
    assert last == found[-len(last) :]
    assert any(
        line.startswith("env.VLLM_LOGGING_LEVEL: VLLM_LOGGING_LEVEL=DEBUG -> no counterpart in") for line in last
    )
    assert [line for line in last if line.endswith("which does not read it: remove it")]
    before, _, _ = text.partition("  engine: ")
    assert "env." not in before


@pytest.mark.usefixtures("switched")
def test_programs_get_both_spellings(mlcc):
    document = json.loads(mlcc("plan", "-o", "json", code=0).stdout)
    assert validator.validate_document(node_of(document, Mark("stdout")), "output-plan") == []
    found = {one["path"]: one for one in document["engine"]["options"]}
    assert found["engine.max_model_len"]["after"] == {"name": "SGLANG_CONTEXT_LENGTH", "value": "4096"}
    assert found["env.VLLM_LOGGING_LEVEL"]["counterpart"] is None
    # what changed is listed as before, too
    assert "env.SGLANG_CONTEXT_LENGTH" in {row["path"] for row in document["values"]}


def test_the_same_engine_says_nothing_of_it(mlcc):
    written("vllm")
    mlcc("apply", "-q", code=0)
    build_tree(".", {"mlcc.yaml": Path("mlcc.yaml").read_text().replace("4096", "2048")})
    assert "engine" not in json.loads(mlcc("plan", "-o", "json", code=0).stdout)
    assert "engine: " not in mlcc("plan", code=0).stdout


@pytest.mark.parametrize("config", ["vllm", "sglang"])
def test_another_version_of_the_engine_is_a_short_change_in_git(mlcc, config):
    """Dockerfile, do/config, the options in one line, and the lock; of .mlcc/base Git shows no lines."""
    framework = load().framework(config)
    assert framework is not None
    newer, older = list(framework.versions)[:2]
    git_repo(".")
    for version in (older, newer):
        written(config, version)
        mlcc("apply", "-q", code=0)
        commit(".", version)
    changed = [line.split("\t") for line in git(".", "diff", "--numstat", "HEAD~1").splitlines()]
    lines = {path: int(added) + int(gone) for added, gone, path in changed if not path.startswith((".mlcc/", "mlcc.y"))}
    assert 2 <= lines["code/engine.json"] <= 6
    assert sum(lines.values()) <= 40, lines
