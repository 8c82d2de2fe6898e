"""Every check: a good and a bad case, with code, path, severity and place."""

from __future__ import annotations

import pytest

from mlcc.checks import runner
from mlcc.checks.common import unused_section
from mlcc.checks.runner import TRITON, built_in, table
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.model_names import kind
from mlcc.core.values import Source
from mlcc.io.schema import validator
from mlcc.io.yaml import reader
from tests.fakes import layer, read, registries, resolved
from tests.helpers import only
from tests.unit.test_serving_checks import CODES

HEAD = "version: 1\nproject: {name: iris}\n"
BASE = HEAD + "deployment: {config: web-one}\nframework: {name: trees}\n"
TOKEN = "hf_" + "a1B2" * 9


def found(text: str, *above, code: str = "") -> list[Finding]:
    """Findings of one check (or all) about one mlcc.yaml."""
    known = registries()
    subject = Subject(resolved(text, *above, known=known), known, read(text).root)
    return list(built_in()[code](subject)) if code else runner.run(subject)


def test_a_plain_project_has_no_findings():
    assert found(BASE) == []


def deployment(extra: str) -> str:
    return HEAD + f"deployment: {{config: web-one, {extra}}}\nframework: {{name: trees}}\n"


# web-one's row lists a component
UNLISTED = HEAD + "deployment:\n  config: web-two\n"
ICS = BASE + "inference_components: [{name: chat}, {name: rank}]\n"
ADAPTER = "adapters: [{name: legal, artifact_url: 's3://bucket/a.tar.gz'%s}]\n"
BAD = {
    # code, mlcc.yaml, path, severity, line, part of the message, part of the hint
    "section-of-triton": (
        "MLCC101",
        BASE + "triton: {default_model: x}\n",
        "triton",
        "warning",
        5,
        "web-one on realtime-inference does not read triton",
        "remove it",
    ),
    "engine-of-a-component-without-one": (
        "MLCC101",
        BASE + "inference_components: [{name: chat, engine: {max_model_len: 4096}}]\n",
        "inference_components[chat].engine.max_model_len",
        "warning",
        5,
        "web-one has no engine, and does not read inference_components[chat].engine",
        "remove it",
    ),
    "components-of-a-target-without-them": (
        "MLCC101",
        deployment("target: async-inference") + "inference_components: [{name: chat, copy_count: 2}]\n",
        "inference_components",
        "warning",
        5,
        "web-one on async-inference does not read inference_components",
        "remove it",
    ),
    "key-that-the-config-ignores": (
        "MLCC101",
        BASE + "model: {revision: main}\n",
        "model.revision",
        "warning",
        5,
        "web-one does not read model.revision",
        "remove it",
    ),
    "key-that-the-target-ignores": (
        "MLCC101",
        deployment("target: async-inference, instance_count: 2"),
        "deployment.instance_count",
        "warning",
        3,
        "async-inference does not read deployment.instance_count",
        "remove it",
    ),
    "section-of-batch": (
        "MLCC101",
        BASE + "batch: {accept: text/csv}\n",
        "batch",
        "warning",
        5,
        "does not read batch",
        "choose",
    ),
    "section-of-another-target": (
        "MLCC101",
        deployment("target: batch-transform") + "scaling: {max_count: 2}\n",
        "scaling",
        "warning",
        5,
        "web-one on batch-transform",
        "",
    ),
    "misspelt-instance-type": (
        "MLCC108",
        deployment("instance_type: ml.c1.lrge"),
        "deployment.instance_type",
        "error",
        3,
        "no instance type is called 'ml.c1.lrge'",
        "did you mean ml.c1.large?",
    ),
    "unknown-instance-type": (
        "MLCC108",
        deployment("instance_type: ml.zz9.9xlarge"),
        "deployment.instance_type",
        "error",
        3,
        "'ml.zz9.9xlarge'",
        "mlcc catalog instances",
    ),
    "instance-not-for-endpoints": (
        "MLCC109",
        deployment("instance_type: ml.c1.xlarge"),
        "deployment.instance_type",
        "error",
        3,
        "ml.c1.xlarge is not offered for endpoints",
        "--offered endpoint",
    ),
    "instance-not-for-batch-transform": (
        "MLCC109",
        deployment("target: batch-transform"),
        "deployment.instance_type",
        "error",
        None,
        "not offered for batch transform jobs",
        "--offered transform",
    ),
    "instance-not-for-hyperpod": (
        "MLCC109",
        deployment("target: hyperpod-eks"),
        "deployment.instance_type",
        "error",
        None,
        "not offered for HyperPod clusters",
        "--offered hyperpod",
    ),
    "unknown-region": (
        "MLCC111",
        deployment("region: us-east-9"),
        "deployment.region",
        "error",
        3,
        "no region is called 'us-east-9'",
        "did you mean us-east-1?",
    ),
    "region-without-sagemaker": (
        "MLCC111",
        deployment("region: us-iso-west-1"),
        "deployment.region",
        "error",
        3,
        "SageMaker is not offered in us-iso-west-1",
        "mlcc catalog regions",
    ),
    "format-of-another-framework": (
        "MLCC113",
        BASE + "model: {format: onnx}\n",
        "model.format",
        "error",
        5,
        "trees does not load 'onnx'",
        "trees loads: joblib, json",
    ),
    "file-of-another-format": (
        "MLCC115",
        BASE + "model: {name: ./x.json, format: joblib}\n",
        "model.name",
        "error",
        5,
        "trees as joblib looks for model.joblib, not for './x.json'",
        "trees loads .joblib, .json; or set framework.name: trees, model.format: json",
    ),
    "hub-model-for-a-server-of-files": (
        "MLCC114",
        BASE + "model: {name: acme/big}\n",
        "model.name",
        "error",
        5,
        "web cannot serve 'acme/big'",
        "./path in the project, s3://bucket/prefix/",
    ),
    "jumpstart-model-for-a-server-of-files": (
        "MLCC114",
        BASE + "model: {name: 'jumpstart://x'}\n",
        "model.name",
        "error",
        5,
        "web cannot serve 'jumpstart://x'",
        "sample model",
    ),
    "secret-by-name-in-env": (
        "MLCC120",
        BASE + "env: {HF_TOKEN: x}\n",
        "env.HF_TOKEN",
        "error",
        5,
        "HF_TOKEN is the name of a secret",
        "secretsmanager",
    ),
    "secret-by-form-in-env": (
        "MLCC120",
        BASE + f"env: {{NOTE: {TOKEN}}}\n",
        "env.NOTE",
        "error",
        5,
        "the value has the format of a secret",
        "secretsmanager",
    ),
    "secret-in-json-in-env": (
        "MLCC120",
        BASE + 'env: {EXTRA: \'{"a": [{"api_key": "x"}]}\'}\n',
        "env.EXTRA",
        "error",
        5,
        "gives something to the name of a secret",
        "secretsmanager",
    ),
    "secret-behind-an-option-in-env": (
        "MLCC120",
        BASE + "env: {ARGS: 'serve --api-key q7Kx2Wm9'}\n",
        "env.ARGS",
        "error",
        5,
        "gives something to the name of a secret",
        "secretsmanager",
    ),
    "secret-by-form-in-a-payload": (
        "MLCC120",
        BASE + "project_note: x\n".replace("project_note: x", f"test: {{payload: {TOKEN}}}"),
        "test.payload",
        "error",
        5,
        "the format of a secret",
        "",
    ),
    "secret-where-its-name-belongs": (
        "MLCC120",
        BASE + f"secrets: {{HF_TOKEN: {{secretsmanager: {TOKEN}}}}}\n",
        "secrets.HF_TOKEN.secretsmanager",
        "error",
        5,
        "the format of a secret",
        "secrets: {HF_TOKEN: {secretsmanager: NAME}}, where NAME is its name or ARN in AWS Secrets Manager, never",
    ),
    "secret-by-name-in-tags": (
        "MLCC120",
        BASE + "tags: {api-key: x}\n",
        "tags.api-key",
        "error",
        5,
        "the name of a secret",
        "",
    ),
    "secret-in-a-component": (
        "MLCC120",
        BASE + "inference_components: [{name: chat, env: {DB_PASSWORD: x}}]\n",
        "inference_components[chat].env.DB_PASSWORD",
        "error",
        5,
        "the name of a secret",
        "",
    ),
    "secret-without-a-place": (
        "MLCC121",
        BASE + "secrets: {A: {phase: build}}\n",
        "secrets.A.phase",
        "error",
        5,
        "A names 0 of secretsmanager, env, kubernetes",
        "exactly one",
    ),
    "secret-with-two-places": (
        "MLCC121",
        BASE + "secrets: {A: {secretsmanager: x, env: B}}\n",
        "secrets.A.env",
        "error",
        5,
        "A names 2 of",
        "exactly one",
    ),
    "secret-of-this-machine-on-aws": (
        "MLCC121",
        BASE + "secrets: {A: {env: B}}\n",
        "secrets.A.env",
        "warning",
        5,
        "which realtime-inference does not have",
        "phase: build",
    ),
    "secret-of-kubernetes-on-aws": (
        "MLCC121",
        BASE + "secrets: {D: {kubernetes: {name: a, key: b}}}\n",
        "secrets.D.kubernetes.key",
        "warning",
        5,
        "which realtime-inference does not read",
        "use secretsmanager, or deploy to the target local",
    ),
    "secret-of-aws-on-this-machine": (
        "MLCC121",
        deployment("target: local") + "secrets: {A: {secretsmanager: x}}\n",
        "secrets.A.secretsmanager",
        "warning",
        5,
        "which local does not read",
        "use env",
    ),
    "secret-behind-network-isolation": (
        "MLCC122",
        BASE + "secrets: {A: {secretsmanager: x}}\nnetwork: {isolation: true}\n",
        "network.isolation",
        "error",
        6,
        "reading A from Secrets Manager",
        "remove network.isolation",
    ),
    "secret-with-the-name-of-a-variable": (
        "MLCC122",
        BASE + "secrets: {A: {secretsmanager: x}}\nenv: {A: '1'}\n",
        "env.A",
        "error",
        6,
        "A is a variable here, and a secret",
        "keep one of them",
    ),
    "secret-for-an-image-of-the-user": (
        "MLCC122",
        BASE + "secrets: {A: {secretsmanager: x}}\nbuild: {strategy: none, image_uri: 'a.dkr/x:1'}\n",
        "build.image_uri",
        "warning",
        6,
        "does not read A by itself",
        "framework.base_image",
    ),
    "json-key-without-secrets-manager": (
        "MLCC121",
        BASE + "secrets: {A: {env: A, phase: build, json_key: k}}\n",
        "secrets.A.json_key",
        "error",
        5,
        "A has a json_key without secretsmanager",
        "remove it",
    ),
    "secret-for-an-image-of-a-component": (
        "MLCC122",
        BASE + "secrets: {A: {secretsmanager: x}}\ninference_components: [{name: a, image: 'a.dkr/x:1'}]\n",
        "inference_components[a].image",
        "warning",
        6,
        "does not read A by itself",
        "framework.base_image",
    ),
    "role-of-another-account": (
        "MLCC127",
        deployment('account_id: "123456789012", role_arn: "arn:aws:iam::210987654321:role/x"'),
        "deployment.role_arn",
        "error",
        3,
        "account 210987654321, and deployment.account_id is 123456789012",
        "of the account",
    ),
    "adapter-without-base": (
        "MLCC123",
        ICS + ADAPTER % "",
        "adapters[legal].name",
        "error",
        6,
        "adapter legal names no base, and there are 2 components",
        "chat, rank",
    ),
    "adapter-with-the-name-of-a-component": (
        "MLCC123",
        ICS + (ADAPTER % ", base: chat").replace("name: legal", "name: rank"),
        "adapters[rank].name",
        "error",
        6,
        "adapter rank has the name of an inference component",
        "another name",
    ),
    "adapter-with-unknown-base": (
        "MLCC123",
        ICS + ADAPTER % ", base: nope",
        "adapters[legal].base",
        "error",
        6,
        "no inference component is called 'nope'",
        "chat, rank",
    ),
    "requirement-without-version": (
        "MLCC125",
        BASE + "build: {requirements: [polars]}\n",
        "build.requirements",
        "warning",
        5,
        "'polars' has no version",
        "polars==VERSION",
    ),
    "requirement-with-a-lower-bound": (
        "MLCC125",
        BASE + "build: {requirements: ['polars[gpu]>=1.2,<2']}\n",
        "build.requirements",
        "warning",
        5,
        "'polars[gpu]>=1.2,<2' is a range: the version is whatever is newest at the build",
        "pin it: polars[gpu]==1.2",
    ),
    "system-package-without-version": (
        "MLCC125",
        BASE + "build: {system_packages: [curl]}\n",
        "build.system_packages",
        "warning",
        5,
        "'curl' has no version",
        "curl=VERSION",
    ),
    "scaling-bounds-of-the-project": (
        "MLCC126",
        BASE + "scaling: {min_count: 3, max_count: 2}\n",
        "scaling.min_count",
        "error",
        5,
        "min_count 3 is above max_count 2",
        "raise max_count",
    ),
    "scaling-bounds-of-a-component": (
        "MLCC126",
        BASE + "inference_components: [{name: chat, scaling: {min_count: 2, max_count: 1}}]\n",
        "inference_components[chat].scaling.min_count",
        "error",
        5,
        "above max_count 1",
        "",
    ),
    **{
        f"{key}-above-a-list": (
            "MLCC128",
            BASE + f"inference_components: [{{name: chat}}]\nscaling: {{max_count: 2, {key}: {value}}}\n",
            f"scaling.{key}",
            "error",
            6,
            f"scaling.{key} has no effect",
            f"inference_components[chat].scaling.{key}",
        )
        for key, value in {
            "metric": "Mine",
            "target_value": 7,
            "scale_in_cooldown_s": 8,
            "scale_out_cooldown_s": 9,
        }.items()
    },
    "every-component-off": (
        "MLCC394",
        BASE + "inference_components: [{name: chat, enabled: false}, {name: code, enabled: false}]\n",
        "inference_components[chat].enabled",
        "error",
        5,
        "every inference component is switched off",
        "inference_components[chat].enabled true",
    ),
    "metric-above-a-listed-default": (
        "MLCC128",
        UNLISTED + "inference_components: [{name: default, cpu_count: 1}]\nscaling: {max_count: 2, metric: Mine}\n",
        "scaling.metric",
        "error",
        6,
        "scaling.metric has no effect",
        "inference_components[default].scaling.metric",
    ),
    "scaling-without-bounds": (
        "MLCC128",
        UNLISTED + "scaling: {target_value: 5}\n",
        "scaling.target_value",
        "error",
        5,
        "scaling has neither min_count nor max_count",
        "scaling.max_count",
    ),
    "scaling-of-a-component-without-bounds": (
        "MLCC128",
        BASE + "inference_components: [{name: chat, scaling: {target_value: 5}}]\n",
        "inference_components[chat].scaling.target_value",
        "error",
        5,
        "has neither min_count nor max_count",
        "inference_components[chat].scaling.max_count",
    ),
    "scaling-of-queues-without-bounds": (
        "MLCC128",
        deployment("target: async-inference") + "scaling: {scale_in_cooldown_s: 5}\n",
        "scaling.scale_in_cooldown_s",
        "error",
        5,
        "has neither",
        "",
    ),
    "metric-of-instances-for-copies": (
        "MLCC128",
        UNLISTED + "scaling: {max_count: 2, metric: CallsPerInstance}\n",
        "scaling.metric",
        "error",
        5,
        "'CallsPerInstance' is a metric of async-inference",
        "CallsPerCopy",
    ),
    "metric-of-copies-for-instances": (
        "MLCC128",
        deployment("target: async-inference") + "scaling: {max_count: 2, metric: CallsPerCopy}\n",
        "scaling.metric",
        "error",
        5,
        "'CallsPerCopy' is a metric of realtime-inference",
        "CallsPerInstance",
    ),
    **{
        f"endpoint-that-keeps-{name}": (
            "MLCC128",
            BASE
            + f"inference_components: [{{name: gone, enabled: false}}, {{name: chat{more}}}]\nscaling: {{min_count: 0, max_count: 2}}\n",
            "scaling.min_count",
            "error",
            6,
            "'chat' keeps at least one copy",
            "mlcc set inference_components[chat].scaling.min_count 0",
        )
        for name, more in {"a-copy": "", "scaled-copies": ", copy_count: 0, scaling: {max_count: 3}"}.items()
    },
}


@pytest.mark.parametrize(("code", "text", "path", "severity", "line", "message", "hint"), BAD.values(), ids=BAD)
def test_bad_cases(code, text, path, severity, line, message, hint):
    finding = only(found(text, code=code))
    assert (finding.code, finding.path, finding.severity.label) == (code, path, severity)
    assert message in finding.message
    assert hint in finding.hint
    if line is None:
        assert "deployment_configs.yaml" in finding.file, "the place is the registry row's"
    else:
        assert (finding.file, finding.line) == ("mlcc.yaml", line)
        assert finding.column > 0


GOOD = {
    "one-component-on": (
        "MLCC394",
        BASE + "inference_components: [{name: chat, enabled: false}, {name: code}]\n",
    ),
    "common-and-own-sections": ("MLCC101", BASE + "triton: {}\nx-own: {a: 1}\nenv: {A: b}\nscaling: {max_count: 2}\n"),
    "section-of-the-target": ("MLCC101", deployment("target: batch-transform") + "batch: {accept: text/csv}\n"),
    "known-instance-type": ("MLCC108", deployment("instance_type: ml.c1.xlarge")),
    "no-instance-type": ("MLCC108", HEAD + "deployment: {config: web-two}\n"),
    "instance-for-endpoints": ("MLCC109", deployment("instance_type: ml.c1.large")),
    "instance-for-batch-transform": ("MLCC109", deployment("instance_type: ml.c1.xlarge, target: batch-transform")),
    "any-instance-on-this-machine": ("MLCC109", deployment("instance_type: ml.c1.xlarge, target: local")),
    "unknown-instance-is-reported-elsewhere": ("MLCC109", deployment("instance_type: ml.zz.large")),
    "known-region": ("MLCC111", deployment("region: us-east-1")),
    "no-region": ("MLCC111", BASE),
    "format-of-the-framework": ("MLCC113", BASE + "model: {format: json}\n"),
    "file-of-the-format": ("MLCC115", BASE + "model: {name: ./x.joblib, format: joblib}\n"),
    "format-by-the-suffix": ("MLCC115", BASE + "model: {name: ./x.json}\n"),
    "folder-of-a-model": ("MLCC115", BASE + "model: {name: ./models/v1.2, format: joblib}\n"),
    "model-in-the-project": ("MLCC114", BASE + "model: {name: ./models/x.joblib}\n"),
    "model-in-s3": ("MLCC114", BASE + "model: {name: 's3://bucket/prefix/'}\n"),
    "architecture-without-kinds": ("MLCC114", HEAD + "deployment: {config: bare-one}\nmodel: {name: acme/big}\n"),
    "harmless-names-and-empty-values": (
        "MLCC120",
        BASE + "env: {MAX_TOKENS: '12', HF_TOKEN: ''}\ntags: {team: vision}\n",
    ),
    "no-secret-in-json-in-env": (
        "MLCC120",
        BASE
        + 'env: {EXTRA: \'{"api_key": "${API_KEY}", "max_tokens": "12"}\', ARGS: \'--max-tokens 4096 --api-key $KEY\'}\n',
    ),
    "reference-to-a-secret": ("MLCC120", BASE + "secrets: {HF_TOKEN: {secretsmanager: mlcc/hf-token}}\n"),
    "one-place-each": (
        "MLCC121",
        BASE + "secrets: {A: {secretsmanager: x}, B: {env: C, phase: build}}\n",
    ),
    "secret-of-the-build-with-isolation": (
        "MLCC122",
        BASE + "secrets: {A: {secretsmanager: x, phase: build}}\nnetwork: {isolation: true}\n",
    ),
    "secret-beside-another-variable": (
        "MLCC122",
        BASE + "secrets: {A: {secretsmanager: x}}\nenv: {B: '1'}\nbuild: {strategy: none}\n",
    ),
    "role-of-the-account": (
        "MLCC127",
        deployment('account_id: "123456789012", role_arn: "arn:aws:iam::123456789012:role/x"'),
    ),
    "role-without-account": ("MLCC127", deployment('role_arn: "arn:aws:iam::123456789012:role/x"')),
    "secret-of-this-machine-on-this-machine": ("MLCC121", deployment("target: local") + "secrets: {A: {env: B}}\n"),
    "adapter-with-base": ("MLCC123", ICS + ADAPTER % ", base: rank"),
    "adapter-that-is-off": ("MLCC123", ICS + ADAPTER % ", base: nobody, enabled: false"),
    "adapter-with-one-component": ("MLCC123", BASE + ADAPTER % ""),
    "adapter-without-components": (
        "MLCC123",
        BASE.replace("web-one", "web-two, target: local") + ADAPTER % ", base: nope",
    ),
    "exact-versions": (
        "MLCC125",
        BASE + "build: {requirements: ['numpy==2.0.0'], system_packages: [curl=7.88.1-10+deb12u8]}\n",
    ),
    "scaling-of-the-implied-component": (
        "MLCC128",
        UNLISTED
        + "scaling: {min_count: 0, max_count: 2, metric: CallsPerCopy, target_value: 5, scale_in_cooldown_s: 0}\n",
    ),
    "a-metric-of-one-s-own": ("MLCC128", UNLISTED + "scaling: {max_count: 2, metric: Mine}\n"),
    "bounds-of-instances-and-of-copies": (
        "MLCC128",
        BASE
        + "inference_components: [{name: chat, scaling: {min_count: 0, max_count: 2, target_value: 5}}, {name: b, copy_count: 0}]\n"
        + "scaling: {min_count: 0, max_count: 2}\n",
    ),
    "scaling-that-another-rule-is-about": ("MLCC128", deployment("target: local") + "scaling: {target_value: 2}\n"),
    "equal-scaling-bounds": ("MLCC126", BASE + "scaling: {min_count: 2, max_count: 2}\n"),
    "bounds-of-different-sections": (
        "MLCC126",
        BASE + "scaling: {max_count: 2}\ninference_components: [{name: chat, scaling: {min_count: 1}}]\n",
    ),
}


@pytest.mark.parametrize(("code", "text"), GOOD.values(), ids=GOOD)
def test_good_cases(code, text):
    assert found(text, code=code) == []


def test_every_check_has_a_good_and_a_bad_case():
    # test_triton_checks, test_ensemble_checks, test_policies, test_waivers, test_manifest_checks, test_pod_scaling,
    # test_cluster_of_eks_alone, test_shared_names, test_requirements, and below
    starts = ("MLCC16", "MLCC19", "MLCC36", "MLCC377", "MLCC390", "MLCC393", "MLCC400", "MLCC407", "MLCC408")
    elsewhere = {code for code in built_in() if code.startswith(starts)} | {"MLCC158", *table(TRITON)}
    assert {b[0] for b in BAD.values()} == {g[0] for g in GOOD.values()} == set(built_in()) - elsewhere - CODES


@pytest.mark.parametrize(
    ("name", "missing", "paths"),
    [
        ("./gone.joblib", {"./gone.joblib"}, ["model.name"]),
        ("./there.joblib", {"./gone.joblib"}, []),
        ("gone/on-the-hub", {"gone/on-the-hub"}, []),
    ],
)
def test_a_file_that_was_looked_for_and_is_not_there(name, missing, paths):
    text = BASE + f"model: {{name: {name}, format: joblib}}\n"
    subject = Subject(resolved(text), registries(), read(text).root, missing)
    findings = list(built_in()["MLCC158"](subject))
    assert [(f.path, f.severity) for f in findings] == [(p, Severity.WARNING) for p in paths]
    assert all((f.file, f.line) == ("mlcc.yaml", 5) for f in findings)


def test_a_finding_about_an_option_names_the_option():
    above = layer(Source.OPTION, "deployment: {region: us-east-9}", "--region")
    finding = only(found(BASE, above, code="MLCC111"))
    assert (finding.file, finding.line) == ("--region", 0)


@pytest.mark.parametrize(
    "text", [BASE + f"env: {{HF_TOKEN: {TOKEN}}}\n", BASE + f"env: {{X: {TOKEN}}}\n", BASE + f"tags: {{a: {TOKEN}}}\n"]
)
def test_a_secret_is_never_shown(text):
    findings = found(text)
    assert findings
    assert not [f for f in findings if TOKEN in f.message + f.hint]


ON_THIS_MACHINE = BASE.replace("deployment: {", "deployment: {target: local, ")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (BASE + "env: {HF_TOKEN: x}\n", "secrets: {HF_TOKEN: {secretsmanager: NAME}}"),
        (BASE + "env: {db_password: x}\n", "secrets: {db_password: {secretsmanager: NAME}}"),
        (ON_THIS_MACHINE + "env: {HF_TOKEN: x}\n", "secrets: {HF_TOKEN: {env: HF_TOKEN}}"),
        (
            BASE + "env: {HF_TOKEN: x}\nsecrets: {HF_TOKEN: {secretsmanager: a}}\n",
            "secrets.HF_TOKEN says already where it is",
        ),
        (BASE + f"secrets: {{A: {{secretsmanager: {TOKEN}}}}}\n", "secrets: {A: {secretsmanager: NAME}}, where NAME"),
        (BASE + "tags: {api-key: x}\n", "remove it; create a new secret"),
    ],
)
def test_the_right_form_has_the_user_s_own_name(text, form):
    finding = next(f for f in found(text, code="MLCC120") if f.code == "MLCC120")
    assert form in finding.hint
    assert finding.hint.endswith("create a new secret: this one was exposed")


def test_a_secret_in_a_list_is_seen():
    text = BASE + f"endpoint: {{rollback_alarms: ['{TOKEN}']}}\n"
    assert "MLCC120" in [f.code for f in found(text)]


@pytest.mark.parametrize("text", [f"env: {{{TOKEN}: x}}", f"tags: {{{TOKEN}: x}}", f"env: {{{TOKEN}: true}}"])
def test_a_secret_that_is_a_name_is_seen(text):
    [finding] = [f for f in found(BASE + text + "\n", code="MLCC120") if f.code == "MLCC120"]
    assert "the name has the format of a secret" in finding.message
    assert TOKEN not in finding.message + finding.hint


def test_a_secret_that_is_a_number_is_seen():
    assert "MLCC120" in [f.code for f in found(BASE + "engine: {extra_args: {api-key: 123456}}\n", code="MLCC120")]


def test_a_project_that_names_no_config_is_left_to_others():
    text = HEAD + "triton: {default_model: x}\nscaling: {min_count: 2, max_count: 1}\n"
    assert [f.code for f in found(text)] == ["MLCC126"]


# ---------------------------------------------------------------- sections that nothing reads
UNREAD = {
    "adapters": "[{name: legal, artifact_url: 's3://bucket/a.tar.gz'}]",
    "async": "{s3_output_path: 's3://bucket/out/'}",
    "batch": "{accept: text/csv}",
    "encryption": "{volume_kms_key_id: alias/mlcc}",
    "endpoint": "{volume_size_gb: 64}",
    "engine": "{dtype: auto}",
    "framework": "{version: '1.0'}",
    "hyperpod": "{replicas: 2}",
    "inference_components": "[{name: chat}]",
    "model": "{data_type: S3Prefix}",
    "network": "{isolation: true}",
    "scaling": "{max_count: 2}",
    "triton": "{default_model: x}",
}
BARE = HEAD + "deployment: {config: bare-one, target: local}\n"
OVERLAYS = "environments:\n  dev: {}\n  qa:\n    %s\n"


def unused(text: str, env: str | None = None, like: str = "") -> list[tuple[str, str, int, int]]:
    """What MLCC101 says about one environment.  like: the text whose values are resolved, where `text` has mistakes."""
    tree = reader.load_yaml(text.encode(), "mlcc.yaml")
    assert tree.root is not None
    known = registries()
    subject = Subject(resolved(like or text, env=env, known=known), known, tree.root)
    return [(f.path, f.file, f.line, f.column) for f in built_in()["MLCC101"](subject)]


def test_every_section_that_could_be_without_use_is_listed_here():
    assert set(UNREAD) == set(validator.load_schema("mlcc")["properties"]) - unused_section.COMMON


@pytest.mark.parametrize("key", UNREAD)
def test_a_section_without_use_is_named_whichever_it_is(key):
    assert unused(f"{BARE}{key}: {UNREAD[key]}\n", like=BARE) == [(key, "mlcc.yaml", 4, 1)]


@pytest.mark.parametrize("key", UNREAD)
def test_so_is_one_in_an_overlay_in_its_environment_only(key):
    text = BARE + OVERLAYS % f"{key}: {UNREAD[key]}"
    like = BARE + OVERLAYS % "ttl: 1h"
    assert unused(text, "qa", like) == [(f"environments.qa.{key}", "mlcc.yaml", 7, 5)]
    assert unused(text, None, like) == []
    assert unused(text, "dev", like) == []


def test_the_target_of_the_environment_decides_which_sections_of_its_overlay_are_read():
    text = (
        deployment("target: local") + OVERLAYS % "deployment: {target: realtime-inference}\n    scaling: {max_count: 2}"
    )
    assert unused(text, "qa") == []
    assert [u[0] for u in unused(text.replace("realtime-inference", "batch-transform"), "qa")] == [
        "environments.qa.scaling"
    ]


def test_a_section_at_the_top_is_read_where_one_environment_reads_it():
    text = deployment("target: local") + "async: {s3_output_path: s3://bucket/out/}\nbatch: {accept: text/csv}\n"
    text += "environments: {qa: {deployment: {target: async-inference}}}\n"
    root, known = read(text).root, registries()
    every = [resolved(text, env=env, known=known) for env in (None, "qa")]
    for one in every:
        assert [f.path for f in built_in()["MLCC101"](Subject(one, known, root, (), every))] == ["batch"]
    assert [u[0] for u in unused(text)] == ["async", "batch"], "where no environment is known"


@pytest.mark.parametrize("overlay", ["scaling: {}", "x-own: {a: 1}", "tags: {a: b}", ""])
def test_what_is_empty_or_common_in_an_overlay_is_no_finding(overlay):
    assert unused(BARE + OVERLAYS % overlay, "qa", BARE + OVERLAYS % "ttl: 1h") == []


def test_checks_of_plugins_run_after_the_built_in_ones():
    mine = Finding("X1", Severity.NOTE, "mine")
    subject = Subject(resolved(BASE), registries(), read(BASE).root)
    assert runner.run(subject, [lambda s: iter([mine])]) == [mine]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("./x", "path"),
        ("s3://b/k", "s3"),
        ("jumpstart://x", "jumpstart"),
        ("registry://g", "registry"),
        ("a/b", "hub"),
        ("b", "hub"),
    ],
)
def test_kinds_of_model_names(name, expected):
    assert kind(name) == expected


@pytest.mark.parametrize("code", built_in())
def test_every_check_has_its_code_and_rule_in_its_docstrings(code):
    module = __import__("importlib").import_module(built_in()[code].__module__)
    assert code == module.CODE
    assert module.__doc__.startswith(f"{code}: ")
    assert built_in()[code].__doc__
