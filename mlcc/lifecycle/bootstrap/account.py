"""Whose account it is.  Law: reads only; nothing is changed before the caller's account was compared."""

from __future__ import annotations

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.text import quoted
from mlcc.io.aws.connection import Caller
from mlcc.io.aws.sts import Identity, Sts
from mlcc.lifecycle.bootstrap.profile import Profile

# The tag of all that bootstrap made; its value is the prefix of the names.
TAG, PROFILE_TAG = "mlcc:bootstrap", "mlcc:profile"


def tags(profile: Profile) -> dict[str, str]:
    """The tags of all that bootstrap makes for a profile."""
    return {TAG: profile.prefix, PROFILE_TAG: profile.name}


def checked(caller: Caller, profile: Profile) -> Identity:
    """Who calls.  Raises UserError for another account than the profile's, AwsError without credentials."""
    who = Sts(caller).identity()
    if profile.account_id and profile.account_id != who.account:
        message = (
            f"the bootstrap profile {quoted(profile.name)} belongs to account {profile.account_id}, "
            f"and these credentials to {who.account}"
        )
        raise UserError([error("MLCC345", message, hint="use other credentials (AWS_PROFILE), or another profile")])
    return who
