"""MLCC150: an image that SageMaker cannot pull."""

import re
from collections.abc import Iterator

from mlcc.checks.base import Subject
from mlcc.diagnostics import Finding, quoted

CODE = "MLCC150"
ECR = re.compile(
    r"\d{12}\.dkr\.ecr(-fips)?\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|amazonaws\.eu)/"
)
PATH = ("build", "image_uri")


def check(subject: Subject) -> Iterator[Finding]:
    """A named image must lie in ECR; what mlcc builds is pushed there."""
    target, image = subject.rows.target, subject.resolved.get("build.image_uri")
    if target is None or not target.instances or target.instances == "hyperpod" or not image:
        return
    if not ECR.match(str(image)):
        message = f"{quoted(str(image), 80)} does not lie in Amazon ECR, from where SageMaker takes images"
        hint = "copy it to ECR and name it there, or leave build.image_uri out: do/push does it"
        yield subject.finding(CODE, PATH, message, hint)
    parts = str(image).split(".")
    region = subject.resolved.get("deployment.region")
    if ECR.match(str(image)) and region and parts[3] != region:
        message = f"the image lies in {parts[3]}, and the project is deployed in {region}"
        yield subject.finding(CODE, PATH, message, f"copy it to {region}; images are pulled from the same region")
