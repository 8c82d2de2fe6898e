"""What `mlcc init` takes over from elsewhere.  Law: asks the look-up that knows; what it finds is shown and written."""

from __future__ import annotations

from collections.abc import Mapping

from mlcc.cli.session import Session
from mlcc.core.errors import UsageError, UserError
from mlcc.core.findings import error
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.lookups import older_project
from mlcc.lookups.proposal import Proposal
from mlcc.registries.loader import Registries


class Wish(NamedTuple):
    """What --import and --import-endpoint name; empty where they are not given."""

    older: str = ""
    endpoint: str = ""


def found(session: Session, registries: Registries, given: Mapping[str, str], wish: Wish) -> Proposal:
    """What is taken over; nothing where nothing was asked for.

    given: values by dotted path that the command line names.  Raises UserError where nothing can be read.
    """
    if wish.older and wish.endpoint:
        raise UsageError([error("MLCC901", "--import and --import-endpoint exclude each other", hint="leave one out")])
    if not wish.older:
        return Proposal({})
    config = given.get("deployment.config", "")
    proposal = older_project.read(wish.older, registries, config)
    if not config and not proposal.values.get(("deployment", "config")):
        message = f"{printable(wish.older, 200)} does not say which deployment config it has"
        raise UserError([*proposal.findings, error("MLCC386", message, hint="name it: --deployment-config NAME")])
    return proposal
