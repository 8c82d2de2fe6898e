"""mlcc show: the resolved configuration, in mlcc.yaml's own shape; or what each container gets."""

from __future__ import annotations

from typing import Any

import click

from mlcc import pipeline
from mlcc.cli import costs
from mlcc.cli.changes import say_levels
from mlcc.cli.options import KeyCommand, Values, env_option, file_option, output_options, value_options
from mlcc.cli.output import document, fenced, plain, print_document, print_findings, printable_lines
from mlcc.cli.projects import read, target_of, warn_unfinished
from mlcc.cli.session import Session, current
from mlcc.core import paths
from mlcc.core.errors import UserError
from mlcc.core.findings import Finding, Severity, ordered
from mlcc.io.yaml import writer
from mlcc.load.layers import DEFAULT_ENVIRONMENT
from mlcc.load.locate import find_mlcc_yaml
from mlcc.resolve.project import Project


@click.command("show", cls=KeyCommand, epilog="Example: mlcc show --env prod -o json")
@file_option
@env_option
@value_options
@click.option("--container", "container", is_flag=True, help="Print what each container gets.")
@output_options()
def command(
    file: str,
    env: str | None,
    values: Values,
    container: bool,
) -> int:
    """Print every value as it resolved, defaults included.

    With --container: the image, the entry point, the environment and the engine's command line of each container, of
    every environment or of the one that --env names.  Secrets stand in it as references.

    What is resolved is shown although an error stands, with a mark; the exit code is 1 then.
    """
    session = current()
    path = file or find_mlcc_yaml(".")
    project = read(path, values, env)
    warn_unfinished(session, target_of(path, ""))
    if not session.machine:
        print_findings(pipeline.recorded_findings(target_of(path, "")), session)
    if not project.inputs.config.readable:
        raise UserError(project.findings)
    if container:
        _containers(session, project)
    else:
        _values(session, project)
    return 0 if project.ok else 1


def _values(session: Session, project: Project) -> None:
    from mlcc.registries.redaction import redact_leaf

    tree = paths.nested({p: redact_leaf(p, v.value) for p, v in project.resolved.values.items()})
    chosen = project.chosen or DEFAULT_ENVIRONMENT
    priced = [row for row in costs.rows(project) if row.environment == chosen]
    if session.format == "json":
        print_document(session, document(**_marks(project), **tree, costs=[row.document for row in priced]))
        return
    text = printable_lines(writer.dump({"version": 1, **tree}))
    text += "".join(f"\n# {line}" for line in costs.lines(priced))
    _out(session, project, text, "yaml")
    say_levels(session, project)


def _containers(session: Session, project: Project) -> None:
    from mlcc.cli import containers as shown
    from mlcc.lifecycle import containers

    try:
        found = containers.of_project(project, project.chosen)
    except UserError as problem:  # without its rows a container has neither image nor variables
        raise UserError(project.findings or problem.findings) from None
    if session.format in ("json", "yaml"):
        print_document(session, document(**_marks(project), containers=[one.document for one in found]))
        return
    _out(session, project, "\n\n".join("\n".join(shown.lines(one, session)) for one in found), "text")


def _out(session: Session, project: Project, text: str, language: str) -> None:
    """A result for people, with a mark above it while an error stands."""
    number = len(_errors(project))
    mark = f"# NOT VALID: {number} error{'s stand' if number > 1 else ' stands'} (mlcc validate). {MEANING}\n"
    text = text if project.ok else mark + text
    session.out(fenced(text, language) if session.format == "markdown" else text)
    print_findings(project.findings, session)


MEANING = "Values may be missing or wrong here."


def _errors(project: Project) -> list[Finding]:
    return [f for f in project.findings if f.severity is Severity.ERROR]


def _marks(project: Project) -> dict[str, Any]:
    """What a document has while an error stands."""
    if project.ok:
        return {}
    return {"errors": len(_errors(project)), "findings": [plain(f) for f in ordered(project.findings)]}
