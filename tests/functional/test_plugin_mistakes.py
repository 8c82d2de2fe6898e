"""What the authors of plugins get wrong: each mistake is reported, with the distribution's name, and none passes for an
answer of mlcc's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helpers import ROOT, SMALLEST, Installed, Result, applied, assert_no_traceback, build_tree

CHECK = "[mlcc.checks]\nnaming = acme:check\n"
STEP = "[mlcc.steps]\nwhereami = acme:STEP\n"
COMMAND = "[mlcc.commands]\nacme = acme:command\n"
ROWS = "[mlcc.registries]\nacme = acme:rows\n"
TARGET = ROWS + "[mlcc.targets]\nshelf = acme\n"
STEPS = "from mlcc.lifecycle import Step\nfrom mlcc.lifecycle.context import Result\n"
FINDINGS = "from mlcc.api import Finding, PreconditionError, Severity, UserError\n"
CLICK = "import click\n@click.command()\n@click.option('--name')\ndef command(name):\n    "
FOLDER = "import os\ndef rows():\n    return os.path.join(os.path.dirname(__file__), 'rows')\n"


def distribution(site: Path, name: str, entries: str) -> None:
    """What pip leaves of a distribution, as far as mlcc asks for it."""
    folder = f"{name.replace('-', '_')}-1.0.dist-info"
    build_tree(site / folder, {"METADATA": f"Name: {name}\nVersion: 1.0\n", "entry_points.txt": entries})


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return build_tree(tmp_path / "site", {})


@pytest.fixture
def mine(tmp_path: Path, site: Path) -> Installed:
    """mlcc in a project, with `acme` as the tests fill it."""
    build_tree(tmp_path / "project", {"mlcc.yaml": SMALLEST})
    site.mkdir(exist_ok=True)
    return Installed(tmp_path / "project", site)


def acme(site: Path, entries: str, code: str) -> None:
    """Installs the distribution `acme` with one module."""
    distribution(site, "acme", entries)
    build_tree(site, {"acme.py": code})


def rendered(mine: Installed) -> None:
    applied(mine.folder)


def refused(result: Result, words: str, code: str = "MLCC502") -> None:
    """The one finding, as JSON and nothing else, names acme and says why."""
    assert_no_traceback(result)
    found = json.loads(result.stdout)["findings"]
    assert [f["code"] for f in found] == [code]
    assert " of acme " in found[0]["message"]
    assert words in found[0]["message"]


# ---------------------------------------------------------------- checks
CHECKS = [
    ("import sys; sys.exit(0)", "SystemExit: 0"),
    ("import sys; sys.exit(5)", "SystemExit: 5"),
    ("class Own(BaseException): pass\nraise Own('no')", "Own: no"),
    ("def check(s):\n    import sys; sys.exit(0); yield", "SystemExit: 0"),
    ("def check(s): yield 'text'", "a Finding was expected, not str"),
    ("def check(s): yield 7", "a Finding was expected, not int"),
    ("def check(s): yield None", "a Finding was expected, not NoneType"),
    ("def check(s): return None", "TypeError"),
    (FINDINGS + "def check(s): yield Finding('A1', 'error', 'm')", "a field of its Finding 'A1'"),
    (FINDINGS + "def check(s): yield Finding('A1', Severity.ERROR, 5)", "a field of its Finding 'A1'"),
    (FINDINGS + "def check(s): raise UserError([])", "UserError"),
    (FINDINGS + "def check(s): raise PreconditionError(['x'])", "AttributeError"),
    (
        "class E(Exception):\n    def __str__(self): raise RuntimeError\ndef check(s): raise E",
        "acme.E: <exception str() failed>",
    ),
    ("def check(s): raise BrokenPipeError", "BrokenPipeError"),
]


@pytest.mark.parametrize(("code", "words"), CHECKS)
def test_a_check_that_does_not_work(mine: Installed, site: Path, code: str, words: str) -> None:
    acme(site, CHECK, code)
    refused(mine("validate", "-o", "json", code=1), words)


@pytest.mark.parametrize("command", [["plan", "--json"], ["apply", "--locked", "--json"], ["apply", "--json"]])
def test_no_command_passes_over_a_check_that_ends_the_program(mine: Installed, site: Path, command: list[str]) -> None:
    acme(site, CHECK, "import sys; sys.exit(0)")
    result = mine(*command, code=1)
    assert "SystemExit: 0" in result.stdout + result.stderr
    assert [p.name for p in mine.folder.iterdir()] == ["mlcc.yaml"]


def test_what_a_check_found_before_it_failed_is_reported_too(mine: Installed, site: Path) -> None:
    acme(site, CHECK, FINDINGS + "def check(s):\n    yield Finding('A1', Severity.NOTE, 'm')\n    1 / 0")
    found = json.loads(mine("validate", "-o", "json", code=1).stdout)["findings"]
    assert {f["code"] for f in found} == {"A1", "MLCC502"}


def test_an_interrupt_is_an_interrupt(mine: Installed, site: Path) -> None:
    acme(site, CHECK, "raise KeyboardInterrupt")
    assert mine("validate", code=130).stderr == "mlcc: interrupted\n"


def test_a_check_can_be_terminated(mine: Installed, site: Path, tmp_path: Path) -> None:
    acme(
        site, CHECK, "import os, time\ndef check(s):\n    open(os.environ['HERE'], 'w')\n    time.sleep(60)\n    yield"
    )
    here = tmp_path / "here"
    argv = [mine.environ["MLCC"], "validate"]
    running = subprocess.Popen(argv, cwd=mine.folder, env={**mine.environ, "HERE": str(here)}, stderr=subprocess.PIPE)
    while not here.exists():
        assert running.poll() is None
        time.sleep(0.02)
    os.kill(running.pid, signal.SIGTERM)
    assert running.communicate(timeout=30)[1] == b"mlcc: terminated\n"
    assert running.returncode == 143


def test_whoever_mends_a_plugin_in_its_place_is_believed(mine: Installed, site: Path) -> None:
    acme(site, ROWS, "def rows(): return 1 / 0\n")
    (site / "rows").mkdir()
    for _ in range(2):
        mine("validate", code=1)
    with (site / "acme.py").open("w") as stream:
        stream.write(FOLDER)
    mine("validate")


# ---------------------------------------------------------------- steps and targets
RESULTS = [
    ("object()", "a Step with a title was expected, not object"),
    ("Step(5, print)", "a Step with a title was expected, not Step"),
    ("Step('x', 5)", "'int' object is not callable"),
    ("Step('x', lambda c: 5)", "a Result was expected, not int"),
    ("Step('x', lambda c: 1 / 0)", "ZeroDivisionError"),
    ("Step('x', lambda c: exit(0))", "SystemExit: 0"),
    ("Step('x', lambda c: Result({'x': object()}))", "object is not JSON serializable"),
    ("Step('x', lambda c: Result({'x': float('nan')}))", "ValueError"),
    ("Step('x', lambda c: Result(None))", "TypeError"),
    ("Step('x', lambda c: Result({}, [5]))", "hold no text but int"),
    ("Step('x', lambda c: Result({}, None))", "TypeError"),
]


@pytest.mark.parametrize(("step", "words"), RESULTS)
def test_a_step_that_does_not_work(mine: Installed, site: Path, step: str, words: str) -> None:
    acme(site, STEP, f"{STEPS}STEP = {step}\n")
    rendered(mine)
    refused(mine("do", "whereami", "--json", code=1), words)
    assert "MLCC502" in mine("do", "whereami", code=1).stderr


def test_what_a_step_says_is_safe_to_print(mine: Installed, site: Path) -> None:
    output_text = "'\\x1b[31m\\n::error::'"
    code = f"def run(c):\n    c.progress.say({output_text})\n    c.progress.detail({output_text})\n    return Result({{}}, [{output_text}])\n"
    acme(site, STEP, f"{STEPS}{code}STEP = Step('\\x1b[31m', run)\n")
    rendered(mine)
    result = mine("do", "whereami", "-v")
    assert result.stdout == "\\x1b[31m\n\\::error::\n"
    assert result.stderr == "\\x1b[31m\n\\::error::\n    \\x1b[31m\n\\::error::\n"
    assert "\x1b" not in mine("do", "--help").stdout


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("", "has no attribute 'status'"),
        ("status = 5", "not callable"),
        ("def status(c): return {}", "a Result was expected, not dict"),
        ("def status(c): raise ValueError('no')", "ValueError: no"),
    ],
)
def test_a_target_that_does_not_work(mine: Installed, site: Path, code: str, words: str) -> None:
    rows = "version: 1\nkind: targets\nsource: x\nrows:\n  shelf: {title: A, description: B, needs_region: false}\n"
    acme(site, TARGET, f"{FOLDER}{code}\n")
    build_tree(site, {"rows/targets.yaml": rows})
    mine("apply", "-q", "--set", "deployment.target=shelf")
    refused(mine("do", "status", "--json", code=1), words)


# ---------------------------------------------------------------- commands
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def command(): pass", "a click.Command was expected, not function"),
        ("command = None", "a click.Command was expected, not NoneType"),
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        (CLICK + "raise RuntimeError('no')", "RuntimeError: no"),
        (CLICK + "return 300", "300 is no exit code"),
        (CLICK + "return -1", "-1 is no exit code"),
        (CLICK + "return True", "True is no exit code"),
        (CLICK + "return 'done'", "'done' is no exit code"),
        (CLICK + "raise SystemExit(300)", "300 is no exit code"),
        (CLICK + "click.get_current_context().exit(300)", "300 is no exit code"),
    ],
)
def test_a_command_that_does_not_work(mine: Installed, site: Path, code: str, words: str) -> None:
    acme(site, COMMAND, code)
    output_text = mine("acme", code=1).stderr
    assert "MLCC502: the plugin acme of acme (mlcc.commands)" in output_text
    assert words in output_text


@pytest.mark.parametrize(
    ("body", "arguments", "code", "out", "err"),
    [
        ("print('hi', name)", ["--name", "x"], 0, "hi x\n", ""),
        ("return 255", [], 255, "", ""),
        ("raise SystemExit(3)", [], 3, "", ""),
        ("raise SystemExit", [], 0, "", ""),
        ("raise SystemExit('bad')", [], 1, "", "mlcc: bad\n"),
        ("click.get_current_context().exit(4)", [], 4, "", ""),
        ("raise click.ClickException('bad')", [], 1, "", "mlcc: bad\n"),
        ("raise click.Abort", [], 130, "", "mlcc: interrupted\n"),
        ("pass", ["--nome", "x"], 2, "", "see mlcc acme --help"),
        ("pass", ["x"], 2, "", "unexpected extra argument"),
        ("pass", ["--help"], 0, "Usage: mlcc acme [OPTIONS]", ""),
    ],
)
def test_a_command_speaks_for_itself(
    mine: Installed, site: Path, body: str, arguments: list[str], code: int, out: str, err: str
) -> None:
    acme(site, COMMAND, CLICK + body)
    result = mine("acme", *arguments, code=code)
    assert out in result.stdout
    assert err in result.stderr


@pytest.mark.parametrize(("code", "out"), [(CLICK + "pass", "plain,--name\n"), ("1 / 0", "")])
def test_a_shell_completes_the_words_of_a_command(mine: Installed, site: Path, code: str, out: str) -> None:
    acme(site, COMMAND, code)
    words = {"_MLCC_COMPLETE": "bash_complete", "COMP_WORDS": "mlcc acme --na", "COMP_CWORD": "2"}
    result = mine(**words)
    assert (result.stdout, result.stderr) == (out, "")


# ---------------------------------------------------------------- names
OWN = {
    "mlcc.commands": "plan",
    "mlcc.steps": "deploy",
    "mlcc.targets": "local",
    "mlcc.checks": "MLCC108",
}


def clashes(found: list[dict[str, Any]]) -> list[str]:
    return [f["message"] for f in found if f["code"] == "MLCC501"]


@pytest.mark.parametrize(("group", "name"), OWN.items())
@pytest.mark.parametrize("command", [["validate"], ["plan"], ["apply"], ["do", "deploy"], ["plugins"]])
def test_a_name_that_mlcc_has_itself(mine: Installed, site: Path, command: list[str], group: str, name: str) -> None:
    acme(site, f"[{group}]\n{name} = acme:x\n", "x = 0\n")
    result = mine(*command, code=1)
    assert f"MLCC501: mlcc and acme both bring {group}: {name}\n" in result.stdout + result.stderr
    assert "uninstall acme" in result.stdout + result.stderr


def test_every_name_that_more_than_one_brings_is_reported_at_once(mine: Installed, site: Path) -> None:
    for name, entries in {"acme": CHECK + STEP, "acme-three": CHECK, "acme-two": CHECK + STEP}.items():
        distribution(site, name, entries)
    expected = [
        "acme and acme-two both bring mlcc.steps: whereami",
        "acme, acme-three and acme-two all bring mlcc.checks: naming",
    ]
    assert clashes(json.loads(mine("validate", "-o", "json", code=1).stdout)["findings"]) == expected
    listed = mine("plugins", "-o", "json", code=1)
    assert len(json.loads(listed.stdout)["rows"]) == 5
    assert all(f"MLCC501: {words}\n" in listed.stderr for words in expected)
    table = mine("plugins", code=1)
    assert table.stdout.count("naming") == 3


def test_entry_points_that_cannot_be_read(mine: Installed, site: Path) -> None:
    distribution(site, "acme", "[mlcc.checks]\nnaming\n")
    found = json.loads(mine("validate", "-o", "json", code=1).stdout)["findings"]
    assert [f["code"] for f in found] == ["MLCC502"]
    assert "the entry points of acme cannot be read" in found[0]["message"]


def test_a_distribution_that_does_not_say_its_name(mine: Installed, site: Path) -> None:
    distribution(site, "acme", CHECK)
    (site / "acme-1.0.dist-info/METADATA").unlink()
    assert json.loads(mine("plugins", "-o", "json").stdout)["rows"][0]["distribution"] == "unknown"


# ---------------------------------------------------------------- what plugins print
def test_nothing_that_a_plugin_prints_precedes_json(mine: Installed, site: Path) -> None:
    loud = "print('loud')\ndef check(s):\n    print('check')\n    return []\n" + FOLDER
    loud += (
        f"    print('rows')\n{STEPS}def run(c):\n    print('run')\n    return Result({{'a': 1}})\nSTEP = Step('x', run)"
    )
    acme(site, CHECK + STEP + ROWS, loud.replace("    return os.path", "    print('rows')\n    return os.path"))
    (site / "rows").mkdir()
    result = mine("validate", "-o", "json")
    assert json.loads(result.stdout)["findings"] == []
    assert set(result.stderr.split()) == {"loud", "check", "rows"}
    mine("apply", "-q")
    result = mine("do", "whereami", "--json")
    assert json.loads(result.stdout)["a"] == 1
    assert "run" in result.stderr


def test_nothing_that_a_picker_prints_precedes_json(mine: Installed, site: Path) -> None:
    acme(site, "[mlcc.pickers]\nx = acme:pick\n", "def pick(q):\n    print('pick')\n    return {'tags.team': 'a'}\n")
    result = mine("init", "shop", "--force", "--pick", "x", "-o", "json")
    assert json.loads(result.stdout)["file"] == "mlcc.yaml"
    assert "pick\n" in result.stderr


# ---------------------------------------------------------------- files that nothing reads
STRAY = {
    "frameworks.yaml": "",
    "junk.yaml": ": [",
    "models/more/x.yaml": "",
    "junk.txt": "",
    "targets.yaml": "version: 1\nkind: targets\nrows: {}\n",
    ".github/workflows/ci.yaml": "",
}


def test_the_row_that_the_docs_show(mine: Installed, site: Path) -> None:
    page = (ROOT / "docs/plugins.md").read_text()
    row = page.split("```yaml\n# frameworks/sklearn.yaml\n")[1].split("```")[0]
    words = page.split("`framework: {")[1].split("}`")[0]
    acme(site, ROWS, FOLDER)
    build_tree(site, {"rows/frameworks/sklearn.yaml": row})
    before = yaml.safe_load(mine("show", MLCC_PLUGINS="none").stdout)["framework"]
    assert yaml.safe_load(mine("show").stdout)["framework"] == before
    build_tree(mine.folder, {"mlcc.yaml": f"{SMALLEST}framework: {{{words}}}\n"})
    shown = yaml.safe_load(mine("show").stdout)
    assert shown["env"]["MLCC_WORKERS"] == "2"
    assert shown["framework"] == before | {"version": "1.9.1-acme", "profile": "two-workers"}
    mine("apply", "-q")
    packaged = yaml.safe_load((ROOT / "registries/frameworks/sklearn.yaml").read_text())["versions"]["1.9.1"]
    mine_now = yaml.safe_load(row)["versions"]["1.9.1-acme"]
    assert {k: mine_now[k] for k in ("requirements", "defaults", "python", "other_pythons")} == {
        k: packaged[k] for k in ("requirements", "defaults", "python", "other_pythons")
    }, "the docs repeat a row that is another now"


def unread(result: Result) -> list[str]:
    found = json.loads(result.stdout)["findings"]
    assert {f["code"] for f in found} == {"MLCC404"}
    assert {f["severity"] for f in found} == {"warning"}
    return [f["file"] for f in found]


def test_files_of_a_plugin_s_registry_that_nothing_reads(mine: Installed, site: Path) -> None:
    acme(site, ROWS, FOLDER)
    build_tree(site / "rows", STRAY)
    expected = [f"plugin acme/{name}" for name in ("frameworks.yaml", "junk.yaml", "models/more/x.yaml")]
    assert unread(mine("validate", "-o", "json")) == expected
    assert mine("apply", "-q").code == 0
    mine("apply", "--locked", "-q")
    mine("catalog", "models", "-q")


def test_files_of_an_operator_s_registry_that_nothing_reads(mine: Installed, site: Path) -> None:
    build_tree(site / "rows", STRAY)
    rows = str(site / "rows")
    expected = [f"{rows}/{name}" for name in ("frameworks.yaml", "junk.yaml", "models/more/x.yaml")]
    assert unread(mine("validate", "-o", "json", "--registry", rows)) == expected
    assert unread(mine("validate", "-o", "json", MLCC_REGISTRY_PATH=rows)) == expected
