"""Findings for machines: SARIF, GitHub annotations, JUnit.  Law: every format escapes by its own rules."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from mlcc.cli.outcomes import Outcome
from mlcc.cli.output import FURTHER, cleaned, plain, table, text_lines
from mlcc.cli.session import Session
from mlcc.core.findings import Finding, Severity, has_errors, ordered
from mlcc.core.text import inert_json, inert_xml, printable
from mlcc.core.version import VERSION

LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
GITHUB = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def print_report(cases: Sequence[Outcome], session: Session, files: Iterable[str] = ()) -> None:
    """Findings as the result of a command, on stdout.

    cases: the projects with what was found in each; files: those that were looked at, as they are called on disk.
    """
    found = ordered(finding for case in cases for finding in case.findings)
    if session.format == "sarif":
        session.out(inert_json(json.dumps(sarif(found, files), indent=2)))
    elif session.format == "github":
        for finding in found:
            session.out(github(finding))
    elif session.format == "junit":
        session.out(inert_xml(junit(cases, session.words[0] if session.words else "")))
    elif session.format == "markdown":
        rows = [{**plain(f), "place": cleaned(f).place} for f in found]
        session.out(table(rows, ["severity", "code", "place", "path", "message", "hint"], session))
    else:
        quiet = session.verbosity < 0  # says only what is wrong
        for line in text_lines((f for f in found if not (quiet and f.severity is Severity.NOTE)), session):
            session.out(line, further=FURTHER)


def sarif(findings: list[Finding], files: Iterable[str] = ()) -> dict[str, Any]:
    """SARIF 2.1.0, one run.  files: names on disk, of which findings have the printable form."""
    codes = sorted({f.code for f in findings})
    names = _names(files)
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "mlcc", "version": VERSION, "rules": [_rule(c) for c in codes]}},
                "columnKind": "unicodeCodePoints",
                "results": [_result(f, names) for f in findings],
            }
        ],
    }


def _rule(code: str) -> dict[str, Any]:
    """A rule with its page, as `mlcc explain CODE` prints it; a plugin's code has none."""
    from mlcc.registries.finding_pages import pages

    page = pages().get(code)
    if page is None:
        return {"id": code}
    return {
        "id": code,
        "shortDescription": {"text": page.title},
        "fullDescription": {"text": page.meaning},
        "help": {"text": page.remedy},
        "defaultConfiguration": {"level": page.severity},
    }


def _result(finding: Finding, names: Mapping[str, str]) -> dict[str, Any]:
    shown = plain(finding)
    text = f"{shown['path']}: {shown['message']}" if shown["path"] else shown["message"]
    if shown["hint"]:
        text += f" ({shown['hint']})"
    location: dict[str, Any] = {"artifactLocation": {"uri": _uri(shown["file"] or "mlcc.yaml", names)}}
    if finding.line:
        location["region"] = {"startLine": finding.line, "startColumn": max(1, finding.column)}
    return {
        "ruleId": finding.code,
        "level": LEVELS[finding.severity],
        "message": {"text": text},
        "locations": [{"physicalLocation": location}],
    }


def _names(files: Iterable[str]) -> dict[str, str]:
    """Files and their folders by the form that is printed."""
    found = {}
    for file in files:
        for name in (file.rpartition("/")[0], file):
            if printable(name, 300) != name:
                found[printable(name, 300)] = name
    return found


def _uri(shown: str, names: Mapping[str, str]) -> str:
    """The bytes of a path, percent-encoded: the path itself, not its printable form."""
    from urllib.parse import quote

    folder = max((f for f in names if shown == f or shown.startswith(f"{f}/")), key=len, default="")
    return quote(os.fsencode(names.get(folder, "") + shown[len(folder) :]))


def github(finding: Finding) -> str:
    """One workflow command; values are escaped as the runner unescapes them."""
    shown = plain(finding)
    fields = {"file": shown["file"], "line": finding.line, "col": finding.column, "title": finding.code}
    properties = ",".join(f"{k}={_property(str(v))}" for k, v in fields.items() if v)
    text = f"{shown['path']}: {shown['message']}" if shown["path"] else shown["message"]
    if shown["hint"]:
        text += f" ({shown['hint']})"
    return f"::{GITHUB[finding.severity]} {properties}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def junit(cases: Sequence[Outcome], command: str) -> str:
    """JUnit XML: a test case for each project, by the name of its file, that fails with all of its errors."""
    failed = sum(has_errors(case.findings) for case in cases)
    suite = quoteattr(f"mlcc {command}".strip())
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites><testsuite name={suite} tests="{len(cases)}" failures="{failed}" errors="0" skipped="0">',
    ]
    for case in cases:
        found = [cleaned(finding) for finding in ordered(case.findings)]
        errors = [finding for finding in found if finding.severity is Severity.ERROR]
        others = [finding for finding in found if finding.severity is not Severity.ERROR]
        parts = []
        if errors:
            more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
            message, kind = quoteattr(errors[0].message + more), quoteattr(errors[0].code)
            parts.append(f"<failure message={message} type={kind}>{_body(errors)}</failure>")
        if others:
            parts.append(f"<system-out>{_body(others)}</system-out>")
        lines.append(f"<testcase classname={suite} name={quoteattr(case.file)}>{''.join(parts)}</testcase>")
    return "\n".join([*lines, "</testsuite></testsuites>"])


def _body(findings: Iterable[Finding]) -> str:
    """Findings as lines: place, severity, code, message, hint."""
    return "\n".join(escape(_line(finding)) for finding in findings)


def _line(finding: Finding) -> str:
    path = f" {finding.path}:" if finding.path else ":"
    hint = f" ({finding.hint})" if finding.hint else ""
    return f"{finding.place}: {finding.severity.label} {finding.code}{path} {finding.message}{hint}"
