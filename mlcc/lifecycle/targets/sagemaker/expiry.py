"""When what is deployed counts as forgotten.  Law: each deployment gives it its whole time to live again."""

from __future__ import annotations

from mlcc.io.aws.connection import Caller
from mlcc.io.aws.sagemaker import SageMaker
from mlcc.lifecycle.targets.sagemaker.comparison import Observed
from mlcc.lifecycle.targets.sagemaker.desired import EXPIRES_TAG, Desired

# Ends that lie nearer to each other are the same.
SAME_S = 60


def renew(wanted: Desired, seen: Observed, caller: Caller) -> None:
    """Writes the new end onto everything of the project that has tags, and another end.  Raises AwsError."""
    until = wanted.tags.get(EXPIRES_TAG, "")
    known = {(r.kind, r.name) for r in wanted.resources}
    for key, one in seen.items():
        if key in known and one.arn and _differs(one.tags.get(EXPIRES_TAG, ""), until):
            SageMaker(caller).set_tag(one.arn, EXPIRES_TAG, until)


def _differs(found: str, wanted: str) -> bool:
    """Whether two ends are not the same to people; what was made by this deployment has the same within minutes."""
    if found.isdecimal() and wanted.isdecimal():
        return abs(int(found) - int(wanted)) > SAME_S
    return found != wanted
