"""MLCC127: an execution role of another account."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding

CODE = "MLCC127"


def check(subject: Subject) -> Iterator[Finding]:
    """A role cannot be passed across accounts (IAM user guide, id_roles_use_passrole)."""
    role, account = (str(subject.resolved.get(f"deployment.{key}", "")) for key in ("role_arn", "account_id"))
    words = role.split(":")
    if account and len(words) > 4 and words[4] != account:
        message = f"the role is one of account {words[4]}, and deployment.account_id is {account}"
        hint = "name a role of the account that is deployed to"
        yield subject.finding(CODE, ("deployment", "role_arn"), message, hint)
