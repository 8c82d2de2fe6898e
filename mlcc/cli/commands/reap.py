"""mlcc reap: takes away what is past its time in an account."""

from __future__ import annotations

import calendar
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import click

from mlcc.cli import bootstrap_tools as shared
from mlcc.cli.confirmation import confirm
from mlcc.cli.help_sections import Command
from mlcc.cli.options import directory_option, output_options
from mlcc.cli.session import current
from mlcc.cli.talk import Talk
from mlcc.core import durations
from mlcc.core.errors import UsageError
from mlcc.core.findings import error
from mlcc.core.text import printable, quoted
from mlcc.lifecycle.aws_errors import explaining
from mlcc.lifecycle.bootstrap import account, profiles
from mlcc.lifecycle.bootstrap.profile import Profile
from mlcc.lifecycle.rendered_project import rendered_region
from mlcc.lifecycle.targets.hyperpod import reaper as hyperpod_reaper
from mlcc.lifecycle.targets.hyperpod import refusals
from mlcc.lifecycle.targets.hyperpod.cluster import reach
from mlcc.lifecycle.targets.sagemaker import deployment, reaper
from mlcc.lifecycle.targets.sagemaker.executor import Pace
from mlcc.registries.loader import load

FORMS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ")
# What a run leaves that is ended in the middle.
LEFT = "what is still there goes on at AWS, and costs: mlcc reap continues to take it away"


@click.command("reap", cls=Command, epilog="Example: mlcc reap --dry-run")
@click.option(
    "--region", default="", metavar="NAME",
    help="Where to look; else --profile's, AWS_REGION, that of the project here, the profile's in use.",
)  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask; without a terminal this is needed.")
@click.option("--dry-run", is_flag=True, help="Only list what is past its time.")
@click.option(
    "--at", default="", metavar="TIME",
    help="With --dry-run: what will be past its time then (9h, 2d, 2027-01-31 or 2027-01-31T18:00, UTC).",
)  # fmt: skip
@click.option(
    "--cluster", default="", metavar="NAME", help="Look in this HyperPod cluster (with kubectl) in place of SageMaker."
)
@click.option("--eks-cluster", default="", metavar="NAME", help="The same in a cluster of EKS alone.")
@directory_option("The rendered project whose region counts.")
@shared.profile_option
@output_options(("table", "json", "yaml"))
def command(
    region: str, yes: bool, dry_run: bool, at: str, cluster: str, eks_cluster: str, directory: str, name: str
) -> int:
    """Take away deployments that are past their time (the tag mlcc:expires, from ttl in mlcc.yaml).

    What has no such tag is never touched.  On a cluster the time is the annotation mlcc.dev/expires, and a project's
    environment goes when all that it has there and that holds machines is past it.

    The time is that of this machine, also where `mlcc dev aws` stands for AWS and has moved its clock: --at shows what
    would be past its time.
    """
    session = current()
    now = _moment(at, dry_run)
    if cluster and eks_cluster:
        raise UsageError([error("MLCC002", "--cluster and --eks-cluster are two clusters", hint="name one of them")])
    home, environ = session.home, session.environ
    profile = profiles.needed(home, environ, name) if name else profiles.chosen(home, environ)
    place = region or _region(environ, directory, profile if name else None)
    with explaining(load()), refusals.explaining():
        caller = shared.connection(session, profile, place)
        session.say(f"looking in {printable(caller.region) or 'no region'}")
        if profile is not None:
            account.checked(caller, profile)
        if cluster or eks_cluster:
            kubectl = reach(environ, caller, cluster or eks_cluster, bool(eks_cluster))
            found = hyperpod_reaper.expired(kubectl, now)
            take = partial(hyperpod_reaper.reap, kubectl=kubectl, progress=Talk(session))
        else:
            found = list(reaper.expired(caller, now))
            pace = Pace(Talk(session), session.sleep, time.monotonic, deployment.LIMIT_S, LEFT)
            take = partial(reaper.reap, caller=caller, pace=pace)
        deployments = {(one.project, one.environment, one.endpoint, one.namespace): one for one in reversed(found)}
        left: list[str] = []
        rows = [{**one._asdict(), "hours": round((now - one.since) / 3600, 1)} for one in found]
        if deployments and not dry_run:
            listed = "\n".join(printable(line, 0) for line in _lines(rows, left))
            confirm(yes, f"{listed}\nTake all of this away, with what belongs to it?")
            left = [one.name for one in deployments.values() if not take(one)]
    document = {"region": caller.region, "expired": rows, "dry_run": dry_run, "left": left}
    document |= {"cluster": cluster or eks_cluster} if cluster or eks_cluster else {}
    shared.show(session, document, lambda: _lines(rows, left), confirms=not dry_run and not left)
    return 1 if left else 0


def _moment(at: str, dry_run: bool) -> float:
    """The time that counts, as seconds since 1970.  Raises UsageError for --at that is none, or without --dry-run."""
    if not at:
        return time.time()
    if not dry_run:
        raise UsageError([error("MLCC002", "--at only shows what would be past its time", hint="add --dry-run")])
    ahead = durations.seconds(at)
    if ahead is not None:
        return time.time() + ahead
    for form in FORMS:
        with suppress(ValueError, OverflowError):
            return calendar.timegm(time.strptime(at, form))
    hint = "9h, 2d, 2027-01-31, or 2027-01-31T18:00 (UTC)"
    raise UsageError([error("MLCC002", f"--at {quoted(at)}: no time", hint=hint)])


def _region(environ: Mapping[str, str], directory: str, named: Profile | None) -> str:
    """Where to look where --region does not say it; empty: the profile in use says it, or ~/.aws.

    named: the profile that the command line names.
    """
    return (named.region if named else "") or environ.get("AWS_REGION", "") or rendered_region(directory)


def _lines(rows: Sequence[Mapping[str, Any]], left: Sequence[str]) -> list[str]:
    """What was found and what is left, for people."""
    words = "{project} ({environment}): {kind} {name}{place}, {hours} h past its time"
    found = [words.format(**row, place=f" in {row['namespace']}" if row["namespace"] else "") for row in rows]
    return [*found, *(f"LEFT {one}" for one in left)] or ["nothing is past its time"]
