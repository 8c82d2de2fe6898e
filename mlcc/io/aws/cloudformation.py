"""AWS CloudFormation: stacks and change sets.  Law: one typed method a call; what is not there is None."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.paging import elements, pages

SERVICE = "cloudformation"
CAPABILITIES = ["CAPABILITY_NAMED_IAM"]
CREATE, UPDATE, IMPORT = "CREATE", "UPDATE", "IMPORT"


class ChangeSet(NamedTuple):
    """A change set to make.

    stack, name: of both; kind: CREATE, UPDATE or IMPORT; template: its text; parameters, tags: of the stack; adopted:
    resources that are there already, as ResourcesToImport.
    """

    stack: str
    name: str
    kind: str
    template: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    adopted: Sequence[Mapping[str, Any]] = ()

    def request(self) -> dict[str, Any]:
        """The parameters of CreateChangeSet."""
        found: dict[str, Any] = {
            "StackName": self.stack,
            "ChangeSetName": self.name,
            "ChangeSetType": self.kind,
            "TemplateBody": self.template,
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in sorted(self.parameters.items())],
            "Tags": [{"Key": k, "Value": v} for k, v in sorted(self.tags.items())],
            "Capabilities": CAPABILITIES,
        }
        return found | ({"ResourcesToImport": list(self.adopted)} if self.adopted else {})


class CloudFormation:
    """Stacks of one account and region."""

    def __init__(self, caller: Caller) -> None:
        """caller: the connection."""
        self._caller = caller

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return self._caller.call(SERVICE, operation, parameters)

    def stack(self, name: str) -> dict[str, Any] | None:
        """DescribeStacks of one stack, by name or (a deleted one, too) by id."""
        try:
            found: list[dict[str, Any]] = self._call("DescribeStacks", StackName=name).get("Stacks", [])
        except AwsError as problem:
            if problem.code == "ValidationError" and "does not exist" in problem.message:
                return None
            raise
        return found[0] if found else None

    def create_change_set(self, wanted: ChangeSet) -> str:
        """CreateChangeSet; its id."""
        return str(self._call("CreateChangeSet", **wanted.request())["Id"])

    def change_set(self, name: str) -> dict[str, Any]:
        """DescribeChangeSet by id, with all its changes."""
        answers = list(pages(self._caller, SERVICE, "DescribeChangeSet", {"ChangeSetName": name}))
        return {**answers[0], "Changes": [change for answer in answers for change in answer.get("Changes", ())]}

    def execute_change_set(self, name: str) -> None:
        """ExecuteChangeSet by id."""
        self._call("ExecuteChangeSet", ChangeSetName=name)

    def delete_change_set(self, name: str) -> None:
        """DeleteChangeSet by id."""
        self._call("DeleteChangeSet", ChangeSetName=name)

    def delete_stack(self, name: str) -> None:
        """DeleteStack by id."""
        self._call("DeleteStack", StackName=name)

    def resources(self, name: str) -> list[dict[str, Any]]:
        """ListStackResources."""
        return list(elements(self._caller, SERVICE, "ListStackResources", {"StackName": name}))

    def events(self, name: str, most: int = 200) -> list[dict[str, Any]]:
        """DescribeStackEvents, newest first.  most: events that are read."""
        return list(islice(elements(self._caller, SERVICE, "DescribeStackEvents", {"StackName": name}), most))

    def detect_drift(self, name: str) -> str:
        """DetectStackDrift; the id of the detection."""
        return str(self._call("DetectStackDrift", StackName=name)["StackDriftDetectionId"])

    def drift_detection(self, detection: str) -> dict[str, Any]:
        """DescribeStackDriftDetectionStatus."""
        return self._call("DescribeStackDriftDetectionStatus", StackDriftDetectionId=detection)

    def drifts(self, name: str) -> list[dict[str, Any]]:
        """DescribeStackResourceDrifts."""
        return list(elements(self._caller, SERVICE, "DescribeStackResourceDrifts", {"StackName": name}))
