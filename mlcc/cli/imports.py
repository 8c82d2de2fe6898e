"""What `mlcc init` takes over from elsewhere.  Law: asks the look-up that knows; what it finds is shown and written."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from mlcc import pipeline
from mlcc.cli.output import count_line
from mlcc.cli.plugin_parts import plugged
from mlcc.cli.session import Session
from mlcc.core.errors import UsageError, UserError
from mlcc.core.findings import Severity, error
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.load import coerce
from mlcc.load.request import Request
from mlcc.lookups import older_project, own_model
from mlcc.lookups.proposal import Proposal
from mlcc.registries.loader import Registries


class Wish(NamedTuple):
    """What --import, --import-endpoint and --model name; empty where they are not given.

    file: the mlcc.yaml to be written.
    """

    older: str = ""
    endpoint: str = ""
    model: str = ""
    file: str = ""


def found(session: Session, registries: Registries, given: Mapping[str, str], wish: Wish) -> Proposal:
    """What is taken over; nothing where nothing was asked for.

    given: values by dotted path that the command line names.  Raises UserError where nothing can be read.
    """
    if sum(map(bool, wish[:3])) > 1:
        message = "--import, --import-endpoint and --model exclude each other"
        raise UsageError([error("MLCC901", message, hint="name one of them")])
    if wish.endpoint:
        return _endpoint(session, registries, given, wish)
    if wish.model:
        return own_model.propose(wish.model, _in_project(wish), registries, given.get("deployment.config", ""))
    if not wish.older:
        return Proposal({})
    config = given.get("deployment.config", "")
    proposal = older_project.read(wish.older, registries, config)
    if not config and not proposal.values.get(("deployment", "config")):
        message = f"{printable(wish.older, 200)} does not say which deployment config it has"
        raise UserError([*proposal.findings, error("MLCC386", message, hint="name it: --deployment-config NAME")])
    return proposal


def is_file(name: str) -> bool:
    """Whether a model's name is that of a file or folder here, and none of a hub or a bucket."""
    known = "/" not in name and name.endswith(own_model.SUFFIXES)
    return known or name.startswith(("./", "../", "/")) or ("://" not in name and os.path.exists(name))


def _in_project(wish: Wish) -> str:
    """How mlcc.yaml calls the model file.  Raises UserError where it does not lie below the file's folder."""
    folder = os.path.realpath(os.path.dirname(os.path.abspath(wish.file)))
    place = os.path.relpath(os.path.realpath(wish.model), folder)
    if place == ".." or place.startswith("../"):
        message = f"{printable(wish.model, 200)} lies outside the project, {printable(folder, 200)}"
        raise UserError([error("MLCC168", message, file=wish.model, hint="put it into the project, or use -C")])
    return f"./{place}"


def _endpoint(session: Session, registries: Registries, given: Mapping[str, str], wish: Wish) -> Proposal:
    """What AWS says of an endpoint."""
    from mlcc.cli.bootstrap_tools import connection
    from mlcc.lifecycle import aws_errors
    from mlcc.lifecycle.bootstrap import profiles
    from mlcc.lifecycle.targets.sagemaker.imports.endpoint import propose

    profile = profiles.chosen(session.home, session.environ)
    with aws_errors.explaining(registries):
        caller = connection(session, profile, given.get("deployment.region", ""))
        return propose(wish.endpoint, wish.file, coerce.coerce_all(given), registries, caller, time.time())


def comparison(wish: Wish, found: Proposal) -> str:
    """What is typed after the apply to see how an endpoint that was taken over differs; empty without one."""
    if not wish.endpoint:
        return ""
    env = next((str(path[1]) for path in found.values if path[0] == "environments"), "")
    return ", then do/deploy" + (f" --env {env}" if env else "") + " --plan"


def unsettled(wish: Wish, text: str, session: Session) -> str:
    """How many errors the checks find in a file that an import made (`1 error`): what nothing tells is completed."""
    if not any(wish[:3]):
        return ""
    request = Request(environ=session.environ, plugged=plugged(session))
    project = pipeline.check(pipeline.resolve(pipeline.load(wish.file, request, text.encode())))
    return count_line(one for one in project.findings if one.severity is Severity.ERROR)
