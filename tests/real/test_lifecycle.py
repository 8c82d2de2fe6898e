"""The whole lifecycle of a project over HTTP on real components, for each target of SageMaker.

The engine builds the image and pushes it to the registry of ministack (an AWS of another maker: ECR, S3, Secrets
Manager, CodeBuild) under AWS's own address; our SageMaker server pulls it from there and starts it.  `aws`, AWS's own
command line, lists what there is.  Not real: the machines that SageMaker has, and its clock, which runs faster.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.documents import path_to_an_endpoint
from tests.helpers import ROOT, Result
from tests.real.rig import DIRECT, Docker, Project, Rig, csv_text, must, reported, run

pytestmark = pytest.mark.real

ACCOUNT, REGION = "123456789012", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/sagemaker"
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
BUCKET, SECRET_ID, SECRET = "lifecycle", "mlcc/api-token", "token-8d1f-never-shown"
REALTIME, ASYNC, BATCH = "realtime-inference", "async-inference", "batch-transform"
# A flower of each kind of iris, in centimetres.
KINDS = ((5.0, 3.4, 1.5, 0.3), (5.9, 2.8, 4.3, 1.3), (6.6, 3.0, 5.6, 2.0))
BLOCK = 1000  # rows of a data set, which a large body repeats
LARGE = 100 * 1000 * 1000  # bytes
# Added to the end of code/handler.py: no model without the secret, and none where the environment says so.
HANDLER = """

import hashlib
import os

_load = load


def load(model_dir):
    found = hashlib.sha256(os.environ.get("API_TOKEN", "").encode()).hexdigest()
    if found != "DIGEST" or os.environ.get("BROKEN") == "yes":
        raise RuntimeError("this model does not load")
    return _load(model_dir)
"""
PREDICT = "import json, sys, joblib, numpy; print(joblib.load(sys.argv[1]).predict(numpy.array(json.load(sys.stdin))).tolist())"


def text_of(target: str, more: str = "") -> str:
    return f"""version: 1
project: {{name: {target}}}
deployment:
  {{config: http-fastapi, target: {target}, region: {REGION}, account_id: "{ACCOUNT}", role_arn: "{ROLE}"}}
secrets: {{API_TOKEN: {{secretsmanager: {SECRET_ID}}}}}
{more}"""


# ---------------------------------------------------------------- the account
class Aws:
    """AWS's own command line."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.program = Path(os.environ["MLCC_REAL_MINISTACK"]).with_name("aws")

    def __call__(self, *words: str) -> Any:
        done = must(run(self.program, *words, "--output", "json", env=self.environ, timeout=300), f"aws {words}")
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def sagemaker(self) -> dict[str, list[str]]:
        """ARNs in SageMaker by their kind, those that are there."""
        found = {}
        for what, member, arn in (
            ("endpoints", "Endpoints", "EndpointArn"),
            ("endpoint-configs", "EndpointConfigs", "EndpointConfigArn"),
            ("inference-components", "InferenceComponents", "InferenceComponentArn"),
            ("models", "Models", "ModelArn"),
        ):
            found[what] = [one[arn] for one in self("sagemaker", f"list-{what}")[member]]
        return {what: arns for what, arns in found.items() if arns}

    def tagged(self, project: str) -> int:
        """How many resources carry the project's tag, in SageMaker and beside it."""
        pair = {"Key": "mlcc:project", "Value": project}
        arns = [arn for found in self.sagemaker().values() for arn in found]
        own = [arn for arn in arns if pair in self("sagemaker", "list-tags", "--resource-arn", arn)["Tags"]]
        filters = f"Key=mlcc:project,Values={project}"
        beside = self("resourcegroupstaggingapi", "get-resources", "--tag-filters", filters)["ResourceTagMappingList"]
        return len(own) + len(beside)

    def images(self, name: str) -> list[dict[str, str]]:
        repositories = [one["repositoryName"] for one in self("ecr", "describe-repositories")["repositories"]]
        return self("ecr", "list-images", "--repository-name", name)["imageIds"] if name in repositories else []

    def listed(self, place: str) -> list[str]:
        done = run(self.program, "s3", "ls", "--recursive", place, env=self.environ)
        return [line.split()[-1] for line in done.stdout.splitlines()]

    def copy(self, source: str | Path, place: str | Path) -> None:
        must(run(self.program, "s3", "cp", "--quiet", source, place, env=self.environ), f"aws s3 cp {source}")


@dataclass(frozen=True)
class Trained:
    """The sample model, which is trained once, and the Python that trained it."""

    python: Path
    model: Path

    def answers(self, rows: list[list[float]]) -> list[int]:
        """What the model answers on this machine, without any server."""
        done = must(run(self.python, "-I", "-c", PREDICT, self.model, stdin=json.dumps(rows)), "predicting here")
        found: list[int] = json.loads(done.stdout)
        assert set(found) == {0, 1, 2}, "the rows are of all kinds, or the answers would prove little"
        return found


@dataclass(frozen=True)
class Story:
    """A project, the account in which it is deployed, and what its model answers to some rows."""

    project: Project
    aws: Aws
    docker: Docker
    rows: list[list[float]]
    answers: list[int]
    times: dict[str, float]

    def do(self, step: str, *arguments: str, code: int = 0) -> Result:
        """A do/ script, whose time is noted."""
        began = time.monotonic()
        done = self.project.do(step, *arguments, code=code)
        self.times[" ".join((step, *arguments[:1]))] = time.monotonic() - began
        return done

    def json(self, step: str, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.do(step, *arguments, "--json", code=code).stdout)

    def mlcc(self, *words: str) -> Result:
        path = self.project.path
        return reported(run(self.project.environ["MLCC"], *words, cwd=path, env=self.project.environ), f"mlcc {words}")

    @property
    def repository(self) -> str:
        return f"mlcc/{self.project.path.name}"

    def running(self) -> list[dict[str, Any]]:
        """The containers that our SageMaker server has started."""
        found = self.docker("ps", "--quiet", "--filter", "label=mlcc.dev-aws").stdout.split()
        seen = [self.docker.inspect(one) for one in found]
        return [one for one in seen if one["Config"]["Image"].startswith(f"{REGISTRY}/{self.repository}@")]


@pytest.fixture
def cloud() -> Iterator[str]:
    """ministack, with nothing in it, before and after."""
    url = os.environ["MLCC_REAL_AWS"]
    reset = urllib.request.Request(f"{url}/_ministack/reset", method="POST")
    DIRECT.open(reset, timeout=60).close()
    yield url
    DIRECT.open(reset, timeout=60).close()


@pytest.fixture(scope="module")
def trained(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """do/build without an engine, which trains the sample."""
    project = rig.project(tmp_path_factory.mktemp("trained") / "iris", "http-fastapi", engine="none")
    project.do("build")
    (python,) = (project.path / ".mlcc/run").glob("venv-*/bin/python")
    return Trained(python, project.path / "sample_model/model/model.joblib")


@contextmanager
def sagemaker(project: Project, beside: str, state: Path) -> Iterator[Mapping[str, str]]:
    """Our SageMaker server; the variables that lead there."""
    words = ("dev", "aws", "-C", str(project.path), "--port", "0", "--speed", "600", "--launcher", "container")
    argv = [project.environ["MLCC"], *words, "--beside", beside, "--state", str(state), "-o", "json"]
    with (
        (state.parent / "server.log").open("wb") as log,
        subprocess.Popen(argv, env=dict(project.environ), stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            text = ""
            for line in iter(process.stdout.readline, ""):
                text += line
                if line.startswith("}"):
                    break
            assert text, (state.parent / "server.log").read_text()
            yield json.loads(text)["variables"]
        finally:
            process.terminate()


@contextmanager
def story_of(trained: Trained, rig: Rig, docker: Docker, cloud: str, tmp_path: Path, text: str) -> Iterator[Story]:
    """A project with its mlcc.yaml and the trained model, in an account with a bucket and a secret."""
    times: dict[str, float] = {}
    name = text.partition("name: ")[2].partition("}")[0]
    path = tmp_path / name
    path.mkdir()
    (path / "mlcc.yaml").write_text(text)
    environ = {**rig.environ, "MLCC_ENGINE": "docker", "MLCC_HOME": str(tmp_path / "home")}
    began = time.monotonic()
    reported(run(rig.mlcc, "apply", "-q", cwd=path, env=environ), "mlcc apply")
    times["mlcc apply"] = time.monotonic() - began
    with (path / "code/handler.py").open("a") as stream:
        stream.write(HANDLER.replace("DIGEST", hashlib.sha256(SECRET.encode()).hexdigest()))
    (path / "sample_model/model").mkdir()
    shutil.copy(trained.model, path / "sample_model/model")
    with sagemaker(Project(path, environ), cloud, tmp_path / "state") as variables:
        project = Project(path, {**environ, **variables})
        aws = Aws({**os.environ, **variables})
        aws("s3api", "create-bucket", "--bucket", BUCKET)
        aws("secretsmanager", "create-secret", "--name", SECRET_ID, "--secret-string", SECRET)
        story = Story(project, aws, docker, flowers(), trained.answers(flowers()), times)
        try:
            yield story
        finally:
            left = docker("images", "--quiet", f"{REGISTRY}/{story.repository}").stdout.split()
            if left:
                docker("rmi", "--force", "--no-prune", *left)
            with (tmp_path.parent / "times").open("a") as stream:
                stream.write(f"{name}: {', '.join(f'{what} {seconds:.1f} s' for what, seconds in times.items())}\n")
    assert story.running() == [], "a container was left"


def flowers() -> list[list[float]]:
    """Rows of all three kinds of iris, no two the same."""
    chance = random.Random(7)
    return [[round(chance.gauss(mean, 0.15), 4) for mean in KINDS[i % 3]] for i in range(BLOCK)]


def pushed(story: Story) -> None:
    """do/build and do/push; what the engine has of it goes, so that only the registry has the image."""
    assert story.aws.tagged(story.project.path.name) == 0
    assert story.json("build")["built"]["kind"] == "image"
    found = story.json("push")["pushed"]
    assert found["reference"] == f"{REGISTRY}/{story.repository}@{found['digest']}"
    assert story.aws.images(story.repository) == [{"imageDigest": found["digest"], "imageTag": found["tag"]}]
    only_in_the_registry(story, story.project.image)


def only_in_the_registry(story: Story, image: str) -> None:
    """The engine forgets an image; of its layers it keeps those that the next build can use."""
    story.docker("rmi", "--force", "--no-prune", image)
    assert story.docker("images", "--quiet", f"{REGISTRY}/{story.repository}").stdout == ""
    assert story.docker("image", "inspect", image, code=None).code != 0


def recorded(story: Story) -> None:
    """do/register --live, and that what runs is what was recorded and what the project says."""
    record = story.json("register", "--live")
    (image,) = story.aws.images(story.repository)
    assert record["imageDigest"] == image["imageDigest"]
    assert record["accountId"] == ACCOUNT
    found = json.loads(story.mlcc("registry", "show", "1", "--live", "-o", "json").stdout)
    assert found["live"]["differences"] == [], found
    assert story.json("deploy", "--plan")["changes"] == []


def cleaned(story: Story) -> None:
    """do/clean, which proves itself; `aws` finds nothing more."""
    name = story.project.path.name
    assert story.aws.tagged(name) > 0
    # a batch job has no endpoint, and its model is all that it has in SageMaker
    assert all(story.json("clean", "model" if name == BATCH else "endpoint")["proofs"].values())
    assert story.aws.sagemaker() == {}
    assert story.running() == []
    assert len(story.aws.images(story.repository)) == 1, "the image stays"
    assert all(story.json("clean", "all")["proofs"].values())
    assert story.aws.images(story.repository) == []
    assert story.aws.tagged(name) == 0
    # the record of a job stays in the account
    assert story.json("status")["status"] == ("Completed" if name == BATCH else "NotDeployed")
    for shown in story.project.path.rglob("*"):
        assert not shown.is_file() or SECRET.encode() not in shown.read_bytes(), f"{shown} holds the secret"


def is_the_pushed_image(story: Story) -> None:
    """What runs came from the registry, and the account's model names it by its digest, and the secret by its name."""
    (image,) = story.aws.images(story.repository)
    address = f"{REGISTRY}/{story.repository}@{image['imageDigest']}"
    (container,) = story.running()
    assert container["Config"]["Image"] == address
    assert SECRET not in json.dumps(container)
    (arn,) = story.aws.sagemaker()["models"]
    model = story.aws("sagemaker", "describe-model", "--model-name", arn.rpartition("/")[2])
    assert model["PrimaryContainer"]["Image"] == address
    assert model["PrimaryContainer"]["Environment"]["MLCC_SECRET_API_TOKEN"] == SECRET_ID
    assert SECRET not in json.dumps(model)


def payload(story: Story, tmp_path: Path) -> tuple[str, ...]:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps({"instances": story.rows}))
    return ("--payload", str(path))


# ---------------------------------------------------------------- the stories
def test_an_endpoint(trained: Trained, rig: Rig, docker: Docker, cloud: str, tmp_path: Path) -> None:
    with story_of(
        trained, rig, docker, cloud, tmp_path, text_of(REALTIME, "endpoint: {startup_timeout_s: 60}\n")
    ) as story:
        pushed(story)
        assert story.json("deploy")["status"] == "InService"
        assert story.json("status")["status"] == "InService"
        assert {k: len(v) for k, v in story.aws.sagemaker().items()} == dict.fromkeys(
            ("endpoints", "endpoint-configs", "inference-components", "models"), 1
        )
        is_the_pushed_image(story)
        assert all(check["ok"] for check in story.json("test")["checks"])
        asked = story.json("invoke", *payload(story, tmp_path))
        assert json.loads(asked["body"]) == {"predictions": story.answers}
        recorded(story)

        story.mlcc("set", "env.BROKEN", "yes")
        story.mlcc("apply", "-q")
        failed = story.do("deploy", code=1)
        assert "MLCC324" in failed.stderr, failed.stderr
        asked = story.json("invoke", *payload(story, tmp_path))
        assert json.loads(asked["body"]) == {"predictions": story.answers}, "what served before serves on"
        story.mlcc("set", "env.BROKEN", "no")
        story.mlcc("apply", "-q")
        assert story.json("deploy", "--verbose")["status"] == "InService"
        assert all(check["ok"] for check in story.json("test")["checks"])
        assert story.json("deploy", "--plan")["changes"] == []
        cleaned(story)


def test_an_asynchronous_endpoint(trained: Trained, rig: Rig, docker: Docker, cloud: str, tmp_path: Path) -> None:
    more = f"async: {{s3_output_path: s3://{BUCKET}/answers/}}\n"
    with story_of(trained, rig, docker, cloud, tmp_path, text_of(ASYNC, more)) as story:
        pushed(story)
        assert story.json("deploy")["status"] == "InService"
        assert story.json("status")["status"] == "InService"
        assert {k: len(v) for k, v in story.aws.sagemaker().items()} == dict.fromkeys(
            ("endpoints", "endpoint-configs", "models"), 1
        )
        is_the_pushed_image(story)
        assert all(check["ok"] for check in story.json("test")["checks"])
        block = csv_text(story.rows)
        times = LARGE // len(block) + 1
        large = tmp_path / "large.csv"
        large.write_text(block * times)
        assert large.stat().st_size >= LARGE
        asked = story.json("invoke", "--payload", str(large), "--content-type", "text/csv")
        assert [int(line) for line in asked["body"].splitlines()] == story.answers * times
        assert story.aws.listed(f"s3://{BUCKET}/") == [], "requests and answers are taken away"
        recorded(story)
        cleaned(story)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_batch_job(trained: Trained, rig: Rig, docker: Docker, cloud: str, tmp_path: Path, kind: str) -> None:
    form = {"csv": "text/csv, strategy: MultiRecord", "jsonl": "application/json, strategy: SingleRecord"}[kind]
    places = f"input_path: s3://{BUCKET}/in/, output_path: s3://{BUCKET}/out/"
    more = f"batch: {{{places}, content_type: {form}, split_type: Line, assemble_with: Line}}\n"
    with story_of(trained, rig, docker, cloud, tmp_path, text_of(BATCH, more)) as story:
        pushed(story)
        lines = csv_text(story.rows).splitlines()
        if kind == "jsonl":
            lines = [json.dumps({"instances": [row]}) for row in story.rows]
        for number, part in enumerate((lines[:700], lines[700:])):
            (tmp_path / f"{number}.{kind}").write_text("\n".join(part) + "\n")
            story.aws.copy(tmp_path / f"{number}.{kind}", f"s3://{BUCKET}/in/")
        assert story.json("deploy")["status"] == "Completed"
        assert story.json("status")["status"] == "Completed"
        (job,) = story.aws("sagemaker", "list-transform-jobs")["TransformJobSummaries"]
        assert job["TransformJobStatus"] == "Completed"
        assert story.aws.listed(f"s3://{BUCKET}/out/") == [f"out/0.{kind}.out", f"out/1.{kind}.out"]
        assert all(check["ok"] for check in story.json("test")["checks"])
        answers = []
        for number in range(2):
            story.aws.copy(f"s3://{BUCKET}/out/{number}.{kind}.out", tmp_path / "answer")
            answers += (tmp_path / "answer").read_text().splitlines()
        if kind == "jsonl":
            answers = [json.loads(line)["predictions"][0] for line in answers]
        assert [int(one) for one in answers] == story.answers
        assert story.json("register")["deploymentTarget"] == BATCH
        cleaned(story)


def test_a_build_by_codebuild(trained: Trained, rig: Rig, docker: Docker, cloud: str, tmp_path: Path) -> None:
    """do/submit: the rendered buildspec.yml runs, builds with the real engine, and pushes; a failed build is reported."""
    more = "build: {strategy: codebuild-submit}\n"
    text = text_of(REALTIME, more).replace("name: realtime-inference", "name: submitted")
    with story_of(trained, rig, docker, cloud, tmp_path, text) as story:
        found = story.json("submit")["pushed"]
        assert found["reference"] == f"{REGISTRY}/{story.repository}@{found['digest']}"
        assert story.aws.images(story.repository) == [{"imageDigest": found["digest"], "imageTag": found["tag"]}]
        project = f"mlcc-build-{story.project.path.name}"
        (build,) = story.aws("codebuild", "list-builds-for-project", "--project-name", project)["ids"]
        (seen,) = story.aws("codebuild", "batch-get-builds", "--ids", build)["builds"]
        assert seen["buildStatus"] == "SUCCEEDED"
        phases = {one["phaseType"]: one["phaseStatus"] for one in seen["phases"]}
        assert {phases[one] for one in ("DOWNLOAD_SOURCE", "PRE_BUILD", "BUILD", "POST_BUILD")} == {"SUCCEEDED"}
        log = ("--log-group-name", seen["logs"]["groupName"], "--log-stream-name", seen["logs"]["streamName"])
        events = story.aws("logs", "get-log-events", *log)["events"]
        assert any("Successfully built" in one["message"] for one in events)
        assert story.aws.listed(f"s3://mlcc-build-{ACCOUNT}-{REGION}/") == [], "the source is taken away"
        # CodeBuild's engine is this machine's here; SageMaker shall not find the image in it
        only_in_the_registry(story, f"{REGISTRY}/{story.repository}:{found['tag']}")
        assert story.json("deploy")["status"] == "InService"
        is_the_pushed_image(story)
        asked = story.json("invoke", *payload(story, tmp_path))
        assert json.loads(asked["body"]) == {"predictions": story.answers}
        # a build that fails is reported as such, with what it printed
        with (story.project.path / "Dockerfile").open("a") as stream:
            stream.write("RUN echo no such luck && exit 3\n")
        failed = story.do("submit", code=1)
        assert "MLCC317" in failed.stderr
        assert "no such luck" in failed.stderr
        cleaned(story)
        assert story.aws("codebuild", "list-projects")["projects"] == []


def test_the_path_of_the_pages_leads_from_nothing_to_nothing(
    rig: Rig, docker: Docker, cloud: str, tmp_path: Path
) -> None:
    """Each command as it is written, in an account with nothing; no value of mlcc.yaml but those that `init` writes."""
    folder = tmp_path / "new"
    folder.mkdir()
    environ = {**rig.environ, "MLCC_ENGINE": "docker", "MLCC_HOME": str(tmp_path / "home")}
    environ["PATH"] = f"{rig.mlcc.parent}:{environ['PATH']}"
    path = path_to_an_endpoint(ROOT / "README.md")
    assert path == path_to_an_endpoint(ROOT / "docs/aws.md")
    before = path.index("mlcc apply") + 1
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "NO_PROXY": "127.0.0.1"}

    def follow(texts: list[str], variables: Mapping[str, str]) -> None:
        for text in texts:
            done = run("bash", "-c", text, cwd=folder, env={**environ, **variables}, timeout=900)
            assert done.code == 0, f"{text}\n{done.stdout}{done.stderr}"

    # our SageMaker server serves a project that is there
    follow(path[:before], {**keys, "AWS_ENDPOINT_URL": cloud})
    with sagemaker(Project(folder, environ), cloud, tmp_path / "state") as variables:
        aws = Aws({**os.environ, **variables})
        follow(path[before:-1], variables)
        assert len(aws.sagemaker()["inference-components"]) == 1
        assert aws.tagged("iris") > 0
        follow(path[-1:], variables)
        assert aws.sagemaker() == {}
        assert aws.tagged("iris") == 0
        left = docker("images", "--quiet", f"{REGISTRY}/*").stdout.split()
        docker("rmi", "--force", "--no-prune", *left)
    token = (tmp_path / "state/started").read_text()
    assert docker("ps", "--quiet", "--filter", f"label=mlcc.dev-aws={token}").stdout == ""
