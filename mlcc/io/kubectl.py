"""The program kubectl.  Law: arguments are lists, documents go through its input, decides nothing.

Credentials are those of the caller's kubeconfig, as for every other use of kubectl.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

from mlcc.core.json_data import read_json
from mlcc.io import programs

PROGRAM, MANAGER = "kubectl", "mlcc"
CALL_S = 60
# Of one container's log.
MAX_LOG_BYTES = 4 << 20
_FORWARDING = re.compile(r"Forwarding from 127\.0\.0\.1:([0-9]{1,5}) ->")
_ENDED = re.compile(r"exit (-?[0-9]+)\Z")

Object = dict[str, Any]


class KubectlError(Exception):
    """A call that kubectl or the cluster refused, in their words."""

    def __init__(self, operation: str, words: str) -> None:
        super().__init__(words)
        self.operation, self.words = operation, words


class Kubectl:
    """Calls of kubectl on one cluster and namespace."""

    def __init__(self, environ: Mapping[str, str], context: str = "", namespace: str = "") -> None:
        """environ: of the caller, whose kubeconfig it names; context: of the kubeconfig; namespace: of all objects."""
        self._environ, self._context = environ, context
        self._place = [*(["--context", context] if context else []), *(["--namespace", namespace] if namespace else [])]

    def inside(self, namespace: str) -> Kubectl:
        """The same on another namespace."""
        return Kubectl(self._environ, self._context, namespace)

    def config(self) -> Object:
        """The caller's kubeconfig, without its secrets."""
        return self._json("config", ["config", "view", "-o", "json"])

    def get(self, resource: str, name: str) -> Object | None:
        """One object, or None."""
        return self._json("get", ["get", resource, name, "--ignore-not-found", "-o", "json"]) or None

    def labelled(self, resource: str, labels: Mapping[str, str], everywhere: bool = False) -> list[Object]:
        """The objects that have all of some labels.  everywhere: in whatever namespace."""
        return self._selected(resource, selector(labels), everywhere)

    def with_label(self, resource: str, label: str) -> list[Object]:
        """The objects of all namespaces that have a label, whatever its value."""
        return self._selected(resource, label, everywhere=True)

    def apply(self, document: Object, dry_run: bool = False) -> Object:
        """Makes or changes an object by server-side apply, and returns it.  Fields of other managers are a conflict."""
        argv = ["apply", "--server-side", f"--field-manager={MANAGER}", "--validate=strict", "-o", "json", "-f", "-"]
        return self._json("apply", [*argv, *(["--dry-run=server"] if dry_run else [])], json.dumps(document).encode())

    def delete(self, resource: str, name: str, labels: Mapping[str, str], timeout_s: float) -> None:
        """Deletes an object that has all of some labels, and waits until it is gone; nothing where it is not there."""
        chosen = ["--selector", selector(labels), "--field-selector", f"metadata.name={name}"]
        argv = ["delete", resource, *chosen, "--ignore-not-found", f"--timeout={max(int(timeout_s), 1)}s"]
        self._run("delete", argv, timeout_s=timeout_s + CALL_S)

    def logs(self, labels: str, lines: int) -> str:
        """The last lines of every container of some pods, each with its pod.  labels: as `selector` makes them."""
        argv = ["logs", "--selector", labels, "--all-containers", "--prefix", "--ignore-errors", f"--tail={lines}"]
        done = self._run("logs", [*argv, f"--limit-bytes={MAX_LOG_BYTES}", "--max-log-requests=100"])
        return done.stdout.decode("utf-8", "replace")

    def followed(self, labels: str, lines: int) -> Iterator[str]:
        """The last lines of some pods, and each that comes, until they end or nobody reads any more."""
        argv = ["logs", "--selector", labels, "--all-containers", "--prefix", "--ignore-errors", f"--tail={lines}"]
        argv = [PROGRAM, *self._place, *argv, "--follow", "--max-log-requests=100"]
        last = ""
        with closing(programs.lines(argv, environ=self._environ)) as printed:
            for line in printed:
                ended = _ENDED.match(line)  # a pod's own line begins with its name
                if ended is None:
                    yield line
                    last = line
                elif int(ended[1]):
                    raise KubectlError("logs", last)

    @contextmanager
    def forwarded(self, target: str, port: int) -> Iterator[int]:
        """A port of this machine, on loopback, that leads to a port of the cluster.  target: `service/NAME`."""
        argv = [PROGRAM, *self._place, "port-forward", "--address", "127.0.0.1", target, f":{port}"]
        printed = programs.lines(argv, environ=self._environ)
        try:
            first = next(printed)
            found = _FORWARDING.match(first)
            if found is None:
                raise KubectlError("port-forward", first)
            yield int(found[1])
        finally:
            printed.close()

    def _selected(self, resource: str, chosen: str, everywhere: bool) -> list[Object]:
        argv = ["get", resource, "--selector", chosen, "-o", "json"]
        found = self._json("get", [*argv, *(["--all-namespaces"] if everywhere else [])])
        return list(found.get("items", ()))

    def _run(
        self, operation: str, arguments: Sequence[str], stdin: bytes = b"", timeout_s: float = CALL_S
    ) -> programs.Finished:
        argv = [PROGRAM, *self._place, *arguments]
        done = programs.run(argv, environ=self._environ, timeout_s=timeout_s, stdin=stdin)
        if done.code:
            raise KubectlError(operation, " ".join(done.stderr.decode("utf-8", "replace").split()))
        return done

    def _json(self, operation: str, arguments: Sequence[str], stdin: bytes = b"") -> Object:
        out = self._run(operation, arguments, stdin).stdout
        try:
            found = read_json(out) if out.strip() else {}
        except ValueError:
            raise KubectlError(operation, "its output is not JSON") from None
        return found if isinstance(found, dict) else {}


def selector(labels: Mapping[str, str]) -> str:
    """Labels as kubectl takes them."""
    return ",".join(f"{name}={value}" for name, value in sorted(labels.items()))
