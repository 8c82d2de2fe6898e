"""A resolved project: one resolution for each environment, with its findings.  Law: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlcc.core.findings import Finding, Severity, has_errors, ordered
from mlcc.core.records import NamedTuple
from mlcc.load import document
from mlcc.load.inputs import Inputs
from mlcc.load.lock_choices import of_environment
from mlcc.registries.loader import Registries
from mlcc.resolve.resolver import resolve_layers
from mlcc.resolve.result import Resolved

MISSING = "MLCC027"


class Project(NamedTuple):
    """A resolved project: its inputs, the registries it used, and one resolution per environment.

    chosen: the environment that was chosen with --env, None for the default; findings: of every stage so far.
    """

    inputs: Inputs
    registries: Registries
    default: Resolved
    environments: Mapping[str, Resolved]
    chosen: str | None
    findings: tuple[Finding, ...]

    @property
    def resolved(self) -> Resolved:
        """The chosen environment's values."""
        return self.environments[self.chosen] if self.chosen else self.default

    @property
    def every(self) -> tuple[Resolved, ...]:
        """Every environment's values, the default first."""
        return (self.default, *self.environments.values())

    @property
    def ok(self) -> bool:
        """True when nothing forbids rendering."""
        return not has_errors(self.findings)


def resolve_project(inputs: Inputs, registries: Registries, env: str | None = None) -> Project:
    """Resolves the default environment and each overlay.  env: the overlay that is chosen.

    Where mlcc.yaml has mistakes, the rest of it is resolved nevertheless, so that every mistake is shown at once.
    """
    config, findings = inputs.config, [*inputs.findings, *registries.problems()]
    if env:
        findings.extend(document.unknown_environment(config, env))
    chosen = env if env in config.environments else None
    if not config.ok:
        layers = (*document.document_layers(config, None), *inputs.layers) if config.readable else ()
        partly = resolve_layers(layers, registries)._replace(texts=inputs.texts)
        if config.readable:
            findings += [f for f in partly.findings if not is_implied(f, findings)]
        return Project(inputs, registries, partly._replace(findings=()), {}, None, tuple(ordered(findings)))
    resolutions: dict[str | None, Resolved] = {}
    for name in (None, *config.environments):
        layers = (*document.document_layers(config, name), *inputs.layers)
        resolved = resolve_layers(layers, registries, name, of_environment(inputs.choices, name))
        resolved = resolved._replace(texts=inputs.texts)
        resolutions[name] = resolved
        findings.extend(f for f in resolved.findings if f.code != MISSING or not inputs.lacks_base)
    default = resolutions.pop(None)
    environments = {str(k): v for k, v in resolutions.items()}
    return Project(inputs, registries, default, environments, chosen, tuple(ordered(findings)))


def is_implied(finding: Finding, known: Iterable[Finding]) -> bool:
    """True for `... is missing` where its section, or the whole file, could not be read and may contain it.

    And for a further finding about a value that was refused already.
    """
    section = finding.path.partition(".")[0]
    if any(f.path == finding.path and f.severity is Severity.ERROR for f in known if f.path):
        return True
    return finding.code == MISSING and any(f.path.partition(".")[0] in ("", section) for f in known)
