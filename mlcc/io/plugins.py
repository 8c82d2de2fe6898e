"""Entry points of other distributions.  Law: looked up on first need only; a name that two give is an error.

Code of a plugin runs in `Plugin.guarded` alone: what it prints there goes to stderr, and however it ends, short of an
interrupt, becomes a finding that names its distribution.

`importlib.metadata` costs more than click.  So installed distributions are first asked the cheap question whether any
of them speaks of mlcc at all; nearly always none does.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, redirect_stdout, suppress
from typing import Any

from mlcc.core.errors import MlccError, UserError, signal_in
from mlcc.core.findings import Finding, Fix, Severity, error
from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable

COMMANDS = "mlcc.commands"
REGISTRIES, COOKIECUTTERS = "mlcc.registries", "mlcc.cookiecutters"
TARGETS, CHECKS, PICKERS, STEPS = "mlcc.targets", "mlcc.checks", "mlcc.pickers", "mlcc.steps"
GROUPS = (REGISTRIES, COOKIECUTTERS, TARGETS, CHECKS, PICKERS, STEPS, COMMANDS)
# How a distribution's entry_points.txt begins one of our groups.
OURS = b"[mlcc."
OFF = "none"
# What the library raises for a distribution whose own files are missing, not text or of no form.
UNREADABLE = (AttributeError, KeyError, OSError, TypeError, ValueError)
HINT = "tell its authors; MLCC_PLUGINS=none does without plugins"


class Plugin(NamedTuple):
    """One entry point: its group and name, the object it names, and who brings it."""

    group: str
    name: str
    value: str
    distribution: str
    version: str
    entry: Any

    @contextmanager
    def guarded(self, *passing: type[Exception], speaks: bool = False) -> Iterator[None]:
        """Around all that runs code of the plugin.  Raises UserError, naming it, for whatever ends that code.

        Interrupts, findings of its own (MlccError) and the exceptions in `passing` go through as they are.  speaks: its
        output is the result of the run; else what it prints goes to stderr, so that nothing precedes mlcc's own.
        """
        try:
            with nullcontext() if speaks else redirect_stdout(sys.stderr):
                yield
        except passing:
            raise
        except MlccError as problem:
            if problem.findings and all(map(sound, problem.findings)):
                raise
            raise UserError([self.failed(problem)]) from None
        except BaseException as problem:  # SystemExit too: a plugin does not decide that all is well
            if signal_in(problem) is not None:
                raise
            raise UserError([self.failed(problem)]) from None

    def load(self) -> Any:
        """Imports and returns the object.  Raises UserError when that fails, whatever the reason."""
        with self.guarded():
            return self.entry.load()

    def failed(self, problem: BaseException) -> Finding:
        """The message about a plugin that does not work."""
        message = f"the plugin {self.name} of {self.distribution} ({self.group}) does not work: {_in_words(problem)}"
        return error("MLCC502", message, hint=HINT)


def _in_words(problem: BaseException) -> str:
    """An exception of a plugin's code in words; the library knows what to say of one that cannot say itself."""
    from traceback import format_exception_only

    return printable(format_exception_only(problem)[-1].strip(), 200)


def sound(finding: object) -> bool:
    """Whether what a plugin gives for a finding is one."""
    return (
        isinstance(finding, Finding)
        and isinstance(finding.severity, Severity)
        and all(isinstance(t, str) for t in (finding.code, finding.message, finding.path, finding.file, finding.hint))
        and all(isinstance(n, int) for n in (finding.line, finding.column))
        and (finding.fix is None or (isinstance(finding.fix, Fix) and _sound_fix(finding.fix)))
    )


def _sound_fix(fix: Fix) -> bool:
    texts = isinstance(fix.action, str) and isinstance(fix.was, str)
    return texts and isinstance(fix.value, (str, int, float, type(None))) and isinstance(fix.line, int)


def possible(path: Iterable[str]) -> bool:
    """False when certainly no distribution on a module path has a plugin of mlcc."""
    for folder in path:
        try:
            names = os.listdir(folder or ".")
        except NotADirectoryError:
            return True  # an archive: let the library look into it
        except OSError:
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                with suppress(OSError), open(os.path.join(folder, name, "entry_points.txt"), "rb") as stream:
                    if OURS in stream.read():
                        return True
    return False


def look(environ: Mapping[str, str], group: str = "") -> list[Plugin]:
    """Plugins of one group, or of all, in order of group and name, as they are.

    Raises UserError when a distribution's list of entry points cannot be read.
    """
    if environ.get("MLCC_PLUGINS") == OFF or not possible(sys.path):
        return []
    everything = _entries()
    found = [
        Plugin(name, entry.name, entry.value, *_about(entry.dist), entry)
        for name in ((group,) if group else GROUPS)
        for entry in everything.select(group=name)
    ]
    return sorted(found, key=lambda p: (GROUPS.index(p.group), p.name, p.distribution))


def _entries() -> Any:
    """Entry points of all distributions."""
    from importlib.metadata import distributions, entry_points

    try:
        return entry_points()
    except UNREADABLE as problem:
        findings = []
        for dist in distributions():
            try:
                _ = dist.entry_points
            except UNREADABLE as own:
                message = f"the entry points of {_about(dist)[0]} cannot be read: {_in_words(own)}"
                findings.append(error("MLCC502", message, hint=HINT))
        raise UserError(
            findings or [error("MLCC502", f"no plugin can be found: {_in_words(problem)}", hint=HINT)]
        ) from None


def _about(dist: Any) -> tuple[str, str]:
    """Name and version of a distribution, as far as it says them."""
    try:
        return dist.name or "unknown", dist.version or ""
    except UNREADABLE:
        return "unknown", ""


def clashes(found: Iterable[Plugin], built_in: Mapping[str, Collection[str]] = EMPTY) -> list[Finding]:
    """An error for each name that more than one brings.

    found: in the order of `look`; built_in: names that mlcc itself has, by group.
    """
    findings = []
    for (group, name), plugins in itertools.groupby(found, lambda p: (p.group, p.name)):
        others = [p.distribution for p in plugins]
        ours = name in built_in.get(group, ())
        names = ["mlcc", *others] if ours else others
        if len(names) > 1:
            words = f"{', '.join(names[:-1])} and {names[-1]} {'both' if len(names) == 2 else 'all'} bring"
            which = " and ".join(others) if ours else "one" if len(names) == 2 else "all but one"
            hint = f"uninstall {which}, or set MLCC_PLUGINS=none"
            findings.append(error("MLCC501", f"{words} {group}: {name}", hint=hint))
    return findings


def installed(
    environ: Mapping[str, str], group: str = "", built_in: Mapping[str, Collection[str]] = EMPTY
) -> list[Plugin]:
    """Plugins of one group, or of all, in order of group and name.

    built_in: names that mlcc itself has, by group.  Raises UserError with every name that more than one brings.
    """
    found = look(environ, group)
    wrong = clashes(found, built_in)
    if wrong:
        raise UserError(wrong)
    return found


def find(
    group: str, name: str, environ: Mapping[str, str], built_in: Mapping[str, Collection[str]] = EMPTY
) -> Plugin | None:
    """One plugin by group and name, or None."""
    return next((p for p in installed(environ, group, built_in) if p.name == name), None)
