"""The table of configurations that continuous integration tests.  Law: a row is written on a condition, in one call.

A configuration has one row, whose key is its id.  To register it again writes over what it is and asks for a new test;
what benchmarks found stays.  Rows of older writers (schemaVersion 1, or without the whole hash) are read and written
over; a row of a newer one, or of another configuration with the same short id, is not touched.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from mlcc.core import paths
from mlcc.core.errors import PreconditionError, UserError
from mlcc.core.findings import error
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable, quoted
from mlcc.io.aws import dynamodb
from mlcc.io.aws.connection import AwsError
from mlcc.io.aws.dynamodb import DynamoDb
from mlcc.lifecycle.bootstrap.profile import CI_TABLE, PREFIX, Profile
from mlcc.lifecycle.deployments import config_ids
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.registries.redaction import names_secret, redact_text

# What the table is called where there is no profile.
TABLE = f"{PREFIX}{CI_TABLE}"
# What makes the table.
BOOTSTRAP = "mlcc bootstrap deploy ci"
SCHEMA_VERSION = 2
UNTESTED, NEVER = "untested", "1970-01-01T00:00:00Z"
# Attributes of the sparse index `due-dueAt-index`: the same text in every row that waits for a test.
DUE = "due"
# What the last test found, which says nothing about what is registered now.
RESULTS = ("stageResults", "errorMessage", "lastTestDuration")
# An item of DynamoDB holds 400 KB, names included; tests write their results into it, too.
MAX_ROW = 300_000
CUT = "***LEFT OUT: TOO LONG***"
OPTIONAL = ("parameters", "variables", "notes", "icList")
CONDITION = (
    "attribute_not_exists(#configId) OR ((attribute_not_exists(#schemaVersion) OR #schemaVersion <= :schemaVersion)"
    " AND (#configIdFull = :configIdFull OR"
    " (attribute_not_exists(#configIdFull) AND #deploymentConfig = :deploymentConfig)))"
)


class Registered(NamedTuple):
    """What became of a row.

    id: its key; new: False where it was there; before: the status that it had; older: the key of a row that an older
    recipe made for the same configuration, and that is still tested; project: whose row it was.
    """

    id: str
    new: bool
    before: str = ""
    older: str = ""
    project: str = ""

    def other(self, project: str) -> str:
        """A warning where the row was another project's; else an empty text.  project: whose row it is now."""
        if self.project in ("", project):
            return ""
        return (
            f"warning: the row {self.id} was of the project {quoted(self.project)}, and is of {quoted(project)} now: "
            "they are the same configuration, which has one row"
        )


def name_of(profile: Profile | None) -> str:
    """The table's name where nobody names one: the profile's."""
    return profile.ci_table if profile is not None else TABLE


def row(
    project: RenderedProject,
    record: Mapping[str, Any],
    now: float,
    benchmark: bool = False,
    clean: Callable[[str], str] = redact_text,
) -> dict[str, Any]:
    """The attributes of a configuration's row, its key among them.

    record: of the project, without secrets; of its components the first by name is tested, and its id counts all.
    now: seconds since 1970; benchmark: a benchmark follows a passed test, whatever mlcc.yaml says; clean: takes secrets
    out of a text.  Raises UserError for a configuration that no row can hold.
    """
    components = sorted((c for c in record["icList"] if not c.get("isAdapter")), key=lambda c: str(c["name"]))
    adapters = [c for c in record["icList"] if c.get("isAdapter")]
    found: dict[str, Any] = {
        **{name: value for name, value in record.items() if name not in NOT_SHARED},
        "schemaVersion": SCHEMA_VERSION,
        "configIdVersion": config_ids.RECIPE,
        "configJson": config_json(project, str(record["region"]), components[0]["name"] if components else "", clean),
        "icList": components[:1],
        "icCount": len(components),
        "adapterCount": len(adapters),
        "testStatus": UNTESTED,
        "lastTestTimestamp": NEVER,
        DUE: DUE,
        "dueAt": timestamp(now),
        "registeredAt": timestamp(now),
        **{name: str(project.get(key, "")) for name, key in OF_CI.items()},
    }
    if benchmark or project.get("ci.benchmark_enabled"):
        found["benchmarkEnabled"] = True
    return _fitting(found)


# Of a record: what is written anew, or says nothing of a configuration.
NOT_SHARED = ("id", "at", "timestamp", "icList", "status")
EMPTY = ("", None)
OF_CI = {"tier": "ci.tier", "workload": "ci.workload"}


def config_json(project: RenderedProject, region: str, component: str, clean: Callable[[str], str]) -> str:
    """What a test makes the project from: every resolved value, in mlcc.yaml's own shape, as compact JSON.

    component: of several the one that is tested.  A variable with a secret's name or value is not in it.
    """

    def plain(path: paths.Path, value: Any) -> bool:
        return not names_secret(path) and (not isinstance(value, str) or clean(value) == value)

    tree = paths.nested({path: value for path, value in project.values.items() if plain(path, value)})
    if tree.get("inference_components"):
        tree["inference_components"] = [c for c in tree["inference_components"] if c["name"] == component]
        tree.pop("adapters", None)
    tree.setdefault("deployment", {})["region"] = region
    return json.dumps({"version": 1, **tree}, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def _fitting(found: dict[str, Any]) -> dict[str, Any]:
    """The row within its limit: what is only for people gives way."""
    for name in OPTIONAL:
        if _size(found) <= MAX_ROW:
            return found
        if name in found:
            found[name] = CUT
    if _size(found) > MAX_ROW:
        message = f"{printable(str(found['projectName']))} has more values than a row of {MAX_ROW} bytes can hold"
        raise UserError([error("MLCC337", message, hint="shorten its longest values, or name files instead")])
    return found


def _size(found: Mapping[str, Any]) -> int:
    return dynamodb.size_of(dynamodb.attribute(found))


def request(table: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of the call that writes a row."""
    key = {"configId": found["configId"]}
    sets = {name: value for name, value in found.items() if name not in key and value not in EMPTY}
    # what an earlier registration had and this one has not shall not stay
    gone = tuple(name for name, value in found.items() if value in EMPTY)
    kept = {} if "benchmarkEnabled" in sets else {"benchmarkEnabled": False}
    return dynamodb.update_request(table, key, sets, CONDITION, removed=(*RESULTS, *gone), kept=kept)


def register(table: DynamoDb, name: str, found: Mapping[str, Any]) -> Registered:
    """Writes a row.  name: of the table.

    Raises PreconditionError where there is no table, UserError for a row that must not be written over, AwsError.
    """
    try:
        written = table.update(request(name, found))
        older = table.item({"configId": found["configIdFiveFields"]})
    except AwsError as problem:
        if problem.code != dynamodb.MISSING:
            raise
        message = f"there is no table {quoted(name)} in this account and region"
        raise PreconditionError([error("MLCC329", message, hint=BOOTSTRAP)]) from problem
    before = written.before or {}
    if not written.done:
        raise _not_ours(found, before)
    left = str(found["configIdFiveFields"]) if older is not None else ""
    status, project = (str(before.get(name, "")) for name in ("testStatus", "projectName"))
    return Registered(str(found["configId"]), written.before is None, status, left, project)


def _not_ours(found: Mapping[str, Any], before: Mapping[str, Any]) -> UserError:
    """Why a row was not written."""
    name, version = quoted(str(found["configId"])), before.get("schemaVersion", 0)
    if isinstance(version, (int, float)) and version > SCHEMA_VERSION:
        message = f"the row {name} has schemaVersion {version}, and this mlcc knows up to {SCHEMA_VERSION}"
        return UserError([error("MLCC336", message, hint="install the mlcc that wrote it, or a newer one")])
    other = printable(f"{before.get('projectName', '?')}, {before.get('deploymentConfig', '?')}", 200)
    message = f"the row {name} belongs to another configuration with the same short id ({other}); nothing was written"
    return UserError([error("MLCC330", message, hint="use another table (--ci-table) for one of the two")])


def timestamp(now: float) -> str:
    """A time as the table writes it.  now: seconds since 1970."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
