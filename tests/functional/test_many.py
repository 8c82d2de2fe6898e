"""Many projects in one repository: what is printed names its project, and is the same on any number of cores."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif

from mlcc.core.nodes import Mark, node_of
from mlcc.io.schema import validator
from tests.helpers import SMALLEST, Caller, build_tree, git_repo, read_tree, run_mlcc

HERE = Path()
FOLDERS = ("a", "b/deep", "c", "d", "e")
FORMATS = ("table", "json", "yaml", "markdown", "sarif", "github", "junit")


def named(name: str, more: str = "") -> str:
    return SMALLEST.replace("iris", name) + more


@pytest.fixture
def repo(mlcc: Caller) -> Path:
    """Five applied projects, of which two were changed since; one of the others is wrong now."""
    build_tree(HERE, {f"{folder}/mlcc.yaml": named(f"p-{folder[0]}") for folder in FOLDERS})
    build_tree(HERE, {".git/HEAD": "ref: refs/heads/main\n"})
    mlcc("apply", "--all", code=0)
    build_tree(
        HERE,
        {
            "b/deep/mlcc.yaml": named("p-b", "ttl: 2d\n"),
            "c/mlcc.yaml": named("p-c", "env: {A: b}\nnope: 1\n"),
            "d/mlcc.yaml": named("p-d", "deployment: {instance_count: 2}\n").replace(
                "{config: http-fastapi}\ndeployment: {instance_count: 2}", "{config: http-fastapi, instance_count: 2}"
            ),
        },
    )
    return Path.cwd()


def test_every_line_names_its_project_from_the_root(repo: Path, mlcc: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("b")
    result = mlcc("plan", "--all", code=1)
    *lines, last = result.stdout.splitlines()
    assert last == "5 projects: 2 unchanged, 2 changed, 1 refused"
    folded = re.sub(r"\n {6,}", " ", "\n".join(lines)).splitlines()
    assert all(re.search(r"(^|\s)(b/deep|d)/", line) for line in folded if line), folded
    assert "b/deep/mlcc.yaml: 2 to update, 21 unchanged" in lines
    assert "  ~ update    b/deep/do/config" in lines
    assert any(line.startswith("  b/deep/mlcc.yaml: ttl: 8h -> 2d") for line in lines)
    assert any(line.startswith("  d/mlcc.yaml: cost of default: 0.23 -> 0.46 $/h") for line in lines)
    assert "c/mlcc.yaml:5:1: error MLCC020 nope:" in result.stderr
    assert os.getcwd() == str(repo / "b"), "a run leaves the working directory as it was"


def test_quiet_keeps_one_line_a_project_and_the_sums(repo: Path, mlcc: Caller) -> None:
    result = mlcc("plan", "--all", "-q", code=1)
    assert result.stdout.splitlines() == [
        "b/deep/mlcc.yaml: 2 to update, 21 unchanged",
        "d/mlcc.yaml: 2 to update, 21 unchanged",
        "5 projects: 2 unchanged, 2 changed, 1 refused",
    ]
    assert "note" not in result.stderr


def test_notes_are_said_once(repo: Path, mlcc: Caller) -> None:
    result = mlcc("plan", "--all", "--set", "tags.team=x", code=1)
    lines = [line for line in result.stderr.splitlines() if line.startswith("note: ")]
    assert lines == [
        "note: tags.team = x comes from --set tags.team, not from a committed file (4 projects)",
        "note: prices of us-east-1, 2026-09-27, on demand; 730 hours a month",
    ]


def test_notes_that_are_findings_are_said_once(repo: Path, mlcc: Caller) -> None:
    """A choice that the locks hold, and that the registries would make otherwise today."""
    for folder in FOLDERS:
        lock = repo / folder / "mlcc.lock"
        held = lock.read_text().replace(
            'framework.version: {value: "1.9.1", for', 'framework.version: {value: "1.5.2", for'
        )
        assert held != lock.read_text()
        lock.write_text(held)
    result = mlcc("plan", "--all", code=1)
    assert result.stderr.count("MLCC225") == 1
    line = next(line for line in result.stderr.splitlines() if "MLCC225" in line)
    assert line.startswith("a/mlcc.lock: note MLCC225 framework.version:")
    assert line.endswith("(and in 3 more projects)")
    assert "MLCC225" not in mlcc("plan", "--all", "-q", code=1).stderr
    assert mlcc("plan", "--all", "-o", "github", code=1).stdout.count("MLCC225") == 4


def test_verbose_names_sources_before_the_result(repo: Path, mlcc: Caller) -> None:
    (repo / "c/mlcc.yaml").write_text(named("p-c"))
    assert "Configuration sources" not in mlcc("plan", "--all", code=0).stderr
    result = run_mlcc("plan", "a/mlcc.yaml", "-v", cwd=repo, tty=True).stdout.splitlines()
    assert result.index("Configuration sources:") < next(n for n, line in enumerate(result) if "nothing to do" in line)
    talk = mlcc("plan", "--all", "-v", code=0)
    assert talk.stderr.count("Configuration sources:") == 5
    assert "a/mlcc.yaml: nothing to do" in talk.stdout


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("command", [["validate"], ["plan"], ["diff"], ["apply", "--check"], ["apply", "--locked"]])
def test_the_number_of_processes_changes_nothing(repo: Path, mlcc: Caller, command: list[str], form: str) -> None:
    if command == ["diff"] and form in ("sarif", "github", "junit"):
        return
    one = mlcc(*command, "--all", "-o", form, "--jobs", "1")
    for jobs in ("2", "3", "8"):
        assert mlcc(*command, "--all", "-o", form, "--jobs", jobs) == one
    assert one.code == 1
    # and what was answered before is the same, too
    assert mlcc(*command, "--all", "-o", form, "--jobs", "1") == one


def test_apply_of_many_is_the_same_on_all_cores(mlcc: Caller) -> None:
    text = {f"{way}/{folder}/mlcc.yaml": named(f"p-{folder[0]}") for way in "xy" for folder in FOLDERS}
    build_tree(HERE, {**text, "x/.git/HEAD": "", "y/.git/HEAD": ""})
    results = []
    for way, jobs in (("x", "1"), ("y", "4")):
        os.chdir(way)
        results.append(mlcc("apply", "--all", "--jobs", jobs, code=0))
        os.chdir("..")
    assert results[0] == results[1]
    assert results[0].stdout.splitlines()[-1] == "5 projects: 5 changed"
    assert read_tree("x") == read_tree("y")


def document(mlcc: Caller, *arguments: str, shape: str = "output-plan") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(mlcc(*arguments, "-o", "json").stdout)
    assert validator.validate_document(node_of(found, Mark("stdout")), shape) == []
    return found


@pytest.mark.parametrize("command", [["plan"], ["diff"], ["apply", "--check"], ["apply", "--locked"]])
def test_json_has_one_shape(repo: Path, mlcc: Caller, command: list[str]) -> None:
    several = document(mlcc, *command, "--all")
    assert [one["file"] for one in several["projects"]] == [f"{folder}/mlcc.yaml" for folder in FOLDERS]
    assert several["totals"]["projects"] == 5
    assert several["totals"]["refused"] == sum(one["status"] == "refused" for one in several["projects"])
    assert sum(several["summary"].values()) == len(several["changes"])
    assert {path["path"].partition("/")[0] for path in several["changes"]} == {"a", "b", "d", "e"}
    single = document(mlcc, *command, "b/deep/mlcc.yaml")
    (own,) = single["projects"]
    assert own["file"] == "b/deep/mlcc.yaml"
    for key in ("changes", "values", "summary", "costs"):
        assert single[key] == own[key] == several["projects"][1][key]


def test_json_of_validate_has_one_shape(repo: Path, mlcc: Caller) -> None:
    several = document(mlcc, "validate", "--all", shape="output-findings")
    assert [one["status"] for one in several["projects"]] == ["valid", "valid", "refused", "valid", "valid"]
    assert several["projects"][2]["findings"] == several["findings"]
    (own,) = document(mlcc, "validate", "c/mlcc.yaml", shape="output-findings")["projects"]
    assert own == several["projects"][2]


@pytest.mark.parametrize("where", [".", "b", "b/deep"])
@pytest.mark.parametrize("command", [["validate"], ["plan"], ["apply", "--check"], ["apply", "--locked"]])
def test_reports_name_files_from_the_root(
    repo: Path, mlcc: Caller, command: list[str], where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo / "d/do/config").write_text("# mine\n")
    monkeypatch.chdir(where)
    printed = mlcc(*command, "--all", "-o", "github").stdout.splitlines()
    files = {line.partition("file=")[2].partition(",")[0] for line in printed}
    assert "c/mlcc.yaml" in files
    assert all((repo / file).exists() for file in files), files
    run = Sarif.model_validate_json(mlcc(*command, "--all", "-o", "sarif").stdout).runs
    places = [r.locations[0].physicalLocation.artifactLocation.uri for r in run[0].results or () if r.locations]
    assert (len(run), set(places)) == (1, files)
    suite = ElementTree.fromstring(mlcc(*command, "--all", "-o", "junit").stdout.encode())[0]
    assert [case.get("name") for case in suite] == [f"{folder}/mlcc.yaml" for folder in FOLDERS]
    passed = [case.get("name") for case in suite if case.find("failure") is None]
    assert "a/mlcc.yaml" in passed
    assert "c/mlcc.yaml" not in passed
    assert suite.get("failures") == str(5 - len(passed))


@pytest.mark.parametrize("form", ["sarif", "github", "junit"])
def test_a_report_of_one_project_names_it_from_the_root_too(
    repo: Path, mlcc: Caller, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("c")
    assert "c/mlcc.yaml" in mlcc("validate", "-o", form, code=1).stdout
    assert "c/mlcc.yaml" in mlcc("plan", "-o", form, code=1).stdout
    assert "./mlcc.yaml" not in mlcc("validate", "-f", "./mlcc.yaml", "-o", form, code=1).stdout


def test_markdown_ends_with_the_sums(repo: Path, mlcc: Caller) -> None:
    assert mlcc("validate", "--all", "-o", "markdown").stdout.endswith("\n\n5 projects: 4 valid, 1 refused; 1 error\n")
    text = mlcc("plan", "--all", "-o", "markdown").stdout
    assert text.endswith("\n5 projects: 2 unchanged, 2 changed, 1 refused\n")
    assert "### `b/deep/mlcc.yaml`\n" in text
    assert "`b/deep/do/config`" in text


def test_check_is_a_failure_where_something_is_to_write(repo: Path, mlcc: Caller) -> None:
    (repo / "c/mlcc.yaml").write_text(named("p-c"))
    lines = mlcc("apply", "--all", "--check", "-o", "github", code=2).stdout.splitlines()
    assert [line.partition(",")[0] for line in lines] == ["::error file=b/deep/mlcc.yaml", "::error file=d/mlcc.yaml"]
    assert "do/config (update)" in lines[0]
    assert [line[:8] for line in mlcc("plan", "--all", "-o", "github", code=0).stdout.splitlines()] == ["::notice"] * 2
    mlcc("apply", "--all", code=0)
    assert mlcc("apply", "--all", "--check", "-o", "github", code=0).stdout == ""


def test_a_failure_goes_before_changes_in_the_exit_code(repo: Path, mlcc: Caller) -> None:
    mlcc("apply", "--all", "--check", code=1)
    mlcc("plan", "--all", "--detailed-exitcode", code=1)
    (repo / "c/mlcc.yaml").write_text(named("p-c"))
    mlcc("apply", "--all", "--check", code=2)
    mlcc("plan", "--all", "--detailed-exitcode", code=2)


def test_a_conflict_refuses_its_project_alone(repo: Path, mlcc: Caller) -> None:
    (repo / "c/mlcc.yaml").write_text(named("p-c"))
    config = repo / "b/deep/do/config"
    config.write_text(config.read_text().replace("export TTL='8h'", "export TTL='5h'"))
    result = mlcc("apply", "--all", code=1)
    assert result.stdout.splitlines()[-1] == "5 projects: 3 unchanged, 1 changed, 1 refused"
    assert "b/deep/do/config: error MLCC201" in result.stderr
    assert "b/deep/mlcc.yaml: nothing was written" in result.stderr
    assert "export INSTANCE_COUNT='2'" in (repo / "d/do/config").read_text()


def test_hunks_name_files_from_the_root(repo: Path, mlcc: Caller) -> None:
    for command in (["diff", "--all"], ["apply", "--all", "--locked"]):
        text = mlcc(*command, code=1).stdout
        assert "\n+++ b/b/deep/do/config" in text
        assert "\n+++ b/do/config" not in text


def test_options_that_name_files_are_read_from_where_they_were_typed(repo: Path, mlcc: Caller) -> None:
    build_tree(HERE, {"b/more.yaml": "tags: {x: y}\n", "b/rows/models/m.yaml": "version: 1\nkind: models\nrows: {}\n"})
    os.chdir("b")
    try:
        found = json.loads(mlcc("plan", "--all", "--config", "more.yaml", "--registry", "rows", "-o", "json").stdout)
    finally:
        os.chdir("..")
    values = {row["path"]: row["source"] for row in found["projects"][0]["values"]}
    assert values == {"tags.x": "config-file"}


def test_a_project_of_another_repository_keeps_its_whole_name(repo: Path, mlcc: Caller, tmp_path: Path) -> None:
    other = build_tree(tmp_path / "other", {"mlcc.yaml": SMALLEST})
    result = mlcc("plan", "a/mlcc.yaml", str(other / "mlcc.yaml"), code=0)
    assert f"{other}/mlcc.yaml: 23 to create" in result.stdout


def test_the_same_project_named_twice_is_one(repo: Path, mlcc: Caller) -> None:
    assert mlcc("plan", "b/deep/mlcc.yaml", "./b/deep", code=0).stdout.splitlines()[-1] == "1 project: 1 changed"


def test_progress_is_a_bar_on_a_terminal_and_nowhere_else(tmp_path: Path) -> None:
    files = {f"p{n}/mlcc.yaml": named(f"p{n}") for n in range(12)}
    repo = git_repo(tmp_path / "repo", files)
    shown = run_mlcc("plan", "--all", "--jobs", "2", cwd=repo, tty=True).stdout
    assert "12 projects: 12 changed" in shown
    assert "planning [" not in run_mlcc("plan", "--all", cwd=repo).stderr


def test_a_bug_in_a_worker_is_one_in_mlcc(repo: Path, mlcc: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """The traceback of the worker is in the file that is attached to a report."""
    monkeypatch.setitem(os.environ, "MLCC_NO_CACHE", "1")
    (repo / "c/mlcc.yaml").write_text(named("p-c"))
    from mlcc.cli.commands import plan

    real = plan.prepare

    def broken(session: Any, project: Any, directory: str, *more: Any) -> Any:
        if directory == "e":
            raise ZeroDivisionError("planted")
        return real(session, project, directory, *more)

    monkeypatch.setattr(plan, "prepare", broken)
    result = mlcc("plan", "--all", "--jobs", "2", code=70)
    assert "this is a bug in mlcc" in result.stderr
    assert "planted" in (Path(os.environ["MLCC_HOME"]) / "crash.log").read_text()
    assert "Traceback" not in result.stdout + result.stderr


def test_a_worker_that_is_killed_is_a_finding(repo: Path, mlcc: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "MLCC_NO_CACHE", "1")
    from mlcc.cli.commands import plan

    real, own = plan.prepare, os.getpid()

    def killed(session: Any, project: Any, directory: str, *more: Any) -> Any:
        if directory == "e" and os.getpid() != own:
            os.kill(os.getpid(), 9)
        return real(session, project, directory, *more)

    monkeypatch.setattr(plan, "prepare", killed)
    assert "error MLCC240: a worker process ended" in mlcc("plan", "--all", "--jobs", "2", code=1).stderr


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="asks Linux")
def test_no_worker_is_left(repo: Path, mlcc: Caller) -> None:
    def children() -> set[str]:
        return {pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}

    before = children()
    mlcc("plan", "--all", "--jobs", "4")
    assert children() <= before


def test_the_same_words_typed_elsewhere_are_another_question(repo: Path, mlcc: Caller) -> None:
    """What was answered is not answered again for files of the same names in another folder."""
    build_tree(HERE, {"a/more.yaml": "ttl: 3d\n", "d/more.yaml": "ttl: 4d\n"})
    found = []
    for folder in ("a", "d"):
        os.chdir(folder)
        found.append(mlcc("plan", "--all", "--config", "more.yaml").stdout)
        os.chdir("..")
    assert ("ttl: 8h -> 3d" in found[0], "ttl: 8h -> 4d" in found[1]) == (True, True)


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_an_answer_follows_every_file(repo: Path, mlcc: Caller, jobs: str) -> None:
    before = mlcc("plan", "--all", "--jobs", jobs).stdout
    assert mlcc("plan", "--all", "--jobs", jobs).stdout == before
    (repo / "e/Dockerfile").write_text("FROM mine\n")
    (repo / "a/mlcc.yaml").write_text(named("p-a", "ttl: 5d\n"))
    after = mlcc("plan", "--all", "--jobs", jobs).stdout
    assert "a/mlcc.yaml: 2 to update" in after
    assert "a/mlcc.yaml" not in before
    (repo / "a/mlcc.yaml").write_text(named("p-a"))
    assert mlcc("plan", "--all", "--jobs", jobs).stdout == mlcc("plan", "--all", "--jobs", "2").stdout != after
