"""IDEs of JetBrains: mappings in .idea/jsonSchemas.xml.  Law: entries of ours are replaced, all else stays."""

from __future__ import annotations

from collections.abc import Sequence
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from mlcc.io.editors.mappings import Mapping, Unmergeable, line_end

COMPONENT = "JsonSchemaMappingsProjectConfiguration"
PLACE = ["project", "component", "state", "map"]
EMPTY = f"""<?xml version="1.0" encoding="UTF-8"?>
<project version="4">
  <component name="{COMPONENT}">
    <state>
      <map>
      </map>
    </state>
  </component>
</project>
"""
OURS = "mlcc: "


class _Places:
    """Where the list of mappings ends, and where entries of ours stand, as offsets of bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.path: list[str] = []
        self.component, self.root_end, self.map_end = False, -1, -1
        self.entries: list[tuple[int, int]] = []
        self._start = -1
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._open
        self._parser.EndElementHandler = self._close
        self._parser.StartDoctypeDeclHandler = self._refuse
        try:
            self._parser.Parse(data, True)
        except expat.ExpatError as problem:
            raise Unmergeable("is not XML", problem.lineno) from None

    def _refuse(self, *_: object) -> None:
        raise Unmergeable("has a document type, which no IDE writes", self._parser.CurrentLineNumber)

    def _open(self, name: str, attributes: dict[str, str]) -> None:
        self.path.append(name)
        if self.path == PLACE[:2]:
            self.component = attributes.get("name") == COMPONENT
        elif self.component and self.path == [*PLACE, "entry"] and attributes.get("key", "").startswith(OURS):
            self._start = self._parser.CurrentByteIndex

    def _close(self, name: str) -> None:
        at = self._parser.CurrentByteIndex
        if self.component and self.path == PLACE:
            self.map_end = self._end_tag(at)
        elif self._start >= 0 and self.path == [*PLACE, "entry"]:
            self.entries.append((self._start, self.data.index(b">", at) + 1))
            self._start = -1
        elif self.path == PLACE[:1]:
            self.root_end = self._end_tag(at)
        self.path.pop()

    def _end_tag(self, at: int) -> int:
        if not self.data.startswith(b"</", at):
            raise Unmergeable("has an empty element where the mappings stand", self._parser.CurrentLineNumber)
        return at


def merged(before: str | None, mappings: Sequence[Mapping]) -> str:
    """The mappings with ours.  Raises Unmergeable for what is no such file."""
    data = (before if before is not None and before.strip() else EMPTY).encode()
    newline = line_end(data.decode())
    places = _Places(data)
    for start, end in reversed(places.entries):
        begin = len(data[:start].rstrip(b" \t"))
        end += len(data[end:]) - len(data[end:].lstrip(b"\r\n")) if data[begin - 1 : begin] == b"\n" else 0
        data = data[:begin] + data[end:]
    places = _Places(data)
    text = "".join(map(_entry, mappings))
    at = places.map_end
    if at < 0:
        if places.root_end < 0:
            raise Unmergeable("is no project file of an IDE")
        at, head = places.root_end, f'  <component name="{COMPONENT}">\n    <state>\n      <map>\n'
        text = f"{head}{text}      </map>\n    </state>\n  </component>\n"
    begin = len(data[:at].rstrip(b" \t"))
    made = data[:begin] + text.replace("\n", newline).encode() + data[begin:]
    _Places(made)
    return made.decode()


def _entry(one: Mapping) -> str:
    name = quoteattr(OURS + one.schema)
    items = "".join(
        "                  <Item>\n"
        '                    <option name="pattern" value="true" />\n'
        f'                    <option name="path" value={quoteattr(pattern)} />\n'
        '                    <option name="mappingKind" value="Pattern" />\n'
        "                  </Item>\n"
        for pattern in one.patterns
    )
    return (
        f"        <entry key={name}>\n          <value>\n            <SchemaInfo>\n"
        f'              <option name="name" value={name} />\n'
        f'              <option name="relativePathToSchema" value={quoteattr(one.path)} />\n'
        '              <option name="schemaVersion" value="JSON Schema version 7" />\n'
        f'              <option name="patterns">\n                <list>\n{items}                </list>\n'
        "              </option>\n            </SchemaInfo>\n          </value>\n        </entry>\n"
    )
