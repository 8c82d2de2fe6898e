"""The canonical layout of mlcc.yaml.  Law: pure; what the document means and every comment stay, or it is refused.

Keys stand in the order of the schema (keys that have no order in it, such as names of variables, as their author has
them; `x-` keys last), two spaces a level, texts in quotes in double ones (in single ones where double ones would need
a backslash).  Blank lines stay, one at a time, and a comment stays with what it is about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mlcc.core.errors import UserError
from mlcc.core.findings import Finding, error
from mlcc.core.nodes import Node
from mlcc.io.schema import keys, validator
from mlcc.io.yaml import reader, writer
from mlcc.io.yaml.source_parts import ALIAS, BLOCK_SCALARS, LIST, MAP, SCALAR, Entry, Part, Source

BYTE_ORDER_MARK = "\ufeff"
# A collection in braces or brackets that is longer gets a line for each of its elements.
MAX_WIDTH = 120
ENVIRONMENTS = "environments"
Where = tuple["str | int", ...]


def formatted(data: bytes, file: str) -> bytes:
    """The same document in its canonical layout.

    data: the file's bytes; file: its name in messages.  Line ends stay as the first one is.  Raises UserError for what
    cannot be read, and for a layout that cannot be kept.
    """
    loaded = reader.load_yaml(data, file)
    if loaded.root is None or loaded.findings:
        raise UserError(loaded.findings)
    text = data.decode("utf-8")
    mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
    line_end = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    plain = text.removeprefix(BYTE_ORDER_MARK).replace("\r\n", "\n")
    source = reader.source_of(plain)
    result = "\n".join(_document(source)) + "\n"
    after = reader.load_yaml(result.encode(), file)
    if after.root is None or after.findings or not same(loaded.root, after.root):
        raise _refused(file, "an alias may stand before its anchor, or a text cannot be written on one line")
    if comments(source) != comments(reader.source_of(result)):
        raise _refused(file, "a comment stands where no entry of the canonical layout begins or ends")
    return (mark + result.replace("\n", line_end)).encode("utf-8")


def _refused(file: str, why: str) -> UserError:
    hint = "lay that part out by hand, in plain block style, and run mlcc fmt again"
    return UserError([error("MLCC414", f"its layout cannot be made canonical: {why}", file=file, hint=hint)])


def misplaced(before: bytes, after: bytes, file: str) -> Finding | None:
    """An error at the first line that is laid out otherwise; None where nothing is."""
    if before == after:
        return None
    lines = zip(before.splitlines(), [*after.splitlines(), b""], strict=False)
    line = next((number for number, (old, new) in enumerate(lines, 1) if old != new), 1)
    hint = "mlcc fmt writes it; mlcc fmt --diff shows the change"
    return error("MLCC415", "not in the canonical layout", file=file, hint=hint)._replace(line=line, column=1)


def same(one: Node, other: Node) -> bool:
    """Whether two documents mean the same: equal values, of equal types and texts."""
    if one.is_map and other.is_map:
        pairs = [(value, other.value.get(key)) for key, value in one.value.items()]
        return len(one.value) == len(other.value) and all(b is not None and same(a, b) for a, b in pairs)
    if one.is_list and other.is_list:
        return len(one.value) == len(other.value) and all(map(same, one.value, other.value))
    alike = type(one.value) is type(other.value) and one.value == other.value
    return alike and (one.text == other.text or one.value is None)


def comments(source: Source) -> Counter[str]:
    """Every comment of a document, and how often it stands there."""
    found = Counter(line for line in source.header if line)

    def walk(part: Part) -> None:
        found.update(line for line in part.tail if line)
        for entry in part.entries:
            found.update(line for line in (*entry.leading, entry.comment.strip(), *entry.after) if line)
            walk(entry.value)

    walk(source.root)
    return found


# ---------------------------------------------------------------- order
def _ordered(part: Part, path: Where) -> list[Entry]:
    """The entries of a collection as they shall stand; a blank line before the first one stays where it is."""
    if part.kind == LIST or path == (ENVIRONMENTS,):
        found = part.entries
    else:
        ranks = {key: number for number, key in enumerate(_order(path))}
        found = sorted(part.entries, key=lambda entry: _rank(entry, ranks))
    if found and found[0] is not part.entries[0] and found[0].leading[:1] == [""]:
        part.entries[0].leading = ["", *part.entries[0].leading]
    return found


def _rank(entry: Entry, ranks: dict[str, int]) -> tuple[int, int]:
    name = entry.key.text if entry.key is not None else ""
    return (2, 0) if ranks and name.startswith("x-") else (0, ranks[name]) if name in ranks else (1, 0)


def _order(path: Where) -> Sequence[str]:
    """The keys of a mapping in the order of the schema; none where it leaves the names open."""
    if path[:1] == (ENVIRONMENTS,):
        path = path[2:]
    if not path:
        return [*validator.load_schema(keys.MLCC_YAML)["properties"]]
    prop = keys.find(path)
    return [*prop.schema.get("properties", {})] if prop is not None else []


# ---------------------------------------------------------------- lines
def _document(source: Source) -> list[str]:
    lead, lines = _collection(source.root, 0, ())
    return _without_doubles([*source.header, *lead, *lines, *source.root.tail])


def _without_doubles(lines: Sequence[str]) -> list[str]:
    """One blank line where several stand, and none at the beginning and the end.

    A line of a block scalar that is blank is not: it has a mark that is taken away here.
    """
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    while kept and not kept[-1]:
        kept.pop()
    return [line if line != _KEPT else "" for line in kept]


# A blank line that belongs to a text.
_KEPT = "\0"


def _collection(part: Part, indent: int, path: Where) -> tuple[list[str], list[str]]:
    """The comments above the first entry, and the lines of a block collection (but for its tail at the top)."""
    if not part.is_open or not part.entries:
        return [], [" " * indent + (_flow(part, path) if part.kind in (MAP, LIST) else _scalar(part))]
    pad = " " * indent
    first: list[str] = []
    lines: list[str] = []
    apart = False
    for number, entry in enumerate(_ordered(part, path)):
        leading = [pad + line if line else "" for line in entry.leading]
        if number == 0:
            first = _without_first_blank(leading)
        else:
            lines += ["", *leading] if apart and leading[:1] != [""] else leading
        lines += _entry(entry, indent, path)
        lines += [pad + line if line else "" for line in entry.after]
        apart = bool(entry.after)
    if indent or path:
        lines += [pad + line if line else "" for line in part.tail]
    return first, lines


def _without_first_blank(lines: list[str]) -> list[str]:
    return lines[next((number for number, line in enumerate(lines) if line), len(lines)) :]


def _entry(entry: Entry, indent: int, path: Where) -> list[str]:
    pad, value = " " * indent, entry.value
    here: Where = (*path, entry.key.text if entry.key is not None else 0)
    anchor = f" &{value.anchor}" if value.anchor else ""
    head = f"{pad}{_scalar(entry.key)}:" if entry.key is not None else f"{pad}-"
    if value.style in BLOCK_SCALARS:
        below = [f"{pad}  {line}" if line else _KEPT for line in value.body]
        return [f"{head}{anchor} {value.raw}{entry.comment}", *below]
    if value.kind in (SCALAR, ALIAS):
        text = _scalar(value)
        return [f"{head}{anchor}{f' {text}' if text else ''}{entry.comment}"]
    if not value.is_open:
        line = f"{head}{anchor} {_flow(value, here)}"
        if len(line) <= MAX_WIDTH or not value.entries:
            return [line + entry.comment]
        value.opened = True
    lead, lines = _collection(value, indent + 2, here)
    if entry.key is not None or anchor or entry.comment:
        return [f"{head}{anchor}{entry.comment}", *lead, *lines]
    # the first line of the element stands behind its dash; what was above it goes above the dash
    return [*(pad + line.strip() for line in lead if line), f"{head} {lines[0][indent + 2 :]}", *lines[1:]]


def _flow(part: Part, path: Where) -> str:
    """A collection on one line."""
    items = [_flow_entry(entry, path) for entry in _ordered(part, path)]
    return f"{{{', '.join(items)}}}" if part.kind == MAP else f"[{', '.join(items)}]"


def _flow_entry(entry: Entry, path: Where) -> str:
    here = (*path, entry.key.text if entry.key is not None else 0)
    value = entry.value
    text = _flow(value, here) if value.kind in (MAP, LIST) else _scalar(value) or "null"
    anchored = f"&{value.anchor} {text}" if value.anchor else text
    return anchored if entry.key is None else f"{_scalar(entry.key)}: {anchored}"


# ---------------------------------------------------------------- scalars
def _scalar(part: Part) -> str:
    if part.kind == ALIAS:
        return f"*{part.text}"
    if part.style != "plain" or "\n" in part.text:
        return quoted(part.text)
    return part.raw if "\n" not in part.raw else part.text


def quoted(text: str) -> str:
    """A text in double quotes, or in single ones where nothing but quotes and backslashes would need a backslash."""
    double = writer.quote(text)
    if "\\" not in double:
        return double
    bare = text.replace('"', "").replace("\\", "")
    simple = writer.quote(bare) == f'"{bare}"'
    return "'" + text.replace("'", "''") + "'" if simple else double
