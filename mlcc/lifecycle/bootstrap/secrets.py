"""Secrets of a profile in Secrets Manager.  Law: a value goes in and never comes out; no message holds one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from mlcc.core.errors import PreconditionError, UsageError, UserError
from mlcc.core.findings import error
from mlcc.core.text import quoted
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.secretsmanager import SecretsManager
from mlcc.lifecycle.bootstrap.account import TAG, tags
from mlcc.lifecycle.bootstrap.profile import Profile
from mlcc.registries.redaction import forms, is_secret_value, redact_forms

# `hf-token`, or `type/label`; Secrets Manager itself makes six characters at the end, behind a hyphen.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+=.@-]{0,126}(?:/[A-Za-z0-9][A-Za-z0-9_+=.@-]{0,126}){0,3}\Z")
MAX_BYTES = 65_536
REDACTED = "***REDACTED***"
SHOWN = ("Name", "ARN", "Description", "CreatedDate", "LastChangedDate", "LastAccessedDate", "RotationEnabled")


def create(caller: Caller, profile: Profile, name: str, value: bytes, description: str, replace: bool) -> str:
    """Keeps a value under `prefix/name`; its ARN.

    replace: where there is one, gives it a new version.  Raises UserError where there is one and it is not to be
    replaced, or where it is somebody else's; UsageError for a name or a value that cannot be kept.
    """
    full, text = full_name(profile, name), _text(value)
    secrets = SecretsManager(caller)
    try:
        found = secrets.describe(full)
        if found is None:
            return secrets.create(full, text, description, tags(profile))
        _check_own(found, profile)
        if not replace:
            message = f"the secret {quoted(full)} is there already"
            raise UserError([error("MLCC347", message, hint="--replace gives it a new value")])
        return secrets.replace(full, text)
    except AwsError as problem:
        # the SDK's own check of a request may quote what was in it
        words = redact_forms(problem.message.replace(text, REDACTED), forms([text]))
        raise AwsError(problem.service, problem.operation, problem.code, words, problem.status) from None


def listing(caller: Caller, profile: Profile) -> Iterator[dict[str, Any]]:
    """The secrets of a profile's prefix, without values."""
    for found in SecretsManager(caller).listing(f"{profile.prefix}/"):
        yield _row(found)


def describe(caller: Caller, profile: Profile, name: str) -> dict[str, Any]:
    """One secret without its value.  Raises PreconditionError where there is none."""
    full = full_name(profile, name)
    found = SecretsManager(caller).describe(full)
    if found is None:
        message = f"there is no secret {quoted(full)}"
        raise PreconditionError([error("MLCC347", message, hint=f"mlcc bootstrap secrets create {name}")])
    versions = {stage: version for version, stages in found.get("VersionIdsToStages", {}).items() for stage in stages}
    return {**_row(found), "versions": versions}


def full_name(profile: Profile, name: str) -> str:
    """`prefix/name`.  Raises UsageError for a name that is none."""
    short = name.removeprefix(f"{profile.prefix}/")
    if is_secret_value(short):
        message = "the name has the format of a secret's value"
        raise UsageError([error("MLCC002", message, hint="name it, and give the value on standard input")])
    if not NAME.match(short):
        hint = "letters, digits and _ + = . @ -, parts with / between them: hf-token, registry/work"
        raise UsageError(
            [error("MLCC002", "this is no name of a secret (it is not shown, for it may be a value)", hint=hint)]
        )
    return f"{profile.prefix}/{short}"


def _text(value: bytes) -> str:
    """A value as Secrets Manager keeps it, without the line end that a file or a shell adds."""
    try:
        text = value.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        text = ""
    if not text or len(value) > MAX_BYTES:
        hint = f"one value as UTF-8 text, at most {MAX_BYTES:,} bytes, on standard input"
        raise UsageError([error("MLCC002", "the value of the secret is empty, too long, or no text", hint=hint)])
    return text


def _check_own(found: Mapping[str, Any], profile: Profile) -> None:
    own = {tag["Key"]: tag["Value"] for tag in found.get("Tags", ())}
    if own.get(TAG) != profile.prefix:
        message = f"the secret {quoted(str(found.get('Name', '')))} is there, and was not made by mlcc bootstrap"
        raise UserError([error("MLCC344", message, hint="take another name, or another --prefix")])


def _row(found: Mapping[str, Any]) -> dict[str, Any]:
    plain = {key: value.isoformat() if isinstance(value, datetime) else value for key, value in found.items()}
    return {key: plain[key] for key in SHOWN if key in plain}
