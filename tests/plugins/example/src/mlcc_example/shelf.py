"""mlcc.targets: the target `shelf`, where a project is put and stays."""

from __future__ import annotations

from mlcc.api import Context, Result, call, calls, run_state

RECORD = "shelf.json"


def deploy(context: Context) -> Result:
    """Puts it on the shelf."""
    if context.argument("dry_run"):
        return calls([call("shelf", "put", project=context.project.name)])
    run_state.write(context.project.directory, RECORD, {"project": context.project.name})
    return Result({"target": "shelf", "status": "Shelved"}, [f"{context.project.name} is on the shelf"])


def status(context: Context) -> Result:
    """Says whether it is there."""
    word = "Shelved" if run_state.read(context.project.directory, RECORD) else "Gone"
    return Result({"target": "shelf", "status": word}, [word])


def test(context: Context) -> Result:
    """Fails when it is not there."""
    there = bool(run_state.read(context.project.directory, RECORD))
    return Result({"target": "shelf", "checks": []}, ["it is there" if there else "it is gone"], ok=there)


def logs(context: Context) -> Result:
    """There are none."""
    return Result({"target": "shelf", "lines": []}, ["(shelves are silent)"])


def clean(context: Context) -> Result:
    """Takes it down."""
    run_state.remove(context.project.directory, RECORD)
    return Result({"target": "shelf", "proofs": {"nothing is on the shelf": True}}, ["taken down"])


def run(context: Context) -> Result:
    """The same as deploy: a shelf has no foreground."""
    return deploy(context)
