"""do/deploy to do/clean on a real API server with AWS's own definition.  The operator's part, its status, is the test's.

`make test-k8s` builds the server first; kubectl is this machine's.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mlcc.core.errors import MlccError
from mlcc.io.kubectl import Kubectl
from mlcc.lifecycle.context import Context, Silent
from mlcc.lifecycle.rendered_project import load_project
from mlcc.lifecycle.targets.hyperpod import reaper, verbs
from tests.aws.account import render
from tests.functional.test_hyperpod import Aws
from tests.k8s.front import Front
from tests.k8s.rig import GROUP, PLURAL, cluster, kubeconfig
from tests.unit.test_manifest_checks import ACCEPTED, LET_THROUGH, REFUSED, changed

pytestmark = pytest.mark.real
BUILT = Path(os.environ.get("MLCC_K8S", "."))
RESOURCE = f"{PLURAL}.v1.{GROUP}"
TEXT = """version: 1
project: {name: chat}
deployment: {config: transformers-vllm, target: hyperpod-eks, region: us-east-1, account_id: "123456789012"}
model: {name: Qwen/Qwen3-0.6B}
env: {NOTE: "$(HOME) \\"quoted\\" ## text"}
secrets: {HF_TOKEN: {kubernetes: {name: hf, key: token}}}
hyperpod: {cluster: ml-cluster}
tags: {team: vision}
"""

SCALED = "scaling: {min_count: 0, max_count: 4, target_value: 7.5, scale_in_cooldown_s: 600, scale_out_cooldown_s: 0}\n"
WORKSPACE = "https://aps-workspaces.us-east-1.amazonaws.com/workspaces/ws-0123"


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with cluster(BUILT, tmp_path_factory.mktemp("cluster")) as found:
        yield found


class Place:
    """A project and a cluster; whoever waits lets the operator work."""

    def __init__(self, front: Front, folder: Path, config: Path, text: str = TEXT) -> None:
        self.front, self.folder = front, render(text, folder)
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "KUBECONFIG": str(config)}
        self.aws = Aws(front.url)
        self.states = ["DeploymentInProgress", "DeploymentComplete"]
        self.time = 1_700_000_000.0

    def kubectl(self, *argv: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = ["kubectl", "--context", "tests", *argv]
        return subprocess.run(command, env=self.environ, input=stdin, capture_output=True, text=True, timeout=60)

    def object(self, name: str = "chat") -> dict[str, Any]:
        done = self.kubectl("get", RESOURCE, name, "-o", "json", "--show-managed-fields")
        return dict(json.loads(done.stdout))

    def sleep(self, seconds: float) -> None:
        """The operator's next step."""
        self.time += seconds
        name = next(iter(json.loads(self.kubectl("get", RESOURCE, "-o", "json").stdout)["items"]))["metadata"]["name"]
        generation = self.object(name)["metadata"]["generation"]
        words = {"name": name, "lastUpdated": "2026-01-01T00:00:00Z", "message": "image cannot be pulled"}
        status = {"state": self.states.pop(0), "observedGeneration": generation, "deploymentStatus": words}
        patch = json.dumps({"status": status})
        done = self.kubectl("patch", RESOURCE, name, "--subresource=status", "--type=merge", "-p", patch)
        assert done.returncode == 0, done.stderr

    def context(self, **arguments: Any) -> Context:
        project = load_project(str(self.folder))
        clock = lambda: self.time  # noqa: E731
        return Context(project, self.environ, Silent(), self.sleep, clock, arguments, clock, lambda region: self.aws)


@pytest.fixture
def place(front: Front, tmp_path: Path) -> Iterator[Place]:
    found = Place(front, tmp_path / "project", kubeconfig(tmp_path, front))
    yield found
    found.kubectl("delete", RESOURCE, "--all")


def test_from_nothing_to_nothing(place: Place) -> None:
    planned = verbs.deploy(place.context(plan=True)).document["changes"]
    assert planned == [{"path": "InferenceEndpointConfig/chat", "action": "create"}]
    assert verbs.status(place.context()).document["status"] == "NotDeployed"
    context = place.context()
    assert verbs.deploy(context).document["status"] == "InService"
    assert "InferenceEndpointConfig chat: DeploymentInProgress image cannot be pulled" in context.progress.lines  # type: ignore[attr-defined]
    found = place.object()
    assert found["metadata"]["labels"] == {"mlcc.dev/project": "chat", "mlcc.dev/environment": "default"}
    assert found["metadata"]["annotations"]["mlcc.dev/expires"] == str(1_700_000_000 + 8 * 3600)
    worker = found["spec"]["worker"]
    assert worker["image"] == f"123456789012.dkr.ecr.us-east-1.amazonaws.com/mlcc/chat@{Aws.DIGEST}"
    values = {v["name"]: v.get("value", v.get("valueFrom")) for v in worker["environmentVariables"]}
    assert values["NOTE"] == '$$(HOME) "quoted" ## text'
    assert values["HF_TOKEN"] == {"secretKeyRef": {"name": "hf", "key": "token"}}
    assert [m["manager"] for m in found["metadata"]["managedFields"]][:1] == ["mlcc"]
    assert verbs.deploy(place.context(plan=True)).lines == ["no changes: what runs is what the project says"]
    assert verbs.deploy(place.context()).document["status"] == "InService", "a second one waits for nothing"
    assert place.object()["metadata"]["generation"] == 1
    place.front.pods["default", "chat-1"] = ("loading\nready\n", {"app": "chat"})
    assert verbs.logs(place.context()).lines == ["[pod/chat-1/server] loading", "[pod/chat-1/server] ready"]
    assert verbs.status(place.context()).document["status"] == "InService"
    assert verbs.clean(place.context()).ok
    assert place.kubectl("get", RESOURCE, "-o", "name").stdout == ""
    assert verbs.clean(place.context()).ok, "nothing to do is no failure"


def test_what_is_past_its_time_is_taken_away(place: Place) -> None:
    verbs.deploy(place.context())
    kubectl = Kubectl(place.environ, "tests")
    assert reaper.expired(kubectl, place.time) == []
    (found,) = reaper.expired(kubectl, place.time + 9 * 3600)
    assert (found.project, found.kind, found.namespace) == ("chat", "InferenceEndpointConfig", "default")
    assert reaper.reap(found, kubectl, Silent())
    assert place.kubectl("get", RESOURCE, "-o", "name").stdout == ""
    assert reaper.expired(kubectl, place.time + 9 * 3600) == []


def test_a_change_is_planned_field_by_field(place: Place) -> None:
    verbs.deploy(place.context())
    render(TEXT.replace("cluster: ml-cluster", "cluster: ml-cluster, replicas: 3"), place.folder)
    values = verbs.deploy(place.context(plan=True)).document["values"]
    row = {"path": "InferenceEndpointConfig/chat/spec.replicas", "before": 1, "after": 3, "source": "cluster"}
    assert values == [row]
    assert place.object()["spec"]["replicas"] == 1, "a plan changes nothing"


def test_a_failure_has_the_operator_s_reason(place: Place) -> None:
    place.states = ["DeploymentFailed"]
    with pytest.raises(MlccError) as failed:
        verbs.deploy(place.context())
    assert [f.code for f in failed.value.findings] == ["MLCC375"]
    assert "image cannot be pulled" in failed.value.findings[0].message


def test_what_is_somebody_else_s_is_left_alone(place: Place) -> None:
    document = {**changed({}), "metadata": {"name": "chat", "namespace": "default"}}
    assert place.kubectl("apply", "-f", "-", stdin=json.dumps(document)).returncode == 0
    before = place.object()
    with pytest.raises(MlccError) as refused:
        verbs.deploy(place.context())
    assert refused.value.findings[0].code == "MLCC376"
    verbs.clean(place.context())
    assert place.object() == before


def test_a_field_of_another_manager_is_a_conflict(place: Place) -> None:
    verbs.deploy(place.context())
    place.kubectl("scale", RESOURCE, "chat", "--replicas=4")
    with pytest.raises(MlccError) as refused:
        verbs.deploy(place.context())
    assert refused.value.findings[0].code == "MLCC378"
    assert "conflict" in refused.value.findings[0].message
    assert place.object()["spec"]["replicas"] == 4


def test_a_namespace_that_is_not_there_is_a_precondition(front: Front, tmp_path: Path) -> None:
    text = TEXT.replace("cluster: ml-cluster", "cluster: ml-cluster, namespace: nowhere")
    place = Place(front, tmp_path / "project", kubeconfig(tmp_path, front), text)
    with pytest.raises(MlccError) as missing:
        verbs.deploy(place.context())
    assert missing.value.exit_code == 3
    assert "kubectl create namespace" in missing.value.findings[0].hint


def test_a_kubeconfig_that_leads_elsewhere_is_a_precondition(place: Place) -> None:
    place.aws = Aws("https://0123.gr7.us-east-1.eks.amazonaws.com")
    with pytest.raises(MlccError) as elsewhere:
        verbs.deploy(place.context())
    assert elsewhere.value.exit_code == 3
    assert elsewhere.value.findings[0].hint == "aws eks update-kubeconfig --region us-east-1 --name eks-1"


def test_what_a_project_scales_by_is_planned_and_applied(place: Place) -> None:
    """An autoscaler may write replicas: they are no field of mlcc's then, and no conflict."""
    prometheus = f"ml-cluster, prometheus: {{server_address: '{WORKSPACE}', query: up}}"
    render(TEXT.replace("ml-cluster", prometheus) + SCALED, place.folder)
    place.states.append("DeploymentComplete")  # of what was scaled
    verbs.deploy(place.context())
    place.kubectl("scale", RESOURCE, "chat", "--replicas=4")
    spec = place.object()["spec"]
    assert spec["autoScalingSpec"]["prometheusTrigger"]["targetValue"] == 7.5
    assert verbs.deploy(place.context()).document["status"] == "InService"
    assert place.object()["spec"]["replicas"] == 4
    assert verbs.deploy(place.context(plan=True)).lines == ["no changes: what runs is what the project says"]


# ---------------------------------------------------------------- our schema and the server agree
def takes(front: Front, place: Place, document: Mapping[str, Any]) -> bool:
    """Whether the server takes a manifest."""
    argv = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
    return place.kubectl(*argv, stdin=json.dumps(document)).returncode == 0


@pytest.mark.parametrize("case", REFUSED)
def test_the_server_refuses_what_the_schema_refuses(front: Front, place: Place, case: str) -> None:
    assert not takes(front, place, changed(REFUSED[case]))


@pytest.mark.parametrize("case", LET_THROUGH)
def test_the_server_lets_through_what_the_rules_refuse(front: Front, place: Place, case: str) -> None:
    assert takes(front, place, changed(LET_THROUGH[case][1]))


@pytest.mark.parametrize("case", ACCEPTED)
def test_the_server_takes_what_the_schema_takes(front: Front, place: Place, case: str) -> None:
    assert takes(front, place, changed(ACCEPTED[case]))


@pytest.mark.parametrize(
    ("hyperpod", "more"),
    [
        ("", ""),
        (", fsx: {file_system_id: fs-0123456789abcdef0, model_path: m}", ""),
        (", gpu_count: 1", ""),
        (", overrides: {endpointName: chat}", SCALED),
        (f", prometheus: {{server_address: '{WORKSPACE}', query: 'sum(rate(x[1m]))'}}", SCALED),
    ],
)
def test_the_server_takes_what_is_rendered(front: Front, tmp_path: Path, hyperpod: str, more: str) -> None:
    text = TEXT.replace("cluster: ml-cluster", f"cluster: ml-cluster{hyperpod}") + more
    place = Place(front, tmp_path / "project", kubeconfig(tmp_path, front), text)
    assert verbs.deploy(place.context(plan=True)).document["changes"][0]["action"] == "create"
