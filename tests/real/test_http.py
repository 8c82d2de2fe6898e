"""The http architecture in containers: images built from the rendered Dockerfile, held to SageMaker's contract.

The base image is a stand-in of the published one (see run.sh): what is proved is the Dockerfile and the server.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlcc.io.container_engines import LABEL
from tests.real.rig import (
    CANARY,
    CANARY_VARIABLE,
    CSV,
    DIRECT,
    IRIS,
    LOOPBACK,
    Docker,
    Project,
    Rig,
    Server,
    assert_predicts,
    assert_refuses,
    classes,
    csv_text,
    free_port,
    in_flight,
    inside,
    judge_contract,
    listeners,
    run,
    whole_contract,
)

pytestmark = pytest.mark.real

BACKENDS = ("flask", "fastapi", "nginx")
SECRET = f"\nsecrets:\n  API_TOKEN: {{env: {CANARY_VARIABLE}}}\n"
ROWS = IRIS[0]
MODEL = "/opt/ml/model"
# S-2 and S-3 of SageMaker's container contract
ACCEPT_S, PING_S, STOP_S = 0.25, 2.0, 30.0


@dataclass(frozen=True)
class Built:
    """A project whose images are built.  image: as rendered; slow: with the handler edited by its user."""

    backend: str
    project: Project
    image: str
    slow: str

    @property
    def model(self) -> Path:
        """The sample model that do/build has trained."""
        return self.project.path / "sample_model/model"


@pytest.fixture(scope="module", params=BACKENDS)
def built(
    request: pytest.FixtureRequest, rig: Rig, docker: Docker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Built]:
    """init, apply and do/build with the engine; then the user edits code/handler.py and builds again."""
    backend = request.param
    path = tmp_path_factory.mktemp("http") / f"iris-{backend}"
    project = rig.project(path, f"http-{backend}", engine="docker", more=SECRET)
    (path / ".env").write_text(f"API_TOKEN={CANARY}\n")
    (path / "code/.env").write_text(f"API_TOKEN={CANARY}\n")
    done = project.json("build")
    assert done["built"] == {"kind": "image", "reference": project.image}, done
    names = (f"mlcc-test/{backend}:rendered", f"mlcc-test/{backend}:slow")
    docker("tag", done["built"]["reference"], names[0])
    project.slow()
    project.do("build")
    docker("tag", done["built"]["reference"], names[1])
    assert docker.inspect(names[0])["Id"] != docker.inspect(names[1])["Id"], "the user's edit is not in the image"
    yield Built(backend, project, *names)
    docker("rmi", "--force", *names)
    project.do("clean")


# ---------------------------------------------------------------- the image
def test_image_starts_as_sagemaker_wants(built: Built, docker: Docker) -> None:
    found = docker.inspect(built.image)
    config = found["Config"]
    assert config["Entrypoint"] == ["/opt/program/serve"], "ENTRYPOINT must be the exec form, so that signals arrive"
    assert config["Cmd"] == ["serve"]
    assert config["User"] in ("", "0", "root"), "SageMaker runs containers as root"
    assert "8080/tcp" in config["ExposedPorts"]
    assert config["Labels"]["com.amazonaws.sagemaker.capabilities.accept-bind-to-port"] == "true"
    assert (found["Os"], found["Architecture"]) == ("linux", "amd64")
    history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", built.image).stdout
    assert re.search(r'ENTRYPOINT \["/opt/program/serve"\]', history), history


def test_image_holds_no_secret(built: Built, docker: Docker) -> None:
    history = docker("history", "--no-trunc", "--format", "{{json .}}", built.image).stdout
    assert history.count("\n") > 5, "the history is empty: this test would prove nothing"
    assert CANARY not in history
    assert CANARY not in json.dumps(docker.inspect(built.image))
    # in any file of any of the layers, looked for by a shell in the image itself
    look = f"grep -rlaF {CANARY} / --exclude-dir=proc --exclude-dir=sys --exclude-dir=dev"
    plant = f"echo {CANARY} > /opt/planted; {look}"
    found = docker("run", "--rm", "--network", "none", "--entrypoint", "sh", built.image, "-c", plant, code=None)
    assert found.stdout.split() == ["/opt/planted"], f"the secret is in files of the image: {found.stdout}"
    names = docker("run", "--rm", "--network", "none", "--entrypoint", "find", built.image, "/opt").stdout.split()
    assert f"{MODEL}/model.joblib" in names
    assert "/opt/program/handler.py" in names
    stray = [n for n in names if re.search(r"(^|/)(\.git|\.mlcc|mlcc\.yaml|mlcc\.lock|\.env|__pycache__|do)(/|$)", n)]
    assert not stray, f"files of the project that the server has no use for are in the image: {stray}"


def test_push_makes_a_docker_v2_manifest(built: Built, docker: Docker) -> None:
    registry = os.environ["MLCC_REAL_REGISTRY"]
    name, kind = f"{registry}/{built.backend}:1", "application/vnd.docker.distribution.manifest.v2+json"
    docker("tag", built.image, name)
    docker("push", name)
    accepted = f"{kind}, application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"
    url = f"http://{registry}/v2/{built.backend}/manifests/1"
    with DIRECT.open(urllib.request.Request(url, headers={"Accept": accepted}), timeout=30) as reply:
        assert reply.headers["Content-Type"] == kind, "SageMaker refuses anything but Docker's v2 manifests"
        manifest = json.load(reply)
    assert (manifest["schemaVersion"], manifest["mediaType"]) == (2, kind)
    assert manifest["config"]["mediaType"] == "application/vnd.docker.container.image.v1+json"
    assert manifest["config"]["digest"] == docker.inspect(built.image)["Id"]
    layers = {layer["mediaType"] for layer in manifest["layers"]}
    assert layers == {"application/vnd.docker.image.rootfs.diff.tar.gzip"}, layers
    raw = run("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{name}")
    assert raw.code == 0, raw.stderr
    assert json.loads(raw.stdout) == manifest
    docker("rmi", name)


# ---------------------------------------------------------------- the container, as SageMaker runs it
def test_as_sagemaker_runs_it(built: Built, docker: Docker) -> None:
    """`docker run IMAGE serve`: port 8080 by default, the model mounted read-only, no network, nothing else given."""
    mount = ("--volume", f"{inside(built.model)}:{MODEL}:ro")
    with docker.container(built.image, *mount, network="none") as container:
        wait = "import socket, time\nwhile socket.socket().connect_ex(('127.0.0.1', 8080)): time.sleep(0.05)"
        container.execute("timeout", "30", "python3", "-c", wait)
        for text, least in (
            ((built.project.path / "tests/test_contract.py").read_text(), 5),
            (whole_contract(built.project.path), 10),
        ):
            done = container.execute("python3", "-B", "-", "-v", stdin=text, code=None)
            assert container.running(), container.logs()
            judge_contract(done, least)
        assert container.execute("sh", "-c", f"echo x > {MODEL}/written", code=None).code != 0
        log = container.logs()
        assert "Traceback" not in log, log
        assert not re.search(r"WARNING: This is a development server|Debugger|reload", log), log
        code, seconds = container.terminate()
        assert (code, seconds < STOP_S) == (0, True), f"SIGTERM: exit {code} after {seconds:.1f} s\n{container.logs()}"


def test_baked_model_and_read_only_root(built: Built, docker: Docker) -> None:
    """The model of the image, a root that cannot be written, and the port that SAGEMAKER_BIND_TO_PORT names."""
    before = listeners(8080)
    with docker.container(built.image, "--read-only", "--tmpfs", "/tmp") as container:
        server = container.server
        ready = server.ready(container.running)
        assert listeners(server.address[1]) == {LOOPBACK}, "MLCC_BIND_HOST=127.0.0.1 is not honoured"
        # another test may end its server on it meanwhile
        assert listeners(8080) <= before, "it listens on 8080 although SAGEMAKER_BIND_TO_PORT names another port"
        assert ready < 60
        assert_predicts(server, IRIS)
        assert_refuses(server, IRIS)
        built.project.contract(server.url)
        assert server.ping().seconds < PING_S
        changed = docker("diff", container.name).stdout.split("\n")
        assert not [line for line in changed if line and not line.endswith(("/tmp", "/dev", "/etc"))], changed


def test_only_one_server_process_tree(built: Built, docker: Docker) -> None:
    """The server is process 1 of the container (or its child), a production server, without a shell in between."""
    with docker.container(built.image) as container:
        container.server.ready(container.running)
        first = container.execute("sh", "-c", "tr '\\0' ' ' </proc/1/cmdline").stdout
        assert "/opt/program/serve" in first, first
        assert not first.startswith(("sh ", "/bin/sh", "bash")), first
        script = 'for p in /proc/[0-9]*; do tr "\\0" " " <$p/cmdline; echo; done'
        everything = container.execute("sh", "-c", script).stdout
        wanted = {"flask": ["uvicorn"], "fastapi": ["uvicorn"], "nginx": ["uvicorn", "nginx: worker process"]}
        for program in wanted[built.backend]:
            assert program in everything, everything


@pytest.mark.parametrize("how", ["garbage", "empty", "absent"])
def test_a_broken_model_is_never_healthy(built: Built, docker: Docker, tmp_path: Path, how: str) -> None:
    model = tmp_path / "model"
    model.mkdir()
    if how != "absent":
        (model / "model.joblib").write_bytes(b"\x80\x04 this is no model" if how == "garbage" else b"")
    with docker.container(built.image, "--volume", f"{inside(model)}:{MODEL}:ro") as container:
        server = container.server
        assert server.first_answer(container.running).status == 503
        deadline = time.monotonic() + 60
        while "failed" not in (container.logs()):
            assert time.monotonic() < deadline, f"the log never says that the model failed:\n{container.logs()}"
            assert server.ping().status != 200
            time.sleep(0.2)
        for _ in range(20):  # more than there are workers
            answer = server.ping()
            assert answer.status == 503, f"the model is broken and /ping says {answer}"
            time.sleep(0.1)
        assert container.running(), "the container must stay, so that its log can be read"
        refused = server.invoke({"instances": ROWS})
        assert refused.status == 503, refused
        assert "Traceback" not in refused.body
        assert "joblib" not in refused.body, refused.body
        assert "Traceback" in container.logs(), "the reason must be in the log"


def test_not_healthy_before_the_model_has_loaded(built: Built, docker: Docker) -> None:
    load_s = 4.0
    with docker.container(built.slow, env={"TEST_LOAD_S": str(load_s)}) as container:
        server = container.server
        accepted = server.accept(container.running)
        first = server.first_answer(container.running)
        assert first.status == 503, f"the model is still loading and /ping says {first}"
        assert accepted < load_s, "it must answer while the model loads"
        assert first.seconds < PING_S
        seen = [first.status]
        ready = server.ready(container.running)
        assert ready >= load_s, f"/ping answered 200 after {ready:.1f} s, and loading takes {load_s:g} s"
        seen += [server.ping().status for _ in range(40)]  # each worker in turn: all of them have loaded
        assert set(seen[1:]) == {200}, f"/ping goes back after it answered 200: {seen}"
        assert_predicts(server, IRIS)


def test_accepts_and_pings_while_every_worker_is_busy(built: Built, docker: Docker) -> None:
    env = {"TEST_PREDICT_S": "4", "MLCC_WORKERS": "1", "MLCC_THREADS": "1"}
    with docker.container(built.slow, env=env) as container:
        server = container.server
        server.ready(container.running)
        with in_flight(server, {"instances": ROWS}) as got, in_flight(server, {"instances": ROWS}) as queued:
            time.sleep(0.5)
            for _ in range(20):
                began = time.monotonic()
                socket.create_connection(server.address, 5).close()
                took = time.monotonic() - began
                assert took < ACCEPT_S, f"a connection was accepted after {took * 1000:.0f} ms"
            answer = server.ping()
            assert answer.status == 200, answer
            assert answer.seconds < PING_S, f"/ping took {answer.seconds:.2f} s while the model was busy"
            assert not got, "the request was over before the pings: this test would prove nothing"
        for answers in (got, queued):
            assert not isinstance(answers[0], Exception), answers
            assert answers[0].status == 200, answers


def test_sigterm_finishes_what_is_in_flight(built: Built, docker: Docker) -> None:
    predict_s = 6.0
    with docker.container(built.slow, env={"TEST_PREDICT_S": str(predict_s)}) as container:
        server = container.server
        server.ready(container.running)
        with in_flight(server, {"instances": ROWS}) as got:
            time.sleep(1.5)
            code, seconds = container.terminate()
        answer = got[0]
        assert not isinstance(answer, Exception), f"the request in flight was cut: {answer!r}\n{container.logs()}"
        assert answer.status == 200, answer
        assert classes(answer.json()["predictions"]) == IRIS[1]
        assert answer.seconds >= predict_s, "the handler did not sleep: this test would prove nothing"
        assert code == 0, f"exit {code} after SIGTERM\n{container.logs()}"
        assert seconds < STOP_S, f"it took {seconds:.1f} s to end; SIGKILL comes after 30 s"
        assert seconds > 2, f"it ended {seconds:.1f} s after SIGTERM, before the request was over"
        assert server.refuses(), "something still accepts connections"
        assert "Traceback" not in container.logs(), container.logs()


def test_sigterm_gives_up_before_sagemaker_does(built: Built, docker: Docker) -> None:
    """A request that takes longer than SageMaker waits must not keep the container until SIGKILL."""
    with docker.container(built.slow, env={"TEST_PREDICT_S": "50"}) as container:
        server = container.server
        server.ready(container.running)
        with in_flight(server, {"instances": ROWS}):
            time.sleep(1)
            code, seconds = container.terminate(limit=40)
        assert seconds < STOP_S, f"it took {seconds:.1f} s to end; SIGKILL comes after 30 s\n{container.logs()}"
        assert code != 137, "it was killed"


def test_environment_of_a_batch_job(built: Built, docker: Docker) -> None:
    env = {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": "1",
        "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD",
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "3",
    }
    with docker.container(built.image, env=env) as container:
        server = container.server
        server.ready(container.running)
        found = server.ask("GET", "/execution-parameters").json()
        assert found == {"MaxConcurrentTransforms": 3, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 1}
        body = csv_text(ROWS)
        assert server.invoke(body, CSV).status == 200
        too_big = server.invoke(body + " " * 1024 * 1024, CSV)
        assert too_big.status == 413, too_big
        assert too_big.json()["error"]


# ---------------------------------------------------------------- the target local with the engine
@pytest.fixture
def local(rig: Rig, docker: Docker, built: Built, tmp_path: Path) -> Iterator[Project]:
    """A second project of the same backend, from nothing (the engine has the layers of the first)."""
    project = rig.project(tmp_path / f"local-{built.backend}", f"http-{built.backend}", engine="docker", more=SECRET)
    # the sample model is the first project's: training needs a virtual environment, which test_process.py makes
    shutil.copytree(built.model, project.path / "sample_model/model")
    yield project
    docker("rm", "--force", project.container, code=None)


def test_local_target_with_the_engine(local: Project, docker: Docker) -> None:
    name, image = local.container, local.image
    local.do("deploy", code=3)
    assert local.json("build")["built"]["kind"] == "image"
    deployed = local.json("deploy", "--port", str(free_port()))
    server = Server(deployed["url"])
    status = local.json("status")
    assert (status["status"], status["kind"], status["url"]) == ("InService", "container", deployed["url"])
    state = docker.inspect(name)
    assert state["State"]["Running"]
    assert state["Config"]["Image"] == image
    assert listeners(server.address[1]) == {LOOPBACK}, "a server of the target local must listen on loopback only"
    assert f"API_TOKEN={CANARY}" in state["Config"]["Env"], "a secret from this machine's variables must arrive"
    tested = local.json("test")
    assert [c["name"] for c in tested["checks"]] == ["ping", "invocation", "bad input", "unknown type"]
    assert all(c["ok"] for c in tested["checks"]), tested
    assert_predicts(server, IRIS)
    local.contract(server.url)
    assert "model loaded" in local.do("logs").stdout
    assert CANARY not in local.do("logs").stdout
    # a second deploy replaces the first; a container that died is distinguished from one that was never there
    again = local.json("deploy", "--port", str(server.address[1]))
    assert again["url"] == server.url
    assert docker.inspect(name)["Id"] != state["Id"]
    docker("kill", name)
    assert local.json("status")["status"] == "Failed"
    local.do("test", code=3)
    cleaned = local.json("clean")
    assert cleaned["proofs"], "clean proves nothing"
    assert all(cleaned["proofs"].values()), cleaned
    assert not docker("ps", "--all", "--quiet", "--filter", f"name={name}").stdout
    assert not docker("images", "--quiet", image).stdout
    assert server.refuses()
    assert not (local.path / ".mlcc/run").exists()
    assert local.json("status")["status"] == "Stopped"
    local.do("deploy", code=3)
    assert CANARY not in "".join(p.read_text("utf-8", "replace") for p in local.path.rglob("*") if p.is_file())


def test_an_image_that_is_gone_must_be_built_again(local: Project, docker: Docker) -> None:
    local.do("build")
    docker("rmi", "--force", local.image)
    done = local.do("deploy", code=3)
    assert "do/build" in done.stderr, done.stderr
    assert all(local.json("clean")["proofs"].values())


def test_a_failed_start_is_explained_and_taken_away(local: Project, docker: Docker) -> None:
    (local.path / "sample_model/model/model.joblib").write_bytes(b"no model")
    local.do("build")
    done = local.do("deploy", "--timeout", "5", code=1)
    assert "MLCC308" in done.stderr, done.stderr
    assert "model failed to load" in done.stderr, f"the end of the log is missing:\n{done.stderr}"
    assert not docker("ps", "--all", "--quiet", "--filter", f"name={local.container}").stdout
    assert all(local.json("clean")["proofs"].values())


def test_clean_leaves_no_untagged_image(local: Project, docker: Docker) -> None:
    """A second build takes the name from the first image; clean must find that one, too."""

    def untagged() -> list[str]:
        own = ("--filter", f"label={LABEL}={local.container}")  # other tests build on this engine, too
        return docker("images", "--quiet", "--filter", "dangling=true", *own).stdout.split()

    local.do("build")
    assert untagged() == []
    handler = local.path / "code/handler.py"
    handler.write_text(handler.read_text() + "\n# edited\n")
    local.do("build")
    assert len(untagged()) == 1
    local.do("clean")
    assert untagged() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_in_the_foreground(local: Project, docker: Docker, number: signal.Signals) -> None:
    local.do("build")
    port = free_port()
    own = ("ps", "--all", "--quiet", "--filter", f"label=mlcc.project={local.container}")
    process = subprocess.Popen(
        [local.path / "do/run", "--port", str(port)],
        env=local.environ,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        # as a terminal starts it: the suite itself may have been started in the background, where Ctrl-C is ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    server = Server(f"http://127.0.0.1:{port}")
    try:
        server.ready(lambda: process.poll() is None)
        assert listeners(port) == {LOOPBACK}
        assert_predicts(server, IRIS)
        assert docker(*own).stdout, "it is found while it runs"
        # Ctrl-C reaches all that run on a terminal, SIGTERM (a supervisor's) only mlcc
        if number == signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        output, _ = process.communicate(timeout=40)
    finally:
        left = docker(*own).stdout.split()
        for name in left:
            docker("rm", "--force", name)
        if process.poll() is None:
            process.kill()
            process.communicate()
    text = output.decode()
    assert not left, f"do/run was ended by {number.name} and its container still runs\n{text}"
    assert server.refuses()
    assert "Traceback" not in text, text
    assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number], text
    local.do("clean")
