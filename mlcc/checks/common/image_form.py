"""MLCC150: an image that SageMaker cannot pull."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.paths import Item, Path
from mlcc.core.text import quoted

CODE = "MLCC150"
ECR = re.compile(r"\d{12}\.dkr\.ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.(?P<suffix>[a-z0-9.-]+)/")


def check(subject: Subject) -> Iterator[Finding]:
    """A named image must be in ECR, in the project's region; an image that mlcc builds is pushed there."""
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
        match = ECR.match(image)
        if match is None or match["suffix"] not in _suffixes(subject):
            message = f"{quoted(image, 80)} is not in Amazon ECR, from where SageMaker takes images"
            hint = f"copy it to ECR and name it there, or leave {path[-1]} out: do/push does it"
            yield subject.finding(CODE, path, message, hint)
        elif region and match["region"] != region:
            message = f"the image is in {match['region']}, and the project is deployed in {region}"
            yield subject.finding(CODE, path, message, f"copy it to {region}; images are pulled from the same region")


def _suffixes(subject: Subject) -> set[str]:
    """The ends of the names of AWS's registries, after the region (read for a named image only: it is a table)."""
    return {row.dns_suffix for row in subject.registries.regions.values()}
