"""mlcc upgrade: looks the model up on the Hub, pins what it finds, and says which versions are newer."""

from __future__ import annotations

import os
from typing import Any

import click

from mlcc import pipeline
from mlcc.cli import mlcc_yaml
from mlcc.cli.changes import CHANGES, flush, value_line, worse
from mlcc.cli.help_sections import Command
from mlcc.cli.options import output_options
from mlcc.cli.output import document, plain, print_findings, print_heading, table
from mlcc.cli.plugin_parts import plugged
from mlcc.cli.projects import Selection, files, project_options, target_of
from mlcc.cli.session import Session, current, silent
from mlcc.core.errors import UserError
from mlcc.core.findings import has_errors, ordered
from mlcc.core.paths import format_path
from mlcc.core.text import printable
from mlcc.core.tree import LOCK_MAX_BYTES, LOCK_NAME, MAX_FILE_BYTES, digest
from mlcc.io.disk.reader import Directory, read_named
from mlcc.io.yaml.limits import CONFIG_LIMITS
from mlcc.load.request import Request
from mlcc.lookups import upgrade
from mlcc.lookups.hub import Hub
from mlcc.lookups.upgrade import NAME, Proposal, Wish
from mlcc.plan.changes import ACTIONS, CREATE, UPDATE
from mlcc.plan.lock import read_lock, with_choices
from mlcc.resolve.project import Project


@click.command("upgrade", cls=Command, epilog="Example: mlcc upgrade --check (in CI: is there something newer?)")
@click.option("--check", is_flag=True, help="Write nothing; exit 2 when there is something to write.")
@click.option(
    "--revision",
    "follow",
    default="",
    metavar="REF",
    help="Move to what this branch, tag or commit of the model names.",
)
@click.option("--chat-template", "template", is_flag=True, help="Take the Hub's chat template in any case.")
@project_options
@output_options()
def command(
    selection: Selection,
    check: bool,
    follow: str,
    template: bool,
) -> int:
    """Take newer choices of the registries, pin the model's revision, fetch a chat template that is missing.

    Where mlcc.yaml names no framework version or instance type, mlcc.lock holds what the registries chose; this takes
    what they choose now.  Asks the Hugging Face Hub (HF_ENDPOINT, HF_TOKEN) and changes mlcc.yaml.  A commit that is
    pinned stays unless --revision says what to move to.  mlcc apply renders the result.
    """
    session = current()
    hub = None if silent(session) else Hub(session.environ)
    code = 0
    chosen = files(selection, session)
    for path in session.counted(chosen, "looking up"):
        try:
            moved = _one(session, path, target_of(path, selection.directory), hub, Wish(follow, template), check)
        except UserError as problem:
            if not session.several:
                raise
            moved = _failed(session, path, problem)
        code = worse(code, moved)
    flush(session)
    return code


def _failed(session: Session, path: str, problem: UserError) -> int:
    """What keeps one of several projects from being looked at; the others are."""
    if session.format in ("json", "yaml"):
        findings = [plain(f) for f in ordered(problem.findings)]
        nothing = dict.fromkeys(ACTIONS, 0)
        session.documents[path] = document(changes=[], values=[], summary=nothing, findings=findings, newer=[])
    else:
        print_findings(problem.findings, session)
    return 1


def _one(session: Session, path: str, target: str, hub: Hub | None, wish: Wish, check: bool) -> int:
    """One project.  target: where it is rendered, and so where the image finds the template."""
    before = read_named(path, CONFIG_LIMITS.max_bytes)
    # what only this run knows is not for a file that is committed
    committed = {n: v for n, v in session.environ.items() if not n.startswith("ML_")}
    request = Request(environ=committed, plugged=plugged(session), directory=target)
    project = pipeline.read(path, request)
    if not project.ok:
        raise UserError(project.findings)
    with Directory(target) as beside:
        found, lock = beside.read(NAME, MAX_FILE_BYTES), beside.read(LOCK_NAME, LOCK_MAX_BYTES)
    template = found[0] if found is not None else None
    if lock is not None:
        read_lock(lock[0])  # what cannot be read as one, or stands between two branches, is not changed
    fresh = pipeline.without_choices(project) if lock is not None else project
    proposal = upgrade.propose(fresh, hub, template, wish)
    proposal = proposal._replace(choices=upgrade.moved_choices(project, fresh))
    wrong = has_errors(proposal.findings)
    if proposal.changes and not wrong:
        after = proposal.text(before.decode("utf-8-sig")).encode()
        mlcc_yaml.checked(before, after, path)
        if not check:
            _write(path, target, (before, after), template, proposal)
            if proposal.choices and lock is not None:
                moved = with_choices(lock[0], fresh.default, fresh.environments)
                mlcc_yaml.write(target, {LOCK_NAME: (moved, lock[0])})
    _print(session, path, fresh, proposal, hub, check or wrong, template is not None)
    if wrong:
        return 1
    return CHANGES if check and proposal.changes else 0


def _write(path: str, target: str, own: tuple[bytes, bytes], template: bytes | None, proposal: Proposal) -> None:
    """Writes the template and mlcc.yaml, over what was read before the Hub was asked.

    own: mlcc.yaml as it was and as it shall be; template: the template as it was.
    """
    (before, after), (folder, name) = own, os.path.split(path)
    files: dict[str, dict[str, tuple[bytes, bytes | None]]] = {}
    if proposal.template is not None:
        files.setdefault(os.path.normpath(target), {})[NAME] = (proposal.template, template)
    if after != before:
        files.setdefault(os.path.normpath(folder), {})[name] = (after, before)
    for place, inside in files.items():
        mlcc_yaml.write(place, inside)


# ---------------------------------------------------------------- output
def _print(
    session: Session, path: str, project: Project, proposal: Proposal, hub: Hub | None, dry: bool, there: bool
) -> None:
    values: list[dict[str, Any]] = [
        {"path": format_path(p), "before": before, "after": after, "source": source}
        for source, part in (("file", proposal.settings), ("lock", proposal.choices))
        for p, (before, after) in part.items()
    ]
    changes: list[dict[str, Any]] = []
    if proposal.template is not None:
        action = UPDATE if there else CREATE
        changes.append({"path": NAME, "action": action, "digest": digest(proposal.template)})
    if proposal.settings:
        changes.append({"path": os.path.basename(path), "action": UPDATE})
    if proposal.choices:
        changes.append({"path": LOCK_NAME, "action": UPDATE})
    framework = project.resolved.rows.framework
    newer = [
        {"framework": framework.name if framework else "", "version": v.name, "validation_level": v.validation_level}
        for v in proposal.newer
    ]
    if session.format in ("json", "yaml"):
        counts = [c["action"] for c in changes]
        summary = {action: counts.count(action) for action in ACTIONS}
        findings = [plain(f) for f in ordered(proposal.findings)]
        session.documents[path] = document(
            changes=changes, values=values, summary=summary, findings=findings, newer=newer
        )
        return
    if values or changes or session.format == "markdown":
        print_heading(session, path)
    if session.format == "markdown":
        session.out(table(values, ["path", "before", "after", "source"], session))
    else:
        for change in changes:
            session.out(f"  {change['action']:<9} {printable(change['path'], 200)}")
        for value in values:
            session.out(value_line(value, session))
    print_findings(proposal.findings, session)
    for line in proposal.words:
        session.say(line)
    for row in newer:
        session.say(f"newer: {row['framework']} {row['version']} ({row['validation_level']})")
    if newer:
        session.say("take one with: mlcc set framework.version VERSION")
    _last(session, path, proposal, hub, dry)


def _last(session: Session, path: str, proposal: Proposal, hub: Hub | None, dry: bool) -> None:
    own = proposal.settings or proposal.template is not None or not proposal.choices
    shown = printable(path if own else os.path.join(os.path.dirname(path), LOCK_NAME), 200)
    if has_errors(proposal.findings):
        session.say(f"{shown}: nothing was written")
    elif proposal.changes:
        session.say(f"{shown}: {'would change' if dry else 'changed; mlcc apply renders it'}")
    elif hub is None:
        session.say(f"{shown}: nothing to change (offline: the Hub was not asked)")
    else:
        session.say(f"{shown}: nothing to change")
