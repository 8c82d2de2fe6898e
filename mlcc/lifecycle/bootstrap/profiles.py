"""The profiles of one user, in $MLCC_HOME/config.yaml.  Law: mode 600, written whole or not at all, never guessed at.

Whoever may write the file decides which account is changed, so one that others may write is refused.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlcc.core.errors import PreconditionError, UserError
from mlcc.core.findings import Finding, error, has_errors
from mlcc.core.nodes import Mark, node_of
from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple
from mlcc.core.text import allowed, nearest, printable, quoted
from mlcc.io.disk.lock import locked
from mlcc.io.disk.private import private_folder
from mlcc.io.disk.reader import Directory
from mlcc.io.disk.writer import replace_file
from mlcc.io.schema import validator
from mlcc.io.yaml import reader, writer
from mlcc.lifecycle.bootstrap.profile import Profile, document_of, profile_of

FILE, MODE = "config.yaml", 0o600
MAX_BYTES = 256 * 1024
VARIABLE = "MLCC_PROFILE"
SCHEMA = "profiles"


class Config(NamedTuple):
    """What the file holds.  active: the name of the profile that is used where MLCC_PROFILE names none."""

    active: str = ""
    profiles: Mapping[str, Profile] = EMPTY

    def named(self, name: str) -> Profile:
        """A profile by name.  Raises PreconditionError where there is none."""
        if name not in self.profiles:
            near = nearest(name, self.profiles)
            hint = (f"did you mean {near}? " if near else "") + f"known: {allowed(self.profiles) or 'none'}"
            message = f"no bootstrap profile is called {quoted(name)}"
            raise PreconditionError([error("MLCC340", message, hint=f"{hint}; mlcc bootstrap add NAME")])
        return self.profiles[name]

    def with_profile(self, profile: Profile) -> Config:
        """With one profile more, or another in its place; the first one is active at once."""
        return Config(self.active or profile.name, {**self.profiles, profile.name: profile})


def read(home: str) -> Config:
    """The profiles; none where there is no file.  Raises UserError for a file that is broken or open to others."""
    if not os.path.lexists(os.path.join(home, FILE)):
        return Config()
    with Directory(home) as folder:
        return _config(home, folder.read(FILE, MAX_BYTES))


def chosen(home: str, environ: Mapping[str, str]) -> Profile | None:
    """The profile of this run: the one that MLCC_PROFILE names, else the active one; None where there is none."""
    config = read(home)
    name = environ.get(VARIABLE, "") or config.active
    return config.named(name) if name else None


def needed(home: str, environ: Mapping[str, str], name: str = "") -> Profile:
    """The same, or the one with a name.  Raises PreconditionError where there is none."""
    found = read(home).named(name) if name else chosen(home, environ)
    if found is None:
        known = read(home).profiles
        message = (
            f"no bootstrap profile is in use; there is {allowed(known)}" if known else "there is no bootstrap profile"
        )
        hint = in_use(known) if known else "mlcc bootstrap add NAME --region REGION"
        raise PreconditionError([error("MLCC340", message, hint=hint)])
    return found


def in_use(known: Mapping[str, Profile]) -> str:
    """The command that takes one of some profiles into use."""
    return f"mlcc bootstrap use {next(iter(known)) if len(known) == 1 else 'NAME'}"


def problems(profile: Profile, origin: str) -> list[Finding]:
    """What is wrong with a profile.  origin: where it comes from, for messages."""
    document = _document(Config(profiles={profile.name: profile}))
    return validator.validate_document(node_of(document, Mark(printable(origin, 200))), SCHEMA)


def change(home: str, sleep: Callable[[float], None], changed: Callable[[Config], Config]) -> Config:
    """Writes what a function makes of the profiles; one process at a time.  Raises UserError where that fails."""
    try:
        private_folder(home)
    except OSError as problem:
        message = f"{printable(home, 200)}: {(problem.strerror or 'cannot be made').lower()}"
        raise UserError([error("MLCC209", message, hint="set MLCC_HOME to a folder of yours")]) from None
    with Directory(home) as folder, locked(folder, sleep):
        before = folder.read(FILE, MAX_BYTES)
        wanted = changed(_config(home, before))
        text = writer.dump(_document(wanted)).encode()
        # what is written is what can be read again
        _parsed(home, text)
        replace_file(folder, FILE, text, before[0] if before is not None else None, MODE)
    return wanted


def add(home: str, sleep: Callable[[float], None], found: Sequence[Profile], origin: str, active: str = "") -> Config:
    """Adds profiles, all or none; the profiles as they are then.

    origin: where they come from, for messages; active: which one is in use where none is yet.  Raises UserError for a
    profile that is no valid one, or whose name is taken.
    """
    _check(found, origin)

    def added(config: Config) -> Config:
        taken = [profile.name for profile in found if profile.name in config.profiles]
        if taken:
            message = f"there is a bootstrap profile {quoted(taken[0])} already"
            hint = f"mlcc bootstrap remove {taken[0]}, or take another name"
            raise UserError([error("MLCC350", message, hint=hint)])
        return _with(config, found, active)

    return change(home, sleep, added)


def merge(
    home: str, sleep: Callable[[float], None], found: Sequence[Profile], origin: str, active: str = ""
) -> tuple[Config, list[Profile], list[Profile]]:
    """Adds profiles as `add` does, but leaves each whose name is taken.

    The profiles as they are then, those of `found` that were added, and those that were left though another one has
    their name (one that is there already, and the same, is neither).  Raises UserError for one that is no valid one.
    """
    _check(found, origin)
    new: list[Profile] = []
    left: list[Profile] = []

    def added(config: Config) -> Config:
        new.extend(profile for profile in found if profile.name not in config.profiles)
        left.extend(one for one in found if config.profiles.get(one.name, one) != one)
        return _with(config, new, active)

    return change(home, sleep, added), new, left


def _check(found: Sequence[Profile], origin: str) -> None:
    wrong = [one for profile in found for one in problems(profile, origin)]
    if wrong:
        raise UserError(wrong)


def _with(config: Config, found: Sequence[Profile], active: str) -> Config:
    """With more profiles; `active` is in use where none is, and the first one where it names none of them."""
    known = {*config.profiles, *(profile.name for profile in found)}
    first = Config(config.active or (active if active in known else ""), config.profiles)
    for profile in found:
        first = first.with_profile(profile)
    return first


def use(home: str, sleep: Callable[[float], None], name: str) -> Config:
    """Takes a profile into use.  Raises PreconditionError where there is none of this name."""
    return change(home, sleep, lambda config: config._replace(active=config.named(name).name))


def remove(home: str, sleep: Callable[[float], None], name: str, force: bool) -> Config:
    """Removes a profile.  force: also one whose modules are deployed.  Raises UserError for such a one."""

    def removed(config: Config) -> Config:
        deployed = config.named(name).modules
        if deployed and not force:
            message = f"modules of the profile {quoted(name)} are deployed: {', '.join(deployed)}"
            hint = f"mlcc bootstrap destroy --profile {name} first, or --force, which leaves them in the account"
            raise UserError([error("MLCC350", message, hint=hint)])
        left = {key: one for key, one in config.profiles.items() if key != name}
        return Config("" if config.active == name else config.active, left)

    return change(home, sleep, removed)


def _config(home: str, found: tuple[bytes, int] | None) -> Config:
    if found is None:
        return Config()
    data, mode = found
    if mode & 0o022:
        path = os.path.join(home, FILE)
        message = "other users may write the bootstrap profiles, which say what account is changed"
        raise UserError([error("MLCC341", message, file=printable(path, 200), hint=f"chmod 600 it (it is {mode:o})")])
    return _parsed(home, data)


def _parsed(home: str, data: bytes) -> Config:
    path = os.path.join(home, FILE)
    loaded = reader.load_yaml(data, printable(path, 200))
    found: list[Finding] = list(loaded.findings)
    if loaded.root is not None and not has_errors(found):
        found += validator.validate_document(loaded.root, SCHEMA)
    if loaded.root is None or has_errors(found):
        raise UserError(found or [error("MLCC341", "the file holds no profiles", file=printable(path, 200))])
    document: dict[str, Any] = loaded.root.plain()
    made = {name: profile_of(name, fields) for name, fields in document["profiles"].items()}
    return Config(document.get("active", ""), made)


def _document(config: Config) -> dict[str, Any]:
    active = {"active": config.active} if config.active else {}
    made = {name: document_of(profile) for name, profile in sorted(config.profiles.items())}
    return {"version": 1, **active, "profiles": made}


def aws_profile(profile: Profile | None, environ: Mapping[str, str]) -> str:
    """The profile of ~/.aws to sign with; empty for the SDK's own choice, which credentials in the environment are."""
    named = environ.get("AWS_PROFILE") or environ.get("AWS_ACCESS_KEY_ID")
    return profile.aws_profile if profile is not None and not named else ""
