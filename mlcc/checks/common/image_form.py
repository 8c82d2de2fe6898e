"""MLCC150: an image that SageMaker cannot pull."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, quoted
from mlcc.core.paths import Item, Path

CODE = "MLCC150"
ECR = re.compile(r"\d{12}\.dkr\.ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.(?P<suffix>[a-z0-9.-]+)/")


def check(subject: Subject) -> Iterator[Finding]:
    """A named image must lie in ECR, in the project's region; what mlcc builds is pushed there."""
    target = subject.rows.target
    if target is None or not target.host_image:
        return
    region = subject.resolved.get("deployment.region")
    components = subject.resolved.names("inference_components")
    paths: list[Path] = [("build", "image_uri")]
    paths += [("inference_components", Item(name), "image") for name in components]
    for path in paths:
        value = subject.resolved.values.get(path)
        image = str(value.value) if value is not None else ""
        if not image:
            continue
        found = ECR.match(image)
        if found is None or found["suffix"] not in _suffixes(subject):
            message = f"{quoted(image, 80)} does not lie in Amazon ECR, from where SageMaker takes images"
            hint = f"copy it to ECR and name it there, or leave {path[-1]} out: do/push does it"
            yield subject.finding(CODE, path, message, hint)
        elif region and found["region"] != region:
            message = f"the image lies in {found['region']}, and the project is deployed in {region}"
            yield subject.finding(CODE, path, message, f"copy it to {region}; images are pulled from the same region")


def _suffixes(subject: Subject) -> set[str]:
    """What follows the region in the names of AWS's registries (asked for a named image only: it reads a table)."""
    return {row.dns_suffix for row in subject.registries.regions.values()}
