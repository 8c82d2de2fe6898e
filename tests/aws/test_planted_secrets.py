"""G25: forty planted secrets leak nowhere, and the values of twelve harmless names are kept.

They stand wherever a user or a service can put them; the command line runs in this process, against an account in
memory.  All that is printed, written or sent is searched for each of them, whole, in part and in other forms.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from mlcc.cli.boundary import run as run_command
from mlcc.cli.main import cli
from mlcc.cli.session import Session
from mlcc.io.aws.connection import AwsError
from mlcc.io.disk.reader import Directory
from mlcc.lifecycle import build_context
from mlcc.registries.redaction_given import REDACTED
from tests.aws import walker
from tests.aws.account import World
from tests.aws.planted import HARMLESS, NEEDLES, SECRETS, leaked
from tests.aws.test_deploy import HEAD
from tests.helpers import File, build_tree, read_tree

PARTS = """inference_components: [{name: a, gpu_count: 1, env: %s}]
adapters: [{name: legal, base: a, artifact_url: s3://bucket/legal.tar.gz}]
"""
GOOD = (
    HEAD
    + f"env: {json.dumps(HARMLESS)}\nsecrets: {{API: {{secretsmanager: mlcc/api}}}}\n"
    + PARTS % "{GREETING: hello}"
)
BUILT = "version: 1\nproject: {name: iris}\ndeployment: {config: http-fastapi, region: us-east-1}\n"
# Files of a project's folder that programs keep secrets in.
FILES = [
    ".env",
    "code/.env.local",
    ".netrc",
    ".npmrc",
    ".pypirc",
    "code/.pypirc",
    ".git-credentials",
    "code/.htpasswd",
    ".pgpass",
    ".dockercfg",
    ".envrc",
    ".aws/credentials",
    "code/.aws/config",
    ".ssh/id_rsa",
    "code/id_rsa",
    "code/id_ed25519",
    ".docker/config.json",
    ".kube/config",
    "kubeconfig",
    "code/kubeconfig",
    "server.pem",
    "code/tls.key",
    "sample_model/store.p12",
    "code/keystore.jks",
    "code/me.ppk",
    "code/x.pfx",
    "credentials.json",
    "code/credentials",
    "code/application_default_credentials.json",
    "service-account.json",
    "code/service_account-1.json",
    "secrets.yaml",
    "code/secrets.toml",
    "main.tfvars",
    "code/terraform.tfstate",
    ".yarnrc.yml",
    ".vault-token",
    ".s3cfg",
    "code/.huggingface/token",
    "sample_model/model/.cache/token",
]
# An engine that shows what it was given, as an installer that fails does.
ENGINE = '#!/bin/sh\n[ "$1" = buildx ] && exit 1\nenv\necho "$*"\n[ "$1" != build ] || exit ${FAILS:-0}\n'


class Connected(World):
    """The account, all that it was sent, and services that repeat what is planted."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, str]] = []
        self.failing: dict[str, str] = {}
        self.reason = ""
        self.stored = ""

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        body = {
            k: v if isinstance(v, (bytes, str, int)) or not hasattr(v, "read") else "(a file)"
            for k, v in parameters.items()
        }
        self.sent.append((operation, repr(body)))
        walker.check(service, operation, parameters)
        if operation in self.failing:
            raise AwsError(service, operation, "ValidationException", self.failing[operation], 400)
        if service == "secretsmanager":
            return {"SecretString": self.stored}
        if service == "dynamodb":
            return {}
        if service == "sagemaker-runtime":
            return {
                "Body": io.BytesIO(json.dumps({"text": self.reason or "hello"}).encode()),
                "ContentType": "application/json",
            }
        answer = super().call(service, operation, parameters)
        failed = self.reason and operation == "DescribeInferenceComponent"
        return {**answer, "InferenceComponentStatus": "Failed", "FailureReason": self.reason} if failed else answer


class Scene:
    """A folder with a home, and everything that was printed; `places` are the leaks by place."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], **environ: str) -> None:
        self.folder, self.capsys, self.world = folder, capsys, Connected()
        self.environ = {
            "HOME": str(folder / "home"),
            "MLCC_HOME": str(folder / "home/.mlcc"),
            "MLCC_PLUGINS": "none",
            **environ,
        }
        self.places: dict[str, list[str]] = {}
        self.printed: list[str] = []

    def run(self, *argv: str, code: int | None = 0) -> str:
        """What a command prints, in a run of its own.  code: the exit code, None for any but a bug's."""
        session = Session(environ=self.environ, sleep=self.world.sleep, connect=lambda region: self.world)
        found = run_command(cli, argv, session=session)
        said = self.capsys.readouterr()
        assert found == code if code is not None else found in (0, 1, 2, 3), f"{argv}: {found} {said.out} {said.err}"
        text = f"{said.out}\n{said.err}"
        self.note(" ".join(argv[:4]), text)
        self.printed.append(text)
        return text

    def do(self, step: str, *argv: str, code: int | None = 0) -> str:
        """What a step prints as text and as JSON."""
        return "".join(self.run("do", "-C", "project", step, *argv, *form, code=code) for form in ((), ("--json",)))

    def note(self, place: str, *texts: str | bytes) -> None:
        """Looks for leaks."""
        if names := leaked(*texts):
            self.places.setdefault(place, []).extend(n for n in names if n not in self.places.get(place, []))

    def note_files(self, planted: Sequence[str] = ()) -> None:
        """Everything that was written or sent.  planted: files that hold a secret because the test put it there."""
        written = {name: data for name, data in read_tree(self.folder, skip=()).items() if name not in planted}
        # none is left out: no call of these steps has a secret's value as its purpose (GetSecretValue names it)
        sent = {f"request {operation}": "" for operation, _ in self.world.sent}
        for operation, body in dict.fromkeys(self.world.sent):
            sent[f"request {operation}"] += f"{body}\n"
        if leaked(*written.values(), *sent.values()):
            for name, text in {**written, **sent}.items():
                self.note(name, text)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(known: bool) -> list[str]:
    return [text for secret in SECRETS for text in secret.texts(known)]


def brief(known: bool, size: int = 8) -> Iterator[str]:
    """Texts with a few each, as an error of AWS is shown up to a length; the ways to write one take turns."""
    ways = [[*secret.texts(known)] for secret in SECRETS]
    chosen = [texts[number % len(texts)] for number, texts in enumerate(ways)]
    yield from (" ; ".join(chosen[at : at + size]) for at in range(0, len(chosen), size))


# Operations that fail, and the steps that say so.
FAILING = (
    ("DescribeEndpoint", "status", ["--json"]), ("FilterLogEvents", "logs", ["--json"]), ("FilterLogEvents", "logs", []),
    ("BatchGetProjects DescribeRepositories", "manifest", ["--live"]),
)  # fmt: skip


# ---------------------------------------------------------------- what is written into mlcc.yaml
def literal(place: str) -> str:
    """A mlcc.yaml with all forty in one place."""
    plain = {s.name: s.value for s in SECRETS}
    inner = {f"EXTRA_{n}": json.dumps({"a": [{s.name: s.value}]}) for n, s in enumerate(SECRETS)}
    options = {f"ARGS_{n}": f"serve --{s.name.lower()} {s.value}" for n, s in enumerate(SECRETS)}
    addresses = [f"https://me:{s.core}@example.com/x.tar.gz" for s in SECRETS]
    adapters = [{"name": f"x{n}", "base": "a", "artifact_url": a} for n, a in enumerate(addresses)]
    return {
        "env": HEAD + f"env: {json.dumps(plain)}\n",
        "JSON in env": HEAD + f"env: {json.dumps(inner)}\n",
        "options in env": HEAD + f"env: {json.dumps(options)}\n",
        "env of a component": HEAD + PARTS % json.dumps(plain),
        "JSON in env of a component": HEAD + PARTS % json.dumps(inner),
        "tags": HEAD + f"tags: {json.dumps(plain)}\n",
        "addresses of adapters": HEAD
        + f"inference_components: [{{name: a, gpu_count: 1}}]\nadapters: {json.dumps(adapters)}\n",
        "secrets": HEAD + f"secrets: {json.dumps(plain)}\n",
    }[place]


LITERAL = (
    "env", "JSON in env", "options in env", "env of a component", "JSON in env of a component", "tags", "addresses of adapters", "secrets",
)  # fmt: skip
# Those that are run for each place, and then those that are run for one.
SOME = 4
REFUSING = (
    ("validate",), ("validate", "--json"), ("apply",), ("plan", "--json"), ("validate", "-o", "sarif"), ("validate", "-o", "github"),
    ("plan",), ("apply", "--json"), ("show",), ("show", "--json"), ("diff",),
)  # fmt: skip


@pytest.mark.parametrize("place", LITERAL)
def test_what_is_written_down_is_refused_unseen(folder: Path, capsys: pytest.CaptureFixture[str], place: str) -> None:
    scene = Scene(folder, capsys)
    build_tree(folder, {"project/mlcc.yaml": literal(place)})
    for argv in REFUSING if place == "env" else REFUSING[:SOME]:
        scene.run(*argv, *(("-f",) if argv[0] == "show" else ()), "project/mlcc.yaml", code=1)
    scene.run("explain", "-f", "project/mlcc.yaml", code=None)
    scene.run("explain", "-f", "project/mlcc.yaml", "--json", code=None)
    scene.note_files(["project/mlcc.yaml"])
    assert scene.places == {}
    found = json.loads(scene.run("validate", "--json", "project/mlcc.yaml", code=1).partition("\n\n")[0])["findings"]
    assert len({f["path"] for f in found if f["severity"] == "error"}) >= len(SECRETS)
    if "env" in place:
        assert len({f["path"] for f in found if f["code"] == "MLCC120"}) == len(SECRETS)


# ---------------------------------------------------------------- what comes from outside
@pytest.mark.parametrize("known", [True, False], ids=["of a variable", "unknown"])
def test_forty_planted_secrets_leak_nowhere(folder: Path, capsys: pytest.CaptureFixture[str], known: bool) -> None:
    variables = {secret.name: secret.value for secret in SECRETS} if known else {}
    scene = Scene(folder, capsys, **variables)
    build_tree(folder, {"project/mlcc.yaml": GOOD})
    for argv in (("validate",), ("plan",), ("apply",), ("apply", "--check"), ("show", "-f"), ("explain", "-f")):
        for form in ((), ("--json",)):
            scene.run(*argv, "project/mlcc.yaml", *form)
    (folder / "saved.json").write_text(scene.run("plan", "project/mlcc.yaml", "--json"))
    for step in ("config", "export", "manifest", "validate"):
        scene.do(step)
    scene.do("export", "--cloudformation")
    scene.do("deploy", "--dry-run")
    scene.do("deploy")
    scene.do("deploy", "--plan")
    scene.do("manifest", "--live")
    scene.do("deploy", "--target", "local", "--dry-run")
    scene.do("status", "--target", "local")
    shown = outside(scene, known)
    records(scene, known)
    scene.note_files()
    names = {name for found in scene.places.values() for name in found}
    assert scene.places == {}, f"{len(names)} of {len(SECRETS)} leaked"
    # the texts were shown, each with a word in place of its secret
    assert shown.count(REDACTED) > 4 * len(SECRETS)


def outside(scene: Scene, known: bool) -> str:
    """Logs, reasons, errors and answers that hold the forty."""
    world, now = scene.world, int(time.time() * 1000)
    messages = [{"timestamp": now - 9000 + n, "message": text} for n, text in enumerate(lines(known))]
    world.cloud.logs = {"/aws/sagemaker/InferenceComponents/chat-a": messages}
    shown = scene.do("logs", "--lines", "1000")
    shown += scene.do("test", code=None) + scene.do("invoke", code=None)
    world.reason = "\n".join(lines(known))
    shown += scene.do("status", "--why")
    for words in brief(known):
        world.reason = words
        scene.run("do", "-C", "project", "deploy", code=None)
        world.reason = ""
        for operation, step, more in FAILING:
            world.failing = dict.fromkeys(operation.split(), words)
            shown += scene.run("do", "-C", "project", step, *more, code=None)
        world.failing = {}
    return shown


def records(scene: Scene, known: bool) -> None:
    """Notes of do/register and mlcc registry log, on this machine and in the table of continuous integration."""
    notes = "\n".join(lines(known))
    scene.do("register", "--notes", notes, "--project")
    scene.do("register", "--notes", notes, "--dry-run")
    scene.do("register", "--notes", notes, "--ci", "--dry-run")
    scene.do("register", "--notes", notes, "--ci")
    scene.do("register", "--notes", notes, "--live", "--status", "partial")
    scene.world.failing = {"UpdateItem": notes}
    scene.do("register", "--ci", code=1)
    scene.world.failing = {}
    if not known:
        named = ("--project", "p", "--deployment-config", "http-flask")
        scene.run("registry", "log", *named, "--notes", notes)
        planted = {s.name: s.value for s in SECRETS}
        record = planted | {"notes": notes, "parameters": planted, "projectName": "p", "deploymentConfig": notes}
        (scene.folder / "given.jsonl").write_text(json.dumps(record))
        scene.run("registry", "log", "--from", "given.jsonl")
        (scene.folder / "given.jsonl").unlink()
    for form in ((), ("--json",)):
        scene.run("registry", "list", *form)
        scene.run("registry", "show", "1", *form)
        scene.run("registry", "diff", "1", "2", *form)
    scene.run("registry", "export")


# ---------------------------------------------------------------- images
@pytest.mark.parametrize("strategy", ["docker", "codebuild-submit"])
def test_no_image_and_no_archive_gets_one(folder: Path, capsys: pytest.CaptureFixture[str], strategy: str) -> None:
    variables = {secret.name: secret.value for secret in SECRETS}
    stored = [s.name for s in SECRETS if s.by_name][:10]
    mounts = {
        s.name: {"secretsmanager": f"mlcc/{s.name}"} if s.name in stored else {"env": s.name}
        for s in SECRETS
        if s.by_name
    }
    text = BUILT + f"build: {{strategy: {strategy}}}\n"
    if strategy == "docker":
        text += f"secrets: {json.dumps({n: {**m, 'phase': 'build'} for n, m in mounts.items()})}\n"
    planted = {name: SECRETS[number % len(SECRETS)].value for number, name in enumerate(FILES)}
    assert len(planted) >= len(SECRETS)
    # also where .dockerignore was edited, do/submit leaves them out by their names
    assert [f for f in FILES if not build_context.SECRET_NAME.search(f)] == ["sample_model/model/.cache/token"]
    build_tree(folder, {"project/mlcc.yaml": text, "bin/docker": File(ENGINE, 0o755)})
    scene = Scene(folder, capsys, PATH=str(folder / "bin") + ":/usr/bin:/bin", TMPDIR=str(folder), **variables)
    scene.run("apply", "project/mlcc.yaml")
    build_tree(folder / "project", {"sample_model/model/model.joblib": "a model", **planted})
    if strategy == "docker":
        for name in stored:
            scene.environ.pop(name)
        scene.world.stored = SECRETS[0].value
        scene.do("build", "--dry-run")
        assert "not sent, because of their names: " in scene.do("build", "-v")
        scene.environ["FAILS"] = "1"
        scene.do("build", code=1)
    else:
        scene.world.cloud.logs["/aws/codebuild/x"] = [{"timestamp": 1, "message": text} for text in lines(known=True)]
        scene.do("submit", "--dry-run")
        assert "not sent, because of their names: " in scene.do("submit", "-v")
        with zipfile.ZipFile(io.BytesIO(scene.world.cloud.source)) as archive:
            scene.note("the archive", *(archive.read(name) for name in archive.namelist()))
            assert "code/serve" in archive.namelist()
    with Directory(str(folder / "project")) as tree:
        visible = build_context.files(tree)
    assert {"Dockerfile", "sample_model/model/model.joblib"} <= {*visible}
    scene.note("the build context", *((folder / "project" / name).read_bytes() for name in visible))
    scene.note_files([f"project/{name}" for name in planted])
    assert scene.places == {}


# ---------------------------------------------------------------- what is no secret, and the search itself
def test_twelve_harmless_names_keep_their_values(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene = Scene(folder, capsys)
    build_tree(folder, {"project/mlcc.yaml": GOOD})
    scene.run("apply", "project/mlcc.yaml")
    shown = {
        "show": scene.run("show", "-f", "project/mlcc.yaml"),
        "explain": scene.run("explain", "-f", "project/mlcc.yaml", "--json"),
        "config": scene.do("config"),
        "export": scene.do("export"),
        "dry run": scene.do("deploy", "--dry-run"),
        "record": scene.do("register"),
        "row": scene.do("register", "--ci", "--dry-run"),
        "list": scene.run("registry", "export"),
    }
    scene.do("deploy")
    shown["CreateModel"] = next(body for operation, body in scene.world.sent if operation == "CreateModel")
    now = int(time.time() * 1000)
    texts = [f"{name}={value} and --{name.lower().replace('_', '-')} {value}" for name, value in HARMLESS.items()]
    scene.world.cloud.logs = {
        "/aws/sagemaker/InferenceComponents/chat-a": [{"timestamp": now, "message": text} for text in texts]
    }
    shown["logs"] = scene.do("logs")
    assert len(HARMLESS) == 12
    assert {
        (place, name) for place, text in shown.items() for name, value in HARMLESS.items() if value not in text
    } == set()
    assert all(text in shown["logs"] for text in texts)


def test_the_search_finds_each_of_forty() -> None:
    assert len(SECRETS) == len(NEEDLES) == 40
    assert sum(secret.by_name for secret in SECRETS) == 20
    for secret in SECRETS:
        assert leaked(f"x {secret.core[3:14]} y") == [secret.name]
        assert leaked(*secret.texts(known=True)) == [secret.name]
