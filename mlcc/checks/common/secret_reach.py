"""MLCC122: a secret that its container cannot read, or that has the name of a variable."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.paths import Path
from mlcc.resolve import secret_variables

CODE = "MLCC122"


def check(subject: Subject) -> Iterator[Finding]:
    """The image's entry point reads AWS Secrets Manager: it must be mlcc's, and it needs a network."""
    resolved = subject.resolved
    references = secret_variables.variables({p: v.value for p, v in resolved.values.items()})
    if not references or subject.rows.target is None or "secretsmanager" not in subject.rows.target.secrets:
        return
    secrets = {name.removeprefix(secret_variables.PREFIX) for name in references}
    words = ", ".join(sorted(secrets))
    if resolved.get("network.isolation"):
        message = f"network.isolation forbids what the container needs at start: reading {words} from Secrets Manager"
        hint = "remove network.isolation, and restrict the container with network.subnets and a VPC endpoint"
        yield subject.finding(CODE, ("network", "isolation"), message, hint)
    for path, value in resolved.values.items():
        if path[-2:-1] == ("env",) and str(path[-1]) in secrets and value.source.by_hand:
            message = f"{path[-1]} is a variable here, and a secret: the container would get the secret's value"
            yield subject.finding(CODE, path, message, "keep one of them")
    images: list[Path] = [("build", "image_uri")] if resolved.get("build.image_uri") else []
    images += [p for p in resolved.values if p[0] == "inference_components" and p[2:] == ("image",)]
    for path in images:
        message = f"an image that mlcc does not build does not read {words} by itself: mlcc's entry point is not in it"
        hint = f"let the image read {secret_variables.PREFIX}NAME, or let mlcc build one from it (framework.base_image)"
        yield subject.finding(CODE, path, message, hint, Severity.WARNING)
