"""The same mlcc.yaml in other words: rewritings of a YAML text that keep its meaning, for the tests about noise.

A text is read with PyYAML's composer (another parser than mlcc's), and written anew by a printer that takes another way
at each turn: comments, blank lines, order of keys, flow and block style, quotes, escapes, anchors, folded lines,
indentation, ends of lines, JSON, a split into two files.  The same number gives the same rewriting on every machine.
"""

from __future__ import annotations

import json
import random
import re
from typing import NamedTuple

import yaml

from tests.printer import OPEN, SHUT, Printer, Scalar, Tree

COMMENTS = (
    "#",
    "# note",
    "# key: value",
    "#: {[",
    '# "not closed',
    "# it's",
    "# &a *b !c",
    "## ---",
    "# für später",
    "# a # b",
)
# Sections of texts, however these are written.
TEXTS = ("env", "tags", "parameters")
OWN_ONLY = ("version", "extends", "registries", "policies", "environments")


class Rewriting(NamedTuple):
    """kind: what was done most, for messages; text: of mlcc.yaml; base: of a second file that it extends, if any."""

    kind: str
    text: bytes
    base: bytes | None = None


BASE_NAME = "shared.base.yaml"


def rewriting(text: str, number: int) -> Rewriting:
    """The rewriting of a document with this number."""
    chance = random.Random(f"rewriting {number} of {text}")
    tree = _tree(yaml.compose(text, Loader=yaml.SafeLoader))
    assert isinstance(tree, dict)
    way = chance.random()
    if way < 0.08:
        return Rewriting("JSON", _ended(_json(_shuffled(tree, chance), chance), chance))
    if way < 0.18 and "extends" not in tree:
        kept, moved = _split(tree, chance)
        if moved:
            kept["extends"] = Scalar(f"./{BASE_NAME}" if chance.random() < 0.5 else BASE_NAME, False)
            return Rewriting("extends", _printed(kept, chance)[1], _printed(moved, chance)[1])
    if way < 0.30:  # the author's own words, with comments and ends of lines only
        return Rewriting("comments", _ended(_commented(_opened(text), chance), chance))
    return Rewriting(*_printed(tree, chance))


def _printed(tree: dict[str, Tree], chance: random.Random) -> tuple[str, bytes]:
    printer = Printer(chance, tree)
    text = _commented(printer.document(_shuffled(tree, chance)), chance)
    return printer.kind, _ended(text, chance)


def _tree(node: yaml.Node, section: str = "", key: str = "") -> Tree:
    """section, key: the mapping that a value stands in, and its key there."""
    if isinstance(node, yaml.MappingNode):
        return {name.value: _tree(value, key, name.value) for name, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_tree(value) for value in node.value]
    return Scalar(node.value, section not in TEXTS and not node.style and not node.tag.endswith(":str"))


def _shuffled(tree: Tree, chance: random.Random) -> Tree:
    """Other orders of keys; a list keeps its own."""
    if isinstance(tree, dict):
        keys = [*tree]
        if chance.random() < 0.8:
            chance.shuffle(keys)
        return {key: _shuffled(tree[key], chance) for key in keys}
    return [_shuffled(value, chance) for value in tree] if isinstance(tree, list) else tree


def _split(tree: dict[str, Tree], chance: random.Random) -> tuple[dict[str, Tree], dict[str, Tree]]:
    """What stays, and what goes into the file that it extends: whole sections, or some keys of one."""
    kept, moved = dict[str, Tree](), dict[str, Tree]()
    for key, value in tree.items():
        way = chance.random()
        if key in OWN_ONLY or way < 0.4:
            kept[key] = value
        elif way < 0.7 or not isinstance(value, dict) or len(value) < 2:
            moved[key] = value
        else:
            names = [*value]
            stay = set(chance.sample(names, chance.randrange(1, len(names))))
            kept[key] = {name: value[name] for name in names if name in stay}
            moved[key] = {name: value[name] for name in names if name not in stay}
    if moved and chance.random() < 0.5:
        moved = {"version": tree["version"], **moved}
    return kept, moved


# ---------------------------------------------------------------- comments and ends
def _opened(text: str) -> str:
    """A text as its author wrote it, with signs where a comment may stand: none where lines belong together."""
    lines = text.splitlines()
    if any(re.search(r"[|>][-+0-9]*\s*(#.*)?$", line) for line in lines):
        return "\n".join(lines)
    try:
        marks = {token.start_mark.line for token in yaml.scan(text) if isinstance(token, yaml.KeyToken)}
    except yaml.YAMLError:
        marks = set()
    # before a line that begins with a key nothing is open
    return "\n".join(line + (OPEN if number + 1 in marks else "") for number, line in enumerate(lines))


def _commented(text: str, chance: random.Random) -> str:
    """Comments and blank lines where they may stand."""
    rate = chance.choice((0.0, 0.1, 0.5))
    parts = text.replace(SHUT + OPEN, "").replace(SHUT, "").split(OPEN)
    out = [parts[0]]
    for part in parts[1:]:
        if chance.random() < rate and part.startswith(("\n", "")) and (not part or part[0] == "\n"):
            out.append(" " * chance.randrange(1, 4) + chance.choice(COMMENTS))
        while chance.random() < rate:
            out.append("\n" + chance.choice(("", "   ", " " * chance.randrange(6) + chance.choice(COMMENTS))))
        out.append(part)
    return "".join(out)


def _ended(text: str, chance: random.Random) -> bytes:
    """Ends of lines and of the file, a byte order mark, marks of the document."""
    text = text.replace(OPEN, "").rstrip("\n") + "\n"
    way = chance.random()
    if way < 0.10:
        text = f"---\n{text}"
    elif way < 0.15:
        text = f"# first\n\n---  # here it begins\n{text}...\n# behind its end\n"
    elif way < 0.20:
        text = f"{text}...\n"
    if chance.random() < 0.1 and not text.endswith("\n\n"):
        text = text[:-1]
    if chance.random() < 0.1:
        text = f"{text}\n\n\n"
    if chance.random() < 0.15:
        text = text.replace("\n", "\r\n")
    return (b"\xef\xbb\xbf" if chance.random() < 0.1 else b"") + text.encode()


def _json(tree: Tree, chance: random.Random) -> str:
    """JSON, which YAML contains; numbers keep their spelling."""
    step = chance.choice(("", "  ", "    "))

    def written(node: Tree, pad: str) -> str:
        inner, line = pad + step, "\n" if step else ""
        gap = "\n" + inner if line else ""
        back = "\n" + pad if line else ""
        if isinstance(node, dict):
            pairs = f",{gap or ' '}".join(f"{json.dumps(k)}: {written(v, inner)}" for k, v in node.items())
            return f"{{{gap}{pairs}{back}}}" if node else "{}"
        if isinstance(node, list):
            return f"[{gap}{f',{gap or chr(32)}'.join(written(v, inner) for v in node)}{back}]" if node else "[]"
        return node.text.lower() if node.bare else json.dumps(node.text)

    return written(tree, "")
