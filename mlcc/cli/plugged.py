"""What plugins add to a run.  Law: asked once a run; a plugin that fails is named, with whom to tell."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from mlcc import plugins
from mlcc.checks import Check, Subject
from mlcc.cli.session import Session
from mlcc.diagnostics import Finding
from mlcc.errors import UserError
from mlcc.plugins import Plugin
from mlcc.settings import Plugged


def plugged(session: Session) -> Plugged:
    """Registry folders, layers and checks of the installed plugins."""
    if session.plugged is None:
        session.plugged = _plugged(session)
    assert isinstance(session.plugged, Plugged)
    return session.plugged


def _plugged(session: Session) -> Plugged:
    found = plugins.installed(session.environ)
    if not found:
        return Plugged()

    def of(group: str) -> list[Plugin]:
        return [plugin for plugin in found if plugin.group == group]

    checks = tuple(_guarded(plugin) for plugin in of(plugins.CHECKS))
    if checks and session.recording is not None:
        session.recording.spoil()  # what a plugin's own code answers is not ours to remember
    return Plugged(
        {plugin.name: _folder(plugin) for plugin in of(plugins.REGISTRIES)},
        tuple(_folder(plugin) for plugin in of(plugins.COOKIECUTTERS)),
        checks,
    )


def _folder(plugin: Plugin) -> str:
    """What a plugin of folders answers.  Raises UserError when it is no folder."""
    path: Any = plugin.call()
    try:
        folder = os.fspath(path)
    except TypeError:
        folder = ""
    if not isinstance(folder, str) or not os.path.isdir(folder):
        raise UserError([plugin.failed(NotADirectoryError(f"{path!r} is no folder"))])
    return folder


def _guarded(plugin: Plugin) -> Check:
    """A plugin's check, whose failure is a finding."""

    def check(subject: Subject) -> Iterator[Finding]:
        try:
            yield from plugin.load()(subject)
        except UserError as problem:
            yield from problem.findings
        except Exception as problem:
            yield plugin.failed(problem)

    return check
