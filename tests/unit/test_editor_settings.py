"""Settings of editors: what is merged in, and that all else stays."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.io.editors import jetbrains, json_tree, neovim, vscode
from mlcc.io.editors.mappings import Mapping, Unmergeable

WANTED = [Mapping("mlcc", ("mlcc.yaml", "mlcc.yml")), Mapping("policies", ("policies/*.yaml",))]
SCHEMAS = {
    "./.schemas/mlcc/mlcc.schema.json": ["mlcc.yaml", "mlcc.yml"],
    "./.schemas/mlcc/policies.schema.json": ["**/policies/*.yaml"],
}
FORMS = [vscode.merged, jetbrains.merged, neovim.merged]


def value(text: str) -> dict[str, object]:
    found = json_tree.value_of(text, json_tree.parse(text))
    assert isinstance(found, dict)
    return found


# ---------------------------------------------------------------- JSON with comments
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{}", "{\n  \"yaml.schemas\": {\n    X\n  }\n}"),
        ("", "{\n  \"yaml.schemas\": {\n    X\n  }\n}\n"),
        ('{"a": 1}', "{\"a\": 1,\n  \"yaml.schemas\": {\n    X\n  }\n}"),
        ('{\n\t"a": 1, // why\n}\n', "{\n\t\"a\": 1, // why\n\t\"yaml.schemas\": {\n\t  X\n\t}\n}\n"),
        ('{\n    "a": 1 // why\n}\n', "{\n    \"a\": 1, // why\n    \"yaml.schemas\": {\n      X\n    }\n}\n"),
        (
            '{\n  "yaml.schemas": {\n    "x": "y" /* theirs */\n  }\n}\n',
            '{\n  "yaml.schemas": {\n    "x": "y", /* theirs */\n    X\n  }\n}\n',
        ),
        (
            '{\n  "yaml.schemas": {"./.schemas/mlcc/mlcc.schema.json": "old.yaml"} // c\n}\n',
            '{\n  "yaml.schemas": {"./.schemas/mlcc/mlcc.schema.json": ["mlcc.yaml", "mlcc.yml"],\n'
            '    "./.schemas/mlcc/policies.schema.json": ["**/policies/*.yaml"]\n  } // c\n}\n',
        ),
    ],
)  # fmt: skip
def test_schemas_are_added_where_a_person_would(before: str, after: str) -> None:
    made = vscode.merged(before, WANTED)
    rows = [f"{json.dumps(name)}: {json.dumps(patterns)}" for name, patterns in SCHEMAS.items()]
    indent = re.search(r"^([ \t]*)X$", after, re.MULTILINE)
    assert made == after.replace("X", f",\n{indent[1] if indent else ''}".join(rows))
    found = value(made)["yaml.schemas"]
    assert isinstance(found, dict)
    assert found | SCHEMAS == found
    assert vscode.merged(made, WANTED) == made


COMMENTS = st.sampled_from(["", " ", "\n", ' // one { "\n', "/* two } */", "\t/* \n */\n", "\n// three, \n  "])
SCALARS = st.one_of(
    st.integers(-9, 9), st.booleans(), st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("abc./é", max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def settings(draw: st.DrawFn) -> tuple[str, dict[str, object]]:
    """A text of settings with comments anywhere, and what it means."""

    def text(given: object) -> str:
        gap, comma = draw(COMMENTS), draw(st.sampled_from(["", ","]))
        if isinstance(given, dict):
            parts = [f"{draw(COMMENTS)}{json.dumps(k)}{draw(COMMENTS)}:{text(v)}" for k, v in given.items()]
            return f"{gap}{{{','.join(parts)}{comma if parts else ''}{draw(COMMENTS)}}}{draw(COMMENTS)}"
        if isinstance(given, list):
            parts = [text(one) for one in given]
            return f"{gap}[{','.join(parts)}{comma if parts else ''}{draw(COMMENTS)}]{draw(COMMENTS)}"
        return f"{gap}{json.dumps(given)}{draw(COMMENTS)}"

    meant = draw(st.dictionaries(st.text("abc", max_size=3), VALUES, max_size=4))
    if draw(st.booleans()):
        meant["yaml.schemas"] = draw(st.dictionaries(st.sampled_from(["x", *SCHEMAS]), VALUES, max_size=3))
    return text(meant), meant


@given(settings())
def test_whatever_stands_there_stays(given_text: tuple[str, dict[str, object]]) -> None:
    before, meant = given_text
    assert value(before) == meant
    try:
        made = vscode.merged(before, WANTED)
    except Unmergeable as refused:
        assert "a comment stands in the value of ./.schemas/mlcc/" in str(refused)  # noqa: PT017 - one of two endings
        return
    theirs = meant.get("yaml.schemas", {})
    assert isinstance(theirs, dict)
    assert value(made) == {**meant, "yaml.schemas": {**theirs, **SCHEMAS}}
    comments = r"// one \{ \"\n|/\* two \} \*/|/\* \n \*/|// three, \n"
    assert re.findall(comments, made) == re.findall(comments, before)
    assert vscode.merged(made, WANTED) == made


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[]", 1), ("1", 1), ('{"a": }', 1), ("{\n\n'a': 1}", 3), ('{"a" 1}', 1), ('{"a": 1 "b": 2}', 1), ("{} {}", 1),
        ('{"yaml.schemas": []}', 1), ('{\n"yaml.schemas": {},\n"yaml.schemas": {}}', 3), ("{,}", 1), ('{"a": 01x}', 1),
        ('{"yaml.schemas": {\n"./.schemas/mlcc/mlcc.schema.json": [ // mine\n]}}', 2), ('{"a": "\\q"}', None), ('{"\\q": 1}', 1), ("{/* }", 1), ("[" * 500, 1), ('{"a": "\n"}', 1), ("{", 1),
    ],
)  # fmt: skip
def test_what_is_no_json_is_refused_with_its_line(text: str, line: int | None) -> None:
    if line is None:  # a value that is not looked at stays as it is
        assert text[1:-1] in vscode.merged(text, WANTED)
        return
    with pytest.raises(Unmergeable) as refused:
        vscode.merged(text, WANTED)
    assert refused.value.line == line


def test_a_mark_and_line_ends_of_windows_stay() -> None:
    made = vscode.merged('\ufeff{\r\n  "a": 1\r\n}\r\n', WANTED)
    assert made.startswith('\ufeff{\r\n  "a": 1,\r\n  "yaml.schemas"')
    assert made.count("\n") == made.count("\r\n")


# ---------------------------------------------------------------- XML
THEIRS = """<?xml version="1.0" encoding="UTF-8"?>
<project version="4">
  <!-- a comment -->
  <component name="Other"><state><map><entry key="mlcc: x"/></map></state></component>
  <component name="JsonSchemaMappingsProjectConfiguration">
    <state>
      <map>
        <entry key="mlcc: mlcc"><value>old</value></entry>
        <entry key="theirs"><value><SchemaInfo /></value></entry>
      </map>
    </state>
  </component>
</project>
"""


def entries(text: str) -> dict[str, tuple[str, list[str]]]:
    found = {}
    for entry in ET.fromstring(text).findall(f"component[@name='{jetbrains.COMPONENT}']/state/map/entry"):
        path = entry.find(".//option[@name='relativePathToSchema']")
        items = [item.get("value", "") for item in entry.findall(".//Item/option[@name='path']")]
        found[entry.get("key", "")] = (path.get("value", "") if path is not None else "", items)
    return found


OURS = {
    "mlcc: mlcc": (".schemas/mlcc/mlcc.schema.json", ["mlcc.yaml", "mlcc.yml"]),
    "mlcc: policies": (".schemas/mlcc/policies.schema.json", ["policies/*.yaml"]),
}


def test_mappings_of_an_ide_are_added() -> None:
    assert entries(jetbrains.merged(None, WANTED)) == OURS
    made = jetbrains.merged(THEIRS, WANTED)
    assert entries(made) == {"theirs": ("", []), **OURS}
    assert [line for line in THEIRS.splitlines() if "old" not in line] == [
        line for line in made.splitlines() if line in THEIRS.splitlines()
    ]
    assert jetbrains.merged(made, WANTED) == made


def test_a_file_of_other_components_gets_ours() -> None:
    before = '<project version="4">\r\n  <component name="Other" />\r\n</project>\r\n'
    made = jetbrains.merged(before, WANTED)
    assert entries(made) == OURS
    assert made.startswith('<project version="4">\r\n  <component name="Other" />\r\n')
    assert made.count("\n") == made.count("\r\n")


@pytest.mark.parametrize(
    "text",
    [
        "not xml", "<project>", "<other></other>", "<project/>", '<!DOCTYPE p [<!ENTITY a "b">]><project></project>',
        f'<project><component name="{jetbrains.COMPONENT}"><state><map/></state></component></project>',
    ],
)  # fmt: skip
def test_what_no_ide_writes_is_refused(text: str) -> None:
    with pytest.raises(Unmergeable):
        jetbrains.merged(text, WANTED)


# ---------------------------------------------------------------- Lua
@pytest.mark.parametrize("before", ["", "vim.o.number = true", "-- ours\nvim.o.number = true\n"])
def test_the_block_of_neovim_is_added_once(before: str) -> None:
    made = neovim.merged(before, WANTED[:1])
    assert made.startswith(before)
    assert neovim.merged(made, WANTED[:1]) == made
    more = neovim.merged(f"{made}-- after\n", WANTED)
    assert more.endswith("-- after\n")
    assert '"/.schemas/mlcc/policies.schema.json"] = { "**/policies/*.yaml" },' in more
    assert (more.count(neovim.BEGIN), more.count("mlcc.schema.json")) == (1, 1)


@pytest.mark.parametrize(
    "text", [neovim.BEGIN, neovim.END, f"{neovim.END}\n{neovim.BEGIN}", f"{neovim.BEGIN}\n" * 2 + neovim.END]
)
def test_marks_that_are_no_pair_are_refused(text: str) -> None:
    with pytest.raises(Unmergeable):
        neovim.merged(f"{text}\n", WANTED)
