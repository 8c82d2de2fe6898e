"""What `mlcc init --ci` writes.  Law: a packaged text, with one value in it that can stand in a shell and in YAML."""

from __future__ import annotations

from mlcc.cli import repository_files
from mlcc.cli.repository_files import Wanted
from mlcc.cli.session import Session
from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.text import printable, quoted
from mlcc.io import installation, packaged
from mlcc.load import locate
from mlcc.plan.changes import UPDATE
from mlcc.registries import load
from mlcc.registries.loader import unknown_row

INSTALL = "@INSTALL@"
EXAMPLES = "mlcc==1.2.3, git+https://host/mlcc.git@COMMIT or https://host/mlcc-1.2.3-py3-none-any.whl"


def run(session: Session, directory: str, system: str, install: str, force: bool, only_shown: bool) -> int:
    """Writes, or only prints, the configuration of a system for the repository around a folder.

    install: what pip installs there; empty for the way in which this mlcc was installed.
    """
    known = load().entries("ci_systems")
    if system not in known:
        raise unknown_row("system", system, known)
    facts = known[system].facts
    root, path = locate.repository_root(directory), str(facts["file"])
    text = packaged.read("registries", *str(facts["template"]).split("/")).decode()
    made = text.replace(INSTALL, _requirement(install)).encode()
    wanted = [Wanted(path, made, repository_files.held(root, path))]
    if only_shown:
        repository_files.show(session, wanted)
        return 0
    _refuse_edits(wanted[0], force)
    line, include = "", facts.get("include")
    if include is not None:
        start = repository_files.held(root, str(include["file"]))
        if start is None:
            wanted.append(Wanted(str(include["file"]), f"{include['line']}\n".encode(), None))
        elif path.encode() not in start:
            line = str(include["line"])
    repository_files.write(session, root, wanted)
    repository_files.report(session, wanted)
    if line and include is not None:
        session.say(f"add to {include['file']}: {line}", -1)
    session.say(f"next: {facts['next']}")
    return 0


def _requirement(given: str) -> str:
    """What pip installs.  Raises UserError for what cannot be got elsewhere, or is another one tomorrow."""
    if not given:
        found = installation.requirement()
        if not found:
            message = "this mlcc was installed from a folder or file, which no other machine has"
            raise UserError([error("MLCC420", message, hint=f"say what pip installs: --ci-install {EXAMPLES}")])
        return found
    if not installation.pinned(given):
        message = f"{quoted(given)} names no single version that pip can get from elsewhere"
        raise UserError([error("MLCC421", message, hint=f"use one like {EXAMPLES}")])
    return given


def _refuse_edits(file: Wanted, force: bool) -> None:
    if file.action == UPDATE and not force:
        shown = printable(file.path, 200)
        hint = "compare it with what --print prints; --force replaces it"
        raise UserError([error("MLCC422", "is there already, and is another text", file=shown, hint=hint)])
