"""Help, usage and exit codes: the same promise for every command."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import jsonschema
import pytest
import yaml

from mlcc.cli.command_table import COMMANDS
from mlcc.cli.help_sections import ACCOUNT, FEW, OUTPUT, PROJECT, SHARED, VALUES
from mlcc.cli.main import cli
from mlcc.core.errors import Terminated
from mlcc.core.version import VERSION
from mlcc.lifecycle import STEPS
from tests.helpers import ROOT, SMALLEST, assert_no_traceback, build_tree, fork_server, read_tree, run_mlcc, state_of

HERE = Path()
TOKEN = "ghp_" + "a1B2" * 9
ALL = [[], *[[name] for name in sorted(COMMANDS)], *[["do", step] for step in sorted(STEPS)]]


# ---------------------------------------------------------------- help
@pytest.mark.parametrize("step", sorted(name for name, step in STEPS.items() if step.run))
def test_the_example_of_a_step_is_not_refused(mlcc, step):
    """On a project that has the step; what serves in the foreground is shown as a dry run here."""
    example = mlcc("do", step, "--help", code=0).stdout.splitlines()[-1].strip()
    command, *options = example.removeprefix("Example: ").split()
    assert command == f"do/{step}"
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "build: {strategy: codebuild-submit}\n"})
    mlcc("apply", code=0)
    mlcc("do", step, *dict.fromkeys([*options, "--dry-run"]), code=0)


@pytest.mark.parametrize("command", ALL, ids=" ".join)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_of_every_command(mlcc, command, option):
    result = mlcc(*command, option, code=0)
    assert result.stderr == ""
    assert result.stdout.startswith("Usage: mlcc")
    assert "Example: " in result.stdout or command == []
    assert "mlcc init" in result.stdout or command != []
    assert not [line for line in result.stdout.splitlines() if len(line) > 80]
    assert read_tree(HERE) == {}
    assert not os.path.exists(os.environ["MLCC_HOME"])


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_option_is_explained(command):
    found = cli.get_command(click.Context(cli), command)
    options = [p for p in found.get_params(click.Context(found)) if isinstance(p, click.Option)]
    assert not [p.name for p in options if not p.help], "an option without help"
    assert found.help
    assert found.help.split("\n")[0].endswith(".")


def leaves(command, *path):
    if not isinstance(command, click.Group):
        return [(path, command)]
    context = click.Context(command)
    found = [(name, command.get_command(context, name)) for name in command.list_commands(context)]
    return [leaf for name, one in found for leaf in leaves(one, *path, name)]


def sections(text):
    """The options by their heading, as help shows them."""
    found = {}
    for block in re.split(r"\n\n(?=\S)", text)[1:]:
        heading, _, lines = block.partition(":\n")
        found[heading] = re.findall(r"(?m)^  (?:-\w, )?(--[a-z0-9-]+)", lines)
    return found


@pytest.mark.parametrize(("path", "command"), leaves(cli), ids=lambda v: " ".join(v) if isinstance(v, tuple) else "")
def test_many_options_stand_under_headings(mlcc, path, command):
    """A command of ours is made with cls=Command (mlcc/cli/help_sections.py) or one that derives from it."""
    context = click.Context(command)
    options = [p for p in command.get_params(context) if isinstance(p, click.Option) and not p.hidden]
    names = [next(n for n in p.opts if n.startswith("--")) for p in options]
    found = sections(mlcc(*path, "--help", code=0).stdout)
    assert sorted(n for listed in found.values() for n in listed) == sorted(names), "each once, and all"
    if len(names) <= FEW:
        return
    own = f"Options of {' '.join(path)}"
    assert [*found] == [h for h in (own, PROJECT, VALUES, ACCOUNT, OUTPUT) if h in found]
    assert found[OUTPUT] == [n for n in SHARED[OUTPUT] if n in names], "in the same order everywhere"
    assert {*found.get(own, ())} & {n for listed in SHARED.values() for n in listed} == set()
    assert len(found.get(own, ())) <= 10


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_a_line_of_its_own(command):
    module, line = COMMANDS[command]
    assert line.endswith(".")
    assert module == f"mlcc.cli.commands.{command}"


def test_help_names_every_command(mlcc):
    text = mlcc("--help").stdout
    assert all(f"  {name} " in text for name in COMMANDS)
    assert mlcc().stdout == text, "mlcc alone is help"


GROUPS = [[], ["bootstrap"], ["bootstrap", "secrets"], ["ci"], ["dev"], ["do"], ["registry"]]


@pytest.mark.parametrize("group", GROUPS, ids=" ".join)
def test_a_list_of_commands_has_whole_sentences(mlcc, group):
    text = mlcc(*group, "--help", code=0).stdout
    listed = text.partition("Commands:\n")[2].partition("\n\n")[0]
    assert listed
    assert "..." not in listed
    assert max(map(len, text.splitlines())) <= 80
    sentences = re.split(r"\n  (?=\S)", "\n" + listed)[1:]
    assert [s for s in sentences if not s.endswith(".")] == []


def test_every_group_is_looked_at():
    def groups(command, path):
        if isinstance(command, click.Group):
            yield path
            for name in command.list_commands(click.Context(command)):
                yield from groups(command.get_command(click.Context(command), name), [*path, name])

    assert sorted(groups(cli, [])) == sorted(GROUPS)


def test_version(mlcc):
    assert mlcc("--version", code=0).stdout == f"mlcc {VERSION}\n"


def examples() -> list[str]:
    found = []
    for name in sorted(COMMANDS):
        epilog = cli.get_command(click.Context(cli), name).epilog or ""
        found.append(epilog.removeprefix("Example: ").partition(" (")[0])
    return found


@pytest.mark.parametrize("example", examples())
def test_the_example_of_every_command_is_a_command_line(mlcc, example):
    import shlex

    build_tree(HERE, {"mlcc.yaml": SMALLEST + "environments: {prod: {}, dev: {}}\n", ".git/HEAD": ""})
    line = example.removeprefix('eval "$(').removesuffix(')"')
    words = shlex.split(line.partition(" > ")[0])
    assert words[0] == "mlcc"
    result = mlcc(*words[1:]) if "do" not in words else mlcc(*words[1:], "--help")
    assert result.code != 2 or "--check" in words, result.stderr
    assert_no_traceback(result)


# ---------------------------------------------------------------- usage
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["aply"], "did you mean apply?"),
        (["validat"], "did you mean validate?"),
        (["Plan"], "did you mean plan?"),
        (["zzzzzz"], "no command is called 'zzzzzz'"),
        (["do", "biuld"], "did you mean build?"),
        (["do", "zzzzzz"], "no step is called"),
        (["apply", "--chek"], "--check"),
        (["plan", "-o", "xml"], "'json'"),
        (["validate", "-o"], "requires an argument"),
        (["completion"], "Missing argument"),
        (["apply", "--all", "mlcc.yaml"], "one of them"),
        (["plan", "--changed-since", "HEAD", "mlcc.yaml"], "one of them"),
        (["do", "deploy", "--port", "0"], "--port"),
        (["do", "deploy", "--port", "x"], "--port"),
        (["do", "logs", "-n", "0"], "--lines"),
    ],
)
def test_usage_is_exit_2_with_what_is_meant(mlcc, arguments, says):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    result = mlcc(*arguments, code=2)
    assert says in result.stderr
    assert result.stdout == ""
    assert_no_traceback(result)


@pytest.mark.parametrize(
    "arguments", [["plan", "-o", "json", "--nope"], ["plan", "--nope", "-o", "json"], ["apply", "--json", "-f"]]
)
def test_usage_in_json_is_a_finding(mlcc, arguments):
    document = json.loads(mlcc(*arguments, code=2).stdout)
    assert [f["code"] for f in document["findings"]] == ["MLCC900"]


@pytest.mark.parametrize("words", [[TOKEN], ["apply", f"--{TOKEN}"], ["do", "status", f"--{TOKEN}"], ["do", TOKEN]])
@pytest.mark.parametrize("more", [[], ["-o", "json"]])
def test_a_secret_in_a_word_is_not_repeated(mlcc, words, more):
    result = mlcc(*words, *more)
    assert result.code in (1, 2)
    assert TOKEN not in result.stdout + result.stderr
    assert "REDACTED" in result.stdout + result.stderr


def test_foreign_text_in_usage_drives_no_terminal(mlcc):
    result = mlcc("\x1b[31mx\n::error::y", code=2)
    assert "\x1b" not in result.stderr
    assert not [line for line in result.stderr.splitlines() if line.startswith("::")]


# ---------------------------------------------------------------- 1, 3, 70
@pytest.mark.parametrize("command", ["validate", "plan", "diff", "apply", "explain", "show"])
def test_no_mlcc_yaml_is_1_and_says_what_to_do(mlcc, command):
    result = mlcc(command, code=1)
    assert "MLCC001" in result.stderr
    assert "mlcc init" in result.stderr
    result = mlcc(command, "-o", "json", code=1)
    assert json.loads(result.stdout)["findings"][0]["code"] == "MLCC001"
    assert result.stderr == ""


@pytest.mark.parametrize("command", ["validate", "plan", "diff", "apply"])
@pytest.mark.parametrize("kind", ["folder", "link", "fifo", "absent", "unreadable", "nul"])
def test_what_is_no_plain_file_is_refused(mlcc, command, kind):
    path = HERE / "x.yaml"
    if kind == "folder":
        path.mkdir()
        path = path / "deeper"
        path.mkdir()
    elif kind == "link":
        (HERE / "real").write_text(SMALLEST)
        path.symlink_to("real")
    elif kind == "fifo":
        os.mkfifo(path)
    result = mlcc(command, "a\0b" if kind == "nul" else str(path))
    assert result.code == (0 if kind == "nothing" else 1)
    assert_no_traceback(result)


@pytest.mark.parametrize("step", sorted(STEPS))
def test_a_step_without_a_project_is_a_precondition(mlcc, step):
    result = mlcc("do", step, code=3)
    assert "MLCC303" in result.stderr or "MLCC311" in result.stderr
    assert "mlcc apply" in result.stderr or "mlcc do --help" in result.stderr


def test_a_bug_is_one_line_and_a_log(mlcc, monkeypatch):
    from mlcc.cli.commands import show

    def broken(*arguments: object) -> None:
        raise RuntimeError("hf_" + "a1B2" * 9)

    monkeypatch.setattr(show, "read", broken)
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    result = mlcc("show", code=70)
    assert len(result.stderr.splitlines()) == 1
    assert "this is a bug in mlcc (runtime error)" in result.stderr
    log = Path(os.environ["MLCC_HOME"]) / "crash.log"
    assert str(log) in result.stderr
    assert "RuntimeError" in log.read_text()
    assert "a1B2a1B2" not in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


def test_a_crash_log_is_not_written_through_a_link(mlcc, monkeypatch, tmp_path):
    from mlcc.cli.commands import show

    def broken(*arguments: object) -> None:
        raise RuntimeError

    victim = tmp_path / "victim"
    victim.write_text("mine")
    home = Path(os.environ["MLCC_HOME"])
    home.mkdir()
    (home / "crash.log").symlink_to(victim)
    monkeypatch.setattr(show, "read", broken)
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    mlcc("show", code=70)
    assert victim.read_text() == "mine"


def test_an_interrupt_is_130(mlcc, monkeypatch):
    from mlcc.cli.commands import show

    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(show, "read", interrupted)
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    assert mlcc("show", code=130).stderr.strip() == "mlcc: interrupted"


def test_an_interrupt_is_one_line(mlcc, monkeypatch):
    from mlcc.cli.commands import show

    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(show, "read", interrupted)
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    assert mlcc("show", code=130).stderr == "mlcc: interrupted\n"


@pytest.mark.parametrize(("arguments", "printed"), [(["--json"], json.loads), (["-o", "yaml"], yaml.safe_load)])
@pytest.mark.parametrize(("signal", "code"), [(KeyboardInterrupt, 130), (Terminated, 143)])
def test_an_interrupt_is_a_document_for_programs(mlcc, monkeypatch, arguments, printed, signal, code):
    from mlcc.cli.commands import show

    def interrupted(*arguments: object) -> None:
        raise signal

    monkeypatch.setattr(show, "read", interrupted)
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    result = mlcc("show", *arguments, code=code)
    assert len(result.stderr.splitlines()) == 1
    document = printed(result.stdout)
    assert [one["code"] for one in document["findings"]] == ["MLCC903"]
    schema = json.loads((ROOT / "schemas" / "output-findings.schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(document)


def test_an_interrupt_puts_nothing_behind_a_document(mlcc, monkeypatch):
    from mlcc.cli.commands import show

    real = show.print_document

    def interrupted(*arguments, **options) -> None:
        real(*arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(show, "print_document", interrupted)
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    assert "findings" not in json.loads(mlcc("show", "--json", code=130).stdout)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_signals_end_a_run_with_one_line(number, code):
    """The run waits for a lock that this test holds."""
    import fcntl

    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    fd = os.open(".", os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    program = os.path.join(os.path.dirname(sys.executable), "mlcc")
    process = subprocess.Popen([program, "apply"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        time.sleep(1.5)
        assert process.poll() is None, "it waits for the lock"
        process.send_signal(number)
        started = time.monotonic()
        out, err = process.communicate(timeout=10)
        assert time.monotonic() - started < 2
    finally:
        process.kill()
        os.close(fd)
    assert process.returncode == code
    assert (out, len(err.strip().splitlines())) == ("", 1)
    assert set(read_tree(HERE)) == {"mlcc.yaml"}


# ---------------------------------------------------------------- streams
def test_a_closed_pipe_is_no_error():
    program = os.path.join(os.path.dirname(sys.executable), "mlcc")
    script = f"set -o pipefail; {program} catalog instances -o json | head -c 10 >/dev/null"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_path_that_begins_with_a_dot_is_none():
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    result = run_mlcc("show", "--set", ".env.A=1")
    assert result.code == 1
    assert "MLCC033" in result.stderr


# Streams that take nothing: a full disk where the system has one, and a file that is open for reading, everywhere.
REFUSING = [
    (os.devnull, "r", "bad file descriptor"),
    *([("/dev/full", "w", "no space left")] * os.path.exists("/dev/full")),
]


@pytest.mark.parametrize(("path", "mode", "words"), REFUSING)
def test_output_that_cannot_be_written_is_reported(path, mode, words):
    program = os.path.join(os.path.dirname(sys.executable), "mlcc")
    with open(path, mode) as stream:
        done = subprocess.run([program, "--version"], stdout=stream, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("extra", [[], ["-o", "json"], ["-v"]])
@pytest.mark.parametrize(("path", "mode", "words"), REFUSING)
def test_an_apply_whose_output_cannot_be_written_says_that_it_is_done(path, mode, words, extra):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    program = fork_server().program
    with open(path, mode) as stream:
        done = subprocess.run([program, "apply", *extra], stdout=stream, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    *talk, last = done.stderr.splitlines()
    assert bool(talk) == ("-v" in extra), "sources come before the result"
    assert "cannot write the result" in last
    assert words in done.stderr
    assert "the apply of mlcc.yaml is done" in done.stderr
    assert run_mlcc("apply", "--check").code == 0


@pytest.mark.parametrize("command", [["plan"], ["validate", "-o", "json"], ["apply", "--check", "-o", "json"]])
@pytest.mark.parametrize("text", [SMALLEST, SMALLEST + "nope: 1\n"])
def test_what_was_not_done_is_not_reported_to_be(command, text):
    build_tree(HERE, {"mlcc.yaml": text})
    program = fork_server().program
    for _ in range(2):  # the second time it is a replay
        with open(os.devnull) as stream:
            done = subprocess.run([program, *command], stdout=stream, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 1
        assert "is done" not in done.stderr
        assert "Traceback" not in done.stderr
        assert ("cannot write the result" in done.stderr) == (text == SMALLEST or "json" in command)


@pytest.mark.parametrize(
    "argv",
    [
        ["apply", "-C", ""],
        ["apply", "--plan", ""],
        ["plan", "-f", ""],
        ["show", "--file="],
        ["init", "-C", "", "x"],
        ["do", "-C", "", "status"],
        ["validate", "--config", ""],
    ],
)
def test_an_option_that_names_nothing_is_a_mistake_of_the_command_line(argv):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    result = run_mlcc(*argv)
    assert result.code == 2
    assert "the name is empty" in result.stderr
    assert set(read_tree(HERE)) == {"mlcc.yaml"}


def test_output_that_the_terminal_cannot_show_is_escaped():
    build_tree(HERE, {"mlcc.yaml": SMALLEST.replace("{name: iris}", "{name: iris, description: 日本}")})
    result = run_mlcc("explain", "project.description", env={"PYTHONIOENCODING": "latin-1"})
    assert result.code == 0
    assert "\\u65e5" in result.stdout


def test_a_terminal_gets_colour_and_a_pipe_none():
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    environ = {"TERM": "xterm-256color"}
    assert "\x1b[" in run_mlcc("plan", tty=True, env=environ).stdout
    assert "\x1b[" not in run_mlcc("plan", env=environ).stdout
    assert "\x1b[" not in run_mlcc("plan", tty=True, env={**environ, "NO_COLOR": "1"}).stdout
    assert "\x1b[" not in run_mlcc("plan", "--no-color", tty=True, env=environ).stdout
    assert "\x1b[" not in run_mlcc("plan", tty=True, env={"TERM": "dumb"}).stdout


def test_colour_can_be_forced():
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    assert "\x1b[" in run_mlcc("plan", env={"TERM": "xterm-256color", "FORCE_COLOR": "1"}).stdout


@pytest.mark.parametrize(
    "command", ["plan", "diff", "apply", "show", "explain", "validate", "catalog configs", "plugins", "doctor"]
)
def test_json_stands_alone_on_stdout(command):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    for extra in ([], ["-v"], ["-q"]):
        result = run_mlcc(*command.split(), "-o", "json", *extra)
        assert result.code == 0
        assert json.loads(result.stdout)["schema_version"] == 1


def test_reading_commands_write_nothing():
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    before = state_of(Path.cwd())
    for command in (
        "validate",
        "plan",
        "diff",
        "explain",
        "show",
        "apply --check",
        "catalog configs",
        "schema",
        "doctor",
    ):
        run_mlcc(*command.split())
    assert state_of(Path.cwd()) == before
    outside = [p for p in Path(os.environ["HOME"]).rglob("*") if "cache" not in p.parts and p.name != "mlcc"]
    assert outside == [], "only the cache of replays may be written"


def test_nothing_is_left_in_the_temporary_folder(tmp_path):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    for command in ("plan", "apply", "diff"):
        assert run_mlcc(command, env={"TMPDIR": str(tmp_path)}).code == 0
    assert list(tmp_path.rglob("*")) == []


def test_a_temporary_folder_that_cannot_be_used_is_passed_over():
    build_tree(HERE, {"mlcc.yaml": SMALLEST, "{{ 7*7 }}/x": ""})
    assert run_mlcc("plan", env={"TMPDIR": str(Path.cwd() / "{{ 7*7 }}")}).code == 0


def test_a_planted_module_is_not_imported():
    """The folder of a stranger's project is not on sys.path."""
    planted = "import os; os.write(2, b'OWNED')"
    names = (
        "click",
        "ruamel",
        "yaml",
        "jsonschema",
        "cookiecutter",
        "mlcc",
        "json",
        "sitecustomize",
        "usercustomize",
        "rich",
    )
    build_tree(HERE, {"mlcc.yaml": SMALLEST, **{f"{n}.py": planted for n in names}})
    for command in ("validate", "apply"):
        result = run_mlcc(command)
        assert result.code == 0
        assert "OWNED" not in result.stderr


def test_the_in_process_caller_and_the_program_agree(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    for command in (["plan"], ["validate"], ["show"], ["explain", "ttl"], ["nope"], ["catalog", "configs"]):
        inside, outside = mlcc(*command), run_mlcc(*command)
        assert (inside.code, inside.stdout, inside.stderr) == (outside.code, outside.stdout, outside.stderr)


def test_standard_input_is_never_read(monkeypatch, mlcc):
    class Deaf(io.StringIO):
        def read(self, *arguments: object) -> str:
            raise AssertionError("standard input was read")

        readline = read

    monkeypatch.setattr(sys, "stdin", Deaf())
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    for command in (["apply"], ["plan"], ["apply", "--force"], ["validate"]):
        mlcc(*command, code=0)


@pytest.mark.parametrize("words", [("--use", "deploy"), ("--instance-type", "ml.g5.xlarge")])
def test_doctor_ignores_no_option(mlcc, words):
    refused = mlcc("doctor", *words, code=2)
    assert refused.stdout == ""
    assert f"mlcc doctor --aws {' '.join(words)}" in refused.stderr


def test_what_writes_nothing_has_no_option_where_to_write(mlcc):
    assert "Where to write" not in mlcc("ci", "register", "--help", code=0).stdout
    assert "Where to write" in mlcc("apply", "--help", code=0).stdout
