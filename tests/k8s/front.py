"""The rest of a cluster's API, as far as kubectl asks for it, in front of an API server that keeps only custom resources.

What is real: every custom resource, its validation, its fields' managers, its status.  What is not: discovery (made
from the definitions), namespaces, and pods with their logs, which are what a test puts into `Front`; there are no
Services, no Deployments, and no operator.
"""

from __future__ import annotations

import json
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CORE = {"namespaces": ("Namespace", False), "pods": ("Pod", True), "services": ("Service", True)}
PASSED_ON = ("content-type", "accept")


class Front(ThreadingHTTPServer):
    """Listens on loopback, without TLS and without asking who calls.

    backend: the address of the server behind it; trust: how it is called; pods: by namespace and name, the text of the
    log and the labels.
    """

    daemon_threads = True

    def __init__(self, backend: str, trust: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.backend = backend
        # whatever the environment says of proxies
        handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
        self.opener = urllib.request.build_opener(*handlers)
        self.namespaces = ["default"]
        self.pods: dict[tuple[str, str], tuple[str, dict[str, str]]] = {}
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def ask(self, method: str, path: str, body: bytes = b"", headers: Any = ()) -> tuple[int, str, bytes]:
        """Status, type and body of an answer of the server behind."""
        request = urllib.request.Request(self.backend + path, body or None, dict(headers), method=method)
        try:
            with self.opener.open(request, timeout=60) as answer:
                return answer.status, answer.headers.get("Content-Type", ""), answer.read()
        except urllib.error.HTTPError as problem:
            return problem.code, problem.headers.get("Content-Type", ""), problem.read()

    def kinds(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Group, version and names of every defined kind, with its schema."""
        for one in json.loads(self.ask("GET", DEFINITIONS)[2])["items"]:
            for version in one["spec"]["versions"]:
                schema = version["schema"]["openAPIV3Schema"]
                yield one["spec"]["group"], version["name"], {**one["spec"]["names"], "schema": schema}

    def groups(self) -> dict[str, Any]:
        """Every group with its versions, the stable one first."""
        found: dict[str, list[str]] = {"apiextensions.k8s.io": ["v1"]}
        for group, version, _ in self.kinds():
            found.setdefault(group, []).append(version)
        listed = [
            {"name": name, "versions": rows, "preferredVersion": rows[0]}
            for name, versions in found.items()
            for rows in [[{"groupVersion": f"{name}/{v}", "version": v} for v in sorted(versions, key=len)]]
        ]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}

    def openapi(self, place: str) -> dict[str, Any]:
        """The schemas of a group and version, by which kubectl sees that the server validates fields."""
        paths: dict[str, Any] = {}
        schemas: dict[str, Any] = {}
        for group, version, names in self.kinds():
            if f"apis/{group}/{version}" == place:
                kind = {"group": group, "version": version, "kind": names["kind"]}
                marks = {"x-kubernetes-group-version-kind": kind, "responses": {}}
                query = [
                    {"name": n, "in": "query", "schema": {"type": "string"}} for n in ("fieldValidation", "dryRun")
                ]
                base = f"/{place}/namespaces/{{namespace}}/{names['plural']}"
                paths[base] = {"post": {**marks, "parameters": query}}
                paths[f"{base}/{{name}}"] = {
                    verb: {**marks, "parameters": query} for verb in ("patch", "put", "delete")
                }
                schemas[names["kind"]] = {**names["schema"], "x-kubernetes-group-version-kind": [kind]}
        info = {"title": place, "version": "v1"}
        return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas}}


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: Front

    def log_message(self, *arguments: Any) -> None:
        """Nothing."""

    def answer(self, value: Any, status: int = 200, kind: str = "application/json") -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, message: str) -> None:
        words = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
        self.answer({**words, "message": message}, 404)

    def handle_all(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, front = urlsplit(self.path).path, self.server
        if path == "/api":
            return self.answer({"kind": "APIVersions", "versions": ["v1"]})
        if path == "/apis":
            return self.answer(front.groups())
        if path == "/openapi/v3":
            places = {f"apis/{group}/{version}" for group, version, _ in front.kinds()}
            rows = {place: {"serverRelativeURL": f"/openapi/v3/{place}?hash=1"} for place in places}
            return self.answer({"paths": rows})
        if path.startswith("/openapi/v3/apis/"):
            return self.answer(front.openapi(path.removeprefix("/openapi/v3/")))
        if path.startswith("/api/v1"):
            return self.core([part for part in path.removeprefix("/api/v1").split("/") if part])
        parts = path.split("/")
        if "namespaces" in parts and parts[parts.index("namespaces") + 1] not in front.namespaces:
            return self.refuse(f'namespaces "{parts[parts.index("namespaces") + 1]}" not found')
        headers = {name: value for name, value in self.headers.items() if name.lower() in PASSED_ON}
        status, kind, answer = front.ask(self.command, self.path, body, headers)
        return self.answer(answer, status, kind)

    def core(self, parts: list[str]) -> None:
        """Pods and their logs; no other object is there."""
        if not parts:
            rows = [
                {"name": n, "singularName": n[:-1], "namespaced": inside, "kind": k, "verbs": ["get", "list", "delete"]}
                for n, (k, inside) in CORE.items()
            ]
            return self.answer({"kind": "APIResourceList", "groupVersion": "v1", "resources": rows})
        namespace, resource = (parts[1], parts[2]) if len(parts) > 2 else ("", parts[0])
        if parts[-1] == "log":
            return self.answer(self.server.pods[namespace, parts[3]][0].encode(), kind="text/plain")
        wanted = dict(
            w.split("=") for w in ",".join(parse_qs(urlsplit(self.path).query).get("labelSelector", [])).split(",") if w
        )
        pods = [
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": namespace, "labels": labels},
                "spec": {"containers": [{"name": "server"}]},
            }
            for (where, name), (_, labels) in self.server.pods.items()
            if resource == "pods" and where == namespace and wanted.items() <= labels.items()
        ]
        if len(parts) > 3:
            found = next((p for p in pods if p["metadata"]["name"] == parts[3]), None)
            return self.answer(found) if found else self.refuse(f'{resource} "{parts[3]}" not found')
        return self.answer({"kind": f"{CORE[resource][0]}List", "apiVersion": "v1", "metadata": {}, "items": pods})

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_all  # noqa: N815
