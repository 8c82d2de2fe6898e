"""Runs the checks on each resolved environment.  Law: pure; every module in a folder of checks is one check."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from mlcc.checks.manifests import Problem
from mlcc.checks.subject import Check, Subject
from mlcc.core.findings import Finding, has_errors, ordered
from mlcc.core.nodes import Node
from mlcc.resolve.project import Project, is_implied
from mlcc.resolve.result import CONTRADICTIONS

COMMON, ENGINES, TRITON, HYPERPOD = "common", "engines", "triton", "hyperpod"


def _modules(folder: str) -> list[ModuleType]:
    package = f"{__package__}.{folder}"
    names = sorted(info.name for info in iter_modules(import_module(package).__path__))
    return [import_module(f"{package}.{name}") for name in names]


@functools.cache
def table(folder: str) -> Mapping[str, Check]:
    """The checks of a folder by their codes, in the order of their file names."""
    return {module.CODE: module.check for module in _modules(folder)}


def manifest_problems(schema: str, document: Mapping[str, Any]) -> list[tuple[str, Problem]]:
    """What the rules on manifests find in one, each with the rule's code.  schema: the name of its schema."""
    rules = [(m.CODE, m.problems) for m in _modules(HYPERPOD) if hasattr(m, "problems")]
    return [(code, problem) for code, rule in rules for problem in rule(schema, document)]


def built_in() -> dict[str, Check]:
    """Every check by its code."""
    return {**table(COMMON), **table(ENGINES), **table(TRITON), **table(HYPERPOD)}


def of_variables() -> tuple[str, ...]:
    """Codes of the rules about container variables, which --no-validate-env-vars leaves out."""
    from mlcc.checks.engines import engine_option, engine_value

    return (engine_value.CODE, engine_option.CODE)


def run(subject: Subject, plugins: Iterable[Check] = (), skip: Iterable[str] = ()) -> list[Finding]:
    """Findings of every check on one resolved environment.  plugins: checks of plugins; skip: codes left out."""
    rows, left_out = subject.rows, set(skip)
    on_kubernetes = rows.target is not None and rows.target.manifests
    used = {ENGINES: rows.engine is not None, TRITON: rows.backend is not None, HYPERPOD: on_kubernetes}
    tables = [table(COMMON), *(table(folder) for folder, needed in used.items() if needed)]
    checks = [check for checks in tables for code, check in checks.items() if code not in left_out]
    return [finding for check in (*checks, *plugins) for finding in check(subject)]


def placed(finding: Finding, root: Node, env: str | None) -> Finding:
    """A finding of an overlay, with the overlay's name, and at the overlay's place where it has no place of its own.

    root: mlcc.yaml's own tree; env: the overlay's name, None for the default environment.
    """
    node = root.get("environments", env) if env else None
    if node is None:
        return finding
    finding = finding._replace(message=f"{finding.message} (environment {env})")
    mark = node.mark
    return finding if finding.line else finding._replace(file=mark.file, line=mark.line, column=mark.column)


def check_project(project: Project, missing: Collection[str] = (), skip: Iterable[str] = ()) -> Project:
    """The project with the findings of every check in each environment.

    missing: names of files of the project that do not exist; skip: codes of checks that are left out.
    """
    inputs = project.inputs
    if not inputs.config.readable:
        return project
    root = inputs.config.root if inputs.config.ok else inputs.config.sound
    findings = list(project.findings)
    for resolved in project.every:
        if not has_errors(f for f in resolved.findings if f.code not in CONTRADICTIONS):
            subject = Subject(resolved, project.registries, root, missing, project.every, inputs.today)
            new = [
                f if f in findings else placed(f, root, resolved.env) for f in run(subject, inputs.plugged.checks, skip)
            ]
            findings += [f for f in new if inputs.config.ok or not is_implied(f, findings)]
    return project._replace(findings=tuple(ordered(findings)))
