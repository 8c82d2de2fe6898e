"""Projects into the table that continuous integration tests, straight from mlcc.yaml.  Law: nothing is rendered.

The rows are those of `do/register --ci`, as far as they come from values: what only a rendered project has (the image,
the lock's digest) is not in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.io import git
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.dynamodb import SERVICE, DynamoDb
from mlcc.lifecycle import aws_errors
from mlcc.lifecycle.bootstrap.profile import Profile
from mlcc.lifecycle.context import call
from mlcc.lifecycle.deployments import ci_table
from mlcc.lifecycle.deployments.ci_table import Registered
from mlcc.lifecycle.deployments.records import Given, Surroundings, record
from mlcc.lifecycle.rendered_project import unrendered
from mlcc.lifecycle.targets.sagemaker import account
from mlcc.registries.loader import load
from mlcc.registries.redaction import redact_printed
from mlcc.resolve.project import Project


class Asked(NamedTuple):
    """What somebody asks for all projects.

    region: of the caller, for projects that name none; by: who registers; notes: free text; benchmark: a benchmark
    follows each passed test.
    """

    region: str
    by: str = ""
    notes: str = ""
    benchmark: bool = False


def common_region(projects: Mapping[str, Project]) -> str:
    """The region that all projects name; empty where they name several, or one names none."""
    values = (one.resolved.values.get(("deployment", "region")) for one in projects.values())
    named = {str(value.value) if value is not None else "" for value in values}
    return named.pop() if len(named) == 1 else ""


class Row(NamedTuple):
    """A row that shall be in the table.

    file: the mlcc.yaml that it is of; same: others with the same configuration; account: that the project
    names, or an empty text.
    """

    file: str
    attributes: Mapping[str, Any]
    same: tuple[str, ...] = ()
    account: str = ""


def rows(projects: Mapping[str, Project], asked: Asked, now: float, environ: Mapping[str, str]) -> list[Row]:
    """A row for each configuration of some projects, the first project's where several have the same.

    projects: sound ones, by the mlcc.yaml of each; now: seconds since 1970; environ: for Git.
    """
    found: dict[str, Row] = {}
    for file, project in projects.items():
        values = {path: value.value for path, value in project.resolved.values.items()}
        imagined = unrendered(project.inputs.directory, project.registries, values, project.chosen)
        beside = Surroundings(asked.region, head=git.head(project.inputs.directory, environ), by=asked.by)
        document = record(imagined, Given(notes=asked.notes), beside)
        row = ci_table.row(imagined, document, now, asked.benchmark)
        owner = str(imagined.get("deployment.account_id", ""))
        first = found.get(row["configIdFull"])
        found[row["configIdFull"]] = first._replace(same=(*first.same, file)) if first else Row(file, row, (), owner)
    return list(found.values())


def calls(made: Iterable[Row], table: str) -> list[dict[str, Any]]:
    """The calls that write rows."""
    return [call(SERVICE, "UpdateItem", **ci_table.request(table, row.attributes)) for row in made]


def register(
    made: Sequence[Row],
    caller: Caller,
    table: str,
    profile: Profile | None,
    done: Callable[[Row, Registered], None],
) -> None:
    """Writes rows, one after the other, in the account of their projects, or else of the profile.

    done: gets each row as it is in the table.  Raises PreconditionError where there is no table, UserError for another
    account's credentials before any row is written, and at the first row that must not be written over: the rows
    before it are in the table, and may be written again.
    """
    items = DynamoDb(caller, table)
    try:
        for wanted in sorted({row.account for row in made}):
            account.checked(wanted, caller, profile)
        for row in made:
            done(row, ci_table.register(items, table, row.attributes))
    except AwsError as problem:
        raise aws_errors.finding(problem, load(), redact_printed, aws_errors.PLAIN) from problem
