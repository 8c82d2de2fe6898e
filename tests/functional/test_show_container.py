"""mlcc show --container: what each container gets, compared with what really gives it to them."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mlcc.core.nodes import Mark, node_of
from mlcc.io.schema import validator
from mlcc.registries.loader import load
from tests.helpers import build_tree, needed

KNOWN = load()
FOLDER = "/opt/program"


def document(mlcc: Any, *argv: str) -> list[dict[str, Any]]:
    """The containers, in the shape that schemas/ promises."""
    found = json.loads(mlcc("show", "--container", "-o", "json", *argv, code=0).stdout)
    assert validator.validate_document(node_of(found, Mark("stdout")), "output-containers") == []
    containers: list[dict[str, Any]] = found["containers"]
    return containers


def variables(container: Mapping[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in container["environment"]}


def started(container: Mapping[str, Any]) -> dict[str, str]:
    """The environment that code/serve sees: each secret in its own variable, here as a reference."""
    found = {}
    for one in container["environment"]:
        name = one["name"].removeprefix("MLCC_SECRET_") if one["reference"] else one["name"]
        found[name] = f"${name}" if one["reference"] else one["value"]
    return found


# ---------------------------------------------------------------- the rendered serve script says the same
ENGINES = [
    name
    for name, row in KNOWN.deployment_configs.items()
    if row.architecture in ("transformers", "diffusors")
    and (kind := KNOWN.engines.get(row.engine or KNOWN.frameworks[row.frameworks[0]].engine)) is not None
    and kind.style == "serve"
]
OPTIONS = {
    "plain": "",
    "switches": "engine: {enable_prefix_caching: false, trust_remote_code: true}\n",
    "numbers": "engine: {max_model_len: 2048, gpu_memory_utilization: 0.5, tensor_parallel_size: max, max_num_seqs: 8}\n",
    "lists": "engine: {served_model_name: chat}\n",
    "parts": "engine: {speculative: {method: ngram, num_speculative_tokens: 3}}\n",
    "lora": "engine: {lora: {enabled: true, max_loras: 2, max_lora_rank: 32}}\n",
    "texts": "engine: {dtype: float16}\nenv: {HF_HOME: /tmp/hf, GREETING: 'a $b \"c\"'}\n",
    "secrets": "secrets: {HF_TOKEN: {secretsmanager: mlcc/hf}, VLLM_API_KEY: {secretsmanager: mlcc/key, json_key: a}}\n",
    "template": "model: {name: Qwen/Qwen3-0.6B, chat_template: '{{ messages }}'}\n",
    "folder": "model: {name: s3://example-bucket/models/a/}\n",
}
OF_VLLM = {
    "json": 'env: {VLLM_LIMIT_MM_PER_PROMPT: \'{"image": 2}\', VLLM_LORA_MODULES: \'["a=/x", "b=/y z"]\'}\n',
    "off": "env: {VLLM_NO_ENABLE_PREFIX_CACHING: 'true', VLLM_SEED: '', VLLM_LOGGING_LEVEL: DEBUG}\n",
}
CASES = [(c, o) for c in ENGINES for o in OPTIONS if c.startswith("transformers-") or o in ("plain", "texts")]
CASES += [("transformers-vllm", option) for option in OF_VLLM]


def rehearsed(code: Path, environ: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """What the rendered script would start, in the image's own folder."""
    model = build_tree(code.parent / "weights", {"config.json": "{}"})
    done = subprocess.run(
        [sys.executable, "-B", str(code / "serve"), "serve", "--dry-run"],
        env={"PATH": "/usr/bin:/bin", "MLCC_MODEL_DIR": str(model), **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    # the machine of the test is no image: its folders stand where those of the image would
    text = done.stdout.replace(str(code), FOLDER).replace(str(model), "/opt/ml/model")
    line, *rest = text.splitlines()
    files = dict(part.removeprefix("# ").split(": ", 1) for part in rest)
    return shlex.split(line), files


@pytest.mark.parametrize(("config", "options"), CASES)
def test_the_rendered_script_starts_what_is_shown(mlcc, config, options):
    given = {**OPTIONS, **OF_VLLM}[options]
    own = needed(config) if "model:" not in given else ""
    head = f"version: 1\nproject: {{name: demo}}\ndeployment: {{config: {config}, instance_type: ml.g6e.12xlarge}}\n"
    build_tree(".", {"mlcc.yaml": head + own + given})
    mlcc("apply", "-q", code=0)
    (container,) = document(mlcc)
    engine = container["engine"]
    assert not engine["refused"]
    assert (engine["arguments"], engine["files"]) == rehearsed(Path.cwd() / "code", started(container))
    assert (engine["behind"] == "nginx") == Path("code/nginx.conf").exists()


def test_a_variable_that_the_engine_lacks_is_reported_as_the_script_refuses_it(mlcc):
    build_tree(".", {"mlcc.yaml": CHAT.replace("HF_HOME: /tmp/hf", "SM_VLLM_MAX_LENGHT: '1'")})
    result = mlcc("show", "--container", "--env", "prod", code=1)
    assert "SM_VLLM_MAX_LENGHT: vllm" in result.stdout
    assert "the container would end at once" in result.stdout


# ---------------------------------------------------------------- the same environment as in requests and manifests
CHAT = """version: 1
project: {name: chat}
deployment: {config: transformers-vllm, region: us-east-1, instance_type: ml.g6e.12xlarge}
model: {name: Qwen/Qwen3-0.6B}
engine: {max_model_len: 4096, lora: {enabled: true}}
env: {HF_HOME: /tmp/hf, GREETING: hello}
env_unset: [VLLM_MAX_NUM_SEQS]
secrets: {HF_TOKEN: {secretsmanager: mlcc/hf-token, json_key: token}}
inference_components:
  - {name: one, gpu_count: 1, env: {GREETING: one}}
  - {name: two, gpu_count: 2, engine: {max_model_len: 2048}}
  - {name: idle, enabled: false}
adapters: [{name: lawyer, base: one, artifact_url: s3://example-bucket/adapters/lawyer.tar.gz}]
environments:
  prod: {env: {GREETING: prod}, engine: {max_num_seqs: 8}, inference_components: [{name: two, enabled: false}]}
"""


def requested(mlcc: Any, *argv: str) -> dict[str, dict[str, str]]:
    """The environments in the requests of a first deployment, by component."""
    calls = json.loads(mlcc("do", "deploy", "--dry-run", *argv, code=0).stdout)["calls"]
    models = {c["parameters"]["ModelName"]: c["parameters"] for c in calls if c["operation"] == "CreateModel"}
    parts = [c["parameters"] for c in calls if c["operation"] == "CreateInferenceComponent"]
    return {
        part["InferenceComponentName"]: models[part["Specification"]["ModelName"]]["PrimaryContainer"]["Environment"]
        for part in parts
        if "ModelName" in part["Specification"]
    }


def test_every_component_of_every_environment_is_shown_as_it_is_deployed(mlcc):
    build_tree(".", {"mlcc.yaml": CHAT})
    mlcc("apply", "-q", code=0)
    shown = document(mlcc)
    assert [(c["env"], c["component"]) for c in shown] == [("default", "one"), ("default", "two"), ("prod", "one")]
    deployed = {
        **{("default", name.removeprefix("chat-")): env for name, env in requested(mlcc).items()},
        **{("prod", name.removeprefix("chat-prod-")): env for name, env in requested(mlcc, "--env", "prod").items()},
    }
    assert {(c["env"], c["component"]): variables(c) for c in shown} == deployed
    assert document(mlcc, "--env", "prod") == shown[2:]
    assert all("VLLM_MAX_NUM_SEQS" not in variables(c) for c in shown[:2])
    assert "--max-model-len=2048" in shown[1]["engine"]["arguments"]


def test_every_variable_has_its_source(mlcc):
    build_tree(".", {"mlcc.yaml": CHAT})
    found = {one["name"]: one for one in document(mlcc, "--env", "prod")[0]["environment"]}
    assert (found["GREETING"]["value"], found["GREETING"]["origin"]) == ("one", "mlcc.yaml:10")
    assert found["VLLM_MAX_NUM_SEQS"]["source"] == "overlay"
    assert found["HF_HOME"]["origin"] == "mlcc.yaml:6"
    assert found["VLLM_GPU_MEMORY_UTILIZATION"]["source"] == "framework"
    secret = found["MLCC_SECRET_HF_TOKEN"]
    assert (secret["value"], secret["reference"], secret["origin"]) == ("mlcc/hf-token:token::", True, "mlcc.yaml:8")


def test_in_a_container_without_a_network_the_hub_is_not_asked(mlcc):
    text = CHAT.replace("name: Qwen/Qwen3-0.6B", "name: s3://example-bucket/m/").replace("secrets: ", "x-none: ")
    isolated = text + "network: {isolation: true}\n"
    build_tree(".", {"mlcc.yaml": isolated})
    found = {one["name"]: one for one in document(mlcc)[0]["environment"]}
    assert (found["HF_HUB_OFFLINE"]["value"], found["HF_HUB_OFFLINE"]["origin"]) == ("1", "mlcc.yaml:16")


JOB = """version: 1
project: {name: iris}
deployment: {config: http-flask, target: batch-transform, region: us-east-1}
env: {LOG_LEVEL: info, OTHER: a}
batch: {input_path: s3://example-bucket/in/, output_path: s3://example-bucket/out/, env: {LOG_LEVEL: debug}}
"""


def test_a_job_has_its_own_variables_over_those_of_the_model(mlcc):
    build_tree(".", {"mlcc.yaml": JOB})
    (container,) = document(mlcc)
    assert (container["component"], container["engine"]) == (None, None)
    assert variables(container) == {"LOG_LEVEL": "debug", "OTHER": "a"}
    assert (container["entrypoint"], container["arguments"]) == (["/opt/program/serve"], ["serve"])


POD = """version: 1
project: {name: chat}
deployment: {config: transformers-vllm, target: hyperpod-eks, instance_type: ml.g5.xlarge, region: us-east-1}
model: {name: Qwen/Qwen3-0.6B}
hyperpod: {cluster: example, operator: OPERATOR}
env: {PRICE: '5$a'}
secrets: {HF_TOKEN: {kubernetes: {name: hf, key: token}}}
"""


@pytest.mark.parametrize("operator", ["true", "false"])
def test_a_pod_gets_what_its_manifest_says(mlcc, operator):
    build_tree(".", {"mlcc.yaml": POD.replace("OPERATOR", operator)})
    (container,) = document(mlcc)
    found = variables(container)
    assert (found["PRICE"], found["HF_TOKEN"]) == ("5$a", "Secret hf, key token")
    # the operator fetches the model into a volume; without it the engine does
    model = "--model=/opt/ml/model" if operator == "true" else "--model=Qwen/Qwen3-0.6B"
    assert model in container["engine"]["arguments"]


def test_only_the_image_knows_what_a_given_image_starts(mlcc):
    given = "build: {strategy: none, image_uri: 123456789012.dkr.ecr.us-east-1.amazonaws.com/ml/chat:1}\n"
    build_tree(".", {"mlcc.yaml": CHAT + given})
    container = document(mlcc)[0]
    assert container["image"].endswith("/ml/chat:1")
    assert (container["entrypoint"], container["engine"]) == (None, None)
    assert "the image's own, with: serve" in mlcc("show", "--container", code=0).stdout


def test_an_image_with_an_entry_point_of_its_own_reads_the_variables(mlcc):
    build_tree(".", {"mlcc.yaml": CHAT.replace("transformers-vllm", "transformers-lmi").partition("secrets:")[0]})
    (container,) = document(mlcc)
    assert container["own_entrypoint"]
    assert container["entrypoint"] == list(KNOWN.engines["djl"].entrypoint)
    assert (container["engine"], variables(container)["OPTION_MAX_MODEL_LEN"]) == (None, "4096")


# ---------------------------------------------------------------- secrets
def test_a_secret_is_a_reference_and_a_literal_one_is_not_shown(mlcc):
    literal = "hf_" + "abcdefghij" * 3 + "abcd"
    build_tree(".", {"mlcc.yaml": CHAT.replace("GREETING: hello", f"HUB_TOKEN: {literal}, VLLM_API_KEY: sesame")})
    for argv in ((), ("-o", "json"), ("-o", "yaml"), ("-o", "markdown")):
        result = mlcc("show", "--container", *argv)
        assert "HUB_TOKEN" in result.stdout
        for secret in (literal, "sesame"):
            assert secret not in result.stdout + result.stderr


# ---------------------------------------------------------------- for people
def test_people_can_copy_the_command_line(mlcc):
    build_tree(".", {"mlcc.yaml": CHAT})
    text = mlcc("show", "--container", "--env", "prod", code=0).stdout
    head, _, rest = text.partition("  command line of the engine:\n")
    assert head.splitlines()[0] == "prod, component one"
    assert "MLCC_SECRET_HF_TOKEN=mlcc/hf-token:token::" in head
    assert max(map(len, text.splitlines())) <= 80
    # a shell joins lines that end in a backslash
    assert shlex.split(rest.replace("\\\n", "")) == document(mlcc, "--env", "prod")[0]["engine"]["arguments"]
    assert mlcc("show", "--container", "-o", "markdown", code=0).stdout.startswith("```text\n")


# ---------------------------------------------------------------- this machine
def test_do_run_shows_what_it_would_start(mlcc):
    build_tree(".", {"mlcc.yaml": CHAT.partition("inference_components:")[0]})
    mlcc("apply", "-q", code=0)
    (call,) = json.loads(mlcc("do", "run", "--target", "local", "--dry-run", "--port", "9000", code=0).stdout)["calls"]
    container = call["parameters"]["container"]
    kind = container.pop("kind")
    found = {"schema_version": 1, "containers": [container]}
    assert validator.validate_document(node_of(found, Mark("stdout")), "output-containers") == []
    assert (kind, container["entrypoint"], container["arguments"]) == ("process", ["python", "code/serve"], ["serve"])
    here = {"SAGEMAKER_BIND_TO_PORT": "9000", "MLCC_BIND_HOST": "127.0.0.1"}
    known = {name: text for name, text in variables(document(mlcc)[0]).items() if not name.startswith("MLCC_SECRET")}
    assert variables(container) == {**known, **here}
    assert container["engine"]["arguments"] == rehearsed(Path.cwd() / "code", started(container))[0]
    assert "--port=9000" in container["engine"]["arguments"]


def test_a_secret_of_this_machine_is_the_name_of_its_variable(mlcc, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "sesame-open")
    text = "version: 1\nproject: {name: iris}\ndeployment: {config: http-flask, target: local}\n"
    build_tree(".", {"mlcc.yaml": text + "secrets: {TOKEN: {env: MY_TOKEN}}\n"})
    mlcc("apply", "-q", code=0)
    shown, planned = mlcc("show", "--container", "-o", "json"), mlcc("do", "run", "--dry-run")
    for result in (shown, planned):
        assert "sesame-open" not in result.stdout
        assert '"$MY_TOKEN"' in result.stdout
    assert "MLCC_MODEL_DIR" in planned.stdout


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"engine": 1}',
        "\xff",
        '"x"',
        "[" * 5000,
        json.dumps({"engine": "vllm", "version": "1", "options": []}),
    ],
)
def test_an_engine_json_of_somebody_s_own_is_no_trouble(mlcc, text):
    build_tree(".", {"mlcc.yaml": CHAT.partition("inference_components:")[0]})
    mlcc("apply", "-q", code=0)
    Path("code/engine.json").write_bytes(text.encode("latin-1"))
    (call,) = json.loads(mlcc("do", "run", "--target", "local", "--dry-run", code=0).stdout)["calls"]
    engine = call["parameters"]["container"]["engine"]
    assert engine["refused"] == "serve: code/engine.json is not as mlcc apply writes it"
