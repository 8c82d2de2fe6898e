"""AWS CodeBuild: projects and builds.  Law: one typed method a call; what is not there is None, an error is raised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.io.aws.connection import Caller

SERVICE = "codebuild"


class Build(NamedTuple):
    """A build: its id, status (IN_PROGRESS, SUCCEEDED, FAILED, FAULT, TIMED_OUT, STOPPED), phase, and where it logs.

    failure: what the service says of the phase that failed.
    """

    id: str
    status: str
    phase: str
    log_group: str
    log_stream: str
    failure: str


class CodeBuild:
    """Projects and builds of an account."""

    def __init__(self, caller: Caller) -> None:
        """caller: the connection."""
        self._caller = caller

    def project(self, name: str) -> dict[str, Any] | None:
        """BatchGetProjects for one."""
        found = self._caller.call(SERVICE, "BatchGetProjects", {"names": [name]}).get("projects", [])
        return found[0] if found else None

    def create_project(self, parameters: Mapping[str, Any]) -> None:
        """CreateProject."""
        self._caller.call(SERVICE, "CreateProject", parameters)

    def update_project(self, parameters: Mapping[str, Any]) -> None:
        """UpdateProject."""
        self._caller.call(SERVICE, "UpdateProject", parameters)

    def delete_project(self, name: str) -> None:
        """DeleteProject; none that is absent is an error."""
        self._caller.call(SERVICE, "DeleteProject", {"name": name})

    def start(self, parameters: Mapping[str, Any]) -> str:
        """StartBuild: the id of the build."""
        return str(self._caller.call(SERVICE, "StartBuild", parameters)["build"]["id"])

    def stop(self, build: str) -> None:
        """StopBuild."""
        self._caller.call(SERVICE, "StopBuild", {"id": build})

    def build(self, build: str) -> Build | None:
        """BatchGetBuilds for one."""
        found = self._caller.call(SERVICE, "BatchGetBuilds", {"ids": [build]}).get("builds", [])
        if not found:
            return None
        one, logs = found[0], found[0].get("logs", {})
        contexts = (c for p in one.get("phases", ()) for c in p.get("contexts", ()) if p.get("phaseStatus") == "FAILED")
        failure = next((str(c.get("message", "")) for c in contexts if c.get("message")), "")
        group, stream = str(logs.get("groupName", "")), str(logs.get("streamName", ""))
        return Build(build, str(one["buildStatus"]), str(one.get("currentPhase", "")), group, stream, failure)
