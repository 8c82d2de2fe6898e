"""mlcc reap: takes away what is past its time in an account."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import click

from mlcc.cli import bootstrap_tools as shared
from mlcc.cli.confirmation import confirm
from mlcc.cli.options import output_options
from mlcc.cli.session import current
from mlcc.cli.talk import Talk
from mlcc.lifecycle.aws_errors import explaining
from mlcc.lifecycle.bootstrap import account, profiles
from mlcc.lifecycle.targets.sagemaker import deployment, reaper
from mlcc.lifecycle.targets.sagemaker.executor import Pace
from mlcc.registries.loader import load


@click.command("reap", epilog="Example: mlcc reap --dry-run")
@click.option("--region", default="", metavar="NAME", help="Where to look (default: the profile's, else AWS_REGION).")
@click.option("--yes", is_flag=True, help="Do not ask; without a terminal this is needed.")
@click.option("--dry-run", is_flag=True, help="Only list what is past its time.")
@shared.profile_option
@output_options(("table", "json", "yaml"))
def command(region: str, yes: bool, dry_run: bool, name: str) -> int:
    """Take away deployments that are past their time (the tag mlcc:expires, from ttl in mlcc.yaml).

    What has no such tag is never touched.
    """
    session = current()
    home, environ = session.home, session.environ
    profile = profiles.needed(home, environ, name) if name else profiles.chosen(home, environ)
    with explaining(load()):
        caller = shared.connection(session, profile, region)
        if profile is not None:
            account.checked(caller, profile)
        now = time.time()
        found = list(reaper.expired(caller, now))
        deployments = {(one.project, one.environment, one.endpoint): one for one in reversed(found)}
        left: list[str] = []
        if deployments and not dry_run:
            confirm(yes, f"Take away {len(deployments)} deployments with all that belongs to them?")
            pace = Pace(Talk(session), session.sleep, time.monotonic, deployment.LIMIT_S)
            left = [one.name for one in deployments.values() if not reaper.reap(one, caller, pace)]
    rows = [{**one._asdict(), "hours": round((now - one.since) / 3600, 1)} for one in found]
    shared.show(session, {"expired": rows, "dry_run": dry_run, "left": left}, lambda: _lines(rows, left))
    return 1 if left else 0


def _lines(rows: Sequence[Mapping[str, Any]], left: Sequence[str]) -> list[str]:
    """What was found and what is left, for people."""
    words = "{project} ({environment}): {kind} {name}, {hours} h past its time"
    found = [words.format(**row) for row in rows]
    return [*found, *(f"LEFT {one}" for one in left)] or ["nothing is past its time"]
