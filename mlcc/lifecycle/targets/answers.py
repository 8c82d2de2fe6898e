"""Is this an answer to a good request?  Law: pure; what it must have is the architecture's, from the registries.

A row of `container.answers` is a protocol: `asked`, the member by which a request speaks it; `member` of the answer
that must be there and hold something; `holds`, paths below each item of which one must be there (the item itself where
there is none); `as_many`, whether there is one for each item that was asked.  A request that speaks none is the user's
own: of its answer only errors and empty members are wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlcc.core.json_data import read_json
from mlcc.core.text import printable

ERROR = "error"
ABSENT = object()


def problem(body: bytes, payload: str, protocols: Sequence[Mapping[str, Any]], own: bool = False) -> str:
    """What is wrong with an answer in JSON, or an empty text.

    payload: what was asked, of whatever type; protocols: the architecture's; own: whether the project may have given
    answers another form.
    """
    try:
        answer = read_json(body)
    except ValueError:
        return "the body is not the JSON that its type says"
    if _is_nothing(answer):
        return "the answer is empty"
    if _is_error(answer):
        return "the answer is an error"
    asked = _asked(payload)
    for row in protocols:
        if str(row["asked"]) in asked:
            return _wrong(answer, row, asked, own)
    members = answer if isinstance(answer, dict) else {}
    empty = [m for row in protocols if _is_nothing(members.get(m := str(row["member"]), ABSENT))]
    return f"`{empty[0]}` of the answer is empty" if empty else ""


def _asked(payload: str) -> Mapping[str, Any]:
    try:
        document = read_json(payload)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, (str, list, dict)) and not value)


def _is_error(answer: Any) -> bool:
    """Whether a document says that something failed.  A number called `error` may be what was asked for."""
    if not isinstance(answer, dict):
        return False
    own = answer.get(ERROR)
    return answer.get("object") == ERROR or (isinstance(own, (str, list, dict)) and bool(own))


def _wrong(answer: Any, row: Mapping[str, Any], asked: Mapping[str, Any], own: bool) -> str:
    member = str(row["member"])
    found = answer.get(member, ABSENT) if isinstance(answer, dict) else ABSENT
    if found is ABSENT:
        return "" if own else f"the answer has no `{printable(member)}`"
    sent = asked[str(row["asked"])]
    if row.get("as_many") and isinstance(sent, list) and isinstance(found, list) and len(found) != len(sent):
        return f"wanted {len(sent)} {printable(member)}, got {len(found)}"
    if _is_nothing(found):
        return f"`{printable(member)}` of the answer is empty"
    items = found if isinstance(found, list) else [found]
    paths = [str(path) for path in row.get("holds", ())]
    held = [[_below(item, path) for path in paths] if paths else [item] for item in items]
    hint = f" of `{' or '.join(paths)}`" if paths else ""
    if any(all(value is None for value in values) for values in held):
        return f"`{printable(member)}` of the answer has an item without a value{hint}"
    if paths and all(_is_nothing(value) for values in held for value in values):
        return f"`{printable(member)}` of the answer holds nothing{hint}"
    return ""


def _below(item: Any, path: str) -> Any:
    """What stands at a dotted path; None where nothing does."""
    for part in path.split("."):
        item = item.get(part) if isinstance(item, dict) else None
    return item
