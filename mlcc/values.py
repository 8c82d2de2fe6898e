"""Values that know where they came from.  Law: stdlib only, frozen data in, frozen data out.

A document is a tree of nodes with positions (`Node`); a configuration is a flat mapping from paths to `Value`s, each
with its source, its origin and every value that it beat.  The precedence is one ordered enum: nothing else in mlcc
decides which source wins.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Union

Scalar = Union[str, int, float, bool]
EMPTY: Mapping[Any, Any] = MappingProxyType({})


class Source(enum.IntEnum):
    """Where a value comes from; the smaller number wins.  The tens are the nine levels of DESIGN section 2."""

    OPTION = 10
    ARGUMENT = 20
    ENVIRONMENT = 30
    CONFIG_FILE = 40
    OVERLAY = 50
    FILE = 51
    BASE = 52
    MANIFEST = 60
    PICKER = 70
    MODEL_PROFILE = 80
    MODEL = 81
    FRAMEWORK_PROFILE = 82
    FRAMEWORK = 83
    DEPLOYMENT_CONFIG = 84
    DEFAULT = 90

    @property
    def level(self) -> int:
        """1 (wins) to 9."""
        return self.value // 10

    @property
    def label(self) -> str:
        """The word used in output and in the lock."""
        return self.name.lower().replace("_", "-")

    @property
    def committed(self) -> bool:
        """False for what only this run knows: `apply --locked` refuses such values."""
        return self.level not in (1, 2, 3, 4, 7)

    @property
    def by_hand(self) -> bool:
        """True for what somebody wrote or chose, as opposed to the registries' and the built-in defaults."""
        return self.level < 8


SOURCE_TITLES: dict[Source, str] = {
    Source.OPTION: "command line options (--set a.b=v, --region ...)",
    Source.ARGUMENT: "command line arguments (init NAME)",
    Source.ENVIRONMENT: "environment variables (ML_REGION, ML_INSTANCE_TYPE ...)",
    Source.CONFIG_FILE: "--config FILE",
    Source.OVERLAY: "mlcc.yaml: environments.NAME, chosen with --env",
    Source.FILE: "mlcc.yaml",
    Source.BASE: "mlcc.yaml: the file named by extends",
    Source.MANIFEST: 'project manifest ([tool.mlcc] in pyproject.toml, "mlcc" in package.json)',
    Source.PICKER: "picker answers (MCP)",
    Source.MODEL_PROFILE: "registries: model, chosen profile",
    Source.MODEL: "registries: model",
    Source.FRAMEWORK_PROFILE: "registries: framework version, chosen profile",
    Source.FRAMEWORK: "registries: framework version",
    Source.DEPLOYMENT_CONFIG: "registries: deployment config",
    Source.DEFAULT: "built-in defaults",
}


# ---------------------------------------------------------------- paths
class Item(NamedTuple):
    """An element of a list whose elements have names: `inference_components[chat]`."""

    name: str


Segment = Union[str, int, Item]
Path = tuple[Segment, ...]
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_TOKEN = re.compile(r'(?:^|(?<=.)\.)([A-Za-z_][A-Za-z0-9_-]*)|\[("(?:[^"\\]|\\.)*")\]|\[([^\[\]"]+)\]')


def format_path(path: Path) -> str:
    """`("env", "A")` -> `env.A`; named elements in brackets; awkward keys as a quoted string in brackets."""
    text = ""
    for segment in path:
        if isinstance(segment, Item):
            text += f"[{segment.name}]"
        elif isinstance(segment, int):
            text += f"[{segment}]"
        elif _PLAIN_KEY.match(segment):
            text += f".{segment}" if text else segment
        else:
            text += f"[{json.dumps(segment)}]" if text else segment
    return text


def parse_path(text: str) -> Path | None:
    """The inverse of `format_path` (brackets name an element); None when the text is not a path."""
    path: list[Segment] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.end() == position:
            return None
        if match[1] is not None:
            path.append(match[1])
        elif match[2] is not None:
            try:
                path.append(str(json.loads(match[2])))
            except ValueError:
                return None
        else:
            path.append(Item(match[3]))
        position = match.end()
    return tuple(path) or None


# ---------------------------------------------------------------- documents
class Mark(NamedTuple):
    """A place in a file: 1-based line and column, 0 when the format has no positions."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class Node(NamedTuple):
    """A value of a document with its place.

    value: a scalar, None (a YAML null), a dict of nodes or a tuple of nodes; text: a scalar exactly as written;
    keys: for a dict, where each key stands; end: line and column just behind it, (0, 0) when that is not known;
    style: `block`, `flow`, or empty (a scalar, or no text at all).
    """

    value: Any
    mark: Mark
    text: str = ""
    keys: Mapping[str, Mark] = EMPTY
    end: tuple[int, int] = (0, 0)
    style: str = ""

    @property
    def is_map(self) -> bool:
        """True for a mapping."""
        return isinstance(self.value, dict)

    @property
    def is_list(self) -> bool:
        """True for a sequence."""
        return isinstance(self.value, tuple)

    def plain(self) -> Any:
        """The same value as plain Python data (dict, list, scalars)."""
        if isinstance(self.value, dict):
            return {k: v.plain() for k, v in self.value.items()}
        if isinstance(self.value, tuple):
            return [v.plain() for v in self.value]
        return self.value

    def get(self, *path: str | int) -> Node | None:
        """The node at a path of keys and indexes, or None."""
        node: Node | None = self
        for segment in path:
            value = node.value if node is not None else None
            if isinstance(value, dict) and isinstance(segment, str):
                node = value.get(segment)
            elif isinstance(value, tuple) and isinstance(segment, int) and 0 <= segment < len(value):
                node = value[segment]
            else:
                return None
        return node

    def mark_of(self, path: tuple[str | int, ...]) -> Mark:
        """Where a path stands: its key's mark if it is a key, else its value's; the nearest ancestor's otherwise."""
        node, mark = self, self.mark
        for segment in path:
            if isinstance(node.value, dict) and isinstance(segment, str) and segment in node.value:
                mark = node.keys.get(segment, node.value[segment].mark)
                node = node.value[segment]
            elif isinstance(node.value, tuple) and isinstance(segment, int) and segment < len(node.value):
                node = node.value[segment]
                mark = node.mark
            else:
                break
        return mark


def node_of(value: Any, mark: Mark) -> Node:
    """Plain data as nodes that all stand at one mark (a command line, an environment variable, a TOML file)."""
    if isinstance(value, Mapping):
        items = {str(k): node_of(v, mark) for k, v in value.items()}
        return Node(items, mark, keys=dict.fromkeys(items, mark))
    if isinstance(value, (list, tuple)):
        return Node(tuple(node_of(v, mark) for v in value), mark)
    text = value if isinstance(value, str) else json.dumps(value)
    return Node(value, mark, text=text)


# ---------------------------------------------------------------- resolved values
class Beaten(NamedTuple):
    """A value that lost, with where it came from."""

    value: Any
    source: Source
    origin: str


class Value(NamedTuple):
    """A resolved leaf: the value that won, its source and origin, and all that it beat, strongest first.

    mark: where the winner stands, for findings about it.
    """

    value: Any
    source: Source
    origin: str
    beaten: tuple[Beaten, ...] = ()
    mark: Mark = Mark("")


def sections(path: Path) -> Iterator[Path]:
    """Every proper prefix of a path, longest first: where a scalar above would hide it."""
    for end in range(len(path) - 1, 0, -1):
        yield path[:end]
