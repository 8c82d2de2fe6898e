"""The verbs of hyperpod-eks with a kubectl of the test's own: a small program that keeps objects in a file.

What a real API server says is tested in tests/k8s; here, in any case, it is a fake.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from mlcc.core.errors import MlccError
from mlcc.io.aws.connection import AwsError
from mlcc.io.schema import validator
from mlcc.lifecycle import targets
from mlcc.lifecycle.bootstrap import checkup
from mlcc.lifecycle.context import Context, Silent
from mlcc.lifecycle.interruption import GOES_ON
from mlcc.lifecycle.rendered_project import load_project
from mlcc.lifecycle.targets.hyperpod import objects, verbs
from mlcc.registries import load
from tests.aws import walker
from tests.aws.account import render, rendered
from tests.aws.cloud import Cloud

NUMBER, REGION, ARN = "123456789012", "us-east-1", "arn:aws:eks:us-east-1:123456789012:cluster/eks-1"

GROUP = {"InstanceGroupName": "workers", "InstanceType": "ml.g5.8xlarge", "CurrentCount": 1, "TargetCount": 2}
CLUSTERS: dict[str, dict[str, Any]] = {
    "slurm-cluster": {"ClusterStatus": "InService"},
    "ml-cluster": {
        "ClusterStatus": "InService",
        "Orchestrator": {"Eks": {"ClusterArn": ARN}},
        "InstanceGroups": [GROUP],
    },
}


class Aws:
    """What AWS answers to a deployment on HyperPod; each request is held against the services' models."""

    DIGEST = "sha256:" + "0" * 64
    region = REGION

    def __init__(self, server: str) -> None:
        """server: the address of the cluster's API server."""
        self.server = server
        self.clusters = CLUSTERS
        self.cloud = Cloud()
        self.refused = ""
        self.asked: set[tuple[str, str]] = set()

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        walker.check(service, operation, parameters)
        self.asked.add((service, operation))
        if operation == "DescribeCluster":
            self.asked.add((service, str(parameters.get("name"))))
        if operation == self.refused:
            raise AwsError(service, operation, "AccessDeniedException", "no", 403)
        if operation == "DescribeCluster" and "missing" in parameters.values():
            raise AwsError(service, operation, "ResourceNotFound", "no such cluster", 400)
        answers: dict[tuple[str, str], dict[str, Any]] = {
            ("sts", "GetCallerIdentity"): {"Account": NUMBER, "Arn": f"arn:aws:sts::{NUMBER}:assumed-role/r/s"},
            ("ecr", "DescribeImages"): {"imageDetails": [{"imageDigest": self.DIGEST}]},
            ("sagemaker", "DescribeCluster"): self.clusters.get(str(parameters.get("ClusterName")), {}),
            ("sagemaker", "ListClusters"): {"ClusterSummaries": [{"ClusterName": name} for name in self.clusters]},
            ("iam", "GetRole"): {"Role": {"Arn": f"arn:aws:iam::{NUMBER}:role/r"}},
            ("iam", "SimulatePrincipalPolicy"): {"EvaluationResults": []},
            ("eks", "DescribeCluster"): {"cluster": {"endpoint": self.server}},
            ("sagemaker", "ListModels"): {"Models": []},
        }
        builds = str(parameters.get("RoleName", "")).startswith("mlcc-build")
        if (service, operation) in answers and not builds:
            return answers[service, operation]
        return self.cloud.answer(service, operation, parameters)


SERVER = "https://0123.gr7.us-east-1.eks.amazonaws.com"
# Keeps objects in $FAKE_FOLDER/objects, and writes each of its command lines into $FAKE_FOLDER/calls.
KUBECTL = """#!%s -IS
import json, os, sys
folder = os.environ["FAKE_FOLDER"]
argv = [a for a in sys.argv[1:]]
with open(folder + "/calls", "a") as log:
    log.write(json.dumps(argv) + "\\n")
try:
    objects = json.load(open(folder + "/objects"))
except OSError:
    objects = {}
def option(name):
    return argv[argv.index(name) + 1] if name in argv else ""
def save():
    json.dump(objects, open(folder + "/objects", "w"))
while argv[0].startswith("--"):
    del argv[:2]
verb = argv[0]
kind = argv[1].partition(".")[0] if len(argv) > 1 else ""
labels = [pair.partition("=") for pair in option("--selector").split(",") if pair]
def chosen():
    found = {k: o for k, o in objects.items() if k.split("/")[0] == kind}
    own = lambda o: o["metadata"].get("labels", {})
    return {k: o for k, o in found.items() if all(n in own(o) and (own(o)[n] == v or not e) for n, e, v in labels)}
if verb == "config":
    print(open(folder + "/config").read())
elif os.path.exists(folder + "/forbidden") and kind in open(folder + "/forbidden").read().split():
    sys.exit("Error from server (Forbidden): " + kind + " is forbidden: no such right")
elif os.path.exists(folder + "/refusal"):
    sys.exit(open(folder + "/refusal").read())
elif verb == "get" and kind == "inferenceendpointconfigs":
    sys.exit('error: the server doesn\\'t have a resource type "inferenceendpointconfigs"')
elif verb == "get" and labels:
    print(json.dumps({"items": list(chosen().values())}))
elif verb == "get":
    found = objects.get(kind + "/" + argv[2])
    print(json.dumps(found) if found else "")
elif verb == "apply":
    made = json.load(sys.stdin)
    made["status"] = {"observedGeneration": 1, "updatedReplicas": 1, "replicas": 1}
    made["status"]["availableReplicas"] = int(os.environ["FAKE_AVAILABLE"])
    if made["kind"].startswith("PersistentVolume"):
        made["status"] = {"phase": "Bound"}
    made["metadata"]["generation"] = 1
    if "--dry-run=server" not in argv:
        objects[made["kind"].lower() + "s/" + made["metadata"]["name"]] = made
        save()
    print(json.dumps(made))
elif verb == "delete":
    name = option("--field-selector").partition("=")[2]
    for key in [k for k, o in chosen().items() if o["metadata"]["name"] == name]:
        del objects[key]
    save()
elif verb == "logs":
    print("[pod/iris-1/server] started with hf_" + "a1B2" * 9)
elif verb == "port-forward":
    print("Forwarding from 127.0.0.1:" + os.environ["FAKE_PORT"] + " -> 8080", flush=True)
    sys.stdin.read()
    import time
    time.sleep(60)
"""
TEXT = """version: 1
project: {name: iris}
deployment: {config: http-fastapi, target: hyperpod-eks, region: us-east-1}
hyperpod: {cluster: ml-cluster, operator: false}
"""
CONFIG = {
    "current-context": "elsewhere",
    "clusters": [
        {"name": "a", "cluster": {"server": "https://elsewhere"}},
        {"name": "b", "cluster": {"server": SERVER + "/"}},
    ],
    "contexts": [
        {"name": "elsewhere", "context": {"cluster": "a"}},
        {"name": "ours", "context": {"cluster": "b"}},
    ],
}


class Place:
    """A folder with the fake and what it keeps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = folder / "kubectl"
        program.write_text(KUBECTL % sys.executable)
        program.chmod(0o755)
        self.environ = {"PATH": str(folder), "FAKE_FOLDER": str(folder), "FAKE_PORT": "1", "FAKE_AVAILABLE": "1"}
        self.configure(CONFIG)
        self.aws = Aws(SERVER)

    def configure(self, config: Mapping[str, Any]) -> None:
        (self.folder / "config").write_text(json.dumps(config))

    @property
    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]

    @property
    def objects(self) -> dict[str, Any]:
        file = self.folder / "objects"
        return dict(json.loads(file.read_text())) if file.exists() else {}

    def context(self, project: Path, env: str | None = None, **arguments: Any) -> Context:
        loaded = load_project(str(project), env=env)
        now = lambda: 1_700_000_000.0  # noqa: E731
        environ = self.environ
        return Context(loaded, environ, Silent(), lambda seconds: None, now, arguments, now, lambda region: self.aws)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def server(place: Place) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.answer(200, b"")

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            good = self.headers["Content-Type"] == "application/json" and body.endswith(b"}")
            status = 200 if good else 400 if "json" in self.headers["Content-Type"] else 415
            rows = len(json.loads(body)["instances"]) if good else 0
            self.answer(status, json.dumps({"predictions": [0] * rows}).encode())

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            pass

    found = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    place.environ["FAKE_PORT"] = str(found.server_port)
    yield
    found.shutdown()
    found.server_close()


def test_from_nothing_to_nothing(place: Place, server: None) -> None:
    project = rendered(TEXT)
    assert verbs.deploy(place.context(project)).document["status"] == "InService"
    deployment = place.objects["deployments/iris"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"{NUMBER}.dkr.ecr.{REGION}.amazonaws.com/mlcc/iris@{Aws.DIGEST}"
    assert deployment["metadata"]["annotations"]["mlcc.dev/expires"] == str(1_700_000_000 + 8 * 3600)
    assert verbs.status(place.context(project)).document["status"] == "InService"
    tested = verbs.test(place.context(project))
    assert tested.ok, tested.lines
    assert len(tested.document["checks"]) == 4
    assert verbs.logs(place.context(project)).lines == ["[pod/iris-1/server] started with ***REDACTED***"]
    assert verbs.clean(place.context(project)).document["proofs"] == {
        "nothing of it is left in the cluster": True,
        "no CodeBuild project or role of it is left": True,
        "no repository of it is left": True,
    }
    assert place.objects == {}
    written = [c for c in place.calls if c[0] != "config"]
    assert all(c[:4] == ["--context", "ours", "--namespace", "default"] for c in written), "never the current context"
    assert not [c for c in place.calls if any("force" in word for word in c)]


def test_a_cluster_of_eks_alone_does_too(place: Place, server: None) -> None:
    project = rendered(TEXT.replace("cluster: ml-cluster, operator: false", "eks_cluster: inference_1"))
    assert verbs.deploy(place.context(project)).document["status"] == "InService"
    pod = place.objects["deployments/iris"]["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"node.kubernetes.io/instance-type": "m5.xlarge"}, "EC2's own name of it"
    assert verbs.test(place.context(project)).ok
    verbs.clean(place.context(project))
    assert place.objects == {}
    assert ("sagemaker", "DescribeCluster") not in place.aws.asked, "SageMaker has no part in it"
    assert ("eks", "inference_1") in place.aws.asked
    place.configure({**CONFIG, "contexts": CONFIG["contexts"][:1]})  # type: ignore[index]
    hint = "aws eks update-kubeconfig --region us-east-1 --name inference_1"
    assert refused(place, project) == ("MLCC372", 3, hint)
    place.aws.server = ""
    code, exit_code, hint = refused(place, project)
    assert (code, exit_code, hint.partition(" --")[0]) == ("MLCC371", 1, "aws eks list-clusters")


def test_a_dry_run_names_the_cluster_of_eks_alone() -> None:
    project = rendered(TEXT.replace("cluster: ml-cluster, operator: false", "eks_cluster: inference_1"))
    place = Place.__new__(Place)
    place.environ, place.aws = {"PATH": ""}, None  # type: ignore[assignment]
    for verb in (verbs.deploy, verbs.clean, verbs.status):
        assert verb(place.context(project, dry_run=True)).document["assumed"].get("cluster") in (None, "inference_1")
    assert verbs.clean(place.context(project, dry_run=True)).document["assumed"]["cluster"] == "inference_1"


def test_what_is_not_in_the_manifests_any_more_is_taken_away(place: Place) -> None:
    old = {"metadata": {"name": "old", "labels": {"mlcc.dev/project": "iris", "mlcc.dev/environment": "default"}}}
    theirs = {"metadata": {"name": "theirs", "labels": {"mlcc.dev/project": "iris"}}}
    owned = {"metadata": {**old["metadata"], "name": "owned", "ownerReferences": [{"kind": "InferenceEndpointConfig"}]}}
    kept = {"deployments/theirs": theirs, "services/owned": owned}
    (place.folder / "objects").write_text(json.dumps({"deployments/old": old, **kept}))
    verbs.deploy(place.context(rendered(TEXT)))
    assert set(place.objects) == {"deployments/iris", "services/iris", *kept}


def test_an_interrupted_deployment_says_what_costs(place: Place) -> None:
    def arrives(seconds: float) -> None:
        raise KeyboardInterrupt

    place.environ["FAKE_AVAILABLE"] = "0"
    context = dataclasses.replace(place.context(rendered(TEXT)), sleep=arrives)
    with pytest.raises(KeyboardInterrupt):
        verbs.deploy(context)
    assert isinstance(context.progress, Silent)
    assert context.progress.lines[-1] == GOES_ON
    with pytest.raises(MlccError) as late:
        verbs.deploy(dataclasses.replace(place.context(rendered(TEXT), timeout=1), now=itertools.count(0, 10).__next__))
    assert GOES_ON in late.value.findings[0].hint


def refused(place: Place, project: Path, verb: Any = verbs.deploy, **arguments: Any) -> tuple[str, int, str]:
    """Code, exit code and hint of a refusal; nothing was changed."""
    before = place.objects
    with pytest.raises(MlccError) as problem:
        verb(place.context(project, **arguments))
    assert place.objects == before
    assert len(problem.value.findings) == 1
    return problem.value.findings[0].code, problem.value.exit_code, problem.value.findings[0].hint


def test_a_refusal_says_what_to_do(place: Place, tmp_path: Path) -> None:
    project = rendered(TEXT)
    others = {"services/iris": {"metadata": {"name": "iris"}}}
    (place.folder / "objects").write_text(json.dumps(others))
    code, exit_code, hint = refused(place, project)
    assert (code, exit_code) == ("MLCC376", 1)
    assert "mlcc.dev/project=iris" in hint
    (place.folder / "objects").unlink()
    place.configure({**CONFIG, "contexts": CONFIG["contexts"][:1]})  # type: ignore[index]
    for verb in (verbs.deploy, verbs.clean, verbs.status, verbs.logs, verbs.test):
        answer = refused(place, project, verb)
        assert answer == ("MLCC372", 3, "aws eks update-kubeconfig --region us-east-1 --name eks-1")
    known = "ml-cluster (InService; EKS eks-1; workers: 1 of 2 ml.g5.8xlarge)"
    nameless = refused(place, rendered(TEXT.replace("cluster: ml-cluster, ", "")))
    assert nameless[:2] == ("MLCC370", 3)
    assert nameless[2].endswith(f"us-east-1: {known}"), "and no cluster of Slurm's"
    for name in ("missing", "slurm-cluster"):
        wrong = refused(place, rendered(TEXT.replace("ml-cluster", name)))
        assert wrong[:2] == ("MLCC371", 1)
        assert known in wrong[2]
    plain = rendered("version: 1\nproject: {name: iris}\ndeployment: {config: http-fastapi}\n")
    assert refused(place, plain)[:2] == ("MLCC373", 3)


def test_a_hint_does_without_what_the_caller_may_not_ask(place: Place) -> None:
    place.aws.refused = "ListClusters"
    missing = refused(place, rendered(TEXT.replace("ml-cluster", "missing")))
    assert missing[:2] == ("MLCC371", 1)
    assert "not known: AccessDeniedException" in missing[2]


def test_doctor_lists_the_clusters(place: Place) -> None:
    def found(uses: list[str]) -> list[checkup.Check]:
        asked = checkup.Asked(None, uses, [], lambda: 0.0, lambda: None)
        return [one for one in checkup.checks(asked, place.aws, load()) if one.what == "hyperpod cluster"]  # type: ignore[arg-type]

    [one] = found(["hyperpod"])
    assert (one.state, one.found) == ("ok", "ml-cluster: InService; EKS eks-1; workers: 1 of 2 ml.g5.8xlarge")
    assert found(["deploy"]) == []
    place.aws.clusters = {"slurm-cluster": CLUSTERS["slurm-cluster"]}
    [one] = found(["hyperpod"])
    assert (one.state, one.found) == ("missing", "none in us-east-1 that Amazon EKS orchestrates")
    place.aws.refused = "ListClusters"
    [one] = found(["hyperpod"])
    assert one.state == "broken"
    assert "ListClusters" in one.found


# ---------------------------------------------------------------- volumes and autoscalers
SCALED = "scaling: {min_count: 1, max_count: 4, target_value: 60}\n"
MOUNTED = (
    TEXT.replace("operator: false", "operator: false, cpu_request: '1'")
    + "model: {name: s3://bucket/a/}\n"
    + SCALED
    + "test: {payload: '{\"instances\": [[1]]}'}\n"
)


def kinds(place: Place) -> list[str]:
    return sorted(key.partition("/")[0] for key in place.objects)


ALL = ["deployments", "horizontalpodautoscalers", "persistentvolumeclaims", "persistentvolumes", "services"]


def test_volume_and_autoscaler_come_and_go_with_the_project(place: Place, server: None) -> None:
    project = rendered(MOUNTED)
    assert verbs.deploy(place.context(project)).document["status"] == "InService"
    assert kinds(place) == ALL
    applied = [c for c in place.calls if "apply" in c]
    assert len(applied) == len(ALL)
    assert verbs.test(place.context(project)).ok, "the Service is found among several manifests"
    parts = verbs.status(place.context(project)).document["components"]
    assert {part["kind"]: part["status"] for part in parts}["PersistentVolume"] == "Bound"
    stuck = {**place.objects}
    for key in stuck:
        if key.startswith("persistentvolumeclaims"):
            stuck[key]["status"] = {"phase": "Pending"}
    (place.folder / "objects").write_text(json.dumps(stuck))
    why = verbs.status(place.context(project, why=True)).lines
    assert any("PersistentVolumeClaim" in line and line.endswith("Pending") for line in why)
    assert not [line for line in why if "log" in line], "a claim prints nothing"
    assert verbs.clean(place.context(project)).ok
    assert place.objects == {}
    deleted = [c[c.index("delete") + 1].partition(".")[0] for c in place.calls if "delete" in c]
    assert deleted[-2:] == ["persistentvolumeclaims", "persistentvolumes"], "what uses a volume goes first"


def test_another_source_is_another_volume_and_the_old_one_goes(place: Place) -> None:
    verbs.deploy(place.context(rendered(MOUNTED)))
    before = set(place.objects)
    verbs.deploy(place.context(rendered(MOUNTED.replace("s3://bucket/a/", "s3://bucket/b/"))))
    after = set(place.objects)
    assert len(after - before) == len(before - after) == 2
    assert {key.partition("/")[0] for key in after - before} == {"persistentvolumes", "persistentvolumeclaims"}
    verbs.deploy(place.context(rendered(TEXT)))
    assert kinds(place) == ["deployments", "services"]


def test_a_volume_of_another_namespace_is_not_the_project_s(place: Place) -> None:
    """A volume lies in no namespace, and a project of the same name may stand in another one."""
    marks = {"mlcc.dev/project": "iris", "mlcc.dev/environment": "default", "mlcc.dev/namespace": "theirs"}
    theirs = {"persistentvolumes/v": {"metadata": {"name": "v", "labels": marks}}}
    (place.folder / "objects").write_text(json.dumps(theirs))
    verbs.deploy(place.context(rendered(TEXT)))
    verbs.clean(place.context(rendered(TEXT)))
    assert place.objects == theirs


def test_a_caller_without_rights_on_volumes_can_work_without_them(place: Place) -> None:
    (place.folder / "forbidden").write_text("persistentvolumes")
    verbs.deploy(place.context(rendered(TEXT)))
    assert verbs.clean(place.context(rendered(TEXT))).ok
    assert refused(place, rendered(MOUNTED))[:2] == ("MLCC378", 1)
    labels = {"mlcc.dev/project": "iris", "mlcc.dev/environment": "default"}
    claim = {"persistentvolumeclaims/c": {"metadata": {"name": "c", "labels": labels}}}
    (place.folder / "objects").write_text(json.dumps(claim))
    assert refused(place, rendered(TEXT), verbs.clean)[:2] == ("MLCC378", 1), "its volume would be left"


def test_a_manifest_of_another_volume_is_refused(place: Place, tmp_path: Path) -> None:
    from mlcc import pipeline

    project = render(MOUNTED, tmp_path / "project")
    file = project / "manifests/volume.yaml"
    file.write_text(file.read_text().replace("mlcc.dev/namespace: default", "mlcc.dev/namespace: theirs"))
    pipeline.apply(pipeline.read(project / "mlcc.yaml"), project)
    assert refused(place, project)[0] == "MLCC374"


@pytest.mark.parametrize(
    ("kind", "status", "state"),
    [
        (objects.CLAIM, {}, ("Pending", False, False)),
        (objects.CLAIM, {"phase": "Bound"}, ("Bound", True, False)),
        (objects.CLAIM, {"phase": "Lost"}, ("Lost", False, True)),
        (objects.VOLUME, {"phase": "Available"}, ("Available", True, False)),
        (objects.VOLUME, {"phase": "Released"}, ("Released", False, True)),
        (objects.AUTOSCALER, {}, ("Available", True, False)),
        (
            objects.AUTOSCALER,
            {"conditions": [{"type": "ScalingActive", "status": "False", "message": "no metrics"}]},
            ("Unable", True, False),
        ),
        (
            objects.AUTOSCALER,
            {"conditions": [{"type": "ScalingLimited", "status": "False", "message": "within the range"}]},
            ("Available", True, False),
        ),
    ],
)
def test_what_their_status_means(kind: str, status: dict[str, Any], state: tuple[str, bool, bool]) -> None:
    assert objects.KINDS[kind].state({"status": status})[:3] == state


@pytest.mark.parametrize("target", ["async-inference", "batch-transform", "hyperpod-eks", "realtime-inference"])
def test_a_server_in_the_foreground_is_for_this_machine(target: str) -> None:
    with pytest.raises(MlccError) as refusal:
        targets.verb(target, "run", {})
    [found] = refusal.value.findings
    assert (found.code, found.hint, refusal.value.exit_code) == ("MLCC311", "do/run --target local", 3)


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        ("error: You must be logged in to the server (Unauthorized)", "MLCC378", 3),
        ('Error from server (Forbidden): deployments.apps is forbidden: User "u" cannot list', "MLCC378", 1),
        ("Unable to connect to the server: dial tcp: i/o timeout", "MLCC378", 3),
        ("\x1b[2J something else", "MLCC378", 1),
    ],
)
def test_the_cluster_s_own_words_are_shown(place: Place, words: str, code: str, exit_code: int) -> None:
    (place.folder / "refusal").write_text(words)
    assert refused(place, rendered(TEXT))[:2] == (code, exit_code)


def test_without_the_operator_s_kind_it_is_a_precondition(place: Place) -> None:
    found = refused(place, rendered(TEXT.replace(", operator: false", "")))
    assert found[:2] == ("MLCC379", 3)
    assert "hyperpod.operator false" in found[2]


def test_a_manifest_is_applied_as_it_was_reviewed(place: Place, tmp_path: Path) -> None:
    from mlcc import pipeline

    project = render(TEXT, tmp_path / "project")
    file = project / "manifests/deployment.yaml"
    file.write_text(file.read_text().replace("replicas: 1", "replicas: 1\n  minReadySeconds: 5"))
    code, exit_code, hint = refused(place, project)
    assert (code, exit_code) == ("MLCC374", 3)
    assert "mlcc apply" in hint
    pipeline.apply(pipeline.read(project / "mlcc.yaml"), project)
    verbs.deploy(place.context(project))
    assert place.objects["deployments/iris"]["spec"]["minReadySeconds"] == 5
    for old, new, code in (
        ("minReadySeconds: 5", "surplus: 5", "MLCC360"),
        ("surplus: 5", "minReadySeconds: 5\n# namespace: kube-system", ""),
        ("namespace: default", "namespace: kube-system", "MLCC374"),
    ):
        file.write_text(file.read_text().replace(old, new))
        if code:
            pipeline.apply(pipeline.read(project / "mlcc.yaml"), project)
            assert refused(place, project)[0] == code


# ---------------------------------------------------------------- dry runs
PARTS = {"Apply", "Get", "List", "Delete", "Logs", "PortForward"}


def test_a_dry_run_needs_nothing_and_its_calls_are_described() -> None:
    place = Place.__new__(Place)
    place.environ, place.aws = {"PATH": ""}, None  # type: ignore[assignment]
    seen = set()
    for text in (TEXT, TEXT.replace(", operator: false", ""), MOUNTED):
        for verb in (verbs.deploy, verbs.clean, verbs.logs, verbs.status, verbs.test):
            for one in verb(place.context(rendered(text), dry_run=True)).document["calls"]:
                if verb is verbs.clean and one["service"] != "kubernetes":
                    assert walker.problems(one["service"], one["operation"], one["parameters"]) == []
                    continue
                assert one["service"] == "kubernetes"
                problems = list(validator._validator("output-calls-kubernetes").iter_errors(one))
                assert problems == []
                seen.add(one["operation"])
    assert seen == PARTS
    found = verbs.deploy(place.context(rendered(TEXT), dry_run=True)).document
    assert set(found["assumed"]) == {"account_id", "image"}


# ---------------------------------------------------------------- states
def endpoint(**status: Any) -> dict[str, Any]:
    return {"metadata": {"generation": 2}, "spec": {"endpointName": status.pop("name", "")}, "status": status}


STATES = {
    "nothing yet": (endpoint(), "DeploymentPending", False, False),
    "of an older generation": (
        endpoint(observedGeneration=1, state="DeploymentComplete"),
        "DeploymentPending",
        False,
        False,
    ),
    "serving": (endpoint(observedGeneration=2, state="DeploymentComplete"), "DeploymentComplete", True, False),
    "waiting for SageMaker": (
        endpoint(state="DeploymentComplete", name="e", endpoints={"sagemaker": {"state": "CreationInProgress"}}),
        "SageMaker endpoint CreationInProgress",
        False,
        False,
    ),
    "with SageMaker": (
        endpoint(state="DeploymentComplete", name="e", endpoints={"sagemaker": {"state": "CreationCompleted"}}),
        "DeploymentComplete",
        True,
        False,
    ),
    "failed": (endpoint(state="DeploymentFailed"), "DeploymentFailed", False, True),
    "failed inside": (
        endpoint(state="DeploymentInProgress", deploymentStatus={"deploymentObjectOverallState": "DeploymentFailed"}),
        "DeploymentInProgress",
        False,
        True,
    ),
}


@pytest.mark.parametrize("case", STATES)
def test_what_the_operator_s_status_means(case: str) -> None:
    found, word, ready, failed = STATES[case]
    assert objects.KINDS[objects.ENDPOINT].state(found)[:3] == (word, ready, failed)


@pytest.mark.parametrize(
    ("status", "ready", "failed"),
    [
        ({}, False, False),
        ({"observedGeneration": 1}, False, False),
        ({"observedGeneration": 2, "updatedReplicas": 2, "availableReplicas": 2, "replicas": 3}, False, False),
        ({"observedGeneration": 2, "updatedReplicas": 2, "availableReplicas": 2, "replicas": 2}, True, False),
        (
            {
                "observedGeneration": 2,
                "conditions": [{"status": "False", "reason": "ProgressDeadlineExceeded", "message": "m"}],
            },
            False,
            True,
        ),
    ],
)
def test_what_a_deployment_s_status_means(status: dict[str, Any], ready: bool, failed: bool) -> None:
    found = {"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": status}
    state = objects.KINDS[objects.DEPLOYMENT].state(found)
    assert (state.ready, state.failed) == (ready, failed)
