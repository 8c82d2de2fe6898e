"""A YAML document that is written another way at each turn.  Law: the same number gives the same text everywhere."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, Union

# Behind this sign, which no text has, a comment or a blank line may follow.
OPEN = "\x01"
# Behind a block of text none may follow: it would be a part of it.
SHUT = "\x02"
WORDS = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*")
# What some reader of YAML takes for a switch or nothing.
SPECIAL = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
BARE = {
    "true": ["true", "True", "TRUE"], "false": ["false", "False", "FALSE"], "null": ["null", "~", "Null"],
}  # fmt: skip


class Scalar(NamedTuple):
    """A text, or what is written without quotes to mean something else (a number, a switch)."""

    text: str
    bare: bool


Tree = Union[Scalar, list["Tree"], dict[str, "Tree"]]


# How often each kind of printer does a thing.
KINDS: dict[str, dict[str, float]] = {
    "flow": {"flow": 0.9},
    "block": {"flow": 0.0},
    "quotes": {"quoted": 0.95},
    "anchors": {"anchor": 0.8},
    "folded": {"long": 0.7},
    "complex keys": {"question": 0.3},
    "mixed": {"flow": 0.4, "quoted": 0.4, "anchor": 0.3, "long": 0.2, "question": 0.05},
}


class Printer:
    """Writes a tree, another way at each turn.  kind: what this one does most."""

    def __init__(self, chance: random.Random, tree: Tree) -> None:
        self.chance = chance
        self.kind = chance.choice([*KINDS])
        self.rates = {"flow": 0.3, "quoted": 0.3, "anchor": 0.05, "long": 0.05, "question": 0.0} | KINDS[self.kind]
        self.step = chance.choice((1, 2, 2, 3, 4, 7))
        self.anchors: dict[str, str] = {}
        self.aliases = self.names = 0
        seen: dict[str, int] = {}
        for node in _nodes(tree):
            seen[repr(node)] = seen.get(repr(node), 0) + 1
        self.repeated = {text for text, times in seen.items() if times > 1}

    def might(self, what: str) -> bool:
        """True as often as this printer does a thing."""
        return self.chance.random() < self.rates[what]

    def document(self, tree: Tree) -> str:
        """The whole text."""
        assert isinstance(tree, dict)
        if self.might("flow") and self.chance.random() < 0.2:
            return self.flow(tree, "") + OPEN
        extra = self.chance.random() < 0.1
        lines = [self.entry(key, value, "") for key, value in tree.items()]
        if extra:  # a section of one's own, which means nothing
            lines.insert(
                0, "x-notes: {&n1 a: [1, 'b'], c: *n1}" if self.chance.random() < 0.3 else "x-notes: [a, {b: 1}]"
            )
        return OPEN + "\n" + f"{OPEN}\n".join(lines) + OPEN

    def entry(self, key: str, value: Tree, pad: str) -> str:
        """A key with its value, in block style."""
        name = self.short(key)
        if self.might("question"):
            return f"{pad}? {name}\n{pad}:{self.value(value, pad)}"
        space = " " * self.chance.choice((0, 0, 0, 1))
        return f"{pad}{name}{space}:{self.value(value, pad)}"

    def value(self, node: Tree, pad: str, in_list: bool = False) -> str:
        """What stands behind `key:` or `-`, with the space or line end before it."""
        anchor = self.anchor(node)
        if anchor.startswith("*"):
            return f" {anchor}"
        text = self.content(node, pad, in_list)
        self.whole(node, anchor)
        return f" {anchor}{text}" if anchor else text

    def content(self, node: Tree, pad: str, in_list: bool) -> str:
        """A value without its anchor."""
        inner = pad + " " * self.step
        if isinstance(node, Scalar):
            return " " * self.chance.choice((1, 1, 1, 3)) + self.scalar(node, inner)
        if not node or self.might("flow"):
            return f" {self.flow(node, inner)}"
        if isinstance(node, list):
            # a list may stand as far left as its key
            place = pad if not in_list and self.chance.random() < 0.4 else inner
            parts = [f"{place}-{self.item(value, place)}" for value in node]
        else:
            parts = [self.entry(key, value, inner) for key, value in node.items()]
        return f"{OPEN}\n" + f"{OPEN}\n".join(parts)

    def item(self, node: Tree, pad: str) -> str:
        """What stands behind `-`."""
        if isinstance(node, dict) and node and self.chance.random() < 0.6 and repr(node) not in self.repeated:
            gap = self.chance.choice((1, 1, 3))
            place = pad + " " * (1 + gap)
            entries = [self.entry(key, value, place) for key, value in node.items()]
            return " " * gap + f"{OPEN}\n".join(entries).lstrip(" ")
        return self.value(node, pad, in_list=True)

    def flow(self, node: Tree, pad: str) -> str:
        """A node in flow style."""
        if isinstance(node, Scalar):
            return self.bare(node.text) if node.bare else self.short(node.text)
        opening, closing = "{}" if isinstance(node, dict) else "[]"
        several = self.chance.random() < 0.3
        gap = f"{OPEN}\n{pad or ' '}" if several else self.chance.choice(("", " "))
        between = f",{gap}" if several else self.chance.choice((", ", " , ", ",  "))
        if isinstance(node, dict):
            parts = [f"{self.short(key)}: {self.labelled(value, pad)}" for key, value in node.items()]
        else:
            parts = [self.labelled(value, pad) for value in node]
        end = self.chance.choice(("", "", ",")) if parts else ""
        # an alias or a plain word would take the comma or the colon behind it
        return f"{opening}{gap}{between.join(parts)}{' ' if end else ''}{end}{gap or ' '}{closing}"

    def labelled(self, node: Tree, pad: str) -> str:
        """A node in flow style with its anchor, or its alias."""
        anchor = self.anchor(node)
        if anchor.startswith("*"):
            return f"{anchor} "
        text = self.flow(node, pad)
        self.whole(node, anchor)
        return f"{anchor} {text}" if anchor else text

    def anchor(self, node: Tree) -> str:
        """`&name `, an alias, or nothing."""
        text = repr(node)
        if text in self.anchors and self.aliases < 90 and self.might("anchor"):
            self.aliases += 1
            return f"*{self.anchors[text]}"
        useful = text in self.repeated or self.chance.random() < 0.1
        if text not in self.anchors and useful and self.might("anchor"):
            self.names += 1
            return f"&{self.chance.choice(('a', 'base', 'x-1', 'b_'))}{self.names}"
        return ""

    def whole(self, node: Tree, anchor: str) -> None:
        """Behind a node its anchor can be referred to; within it, it would contain itself."""
        if anchor:
            self.anchors.setdefault(repr(node), anchor[1:])

    # ------------------------------------------------------------ scalars
    def scalar(self, node: Scalar, pad: str) -> str:
        """A scalar in a block: on one line or on several."""
        if node.bare:
            return self.bare(node.text)
        forms: list[Callable[[str, str], str | None]] = [_literal, _folded, _plain_lines, _quoted_lines, _continued]
        if "\n" in node.text or self.might("long"):
            for form in self.chance.sample(forms, len(forms)):
                written = form(node.text, pad)
                if written is not None:
                    return written
        return self.short(node.text)

    def bare(self, text: str) -> str:
        """A number, a switch or nothing, in another spelling."""
        spellings = BARE.get(text.lower(), [text])
        if re.fullmatch("[1-9][0-9]*", text):
            spellings = [text, text, f"+{text}"]
        elif re.fullmatch(r"[0-9]+\.[0-9]+", text):
            spellings = [text, f"{text}0", f"+{text}"]
        return self.chance.choice(spellings)

    def short(self, text: str) -> str:
        """A text on one line."""
        forms = [json.dumps(text), json.dumps(text, ensure_ascii=False), _escaped(text, self.chance)]
        if "\n" not in text:
            forms += [f"'{text.replace(chr(39), chr(39) * 2)}'"] * 2
        if WORDS.fullmatch(text) and text.lower() not in SPECIAL and not self.might("quoted"):
            return text
        return self.chance.choice(forms)


def _nodes(tree: Tree) -> Iterator[Tree]:
    yield tree
    for value in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _nodes(value)


def _escaped(text: str, chance: random.Random) -> str:
    """Double quotes with escapes for some letters."""

    def one(letter: str) -> str:
        if letter in '"\\' or not letter.isprintable() or chance.random() < 0.2:
            point = ord(letter)
            return f"\\x{point:02x}" if point < 256 else f"\\u{point:04X}" if point < 65536 else f"\\U{point:08x}"
        return letter

    return f'"{"".join(map(one, text))}"'


def _literal(text: str, pad: str) -> str | None:
    """`|` with the lines as they are."""
    body = text.rstrip("\n")
    if not body or body[0] in " \n" or not body.replace("\n", "").isprintable():
        return None
    ends = len(text) - len(body)
    head = ("|-", "|", "|+")[min(ends, 2)]
    if ends > 1:
        return None
    return f"{head}\n" + "\n".join(f"{pad or ' '}{line}" if line else "" for line in body.split("\n")) + SHUT


def _folded(text: str, pad: str) -> str | None:
    """`>-` with a line for each word."""
    if not text.isprintable() or not text or text != " ".join(text.split()):
        return None
    return ">-\n" + "\n".join(f"{pad or ' '}{word}" for word in text.split(" ")) + SHUT


def _plain_lines(text: str, pad: str) -> str | None:
    """A text without quotes over several lines."""
    words = text.split(" ")
    if len(words) < 2 or not all(WORDS.fullmatch(word) for word in words):
        return None
    return f"\n{pad or ' '}".join(words)


def _quoted_lines(text: str, pad: str) -> str | None:
    """A text in single quotes over several lines."""
    if not text.isprintable() or text != " ".join(text.split()) or " " not in text:
        return None
    return "'" + f"\n{pad or ' '}".join(text.replace("'", "''").split(" ")) + "'"


def _continued(text: str, pad: str) -> str | None:
    """A text in double quotes whose line goes on behind a backslash."""
    if not text.isprintable() or len(text) < 2:
        return None
    half = len(text) // 2
    first, second = (json.dumps(part)[1:-1] for part in (text[:half], text[half:]))
    # white space at the start of a line is none of the text
    second = f"\\{second}" if second.startswith(" ") else second
    return f'"{first}\\\n{pad or " "}{second}"'
