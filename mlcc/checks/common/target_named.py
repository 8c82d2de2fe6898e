"""MLCC151: a target on which no image of the config can run."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.text import allowed

CODE = "MLCC151"


def check(subject: Subject) -> Iterator[Finding]:
    """The config's row has the targets on which it does not run."""
    config, target = subject.rows.config, subject.rows.target
    if config is None or target is None or target.name not in config.not_on:
        return
    message = f"{config.name} does not run on {target.name}: no host there has the driver that its images need"
    hint = f"it runs on {allowed(name for name in subject.registries.targets if name not in config.not_on)}"
    yield subject.finding(CODE, ("deployment", "target"), message, hint)
