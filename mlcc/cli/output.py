"""Results and findings in every format.  Law: everything from outside is redacted and made printable here, last.

Shapes of JSON documents are contracts (schemas/), with `schema_version` in each; JSON is never preceded by anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlcc.cli.session import Session, redacted
from mlcc.core.findings import Finding, Severity, ordered
from mlcc.core.text import inert_json, inert_yaml, printable
from mlcc.core.text_columns import aligned, widths, wrapped
from mlcc.core.value_text import short_text

SCHEMA_VERSION = 1
MAX_SHOWN = 50
# What to do stands further in than the rest of a long finding.
INDENT, FURTHER = "    ", "  "
COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


def document(**parts: Any) -> dict[str, Any]:
    """A JSON document of a contract."""
    return {"schema_version": SCHEMA_VERSION, **parts}


def print_document(session: Session, value: Mapping[str, Any], *, clean: bool = False) -> None:
    """A document as JSON or YAML.  clean: its texts were looked through for secrets already."""
    value = value if clean else _without_secrets(value)
    if session.format == "yaml":
        from mlcc.io.yaml import writer

        session.out(inert_yaml(writer.dump(json.loads(json.dumps(value))).rstrip("\n")), clean=True, whole=True)
    else:
        session.out(inert_json(json.dumps(value, indent=2)), clean=True, whole=True)


def _without_secrets(value: Any) -> Any:
    """A document without what has the format of a secret, in keys or in texts."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return {_without_secrets(key): _without_secrets(item) for key, item in value.items()}
    return [_without_secrets(item) for item in value] if isinstance(value, (list, tuple)) else value


def cleaned(finding: Finding) -> Finding:
    """A finding with texts that may be shown: without secrets, a pasted key or file name among them, and printable."""
    message, file, path, hint = map(_clean, (finding.message, finding.file, finding.path, finding.hint))
    return finding._replace(message=message, file=file, path=path, hint=hint)


def plain(finding: Finding) -> dict[str, Any]:
    """A finding as the contract spells it."""
    shown, fix = cleaned(finding), finding.fix
    return {
        "code": shown.code,
        "severity": shown.severity.label,
        "message": shown.message,
        "file": shown.file,
        "line": shown.line,
        "column": shown.column,
        "path": shown.path,
        "hint": shown.hint,
        **({"fix": {"action": fix.action, "was": fix.was, "value": fix.value}} if fix is not None else {}),
    }


def _clean(text: str) -> str:
    return printable(redacted(text), 600)


def findings_document(findings: Iterable[Finding]) -> dict[str, Any]:
    """The `findings` contract."""
    return document(findings=[plain(f) for f in ordered(findings)])


def print_findings(findings: Sequence[Finding], session: Session, *, failed: bool = False) -> None:
    """Findings as the session's format wants them.

    failed: the command has no other result, so machine formats get a document of findings on stdout.
    """
    if session.format in ("json", "yaml") and failed:
        print_document(session, findings_document(findings))
        return
    # --quiet says only what is wrong
    shown = findings if session.verbosity >= 0 else [f for f in findings if f.severity is not Severity.NOTE]
    for line in text_lines(shown, session):
        session.say(line, -1, FURTHER)


def text_lines(findings: Iterable[Finding], session: Session) -> Iterable[str]:
    """Findings for people: `file:line:column: severity CODE path: message`, then what to do."""
    found = ordered(findings)
    for finding in map(cleaned, found[:MAX_SHOWN]):
        word = session.paint(f"{finding.severity.label} {finding.code}", fg=COLOURS[finding.severity], bold=True)
        path = f" {printable(finding.path, 200)}:" if finding.path else ":"
        yield f"{printable(finding.place, 300)}: {word}{path} {finding.message}"
        if finding.hint:
            yield folded(finding.hint, session.width, INDENT)
    if len(found) > MAX_SHOWN:
        yield f"... and {len(found) - MAX_SHOWN} more findings"


def folded(text: str, width: int | None, indent: str, further: str = "") -> str:
    """A text on as few lines as the width allows; None: on one.  further: what the lines after the first begin with."""
    return indent + text if width is None else "\n".join(wrapped(indent + text, width, further or indent))


def count_line(findings: Iterable[Finding]) -> str:
    """`2 errors, 1 warning` or an empty string."""
    counts = dict.fromkeys(reversed(Severity), 0)
    for finding in findings:
        counts[finding.severity] += 1
    words = [f"{n} {s.label}{'s' if n > 1 else ''}" for s, n in counts.items() if n]
    return ", ".join(words)


def print_heading(session: Session, path: str) -> None:
    """Which project the lines below are about, where a command is about several.  Documents name it themselves."""
    if not session.several or session.format in ("json", "yaml"):
        return
    blank = "\n" if session.begun else ""
    if session.format == "markdown":
        session.out(f"{blank}### {markdown(printable(path, 200))}\n")
    else:
        session.out(f"{blank}{session.paint(printable(path, 200), bold=True)}:")


# ---------------------------------------------------------------- tables
Columns = Sequence["str | tuple[str, str]"]
"""Fields of rows, each with the heading that people see where it differs."""


def table(rows: Sequence[Mapping[str, Any]], columns: Columns, session: Session, *, narrow: bool = False) -> str:
    """Rows as a table (for people, or Markdown) that fits the width of a terminal; for a program a row is one line.

    Words of up to 40 columns are kept together, and shorter ones alone where the table would not fit else; narrow:
    those of 12 at once.
    """
    if not rows:
        return "(none)"
    fields = [c if isinstance(c, str) else c[0] for c in columns]
    heads = [c.replace("_", " ") if isinstance(c, str) else c[1] for c in columns]
    limit = 400 if session.format == "markdown" else session.limit(400)
    cells = [[printable(cell(row.get(f)), limit) for f in fields] for row in rows]
    if session.format == "markdown":
        import tabulate

        inert = [[markdown(c) for c in row] for row in cells]
        return tabulate.tabulate(inert, heads, tablefmt="github", disable_numparse=True)
    return aligned(heads, cells, widths([heads, *cells], session.room, WORDS[-1:] if narrow else WORDS))


# Words that no reader of Markdown makes anything of; a long word of a to f could be the name of a commit.
_WORDS = re.compile(r"(?!.*[A-Fa-f]{7})[A-Za-z]+(?:[,;]? [A-Za-z]+)*")
_TICKS = re.compile("`+")


def markdown(text: str) -> str:
    """One line of text from outside as a table's cell that stays text: no link, image, HTML, mention or reference.

    Only code spans keep GitHub and GitLab from making mentions, references and links of text after it was read as
    Markdown, where escapes are gone.  A pipe ends a cell in a code span too, and readers differ about a backslash
    before it: it stands between two spans.
    """
    if not text or _WORDS.fullmatch(text):
        return text
    return "&#124;".join(_span(part, _fence(text)) for part in text.split("|"))


def _span(text: str, fence: str) -> str:
    pad = " " if text[:1] == "`" or text[-1:] == "`" or (text[:1] == text[-1:] == " " and text.strip()) else ""
    return f"{fence}{pad}{text}{pad}{fence}" if text else ""


def _fence(text: str, least: int = 1) -> str:
    """Backticks, more of them than stand together anywhere in a text."""
    return "`" * max(least, 1 + max(map(len, _TICKS.findall(text)), default=0))


def fenced(text: str, language: str) -> str:
    """Foreign lines as a Markdown code block."""
    fence = _fence(text, 3)
    return f"{fence}{language}\n{text}\n{fence}"


# Of how many columns a word is kept together in a table, best first.
WORDS = (40, 32, 24, 16, 12)


def cell(value: Any) -> str:
    """A value as the text of a table's cell."""
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return ", ".join(cell(v) for v in value)
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    return short_text(value)


def print_rows(session: Session, rows: Sequence[Mapping[str, Any]], columns: Columns) -> None:
    """The `catalog` contract: rows as a table, Markdown, JSON or YAML."""
    if session.format in ("json", "yaml"):
        print_document(session, document(rows=list(rows)))
    else:
        session.out(table(rows, columns, session))


def printable_lines(text: str) -> str:
    """Our own YAML line by line, safe to print (it holds values of the user's)."""
    return "\n".join(printable(line, 0) for line in text.rstrip("\n").split("\n"))
