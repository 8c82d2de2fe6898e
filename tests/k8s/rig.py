"""The API server of tests/k8s/build.sh on this machine: started for a test, and ended with it."""

from __future__ import annotations

import json
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ruamel.yaml import YAML

from tests.k8s.front import DEFINITIONS, Front

START_S = 60
GROUP, PLURAL = "inference.sagemaker.aws.amazon.com", "inferenceendpointconfigs"
# What needs the rest of a cluster.
NO_ADMISSION = (
    "NamespaceLifecycle,MutatingAdmissionWebhook,ValidatingAdmissionWebhook,ValidatingAdmissionPolicy,"
    "MutatingAdmissionPolicy"
)


@contextmanager
def cluster(programs: Path, folder: Path) -> Iterator[Front]:
    """A cluster that knows InferenceEndpointConfig.  programs: what build.sh made; folder: for all that it writes."""
    store, peer, port = _free_ports(3)
    started: list[subprocess.Popen[bytes]] = []
    key, certificate = _administrator(folder)
    try:
        urls = f"http://127.0.0.1:{store}"
        etcd = [f"--data-dir={folder}/etcd", f"--listen-client-urls={urls}", f"--advertise-client-urls={urls}"]
        etcd += [f"--listen-peer-urls=http://127.0.0.1:{peer}", "--unsafe-no-fsync"]
        started.append(_start([str(programs / "etcd"), *etcd], folder / "etcd.log"))
        kubeconfig = _kubeconfig(folder / "own", f"https://127.0.0.1:{port}")
        server = [f"--etcd-servers={urls}", f"--secure-port={port}", "--bind-address=127.0.0.1"]
        server += [f"--cert-dir={folder}/certificates", f"--client-ca-file={certificate}"]
        server += [f"--{what}kubeconfig={kubeconfig}" for what in ("", "authentication-", "authorization-")]
        server += ["--authentication-skip-lookup", "--enable-priority-and-fairness=false"]
        server += [f"--disable-admission-plugins={NO_ADMISSION}"]
        started.append(_start([str(programs / "apiextensions-apiserver"), *server], folder / "server.log"))
        trust = ssl.create_default_context()
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE  # it has made its certificate itself
        trust.load_cert_chain(certificate, key)
        front = Front(f"https://127.0.0.1:{port}", trust)
        try:
            _until(front, "/livez", folder)
            _define(front, programs / "crd.yaml", folder)
            yield front
        finally:
            front.shutdown()
            front.server_close()
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(30)


def kubeconfig(folder: Path, front: Front) -> Path:
    """A kubeconfig whose current context leads to another place, and whose second one to the cluster."""
    document = json.loads(_kubeconfig(folder / "kubeconfig", front.url).read_text())
    document["clusters"].insert(0, {"name": "other", "cluster": {"server": "http://127.0.0.1:9"}})
    document["contexts"].insert(0, {"name": "other", "context": {"cluster": "other", "user": "tests"}})
    document["current-context"] = "other"
    (folder / "kubeconfig").write_text(json.dumps(document))
    return folder / "kubeconfig"


def _kubeconfig(path: Path, server: str) -> Path:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tests", "cluster": {"server": server}}],
        "users": [{"name": "tests", "user": {}}],
        "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "tests"}}],
        "current-context": "tests",
    }
    path.write_text(json.dumps(document))
    return path


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _administrator(folder: Path) -> tuple[Path, Path]:
    """Key and certificate of somebody who may do everything."""
    key, certificate = folder / "admin.key", folder / "admin.crt"
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    argv += ["-subj", "/O=system:masters/CN=tests", "-addext", "extendedKeyUsage=clientAuth"]
    subprocess.run([*argv, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return key, certificate


def _start(argv: list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as stream:
        return subprocess.Popen(argv, stdout=stream, stderr=subprocess.STDOUT)


def _until(front: Front, path: str, folder: Path) -> None:
    """Waits until a path answers 200."""
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        try:
            if front.ask("GET", path)[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError((folder / "server.log").read_text()[-2000:])


def _define(front: Front, definition: Path, folder: Path) -> None:
    """Puts the kind into the cluster.  The file is a Helm template: what it fills in concerns its webhook alone."""
    document = YAML(typ="safe").load(re.sub(r"\{\{[^}]*\}\}", "x", definition.read_text()))
    document["spec"].pop("conversion")
    document["metadata"].pop("annotations", None)
    body = json.dumps(document).encode()
    status, _, answer = front.ask("POST", DEFINITIONS, body, {"Content-Type": "application/json"})
    assert status == 201, answer[:500]
    _until(front, f"/apis/{GROUP}/v1/namespaces/default/{PLURAL}", folder)
