"""mlcc bootstrap: profiles, and what an account needs before the first deployment."""

from __future__ import annotations

import json
from typing import Any

import click

from mlcc.cli import bootstrap_tools as shared
from mlcc.cli.bootstrap_profiles import COMMANDS as PROFILE_COMMANDS
from mlcc.cli.bootstrap_secrets import command as secrets_command
from mlcc.cli.confirmation import confirm
from mlcc.cli.groups import Group
from mlcc.cli.options import output_options
from mlcc.cli.output import document, print_document, print_rows
from mlcc.cli.session import Session, current
from mlcc.lifecycle.aws_errors import explaining
from mlcc.lifecycle.bootstrap import account, drift, modules, permissions, profiles, remains, setup
from mlcc.lifecycle.bootstrap.profile import Profile
from mlcc.registries.loader import load

FORMATS = ("table", "json", "yaml")


@click.group("bootstrap", cls=Group, epilog="Example: mlcc bootstrap add dev --region us-east-1")
def command() -> None:
    """Set up an AWS account: profiles, a role, a repository, buckets, secrets.

    First `add` a profile and `deploy`; do/deploy and do/push then know region, role and account.
    """


for _made in PROFILE_COMMANDS:
    command.add_command(_made)
command.add_command(secrets_command)


@command.command("deploy", epilog="Example: mlcc bootstrap deploy core benchmark --plan")
@click.argument("names", nargs=-1, metavar="[MODULE]...")
@click.option("--plan", is_flag=True, help="Show what CloudFormation would change; change nothing.")
@click.option("--dry-run", is_flag=True, help="Print the calls of a first deployment; ask nobody.")
@shared.profile_option
@output_options(FORMATS)
def deploy(names: tuple[str, ...], plan: bool, dry_run: bool, name: str) -> int:
    """Make or update the stacks of modules (default: those of the profile, else core)."""
    session = current()
    profile = shared.needed(session, name)
    wanted = shared.wanted(profile, names)
    if dry_run:
        session.say("the calls of a first deployment; --plan asks CloudFormation for the change set of what is there")
        return _calls(session, *setup.calls(profile, wanted))
    with explaining(load()):
        made, changes = setup.deploy(shared.tools(session, profile), session.home, profile, wanted, not plan)
    shared.show(
        session,
        {"profile": made.name, "changes": [one._asdict() for one in changes]},
        lambda: [_line(one) for one in changes] or ["no changes"],
        confirms=not plan,
    )
    return 0


command.add_command(deploy, "update")


def _line(change: Any) -> str:
    again = "  (made anew)" if change.replacement else ""
    return f"{change.action:<7} {change.module}/{change.resource} ({change.kind}){again}"


def _calls(session: Session, calls: list[dict[str, Any]], assumed: dict[str, str]) -> int:
    session.format = "json" if session.format == "table" else session.format
    shared.show(session, {"calls": calls, "assumed": assumed}, list)
    return 0


@command.command("status", epilog="Example: mlcc bootstrap status --no-drift")
@click.option("--no-drift", is_flag=True, help="Do not look for changes made by hand, which takes a minute.")
@shared.profile_option
@output_options(FORMATS)
def status(no_drift: bool, name: str) -> int:
    """Show the resources of the profile's modules, and what of them was changed by hand (drift)."""
    session = current()
    profile = shared.needed(session, name)
    with explaining(load()):
        tools = shared.tools(session, profile)
        account.checked(tools.caller, profile)
        found = [drift.report(tools, one, profile, not no_drift) for one in modules.known_modules(load()).values()]
    parts = {"profile": profile.name, "modules": [_document(one) for one in found]}
    shared.show(session, parts, lambda: [line for one in found for line in drift.lines(one)])
    return 1 if any(one.drift == drift.DRIFTED for one in found) else 0


def _document(report: drift.Report) -> dict[str, Any]:
    return {**report._asdict(), "parts": [one._asdict() for one in report.parts]}


@command.command("destroy", epilog="Example: mlcc bootstrap destroy benchmark --yes")
@click.argument("names", nargs=-1, metavar="[MODULE]...")
@click.option("--yes", is_flag=True, help="Do not ask; without a terminal this is needed.")
@click.option("--dry-run", is_flag=True, help="Print the calls; ask nobody.")
@shared.profile_option
@output_options(FORMATS)
def destroy(names: tuple[str, ...], yes: bool, dry_run: bool, name: str) -> int:
    """Delete the stacks of modules.

    Buckets, repositories, tables and secrets stay, and a later deploy adopts them; each is named with the command that
    removes it.
    """
    session = current()
    profile = shared.needed(session, name)
    wanted = shared.wanted(profile, names)
    if dry_run:
        return _calls(session, setup.deletions(profile, wanted), {})
    stacks = ", ".join(one.stack_name(profile) for one in wanted)
    confirm(yes, f"Delete {stacks} of account {profile.account_id or '(not known)'} in {profile.region}?")
    with explaining(load()):
        tools = shared.tools(session, profile)
        stays = setup.destroy(tools, session.home, profile, wanted)
    # secrets belong to no module: they are of interest when the last one goes
    last = set(profile.modules) <= {one.name for one in wanted}
    made, unknown = remains.secrets(tools.caller, profile) if last else ([], "")
    kept = {module: None if found is None else [one.name for one in found] for module, found in stays.items()}
    parts = {"profile": profile.name, "kept": kept, "secrets": [one.name for one in made]}
    shared.show(session, parts, lambda: remains.words(stays, made, unknown, profile))
    return 0


@command.command("policy", epilog="Example: mlcc bootstrap policy deploy > policy.json")
@click.argument("uses", nargs=-1, type=click.Choice(permissions.USES), metavar="[USE]...")
@shared.profile_option
@output_options(FORMATS)
def policy(uses: tuple[str, ...], name: str) -> int:
    """Print the IAM policies that mlcc needs, for an administrator.

    USE is one or more of bootstrap, ci, deploy, doctor, hyperpod, secrets, submit; without one it is all of them.

    Each policy fits into a managed policy of IAM: they come one after the other, as few as do, and standard error names
    them.  With -o they are one document, {policies: [{name, document}]}.
    """
    session = current()
    found = profiles.needed(session.home, session.environ, name) if name else _profile(session)
    made = permissions.policies(load(), uses or permissions.USES, found)
    rows = [{"name": each, "document": one} for each, one in made.items()]
    if session.machine:
        print_document(session, document(policies=rows))
        return 0
    if len(rows) > 1:
        session.say(f"{len(rows)} policies, for IAM takes {permissions.LIMIT:,} characters each: {', '.join(made)}")
    for one in made.values():
        session.out(json.dumps(one, indent=2), whole=True)
    return 0


def _profile(session: Session) -> Profile:
    """The profile of this run, else one that stands for every account and region."""
    return profiles.chosen(session.home, session.environ) or Profile("none", session.environ.get("AWS_REGION", "*"))


@command.command("modules", epilog="Example: mlcc bootstrap modules -o json")
@output_options(FORMATS)
def listing() -> int:
    """List what can be deployed, and what it costs."""
    rows = [
        {"name": one.name, "title": one.title, "costs": one.costs} for one in modules.known_modules(load()).values()
    ]
    print_rows(current(), rows, ["name", "title", "costs"])
    return 0


@command.command("template", epilog="Example: mlcc bootstrap template core > core.yaml")
@click.argument("name", metavar="MODULE")
@output_options(FORMATS)
def template(name: str) -> int:
    """Print the CloudFormation template of a module: as it is sent, or as JSON, which CloudFormation takes, too."""
    session = current()
    found = modules.module(load(), name)
    if session.format == "json":
        session.out(json.dumps(found.document(), indent=2), clean=True, whole=True)
    else:
        session.out(found.text().rstrip("\n"), clean=True, whole=True)
    return 0
