"""mlcc bootstrap add, use, list, show, remove, import: the profiles of this user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from mlcc.cli import bootstrap_tools as shared
from mlcc.cli import home
from mlcc.cli.help_sections import Command
from mlcc.cli.options import Decorated, not_empty, output_options
from mlcc.cli.output import document, print_document, print_findings, print_rows
from mlcc.cli.session import current
from mlcc.core.errors import UsageError
from mlcc.core.findings import Finding, error
from mlcc.core.text import allowed, printable, quoted
from mlcc.lifecycle.bootstrap import older_config, profiles
from mlcc.lifecycle.bootstrap.profile import PREFIX, REPOSITORY, Profile, document_of

FORMATS = ("table", "json", "yaml")


def _option(name: str, words: str, metavar: str = "TEXT", default: str = "") -> Callable[[Decorated], Decorated]:
    return click.option(name, default=default, metavar=metavar, help=words, show_default=bool(default))


@click.command("add", cls=Command, epilog="Example: mlcc bootstrap add dev --region us-east-1 --aws-profile work")
@click.argument("name")
@click.option("--region", required=True, metavar="REGION", help="The region.", callback=not_empty)
@_option("--account-id", "The account's number; else the first deployment writes it down.", "NUMBER")
@_option("--aws-profile", "A profile of ~/.aws, used where the environment has no credentials.", "NAME")
@_option("--prefix", "What all names begin with.", default=PREFIX)
@_option("--repository", "The repository in Amazon ECR.", "NAME", default=REPOSITORY)
@_option("--role-arn", "A role of yours that SageMaker assumes, instead of one that is made.", "ARN")
@click.option("--vpc-access", is_flag=True, help="Let the role attach containers to a network of yours.")
@output_options(FORMATS)
def add(name: str, **fields: Any) -> int:
    """Add a profile.  The first one is in use at once.  Nobody is asked; `deploy` makes what it needs."""
    session = current()
    made = Profile(name, **fields)
    wrong = profiles.problems(made, "the command line")
    if wrong:
        raise UsageError(wrong)
    config = profiles.add(session.home, session.sleep, [made], "the command line")
    used = "in use" if config.active == name else f"mlcc bootstrap use {name} takes it into use"
    shared.show(session, {"profile": name, "active": config.active}, lambda: [f"added {name}; {used}"], confirms=True)
    return 0


@click.command("use", epilog="Example: mlcc bootstrap use prod")
@click.argument("name")
@output_options(FORMATS)
def use(name: str) -> int:
    """Take a profile into use: do/deploy, do/push and mlcc bootstrap work with it.  MLCC_PROFILE names another."""
    session = current()
    profiles.use(session.home, session.sleep, name)
    shared.show(session, {"active": name}, lambda: [f"{name} is in use"], confirms=True)
    return 0


@click.command("list", epilog="Example: mlcc bootstrap list -o json")
@output_options(FORMATS)
def listing() -> int:
    """List the profiles."""
    session = current()
    config = profiles.read(session.home)
    rows = [
        {"name": name, "active": name == config.active, **document_of(one)}
        for name, one in sorted(config.profiles.items())
    ]
    if not rows and session.format == "table":
        session.say("no profile; mlcc bootstrap add NAME --region REGION adds one")
    else:
        print_rows(session, rows, ["name", "active", "region", "account_id", "modules"])
    return 0


@click.command("show", epilog="Example: mlcc bootstrap show dev")
@click.argument("name", required=False, default="")
@output_options(FORMATS)
def show(name: str) -> int:
    """Show a profile, and what bootstrap made for it."""
    session = current()
    found = shared.needed(session, name)
    fields = {"name": found.name, **document_of(found)}
    if session.format in ("json", "yaml"):
        print_document(session, document(profile=fields))
        return 0
    for key, value in fields.items():
        inner = value.items() if isinstance(value, dict) else [("", value)]
        for member, text in inner:
            shown = ", ".join(text) if isinstance(text, list) else str(text)
            session.out(f"{f'{key}.{member}'.rstrip('.'):<26} {printable(shown, 0)}")
    return 0


@click.command("remove", epilog="Example: mlcc bootstrap remove dev")
@click.argument("name")
@click.option("--force", is_flag=True, help="Also where its modules are deployed; they stay in the account.")
@output_options(FORMATS)
def remove(name: str, force: bool) -> int:
    """Remove a profile from this machine.  Nothing in the account changes."""
    session = current()
    config = profiles.remove(session.home, session.sleep, name, force)
    shared.show(session, {"removed": name, "active": config.active}, lambda: [f"removed {name}"], confirms=True)
    if not config.active and config.profiles:
        there = allowed(config.profiles)
        session.say(f"no profile is in use now; there is {there}: {profiles.in_use(config.profiles)}", -1)
    return 0


@click.command("import", epilog="Example: mlcc bootstrap import --from config.json")
@click.option("--from", "path", default="", metavar="FILE", help="The file (default: that of the older tool).")
@output_options(FORMATS)
def import_older(path: str) -> int:
    """Import profiles of the older tool.

    Its file (~/.ml-container-creator/config.json) is only read.  Taken over are region, account, AWS profile, role and
    repository; its stacks stay its own.  A profile whose name is taken is left, and named (exit 1); the others come.
    """
    session = current()
    source = path or home.older_config()
    active, found = older_config.read(source)
    config, new, left = profiles.merge(session.home, session.sleep, [*found.values()], source, active)
    names, others = sorted(one.name for one in new), sorted(one.name for one in left)
    parts = {"imported": names, "left": others, "active": config.active}
    nothing = [] if others else ["nothing to import: all profiles are there already, and equal"]
    shared.show(session, parts, lambda: [f"imported {n}" for n in names] or nothing, confirms=True)
    print_findings([_left(name, source) for name in others], session)
    return 1 if others else 0


def _left(name: str, source: str) -> Finding:
    message = f"there is another bootstrap profile {quoted(name)} already; that of the file was left"
    hint = f"keep the one that is there, or mlcc bootstrap remove {name} and import again"
    return error("MLCC350", message, file=printable(source, 200), hint=hint)


COMMANDS = (add, use, listing, show, remove, import_older)
