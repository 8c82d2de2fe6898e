"""YAML with places and limits.  Law: the only importer of ruamel.yaml; bytes in, nodes and findings out; no files.

mlcc.yaml comes from strangers, so the document is walked event by event, and depth, size, aliases and tags are checked
before anything is built (parsers' own constructors raise what they like, and expand bombs).  Scalars are resolved here
by a core that is smaller than any YAML version's: what YAML 1.1 and 1.2 read differently is a finding, not a guess.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from mlcc.core.conflict_marks import conflicts
from mlcc.core.findings import Finding
from mlcc.core.nodes import Mark, Node
from mlcc.core.text import printable
from mlcc.core.version import VERSION
from mlcc.io.cache import remembering
from mlcc.io.yaml import node_json
from mlcc.io.yaml.events import Builder
from mlcc.io.yaml.limits import CONFIG_LIMITS, Limits, Stop, decode, problem_at
from mlcc.io.yaml.source_parts import Source

# Documents of this size and more are remembered in parsed form; smaller ones are parsed as fast as they are found.
WORTH_KEEPING = 1024
FORM = 1
# The parser's own signs (':', '{') are shown; anything longer may be text of the file.
_QUOTED, SHORT = re.compile(r"'[^']*'|\"[^\"]*\""), 4


@dataclass(frozen=True)
class Loaded:
    """A read document: its root (None when it could not be read) and every finding about its text."""

    root: Node | None
    findings: tuple[Finding, ...]


def load_yaml(
    data: bytes,
    file: str,
    limits: Limits = CONFIG_LIMITS,
    *,
    public: bool = False,
    packaged: bool = False,
) -> Loaded:
    """Reads one YAML document.

    data: the file's bytes; file: its name in messages; public: it is no user's file, so that it holds no secret and may
    be remembered in parsed form; packaged: it is a part of mlcc, of which a data test has shown that ruamel's parser in
    C reads it alike.  Any other document is read by that parser where it is of the plain form that both read alike.
    Never raises for a bad document: all that is wrong comes back as findings MLCC002 to MLCC011, and `root` is None
    when there is nothing usable.
    """
    memo = remembering() if public and len(data) >= WORTH_KEEPING else None
    if memo is None:
        return _parsed(data, file, limits, packaged)
    name = hashlib.sha256(repr((FORM, VERSION, limits)).encode() + data).hexdigest()
    kept = memo.read(name)
    if kept is not None:
        with suppress(ValueError, IndexError, TypeError):
            return Loaded(node_json.load(kept, file), ())
    loaded = _parsed(data, file, limits, packaged)
    if loaded.root is not None and not loaded.findings:
        with suppress(ValueError):
            memo.write(name, node_json.dump(loaded.root))
    return loaded


# Characters of a plain document: no tabs, complex keys, or line ends of other standards.
_PLAIN = re.compile(r"[\n \"#$'()+,\-./0-9:;<=A-Z\[\\\]^_a-z{}~%&*!>@|]*")
# Nor marks of documents, nor a value right behind a quoted key, nor directives, tags, anchors and block scalars (their
# signs mean nothing behind a letter or digit, as in `numpy>=2`).
_UNLIKE = re.compile(r"^(?:---|\.\.\.)|[\"']:(?![ \n])|(?<![0-9A-Za-z])[%&*!>@|]", re.MULTILINE)


def _is_plain(text: str) -> bool:
    """True for a document of constructs that both parsers read alike (tests/stress/test_two_parsers.py)."""
    return _PLAIN.fullmatch(text) is not None and _UNLIKE.search(text) is None


def _lacks_values(node: Node) -> bool:
    """True where nothing is written in the place of a value: the parsers differ in where they say that it stands."""
    if node.is_map:
        return any(map(_lacks_values, node.value.values()))
    return any(map(_lacks_values, node.value)) if node.is_list else node.value is None and not node.text


def _parsed(data: bytes, file: str, limits: Limits, packaged: bool) -> Loaded:
    findings: list[Finding] = []
    try:
        text = decode(data, file, limits)
        _settled(data, file)
        if not packaged and _is_plain(text):
            with suppress(Stop):  # where anything is wrong, the other parser says what
                root = _build(Builder(file, limits, findings), text, packaged=True)
                if not (findings or root is None or _lacks_values(root)):
                    return Loaded(root, ())
            findings.clear()
        return Loaded(_build(Builder(file, limits, findings), text, packaged), tuple(findings))
    except Stop as stop:
        return Loaded(None, (*findings, stop.finding))


def _settled(data: bytes, file: str) -> None:
    """Raises Stop where a merge of Git's was left half-way: no document has its marks at the start of a line."""
    begins = conflicts(data)
    if begins:
        hint = "keep one side or join both, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>"
        raise Stop(problem_at("MLCC005", "conflict marks of Git stand in the file", Mark(file, begins[0], 1), hint))


def _events(text: str, packaged: bool) -> Iterator[Any]:
    """The events of a document; of a packaged one by ruamel's parser in C, where that is installed."""
    parser = _parser_in_c(text) if packaged else None
    if parser is None:
        from ruamel.yaml import YAML

        yield from YAML(typ="safe", pure=True).parse(BytesIO(text.encode("utf-8")))
        return
    while parser.check_event():
        yield parser.get_event()


def source_of(text: str) -> Source:
    """A document that `load_yaml` read, as it is written.  text: with line feeds alone at the ends of lines."""
    from mlcc.io.yaml import source_tree

    return source_tree.read(text, _events(text, packaged=False))


def _parser_in_c(text: str) -> Any:
    """A parser over libyaml, or None where Python has none (ruamel.yaml.clib is made for CPython)."""
    try:
        from _ruamel_yaml import CParser
    except ImportError:
        return None
    return CParser(text)


def _build(builder: Builder, text: str, packaged: bool) -> Node | None:
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    builder.last_line = text.count("\n") if text.endswith("\n") else text.count("\n") + 1
    try:
        for event in _events(text, packaged):
            builder.event(event)
    except MarkedYAMLError as problem:
        raise Stop(_syntax(builder, problem)) from None
    except YAMLError as problem:
        text = printable(str(problem).partition("\n")[0], 100)
        raise Stop(problem_at("MLCC005", f"not YAML: {text}", Mark(builder.file, 1, 1))) from None
    except (ValueError, IndexError, KeyError, AttributeError, TypeError, OverflowError):
        # the parser's own slips on malformed input (for example a Unicode escape beyond U+10FFFF)
        mark = builder.stack[-1].mark if builder.stack else Mark(builder.file, 1, 1)
        raise Stop(problem_at("MLCC005", "not YAML: the text near here cannot be read", mark)) from None
    if builder.root is None or builder.root.value is None:
        hint = "it begins with `version: 1`; `mlcc init` writes a first mlcc.yaml"
        hint = hint if builder.file.endswith((".yaml", ".yml")) else ""
        raise Stop(problem_at("MLCC005", "the file is empty", Mark(builder.file, 1, 1), hint))
    return builder.root


def _syntax(builder: Builder, problem: Any) -> Finding:
    # Only the parser's own words: its snippets quote the file, which may hold a secret.
    # what is never closed is shown where it begins, not at the end of the file
    at_end = problem.problem_mark is not None and problem.problem_mark.line >= builder.last_line
    mark = (at_end and problem.context_mark) or problem.problem_mark or problem.context_mark
    place = Mark(builder.file, mark.line + 1, mark.column + 1) if mark else Mark(builder.file, 1, 1)
    if at_end and builder.stack and builder.stack[-1].style == "flow" and "quoted" not in (problem.context or ""):
        place = builder.stack[-1].mark
    words = _QUOTED.sub(
        lambda m: m[0] if len(m[0]) <= SHORT else "...", problem.problem or problem.context or "syntax error"
    )
    hint = "look for a bracket or quote that is not closed, a missing colon, or odd indentation near here"
    return problem_at("MLCC005", f"not YAML: {printable(words, 100)}", place, hint)
