"""Text from outside, made safe to show.  Law: standard library; characters by Unicode property, not by list.

`printable` is the one function through which a value, a key or a file name passes before it may appear in a message:
what a reader cannot see becomes an escape, so that no message can drive a terminal or show another text than it holds.
`inert` is the last step before a line leaves mlcc: no program that reads the output of a CI job finds a command in it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

# What no reader sees: controls (Cc), line and paragraph separators, surrogates, noncharacters, Unicode's properties
# Bidi_Control and Default_Ignorable_Code_Point (zero-width characters, variation selectors, fillers, tags), interlinear
# annotations, and the blank Braille pattern.  Unicode reserves the ranges of these properties ahead, so they are the
# same in each of its versions; tests/unit/test_text.py compares them with the properties of every code point.
INVISIBLE = (
    "\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u2800\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    + "".join(chr(plane << 16 | last) for plane in range(1, 17) for last in (0xFFFE, 0xFFFF))
)
# In a document three of them have a use that a reader sees: joiners between letters of scripts that join letters, and
# between emoji; the variation selector behind an emoji.
_JOINED, _EMOJI = "\u0600-\u109f\u1780-\u18af", "\xa9\xae\u203c-\u3299\U0001f000-\U0001faff"
_USED = (
    f"(?<=[{_JOINED}])[\u200c\u200d](?=[{_JOINED}])"
    f"|(?<=[{_EMOJI}\ufe0f])\u200d(?=[{_EMOJI}])"
    f"|(?<=[{_EMOJI}])[\ufe0e\ufe0f]"
)
# Azure Pipelines obeys `##vso[` and `##[`, GitHub's runner `##[`, TeamCity `##teamcity[`, wherever in a line they
# stand; GitHub's runner obeys `::` where a line begins with it, with or without white space before it.
_AGENT_ANYWHERE = r"(?i)#(?=#(?:vso|teamcity)?\[)"
_AGENT_AT_START = r"((?:\A|(?<=[\r\n]))[^\S\r\n]*)(?=::)"


@functools.cache
def _pattern(text: str) -> re.Pattern[str]:
    """A pattern that is compiled when it is first needed: most texts are plain ASCII, and need none."""
    return re.compile(text)


def hidden(text: str) -> int | None:
    """Where the first character stands that a reviewer of a document cannot see; None: there is none.

    Line feeds and tabs are seen.
    """
    plain = text.replace("\n", " ").replace("\t", " ")
    if plain.isascii() and plain.isprintable():
        return None
    return next((found.start() for found in _pattern(f"(?:{_USED})|([{INVISIBLE}])").finditer(plain) if found[1]), None)


class _Escapes(dict[int, str]):
    """What each character is shown as, worked out when it is first met: a log may hold millions of them."""

    def __missing__(self, point: int) -> str:
        """A character or its escape."""
        text = chr(point)
        found = _escape(text) if _pattern(f"[{INVISIBLE}]").match(text) else text
        if len(self) < 10_000:
            self[point] = found
        return found


_ESCAPES = _Escapes()
# So many characters are replaced one by one; no escape holds a character that is escaped.
FEW = 16


def _escape(character: str) -> str:
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    if short:
        return short
    point = ord(character)
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def printable(text: str, limit: int = 120) -> str:
    """External text made safe for one line of a terminal, cut to `limit` characters (0: never cut)."""
    if limit and len(text) > limit:
        text = text[: limit - 3] + "..."
    if text.isascii() and text.isprintable():
        return text
    shown = {character: _ESCAPES[ord(character)] for character in set(text)}
    escaped = [(character, escape) for character, escape in shown.items() if character != escape]
    if len(escaped) > FEW:
        return text.translate(_ESCAPES)
    for character, escape in escaped:  # a tenth of the time, for a log of millions of characters
        text = text.replace(character, escape)
    return text


def inert(text: str, commands: bool = False) -> str:
    """Lines that no CI agent takes a command from: a backslash parts the signs that it looks for.

    commands: the lines are workflow commands of mlcc's own (`-o github`), which begin with `::`.
    """
    if "##" in text:
        text = _pattern(_AGENT_ANYWHERE).sub(r"#\\", text)
    return text if commands or "::" not in text else _pattern(_AGENT_AT_START).sub(r"\1\\", text)


def inert_json(document: str) -> str:
    """A JSON document with the same content that no CI agent takes a command from (`##` stands in texts only)."""
    return _pattern(_AGENT_ANYWHERE).sub(r"\\u0023", document) if "##" in document else document


def inert_yaml(document: str) -> str:
    """The same for a YAML document of mlcc's writer, which quotes every text that holds a `#`."""
    return _pattern(_AGENT_ANYWHERE).sub(r"\\x23", document) if "##" in document else document


def inert_xml(document: str) -> str:
    """The same for an XML document without comments and CDATA sections."""
    return _pattern(_AGENT_ANYWHERE).sub("&#35;", document) if "##" in document else document


def quoted(text: str, limit: int = 80) -> str:
    """External text in single quotes, safe to print."""
    return f"'{printable(text, limit)}'"


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word closest to `word`, or an empty string when none is near."""
    if len(word) > 80:
        return ""
    import difflib

    words = list(known)
    for form in dict.fromkeys((word.lower().replace("-", "_"), word.lower(), word)):
        found = difflib.get_close_matches(form, words, n=1, cutoff=0.6)
        if found:
            return found[0]
    return ""


def allowed(words: Iterable[str], limit: int = 12) -> str:
    """A short listing of allowed words for a message."""
    names = sorted(words)
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
