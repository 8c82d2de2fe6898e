"""mlcc bootstrap secrets: values go in by standard input or by a prompt, and never come out."""

from __future__ import annotations

import sys

import click

from mlcc.cli import bootstrap_tools as shared
from mlcc.cli.groups import Group
from mlcc.cli.help_sections import Command
from mlcc.cli.options import output_options
from mlcc.cli.output import document, print_document, print_rows
from mlcc.cli.session import current
from mlcc.core.text import printable
from mlcc.lifecycle.aws_errors import explaining
from mlcc.lifecycle.bootstrap import account, secrets
from mlcc.registries.loader import load

FORMATS = ("table", "json", "yaml")


WORDS = (
    "a word that this command does not take (it is not shown, for it may be a secret); "
    "a value comes from standard input or a prompt, never from the command line"
)


class Quiet(Command):
    """A command whose mistakes never repeat what was given."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does.  Raises UsageError without the words of the command line."""
        try:
            return super().parse_args(ctx, args)
        except click.MissingParameter:  # names what is missing, and nothing that was given
            raise
        except click.UsageError:
            raise click.UsageError(WORDS, ctx) from None


class Quiets(Group):
    """The same of a group, which a word in the place of a command reaches."""

    command_class = Quiet

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does.  Raises UsageError without the words of the command line."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption:
            raise click.UsageError(WORDS, ctx) from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does.  Raises UsageError without the words of the command line."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            raise click.UsageError(f"{WORDS}; known: {', '.join(self.list_commands(ctx))}", ctx) from None


@click.group("secrets", cls=Quiets, epilog="Example: mlcc bootstrap secrets create hf-token < token.txt")
def command() -> None:
    """Keep secrets of projects in AWS Secrets Manager, under the profile's prefix."""


@command.command("create", epilog="Example: mlcc bootstrap secrets create hf-token < token.txt")
@click.argument("secret", metavar="NAME")
@click.option("--description", default="", metavar="TEXT", help="What it is for; no part of the value.")
@click.option("--replace", is_flag=True, help="Give a secret that is there a new value.")
@shared.profile_option
@output_options(FORMATS)
def create(secret: str, description: str, replace: bool, name: str) -> int:
    """Keep a value, read from standard input, or asked for on a terminal without showing it.

    mlcc.yaml then names it: secrets: {HF_TOKEN: {secretsmanager: mlcc/hf-token}}.
    """
    session = current()
    profile = shared.needed(session, name)
    full, value = secrets.full_name(profile, secret), _value()
    with explaining(load()):
        caller = shared.connection(session, profile)
        account.checked(caller, profile)
        arn = secrets.create(caller, profile, secret, value, description, replace)
    shared.show(session, {"name": full, "arn": arn}, lambda: [f"kept as {arn}"], confirms=True)
    return 0


def _value() -> bytes:
    """The value, from a terminal or from standard input; one byte more than is kept tells what is too long."""
    if sys.stdin.isatty():
        asked: str = click.prompt("Value", hide_input=True, confirmation_prompt=True, err=True)
        return asked.encode()
    return sys.stdin.buffer.read(secrets.MAX_BYTES + 1)


@command.command("list", epilog="Example: mlcc bootstrap secrets list -o json")
@shared.profile_option
@output_options(FORMATS)
def listing(name: str) -> int:
    """List the secrets, without values."""
    session = current()
    profile = shared.needed(session, name)
    with explaining(load()):
        caller = shared.connection(session, profile)
        account.checked(caller, profile)
        rows = list(secrets.listing(caller, profile))
    print_rows(session, rows, [("Name", "name"), ("LastChangedDate", "changed"), ("Description", "description")])
    return 0


@command.command("describe", epilog="Example: mlcc bootstrap secrets describe hf-token")
@click.argument("secret", metavar="NAME")
@shared.profile_option
@output_options(FORMATS)
def describe(secret: str, name: str) -> int:
    """Show one secret: its ARN, its times and versions, never its value."""
    session = current()
    profile = shared.needed(session, name)
    with explaining(load()):
        caller = shared.connection(session, profile)
        account.checked(caller, profile)
        found = secrets.describe(caller, profile, secret)
    if session.format in ("json", "yaml"):
        print_document(session, document(secret=found))
    else:
        for key, value in found.items():
            session.out(f"{key:<18} {printable(str(value), 0)}")
    return 0
