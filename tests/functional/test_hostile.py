"""A checkout of a stranger's: links, forged state and awkward names; nothing outside is read, written or deleted."""

from __future__ import annotations

import ast
import json
import os
import shutil
from pathlib import Path

import pytest
import yaml

from mlcc.apply.writer import ChangedMeanwhile
from mlcc.core.errors import UserError
from mlcc.core.tree import digest
from tests.helpers import SMALLEST, Caller, applied, assert_no_traceback, assert_same, build_tree, read_tree, state_of

HERE = Path()
PATHS = [
    "Dockerfile",
    "do/config",
    "code/app.py",
    "mlcc.lock",
    ".mlcc/base/Dockerfile",
    ".mlcc/.gitignore",
    ".mlcc/txn/journal.json",
]
FOLDERS = ["do", "code", ".mlcc", ".mlcc/base", ".mlcc/base/do", ".mlcc/txn"]


@pytest.fixture
def outside(tmp_path):
    """A folder that nothing may change."""
    return build_tree(
        tmp_path / "outside",
        {"secret": "secret", "Dockerfile": "FROM x\n", "config": "y", "app.py": "z", "do/config": "y"},
    )


@pytest.fixture
def project():
    applied(HERE)
    return Path.cwd()


def replace_by_link(path: str, target: Path) -> None:
    place = HERE / path
    if place.is_dir() and not place.is_symlink():
        import shutil

        shutil.rmtree(place)
    elif place.exists():
        place.unlink()
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


@pytest.mark.parametrize(
    "options", [[], ["--force"], ["--merge"], ["--restore", "Dockerfile"], ["--check"], ["--locked"]], ids=" ".join
)
@pytest.mark.parametrize("path", PATHS)
def test_no_file_is_reached_through_a_link(project, mlcc, outside, path, options):
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "ttl: 3d\n"})
    replace_by_link(path, outside / "secret")
    before = state_of(outside)
    result = mlcc("apply", *options)
    assert_same(before, state_of(outside))
    assert_no_traceback(result)
    assert "secret" not in result.stdout + result.stderr.replace(str(outside), "")
    assert result.code != 0


@pytest.mark.parametrize("path", FOLDERS)
def test_no_folder_is_entered_through_a_link(project, mlcc, outside, path):
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "ttl: 3d\n"})
    replace_by_link(path, outside)
    before = state_of(outside)
    for options in ([], ["--force"], ["--check"]):
        result = mlcc("apply", *options)
        assert_no_traceback(result)
        assert result.code != 0
    assert_same(before, state_of(outside))


@pytest.mark.parametrize("argv", [["plan"], ["apply"], ["apply", "--check"]])
def test_a_link_in_a_folder_s_place_is_reported_once(project, mlcc, outside, argv):
    replace_by_link("do", outside)
    reported = mlcc(*argv, code=1).stderr
    assert reported.count("MLCC001") == 1
    assert reported.startswith("./do: error")


def planted(kind: str, path: Path, outside: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    if kind == "link":
        path.symlink_to(outside)
    elif kind == "file":
        path.write_text("{}")
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("link", ".mlcc/txn"),
        ("file", ".mlcc/txn"),
        ("fifo", ".mlcc/txn"),
        ("link", ".mlcc/txn/journal.json"),
        ("folder", ".mlcc/txn/journal.json"),
        ("fifo", ".mlcc/txn/journal.json"),
        ("link", ".mlcc/txn/stage-1"),
        ("file", ".mlcc/txn/stage-2"),
    ],
)
def test_what_is_planted_in_the_place_of_a_transaction_is_named_with_its_remedy(project, mlcc, outside, kind, path):
    planted(kind, HERE / path, outside)
    before = state_of(outside)
    commands = [["validate"], ["plan"], ["apply"], ["apply", "--force"]]
    commands += [] if "stage" in path else [["do", "status", "--target", "local"]]
    for argv in commands:
        result = mlcc(*argv, code=1)
        output_text = result.stdout + result.stderr
        assert f"./{path}: error MLCC001" in output_text
        assert "remove it" in output_text
        assert "killed" not in output_text
    assert_same(before, state_of(outside))
    shutil.rmtree(HERE / path) if kind == "folder" else (HERE / path).unlink()
    mlcc("apply", code=0)


@pytest.mark.parametrize("path", [".mlcc", ".mlcc/base"])
@pytest.mark.parametrize("kind", ["link", "file"])
def test_nothing_stands_in_the_place_of_what_was_recorded(project, mlcc, outside, kind, path):
    (HERE / path).rename(HERE / "moved")
    planted(kind, HERE / path, outside)
    before = state_of(outside)
    commands = ["validate", "plan", "apply", "do validate", "do status --target local", "do build --target local"]
    for line in commands if path == ".mlcc" else commands[:3]:
        result = mlcc(*line.split(), code=1)
        output_text = result.stdout + result.stderr
        assert f"./{path}: error MLCC001" in output_text, line
        assert "bring the folder back from Git" in output_text, line
    assert_same(before, state_of(outside))
    (HERE / path).unlink()
    (HERE / "moved").rename(HERE / path)
    assert "nothing to do" in mlcc("apply", code=0).stdout


def test_the_target_itself_is_no_link(mlcc, tmp_path):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    empty = tmp_path / "empty"
    empty.mkdir()
    (HERE / "out").symlink_to(empty)
    for command in (["apply"], ["apply", "--check"], ["plan"], ["diff"]):
        result = mlcc(*command, "-C", "out", code=1)
        assert "MLCC001" in result.stderr
        assert "a file or a link stands where a directory belongs" in result.stderr
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize("kind", ["hard link", "fifo", "folder", "large"])
def test_anything_else_in_a_file_s_place_is_refused(project, mlcc, outside, kind):
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "ttl: 3d\n"})
    (HERE / "do/config").unlink()
    if kind == "hard link":
        os.link(outside / "secret", HERE / "do/config")
    elif kind == "fifo":
        os.mkfifo(HERE / "do/config")
    elif kind == "folder":
        build_tree(HERE, {"do/config/x": ""})
    else:
        (HERE / "do/config").write_bytes(b"x" * (9 << 20))
    before = state_of(outside)
    result = mlcc("apply", "--force", code=1)
    assert "MLCC001" in result.stderr
    assert_no_traceback(result)
    assert_same(before, state_of(outside))


# ---------------------------------------------------------------- forged records
FORGED = [
    "../outside/secret",
    "/etc/passwd",
    ".git/config",
    "mlcc.yaml",
    "src/mine.py",
    ".github/workflows/ci.yml",
    "do/../mine",
    "do//config",
    "./mine",
    "code/../../x",
]


@pytest.mark.parametrize("path", FORGED)
def test_a_forged_lock_and_base_delete_nothing_that_no_layer_renders(project, mlcc, path):
    mine = build_tree(
        HERE, {"src/mine.py": "mine", ".git/config": "mine", ".github/workflows/ci.yml": "mine", "mine": "mine"}
    )
    safe = os.path.normpath(path)
    if not safe.startswith(("..", "/")):
        lock = yaml.safe_load((HERE / "mlcc.lock").read_text())
        data = (HERE / safe).read_bytes() if (HERE / safe).is_file() else b"x"
        lock["files"][path] = {"owner": "managed", "mode": "0644", "digest": digest(data)}
        (HERE / "mlcc.lock").write_text(yaml.safe_dump(lock))
        build_tree(HERE, {f".mlcc/base/{safe}": data})
    else:
        lock = yaml.safe_load((HERE / "mlcc.lock").read_text())
        lock["files"][path] = {"owner": "managed", "mode": "0644", "digest": digest(b"secret")}
        (HERE / "mlcc.lock").write_text(yaml.safe_dump(lock))
    before = {
        p: d for p, d in read_tree(mine, skip=()).items() if not p.startswith((".mlcc/", "mlcc.lock", ".gitignore"))
    }
    result = mlcc("apply", "--force")
    assert_no_traceback(result)
    after = {
        p: d for p, d in read_tree(mine, skip=()).items() if not p.startswith((".mlcc/", "mlcc.lock", ".gitignore"))
    }
    assert_same(before, after)


def test_an_edited_file_is_not_deleted_by_a_forged_base(project, mlcc):
    """The record says that mlcc wrote what the user has: then base, record and disk agree, and only then it goes."""
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "environments: {prod: {ttl: 1h}}\n"})
    mlcc("apply", code=0)
    build_tree(HERE, {"do/env/prod.conf": "# mine\n", ".mlcc/base/do/env/prod.conf": "# mine\n", "mlcc.yaml": SMALLEST})
    mlcc("apply", code=0)
    assert (HERE / "do/env/prod.conf").read_text() == "# mine\n"


JOURNALS = [
    b"",
    b"{}",
    b"not json",
    b"[" * 50_000,
    b"\xff\xfe",
    json.dumps({"version": 1, "stage": "../../..", "entries": {}}).encode(),
    json.dumps({"version": 1, "stage": "stage-1", "entries": {"../../x": [None, "x" * 71, None, None, 420]}}).encode(),
    json.dumps({"version": 1, "stage": "stage-1", "entries": {"\ud800": [None, "x" * 71, None, None, 420]}}).encode(),
]


@pytest.mark.parametrize("data", JOURNALS, ids=range(len(JOURNALS)))
def test_a_forged_journal_is_dropped(project, mlcc, data):
    before = read_tree(HERE)
    build_tree(HERE, {".mlcc/txn/journal.json": data, ".mlcc/txn/stage-1/d0": "FROM evil\n"})
    for command in ("plan", "validate", "diff"):
        assert_no_traceback(mlcc(command))
    assert (HERE / ".mlcc/txn/journal.json").exists(), "reading commands report it, no more"
    result = mlcc("apply")
    assert_no_traceback(result)
    assert_same(before, read_tree(HERE))


def test_staged_bytes_of_a_forged_journal_are_never_written(project, mlcc):
    evil = b"FROM evil\n"
    old = (HERE / "Dockerfile").read_bytes()
    entries = {"Dockerfile": [digest(old), digest(evil), digest(old), digest(evil), 0o755]}
    build_tree(
        HERE,
        {
            ".mlcc/txn/journal.json": json.dumps({"version": 1, "stage": "stage-1", "entries": entries}),
            ".mlcc/txn/stage-1/d0": evil,
        },
    )
    mlcc("apply", code=0)
    assert evil not in b"".join(read_tree(HERE).values())
    assert (HERE / "Dockerfile").read_bytes() == old
    assert not (HERE / ".mlcc/txn").exists()


def test_an_unfinished_apply_is_finished(project, mlcc):
    """Killed after the commit point: one file is switched, the base and the lock are not."""
    from mlcc.render.conf_lines import parse_conf

    before = read_tree(HERE)
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "ttl: 3d\n"})
    mlcc("apply", code=0)
    finished = read_tree(HERE)
    old, new = before["do/config"], finished["do/config"]
    entries = {"do/config": [digest(old), digest(new), digest(old), digest(new), 0o644]}
    journal = json.dumps({"version": 1, "stage": "stage-1", "entries": entries})
    build_tree(
        HERE,
        {
            "mlcc.lock": before["mlcc.lock"],
            ".mlcc/base/do/config": old,
            ".mlcc/txn/journal.json": journal,
            ".mlcc/txn/stage-1/b0": new,
        },
    )
    for command in ("plan", "diff", "validate", "explain", "show"):
        assert "killed before it finished" in mlcc(command).stderr, command
        assert "killed before it finished" in mlcc(command, "-o", "json").stderr, command
    assert "killed before it finished" in mlcc("apply", "--check").stderr
    assert "MLCC303" in mlcc("do", "config", code=3).stderr
    result = mlcc("apply", code=0)
    assert "finished now" in result.stderr
    assert_same(finished, read_tree(HERE))
    assert parse_conf(new, "x")[0]["TTL"] == "3d"


# ---------------------------------------------------------------- values
EVIL_TEXT = [
    "$(touch owned)",
    "`touch owned`",
    "'; touch owned; '",
    '"; touch owned; "',
    "a\ntouch owned",
    "{{ cycler.__init__.__globals__.os.system('touch owned') }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}x{% endfor %}",
    "${jndi:ldap://x}",
    "\\",
    "!!python/object/apply:os.system [touch owned]",
    "%0Atouch owned",
]


@pytest.mark.parametrize("value", EVIL_TEXT)
def test_values_are_data_wherever_they_land(mlcc, value):
    import subprocess

    quoted = json.dumps(value)
    build_tree(
        HERE,
        {
            "mlcc.yaml": SMALLEST
            + f"env: {{A: {quoted}}}\nmodel: {{chat_template: {quoted}}}\ntest: {{payload: {quoted}}}\n"
        },
    )
    mlcc("apply", code=0)
    assert "nothing to do" in mlcc("apply", code=0).stdout
    for conf in HERE.glob("do/config"):
        done = subprocess.run(
            ["bash", "-c", '. "$0" && printf %s "$IC_ENV_A"', str(conf)], capture_output=True, check=True
        )
        assert done.stdout.decode() == value
    assert not (HERE / "owned").exists()
    left = [p for p in Path(os.environ["HOME"]).rglob("*") if p.is_file()]
    assert {p.parent.name for p in left} <= {"documents"}, "no replay file, nothing but parsed registries"
    assert not [p for p in left if b"owned" in p.read_bytes()]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "../x"),
        ("name", "a/b"),
        ("name", "{{x}}"),
        ("name", "-x"),
        ("name", "a\n"),
        ("name", "A"),
        ("name", "a--b"),
        ("name", "x" * 41),
        ("name", "ä"),
        ("name", ""),
    ],
)
def test_names_that_become_paths_are_checked(mlcc, key, value):
    build_tree(HERE, {"mlcc.yaml": SMALLEST.replace("{name: iris}", f"{{{key}: {json.dumps(value)}}}")})
    mlcc("apply", code=1)
    assert set(read_tree(HERE)) == {"mlcc.yaml"}


@pytest.mark.parametrize("name", ["../x", "a/b", "CON", "a b", ".", "-", "a\\0b"])
@pytest.mark.parametrize("section", ["environments: {%s: {}}", "inference_components: [{name: %s}]"])
def test_names_of_environments_and_components_are_checked(mlcc, section, name):
    build_tree(HERE, {"mlcc.yaml": SMALLEST + section % f'"{name}"' + "\n"})
    mlcc("apply", code=1)
    assert set(read_tree(HERE)) == {"mlcc.yaml"}


def test_a_large_file_is_refused_quickly(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "#" + "x" * (256 * 1024)})
    assert "larger than 262,144 bytes" in mlcc("apply", code=1).stderr


def test_values_that_would_not_fit_the_lock_are_refused(mlcc):
    items = "".join(f'  A{n}: "{"x" * 5000}"\n' for n in range(40))
    envs = "".join(f'  e{n}: {{env: {{B: "{"y" * 9000}"}}}}\n' for n in range(8))
    build_tree(HERE, {"mlcc.yaml": f"{SMALLEST}env:\n{items}environments:\n{envs}"})
    result = mlcc("apply", code=1)
    assert "MLCC002" in result.stderr or "MLCC210" in result.stderr or "MLCC001" in result.stderr
    assert set(read_tree(HERE)) == {"mlcc.yaml"}


# ---------------------------------------------------------------- between the plan and the write
def planned(text: str):
    """A plan that was made and not carried out yet: (target, prepared)."""
    from mlcc import pipeline
    from mlcc.apply import prepare
    from mlcc.io.disk.reader import Directory

    build_tree(HERE, {"mlcc.yaml": text})
    project = pipeline.read("mlcc.yaml")
    target = Directory(".")
    return target, prepare.prepare_plan(project, pipeline.render(project, ["/tmp"]), target)


def carry_out(target, prepared) -> bool:
    from mlcc.apply import writer as applying

    with target:
        return applying.execute_plan(target, prepared.plan, prepared.lock, prepared.state, prepared.known)


def test_a_file_that_changes_after_the_plan_is_not_deleted(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "environments: {prod: {ttl: 1h}}\n"})
    mlcc("apply", code=0)
    target, prepared = planned(SMALLEST)
    assert "delete" in {c.action for c in prepared.plan.changes if c.path == "do/env/prod.conf"}
    (HERE / "do/env/prod.conf").write_text("# mine, just now\n")
    with pytest.raises(ChangedMeanwhile):
        carry_out(target, prepared)
    assert (HERE / "do/env/prod.conf").read_text() == "# mine, just now\n"
    assert not (HERE / ".mlcc/txn").exists()


def test_a_folder_that_becomes_a_link_after_the_plan_is_not_followed(project, outside):
    target, prepared = planned(SMALLEST + "ttl: 3d\n")
    before = state_of(outside)
    replace_by_link("do", outside)
    with pytest.raises(UserError):
        carry_out(target, prepared)
    assert_same(before, state_of(outside))


def test_a_row_whose_backend_no_layer_knows_is_a_finding(mlcc):
    rows = (
        "version: 1\nkind: deployment_configs\nrows:\n  http-own: {title: T, description: D., architecture: http,"
        " backend: quart, source: own, validation_level: experimental, frameworks: [sklearn]}\n"
    )
    text = SMALLEST.replace("http-fastapi", "http-own") + "registries: [./own]\nframework: {name: sklearn}\n"
    build_tree(HERE, {"mlcc.yaml": text, "own/deployment_configs.yaml": rows})
    found = mlcc("apply", code=1).stderr
    assert "MLCC405" in found
    assert "quart" in found
    assert not (HERE / "Dockerfile").exists()


PAYLOADS = [
    '[[1]]""" + __import__(\'os\').system(\'touch pwned\') + r"""',
    "'",
    "\\",
    '["\u2028\U0001f600"]',
    '{"a": "\\"}',
    "{{ 7*7 }}",
    "1,2\n3,4",
]


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("config", ["http-flask", "triton-fil", "transformers-vllm"])
def test_a_request_is_data_in_the_contract_test(mlcc: Caller, config: str, payload: str) -> None:
    """tests/test_contract.py is Python: what mlcc.yaml says stands in it as one literal."""
    document = json.dumps({"version": 1, "project": {"name": "x"}, "deployment": {"config": config, "target": "local"},
                           "test": {"payload": payload}}, ensure_ascii=False).replace("\u2028", "\\u2028")  # fmt: skip
    build_tree(
        ".",
        {
            "mlcc.yaml": document + "\n"
            if config != "transformers-vllm"
            else document[:-1] + ', "model": {"name": "a/b"}}\n'
        },
    )
    mlcc("apply", "-q", code=0)
    tree = ast.parse(Path("tests/test_contract.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "json.loads"]
    literals = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    assert len(calls) >= 1
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "__import__"]
    try:
        json.loads(payload)
    except ValueError:
        return  # not JSON: the sample's own request stands there
    assert payload in literals


@pytest.mark.parametrize(
    "text", ["plain", 'a"b', "a'b", "a\nRUN id", "a$(id)", "a`id`", "a\\b", "a;b", "a{{ 7 }}", "a\u2028b"]
)
@pytest.mark.parametrize("row", ["file", "requirement", "package"])
def test_a_row_of_a_stranger_s_registry_reaches_no_file_unescaped(mlcc: Caller, row: str, text: str) -> None:
    name = f"model.{text}" if row == "file" else "model.joblib"
    framework = {"version": 1, "kind": "framework", "name": "sklearn", "source": "x", "formats": {"joblib": {"file": name}},
                 "versions": {"9.9": {"source": "x", "validation_level": "experimental", "requirements": [text if row == "requirement" else "a==1"],
                                      "defaults": {"framework": {"base_image": "python:3.12"}}}}}  # fmt: skip
    config = {"title": "x", "architecture": "http", "backend": "flask", "source": "x", "validation_level": "experimental", "frameworks": ["sklearn"],
              "defaults": {"framework": {"name": "sklearn"}}, "system_packages": [text if row == "package" else "curl"]}  # fmt: skip
    configs = {"version": 1, "kind": "deployment_configs", "rows": {"http-flask": config}}
    build_tree(".", {
        "mlcc.yaml": SMALLEST.replace("http-fastapi", "http-flask") + "framework: {version: '9.9'}\nregistries: [./r]\n",
        "r/frameworks/sklearn.yaml": json.dumps(framework), "r/deployment_configs.yaml": json.dumps(configs),
    })  # fmt: skip
    result = mlcc("apply", code=int(text != "plain"))
    assert_no_traceback(result)
    assert ("MLCC406" in result.stderr) is (text != "plain"), result.stderr
    assert Path("Dockerfile").exists() is (text == "plain")
