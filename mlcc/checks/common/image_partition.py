"""MLCC177: a base image that is in another partition of AWS than the project's region."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcc.checks.common.image_form import ECR
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding

CODE = "MLCC177"
PATH = ("framework", "base_image")


def check(subject: Subject) -> Iterator[Finding]:
    """Credentials of one partition are not valid in another one: the build cannot pull the image."""
    target, image = subject.rows.target, str(subject.resolved.get("framework.base_image", ""))
    match, name = ECR.match(image), str(subject.resolved.get("deployment.region", ""))
    if target is None or not target.host_image or match is None or not name:
        return
    region, source = (subject.registries.regions.get(n) for n in (name, match["region"]))
    if region is None or source is None:
        return
    if source.partition != region.partition:
        message = f"the base image is in {source.name} ({source.partition}), and {region.name} is in {region.partition}"
        account = subject.rows.framework.accounts.get(region.name) if subject.rows.framework is not None else None
        own = re.sub(r"^[^/]*", f"{account}.dkr.ecr.{region.name}.{region.dns_suffix}", image)
        hint = f"framework: {{base_image: {own}}}" if account else "copy it to your own ECR, and name it there"
        yield subject.finding(CODE, PATH, message, hint)
