"""mlcc plan and diff: what apply would do, shown and not done."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mlcc.core.line_diff import NO_NEWLINE
from mlcc.core.version import VERSION
from tests.helpers import SMALLEST, assert_same, build_tree, read_tree, state_of

HERE = Path()
TOKEN = "ghp_" + "a1B2" * 9
CHANGED = SMALLEST + "ttl: 3d\nenvironments:\n  prod: {deployment: {instance_count: 3}, env: {A: b}}\n  dev: {}\n"


@pytest.fixture
def project(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    mlcc("apply", code=0)
    return Path.cwd()


@pytest.mark.parametrize(
    "command", [["plan"], ["diff"], ["plan", "-o", "json"], ["diff", "-o", "yaml"], ["plan", "-o", "markdown"]]
)
def test_nothing_is_written(mlcc, command):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    before = state_of(Path.cwd())
    mlcc(*command, code=0)
    mlcc(*command, "-C", "elsewhere", code=0)
    assert_same(before, state_of(Path.cwd()))


def test_plan_says_what_apply_then_does(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    planned = json.loads(mlcc("plan", "-o", "json", code=0).stdout)
    done = json.loads(mlcc("apply", "-o", "json", code=0).stdout)
    assert planned == done
    assert planned["summary"]["create"] == len(planned["changes"]) > 10


def test_plan_names_every_action(project, mlcc):
    build_tree(HERE, {"Dockerfile": "# mine\n", "mlcc.yaml": CHANGED})
    result = mlcc("plan", code=0)
    lines = {
        line.split()[2]: line.split()[1]
        for line in result.stdout.splitlines()
        if line.startswith("  ") and ":" not in line
    }
    assert lines["Dockerfile"] == "keep"
    assert lines["do/config"] == "update"
    assert lines["do/env/prod.conf"] == "create"
    assert "ttl: 8h -> 3d  [file]" in result.stdout
    assert "2 to create, 2 to update, 1 kept" in result.stdout


@pytest.mark.parametrize(("text", "plain", "detailed"), [(SMALLEST, 0, 0), (CHANGED, 0, 2)])
def test_exit_codes(project, mlcc, text, plain, detailed):
    build_tree(HERE, {"mlcc.yaml": text})
    mlcc("plan", code=plain)
    mlcc("plan", "--detailed-exitcode", code=detailed)
    assert "to create" in mlcc("plan", "--detailed-exitcode", "-q").stdout or detailed == 0


def test_a_conflict_is_shown_with_1(project, mlcc):
    config = HERE / "do/config"
    config.write_text(config.read_text().replace("export TTL='8h'", "export TTL='5h'"))
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "ttl: 3d\n"})
    result = mlcc("plan", code=1)
    assert "! conflict  do/config" in result.stdout


def test_diff_shows_values_then_lines(project, mlcc):
    build_tree(HERE, {"mlcc.yaml": CHANGED})
    text = mlcc("diff", code=0).stdout
    assert text.index("ttl: 8h -> 3d") < text.index("--- a/do/config")
    assert "-export TTL='8h'\n+export TTL='3d'\n" in text
    assert "+++ b/do/env/prod.conf" in text


def edited_lock(old: str, new: str) -> None:
    lock = HERE / "mlcc.lock"
    text = lock.read_text()
    assert old in text
    lock.write_text(text.replace(old, new))


LOCKS = [
    (f'mlcc: "{VERSION}"', 'mlcc: "0.0.9"', f"mlcc 0.0.9 -> {VERSION}"),
    ('builtin: "sha256:', 'builtin: "sha256:0', "registry digests"),
    ('{value: "8h"', '{value: "9h"', "values"),
    ('mode: "0755"', 'mode: "0700"', "files"),
    ("version: 1\n", "version: 1\n\n# mine\n", "layout"),
]


@pytest.mark.parametrize(("old", "new", "reported"), LOCKS, ids=[reported for *_, reported in LOCKS])
def test_a_change_of_the_lock_alone_is_shown(project, mlcc, old, new, reported):
    edited_lock(old, new)
    planned = mlcc("plan", "--detailed-exitcode", code=2).stdout
    assert f"~ update    mlcc.lock  ({reported})" in planned
    assert "only mlcc.lock changes" in planned
    document = json.loads(mlcc("plan", "-o", "json", code=0).stdout)
    changed = [c for c in document["changes"] if c["action"] != "unchanged"]
    assert [(c["path"], c["action"]) for c in changed] == [("mlcc.lock", "update")]
    assert document["summary"]["update"] == 1
    shown = mlcc("diff", code=0).stdout
    assert "+++ b/mlcc.lock" in shown
    assert any(line.startswith("-") and new.splitlines()[-1] in line for line in shown.splitlines())
    assert "mlcc.lock" in mlcc("plan", "-o", "markdown", code=0).stdout
    mlcc("apply", "--check", code=2)
    (HERE / "plan.json").write_text(json.dumps(document))
    mlcc("apply", "--plan", "plan.json", code=0)
    mlcc("apply", "--locked", code=0)


def test_a_saved_plan_holds_the_lock_to_its_bytes(project, mlcc):
    edited_lock('{value: "8h"', '{value: "9h"')
    (HERE / "plan.json").write_text(mlcc("plan", "-o", "json", code=0).stdout)
    mlcc("apply", code=0)
    assert "MLCC221" in mlcc("apply", "--plan", "plan.json", code=1).stderr


def test_diff_of_nothing_says_so(project, mlcc):
    """A cost stands beside a choice, and here is none; `mlcc show` has it."""
    assert mlcc("diff", code=0).stdout == "nothing to do: the project is as mlcc.yaml says\n"


def test_diff_shows_a_line_feed_that_is_missing(project, mlcc):
    """All that differs, as where an earlier release rendered the file without one."""
    cut = (HERE / "Dockerfile").read_bytes().removesuffix(b"\n")
    build_tree(HERE, {"Dockerfile": cut, ".mlcc/base/Dockerfile": cut})
    assert mlcc("diff", code=0).stdout.splitlines()[-3:] == ['-CMD ["serve"]', NO_NEWLINE, '+CMD ["serve"]']


def test_diff_shows_what_a_deletion_takes(project, mlcc):
    build_tree(HERE, {"mlcc.yaml": CHANGED})
    mlcc("apply", code=0)
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    assert "-export INSTANCE_COUNT='3'" in mlcc("diff", code=0).stdout


def test_diff_shows_that_a_removed_key_is_absent(project, mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "env: {A: b}\n"})
    mlcc("apply", code=0)
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    assert "env.A: b -> (absent)  [removed]" in mlcc("diff", code=0).stdout


def test_two_environments_are_compared(mlcc):
    build_tree(HERE, {"mlcc.yaml": CHANGED})
    before = read_tree(HERE)
    document = json.loads(mlcc("diff", "--env", "dev", "--env", "prod", "-o", "json", code=0).stdout)
    assert document["values"] == [
        {"path": "deployment.instance_count", "before": 1, "after": 3, "source": "overlay"},
        {"path": "env.A", "before": None, "after": "b", "source": "overlay"},
    ]
    assert "deployment.instance_count" in mlcc("diff", "--env", "default", "--env", "prod", code=0).stdout
    lines = mlcc("diff", "--env", "default", "--env", "dev", code=0).stdout.splitlines()
    assert lines[0] == "no value differs"
    assert [line.split(":")[0] for line in lines[1:3]] == ["cost of default", "cost of dev"]
    assert_same(before, read_tree(HERE))


def test_three_environments_are_one_too_many(mlcc):
    build_tree(HERE, {"mlcc.yaml": CHANGED})
    assert "MLCC901" in mlcc("diff", "--env", "dev", "--env", "prod", "--env", "dev", code=2).stderr


def test_foreign_text_in_a_diff_drives_no_terminal(project, mlcc):
    (HERE / "do/config").write_bytes(b"\x1b]0;title\x07\n::error::x\n\xff\xfe\n")
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "ttl: 3d\n"})
    for command in ("plan", "diff", "apply"):
        result = mlcc(command, "--force") if command == "apply" else mlcc(command)
        assert "\x1b" not in result.stdout + result.stderr
        assert not [line for line in result.stdout.splitlines() if line.startswith("::")]


def test_markdown_is_a_table(project, mlcc):
    build_tree(HERE, {"mlcc.yaml": CHANGED})
    text = mlcc("plan", "-o", "markdown", code=0).stdout
    assert "| action" in text
    assert "| ttl " in text
    assert text.rstrip().endswith("unchanged")


def test_quiet_says_nothing_but_the_result(project, mlcc):
    for more, said in (((), ""), (("--set", "ttl=3h"), "2 to update, ")):
        result = mlcc("plan", "-q", *more, code=0)
        assert result.stderr == ""
        assert result.stdout.startswith(said)
        assert bool(result.stdout) == bool(more)


def test_a_conflict_in_diff_exits_1(project, mlcc):
    config = HERE / "do/config"
    config.write_text(config.read_text().replace("export TTL='8h'", "export TTL='5h'"))
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "ttl: 3d\n"})
    mlcc("diff", code=1)


FORGED = {
    "below a value": {"env.A": "x", "env.A.b": "x"},
    "a list that is a number": {"inference_components": "7", "'inference_components[a].name'": "a"},
    "a path": {"project.name": "../../x"},
    "a section": {"project": "null"},
    "a list for a text": {"deployment.config": "[http-flask]"},
}


@pytest.mark.parametrize("values", FORGED.values(), ids=FORGED)
@pytest.mark.parametrize("command", ["plan", "diff", "apply"])
def test_a_forged_lock_of_another_mlcc_is_compared_with_nothing(mlcc, command, values):
    """To tell who moved a value, what the lock records is resolved again: only where mlcc.yaml could hold it."""
    build_tree(".", {"mlcc.yaml": SMALLEST + "env: {A: b}\n"})
    mlcc("apply", "-q", code=0)
    kept = [
        line
        for line in Path("mlcc.lock").read_text().split("\n")
        if not line.startswith(tuple(f"  {key}:" for key in values))
    ]
    forged = "".join(f"  {key}: {{value: {value}, source: file}}\n" for key, value in values.items())
    text = re.sub(r"(?m)^mlcc: .*", "mlcc: 0.0.9", "\n".join(kept)).replace("\nvalues:\n", f"\nvalues:\n{forged}", 1)
    Path("mlcc.lock").write_text(text)
    assert "not by mlcc.yaml" not in mlcc(command, code=0).stdout


# ---------------------------------------------------------------- a lock that holds a secret
FORMS = {
    "a value": ("values:\n", f"values:\n  env.NOTE: {{{{value: {TOKEN}, source: file}}}}\n"),
    "a value by its name": ("values:\n", "values:\n  env.DB_PASSWORD: {value: hunter2hunter2, source: file}\n"),
    "a number by its name": ("values:\n", "values:\n  env.DB_PASSWORD: {value: 1234567890, source: file}\n"),
    "a name": ("values:\n", f"values:\n  env.{TOKEN}: {{{{value: x, source: file}}}}\n"),
    "the version": ("version: 1\nmlcc: ", f"version: 1\nmlcc: {TOKEN} # "),
    "a choice": ("value: http-fastapi", f"value: {TOKEN}"),
    "a file": ("files:\n", f"files:\n  code/{TOKEN}.py: {{{{owner: seed, mode: 0644, digest: x}}}}\n"),
}
COMMANDS = [["plan", "-o", "json"], ["diff"], ["apply", "--locked"], ["apply", "--check", "-o", "json"], ["apply"]]


@pytest.mark.parametrize("form", FORMS)
def test_what_a_lock_holds_of_a_secret_is_not_shown(project, mlcc, form):
    old, new = FORMS[form]
    lock = (HERE / "mlcc.lock").read_text()
    assert old in lock
    for command in COMMANDS:
        (HERE / "mlcc.lock").write_text(lock.replace(old, new.replace("{{", "{").replace("}}", "}"), 1))
        result = mlcc(*command)
        shown = result.stdout + result.stderr
        assert not [word for word in (TOKEN, "hunter2", "1234567890") if word in shown], (command, shown)


@pytest.mark.parametrize("lost", [".gitignore", ".gitattributes"])
def test_a_file_for_git_that_is_missing_is_seen(project, mlcc, lost):
    before = read_tree(HERE)
    (HERE / ".mlcc" / lost).unlink()
    assert "only .mlcc changes" in mlcc("apply", "--check", code=2).stdout
    assert f".mlcc: error MLCC214: 1 file is not as mlcc apply writes them: .mlcc/{lost}" in " ".join(
        mlcc("apply", "--locked", code=1).stderr.split()
    )
    assert "done: only .mlcc changed" in mlcc("apply", code=0).stdout
    assert_same(before, read_tree(HERE))
    assert "nothing to do" in mlcc("apply", "--check", code=0).stdout
