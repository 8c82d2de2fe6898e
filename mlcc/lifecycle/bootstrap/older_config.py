"""Profiles of the older tool (~/.ml-container-creator/config.json).  Law: read only; what it holds is checked as ours.

Its stacks are not ours, so no module is taken over: only where it worked, with which role and which repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.json_data import read_json
from mlcc.core.text import printable
from mlcc.io.disk.reader import read_named
from mlcc.lifecycle.bootstrap.profile import Profile

MAX_BYTES = 4 * 1024 * 1024
FIELDS: Mapping[str, str] = {
    "awsRegion": "region",
    "accountId": "account_id",
    "awsProfile": "aws_profile",
    "roleArn": "role_arn",
    "ecrRepositoryName": "repository",
}


def read(path: str) -> tuple[str, dict[str, Profile]]:
    """The name of the active profile, and the profiles.  Raises UserError for a file that is none of that tool."""
    data = read_named(path, MAX_BYTES, "name the file with --from FILE")
    try:
        document = read_json(data)
    except ValueError:
        document = None
    found = document.get("profiles") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(found, dict):
        hint = "it is JSON with the keys activeProfile and profiles"
        raise UserError([error("MLCC348", "no profiles of the older tool", file=printable(path, 200), hint=hint)])
    made = {str(name): _profile(str(name), fields) for name, fields in found.items() if isinstance(fields, dict)}
    active = document.get("activeProfile")
    return (active if isinstance(active, str) and active in made else ""), made


def _profile(name: str, fields: Mapping[str, Any]) -> Profile:
    known = {ours: fields[theirs] for theirs, ours in FIELDS.items() if isinstance(fields.get(theirs), str)}
    return Profile(name, **{"region": "", **{key: value for key, value in known.items() if value}})
