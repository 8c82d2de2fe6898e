"""mlcc apply: all of a project or nothing, twice is once, and an edit is never lost."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
import yaml

from mlcc.core.version import VERSION
from mlcc.registries import load
from tests.helpers import SMALLEST, applied, assert_no_traceback, assert_same, build_tree, read_tree, run_mlcc, state_of
from tests.stress import faults

HERE = Path()
MANAGED, SEED = "Dockerfile", "code/app.py"


@pytest.fixture
def project():
    """A rendered project in the working directory."""
    applied(HERE)
    return Path.cwd()


def write(text: str) -> None:
    (HERE / "mlcc.yaml").write_text(text)


def summary(result) -> dict:
    document = json.loads(result.stdout)
    return {action: n for action, n in document["summary"].items() if n}


def actions(result) -> dict[str, str]:
    return {c["path"]: c["action"] for c in json.loads(result.stdout)["changes"] if c["action"] != "unchanged"}


# ---------------------------------------------------------------- the first time
def test_the_first_apply_writes_the_project(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    result = mlcc("apply", code=0)
    tree = read_tree(HERE)
    assert {"mlcc.yaml", "mlcc.lock", "Dockerfile", ".dockerignore", "do/config", "do/build", "code/app.py"} <= set(
        tree
    )
    assert tree["mlcc.yaml"] == SMALLEST.encode()
    assert "+ create    Dockerfile" in result.stdout
    assert "done: " in result.stdout
    assert "Configuration sources:" not in result.stderr
    base = {p.removeprefix(".mlcc/base/"): d for p, d in tree.items() if p.startswith(".mlcc/base/")}
    lock = yaml.safe_load(tree["mlcc.lock"])
    assert {r["owner"] for r in lock["files"].values()} == {"managed", "seed"}
    assert_same(base, {p: tree[p] for p in lock["files"]})
    assert set(lock["files"]) == {p for p in tree if not p.startswith(".mlcc/")} - {"mlcc.yaml", "mlcc.lock"}
    assert not (HERE / ".mlcc/txn").exists()
    assert tree[".mlcc/.gitignore"] == b"/run/\n/txn/\n"
    assert tree[".mlcc/.gitattributes"] == b"base/** -text -diff -merge linguist-generated\n"


def test_modes_do_not_depend_on_the_umask(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    before = os.umask(0o077)
    try:
        mlcc("apply", code=0)
    finally:
        os.umask(before)
    lock = yaml.safe_load((HERE / "mlcc.lock").read_text())
    for path, record in lock["files"].items():
        assert stat.S_IMODE((HERE / path).stat().st_mode) == int(record["mode"], 8), path
    assert (HERE / "do/build").stat().st_mode & 0o111
    assert not (HERE / "do/config").stat().st_mode & 0o111


def test_the_same_input_gives_the_same_bytes_anywhere(mlcc, tmp_path):
    trees = []
    for name in ("a", "b/with space/{{ 7*7 }}"):
        folder = build_tree(tmp_path / name, {"mlcc.yaml": SMALLEST})
        mlcc("apply", str(folder / "mlcc.yaml"), code=0)
        trees.append(read_tree(folder))
    assert_same(*trees)
    assert str(tmp_path).encode() not in b"".join(trees[0].values())


def test_rendered_values_can_be_sourced_and_shims_are_shell(project):
    done = subprocess.run(["bash", "-c", '. do/config && printf %s "$PROJECT_NAME"'], capture_output=True, check=True)
    assert done.stdout == b"iris"
    for step in (HERE / "do").glob("*"):
        if step.name != "config" and step.is_file():
            subprocess.run(["sh", "-n", str(step)], check=True)


def test_the_lock_records_which_registries_were_read(mlcc):
    row = b"version: 1\nkind: targets\nrows: {mine: {title: Mine, description: x}}\n"
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "registries: [own]\n", "own/targets.yaml": row})
    recorded = []
    for data in (row, row + b"# later\n"):
        (HERE / "own/targets.yaml").write_bytes(data)
        mlcc("apply", code=0)
        recorded.append(yaml.safe_load((HERE / "mlcc.lock").read_text())["registries"])
        content = b"targets.yaml\0%d\0" % len(data) + data
        assert recorded[-1]["own"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert set(recorded[0]) == set(recorded[1]) == {"builtin", "own"}
    assert recorded[0]["builtin"] == recorded[1]["builtin"] == load().digests()["builtin"]


# ---------------------------------------------------------------- the second time
def test_a_second_apply_writes_no_byte_no_mode_and_no_time(project, mlcc):
    before = state_of(project)
    result = mlcc("apply", code=0)
    assert_same(before, state_of(project))
    assert "nothing to do" in result.stdout


def test_a_second_apply_says_so_in_json(project, mlcc):
    result = mlcc("apply", "-o", "json", code=0)
    document = json.loads(result.stdout)
    assert set(document["summary"]) >= {"create", "update", "delete", "unchanged", "keep", "merge", "conflict"}
    assert {a for a, n in document["summary"].items() if n} == {"unchanged"}
    assert (document["values"], document["findings"], document["schema_version"]) == ([], [], 1)


def test_without_a_base_and_a_lock_equal_files_are_adopted(project, mlcc):
    before = read_tree(HERE)
    for path in ("mlcc.lock", *[p for p in before if p.startswith(".mlcc/")]):
        (HERE / path).unlink()
    mlcc("apply", code=0)
    assert_same(before, read_tree(HERE))


# ---------------------------------------------------------------- a change of intent
def test_a_changed_value_updates_what_it_is_about(project, mlcc):
    write(SMALLEST + "env: {LOG_LEVEL: debug}\n")
    result = mlcc("apply", "-o", "json", code=0)
    assert actions(result) == {"do/config": "update", "mlcc.lock": "update"}
    assert json.loads(result.stdout)["values"] == [
        {"path": "env.LOG_LEVEL", "before": None, "after": "debug", "source": "file", "cause": "input"}
    ]
    assert b"export IC_ENV_LOG_LEVEL='debug'" in (HERE / "do/config").read_bytes()


def test_stale_files_go_and_foreign_files_stay(project, mlcc):
    write(SMALLEST + "inference_components: [{name: chat}]\nenvironments: {prod: {ttl: 1h}}\n")
    mlcc("apply", code=0)
    assert (HERE / "do/ic/chat.conf").exists()
    build_tree(HERE, {"do/ic/mine.txt": "mine", "notes/x": "y", "do/extra": "z"})
    write(SMALLEST)
    result = mlcc("apply", "-o", "json", code=0)
    assert actions(result)["do/ic/chat.conf"] == "delete"
    assert actions(result)["do/env/prod.conf"] == "delete"
    assert not (HERE / "do/ic/chat.conf").exists()
    assert not (HERE / "do/env").exists(), "a folder that a deletion left empty goes too"
    assert (HERE / "do/ic/mine.txt").read_text() == "mine"
    assert (HERE / "do/extra").exists()
    assert not (HERE / ".mlcc/base/do/ic/chat.conf").exists()


def test_a_stale_file_that_was_edited_stays_with_a_finding(project, mlcc):
    write(SMALLEST + "environments: {prod: {ttl: 1h}}\n")
    mlcc("apply", code=0)
    (HERE / "do/env/prod.conf").write_text("# mine\n")
    write(SMALLEST)
    result = mlcc("apply", code=0)
    assert (HERE / "do/env/prod.conf").read_text() == "# mine\n"
    assert "MLCC202" in result.stderr


def test_seed_files_follow_their_switch(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "seed_files: {sample_model: false, tests: false}\n"})
    mlcc("apply", code=0)
    assert not (HERE / "sample_model").exists()
    assert not (HERE / "tests").exists()


def rendered_before(path: str, data: str, *, recorded: bool = True) -> None:
    """A file as an earlier release rendered it."""
    build_tree(HERE, {path: data, f".mlcc/base/{path}": data})
    if recorded:
        entry = (
            f'  {path}: {{owner: managed, mode: "0644", digest: "sha256:{hashlib.sha256(data.encode()).hexdigest()}"}}'
        )
        (HERE / "mlcc.lock").write_text((HERE / "mlcc.lock").read_text() + entry + "\n")


def test_a_file_that_no_layer_knows_leaves_the_base_and_stays_with_a_finding(project, mlcc):
    rendered_before("old/file.txt", "old\n")
    mlcc("apply", "--check", code=2)
    result = mlcc("apply", code=0)
    assert "old/file.txt: warning MLCC202" in result.stderr
    assert (HERE / "old/file.txt").read_text() == "old\n"
    assert not (HERE / ".mlcc/base/old").exists()
    assert "old/file.txt" not in (HERE / "mlcc.lock").read_text()
    assert "MLCC202" not in mlcc("apply", code=0).stderr, "reported once"


def test_what_the_lock_does_not_record_is_not_taken_out_of_the_base(project, mlcc):
    rendered_before("old/file.txt", "old\n", recorded=False)
    before = state_of(project)
    mlcc("apply", code=0)
    assert_same(before, state_of(project))


# ---------------------------------------------------------------- edits
def test_an_edit_is_kept(project, mlcc):
    (HERE / MANAGED).write_text("# mine\n")
    result = mlcc("apply", "-o", "json", code=0)
    assert actions(result) == {MANAGED: "keep", "mlcc.lock": "update"}
    assert (HERE / MANAGED).read_text() == "# mine\n"
    record = yaml.safe_load((HERE / "mlcc.lock").read_text())["files"][MANAGED]
    assert record["edited"].startswith("sha256:")
    before = state_of(project)
    mlcc("apply", code=0)
    assert_same(before, state_of(project))


def test_a_removed_file_stays_removed(project, mlcc):
    (HERE / ".dockerignore").unlink()
    mlcc("apply", code=0)
    assert not (HERE / ".dockerignore").exists()
    assert yaml.safe_load((HERE / "mlcc.lock").read_text())["files"][".dockerignore"]["edited"] == "removed"


def test_an_edit_and_a_change_that_do_not_touch_are_merged(project, mlcc):
    config = HERE / "do/config"
    config.write_text("# mine\n" + config.read_text())
    write(SMALLEST + "ttl: 3d\n")
    result = mlcc("apply", "-o", "json", code=0)
    assert actions(result) == {"do/config": "merge", "mlcc.lock": "update"}
    assert config.read_text().startswith("# mine\n")
    assert "export TTL='3d'" in config.read_text()


def test_a_merge_that_would_leave_no_values_file_is_a_conflict(project, mlcc):
    config = HERE / "do/config"
    config.write_text("touch owned\n" + config.read_text())
    write(SMALLEST + "ttl: 3d\n")
    before = state_of(project)
    result = mlcc("apply", code=1)
    assert "MLCC201" in result.stderr
    assert "do/config" in result.stderr
    assert_same(before, state_of(project))


def conflict() -> bytes:
    config = HERE / "do/config"
    mine = config.read_bytes().replace(b"export TTL='8h'", b"export TTL='5h'")
    config.write_bytes(mine)
    write(SMALLEST + "ttl: 3d\nenv: {A: b}\nenvironments: {prod: {}}\n")
    return mine


def test_a_conflict_writes_nothing_at_all(project, mlcc):
    conflict()
    before = state_of(project)
    result = mlcc("apply", code=1)
    assert_same(before, state_of(project))
    assert "MLCC201" in result.stderr
    assert "nothing was written" in result.stderr
    assert "--merge" in result.stderr
    document = json.loads(mlcc("apply", "-o", "json", code=1).stdout)
    assert document["summary"]["conflict"] == 1
    assert [f["code"] for f in document["findings"]] == ["MLCC201"]
    assert_same(before, state_of(project))


def test_merge_writes_markers_and_exits_1(project, mlcc):
    conflict()
    result = mlcc("apply", "--merge", code=1)
    text = (HERE / "do/config").read_text()
    assert (
        "<<<<<<< yours\nexport TTL='5h'\n||||||| before\nexport TTL='8h'\n=======\nexport TTL='3d'\n>>>>>>> mlcc\n"
        in text
    )
    assert "do/config" in result.stderr
    assert (HERE / "do/env/prod.conf").exists(), "the rest is written"
    step = run_mlcc("do", "config")
    assert step.code == 1
    assert "do/config" in step.stderr
    resolved = text.replace("<<<<<<< yours\nexport TTL='5h'\n||||||| before\nexport TTL='8h'\n=======\n", "").replace(
        ">>>>>>> mlcc\n", ""
    )
    (HERE / "do/config").write_text(resolved)
    mlcc("apply", code=0)
    mlcc("apply", "--locked", code=0)


def test_force_takes_the_new_file_and_names_the_saved_one(project, mlcc):
    mine = conflict()
    result = mlcc("apply", "--force", code=0)
    assert (HERE / "do/config.mlcc-saved").read_bytes() == mine
    assert "do/config.mlcc-saved" in result.stderr
    assert b"export TTL='3d'" in (HERE / "do/config").read_bytes()


def test_force_never_overwrites_an_earlier_saved_copy(project, mlcc):
    mine = conflict()
    build_tree(HERE, {"do/config.mlcc-saved": "earlier"})
    mlcc("apply", "--force", code=0)
    assert (HERE / "do/config.mlcc-saved").read_text() == "earlier"
    assert (HERE / "do/config.mlcc-saved-2").read_bytes() == mine


def test_a_foreign_file_in_the_way_is_a_conflict(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST, "Dockerfile": "FROM mine\n"})
    before = read_tree(HERE)
    mlcc("apply", code=1)
    assert_same(before, read_tree(HERE))
    mlcc("apply", "--force", code=0)
    assert (HERE / "Dockerfile.mlcc-saved").read_text() == "FROM mine\n"


def test_restore_brings_a_seed_file_back(project, mlcc):
    original = (HERE / SEED).read_bytes()
    (HERE / SEED).unlink()
    mlcc("apply", code=0)
    assert not (HERE / SEED).exists(), "deleted stays deleted"
    mlcc("apply", "--restore", SEED, code=0)
    assert (HERE / SEED).read_bytes() == original
    (HERE / SEED).write_text("mine")
    result = mlcc("apply", "--restore", SEED, code=0)
    assert (HERE / SEED).read_bytes() == original
    assert (HERE / f"{SEED}.mlcc-saved").read_text() == "mine"
    assert f"{SEED}.mlcc-saved" in result.stderr


def test_restore_takes_a_folder_and_saves_only_what_was_edited(project, mlcc):
    for path in ("code/app.py", "code/handler.py"):
        (HERE / path).write_text("mine")
    (HERE / "code/requirements.txt").unlink()
    result = mlcc("apply", "--restore", "code", code=0)
    saved = [p for p in read_tree(HERE) if "mlcc-saved" in p]
    assert saved == ["code/app.py.mlcc-saved", "code/handler.py.mlcc-saved"]
    assert (HERE / "code/requirements.txt").exists()
    assert "3 " not in result.stderr
    mlcc("apply", "--check", code=0)


@pytest.mark.parametrize("path", ["nope", "mlcc.yaml"])
def test_keep_deleted_of_what_is_not_rendered_is_refused(project, mlcc, path):
    before = state_of(project)
    assert "MLCC212" in mlcc("apply", "--keep-deleted", path, code=1).stderr
    assert "the file is there" in mlcc("apply", "--keep-deleted", SEED, code=1).stderr
    assert_same(before, state_of(project))


def test_a_deletion_is_answered_once(project, mlcc):
    (HERE / "do/config").unlink()
    write(SMALLEST + "ttl: 3d\n")
    refused = mlcc("apply", "--merge", code=1)
    assert "--keep-deleted do/config" in refused.stderr
    mlcc("apply", "--merge", "--keep-deleted", "do/config", code=0)
    assert not (HERE / "do/config").exists()
    mlcc("apply", "--locked", code=0)
    write(SMALLEST + "ttl: 5d\n")
    mlcc("apply", code=0)
    assert not (HERE / "do/config").exists(), "the answer is remembered"
    mlcc("apply", "--restore", "do/config", code=0)
    assert "export TTL='5d'" in (HERE / "do/config").read_text()


def with_crlf(folder: Path) -> None:
    """As Git checks a project out with core.autocrlf: all but the base."""
    for path, data in read_tree(folder).items():
        if not path.startswith(".mlcc/"):
            (folder / path).write_bytes(data.replace(b"\n", b"\r\n"))


def test_a_checkout_with_crlf_is_no_edit_and_merges(project, mlcc):
    with_crlf(HERE)
    before = state_of(project)
    mlcc("apply", "--locked", code=0)
    mlcc("apply", "--check", code=0)
    assert "nothing to do" in mlcc("apply", code=0).stdout
    assert_same(before, state_of(project))
    config = HERE / "do/config"
    config.write_bytes(b"# mine\r\n" + config.read_bytes())
    (HERE / "mlcc.yaml").write_bytes((SMALLEST + "ttl: 3d\n").replace("\n", "\r\n").encode())
    result = mlcc("apply", "-o", "json", code=0)
    assert actions(result) == {"do/config": "merge", "mlcc.lock": "update"}
    text = config.read_bytes()
    assert b"export TTL='3d'\r\n" in text
    assert text.count(b"\n") == text.count(b"\r\n")
    assert b"\n" not in (HERE / "mlcc.lock").read_bytes().replace(b"\r\n", b"")
    mlcc("apply", "--locked", code=0)


@pytest.mark.parametrize("path", ["nope", "../x", "/etc/passwd", "mlcc.yaml", ".mlcc/base/Dockerfile"])
def test_restore_of_what_is_not_rendered_is_refused(project, mlcc, path):
    before = state_of(project)
    result = mlcc("apply", "--restore", path, code=1)
    assert "MLCC212" in result.stderr
    assert_same(before, state_of(project))


def test_an_executable_bit_of_the_user_s_is_kept(project, mlcc):
    (HERE / "Dockerfile").chmod(0o755)
    (HERE / "do/build").chmod(0o644)
    mlcc("apply", code=0)
    assert (HERE / "Dockerfile").stat().st_mode & 0o111
    assert not (HERE / "do/build").stat().st_mode & 0o111


@pytest.mark.parametrize("option", ["--restore", "--keep-deleted"])
def test_an_empty_path_names_nothing(project, mlcc, option):
    (HERE / "Dockerfile").write_text("mine\n")
    assert "MLCC901" in mlcc("apply", option, "", code=2).stderr
    assert (HERE / "Dockerfile").read_text() == "mine\n"


@pytest.mark.parametrize("how", ["--check", "--locked"])
@pytest.mark.parametrize("option", ["--restore", "--keep-deleted"])
def test_a_check_refuses_paths_that_are_not_rendered_too(project, mlcc, how, option):
    assert "MLCC212" in mlcc("apply", how, option, "nope", code=1).stderr


def test_a_script_with_crlf_is_named_and_restore_gives_it_its_line_ends_back(project, mlcc):
    script = HERE / "do/build"
    original = script.read_bytes()
    script.write_bytes(original.replace(b"\n", b"\r\n"))
    assert "do/build: warning MLCC227" in mlcc("plan", code=0).stderr
    result = mlcc("apply", "--restore", "do", code=0)
    assert script.read_bytes() == original
    assert "saved" not in result.stderr
    assert not list(HERE.glob("do/*.mlcc-saved"))


def test_upgrade_takes_back_a_choice_of_an_environment(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "environments: {prod: {deployment: {instance_count: 3}}}\n"})
    mlcc("apply", "-q", code=0)
    lock = HERE / "mlcc.lock"
    own = "choices:\n  environments.prod.deployment.instance_type: {value: ml.m5.24xlarge, for: http}"
    lock.write_text(lock.read_text().replace("choices:", own))
    mlcc("apply", "-q", code=0)
    assert "ml.m5.24xlarge" in (HERE / "do/env/prod.conf").read_text()
    assert "environments.prod.deployment.instance_type" in mlcc("upgrade", "--offline", "--check", code=2).stdout
    mlcc("upgrade", "--offline", code=0)
    mlcc("upgrade", "--offline", "--check", code=0)
    mlcc("apply", "-q", code=0)
    assert "ml.m5.24xlarge" not in lock.read_text()


# ---------------------------------------------------------------- --check and --locked
def test_check_writes_nothing_and_says_with_2_that_there_is_something_to_write(project, mlcc):
    mlcc("apply", "--check", code=0)
    write(SMALLEST + "ttl: 1h\n")
    before = state_of(project)
    result = mlcc("apply", "--check", code=2)
    assert "2 to update" in result.stdout
    assert_same(before, state_of(project))


def test_check_of_an_empty_folder_makes_nothing(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    before = state_of(Path.cwd())
    mlcc("apply", "--check", "-C", "new", code=2)
    assert_same(before, state_of(Path.cwd()))


def test_check_of_a_conflict_is_1(project, mlcc):
    conflict()
    mlcc("apply", "--check", code=1)


def test_locked_accepts_what_was_committed(project, mlcc):
    (HERE / MANAGED).write_text("# mine\n")
    mlcc("apply", code=0)
    (HERE / SEED).write_text("mine too")
    before = state_of(project)
    mlcc("apply", "--locked", code=0)
    assert_same(before, state_of(project))


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"mlcc.yaml": SMALLEST + "ttl: 1h\n"}, "export TTL='1h'"),
        ({"mlcc.lock": None}, "mlcc.lock"),
        ({"do/config": "# edited after apply\n"}, "do/config"),
        ({"do/build": None}, "do/build"),
    ],
)
def test_locked_refuses_anything_else_with_the_difference(project, mlcc, change, shown):
    for path, content in change.items():
        (HERE / path).unlink() if content is None else (HERE / path).write_text(content)
    before = state_of(project)
    result = mlcc("apply", "--locked", code=1)
    assert "MLCC214" in result.stderr
    assert shown in result.stderr
    assert_same(before, state_of(project))


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        (["--set", "ttl=8h"], {}),
        (["--ttl", "8h"], {}),
        (["--config", "more.yaml"], {}),
        ([], {"ML_TTL": "8h"}),
    ],
)
def test_locked_refuses_values_of_this_run_only(project, mlcc, monkeypatch, arguments, environ):
    build_tree(HERE, {"more.yaml": "ttl: 8h\n"})
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    result = mlcc("apply", "--locked", *arguments, code=1)
    assert "MLCC213" in result.stderr
    assert "ttl comes from" in result.stderr


def test_values_of_this_run_only_are_named(project, mlcc):
    result = mlcc("apply", "--set", "ttl=1h", code=0)
    assert "note: ttl = 1h comes from --set ttl, not from a committed file" in result.stderr
    assert "export TTL='1h'" in (HERE / "do/config").read_text()


# ---------------------------------------------------------------- where
def test_directory_writes_elsewhere(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    mlcc("apply", "-C", "out/deep", code=0)
    assert set(read_tree(HERE)) & {"Dockerfile", "mlcc.lock"} == set()
    assert {"Dockerfile", "mlcc.lock", "do/config"} <= set(read_tree(HERE / "out/deep"))


def test_a_file_elsewhere_is_rendered_beside_itself(mlcc):
    build_tree(HERE, {"sub/mlcc.yaml": SMALLEST})
    mlcc("apply", "-f", "sub/mlcc.yaml", code=0)
    assert (HERE / "sub/Dockerfile").exists()
    assert not (HERE / "Dockerfile").exists()


def test_mlcc_yaml_is_found_above(mlcc, monkeypatch):
    build_tree(HERE, {"mlcc.yaml": SMALLEST, "a/b/c": "", ".git/HEAD": ""})
    monkeypatch.chdir("a/b")
    mlcc("apply", code=0)
    assert (Path("../..") / "Dockerfile").exists()


def test_mlcc_yaml_is_not_looked_for_beyond_the_repository(mlcc, monkeypatch):
    build_tree(HERE, {"mlcc.yaml": SMALLEST, "repo/.git/HEAD": "", "repo/x/y": ""})
    monkeypatch.chdir("repo/x")
    result = mlcc("apply", code=1)
    assert "no such file here or above" in result.stderr


def test_an_invalid_file_renders_nothing(mlcc):
    build_tree(HERE, {"mlcc.yaml": "version: 1\nproject: {name: iris}\ndeployment: {config: nope}\n"})
    result = mlcc("apply", code=1)
    assert set(read_tree(HERE)) == {"mlcc.yaml"}
    assert "mlcc.yaml:3:" in result.stderr
    assert "MLCC102" in result.stderr


def test_warnings_do_not_stop_an_apply(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "triton: {default_model: x}\n"})
    result = mlcc("apply", code=0)
    assert "warning MLCC101" in result.stderr


# ---------------------------------------------------------------- environments
def test_environments_have_files_of_their_own(mlcc):
    text = (
        SMALLEST
        + "env: {A: a, B: b}\nenvironments:\n  prod: {env: {A: z}, deployment: {instance_count: 3}}\n  dev: {}\n"
    )
    build_tree(HERE, {"mlcc.yaml": text})
    mlcc("apply", code=0)
    lines = {
        n: [ln for ln in (HERE / f"do/env/{n}.conf").read_text().splitlines() if ln.startswith("export")]
        for n in ("prod", "dev")
    }
    assert lines == {"prod": ["export IC_ENV_A='z'", "export INSTANCE_COUNT='3'"], "dev": []}
    lock = yaml.safe_load((HERE / "mlcc.lock").read_text())
    assert set(lock["environments"]["prod"]["values"]) == {"env.A", "deployment.instance_count"}


def test_one_tree_serves_all_environments(mlcc):
    text = SMALLEST + "environments: {prod: {env: {A: z}}}\n"
    build_tree(HERE, {"mlcc.yaml": text})
    mlcc("apply", code=0)
    before = state_of(Path.cwd())
    mlcc("apply", "--env", "prod", code=0)
    assert_same(before, state_of(Path.cwd()))


def test_an_unknown_environment_is_refused(project, mlcc):
    result = mlcc("apply", "--env", "prd", code=1)
    assert "MLCC032" in result.stderr


# ---------------------------------------------------------------- every config
@pytest.mark.parametrize("config", ["http-flask", "http-fastapi", "http-nginx"])
def test_every_http_config_applies_twice(mlcc, config):
    build_tree(HERE, {"mlcc.yaml": SMALLEST.replace("http-fastapi", config)})
    mlcc("apply", code=0)
    assert (HERE / "code/nginx.conf").exists() == (config == "http-nginx")
    assert len([p for p in read_tree(HERE) if not p.startswith(".mlcc/")]) <= 25, "a project that can be looked through"
    assert "nothing to do" in mlcc("apply", code=0).stdout


def test_the_example_applies(mlcc):
    from tests.helpers import ROOT

    build_tree(HERE, {"mlcc.yaml": (ROOT / "mlcc.example.yaml").read_text()})
    result = mlcc("apply", code=0)
    assert_no_traceback(result)
    assert "nothing to do" in mlcc("apply", code=0).stdout


# ---------------------------------------------------------------- several projects
def test_each_project_is_written_beside_its_file(mlcc):
    build_tree(HERE, {"a/mlcc.yaml": SMALLEST, "b/mlcc.yaml": SMALLEST})
    mlcc("apply", "a/mlcc.yaml", "b/mlcc.yaml", code=0)
    assert_same(read_tree("a"), read_tree("b"))


@pytest.mark.parametrize("command", ["plan", "diff", "apply"])
def test_json_of_several_projects_is_one_document(mlcc, command):
    build_tree(HERE, {"a/mlcc.yaml": SMALLEST, "b/mlcc.yaml": SMALLEST})
    json.loads(mlcc(command, "a/mlcc.yaml", "b/mlcc.yaml", "-o", "json", code=0).stdout)


# ---------------------------------------------------------------- a saved plan
def test_a_saved_plan_is_carried_out_or_nothing_is(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    (HERE / "plan.json").write_text(mlcc("plan", "-o", "json", code=0).stdout)
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "ttl: 3d\n"})
    refused = mlcc("apply", "--plan", "plan.json", code=1)
    assert "do/config" in refused.stderr
    assert "nothing was written" in refused.stderr
    assert not (HERE / "Dockerfile").exists()
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    assert "done" in mlcc("apply", "--plan", "plan.json", code=0).stdout
    assert "MLCC221" in mlcc("apply", "--plan", "plan.json", code=1).stderr, "it was carried out already"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"changes": 1}', '{"changes": [{}]}', '{"changes": [[1]]}', "[" * 9999]
)
def test_what_is_no_plan_is_refused(mlcc, text):
    build_tree(HERE, {"mlcc.yaml": SMALLEST, "plan.json": text})
    assert "MLCC221" in mlcc("apply", "--plan", "plan.json", code=1).stderr
    assert not (HERE / "Dockerfile").exists()


def test_a_saved_plan_is_for_writing_one_project(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST, "plan.json": "{}"})
    for more in (["--locked"], ["--check"], ["--all"]):
        assert "MLCC901" in mlcc("apply", "--plan", "plan.json", *more, code=2).stderr


def test_markers_that_still_stand_fail_a_build(mlcc):
    """--merge writes them and exits 1; nothing is green again before somebody has removed them."""
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    mlcc("apply", code=0)
    text = (HERE / "Dockerfile").read_text().splitlines()
    (HERE / "Dockerfile").write_text("\n".join("FROM mine" if li.startswith("FROM") else li for li in text) + "\n")
    mlcc("set", "framework.base_image", "python:3.11.9-slim", code=0)
    first = mlcc("apply", "--merge", code=1)
    assert "done" not in first.stdout
    for arguments in (["apply"], ["apply", "--locked"], ["plan"], ["diff"], ["apply", "--merge"], ["apply", "--check"]):
        again = mlcc(*arguments, code=1)
        assert "markers" in again.stderr, arguments
    clean = [
        li for li in (HERE / "Dockerfile").read_text().splitlines() if not li.startswith(("<<<", "|||", "===", ">>>"))
    ]
    (HERE / "Dockerfile").write_text("\n".join(clean) + "\n")
    mlcc("apply", code=0)
    mlcc("apply", "--locked", code=0)


def test_a_folder_that_cannot_be_written_leaves_no_journal():
    with tempfile.TemporaryDirectory(prefix="mlcc-test-") as place:
        project = Path(place) / "project"
        build_tree(project, {"mlcc.yaml": SMALLEST})
        assert run_mlcc("apply", "-q", cwd=project).code == 0
        assert run_mlcc("set", "ttl", "3d", cwd=project).code == 0
        (project / "do").chmod(0o555)
        refused = faults.run(faults.without_capabilities("apply"), project)
        (project / "do").chmod(0o755)
        assert refused.code == 1, refused
        assert f"error MLCC208: the folder {project}/do is not writable for " in refused.output_text
        assert "apply writes there; nothing was changed" in refused.output_text
        assert not (project / ".mlcc/txn").exists()


# ---------------------------------------------------------------- a lock of another mlcc
def test_a_lock_of_a_newer_format_is_refused_and_stays(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    mlcc("apply", code=0)
    lock = HERE / "mlcc.lock"
    lock.write_text(lock.read_text().replace("version: 1", "version: 2"))
    before = read_tree(HERE)
    for argv in (["plan"], ["apply"], ["apply", "--force"], ["do", "status"]):
        result = mlcc(*argv, code=1)
        assert "a newer mlcc wrote it" in result.stderr
        assert "upgrade mlcc" in result.stderr
        assert "delete" not in result.stderr
    assert_same(before, read_tree(HERE))


@pytest.mark.parametrize("argv", [["plan"], ["diff"], ["apply", "--check"], ["apply"]])
def test_a_lock_that_a_newer_mlcc_wrote_is_named(mlcc, argv):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    mlcc("apply", code=0)
    lock = HERE / "mlcc.lock"
    lock.write_text(lock.read_text().replace(f'mlcc: "{VERSION}"', 'mlcc: "9.9.9"'))
    result = mlcc(*argv, code=2 if "--check" in argv else 0)
    assert f"MLCC222: the lock was written by mlcc 9.9.9, newer than this {VERSION}" in result.stderr
    if argv == ["apply"]:
        assert "MLCC222" not in mlcc("apply", code=0).stderr


# ---------------------------------------------------------------- what was recorded, and is not there
def test_an_edited_value_that_no_step_takes_is_a_warning(project, mlcc):
    file = HERE / "do/config"
    as_rendered = file.read_text()
    file.write_text(as_rendered + "# a comment is an edit that stays\n")
    assert "MLCC228" not in mlcc("apply", code=0).stderr
    file.write_text(as_rendered.replace("TTL='8h'", "TTL='9h'") + "export EXTRA='1'\n")
    for argv in (["plan"], ["apply"], ["apply", "--check"], ["apply", "--locked"]):
        result = mlcc(*argv, code=0)
        assert "do/config: warning MLCC228: EXTRA, TTL not as mlcc.yaml says" in result.stderr, argv
    assert "TTL='9h'" in file.read_text()
    assert "MLCC304" in mlcc("do", "build", code=3).stderr
    quiet = mlcc("apply", "-q", "--restore", "do/config", code=0).stderr
    assert "yours was saved as do/config.mlcc-saved" in quiet
    assert "MLCC228" not in quiet
    mlcc("do", "build", "--dry-run", code=0)


def test_a_lock_that_is_missing_beside_its_base_is_a_warning(project, mlcc):
    (HERE / "mlcc.lock").rename(HERE / "lock")
    for argv, code in ((["plan"], 0), (["apply", "--locked"], 1), (["apply"], 0)):
        assert "mlcc.lock: warning MLCC229: is missing" in mlcc(*argv, code=code).stderr
    assert "MLCC229" not in mlcc("plan", code=0).stderr
    assert (HERE / "mlcc.lock").read_bytes() == (HERE / "lock").read_bytes()


@pytest.mark.parametrize("lost", [".mlcc/base", ".mlcc/base/Dockerfile"])
def test_a_base_that_was_not_committed_is_seen(project, mlcc, lost):
    before = read_tree(HERE)
    shutil.move(HERE / lost, HERE / "lost")
    count = 1 if lost.endswith("Dockerfile") else 22
    assert f".mlcc/base: warning MLCC229: lacks {count} of the 22 files" in mlcc("plan", code=0).stderr
    locked = mlcc("apply", "--locked", code=1)
    files = f"{count} files are" if count > 1 else "1 file is"
    assert f".mlcc: error MLCC214: {files} not as mlcc apply writes them: .mlcc/base/" in locked.stderr
    mlcc("apply", "--check", code=2)
    mlcc("plan", "--detailed-exitcode", code=2)
    assert "only .mlcc changed" in mlcc("apply", code=0).stdout
    shutil.rmtree(HERE / "lost") if lost == ".mlcc/base" else (HERE / "lost").unlink()
    assert_same(before, read_tree(HERE))
    assert "nothing to do" in mlcc("apply", code=0).stdout
    mlcc("apply", "--locked", code=0)
    # where files change the base follows, and is no finding of its own
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "ttl: 3d\n"})
    assert "error MLCC214: " in (output_text := mlcc("apply", "--locked", code=1).stderr)
    assert ".mlcc/base" not in output_text


def test_a_seed_that_stays_deleted_is_no_missing_record(mlcc):
    text = "version: 1\nproject: {name: iris}\ndeployment: {config: CONFIG}\n"
    for config in ("http-flask", "triton-python", "http-flask"):
        build_tree(HERE, {"mlcc.yaml": text.replace("CONFIG", config)})
        assert "MLCC229" not in mlcc("apply", code=0).stderr
        (HERE / "code/handler.py").unlink(missing_ok=True)
        assert "MLCC229" not in mlcc("apply", code=0).stderr
