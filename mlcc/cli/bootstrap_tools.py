"""What the commands of mlcc bootstrap share: the profile, its connection, and how they speak."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import click

from mlcc.cli.output import document, print_document
from mlcc.cli.session import Session
from mlcc.cli.talk import Talk
from mlcc.core.errors import UsageError
from mlcc.core.findings import error
from mlcc.core.text import printable
from mlcc.io.aws.connection import Connection
from mlcc.lifecycle.bootstrap import profiles
from mlcc.lifecycle.bootstrap.modules import Module, module
from mlcc.lifecycle.bootstrap.profile import CORE, Profile
from mlcc.lifecycle.bootstrap.stacks import Tools
from mlcc.registries.loader import load


def profile_option(command: Any) -> Any:
    """--profile NAME."""
    words = "The bootstrap profile (default: MLCC_PROFILE, else the one in use)."
    return click.option("--profile", "name", default="", metavar="NAME", help=words)(command)


def needed(session: Session, name: str) -> Profile:
    """The profile of this run.  Raises PreconditionError where there is none."""
    return profiles.needed(session.home, session.environ, name)


def connection(session: Session, profile: Profile | None, region: str = "") -> Connection:
    """A connection for a profile.  Raises UsageError with --offline."""
    if session.offline:
        raise UsageError([error("MLCC002", "this asks AWS, and --offline forbids it", hint="--dry-run asks nobody")])
    aws_profile = profiles.aws_profile(profile, session.environ)
    place = region or (profile.region if profile else session.environ.get("AWS_REGION", ""))
    return Connection(place, aws_profile)


def tools(session: Session, profile: Profile) -> Tools:
    """What a run on AWS works with."""
    return Tools(connection(session, profile), Talk(session), session.sleep, time.time)


def wanted(profile: Profile, names: Iterable[str]) -> list[Module]:
    """The modules that were named, else those of the profile, else core."""
    chosen = list(dict.fromkeys(names)) or list(profile.modules) or [CORE]
    return [module(load(), name) for name in chosen]


def show(
    session: Session, parts: Mapping[str, Any], lines: Callable[[], Iterable[str]], confirms: bool = False
) -> None:
    """A result: as a document, or as lines for people.  confirms: the lines only say that all went well."""
    if session.format in ("json", "yaml"):
        print_document(session, document(**parts))
    elif session.verbosity >= 0 or not confirms:
        for line in lines():
            session.out(printable(line, 0))
