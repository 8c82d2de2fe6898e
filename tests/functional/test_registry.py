"""do/register and mlcc registry, as somebody uses them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from mlcc.cli.commands.registry import _lines
from mlcc.core.errors import UserError
from mlcc.io.git import Head, head
from tests.helpers import Caller, Result, build_tree, git, git_repo, run_mlcc

TOKEN = "hf_" + "a1B2" * 9
CONFIG = """version: 1
project: {name: chat, description: A demo.}
deployment: {config: transformers-vllm, region: us-east-1, instance_type: ml.g5.12xlarge}
model: {name: Qwen/Qwen3-0.6B}
engine: {lora: {enabled: true}}
env: {GREETING: hello, TZ: UTC}
inference_components: [{name: b, gpu_count: 1, copy_count: 2}, {name: a, gpu_count: 1}, {name: idle, enabled: false}]
adapters: [{name: legal, base: b, artifact_url: s3://bucket/legal.tar.gz}]
"""


@pytest.fixture
def project(mlcc: Caller, tmp_path: Path) -> Path:
    build_tree(".", {"mlcc.yaml": CONFIG})
    mlcc("apply", "-q", code=0)
    return Path.cwd()


# What a record has at least.
NAMED = {"projectName": "chat", "deploymentConfig": "transformers-vllm"}


def line(**fields: Any) -> str:
    return json.dumps({**NAMED, **fields}) + "\n"


def registry(*arguments: str, tty: bool = False) -> Result:
    return run_mlcc("registry", *arguments, tty=tty)


def register(project: Path, *arguments: str) -> Any:
    done = run_mlcc("do", "-C", str(project), "register", "--json", *arguments)
    assert done.code == 0, done.stderr
    return json.loads(done.stdout)


def test_a_deployment_is_recorded_and_found(project: Path) -> None:
    made = register(project, "--notes", f"first, with {TOKEN}", "--status", "partial", "--project")
    assert made["notes"] == "first, with ***REDACTED***"
    shown = json.loads(registry("show", made["id"], "-o", "json").stdout)["record"]
    assert {key: value for key, value in shown.items() if key != "number"} == {
        key: value for key, value in made.items() if key != "schema_version"
    }
    assert shown["icList"] == [
        {"name": "a", "image": shown["imageTag"], "gpuCount": 1, "copyCount": 1, "resourceName": "chat-a"},
        {"name": "b", "image": shown["imageTag"], "gpuCount": 1, "copyCount": 2, "resourceName": "chat-b"},
        {
            "name": "legal",
            "isAdapter": True,
            "baseIcName": "b",
            "artifactUrl": "s3://bucket/legal.tar.gz",
            "resourceName": "chat-legal",
        },
    ]
    assert shown["parameters"]["HF_MODEL_ID"] == "Qwen/Qwen3-0.6B"
    assert all(name.startswith(("HF_", "VLLM_", "SM_VLLM_")) for name in shown["parameters"])
    assert shown["variables"] == {"GREETING": "hello"}
    assert shown["registeredBy"]
    assert shown["project"] == {"name": "chat", "description": "A demo."}
    assert (shown["deploymentConfig"], shown["backend"], shown["status"]) == ("transformers-vllm", "vllm", "partial")
    listed = json.loads(registry("list", "-o", "json", "--status", "partial").stdout)["records"]
    assert [one["id"] for one in listed] == [made["id"]]
    assert registry("list", "--region", "eu-west-1").stdout == ""


def test_the_list_says_what_was_deployed_where_and_when_within_80_columns(project: Path) -> None:
    made = register(project)
    long = {
        "projectName": "a" * 40, "deploymentConfig": "diffusors-vllm-omni", "modelName": f"org/{'m' * 60}",
        "region": "ap-southeast-2", "instanceType": "ml.g5.12xlarge",
    }  # fmt: skip
    file = project / "more.jsonl"
    file.write_text(json.dumps({"id": "long", "at": 1_700_000_000, "status": "partial", **NAMED, **long}) + "\n")
    assert registry("log", "--from", str(file)).code == 0
    shown = registry("list", "--limit", "1", tty=True).stdout
    for words in ("chat", "us-east-1", "ml.g5.12xlarge", "transformers-vllm", "Qwen/Qwen3-0.6B", "success"):
        assert words in shown
    assert made["timestamp"][:10] in shown
    assert made["timestamp"][11:16] in shown
    both = registry("list", tty=True).stdout
    assert max(map(len, both.splitlines())) <= 80
    assert "2023-11-14" in both


@pytest.mark.parametrize("name", ["list", "export"])
def test_a_status_is_one_of_those_that_there_are(project: Path, name: str) -> None:
    register(project, "--status", "failed")
    assert registry(name, "--status", "failed").stdout
    refused = registry(name, "--status", "broken")
    assert (refused.code, refused.stdout) == (2, "")
    for word in ("success", "partial", "failed"):
        assert word in refused.stderr


@pytest.mark.parametrize("words", [["--benchmark-enabled"], ["--ci-table", "x"], ["--build-strategy", "nope"]])
def test_what_would_have_no_effect_is_refused(project: Path, words: list[str]) -> None:
    for dry in ([], ["--dry-run"]):
        refused = run_mlcc("do", "register", *words, *dry)
        assert (refused.code, refused.stdout if not dry else "") == (2, "")
        assert words[0] in refused.stderr + refused.stdout
    assert registry("list").stdout == ""


def test_a_build_strategy_is_one_of_mlcc_yaml_s(project: Path) -> None:
    known = "known: codebuild-submit, docker, docker-in-docker, none"
    assert known in run_mlcc("do", "register", "--build-strategy", "x").stderr
    assert register(project, "--build-strategy", "none")["buildStrategy"] == "none"


def test_a_success_that_nobody_saw_is_a_warning(project: Path) -> None:
    unseen = run_mlcc("do", "register", "-q")
    assert (unseen.code, "warning: nothing here shows that the project was deployed" in unseen.stderr) == (0, True)
    assert "--live" in unseen.stderr
    assert "warning" not in run_mlcc("do", "register", "--status", "success").stderr
    assert "warning" not in run_mlcc("do", "register", "--ci", "--dry-run").stderr
    build_tree(project, {".mlcc/run/push.json": "{}"})
    assert "warning" not in run_mlcc("do", "register").stderr
    assert "(default: success)" in " ".join(run_mlcc("do", "register", "--help").stdout.split())


def test_a_record_knows_its_commit(project: Path) -> None:
    assert register(project)["gitCommit"] == "", "no repository"
    git_repo(project.parent)
    made = register(project)
    assert (made["gitCommit"], made["gitDirty"]) == (git(project, "rev-parse", "HEAD"), False)
    (project / "code/serve").write_text("edited\n")
    assert register(project)["gitDirty"] is True


def test_only_files_of_the_commit_make_a_folder_dirty(tmp_path: Path) -> None:
    """Line ends are no difference, nor is what was never committed; a filter that the repository names is not run."""
    root = git_repo(tmp_path, {"p/a": "one\ntwo\n", "other": "x", "p/.gitattributes": "* filter=evil\n"})
    name = git(root, "rev-parse", "HEAD")
    git(root, "config", "filter.evil.clean", f"touch {tmp_path}/run")
    (root / "p/a").write_bytes(b"one\r\ntwo\r\n")
    (root / "p/new").write_text("new")
    (root / "other").write_text("changed")
    path = {"PATH": os.environ["PATH"]}
    assert head(str(root / "p"), path) == Head(name, False)
    assert head(str(root), path) == Head(name, True)
    (root / "p/a").unlink()
    assert head(str(root / "p"), path) == Head(name, True)
    (root / "never").mkdir()
    assert head(str(root / "never"), path) == Head(name, True), "the commit says nothing of this folder"
    assert not (tmp_path / "run").exists()
    assert head(str(root), {"PATH": "/nowhere"}) is None


@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        ("http-flask", {"GREETING": "hello"}),
        ("triton-onnxruntime", {"TRITON_MODEL_REPOSITORY": "model_repository"}),
    ],
)
def test_each_architecture_records_its_own(config: str, parameters: dict[str, str], mlcc: Caller) -> None:
    text = f"version: 1\nproject: {{name: p}}\ndeployment: {{config: {config}}}\nenv: {{GREETING: hello, LANG: C}}\n"
    build_tree(".", {"mlcc.yaml": text})
    mlcc("apply", "-q", code=0)
    made = register(Path.cwd())
    files = {name: value for name, value in made["parameters"].items() if name.endswith("config.pbtxt")}
    assert parameters.items() <= made["parameters"].items()
    assert "LANG" not in {**made["parameters"], **made["variables"]}
    assert len(files) == config.startswith("triton")
    assert all('backend: "onnxruntime"' in text for text in files.values())


def test_projects_are_registered_from_their_files(mlcc: Caller, tmp_path: Path) -> None:
    build_tree(".", {"a/mlcc.yaml": CONFIG, "b/mlcc.yaml": CONFIG, ".git/HEAD": ""})
    done = mlcc("ci", "register", "--all", "--dry-run", code=0)
    calls = json.loads(done.stdout)["calls"]
    assert [(one["service"], one["operation"]) for one in calls] == [("dynamodb", "UpdateItem")]
    assert "is the same configuration as" in done.stderr
    (Path("b/mlcc.yaml")).write_text("version: 1\n")
    refused = mlcc("ci", "register", "--all", "--dry-run", code=1)
    assert refused.stdout == ""
    assert mlcc("ci", "register", "--all", "--offline").code == 2


def test_two_records_are_compared(project: Path) -> None:
    register(project, "--notes", "one")
    register(project, "--notes", "two", "--build-strategy", "codebuild-submit")
    rows = json.loads(registry("diff", "1", "2", "-o", "json").stdout)["values"]
    assert {row["path"]: (row["before"], row["after"]) for row in rows} == {
        "notes": ("one", "two"),
        "buildStrategy": ("docker", "codebuild-submit"),
    }


def test_only_leaves_differ(tmp_path: Path) -> None:
    more = {"b": 1, "c": {"d": "x"}, "same": {}}
    lines = [line(parameters={}, same={}), line(parameters={"LOG_LEVEL": "warning"}, variables={}, more=more)]
    (tmp_path / "lines").write_text("".join(lines))
    assert registry("log", "--from", str(tmp_path / "lines")).code == 0
    rows = json.loads(registry("diff", "1", "2", "-o", "json").stdout)["values"]
    assert [(row["path"], row["before"], row["after"]) for row in rows] == [
        ("more.b", None, 1),
        ("more.c.d", None, "x"),
        ("parameters.LOG_LEVEL", None, "warning"),
    ]
    shown = registry("diff", "1", "2").stdout
    assert "{}" not in shown
    assert "parameters.LOG_LEVEL" in shown


def test_numbers_are_those_of_the_history_that_was_exported(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for notes in ("one", "two", "three"):
        register(project, "--notes", notes)
    (tmp_path / "lines").write_text(registry("export").stdout)
    monkeypatch.setenv("MLCC_HOME", str(tmp_path / "other"))
    assert registry("log", "--from", str(tmp_path / "lines")).code == 0
    found = [json.loads(registry("show", number, "-o", "json").stdout)["record"]["notes"] for number in "123"]
    assert found == ["one", "two", "three"]


def test_records_leave_and_come_as_json_lines(project: Path, tmp_path: Path) -> None:
    made = register(project)
    lines = registry("export").stdout
    assert json.loads(lines)["id"] == made["id"]
    (tmp_path / "lines").write_text(lines.replace(made["id"], "copy") + "\n")
    assert registry("log", "--from", str(tmp_path / "lines")).code == 0
    other = lines.replace(made["id"], "copy").replace('"success"', '"failed"')
    (tmp_path / "other").write_text(other + lines.replace(made["id"], "new"))
    again = registry("log", "--from", str(tmp_path / "other"))
    assert (again.code, "is there already" in again.stderr) == (1, True)
    assert "new" not in registry("export").stdout, "all or none"
    assert json.loads(registry("show", "copy", "-o", "json").stdout)["record"]["configId"] == made["configId"]


def test_equal_records_are_left_and_counted(tmp_path: Path) -> None:
    """A file that grows, or that two machines have, is read again: only what contradicts the history is refused."""
    file = tmp_path / "lines"
    file.write_text(line(id="a", notes="one") + line(id="b"))
    assert registry("log", "--from", str(file)).stdout.split() == ["a", "b"]
    file.write_text(line(id="a", notes="one") + line(id="c") + line(id="c") + registry("export").stdout)
    again = registry("log", "--from", str(file))
    assert (again.code, again.stdout.split()) == (0, ["c"])
    assert "4 of 5 records are there already" in again.stderr
    assert len(json.loads(registry("export", "--json").stdout)["records"]) == 3
    file.write_text(line(id="c") + line(id="a", notes="two"))
    refused = registry("log", "--from", str(file))
    assert (refused.code, "MLCC331" in refused.stderr, "'a'" in refused.stderr) == (1, True, True)
    assert "'c'" not in refused.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        *("[1]", "{", "\x00", "{}", "null"),
        *(line(**one) for one in ({"at": "soon"}, {"at": float("nan")}, {"at": True}, {"at": -1}, {"at": 1e12})),
        *(line(**one) for one in ({"id": 5}, {"id": "a b"}, {"projectName": ""}, {"deploymentConfig": None})),
        *(json.dumps({name: value}) for name, value in NAMED.items()),
    ],
)
def test_what_is_no_record_is_refused_with_its_line(wrong: str, tmp_path: Path) -> None:
    (tmp_path / "lines").write_text(f"{line(id='fine')}{wrong}\n")
    refused = registry("log", "--from", str(tmp_path / "lines"))
    assert refused.code == 1
    assert "lines:2:1: error MLCC333: this is no record: it" in refused.stderr
    assert registry("list").stdout == "", "all or none"


def test_every_wrong_line_is_named_and_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "lines").write_text("{}\n" + line(id="fine") + '\n{"projectName": "p"}\n')
    refused = registry("log", "--from", str(tmp_path / "lines"), "--json")
    found = [(one["line"], one["message"].partition(": ")[2]) for one in json.loads(refused.stdout)["findings"]]
    assert found == [(1, "it has no projectName and no deploymentConfig"), (4, "it has no deploymentConfig")]
    (tmp_path / "lines").write_text("{}\n" * 30)
    refused = registry("log", "--from", str(tmp_path / "lines"), "--json")
    assert len(json.loads(refused.stdout)["findings"]) == 20


def test_a_record_by_hand_says_what_was_deployed() -> None:
    for words in ([], ["--notes", "x"], ["--project", "chat"], ["--deployment-config", "http-flask"]):
        refused = registry("log", *words)
        assert (refused.code, refused.stdout) == (2, "")
        assert "--project NAME and --deployment-config NAME" in refused.stderr
    assert registry("list").stdout == ""
    done = registry("log", "--project", "chat", "--deployment-config", "http-flask", "--region", "us-east-1", "--json")
    (made,) = json.loads(done.stdout)["records"]
    assert (made["projectName"], made["deploymentConfig"], made["region"]) == ("chat", "http-flask", "us-east-1")
    assert made["status"] == "success"


def test_options_that_describe_a_record_do_not_go_with_a_file(tmp_path: Path) -> None:
    (tmp_path / "lines").write_text(line(id="a"))
    for words in (["--status", "failed"], ["--notes", "x"], ["--project", "p"], ["--id", "b"]):
        assert registry("log", "--from", str(tmp_path / "lines"), *words).code == 2
    assert registry("list").stdout == ""


def test_a_record_by_hand_holds_no_secret(tmp_path: Path) -> None:
    deep = {**NAMED, "id": "x", "parameters": {"HF_TOKEN": "short", "PLAIN": TOKEN, "list": [TOKEN]}}
    (tmp_path / "lines").write_text(json.dumps(deep))
    assert registry("log", "--from", str(tmp_path / "lines")).code == 0
    found = json.loads(registry("export").stdout)["parameters"]
    assert found == {"HF_TOKEN": "***REDACTED***", "PLAIN": "***REDACTED***", "list": ["***REDACTED***"]}


def test_a_file_of_too_many_records_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lines").write_text((line() + "\n") * 3)
    assert len(list(_lines(str(tmp_path / "lines"), 3))) == 3
    with pytest.raises(UserError, match="more than 2 records"):
        list(_lines(str(tmp_path / "lines"), 2))


def test_a_list_fits_a_terminal(project: Path) -> None:
    register(project)
    assert max(map(len, registry("list", tty=True).stdout.splitlines())) <= 80
    assert registry("log", "--id", "-x").code == 2
    assert registry("log", "--id", "a b").code == 2


@pytest.mark.parametrize(("text", "code"), [("7d", 0), ("2020-01-31", 0), ("soon", 2), ("2020-02-31", 2)])
def test_times(text: str, code: int) -> None:
    assert registry("list", "--since", text).code == code


def test_a_dry_run_writes_nothing(project: Path) -> None:
    done = run_mlcc("do", "-C", str(project), "register", "--dry-run")
    assert json.loads(done.stdout)["calls"][0]["operation"] == "log"
    assert registry("list").stdout == ""


def test_an_empty_list_says_whether_filters_are_why(project: Path) -> None:
    assert "do/register adds one" in registry("list").stderr
    register(project)
    for filters in (["--deployment-config", "x"], ["--status", "failed"], ["--since", "2999-01-31"]):
        done = registry("list", *filters)
        assert (done.code, done.stdout) == (0, "")
        assert "no record matches these filters" in done.stderr
