"""ruamel.yaml's round trip: one change to a text that keeps its comments."""

from __future__ import annotations

from typing import Any

from mlcc.core.paths import Item, Path


# ---------------------------------------------------------------- editing
def edit_round_trip(text: str, path: Path, value: Any) -> str:
    """Sets (or, with value None, removes) one path by ruamel's round trip: comments stay, layout may move.

    Named list elements are found by their `name` and appended when absent.  `mlcc.edit` tries a smaller change first.
    """
    from io import StringIO

    from ruamel.yaml import YAML

    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    root = yaml.load(text)
    node = root
    for segment, following in zip(path, (*path[1:], None), strict=True):
        last = following is None
        if isinstance(segment, Item) and last:
            del node[next(i for i, e in enumerate(node) if e.get("name") == segment.name)]
        elif isinstance(segment, Item):
            index = next((i for i, e in enumerate(node) if e.get("name") == segment.name), None)
            if index is None:
                node.append({"name": segment.name})
                index = len(node) - 1
            node = node[index]
        elif last and value is None:
            node.pop(segment, None)
        elif last:
            node[segment] = value
        else:
            if node.get(segment) is None:
                node[segment] = [] if isinstance(following, Item) else {}
            node = node[segment]
    out = StringIO()
    yaml.dump(root, out)
    return out.getvalue()
