"""config, export, validate, manifest: reports about a rendered project, without starting anything."""

from __future__ import annotations

import json
import os
from typing import Any

from mlcc.core.conflict_marks import conflicts
from mlcc.core.errors import UsageError
from mlcc.core.findings import error
from mlcc.core.paths import format_path
from mlcc.core.tree import BASE_DIR, MAX_FILE_BYTES, REMOVED, STAYS_DELETED, digest
from mlcc.io.disk.reader import Directory
from mlcc.lifecycle import own_paths, run_state, targets
from mlcc.lifecycle.context import Context, Result
from mlcc.lifecycle.source_state import AS_APPLIED, state_of_source
from mlcc.lifecycle.steps import build
from mlcc.registries.redaction import redact, redact_value
from mlcc.render import conf_lines


def config(context: Context) -> Result:
    """The values that the steps use."""
    found = redact(context.project.variables)
    return Result({"variables": found}, conf_lines.assignments(found))


def export(context: Context) -> Result:
    """The resolved configuration of the project as a document, and the values of do/config as lines of a shell."""
    if context.argument("cloudformation"):
        return _template(context)
    project = context.project
    values = {format_path(path): value for path, value in project.values.items()}
    document: dict[str, Any] = {
        "project": project.name,
        "env": project.env,
        "deployment_config": project.config.name,
        "target": project.target.name,
        "mlcc": project.lock.version,
        "values": {name: redact_value(name, value) for name, value in values.items()},
        "components": {name: redact(own) for name, own in project.components.items()},
        "adapters": {name: redact(own) for name, own in project.adapters.items()},
    }
    shell = conf_lines.assignments(redact(project.variables))
    return Result(document, shell, raw="".join(f"{line}\n" for line in shell).encode("utf-8", "surrogateescape"))


def need_resources(context: Context) -> None:
    """Raises UsageError for a target that no CloudFormation template can describe."""
    if not context.project.target.host_image:
        message = f"the target {context.project.target.name} has no resources of CloudFormation"
        raise UsageError([error("MLCC311", message, hint="do/export --cloudformation --target NAME")])


def _template(context: Context) -> Result:
    """The project's resources as a CloudFormation template; what it had to assume is said beside it."""
    from mlcc.lifecycle.targets.sagemaker import desired, facts, template

    need_resources(context)
    place, assumed = facts.without_asking(context)
    for name, value in assumed.items():
        context.progress.say(f"assumed: {name} {value}")
    wanted = desired.wanted(context.project, place)
    for line in (template.NAMES, *template.notes(wanted)):
        context.progress.say(line)
    found = template.document(wanted, f"mlcc: {context.project.name}")
    return Result({"template": found}, json.dumps(found, indent=2).split("\n"), whole=True)


def validate(context: Context) -> Result:
    """Whether every file is as the lock says, mlcc.yaml too, and whether one keeps the project from working."""
    rows, ok = [], True
    name, state = state_of_source(context.project)
    if name:
        rows.append({"path": name, "owner": SOURCE, "state": state})
        ok = state == AS_APPLIED
    entrypoint = str(context.project.container["entrypoint"])
    with Directory(context.project.directory) as tree:
        for path, record in context.project.lock.files.items():
            found = tree.read(path, MAX_FILE_BYTES)
            if found is None and record.edited == STAYS_DELETED and not tree.exists(f"{BASE_DIR}/{path}"):
                continue  # remembered for a configuration that renders it
            seen = digest(found[0]) if found is not None else REMOVED
            word = _state(seen, record.digest, record.edited, record.owner)
            if found is None:
                word = "missing, the server needs it" if path == entrypoint else word
            elif conflicts(found[0]):
                word = "conflict markers in it"
            elif record.mode & 0o111 and not found[1] & 0o111:
                word = "not executable any more"
            ok = ok and word in FINE
            rows.append({"path": path, "owner": record.owner, "state": word})
    shown = [r for r in rows if r["state"] not in ("as rendered", AS_APPLIED)]
    lines = [f"{r['state']:<26} {r['path']}" for r in shown if r["owner"] != SOURCE]
    lines += [f"{name}: {state}"] if state != AS_APPLIED else []
    return Result({"files": rows, "ok": ok}, [*lines, f"{len(rows)} files, {len(shown)} not as rendered"], ok)


# Who owns mlcc.yaml itself.
SOURCE = "source"
FINE = ("as rendered", "edited, recorded", "yours", "yours, removed", "removed by you")


def _state(seen: str, rendered: str, edited: str, owner: str) -> str:
    if owner == "seed":
        return "yours, removed" if seen == REMOVED else "as rendered" if seen == rendered else "yours"
    if seen == rendered:
        return "as rendered"
    if seen == REMOVED and edited in (REMOVED, STAYS_DELETED):
        return "removed by you"
    if seen == edited:
        return "edited, recorded"
    return "changed since mlcc apply"


def manifest(context: Context) -> Result:
    """What of this project exists on this machine: builds, servers, logs, the sample artifact."""
    project = context.project
    assets = []
    for name in (run_state.BUILD, run_state.SERVER):
        found = run_state.read(project.directory, name)
        if found:
            kind = str(found.get("kind", ""))
            what = found.get("reference") or found.get("url")
            assets.append({"asset": name.removesuffix(".json"), "kind": kind, "name": str(what)})
    sample = os.path.dirname(build.artifact(project)) or project.architecture.sample
    if sample and own_paths.is_folder(project.directory, sample):
        assets.append({"asset": "model", "kind": "sample", "name": sample})
    if context.argument("live"):
        if not project.target.host_image:
            message = f"do/manifest --live is not there on the target {project.target.name}"
            raise UsageError([error("MLCC311", message, hint="do/status shows what runs")])
        if context.argument("dry_run"):
            return targets.verb(project.target.name, "assets", context.environ)(context)
        assets += targets.verb(project.target.name, "assets", context.environ)(context).document["assets"]
    lines = [f"{a['asset']:<18} {a['kind']:<10} {a['name']}" for a in assets]
    where = "" if context.argument("live") else " on this machine (--live asks AWS, too)"
    return Result({"assets": assets}, lines or [f"nothing of this project exists{where}"])
