"""mlcc set and init: mlcc.yaml itself, written with comments and never broken."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from mlcc.registries.loader import load
from tests.helpers import SMALLEST, assert_no_traceback, build_tree, fork_server, read_tree, run_mlcc, state_of

HERE = Path()
FILE = Path("mlcc.yaml")
COMMENTED = """\
# what
version: 1
project: {name: iris}   # who
deployment:
  config: http-fastapi # how
  # region: us-east-1
env: # around
  A: "1" # first
inference_components:
  - name: chat
    copy_count: 1
"""


@pytest.fixture
def project():
    build_tree(HERE, {"mlcc.yaml": COMMENTED})


@pytest.mark.parametrize("value", ["./mlcc.yaml", "mlcc.yaml", "../{}/mlcc.yaml"])
def test_a_file_does_not_come_to_extend_itself(project, mlcc, value):
    Path(".git").mkdir()
    refused = mlcc("set", "extends", value.format(Path.cwd().name), code=1)
    assert "MLCC030" in refused.stderr
    assert FILE.read_text() == COMMENTED


def after(old: str, new: str) -> str:
    assert old in COMMENTED
    return COMMENTED.replace(old, new)


@pytest.mark.parametrize(
    ("arguments", "old", "new"),
    [
        (["project.name", "moon"], "{name: iris}", "{name: moon}"),
        (["deployment.config", "http-flask"], "config: http-fastapi #", "config: http-flask #"),
        (["env.A", "2"], 'A: "1" # first', 'A: "2" # first'),
        (["env.A", "yes"], 'A: "1" # first', 'A: "yes" # first'),
        (["inference_components[chat].copy_count", "3"], "copy_count: 1", "copy_count: 3"),
    ],
)
def test_one_value_changes_and_all_else_stays(project, mlcc, arguments, old, new):
    result = mlcc("set", *arguments, code=0)
    assert FILE.read_text() == after(old, new)
    assert f"{arguments[0]} set" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "path", "value"),
    [
        (["ttl", "2d"], ["ttl"], "2d"),
        (["env.B", "on"], ["env", "B"], "on"),
        (["network.subnets", "subnet-1,subnet-2"], ["network", "subnets"], ["subnet-1", "subnet-2"]),
        (["deployment.instance_count", "2"], ["deployment", "instance_count"], 2),
        (["tags", "{a: b}"], ["tags"], {"a": "b"}),
        (["network.isolation", "true"], ["network", "isolation"], True),
        (["ttl", "1h", "--env", "prod"], ["environments", "prod", "ttl"], "1h"),
        (["env.A", "9", "--env", "prod"], ["environments", "prod", "env", "A"], "9"),
        (["environments.prod.ttl", "1h"], ["environments", "prod", "ttl"], "1h"),
        (
            ["environments.prod.deployment.instance_type", "ml.c5.xlarge"],
            ["environments", "prod", "deployment"],
            {"instance_type": "ml.c5.xlarge"},
        ),
        (["environments.prod.tags", "{a: b}"], ["environments", "prod", "tags"], {"a": "b"}),
    ],
)
def test_new_keys_are_added(project, mlcc, arguments, path, value):
    mlcc("set", *arguments, code=0)
    found = yaml.safe_load(FILE.read_text())
    for key in path:
        found = found[key]
    assert found == value
    comments = [
        part
        for part in ("# what", "# who", "# how", "# region: us-east-1", "# around", "# first")
        if part in FILE.read_text()
    ]
    assert len(comments) == 6
    mlcc("validate", code=0)


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("a==1,b==2", ["a==1", "b==2"]),
        ("a==1", ["a==1"]),
        ("a[x,y]==1.*,b>=1,<2,c~=3.1", ["a[x,y]==1.*", "b>=1,<2", "c~=3.1"]),
    ],
)
def test_a_list_of_requirements_needs_no_yaml(project, mlcc, text, elements):
    mlcc("set", "build.requirements", text, code=0)
    assert yaml.safe_load(FILE.read_text())["build"]["requirements"] == elements
    found = mlcc("explain", "build.requirements", "--set", f"build.requirements={text}", "--json", code=0)
    assert json.loads(found.stdout)["values"][0]["value"] == elements


OVERLAYS = """
environments:
  # what customers use
  prod:
    deployment: {instance_type: ml.m5.xlarge} # small
    env:
      A: "1" # first
      # the second
      B: "2"
  dev: {ttl: 1h}
"""


@pytest.mark.parametrize(
    ("arguments", "old", "new"),
    [
        (["environments.prod.deployment.instance_type", "ml.c5.xlarge"], "{instance_type: ml.m5.xlarge} # small",
         "{instance_type: ml.c5.xlarge} # small"),
        (["environments.prod.env.A", "3"], 'A: "1" # first', 'A: "3" # first'),
        (["environments.prod.env.C", "3"], '      B: "2"\n', '      B: "2"\n      C: "3"\n'),
        (["environments.prod.env.B", "--unset"], '      B: "2"\n', ""),
        (["environments.dev.ttl", "2h"], "dev: {ttl: 1h}", 'dev: {ttl: "2h"}'),
        (["environments.prod.ttl", "2h"], '      B: "2"\n', '      B: "2"\n    ttl: "2h"\n'),
        (["environments.dev", "--unset"], "  dev: {ttl: 1h}\n", ""),
    ],
)  # fmt: skip
def test_a_key_of_an_environment_changes_and_all_else_stays(mlcc, arguments, old, new):
    FILE.write_text(COMMENTED + OVERLAYS)
    result = mlcc("set", *arguments, code=0)
    assert FILE.read_text() == COMMENTED + OVERLAYS.replace(old, new)
    assert ("removed" if "--unset" in arguments else "set") in result.stderr
    assert "is new" not in result.stderr
    mlcc("validate", code=0)


def test_both_ways_to_name_an_environment_write_the_same(mlcc):
    texts = []
    for arguments in (["environments.stage.ttl", "1h"], ["ttl", "1h", "--env", "stage"]):
        FILE.write_text(COMMENTED + OVERLAYS)
        assert "note: the environment stage is new" in mlcc("set", *arguments, code=0).stderr
        texts.append(FILE.read_text())
    assert texts[0] == texts[1]
    assert yaml.safe_load(texts[0])["environments"]["stage"] == {"ttl": "1h"}


def test_a_windows_file_stays_one(mlcc):
    text = "\ufeff" + COMMENTED.replace("\n", "\r\n")
    FILE.write_bytes(text.encode())
    mlcc("set", "env.B", "2", code=0)
    old = '  A: "1" # first\r\n'
    assert FILE.read_bytes().decode() == text.replace(old, f'{old}  B: "2"\r\n')


def test_a_list_on_one_line_stays_on_it(mlcc):
    text = COMMENTED + "network:\n  subnets: [subnet-0a, subnet-0b] # both\n"
    FILE.write_text(text)
    mlcc("set", "network.subnets", "[subnet-0c]", code=0)
    assert FILE.read_text() == text.replace("[subnet-0a, subnet-0b]", "[subnet-0c]")


def test_the_comment_above_a_removed_key_is_left_and_named(mlcc):
    text = COMMENTED.replace('  A: "1"', '  # about A\n  A: "1"').replace("inference", '  B: "2"\ninference', 1)
    FILE.write_text(text)
    output_text = mlcc("set", "env.A", "--unset", code=0).stderr
    assert FILE.read_text() == text.replace('  A: "1" # first\n', "")
    assert "env.A removed; the comment above it is left (line 8)" in output_text
    assert FILE.read_text().splitlines()[7] == "  # about A"
    assert "comment" not in mlcc("set", "env.B", "3", code=0).stderr


def test_a_new_component_is_added_by_name(project, mlcc):
    mlcc("set", "inference_components[rank].copy_count", "2", code=0)
    assert yaml.safe_load(FILE.read_text())["inference_components"] == [
        {"name": "chat", "copy_count": 1},
        {"name": "rank", "copy_count": 2},
    ]


def test_unset_takes_a_key_away(project, mlcc):
    mlcc("set", "inference_components[chat].copy_count", "--unset", code=0)
    assert yaml.safe_load(FILE.read_text())["inference_components"] == [{"name": "chat"}]
    mlcc("set", "deployment.region", "--unset", code=0)


def test_setting_what_is_already_so_writes_nothing(project, mlcc):
    before = state_of(Path.cwd())
    assert "is that already" in mlcc("set", "project.name", "iris", code=0).stderr
    assert state_of(Path.cwd()) == before


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["project.nme", "x"], 1, "did you mean project.name?"),
        (["nope", "x"], 1, "MLCC033"),
        (["project.name", "Not A Name"], 1, "was left as it is"),
        (["deployment.config", "nope"], 1, "MLCC102"),
        (["deployment.instance_count", "two"], 1, "is not a number"),
        (["deployment.instance_count", "0.5"], 1, "is not a whole number"),
        (["model.format", "joblib", "--env", "prod"], 1, "MLCC0"),
        (["framework.version", "1", "--env", "prod"], 1, "MLCC0"),
        (["ttl"], 2, "give a VALUE, or --unset"),
        (["ttl", "1h", "--unset"], 2, "give a VALUE, or --unset"),
        (["environments.prod.ttl", "1h", "--env", "prod"], 2, "names an environment already"),
        (["environments.prod.model.format", "joblib"], 1, "MLCC031"),
        (["environments.prod.framework.version", "1"], 1, "MLCC031"),
        (["environments.prod.tll", "1h"], 1, "did you mean ttl?"),
        (["environments.prod.environments.dev.ttl", "1h"], 1, "MLCC033"),
        (["environments.prod", "{}"], 1, "MLCC033"),
        (["environments", "{}"], 1, "MLCC219"),
        (["environments.Prod_1.ttl", "1h"], 1, "was left as it is"),
        (["x-mine", "1"], 1, "MLCC033"),
        (["a..b", "1"], 1, "MLCC033"),
        (["inference_components[0].copy_count", "3"], 1, "counts elements; they go by their names"),
        (["inference_components[0]", "--unset"], 1, "counts elements; they go by their names"),
        (["env.A", os.fsdecode(b"\xff")], 1, "lone surrogate"),
        (["build.requirements", "a b"], 1, "is not a list, written A,B or in YAML"),
    ],
)
def test_what_cannot_be_set_leaves_the_file_alone(project, mlcc, arguments, code, says):
    before = state_of(Path.cwd())
    result = mlcc("set", *arguments, code=code)
    assert says in result.stderr
    assert state_of(Path.cwd()) == before


AWKWARD = [
    ["project.name.deeper", "x"],
    ["env.A.B", "x"],
    ["build.requirements[0]", "x"],
    ["inference_components[chat]", "x"],
    ["inference_components.chat", "[]"],
]


@pytest.mark.parametrize("arguments", AWKWARD)
def test_awkward_keys_are_findings(project, mlcc, arguments):
    before = state_of(Path.cwd())
    result = mlcc("set", *arguments, code=1)
    assert_no_traceback(result)
    assert state_of(Path.cwd()) == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("env:\n  # why\n  A: x\n", "env: {}\n  # why\n"),
        ("env: # KEEP\n  A: x\n", "env: {} # KEEP\n"),
        ("env:\n  A: x # goes\nttl: 8h\n", "env: {}\nttl: 8h\n"),
        ("env :\n\n  A: x\n\n# next\nttl: 8h\n", "env : {}\n\n\n# next\nttl: 8h\n"),
        ("env: {A: x}\n", "env: {}\n"),
    ],
)
def test_unset_of_the_only_key_leaves_an_empty_section(mlcc, before, after):
    build_tree(HERE, {"mlcc.yaml": SMALLEST + before})
    mlcc("set", "--unset", "env.A", code=0)
    assert FILE.read_text() == SMALLEST + after
    mlcc("validate", code=0)


def test_unset_of_the_only_key_in_an_element(mlcc):
    text = SMALLEST + "inference_components:\n  - name: chat\n    env:\n      A: x\n    copy_count: 2\n"
    build_tree(HERE, {"mlcc.yaml": text})
    mlcc("set", "--unset", "inference_components[chat].env.A", code=0)
    assert FILE.read_text() == text.replace("env:\n      A: x", "env: {}")


@pytest.mark.parametrize("value", ["[r1]", "[]"])
def test_a_comment_inside_a_list_is_not_lost(mlcc, value):
    text = SMALLEST + "registries: [r1, # KEEP\n             r2]\n"
    build_tree(HERE, {"mlcc.yaml": text, "r1/x.txt": "", "r2/x.txt": ""})
    assert "MLCC219" in mlcc("set", "registries", value, code=1).stderr
    assert FILE.read_text() == text


def test_a_number_of_thousands_of_digits_is_no_bug(mlcc):
    text = SMALLEST.replace("\n", "\n", 1) + f"env: {{A: {'9' * 5000}}}\n"
    build_tree(HERE, {"mlcc.yaml": text})
    assert mlcc("set", "env.X", "y").code == 1
    assert FILE.read_text() == text


def test_unset_of_what_is_not_there_writes_nothing(project, mlcc):
    before = state_of(Path.cwd())
    mlcc("set", "network.isolation", "--unset", code=0)
    assert state_of(Path.cwd()) == before


def test_the_file_s_mode_is_kept(project, mlcc):
    FILE.chmod(0o600)
    mlcc("set", "ttl", "2d", code=0)
    assert FILE.stat().st_mode & 0o777 == 0o600
    assert set(read_tree(HERE)) == {"mlcc.yaml"}, "no temporary file is left"


def test_a_link_is_not_followed(mlcc):
    build_tree(HERE, {"real/mlcc.yaml": COMMENTED})
    FILE.symlink_to("real/mlcc.yaml")
    result = mlcc("set", "ttl", "2d", code=1)
    assert "MLCC001" in result.stderr
    assert Path("real/mlcc.yaml").read_text() == COMMENTED


def test_a_broken_file_is_not_touched(mlcc):
    build_tree(HERE, {"mlcc.yaml": "version: 1\nproject: {name: [}\n"})
    before = state_of(Path.cwd())
    mlcc("set", "ttl", "2d", code=1)
    assert state_of(Path.cwd()) == before


# ---------------------------------------------------------------- init
def test_init_writes_a_commented_file_that_applies(mlcc):
    result = mlcc("init", "iris", "--deployment-config", "http-flask", code=0)
    text = FILE.read_text()
    assert "next: mlcc apply" in result.stderr
    assert yaml.safe_load(text) == {"version": 1, "project": {"name": "iris"}, "deployment": {"config": "http-flask"}}
    assert text.startswith("# yaml-language-server: $schema=")
    assert text.count("#") > 5
    mlcc("apply", code=0)


def test_init_s_comments_can_be_taken_off(mlcc):
    mlcc("init", "iris", "--deployment-config", "http-flask", code=0)
    lines = FILE.read_text().splitlines()
    for n, line in enumerate(lines):
        if (
            line.lstrip().startswith("# ")
            and (":" in line)
            and not line.startswith(
                ("# yaml-language-server", "# What", "# The", "# Environment of", "# Project", "# Where", "# Kind")
            )
        ):
            lines[n] = line.replace("# ", "", 1)
    FILE.write_text("\n".join(lines) + "\n")
    result = mlcc("validate")
    assert "MLCC005" not in result.stdout, FILE.read_text()


def test_init_takes_options_and_the_folder_s_name(mlcc, tmp_path, monkeypatch):
    folder = tmp_path / "My Model_2"
    folder.mkdir()
    monkeypatch.chdir(folder)
    mlcc("init", "--deployment-config", "http-fastapi", "--region", "us-east-1", "--instance-count", "2", code=0)
    found = yaml.safe_load(FILE.read_text())
    assert found["project"] == {"name": "my-model-2"}
    assert found["deployment"] == {"config": "http-fastapi", "region": "us-east-1", "instance_count": 2}


def test_init_writes_elsewhere(mlcc):
    mlcc("init", "iris", "-C", "deep/er", "--deployment-config", "http-flask", code=0)
    assert Path("deep/er/mlcc.yaml").exists()


def test_init_replaces_only_when_asked(project, mlcc):
    assert "MLCC217" in mlcc("init", "iris", code=1).stderr
    assert FILE.read_text() == COMMENTED
    mlcc("init", "moon", "--deployment-config", "http-flask", "--force", code=0)
    assert yaml.safe_load(FILE.read_text())["project"] == {"name": "moon"}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["Bad Name", "--deployment-config", "http-flask"], 1, "MLCC023"),
        (["iris", "--deployment-config", "http-flsk"], 1, "did you mean http-flask?"),
        (["iris", "--deployment-config", "http-flask", "--region", "x"], 1, "MLCC023"),
        (["iris", "--deployment-config", "http-flask", "--instance-count", "x"], 1, "MLCC033"),
        (["iris", "more"], 2, "unexpected"),
        (["iris", "--deployment-config", "http-flask", "-C", "/dev/null"], 1, "stands where a directory belongs"),
    ],
)
def test_init_refuses_what_would_not_be_valid(mlcc, arguments, code, says):
    result = mlcc("init", *arguments, code=code)
    assert says in result.stderr
    assert read_tree(HERE) == {}


def test_init_never_waits_without_a_terminal():
    result = run_mlcc("init", timeout=20)
    assert result.code == 0
    assert FILE.exists()


def test_init_through_a_dangling_link_writes_nothing(mlcc):
    FILE.symlink_to("elsewhere.yaml")
    mlcc("init", "iris", "--deployment-config", "http-flask", code=1)
    assert not Path("elsewhere.yaml").exists()


def test_set_works_on_the_smallest_file(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST.rstrip("\n")})
    mlcc("set", "ttl", "2d", code=0)
    assert yaml.safe_load(FILE.read_text())["ttl"] == "2d"


# ---------------------------------------------------------------- init on a terminal
CONFIGS = list(load().deployment_configs)
USUAL = "http-fastapi"  # the first of those that were tested
# An engine has no sample model, so there is a third question.
HUB = {
    name for name, row in load().deployment_configs.items()
    if "hub" in load().architectures[row.architecture].model_kinds
}  # fmt: skip
PROGRAM = os.path.join(os.path.dirname(sys.executable), "mlcc")


def typed(answers, *arguments, limit_s=20.0, program=False):
    """Runs mlcc init on a terminal and types one answer at each prompt; exit code, stdout, what the terminal showed.

    program: the installed one, and not a fork of a process that has imported it.
    """
    (master, slave), (reader, writer) = pty.openpty(), os.pipe()
    if program:
        process = subprocess.Popen([PROGRAM, "init", *arguments], stdin=slave, stdout=writer, stderr=slave)
        wait = process.wait
    else:
        wait = fork_server().start(["init", *arguments], os.getcwd(), os.environ, (slave, writer, slave)).wait
    os.close(slave)
    os.close(writer)
    shown, left, asked, end = b"", list(answers), 0, time.monotonic() + limit_s
    try:
        while time.monotonic() < end:
            if not select.select([master], [], [], 0.1)[0]:
                continue
            try:
                shown += os.read(master, 65536)
            except OSError:  # the program has closed the terminal
                break
            prompts = len(
                re.findall(rb"(?:Project name|Deployment config [^\n]*) \[[^\n]*\]: |Model \([^\n]*: ", shown)
            )
            if prompts > asked and left:
                asked = prompts
                answer = left.pop(0)
                os.write(master, (answer() if callable(answer) else answer).encode() + b"\n")
        code = wait(limit_s)
        with open(reader, closefd=False) as stream:
            out = stream.read()
    finally:
        os.close(master)
        os.close(reader)
    assert left == [], shown
    return code, out, shown.decode()


def written():
    found = yaml.safe_load(FILE.read_text())
    return found["project"]["name"], found["deployment"]["config"]


def test_init_asks_on_a_terminal_and_a_number_is_the_row_of_the_list():
    number = CONFIGS.index("http-flask") + 1
    code, out, shown = typed(["moon", str(number)], program=True)
    assert (code, out) == (0, "")
    assert written() == ("moon", "http-flask")
    for number, name in enumerate(CONFIGS, 1):
        assert re.search(rf"^ +{number} +{name} +\S", shown, re.MULTILINE), shown


@pytest.mark.parametrize(("before", "arguments"), [(None, ()), ("version: 1\n", ("--force",))])
def test_init_replaces_nothing_that_was_saved_while_it_asked(before, arguments):
    if before:
        build_tree(HERE, {"mlcc.yaml": before})

    def answer():
        FILE.write_text("# mine\n")
        return "http-flask"

    code, _, shown = typed(["moon", answer], *arguments)
    assert (code, FILE.read_text()) == (1, "# mine\n"), shown
    assert "MLCC223" in shown


def test_sets_at_once_are_all_in_the_file(project):
    program = [PROGRAM, "set"]
    running = [subprocess.Popen([*program, f"env.N{n}", "x"], stderr=subprocess.PIPE) for n in range(5)]
    ended = [(process.wait(60), process.stderr.read()) for process in running]
    for process in running:
        process.stderr.close()
    assert [code for code, _ in ended] == [0] * 5, ended
    assert {f"N{n}" for n in range(5)} <= set(yaml.safe_load(FILE.read_text())["env"])


def test_init_takes_a_name_and_every_number_of_the_list():
    # every row by its number, and the first and the last by their names
    for number, name in enumerate(CONFIGS, 1):
        for answer in (str(number), *([name] if number in (1, len(CONFIGS)) else [])):
            assert typed(["moon", answer, *([""] if name in HUB else [])], "--force")[0] == 0
            assert written() == ("moon", name)


def test_init_asks_for_the_model_of_an_engine_and_again_after_a_wrong_one():
    code, _, shown = typed(["moon", "transformers-vllm", "a b", "Qwen/Qwen3-0.6B"])
    assert code == 0
    assert yaml.safe_load(FILE.read_text())["model"] == {"name": "Qwen/Qwen3-0.6B"}
    assert shown.count("Model (an id of the Hugging Face Hub") == 2
    assert typed(["moon", "transformers-vllm", ""], "--force")[0] == 0
    assert "model" not in yaml.safe_load(FILE.read_text())
    assert "#   name: Qwen/Qwen3-0.6B" in FILE.read_text()


def test_init_takes_what_it_offers_for_an_empty_answer():
    code, _, shown = typed(["", ""], "-C", "my-model")
    assert code == 0
    assert "[my-model]" in shown
    found = yaml.safe_load(Path("my-model/mlcc.yaml").read_text())
    assert (found["project"]["name"], found["deployment"]["config"]) == ("my-model", USUAL)


def test_init_asks_again_after_a_wrong_answer():
    past = str(len(CONFIGS) + 1)
    code, _, shown = typed(["Not A Name", "moon", "http-flsk", "0", past, "http-flask"])
    assert code == 0
    assert written() == ("moon", "http-flask")
    assert shown.count("Project name [") == 2
    assert shown.count("Deployment config (name or number) [") == 4
    assert "did you mean http-flask?" in shown
    assert shown.count(f"the numbers run from 1 to {len(CONFIGS)}") == 2
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    ("arguments", "answers", "wanted"),
    [
        (["moon"], ["http-flask"], ("moon", "http-flask")),
        (["--deployment-config", "http-flask"], ["moon"], ("moon", "http-flask")),
        (["moon", "--deployment-config", "http-flask"], [], ("moon", "http-flask")),
    ],
)
def test_init_asks_only_for_what_is_missing(arguments, answers, wanted):
    code, _, shown = typed(answers, *arguments)
    assert code == 0
    assert written() == wanted
    assert ("Project name [" in shown, "Deployment config (" in shown) == ("moon" in answers, "http-flask" in answers)


@pytest.mark.parametrize("piped", ["stderr", "stdin"])
def test_init_never_waits_when_half_of_the_terminal_is_a_pipe(piped):
    """`mlcc init 2>log` would wait for an answer to a question that nobody sees."""
    master, slave = pty.openpty()
    streams = {"stdin": slave, "stderr": slave, piped: subprocess.PIPE}
    process = subprocess.Popen([PROGRAM, "init", "moon"], stdout=subprocess.PIPE, **streams)
    os.close(slave)
    try:
        _, err = process.communicate(timeout=10)
        output_text = (err or os.read(master, 65536)).decode()
    finally:
        process.kill()
        process.communicate()
        os.close(master)
    assert process.returncode == 0
    assert written() == ("moon", USUAL)
    assert "no deployment config was named" in output_text
    assert "name or number" not in output_text


def test_init_shows_the_usual_sections_as_comments(mlcc):
    mlcc("init", "iris", "--deployment-config", "http-flask", code=0)
    lines = FILE.read_text().splitlines()
    for key in ("model", "env", "environments"):
        assert lines.count(f"# {key}:") == 1
        shown = lines[lines.index(f"# {key}:") :]
        assert shown[1].startswith("#   "), "the section is shown with something in it"


@pytest.mark.parametrize("key", ["model", "env", "environments"])
def test_each_of_init_s_commented_sections_is_valid_as_it_stands(mlcc, key):
    mlcc("init", "iris", "--deployment-config", "http-flask", code=0)
    lines = FILE.read_text().splitlines()
    first = lines.index(f"# {key}:")
    for n in range(first, len(lines)):
        if not lines[n].startswith("# " + "  " * (n > first)):
            break
        lines[n] = lines[n].removeprefix("# ")
    FILE.write_text("\n".join(lines) + "\n")
    assert key in yaml.safe_load(FILE.read_text())
    Path("model").mkdir()
    mlcc("validate", code=0)


@pytest.mark.parametrize("config", sorted(load().deployment_configs))
def test_a_new_file_names_variables_that_its_server_reads(mlcc, config):
    mlcc("init", "demo", "--deployment-config", config)
    text = FILE.read_text()
    row = load().deployment_configs[config]
    usual = [f"#   {name}: {value}\n" for name, value in row.example_env.items()] or ["#   NAME: value\n"]
    assert all(line in text for line in usual)
    assert ("LOG_LEVEL" in text) == (config.startswith("http-"))
