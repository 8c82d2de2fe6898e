"""The do/ steps that start nothing, the shims themselves, and what makes a step refuse to run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mlcc.lifecycle import STEPS
from tests.helpers import File, Result, applied, build_tree, fork_server, run_mlcc

HEAD = """version: 1
project: {name: iris}
deployment: {config: http-flask}
"""
CONFIG = (
    HEAD
    + """env: {LOG_LEVEL: info, EMPTY: ""}
inference_components: [{name: chat, copy_count: 1, env: {WHO: chat}}]
environments:
  prod:
    deployment: {instance_count: 3}
    env: {LOG_LEVEL: warning}
    env_unset: [OMP_NUM_THREADS]
    inference_components: [{name: chat, copy_count: 2}, {name: extra}]
"""
)
# An engine whose builds fail.
FAILING = """#!/bin/sh
case "$1" in
version) echo '{"Server": {"Version": "1"}}' ;;
build) echo "no space left on device"; exit 1 ;;
*) exit 1 ;;
esac
"""
LATER = sorted(name for name, step in STEPS.items() if step.run is None)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return applied(tmp_path, CONFIG)


def do(project: Path, *arguments: str, **environ: str) -> Result:
    return run_mlcc("do", "-C", str(project), *arguments, cwd="/", env=environ or None)


def test_config_holds_what_the_files_say(project: Path) -> None:
    variables = json.loads(do(project, "config", "--json").stdout)["variables"]
    assert variables["PROJECT_NAME"] == "iris"
    assert variables["IC_ENV_LOG_LEVEL"] == "info"
    sourced = subprocess.run(
        ["bash", "-c", '. do/config; printf %s "$IC_ENV_LOG_LEVEL-$INSTANCE_COUNT"'], cwd=project, capture_output=True
    )
    assert sourced.stdout == b"info-1"


def test_an_environment_lies_over_the_default(project: Path) -> None:
    document = json.loads(do(project, "export", "--env", "prod", "--json").stdout)
    assert document["values"]["deployment.instance_count"] == 3
    assert document["values"]["env.LOG_LEVEL"] == "warning"
    assert document["components"]["chat"]["IC_COPY_COUNT"] == "2"
    assert document["components"]["extra"]["IC_ENABLED"] == "true"
    default = json.loads(do(project, "export", "--json").stdout)
    assert default["components"]["chat"]["IC_COPY_COUNT"] == "1"
    assert "extra" not in default["components"]


def test_an_environment_takes_a_default_away(tmp_path: Path) -> None:
    text = CONFIG.replace("http-flask}", "http-flask}\nframework: {name: sklearn, profile: low-latency}")
    build_tree(tmp_path, {"mlcc.yaml": text})
    assert run_mlcc("apply", "-q", cwd=tmp_path).code == 0
    default = json.loads(do(tmp_path, "config", "--json").stdout)["variables"]
    assert default["IC_ENV_OMP_NUM_THREADS"] == "1"
    chosen = do(tmp_path, "config", "--env", "prod", "--json")
    assert chosen.code == 0, chosen.stderr
    variables = json.loads(chosen.stdout)["variables"]
    assert variables["IC_ENV_MLCC_THREADS"] == "1"
    assert [name for name in variables if "OMP_NUM_THREADS" in name or "UNSET" in name] == []


def test_an_unknown_environment_is_refused_with_the_known_ones(project: Path) -> None:
    refused = do(project, "config", "--env", "prd")
    assert refused.code == 1
    assert "did you mean prod?" in refused.stderr


def test_validate_sees_that_mlcc_yaml_was_not_applied(project: Path) -> None:
    """A switch of the backend that ended in a conflict, for instance, and a mistake."""
    text = (project / "mlcc.yaml").read_text()
    for edited, says in (
        (text.replace("http-flask", "http-fastapi"), "mlcc.yaml: not applied: deployment.config (mlcc apply)"),
        (text + "nothing: 1\n", "mlcc.yaml: has errors (mlcc validate)"),
    ):
        assert edited != text
        (project / "mlcc.yaml").write_text(edited)
        found = do(project, "validate")
        assert (found.code, says in found.stdout) == (1, True), found.stdout
    (project / "mlcc.yaml").write_text(text)
    assert do(project, "validate").code == 0


def test_validate_tells_edits_apart(project: Path) -> None:
    assert do(project, "validate").code == 0
    (project / "Dockerfile").write_text("FROM scratch\n")
    changed = json.loads(do(project, "validate", "--json").stdout)
    assert {"path": "Dockerfile", "owner": "managed", "state": "changed since mlcc apply"} in changed["files"]
    assert do(project, "validate").code == 1
    assert run_mlcc("apply", "-q", cwd=project).code == 0
    recorded = json.loads(do(project, "validate", "--json").stdout)
    assert {"path": "Dockerfile", "owner": "managed", "state": "edited, recorded"} in recorded["files"]
    handler = project / "code/handler.py"
    handler.write_text("<<<<<<< a\nx\n=======\ny\n>>>>>>> b\n")
    marked = do(project, "validate")
    assert (marked.code, "conflict markers in it     code/handler.py" in marked.stdout) == (1, True)
    handler.unlink()
    assert do(project, "validate").code == 0
    serve = project / "code/serve"
    text = serve.read_bytes()
    serve.chmod(0o644)
    plain = do(project, "validate")
    assert (plain.code, "not executable any more    code/serve" in plain.stdout) == (1, True)
    serve.unlink()
    gone = do(project, "validate")
    assert (gone.code, "missing, the server needs it code/serve" in gone.stdout) == (1, True)
    refused = do(project, "build", "--target", "local")
    assert (refused.code, "mlcc apply --restore code/serve" in refused.stderr) == (3, True)
    serve.write_bytes(text)
    serve.chmod(0o755)
    assert do(project, "validate").code == 0
    (project / "Dockerfile").unlink()
    assert do(project, "validate").code == 1
    assert run_mlcc("apply", "-q", "--keep-deleted", "Dockerfile", cwd=project).code == 0
    answered = json.loads(do(project, "validate", "--json").stdout)
    assert {"path": "Dockerfile", "owner": "managed", "state": "removed by you"} in answered["files"]
    assert answered["ok"]


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        ("export INSTANCE_COUNT='9'\n", "INSTANCE_COUNT differs from mlcc.lock"),
        ("export NEW='1'\n", "NEW is not in mlcc.lock"),
    ],
)
def test_a_value_that_is_not_the_locks_is_exit_3(project: Path, edit: str, says: str) -> None:
    path = project / "do/config"
    name = edit.partition("=")[0]
    lines = [line for line in path.read_text().splitlines(keepends=True) if not line.startswith(name)]
    path.write_text("".join(lines) + edit)
    refused = do(project, "export")
    assert refused.code == 3
    assert says in refused.stderr
    assert "mlcc set" in refused.stderr
    assert "mlcc apply" in refused.stderr


def test_a_comment_in_do_config_is_no_difference(project: Path) -> None:
    path = project / "do/config"
    path.write_text("# mine\n\n" + path.read_text() + "# the end")
    assert do(project, "export").code == 0


@pytest.mark.parametrize("line", ["touch HERE", "export A=$(touch HERE)", "PROJECT_NAME=x", "export A='x' B='y'", "\r"])
def test_anything_but_values_is_refused_with_its_line(project: Path, line: str) -> None:
    path = project / "do/config"
    path.write_text("# first\n" + line + "\n" + path.read_text())
    refused = do(project, "config")
    assert refused.code == 1
    assert "do/config:2:1: error MLCC301" in refused.stderr
    assert not (project / "HERE").exists()


def test_no_project_and_a_killed_apply_are_exit_3(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    nothing = do(tmp_path_factory.mktemp("empty"), "status")
    assert nothing.code == 3
    assert "mlcc apply" in nothing.stderr
    build_tree(project, {".mlcc/txn/journal.json": "{}"})
    killed = do(project, "status")
    assert killed.code == 3
    assert "mlcc apply finishes it" in killed.stderr


@pytest.mark.parametrize("name", LATER)
def test_a_step_of_a_later_version_says_so(project: Path, name: str) -> None:
    later = do(project, name)
    assert later.code == 3
    assert f"do/{name} is not there in this version of mlcc" in later.stderr


@pytest.mark.parametrize("name", ["run"])
def test_what_an_aws_target_cannot_yet_is_exit_3_and_names_local(project: Path, name: str) -> None:
    later = do(project, name)
    assert later.code == 3
    assert "--target local" in later.stderr


@pytest.mark.parametrize("name", ["deploy", "status", "test", "logs", "clean"])
def test_without_region_and_credentials_it_is_exit_3_with_what_to_do(project: Path, name: str) -> None:
    nowhere = do(project, name)
    assert nowhere.code == 3
    assert "mlcc set deployment.region" in nowhere.stderr
    environ = {"AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": str(project / "none")}
    nobody = do(project, name, **environ)
    assert nobody.code == 3
    assert "aws configure, or AWS_PROFILE" in nobody.stderr


def test_a_dry_run_of_a_deployment_asks_nobody(project: Path) -> None:
    shown = json.loads(do(project, "deploy", "--dry-run").stdout)
    assert shown["calls"][0]["operation"] == "CreateModel"
    assert shown["assumed"]["region"] == "us-east-1"


DRY = {
    **{
        name: (name,)
        for name, step in STEPS.items()
        if step.run is not None and name not in ("run", "submit", "adapter")
    },
    "adapter": ("adapter", "list"),
    "manifest --live": ("manifest", "--live"),
    "register --ci": ("register", "--ci"),
    "register --live": ("register", "--live"),
    "status --why": ("status", "--why"),
    "logs --follow": ("logs", "--follow"),
}


@pytest.mark.parametrize("name", DRY)
@pytest.mark.parametrize("target", ["realtime-inference", "local", "hyperpod-eks"])
def test_a_dry_run_of_a_step_is_its_calls_and_asks_nobody(
    project: Path, tmp_path: Path, name: str, target: str
) -> None:
    if target == "hyperpod-eks":  # which has its manifests, and takes no lists of components
        project = applied(tmp_path / "cluster", HEAD.replace("http-flask", f"http-flask, target: {target}"))
    ran = do(project, *DRY[name], "--target", target, "--dry-run")
    if name in ABSENT.get(target, ()):
        code = 2 if "--" in name else 3  # an option that is not there is usage, a step that is not there is not
        assert (ran.code, "MLCC3" in ran.stdout + ran.stderr) == (code, True)
        return
    assert ran.code == 0, ran.stderr
    assert {"calls", "assumed"} <= json.loads(ran.stdout).keys()


ABSENT = {
    "local": ("adapter", "manifest --live", "register --live"),
    "hyperpod-eks": ("adapter", "manifest --live", "register --live"),
}


def test_manifest_lists_nothing_of_a_fresh_project(project: Path) -> None:
    assert json.loads(do(project, "manifest", "--json").stdout)["assets"] == []


RECORDS = {
    "process": ({"kind": "venv", "reference": "/v/bin/python"}, {"kind": "process", "url": "http://127.0.0.1:8080"}),
    "container": ({"kind": "image", "reference": "mlcc/iris:1"}, {"kind": "container", "url": "http://127.0.0.1:9"}),
}


@pytest.mark.parametrize("kind", RECORDS)
def test_manifest_lists_the_build_the_server_and_the_sample_model(project: Path, kind: str) -> None:
    built, server = RECORDS[kind]
    build_tree(
        project,
        {
            ".mlcc/run/build.json": json.dumps(built),
            ".mlcc/run/server.json": json.dumps(server),
            "sample_model/model/model.joblib": "",
        },
    )
    wanted = [
        {"asset": "build", "kind": built["kind"], "name": built["reference"]},
        {"asset": "server", "kind": kind, "name": server["url"]},
        {"asset": "model", "kind": "sample", "name": "sample_model/model"},
    ]
    assert json.loads(do(project, "manifest", "--json").stdout)["assets"] == wanted
    lines = do(project, "manifest").stdout.splitlines()
    assert [line.split() for line in lines] == [list(asset.values()) for asset in wanted]


# ---------------------------------------------------------------- secrets
BY_NAME, BY_FORMAT = "hunter2hunter2", "AKIAIOSFODNN7EXAMPLE"


@pytest.fixture
def secretive(project: Path) -> Path:
    """A project with secrets in its files; apply refuses them, so they are written the way a hand would."""
    for name in ("do/config", "do/env/prod.conf", "do/ic/chat.conf", "mlcc.lock"):
        lines = (project / name).read_text().splitlines()
        for n, line in enumerate(lines):
            if "LOG_LEVEL" in line:
                lines[n] = re.sub(r"\b(info|warning)\b", BY_NAME, line.replace("LOG_LEVEL", "API_KEY"))
            if "WHO" in line:
                lines[n] = re.sub(r"(='|value: )chat", rf"\g<1>{BY_FORMAT}", line)
        (project / name).write_text("\n".join(lines) + "\n")
    return project


@pytest.mark.parametrize("shape", [[], ["--json"], ["-o", "yaml"]])
@pytest.mark.parametrize("env", [[], ["--env", "prod"]])
@pytest.mark.parametrize(("name", "variable"), [("config", "IC_ENV_API_KEY"), ("export", "env.API_KEY")])
def test_secrets_are_never_printed(secretive: Path, name: str, variable: str, env: list[str], shape: list[str]) -> None:
    shown = do(secretive, name, *env, *shape)
    assert shown.code == 0, shown
    assert variable in shown.stdout
    assert "***REDACTED***" in shown.stdout
    assert BY_NAME not in shown.stdout + shown.stderr
    assert BY_FORMAT not in shown.stdout + shown.stderr


def test_only_the_secrets_are_taken_out(secretive: Path) -> None:
    variables = json.loads(do(secretive, "config", "--json").stdout)["variables"]
    assert variables["IC_ENV_API_KEY"] == "***REDACTED***"
    assert (variables["PROJECT_NAME"], variables["IC_ENV_EMPTY"]) == ("iris", "")
    exported = json.loads(do(secretive, "export", "--json").stdout)
    assert exported["values"]["env.API_KEY"] == "***REDACTED***"
    assert exported["values"]["project.name"] == "iris"
    assert exported["components"]["chat"]["IC_ENV_WHO"] == "***REDACTED***"
    assert exported["components"]["chat"]["IC_COPY_COUNT"] == "1"


# ---------------------------------------------------------------- shims
def test_the_shim_finds_mlcc_and_passes_its_name(project: Path) -> None:
    for name in sorted(p.name for p in (project / "do").iterdir() if os.access(p, os.X_OK) and p.is_file()):
        environ = {**os.environ, "MLCC": fork_server().program}
        done = subprocess.run([project / "do" / name, "--help"], cwd="/", env=environ, capture_output=True, text=True)
        assert done.returncode == 0, (name, done.stderr)
        assert STEPS[name].title in done.stdout


def test_the_shim_says_when_mlcc_is_not_there(project: Path) -> None:
    environ = {"PATH": "/usr/bin:/bin", "MLCC": "mlcc-that-is-not-there"}
    done = subprocess.run([project / "do/status"], env=environ, capture_output=True, text=True)
    assert done.returncode == 3
    assert "install it as its README says" in done.stderr
    assert "pip install mlcc" not in done.stderr, "no index has a package of ours under this name"


def test_the_shim_runs_nothing_of_the_project(project: Path) -> None:
    """Modules planted beside the project shadow none of mlcc's."""
    planted = {f"{name}.py": "open('EXECUTED', 'w')\n" for name in ("click", "json", "yaml", "mlcc", "ruamel")}
    build_tree(project, {**planted, "sitecustomize.py": "open('EXECUTED', 'w')\n"})
    environ = {**os.environ, "MLCC": os.path.join(os.path.dirname(sys.executable), "mlcc")}
    done = subprocess.run(["do/export"], cwd=project, env=environ, capture_output=True)
    assert done.returncode == 0
    assert not (project / "EXECUTED").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["validate"],
        ["register", "--status", "success"],
        ["clean", "--target", "local"],
    ],  # unseen, its default is a warning
    ids=" ".join,
)
def test_quiet_steps_confirm_nothing(project: Path, words: list[str]) -> None:
    """What was done is said no more; a document stays."""
    quiet = do(project, *words, "-q", MLCC_ENGINE="none")
    assert (quiet.code, quiet.stdout, quiet.stderr) == (0, "", "")
    assert do(project, *words, MLCC_ENGINE="none").stdout
    assert json.loads(do(project, *words, "-q", "--json", MLCC_ENGINE="none").stdout)["schema_version"] == 1


@pytest.mark.parametrize(
    "words",
    [["config"], ["status", "--target", "local"], ["manifest"], ["export"]],
    ids=" ".join,
)
def test_quiet_steps_answer_what_was_asked(project: Path, words: list[str]) -> None:
    quiet = do(project, *words, "-q", MLCC_ENGINE="none")
    assert quiet.stdout == do(project, *words, MLCC_ENGINE="none").stdout != ""
    assert quiet.stderr == ""


def test_a_quiet_dry_run_is_its_calls(project: Path) -> None:
    quiet = do(project, "deploy", "--dry-run", "-q")
    assert json.loads(quiet.stdout)["calls"]
    assert quiet.stderr == ""


def test_quiet_steps_say_what_is_wrong(project: Path) -> None:
    (project / "Dockerfile").write_text("changed\n")
    quiet = do(project, "validate", "-q")
    assert (quiet.code, "changed since mlcc apply" in quiet.stdout) == (1, True)


def test_a_quiet_build_that_fails_shows_what_was_printed(project: Path) -> None:
    build_tree(project.parent, {"bin/docker": File(FAILING, 0o755)})
    path = f"{project.parent}/bin:{os.environ['PATH']}"
    build_tree(project, {"sample_model/model/model.joblib": "trained"})
    failed = do(project, "build", "-q", MLCC_ENGINE="docker", PATH=path)
    assert failed.code == 1
    assert "no space left on device" in failed.stderr
    assert "building mlcc/iris" not in failed.stderr.partition("MLCC306")[0]


@pytest.mark.parametrize("output", [["--json"], ["-o", "yaml"]])
@pytest.mark.parametrize("target", ["local", "realtime-inference"])
def test_what_has_no_end_is_no_document(project: Path, target: str, output: list[str]) -> None:
    refused = do(project, "logs", "--follow", "--target", target, *output)
    assert (refused.code, "--follow" in refused.stdout + refused.stderr) == (2, True)
    assert f"do/logs --target {target} --follow without -o" in refused.stdout + refused.stderr
    planned = do(project, "logs", "--follow", "--dry-run", "--target", target, "--json")
    assert planned.code == 0
    assert "calls" in json.loads(planned.stdout)


# ---------------------------------------------------------------- export
def test_export_is_a_document_unless_a_shell_asks(project: Path) -> None:
    usual = do(project, "export").stdout
    assert json.loads(usual) == json.loads(do(project, "export", "--json").stdout)
    assert json.loads(usual)["values"]["deployment.instance_count"] == 1
    wrong = do(project, "export", "--env", "nope")
    assert (wrong.code, wrong.stdout) == (1, "")
    assert "nope" in wrong.stderr


@pytest.mark.parametrize("value", ["it's", "$(touch RUN)", "two words", "a\\nb", "`id`", 'say "x"', "tab\there"])
def test_what_export_prints_for_a_shell_are_the_values(tmp_path: Path, value: str) -> None:
    text = HEAD + f"env: {{WORDS: {json.dumps(value)}}}\nenvironments: {{prod: {{ttl: 3h}}}}\n"
    project = build_tree(tmp_path / "p", {"mlcc.yaml": text})
    assert run_mlcc("apply", "-q", cwd=project).code == 0
    printed = do(project, "export", "-o", "shell", "--env", "prod")
    assert printed.code == 0, printed
    script = 'eval "$1"; printf "%s|%s" "$IC_ENV_WORDS" "$TTL"'
    for shell in ("sh", "bash"):
        ran = subprocess.run([shell, "-c", script, shell, printed.stdout], cwd=tmp_path, capture_output=True, text=True)
        assert (ran.stdout, ran.stderr) == (f"{value}|3h", "")
    assert not (tmp_path / "RUN").exists()


def test_a_template_has_no_lines_for_a_shell(project: Path) -> None:
    template = json.loads(do(project, "export", "--cloudformation").stdout)
    assert "AWSTemplateFormatVersion" in template, "as AWS takes it"
    assert json.loads(do(project, "export", "--cloudformation", "--json").stdout)["template"] == template
    refused = do(project, "export", "--cloudformation", "-o", "shell")
    assert (refused.code, refused.stdout) == (2, "")
    assert "MLCC901" in refused.stderr
    assert "do/export -o json" in refused.stderr
