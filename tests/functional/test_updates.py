"""What an update does with somebody's edits: mlcc's column of docs/updates.md, asked of mlcc.

The other columns are those of `python -m tools.updates`, which installs the tools; the template is the same one.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.helpers import ROOT, Installed, build_tree
from tools.updates import __main__ as program
from tools.updates.outcomes import ANSWERED, BESIDE, MARKERS, MLCC, REFUSED, Run, cell, table
from tools.updates.scenarios import EXECUTABLE, NAME, OTHER_NAME, SCENARIOS, V1, V2, Scenario

PAGE = (ROOT / "docs/updates.md").read_text()
PROJECT = f"version: 1\nproject: {{name: {NAME}}}\ndeployment: {{config: http-flask, target: little}}\n"
TARGET = "version: 1\nkind: targets\nrows:\n  little: {title: x, description: x, layer: targets/little, needs_region: false}\n"
MODULE = "import os\nHERE = os.path.dirname(__file__)\ndef rows(): return HERE + '/rows'\ndef layers(): return HERE + '/layers'\n"
ENTRIES = "[mlcc.registries]\nlittle = little:rows\n[mlcc.cookiecutters]\nlittle = little:layers\n[mlcc.targets]\nlittle = little\n"


def site(folder: Path, files: dict[str, bytes]) -> Path:
    """A distribution with the template as a layer, in one of its versions."""
    layer = "little/layers/targets/little"
    owned = {p: {"owner": "managed", "mode": "0755" if p in EXECUTABLE else "0644"} for p in files}
    context = {
        "root": "project",
        "_copy_without_render": [p for p in files if p in EXECUTABLE or p.endswith(".bin")],
        "_mlcc": {"files": owned, "retired": sorted({*V1} - {*files})},
    }
    variable = b"{{ cookiecutter.project_name }}"
    return build_tree(
        folder,
        {
            "little-1.0.dist-info/METADATA": "Name: little\nVersion: 1.0\n",
            "little-1.0.dist-info/entry_points.txt": ENTRIES,
            "little/__init__.py": MODULE,
            "little/rows/targets.yaml": TARGET,
            f"{layer}/cookiecutter.json": json.dumps(context),
            **{f"{layer}/{{{{cookiecutter.root}}}}/{p}": d.replace(b"[[ name ]]", variable) for p, d in files.items()},
        },
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both versions of the distribution, and a project of the first one."""
    place = tmp_path_factory.mktemp("updates")
    site(place / "v1", dict(V1))
    site(place / "v2", dict(V2))
    build_tree(place / "project", {"mlcc.yaml": PROJECT})
    Installed(place / "project", place / "v1")("apply", "-q")
    return place


def asked(scenario: Scenario, made: Path, folder: Path) -> str:
    """What mlcc does, in the words of the table."""
    shutil.copytree(made / "project", folder)
    before = Run.of(scenario, folder, 0, "")
    assert not before.mine or scenario.theirs is None
    scenario.edit(folder)
    mlcc = Installed(folder, made / "v2")
    if scenario.answer:
        mlcc("set", "project.name", OTHER_NAME)
    expected = 1 if MLCC[SCENARIOS.index(scenario)].startswith(REFUSED) else 0
    kept = {path: (folder / path).read_bytes() for path in V1 if (folder / path).is_file()}
    done = mlcc("apply", code=expected)
    if done.code == 0:
        return cell(Run.of(scenario, folder, 0, done.stdout + done.stderr))
    assert all((folder / path).read_bytes() == data for path, data in kept.items()), "something was written"
    path = scenario.touched[0]
    assert f"{path}: error MLCC201" in done.stderr
    if "--keep-deleted" in done.stderr:
        mlcc("apply", "--keep-deleted", path)
        found = Run.of(scenario, folder, 0, "")
        assert (found.mine, found.theirs) == (True, False)
        mlcc("apply", "--restore", path)
        assert (folder / path).read_bytes() == V2[path].replace(b"[[ name ]]", NAME.encode())
        return REFUSED + ANSWERED
    run = Run.of(scenario, folder, 1, mlcc("apply", "--merge", code=1).stderr)
    assert run.mine
    return REFUSED + (MARKERS if run.markers else BESIDE if run.beside == (f"{path}.mlcc-new",) else "")


@pytest.mark.parametrize("number", range(len(SCENARIOS)))
def test_mlcc_s_column(made: Path, tmp_path: Path, number: int) -> None:
    assert asked(SCENARIOS[number], made, tmp_path / "project") == MLCC[number]


def test_the_page_holds_the_table_with_this_column() -> None:
    shown = PAGE.partition(program.BEGIN)[2].partition(program.END)[0]
    rows = [line.strip("| ").split(" | ") for line in shown.splitlines() if line.startswith("|")][2:]
    assert [row[0] for row in rows] == [f"{n}. {scenario.title}" for n, scenario in enumerate(SCENARIOS, 1)]
    assert tuple(row[-1] for row in rows) == MLCC
    date = shown.partition("Asked on ")[2].partition(".")[0]
    cells = [(scenario.title, *row[1:]) for scenario, row in zip(SCENARIOS, rows, strict=True)]
    assert table(cells, program.VERSIONS, date) == shown


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (Run(0, True, True, False, (), False, False, ""), "merged"),
        (Run(0, True, None, False, (), False, False, ""), "kept"),
        (Run(0, True, False, False, (), False, False, ""), "kept; nothing is printed"),
        (Run(0, True, False, False, (), False, True, ""), "kept; the file is named"),
        (Run(0, False, True, False, (), False, False, ""), "lost (the last commit has it); nothing is printed"),
        (Run(0, True, True, True, (), True, False, ""), "shown: markers, exit 0"),
        (Run(1, True, True, False, ("a.rej",), False, False, ""), "shown: `a.rej` beside it, exit 1"),
        (Run(0, True, False, False, (), True, False, ""), "shown: yours stays, unmerged in Git's index, exit 0"),
        (Run(0, False, None, False, (), False, False, ""), "lost (the last commit has it); nothing is printed"),
    ],
)
def test_the_words_of_the_table(run: Run, words: str) -> None:
    assert cell(run) == words
