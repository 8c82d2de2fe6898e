"""Two branches change one project, Git merges mlcc.yaml, and mlcc apply writes what the merged file renders."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.helpers import GIT, Caller, assert_same, build_tree, commit, git, read_tree

HERE = Path()
# Far enough apart for Git to merge changes of both ends.
TEXT = """version: 1
project: {name: iris}
deployment: {config: http-fastapi}
ttl: 8h
# one
# two
# three
env: {LOG_LEVEL: info}
"""
OURS = {"ttl: 8h": "ttl: 3d"}
THEIRS = {"LOG_LEVEL: info": "LOG_LEVEL: debug"}


def change(mlcc: Caller, changes: dict[str, str], files: dict[str, str] | None = None) -> None:
    """Changes mlcc.yaml and files, applies, and commits."""
    text = (HERE / "mlcc.yaml").read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    build_tree(HERE, {"mlcc.yaml": text, **(files or {})})
    mlcc("apply", "-q", code=0)
    commit(HERE, "changed")


@pytest.fixture
def project(mlcc: Caller) -> Path:
    """A committed project in a repository, on the branch `main`."""
    build_tree(HERE, {"mlcc.yaml": TEXT})
    git(HERE, "init", "-q", "-b", "main")
    mlcc("apply", "-q", code=0)
    commit(HERE, "first")
    git(HERE, "branch", "theirs")
    return Path.cwd()


def merge(*conflicted: str) -> None:
    """Merges the branch `theirs` into `main`, which must leave these files in conflict."""
    done = subprocess.run([*GIT, "merge", "-q", "theirs"], capture_output=True, text=True)
    assert done.returncode == 1, done
    left = git(HERE, "diff", "--name-only", "--diff-filter=U").splitlines()
    assert left == sorted(conflicted)


def rendered(mlcc: Caller, tmp_path: Path) -> dict[str, bytes]:
    """What a new project with the same mlcc.yaml holds."""
    build_tree(tmp_path / "fresh", {"mlcc.yaml": (HERE / "mlcc.yaml").read_bytes()})
    mlcc("apply", "-q", str(tmp_path / "fresh/mlcc.yaml"), code=0)
    return read_tree(tmp_path / "fresh")


CONFLICTED = (".mlcc/base/do/config", "mlcc.lock")


def both(mlcc: Caller, ours: dict[str, str] | None = None, theirs: dict[str, str] | None = None) -> None:
    """The change of ours on main, that of theirs on the branch."""
    git(HERE, "checkout", "-q", "theirs")
    change(mlcc, THEIRS, theirs)
    git(HERE, "checkout", "-q", "main")
    change(mlcc, OURS, ours)


def test_two_branches_that_change_different_keys_merge(project, mlcc, tmp_path):
    both(mlcc)
    merge(*CONFLICTED)
    plan = mlcc("plan", code=0)
    assert "mlcc.lock" in plan.stdout
    mlcc("apply", code=0)
    assert_same(rendered(mlcc, tmp_path), read_tree(HERE))
    commit(HERE, "merged")
    mlcc("apply", "--locked", code=0)
    mlcc("apply", "--check", code=0)


@pytest.mark.parametrize("added", ["", "-A", "--ours", "--theirs"])
def test_a_conflict_in_a_rendered_file_is_rendered_anew(project, mlcc, tmp_path, added):
    """In the index; added to it as it is; added with the lock of one side."""
    git(HERE, "checkout", "-q", "theirs")
    change(mlcc, {"project: {name: iris}": "project: {name: iris, description: theirs}", **THEIRS})
    git(HERE, "checkout", "-q", "main")
    change(mlcc, {"env: {LOG_LEVEL: info}": "env: {LOG_LEVEL: info, B: c}"})
    subprocess.run([*GIT, "merge", "-q", "theirs"], capture_output=True)
    assert "<<<<<<<" in (HERE / "do/config").read_text()
    assert "<<<<<<<" in (HERE / "mlcc.lock").read_text()
    text = TEXT.replace("{name: iris}", "{name: iris, description: theirs}")
    (HERE / "mlcc.yaml").write_text(text.replace("LOG_LEVEL: info", "LOG_LEVEL: debug, B: c"))
    if added.startswith("--"):
        git(HERE, "checkout", added, "mlcc.lock")
    if added:
        git(HERE, "add", "-A")
    result = mlcc("apply", code=0)
    assert "rendered anew" in result.stdout
    assert ("settles what a merge" in result.stdout) == (added in ("", "-A"))
    assert_same(rendered(mlcc, tmp_path), read_tree(HERE))
    commit(HERE, "merged")
    mlcc("apply", "--locked", code=0)


def edited(path: str, old: str, new: str) -> dict[str, str]:
    text = (HERE / path).read_text()
    assert old in text
    return {path: text.replace(old, new)}


def test_a_lock_that_was_settled_keeps_its_answers(project, mlcc):
    """The sides tell renderings from edits; what is remembered is what the settled lock says."""
    change(mlcc, {}, {"code/app.py": (HERE / "code/app.py").read_text() + "# ours\n"})
    (HERE / "Dockerfile").unlink()
    mlcc("apply", "-q", "--keep-deleted", "Dockerfile", code=0)
    commit(HERE, "without a Dockerfile")
    git(HERE, "checkout", "-q", "theirs")
    change(mlcc, THEIRS)
    git(HERE, "checkout", "-q", "main")
    change(mlcc, {"env: {LOG_LEVEL: info}": "env: {LOG_LEVEL: info, B: c}"})
    subprocess.run([*GIT, "merge", "-q", "theirs"], capture_output=True)
    (HERE / "mlcc.yaml").write_text(TEXT.replace("LOG_LEVEL: info", "LOG_LEVEL: debug, B: c"))
    git(HERE, "checkout", "--ours", "mlcc.lock")
    git(HERE, "add", "-A")
    mlcc("apply", code=0)
    assert not (HERE / "Dockerfile").exists()
    assert (HERE / "code/app.py").read_text().endswith("# ours\n")
    commit(HERE, "merged")
    mlcc("apply", "--locked", code=0)


def test_edits_of_both_branches_are_kept(project, mlcc):
    first = (HERE / "do/config").read_text().splitlines()[0]
    git(HERE, "checkout", "-q", "theirs")
    change(mlcc, THEIRS, {"do/config": (HERE / "do/config").read_text() + "# theirs\n"})
    git(HERE, "checkout", "-q", "main")
    change(mlcc, OURS, edited("do/config", first, f"# ours\n{first}"))
    merge(*CONFLICTED)
    mlcc("apply", code=0)
    text = (HERE / "do/config").read_text()
    assert text.startswith("# ours\n")
    assert text.endswith("# theirs\n")
    assert "export TTL='3d'" in text
    assert "export IC_ENV_LOG_LEVEL='debug'" in text
    commit(HERE, "merged")
    mlcc("apply", "--locked", code=0)


def test_edits_in_a_file_in_conflict_are_kept(project, mlcc):
    """Both sides' renderings conflict, and one side edited the file elsewhere."""
    git(HERE, "checkout", "-q", "theirs")
    change(mlcc, {"ttl: 8h": "ttl: 5d"}, {"do/config": (HERE / "do/config").read_text() + "# theirs\n"})
    git(HERE, "checkout", "-q", "main")
    change(mlcc, OURS)
    subprocess.run([*GIT, "merge", "-q", "theirs"], capture_output=True)
    (HERE / "mlcc.yaml").write_text(TEXT.replace("ttl: 8h", "ttl: 4d"))
    result = mlcc("apply", code=0)
    assert "edits of the branches" in result.stdout
    text = (HERE / "do/config").read_text()
    assert text.endswith("# theirs\n")
    assert "export TTL='4d'" in text
    assert "<<<<<<<" not in text


def test_edits_that_touch_are_a_conflict_and_nothing_is_written(project, mlcc):
    line = "export TTL='8h'"
    git(HERE, "checkout", "-q", "theirs")
    change(mlcc, THEIRS, edited("do/config", line, "export TTL='1h'"))
    git(HERE, "checkout", "-q", "main")
    change(mlcc, {"env: {LOG_LEVEL: info}": "env: {LOG_LEVEL: warning}"}, edited("do/config", line, "export TTL='2h'"))
    subprocess.run([*GIT, "merge", "-q", "theirs"], capture_output=True)
    (HERE / "mlcc.yaml").write_text(TEXT)
    before = read_tree(HERE)
    result = mlcc("apply", code=1)
    assert "MLCC201" in result.stderr
    assert_same(before, read_tree(HERE))
    mlcc("apply", "--merge", code=1)
    marked = (HERE / "do/config").read_text()
    assert (
        "<<<<<<< yours\nexport TTL='2h'\n||||||| before\nexport TTL='8h'\n=======\nexport TTL='1h'\n>>>>>>> theirs\n"
        in marked
    )
    assert "<<<<<<<" not in (HERE / "mlcc.lock").read_text()
    assert "conflict markers" in mlcc("apply", code=1).stderr


def test_a_file_that_one_side_no_longer_renders_goes(project, mlcc):
    git(HERE, "checkout", "-q", "theirs")
    change(mlcc, {"ttl: 8h": "ttl: 8h\nenvironments: {prod: {ttl: 1h}}"})
    git(HERE, "checkout", "-q", "main")
    git(HERE, "merge", "-q", "theirs")
    git(HERE, "checkout", "-q", "theirs")
    change(mlcc, {"prod: {ttl: 1h}": "prod: {ttl: 2h}"})
    git(HERE, "checkout", "-q", "main")
    change(mlcc, {"environments: {prod: {ttl: 1h}}": "# none"})
    subprocess.run([*GIT, "merge", "-q", "theirs"], capture_output=True)
    (HERE / "mlcc.yaml").write_text(TEXT)
    assert (HERE / "do/env/prod.conf").exists()
    mlcc("apply", code=0)
    assert not (HERE / "do/env/prod.conf").exists()
    assert not (HERE / ".mlcc/base/do/env/prod.conf").exists()


def test_choices_of_both_branches_hold(project, mlcc):
    """Theirs took a newer version, ours changed a key: the merge has the version of theirs."""
    lock = HERE / "mlcc.lock"
    lock.write_text(lock.read_text().replace('"1.9.1", for', '"1.7.2", for').replace("sklearn 1.9.1", "sklearn 1.7.2"))
    mlcc("apply", "-q", code=0)
    commit(HERE, "an older version")
    git(HERE, "checkout", "-q", "theirs")
    git(HERE, "merge", "-q", "main")
    mlcc("upgrade", "--offline", "-q", code=0)
    change(mlcc, THEIRS)
    git(HERE, "checkout", "-q", "main")
    change(mlcc, OURS)
    subprocess.run([*GIT, "merge", "-q", "theirs"], capture_output=True)
    mlcc("apply", code=0)
    assert 'framework.version: {value: "1.9.1", for: sklearn}' in lock.read_text()
    assert "scikit-learn==1.9.1" in (HERE / "code/requirements.txt").read_text()
    commit(HERE, "merged")
    mlcc("apply", "--locked", code=0)


def test_a_lock_in_conflict_says_what_to_do(project, mlcc):
    both(mlcc)
    merge(*CONFLICTED)
    result = mlcc("do", "config", code=1)
    assert "mlcc apply" in result.stderr


def test_the_base_is_in_no_diff(project, mlcc):
    change(mlcc, OURS)
    shown = git(HERE, "show", "HEAD", "--", ".mlcc/base")
    assert "Binary files" in shown
    assert "TTL" not in shown


# ---------------------------------------------------------------- work on a file in conflict
def in_conflict(mlcc: Caller) -> Path:
    """A merge whose code/requirements.txt is in conflict."""
    git(HERE, "checkout", "-q", "theirs")
    change(mlcc, {"http-fastapi": "http-flask"})
    git(HERE, "checkout", "-q", "main")
    change(mlcc, {"# three": 'framework: {version: "1.5.2"}'})
    subprocess.run([*GIT, "merge", "-q", "theirs"], capture_output=True)
    path = HERE / "code/requirements.txt"
    assert "<<<<<<<" in path.read_text()
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_what_was_typed_into_a_file_in_conflict_is_not_lost(project, mlcc, end):
    path = in_conflict(mlcc)
    mine = path.read_bytes().replace(b"\n", end.encode()) + b"lightgbm==4.6.0  # my work" + end.encode()
    path.write_bytes(mine)
    before = read_tree(HERE)
    assert "conflict markers stand in it" in mlcc("apply", code=1).stderr
    assert_same(before, read_tree(HERE))
    mlcc("apply", "--force", code=0)
    assert (HERE / "code/requirements.txt.mlcc-saved").read_bytes() == mine


def test_what_was_typed_into_a_file_in_conflict_that_goes_is_not_lost(project, mlcc):
    git(HERE, "checkout", "-q", "theirs")
    change(mlcc, {"ttl: 8h": "ttl: 8h\nenvironments: {prod: {ttl: 1h}}"})
    git(HERE, "checkout", "-q", "main")
    git(HERE, "merge", "-q", "theirs")
    for branch, ttl in (("theirs", "2h"), ("main", "3h")):
        git(HERE, "checkout", "-q", branch)
        change(mlcc, {"prod: {ttl: 1h}": f"prod: {{ttl: {ttl}}}"})
    subprocess.run([*GIT, "merge", "-q", "theirs"], capture_output=True)
    (HERE / "mlcc.yaml").write_text(TEXT)
    conf = HERE / "do/env/prod.conf"
    assert "<<<<<<<" in conf.read_text()
    mine = conf.read_text() + "export MINE='work'\n"
    conf.write_text(mine)
    assert "MLCC202" in mlcc("apply", code=0).stderr
    assert conf.read_text() == mine


def test_a_plan_that_asked_git_is_not_replayed(project, mlcc):
    path = in_conflict(mlcc)
    assert mlcc("plan", "-q", code=0).stdout == mlcc("plan", "-q", code=0).stdout
    path.write_text(path.read_text() + "lightgbm==4.6.0\n")
    mlcc("plan", "-q", code=1)
    git(HERE, "checkout", "-q", "--merge", "--", "code/requirements.txt")
    mlcc("plan", "-q", code=0)


def test_upgrade_changes_no_lock_between_two_branches(project, mlcc):
    both(mlcc)
    merge(*CONFLICTED)
    before = read_tree(HERE)
    assert "MLCC205" in mlcc("upgrade", "--offline", code=1).stderr
    assert_same(before, read_tree(HERE))


def test_choices_in_which_branches_differ_are_named(project, mlcc):
    """Each branch holds another version of the framework, as after an upgrade in each."""

    def hold(version: str) -> None:
        lock = (HERE / "mlcc.lock").read_text()
        line = 'framework.version: {value: "1.9.1", for: sklearn}'
        change(mlcc, {}, {"mlcc.lock": lock.replace(line, line.replace("1.9.1", version))})

    hold("1.7.2")
    git(HERE, "checkout", "-q", "theirs")
    hold("1.6.1")
    git(HERE, "checkout", "-q", "main")
    subprocess.run([*GIT, "merge", "-q", "theirs"], capture_output=True)
    output_text = mlcc("apply", code=0).stderr
    assert (
        "warning MLCC230 framework.version: your branch holds '1.7.2', the other one '1.6.1': '1.7.2' is taken"
        in output_text
    )
    assert "scikit-learn==1.7.2" in (HERE / "code/requirements.txt").read_text()
    assert "MLCC230" not in mlcc("apply", code=0).stderr
