"""register: writes down what was deployed, for its user or for continuous integration.

Law: one record is added, and nothing else changes; AWS is asked only with --live or --ci.  How the image was built is
what the project says (`build.strategy`), whatever the default of an option was in earlier tools.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.core.errors import PreconditionError, UsageError
from mlcc.core.findings import error
from mlcc.core.text import allowed, printable, quoted
from mlcc.core.tree import LOCK_MAX_BYTES, LOCK_NAME, MAX_FILE_BYTES
from mlcc.io import git
from mlcc.io.aws.connection import Caller
from mlcc.io.aws.dynamodb import SERVICE, DynamoDb
from mlcc.io.aws.sts import Sts
from mlcc.io.disk.reader import Directory
from mlcc.io.schema import keys
from mlcc.lifecycle import image_tag, run_state
from mlcc.lifecycle.aws_errors import explained
from mlcc.lifecycle.context import Context, Result, call, calls
from mlcc.lifecycle.deployments import ci_table, known_arns, live
from mlcc.lifecycle.deployments.records import STATUSES, Given, Surroundings, record
from mlcc.lifecycle.deployments.store import Store
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.targets.sagemaker import account, facts, namesakes, rehearsal
from mlcc.lifecycle.targets.sagemaker.facts import DEFAULT_REGION
from mlcc.lifecycle.targets.sagemaker.states import IN_SERVICE, NOT_DEPLOYED

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# What a deployment from this folder leaves below .mlcc/run: a server, a pushed image, an endpoint.
SIGNS = (run_state.SERVER, run_state.PUSHED, namesakes.RECORD)
# Options of the table of tests, which have no effect without --ci.
OF_TABLE = ("ci_table", "benchmark_enabled")
STRATEGY = ("build", "strategy")
# Files of the project that a record holds; of more the first.
MAX_FILES = 20


@explained
def run(context: Context) -> Result:
    """Adds a record of the project as it is rendered now."""
    dry = bool(context.argument("dry_run"))
    ci, asked = bool(context.argument("ci")), bool(context.argument("live"))
    _refuse_without_effect(context)
    caller = _caller(context) if (ci or asked) and not dry else None
    region = _region(context, caller) or (DEFAULT_REGION if dry else "")
    document = record(context.project, _given(context), surroundings(context, region), context.clean)
    if not ci:  # a row of tests is of a configuration, wherever it is deployed
        document |= known_arns.fields(context.project, document, context.profile)
    if asked:
        live.need_endpoint(document, UsageError)  # here it is an option that the target does not have
    elif not ci and not context.argument("status"):
        _warn_unseen(context, document)
    if caller is not None:
        document |= _asked(context, caller, document, asked)
    document = with_id(document, context.clock())
    if ci:
        return _into_table(context, caller, document)
    if dry:
        asked_of = _would_ask(context, document) if asked else []
        return calls([*asked_of, call("registry", "log", record=document)])
    assert context.home, "BUG: a step that writes to mlcc's own folder was started without it"
    Store(context.home, context.sleep).add([document])
    words = f"registered {context.project.name} as {document['id']} ({document['status']})"
    return Result(document, [words, f"  mlcc registry show {document['id']}"])


def _refuse_without_effect(context: Context) -> None:
    """Raises UsageError for options that would have no effect, and for a strategy that mlcc.yaml could not name."""
    for name in OF_TABLE:
        if context.argument(name) and not context.argument("ci"):
            message = f"--{name.replace('_', '-')} has an effect with --ci only"
            raise UsageError([error("MLCC901", message, hint="do/register --ci, or leave it out")])
    known, strategy = keys.index()[STRATEGY].schema["enum"], context.argument("build_strategy")
    if strategy is not None and strategy not in known:
        message = f"--build-strategy {quoted(str(strategy))}: no way to build an image"
        raise UsageError([error("MLCC900", message, hint=f"known: {allowed(known)}")])


def _warn_unseen(context: Context, document: Mapping[str, Any]) -> None:
    """Says that a record's status is nobody's observation, where this folder keeps no sign of a deployment."""
    if any(run_state.has(context.project.directory, name) for name in SIGNS):
        return
    ways = "--status says how it went" + (", and --live asks AWS" if document.get("endpointName") else "")
    context.progress.warn(
        f"warning: nothing here shows that the project was deployed, and the record says {document['status']} all the "
        f"same ({ways})"
    )


def _given(context: Context) -> Given:
    default = Given()
    return Given(
        str(context.argument("status", default.status)),
        str(context.argument("notes", "")),
        str(context.argument("build_strategy", "")),
        bool(context.argument("project")),
    )


def with_id(document: dict[str, Any], now: float) -> dict[str, Any]:
    """A record with its time and an id that sorts by it.  now: seconds since 1970."""
    moment = time.gmtime(now)
    name = f"{time.strftime('%Y%m%d-%H%M%S', moment)}-{secrets.token_hex(4)}"
    return {"id": name, "at": now, "timestamp": ci_table.timestamp(now), **document}


# ---------------------------------------------------------------- this machine
def surroundings(context: Context, region: str) -> Surroundings:
    """What a record takes from beside the project's values.  region: where the project names none."""
    project = context.project
    with Directory(project.directory) as tree:
        lock = tree.read(LOCK_NAME, LOCK_MAX_BYTES)
        files = dict(_files(project, tree))
    return Surroundings(
        region=region,
        lock=lock[0] if lock is not None else b"",
        head=git.head(project.directory, context.environ),
        image_digest=_image_digest(project),
        files=files,
        by=context.user,
    )


def _files(project: RenderedProject, tree: Directory) -> Iterator[tuple[str, str]]:
    """Path and content of the rendered files that records of the architecture hold."""
    row = project.architecture.recorded
    name, start = row.get("files", ""), f"{row.get('model', '')}/"
    paths = [p for p in project.lock.files if name and p.startswith(start) and p.rpartition("/")[2] == name]
    for path in paths[:MAX_FILES]:
        found = tree.read(path, MAX_FILE_BYTES)
        if found is not None:
            yield path, found[0].decode("utf-8", "replace")


def _image_digest(project: RenderedProject) -> str:
    """The digest of the image that was pushed for this state of the project; empty where it is not known here.

    What stands in .mlcc/run is believed as far as it has the form of a digest, and belongs to this state.
    """
    named = str(project.get("build.image_uri", "")).partition("@")[2]
    pushed = run_state.read(project.directory, run_state.PUSHED)
    digest = str(pushed.get("digest", "")) if image_tag.is_of(project, str(pushed.get("tag"))) else ""
    return next((text for text in (named, digest) if DIGEST.fullmatch(text)), "")


# ---------------------------------------------------------------- AWS
def _caller(context: Context) -> Caller:
    """A connection: to the table where it is, and to a deployment in the project's region."""
    if context.argument("ci"):
        own = table_caller(context)
        if own.region:
            return own
    return context.aws()


def table_caller(context: Context) -> Caller:
    """A connection in the region of the table of continuous integration: the profile's, whose table it is, else the
    caller's own.
    """
    assert context.connect is not None, "BUG: a step on AWS was started without a connection"
    place = context.profile.region if context.profile is not None else ""
    return context.connect(place or context.environ.get("AWS_REGION", ""))


def _region(context: Context, caller: Caller | None) -> str:
    """Where something is deployed whose project names no region."""
    names = [context.profile.region if context.profile is not None else ""]
    names += [context.environ.get(name, "") for name in ("AWS_REGION", "AWS_DEFAULT_REGION")]
    return next((name for name in (*names, caller.region if caller is not None else "") if name), "")


def _asked(context: Context, caller: Caller, document: Mapping[str, Any], whole: bool) -> dict[str, Any]:
    """What AWS tells: who registers, and with `whole` what runs.  Raises UserError for another account.

    And PreconditionError where the record would be of a success, and something does not serve.
    """
    if whole:
        account.place(context, context.aws())  # refuses credentials of another account
    who = account.checked(str(context.project.get("deployment.account_id", "")), caller, context.profile)
    found: dict[str, Any] = {"registeredByArn": who.arn, "accountId": who.account}
    if not whole:
        return found
    running = live.what_runs(document, context.aws())
    if running["endpointStatus"] == NOT_DEPLOYED and document["status"] == STATUSES[0]:
        message = "nothing of the project is deployed, and the record would say that it was a success"
        raise PreconditionError([error("MLCC309", message, hint="do/deploy; or --status failed, which records that")])
    if document["status"] == STATUSES[0]:
        _need_success(running)
    for one in live.differences(document, running):
        other = "the project says nothing of it" if one["before"] is None else f"the project says {one['before']}"
        context.progress.say(f"note: {one['path']} is {one['after']}, and {other}")
    return found | live.as_recorded(document, running) | {"arnsFrom": known_arns.ACCOUNT}


def _need_success(running: Mapping[str, Any]) -> None:
    """Raises PreconditionError where a part does not serve, and the record would say that it was a success."""
    for part in running.get("icList", ()):
        state = printable(str(part.get("status", NOT_DEPLOYED)))
        if state != IN_SERVICE:
            message = f"{printable(str(part['name']))} is {state}, and the record would say that it was a success"
            hint = "do/status --why; or --status partial or failed, which records that"
            raise PreconditionError([error("MLCC309", message, hint=hint)])


def _would_ask(context: Context, document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The calls of --live before a first deployment."""
    empty = rehearsal.Empty(facts.without_asking(context)[0])
    Sts(empty).identity()
    live.what_runs(document, empty)
    return empty.asked


def _into_table(context: Context, caller: Caller | None, document: dict[str, Any]) -> Result:
    """The record as a row of the table that continuous integration tests."""
    name = str(context.argument("ci_table") or ci_table.name_of(context.profile))
    benchmark = bool(context.argument("benchmark_enabled"))
    row = ci_table.row(context.project, document, context.clock(), benchmark, context.clean)
    if caller is None:
        known = context.project.get("deployment.region") or _region(context, None)
        assumed = {} if known else {"region": row["region"]}
        return calls([call(SERVICE, "UpdateItem", **ci_table.request(name, row))], **assumed)
    done = ci_table.register(DynamoDb(caller, name), name, row)
    if done.older:
        context.progress.say(f"note: the table has a row of an older recipe for this, too: {done.older}")
    other = done.other(context.project.name)
    if other:
        context.progress.warn(context.clean(other))
    word = "new" if done.new else "updated"
    lines = [f"{word} in {name}: {done.id}, {ci_table.UNTESTED}"]
    before = {"before": done.before, "before_project": done.project}
    return Result({"table": name, "result": word, **before, "record": row}, lines)
