"""`mlcc init --ci`: what is written is valid, asks for little, and its scripts do what they say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from mlcc.io import installation
from mlcc.load.locate import FILE_NAMES
from mlcc.registries import load
from tests.helpers import SMALLEST, Caller, applied, build_tree, commit, fork_server, git, git_repo

HERE = Path()
ROWS = load().entries("ci_systems")
PIN = "mlcc==1.2.3"
SCHEMAS = {
    "github": ["--builtin-schema", "vendor.github-workflows"],
    "gitlab": ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"],
}
HOSTILE = "env: {NOTE: '</td><script>x</script>@admin ::error::x ${{ github.token }} `id` $(touch RUN)'}\n"


def written(mlcc: Caller, system: str) -> Any:
    """The configuration of a system as its own parser reads it (`on` is a text there)."""
    mlcc("init", "--ci", system, "--ci-install", PIN, code=0)
    text = (HERE / str(ROWS[system].facts["file"])).read_text()
    return yaml.load(text, yaml.BaseLoader)


# ---------------------------------------------------------------- the files
def test_every_system_has_a_published_schema_here() -> None:
    assert set(SCHEMAS) == set(ROWS)


@pytest.mark.parametrize("system", ROWS)
def test_a_file_holds_its_published_schema(mlcc: Caller, system: str) -> None:
    """The schemas are those of SchemaStore and GitLab, as check-jsonschema (Apache-2.0) brings them."""
    written(mlcc, system)
    names = [
        str(ROWS[system].facts["file"]),
        *([include["file"]] if (include := ROWS[system].facts.get("include")) else []),
    ]
    done = subprocess.run(["check-jsonschema", *SCHEMAS[system], *names], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_would_find_a_mistake(mlcc: Caller) -> None:
    written(mlcc, "github")
    file = HERE / str(ROWS["github"].facts["file"])
    file.write_text(file.read_text().replace("    steps:", "    step:"))
    done = subprocess.run(["check-jsonschema", *SCHEMAS["github"], str(file)], capture_output=True, text=True)
    assert done.returncode == 1


def test_an_auditor_of_workflows_has_nothing_to_say(mlcc: Caller) -> None:
    written(mlcc, "github")
    argv = ["zizmor", "--offline", "--persona", "auditor", "--format", "json", ".github/workflows"]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert (done.returncode, json.loads(done.stdout)) == (0, []), done.stderr


@pytest.mark.parametrize("system", ROWS)
def test_the_file_is_not_taken_for_a_project(mlcc: Caller, system: str) -> None:
    written(mlcc, system)
    assert Path(str(ROWS[system].facts["file"])).name not in FILE_NAMES
    assert "MLCC411" in mlcc("validate", "--all", code=1).stderr, "there is no project"


def test_a_workflow_asks_for_little_and_puts_nothing_foreign_into_a_script(mlcc: Caller) -> None:
    workflow = written(mlcc, "github")
    assert workflow["permissions"] == {}
    assert {name: job["permissions"] for name, job in workflow["jobs"].items()} == {
        "check": {"contents": "read"},
        "comment": {"pull-requests": "write"},
    }
    assert "pull_request_target" not in workflow["on"]
    for job in workflow["jobs"].values():
        assert int(job["timeout-minutes"]) <= 15
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")
            assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step.get("uses", "actions/x@" + "0" * 40))
            assert step.get("with", {}).get("persist-credentials", "false") == "false"
    installs = [s for j in workflow["jobs"].values() for s in j["steps"] if "pip" in s.get("run", "")]
    assert [(s["working-directory"], s["run"].split()[0]) for s in installs] == [("${{ runner.temp }}", "pip")]


def test_scripts_are_what_a_linter_of_shells_accepts(mlcc: Caller) -> None:
    scripts = [s["run"] for job in written(mlcc, "github")["jobs"].values() for s in job["steps"] if "run" in s]
    scripts += ["\n".join(job["script"]) for name, job in written(mlcc, "gitlab").items() if name.startswith("mlcc")]
    for script in scripts:
        done = subprocess.run(["shellcheck", "-s", "bash", "-"], input=script, capture_output=True, text=True)
        assert done.returncode == 0, script + done.stdout


# ---------------------------------------------------------------- writing them
@pytest.mark.parametrize("system", ROWS)
def test_written_once_and_then_left_alone(mlcc: Caller, system: str) -> None:
    git_repo(HERE)
    build_tree(HERE, {"a/b/x": ""})
    argv = ("init", "--ci", system, "--ci-install", PIN)
    assert "create" in mlcc(*argv, "-C", "a/b", code=0).stdout, "at the root of the repository"
    file = HERE / str(ROWS[system].facts["file"])
    assert f"'{PIN}'" in file.read_text()
    assert "unchanged" in mlcc(*argv, code=0).stdout
    file.write_text("mine: 1\n")
    refused = mlcc(*argv, code=1)
    assert ("MLCC422" in refused.stderr, file.read_text()) == (True, "mine: 1\n")
    mlcc(*argv, "--force", code=0)
    assert f"'{PIN}'" in file.read_text()
    assert json.loads(mlcc(*argv, "--json", code=0).stdout)["changes"][0]["action"] == "unchanged"


def test_print_writes_nothing(mlcc: Caller) -> None:
    shown = mlcc("init", "--ci", "github", "--ci-install", PIN, "--print", code=0)
    assert list(HERE.iterdir()) == []
    written(mlcc, "github")
    assert shown.stdout == (HERE / str(ROWS["github"].facts["file"])).read_text()


def test_a_pipeline_that_is_there_is_not_touched(mlcc: Caller) -> None:
    build_tree(HERE, {".gitlab-ci.yml": "ours: {script: [make]}\n"})
    said = mlcc("init", "--ci", "gitlab", "--ci-install", PIN, "-q", code=0).stderr
    assert "add to .gitlab-ci.yml: include: [{local: /.gitlab/mlcc-check.yml}]" in said
    assert (HERE / ".gitlab-ci.yml").read_text() == "ours: {script: [make]}\n"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--ci", "jenkins"], 1, "github, gitlab"),
        (["--ci", ""], 2, "empty"),
        (["--print"], 2, "--ci"),
        (["--ci-install", PIN], 2, "--ci"),
        (["iris", "--ci", "github"], 2, "two runs"),
        (["--ci", "github", "--region", "us-east-1"], 2, "two runs"),
        (["--ci", "github"], 1, "MLCC420"),
        *[
            (["--ci", "github", "--ci-install", text], 1, "MLCC421")
            for text in (
                "mlcc", "mlcc>=1", "-r x", "--pre", ".", "./mlcc-1-py3-none-any.whl", "mlcc==1; rm -rf /", "mlcc==1'",
                "mlcc==${{ x }}", "mlcc==$(id)", "git+https://h/x.git@main", "git+ssh://h/x.git@" + "a" * 40,
                "https://u:p@h/x.whl", "http://h/x.whl", "mlcc==1\nx", "file:///x.whl",
            )
        ],
    ],
)  # fmt: skip
def test_what_is_refused(mlcc: Caller, words: list[str], code: int, says: str) -> None:
    assert says in mlcc("init", *words, code=code).stderr
    assert list(HERE.iterdir()) == []


@pytest.mark.parametrize("place", [".github", ".github/workflows", ".github/workflows/mlcc-check.yml"])
def test_no_link_is_followed(mlcc: Caller, place: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    target = outside / "file" if place.endswith("yml") else outside
    if place.endswith("yml"):
        target.write_text("theirs\n")
    (HERE / place).parent.mkdir(parents=True, exist_ok=True)
    (HERE / place).symlink_to(target)
    assert mlcc("init", "--ci", "github", "--ci-install", PIN, "--force").code == 1
    assert [p.read_text() for p in outside.iterdir()] in ([], ["theirs\n"])


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (None, "mlcc==1.2.3"),
        ({"url": "file:///src", "dir_info": {"editable": True}}, ""),
        ({"url": "file:///x.whl", "archive_info": {"hashes": {"sha256": "a" * 64}}}, ""),
        ({"url": "https://h/x-1-py3-none-any.whl", "archive_info": {}}, "https://h/x-1-py3-none-any.whl"),
        (
            {"url": "https://h/x.whl", "archive_info": {"hashes": {"sha256": "a" * 64}}},
            "https://h/x.whl#sha256=" + "a" * 64,
        ),
        (
            {"url": "https://h/m.git", "vcs_info": {"vcs": "git", "commit_id": "b" * 40}},
            "git+https://h/m.git@" + "b" * 40,
        ),
        ({"url": "https://user:secret@h/m.git", "vcs_info": {"vcs": "git", "commit_id": "b" * 40}}, ""),
        ([], ""),
        ({}, ""),
    ],
)
def test_the_way_in_which_this_mlcc_was_installed(record: Any, expected: str) -> None:
    assert installation.of_record(None if record is None else json.dumps(record), "1.2.3") == expected


# ---------------------------------------------------------------- running them
@pytest.fixture
def merged(tmp_path: Path) -> tuple[Path, str]:
    """A checkout of two projects whose HEAD merges a change of one of them, and the commit before it."""
    repo = tmp_path / "repo"
    for name in ("a", "b"):
        applied(repo / name, SMALLEST.replace("iris", name))
    git_repo(repo, {"README": "x\n"})
    base = git(repo, "rev-parse", "HEAD")
    git(repo, "checkout", "-q", "-b", "change")
    (repo / "a/mlcc.yaml").write_text(SMALLEST.replace("iris", "a") + "ttl: 3h\n" + HOSTILE)
    commit(repo, "a lives shorter")
    git(repo, "checkout", "-q", "main")
    git(repo, "merge", "-q", "--no-ff", "-m", "merge", "change")
    return repo, base


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    """Of a machine of CI: mlcc, git and the usual programs on PATH."""
    tools = tmp_path / "tools"
    tools.mkdir(exist_ok=True)
    (tools / "mlcc").symlink_to(fork_server().program)
    return {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(tmp_path), "MLCC_PLUGINS": "none", **more}


def run(script: str, folder: Path, environ: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    argv = ["bash", "--noprofile", "--norc", "-e", *options, "-c", script]
    return subprocess.run(argv, cwd=folder, env=environ, capture_output=True, text=True, timeout=120)


def test_the_workflow_checks_and_plans_what_a_pull_request_changes(
    mlcc: Caller, merged: tuple[Path, str], tmp_path: Path
) -> None:
    steps = {
        step.get("id") or step["name"]: step.get("run", "")
        for step in written(mlcc, "github")["jobs"]["check"]["steps"]
    }
    repo, _ = merged
    temp, summary, output = tmp_path / "temp", tmp_path / "summary", tmp_path / "output"
    temp.mkdir()
    environ = environment(
        tmp_path,
        SELECTION="--changed-since=HEAD^1",
        RUNNER_TEMP=str(temp),
        GITHUB_STEP_SUMMARY=str(summary),
        GITHUB_OUTPUT=str(output),
    )
    before = {p: p.read_bytes() for p in repo.rglob("*") if p.is_file() and ".git" not in p.parts}
    validated = run(steps["Validate"], repo, environ)
    assert validated.returncode == 0, validated
    locked = run(steps["Compare with what mlcc apply writes"], repo, environ)
    assert locked.returncode == 1, "nobody has committed what apply writes"
    assert "a/do/config" in locked.stderr
    planned = run(steps["plan"], repo, environ)
    assert planned.returncode == 0, planned
    plan = summary.read_text()
    assert re.search(r"\| ttl +\| `8h` +\| `3h` +\|", plan), plan
    assert "b/mlcc.yaml" not in plan
    assert "<script>" not in MarkdownIt("gfm-like", {"linkify": False}).render(plan)
    name, _, rest = output.read_text().partition("<<")
    end, _, body = rest.partition("\n")
    assert (name, body) == ("plan", f"{plan}{end}\n")
    assert {p: p.read_bytes() for p in before} == before
    assert not list(tmp_path.rglob("RUN"))


def test_a_long_plan_fits_into_a_comment(mlcc: Caller, merged: tuple[Path, str], tmp_path: Path) -> None:
    steps = {step.get("id"): step.get("run", "") for step in written(mlcc, "github")["jobs"]["check"]["steps"]}
    environ = environment(
        tmp_path, RUNNER_TEMP=str(tmp_path), GITHUB_STEP_SUMMARY=str(tmp_path / "s"), GITHUB_OUTPUT=str(tmp_path / "o")
    )
    many = "".join(f"  K{n}: '{'x ' * 180}'\n" for n in range(80))
    for name in ("a", "b"):
        (merged[0] / name / "mlcc.yaml").write_text(SMALLEST.replace("iris", name) + f"env:\n{many}")
    commit(merged[0], "much")
    planned = run(steps["plan"], merged[0], environ)
    assert planned.returncode == 0, planned
    lines = (tmp_path / "o").read_text().splitlines()
    assert 30_000 < len("\n".join(lines[1:-1])) <= 65_000, "a comment of GitHub's has room for 65,536 characters"
    assert lines[1:-1] == (tmp_path / "s").read_text().splitlines()
    assert any(line.startswith("Left out, because") for line in lines), lines[-40:]


GH = """#!/bin/sh
printf '%s\\n' "$*" >>"$RUNNER_TEMP/calls"
case "$*" in *--paginate*) printf '%s' "$COMMENTS" ;; esac
"""


@pytest.mark.parametrize(
    ("there", "expected"),
    [("", "issues/7/comments --field"), ("12\n34\n", "--method PATCH repos/o/r/issues/comments/12 ")],
)
def test_the_comment_is_made_once_and_then_changed(mlcc: Caller, tmp_path: Path, there: str, expected: str) -> None:
    [step] = written(mlcc, "github")["jobs"]["comment"]["steps"]
    gh = build_tree(tmp_path / "bin", {"gh": GH}) / "gh"
    gh.chmod(0o755)
    plan = "| `$(touch RUN)` | `${PATH}` |"
    environ = {
        "PATH": f"{gh.parent}:{os.environ['PATH']}", "RUNNER_TEMP": str(tmp_path), "GITHUB_REPOSITORY": "o/r",
        "PULL": "7", "PLAN": plan, "COMMENTS": there,
    }  # fmt: skip
    assert run(step["run"], tmp_path, environ).returncode == 0
    assert (tmp_path / "body.md").read_text() == f"<!-- mlcc plan -->\n### mlcc plan\n\n{plan}\n"
    first, last = (tmp_path / "calls").read_text().splitlines()
    assert "github-actions[bot]" in first
    assert expected in last
    assert not (tmp_path / "RUN").exists()


def test_the_pipeline_checks_and_plans_what_a_merge_request_changes(
    mlcc: Caller, merged: tuple[Path, str], tmp_path: Path
) -> None:
    _, *script = written(mlcc, "gitlab")["mlcc"]["script"]
    repo, base = merged
    environ = environment(tmp_path, CI_MERGE_REQUEST_DIFF_BASE_SHA=base)
    done = run("\n".join(script), repo, environ, "-o", "pipefail")
    assert done.returncode == 1, "nobody has committed what apply writes"
    assert re.search(r"\| ttl +\| `8h` +\| `3h` +\|", (repo / "mlcc-plan.md").read_text())
    assert "<testsuites" in (repo / "mlcc.junit.xml").read_text()
    assert run("mlcc apply -q --all", repo, environ).returncode == 0
    assert run("\n".join(script), repo, environ, "-o", "pipefail").returncode == 0
    del environ["CI_MERGE_REQUEST_DIFF_BASE_SHA"]
    assert run("\n".join(script), repo, environ, "-o", "pipefail").returncode == 0, "the default branch: all projects"
    assert not list(tmp_path.rglob("RUN"))


class Notes(BaseHTTPRequestHandler):
    """The notes of one merge request, in pages of one."""

    notes: list[dict[str, Any]]

    def log_message(self, *_: Any) -> None:
        """Nothing."""

    def _answer(self, value: Any, **headers: str) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        for name, text in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), text)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        assert self.headers["PRIVATE-TOKEN"] == "token"
        if self.path == "/api/user":
            return self._answer({"id": 5})
        page = int(re.search(r"[?&]page=(\d+)", self.path)[1])  # type: ignore[index]
        return self._answer(self.notes[page - 1 : page], X_Next_Page=str(page + 1) if page < len(self.notes) else "")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]
        tail = self.path.removeprefix("/api/projects/3/merge_requests/9/notes").strip("/")
        if tail:
            next(n for n in self.notes if n["id"] == int(tail))["body"] = body
        else:
            self.notes.append({"id": len(self.notes) + 1, "author": {"id": 5}, "body": body})
        self._answer({})

    def do_PUT(self) -> None:
        self.do_POST()


@pytest.fixture
def notes() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    theirs = {"id": 1, "author": {"id": 6}, "body": "<!-- mlcc plan -->\nnot ours"}
    handler = type("Handler", (Notes,), {"notes": [theirs, {"id": 2, "author": {"id": 5}, "body": "hello"}]})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api", handler.notes
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_note_is_made_once_and_then_changed(
    mlcc: Caller, tmp_path: Path, notes: tuple[str, list[dict[str, Any]]]
) -> None:
    job = written(mlcc, "gitlab")["mlcc-comment"]
    url, found = notes
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "CI_API_V4_URL": url, "CI_PROJECT_ID": "3",
        "CI_MERGE_REQUEST_IID": "9", "MLCC_COMMENT_TOKEN": "token", "no_proxy": "*",
    }  # fmt: skip
    for text in ("| `a` |\n", "| `é` |\n"):
        (tmp_path / "mlcc-plan.md").write_text(text)
        done = run("\n".join(job["script"]), tmp_path, environ)
        assert done.returncode == 0, done.stderr
    assert [n["body"] for n in found] == [
        "<!-- mlcc plan -->\nnot ours", "hello", "<!-- mlcc plan -->\n### mlcc plan\n\n| `é` |\n",
    ]  # fmt: skip
    assert job["variables"] == {"GIT_STRATEGY": "none"}
