"""MLCC121: a secret that is not referred to in exactly one way, or in a way that its target has not."""

from collections.abc import Iterator

from mlcc import secret_refs
from mlcc.checks.base import Subject
from mlcc.diagnostics import Finding, Severity
from mlcc.values import Path

CODE = "MLCC121"
# The forms of a reference, with what is said of one that the target does not read.
FORMS = {
    "secretsmanager": "lies in AWS Secrets Manager, which {} does not read",
    "env": "comes from a variable of this machine, which {} has not",
    "kubernetes": "lies in a Kubernetes cluster, which {} does not read",
}


def check(subject: Subject) -> Iterator[Finding]:
    """One of secretsmanager, env and kubernetes; which of them a running container reads is the target's fact."""
    found: dict[Path, set[str]] = {}
    for path in subject.resolved.values:
        if path[0] == "secrets" and len(path) > 2:
            found.setdefault(path[:2], set()).add(str(path[2]))
    target = subject.rows.target
    read = target.secrets if target is not None else ()
    for path, keys in found.items():
        forms = [f for f in FORMS if f in keys]
        leaf = next(p for p in subject.resolved.values if p[:2] == path)
        if len(forms) != 1:
            message = f"{path[1]} names {len(forms)} of {', '.join(FORMS)}"
            yield subject.finding(CODE, leaf, message, "name exactly one: where the value is kept")
        elif "json_key" in keys and forms != ["secretsmanager"]:
            hint = "remove it: the other places hold the value itself"
            yield subject.finding(CODE, (*path, "json_key"), f"{path[1]} has a json_key without secretsmanager", hint)
        elif read and forms[0] not in read and subject.resolved.get(f"secrets.{path[1]}.phase") != "build":
            words = FORMS[forms[0]].format(target.name if target is not None else "")
            hint = f"use {' or '.join(read)}" + (", or phase: build" if forms == ["env"] else "")
            hint += "" if "env" in read else ", or deploy to the target local"
            yield subject.finding(CODE, leaf, f"{path[1]} {words}", hint, Severity.WARNING)
    told = secret_refs.variables({p: v.value for p, v in subject.resolved.values.items()})
    if told and "secretsmanager" in read and subject.resolved.get("network.isolation"):
        names = ", ".join(name.removeprefix(secret_refs.PREFIX) for name in told)
        message = f"network.isolation forbids what the container needs at start: reading {names} from Secrets Manager"
        hint = "leave network.isolation out, and keep the container in with network.subnets and a VPC endpoint"
        yield subject.finding(CODE, ("network", "isolation"), message, hint)
    secrets = {name.removeprefix(secret_refs.PREFIX) for name in told}
    for path, value in subject.resolved.values.items():
        if path[-2:-1] == ("env",) and str(path[-1]) in secrets and value.source.level < 8:
            message = f"{path[-1]} is a variable here, and a secret: the container would find the secret's value"
            yield subject.finding(CODE, path, message, "keep one of them")
    ready: list[Path] = [("build", "image_uri")] if subject.resolved.get("build.image_uri") else []
    ready += [p for p in subject.resolved.values if p[0] == "inference_components" and p[2:] == ("image",)]
    for path in ready if told else ():
        words = ", ".join(sorted(secrets))
        message = f"an image that is ready does not read {words} by itself: mlcc's entry point is not in it"
        hint = f"let the image read {secret_refs.PREFIX}NAME, or let mlcc build one from it (framework.base_image)"
        yield subject.finding(CODE, path, message, hint, Severity.WARNING)
