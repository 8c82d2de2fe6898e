"""validate -o sarif, github and junit, read back by what reads them: the SARIF schema, the runner's rules, an XML parser."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif

from mlcc.registries.finding_pages import pages
from tests.helpers import SMALLEST, Caller, build_tree

HERE = Path()
EVIL = [
    "a\\n::error::owned",
    "%0A::stop-commands::x",
    "100%",
    "a,b:c",
    "\\r\\n",
    "<a>&amp;\\\"']]>",
    "\\e[31m",
    "\\u202e",
    "ü🙂",
    "$(id)",
]
FILES = {
    "nothing wrong": SMALLEST,
    "a warning": SMALLEST + "triton: {default_model: x}\n",
    "not YAML": "a: [",
    "empty": "",
    "several": "version: 2\nproject: {name: Iris}\ndeployment: {config: http-flsk, region: us-east-9}\nnope: 1\n",
    **{
        f"hostile {n}": SMALLEST + f'"{text}": 1\nmodel: {{format: "{text}"}}\nenv: {{"{text}": x}}\n'
        for n, text in enumerate(EVIL)
    },
}
PLACES = ("mlcc.yaml", "a b/mlcc.yaml", "ü,x:y%/mlcc.yaml")


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> str:
    """Where the file stands."""
    return str(request.param)


def findings(mlcc: Caller, place: str) -> list[dict[str, object]]:
    """The same findings by the contract."""
    found: list[dict[str, object]] = json.loads(mlcc("validate", "-f", place, "-o", "json").stdout)["findings"]
    return found


def text_of(finding: dict[str, object]) -> str:
    """A finding in one line, as every format shows it."""
    head = f"{finding['path']}: {finding['message']}" if finding["path"] else str(finding["message"])
    return head + (f" ({finding['hint']})" if finding["hint"] else "")


@pytest.mark.parametrize("name", FILES)
def test_sarif_is_valid_and_says_all(mlcc: Caller, place: str, name: str) -> None:
    build_tree(HERE, {place: FILES[name]})
    printed = mlcc("validate", "-f", place, "-o", "sarif").stdout
    run = Sarif.model_validate_json(printed).runs[0]
    expected = findings(mlcc, place)
    assert run.results is not None
    assert [(r.ruleId, r.message.text) for r in run.results] == [(f["code"], text_of(f)) for f in expected]
    rules = run.tool.driver.rules
    assert rules is not None
    assert [r.id for r in rules] == sorted({str(f["code"]) for f in expected})
    for rule in rules:
        assert rule.shortDescription is not None
        assert rule.shortDescription.text == pages()[rule.id].title


ODD = {
    b"a\nb": "a%0Ab",
    b"bad\xff": "bad%FF",
    b"::error::x": "%3A%3Aerror%3A%3Ax",
    b"back\\slash": "back%5Cslash",
    "ü🙂".encode(): "%C3%BC%F0%9F%99%82",
    b"x" * 200: "x" * 200,
}


@pytest.mark.parametrize("folder", ODD, ids=[text[:20] for text in ODD.values()])
@pytest.mark.parametrize("way", [["--all"], ["-f"]])
def test_sarif_names_the_file_by_its_bytes(mlcc: Caller, folder: bytes, way: list[str]) -> None:
    place = os.path.join(os.fsdecode(folder), "mlcc.yaml")
    os.mkdir(folder)
    Path(place).write_text(FILES["several"])
    printed = mlcc("validate", *way, *([place] if way == ["-f"] else []), "-o", "sarif", code=1).stdout
    results = Sarif.model_validate_json(printed).runs[0].results
    places = [r.locations[0].physicalLocation.artifactLocation.uri for r in results or () if r.locations]
    assert set(places) == {f"{ODD[folder]}/mlcc.yaml"}


def test_the_reader_of_sarif_is_strict(mlcc: Caller) -> None:
    build_tree(HERE, {"mlcc.yaml": FILES["several"]})
    document = json.loads(mlcc("validate", "-o", "sarif").stdout)
    document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] = 0
    with pytest.raises(ValueError, match="startLine"):
        Sarif.model_validate(document)


def test_a_plugin_s_code_is_a_rule_too() -> None:
    from mlcc.cli.formats import sarif
    from mlcc.core.findings import error

    document = Sarif.model_validate(sarif([error("ACME001", "not ours", file="mlcc.yaml")]))
    assert document.runs[0].tool.driver.rules is not None
    assert [r.id for r in document.runs[0].tool.driver.rules] == ["ACME001"]


COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)\Z")


def command(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as the runner reads it: kind, properties, message."""
    found = COMMAND.match(line)
    assert found, line
    fields = dict(pair.split("=", 1) for pair in found[2].split(","))

    def plain(text: str) -> str:
        for escaped, character in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
            text = text.replace(escaped, character)
        return text

    return found[1], {k: plain(v) for k, v in fields.items()}, plain(found[3])


@pytest.mark.parametrize("name", FILES)
def test_github_reads_every_annotation(mlcc: Caller, place: str, name: str) -> None:
    build_tree(HERE, {place: FILES[name]})
    lines = mlcc("validate", "-f", place, "-o", "github").stdout.split("\n")[:-1]
    expected = findings(mlcc, place)
    assert len(lines) == len(expected)
    for line, finding in zip(lines, expected, strict=True):
        kind, fields, message = command(line)
        assert kind == {"error": "error", "warning": "warning", "note": "notice"}[str(finding["severity"])]
        assert (fields["file"], fields["title"]) == (finding["file"], finding["code"])
        assert fields.get("line") == (str(finding["line"]) if finding["line"] else None)
        assert message == text_of(finding)


@pytest.mark.parametrize("name", FILES)
def test_junit_is_xml_and_says_all(mlcc: Caller, place: str, name: str) -> None:
    build_tree(HERE, {place: FILES[name]})
    printed = mlcc("validate", "-f", place, "-o", "junit").stdout
    suite = ElementTree.fromstring(printed.encode())[0]
    expected = findings(mlcc, place)
    errors = [f for f in expected if f["severity"] == "error"]
    assert (suite.get("tests"), suite.get("failures")) == ("1", str(int(bool(errors))))
    (case,) = suite.findall("testcase")
    assert case.get("name") == place
    lines = [line for part in case for line in (part.text or "").split("\n")]
    assert len(lines) == len(expected)
    for failure in case.findall("failure"):
        assert failure.get("type") == errors[0]["code"]
        assert str(failure.get("message")).startswith(str(errors[0]["message"]))
    for finding in expected:
        assert any(str(finding["message"]) in line for line in lines)
    assert os.linesep.join(suite.itertext()).count("\x1b") == 0
