"""What plugins add to a run.  Law: asked once a run; a plugin that fails is reported with its distribution."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from mlcc.checks import runner
from mlcc.checks.subject import Check, Subject
from mlcc.cli.session import Session
from mlcc.core.errors import MlccError, UserError
from mlcc.core.findings import Finding
from mlcc.io import plugins
from mlcc.io.plugins import Plugin
from mlcc.load.request import Plugged


def plugged(session: Session) -> Plugged:
    """Registry folders, layers and checks of the installed plugins."""
    if session.plugged is None:
        try:
            session.plugged = _plugged(session)
        except MlccError:
            if session.recording is not None:
                session.recording.spoil()  # a plugin that was mended in its place is not reported again
            raise
    assert isinstance(session.plugged, Plugged)
    return session.plugged


def built_in() -> Mapping[str, Collection[str]]:
    """Names that mlcc itself has, by group: what no plugin may be called."""
    from mlcc import lifecycle
    from mlcc.cli.command_table import COMMANDS
    from mlcc.lifecycle import targets

    return {
        plugins.COMMANDS: COMMANDS,
        plugins.STEPS: lifecycle.STEPS,
        plugins.TARGETS: targets.BUILT_IN,
        plugins.CHECKS: runner.built_in(),
    }


def _plugged(session: Session) -> Plugged:
    found = plugins.look(session.environ)
    if not found:
        return Plugged()
    wrong = plugins.clashes(found, built_in())
    if wrong:
        raise UserError(wrong)

    def of(group: str) -> list[Plugin]:
        return [plugin for plugin in found if plugin.group == group]

    rules = tuple(_guarded(plugin) for plugin in of(plugins.CHECKS))
    if rules and session.recording is not None:
        session.recording.spoil()  # what a plugin's own code answers is not ours to remember
    return Plugged(
        {plugin.name: _folder(plugin) for plugin in of(plugins.REGISTRIES)},
        tuple(_folder(plugin) for plugin in of(plugins.COOKIECUTTERS)),
        rules,
    )


def _folder(plugin: Plugin) -> str:
    """What a plugin of folders answers.  Raises UserError when it is no folder."""
    with plugin.guarded():
        path: Any = plugin.load()()
        folder = os.fspath(path) if isinstance(path, (str, os.PathLike)) else ""
        if not isinstance(folder, str) or not os.path.isdir(folder):
            raise NotADirectoryError(f"{path!r} is no folder")
    return folder


def _guarded(plugin: Plugin) -> Check:
    """A plugin's check, whose failure is a finding beside those that it gave before."""

    def check(subject: Subject) -> Iterator[Finding]:
        found: list[Finding] = []
        try:
            with plugin.guarded():
                for finding in plugin.load()(subject):
                    if not plugins.sound(finding):
                        raise TypeError(_unsound(finding))
                    found.append(finding)
        except MlccError as problem:
            found.extend(problem.findings)
        return iter(found)

    return check


def _unsound(found: Any) -> str:
    """Why something is no finding."""
    if isinstance(found, Finding):
        return f"a field of its Finding {found.code!r} has a value of another type"
    return f"a Finding was expected, not {type(found).__name__}"
