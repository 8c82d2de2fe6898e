"""validate --online and upgrade against a Hub of ours: what is found is reported, pinned and written, and nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlcc.core.nodes import Mark, node_of
from mlcc.io.schema import validator
from tests.helpers import Caller, Result, assert_no_traceback, build_tree, read_tree, run_mlcc, state_of
from tests.hub import FIRST, SECOND, TOKEN, HubServer, Repository, config, dripping, raw, saying, serving, tokenizer

HERE = Path()
CHAT = "{% for m in messages %}{{ m.content }}{% endfor %}"
HEAD = "version: 1\nproject: {name: chat}\ndeployment: {config: transformers-vllm, instance_type: ml.g5.xlarge}\n"
# a model that no registry knows, and one whose row says that it needs a template which the registries do not have
ROW = """\
version: 1
kind: models
source: test
rows:
  acme/bare:
    title: Bare
    family: bare
    validation_level: experimental
    source: test
    requires_template: true
"""
INFO = "/api/models/acme/tiny"


def project(model: str = "{name: acme/tiny}", more: str = "") -> str:
    return f"{HEAD}model: {model}\n{more}"


BARE = project("{name: acme/bare}", "registries: [./registries]\n")
OWN = {"registries/models/bare.yaml": ROW}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    full: dict[str, str | bytes] = {"config.json": config(), "tokenizer_config.json": tokenizer(CHAT)}
    models = {
        "acme/tiny": Repository({FIRST: full, SECOND: full}, refs={"v1": FIRST}),
        "acme/bare": Repository({FIRST: full, SECOND: full}),
        "acme/gated": Repository({FIRST: full}, gated=True),
        "acme/private": Repository({FIRST: full}, private=True),
        "acme/mute": Repository({FIRST: {"config.json": config(), "tokenizer_config.json": tokenizer()}}),
        "acme/apart": Repository({FIRST: {"chat_template.jinja": CHAT, "tokenizer_config.json": tokenizer()}}),
    }
    with serving(models) as server:
        for name, value in server.environ.items():
            monkeypatch.setenv(name, value)
        yield server


def findings(result: Result) -> list[tuple[str, str]]:
    assert_no_traceback(result)
    return [(f["code"], f["severity"]) for f in json.loads(result.stdout)["findings"]]


# ---------------------------------------------------------------- validate
def test_nothing_is_asked_without_being_asked_to(mlcc: Caller, hub: HubServer):
    build_tree(HERE, {"mlcc.yaml": project()})
    for command in ("validate", "plan", "diff", "show", "explain", "apply"):
        mlcc(command, code=0)
    assert hub.asked == []


def test_what_was_learned_is_reported(mlcc: Caller, hub: HubServer):
    build_tree(HERE, {"mlcc.yaml": project()})
    result = mlcc("validate", "--online", code=0)
    assert "error" not in result.stdout + result.stderr
    assert f"acme/tiny: commit {SECOND}\n" in result.stderr
    assert "acme/tiny: 4,096 tokens at most (config.json)" in result.stderr
    assert "architecture TinyForCausalLM" in result.stderr
    assert read_tree(HERE).keys() == {"mlcc.yaml"}


@pytest.mark.parametrize(
    ("model", "token", "found"),
    [
        ("{name: acme/none}", "", ("MLCC180", "note")),
        ("{name: acme/private}", "", ("MLCC180", "note")),
        ("{name: acme/gated}", "", ("MLCC181", "warning")),
        ("{name: acme/tiny, revision: v9}", "", ("MLCC182", "error")),
        ("{name: acme/mute}", "", ("MLCC183", "note")),
        ("{name: acme/private}", TOKEN, None),
        ("{name: acme/gated}", TOKEN, None),
        ("{name: acme/tiny, revision: v1}", "", None),
        ("{name: ./model}", "", None),
        ("{name: 's3://bucket/prefix/'}", "", None),
    ],
)
def test_findings_of_a_look_up(mlcc: Caller, hub: HubServer, monkeypatch, model, token, found):
    monkeypatch.setenv("HF_TOKEN", token)
    build_tree(HERE, {"mlcc.yaml": project(model)})
    usual = findings(mlcc("validate", "--json"))
    result = mlcc("validate", "--online", "--json", code=1 if found and found[1] == "error" else 0)
    assert [f for f in findings(result) if f not in usual] == ([found] if found else [])
    assert TOKEN not in result.stdout + result.stderr


def test_a_finding_stands_where_the_model_is_named(mlcc: Caller, hub: HubServer):
    build_tree(HERE, {"mlcc.yaml": project("{name: acme/none}")})
    result = mlcc("validate", "--online", code=0)
    assert "mlcc.yaml:4:15: note MLCC180 model.name: 'acme/none' is not found" in result.stdout


def test_a_gated_model_that_the_token_may_not_read(mlcc: Caller, hub: HubServer, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.hooks[f"/acme/gated/resolve/{FIRST}/config.json"] = saying(403, b"", X_Error_Code="GatedRepo")
    build_tree(HERE, {"mlcc.yaml": project("{name: acme/gated}")})
    result = mlcc("validate", "--online", code=0)
    assert "MLCC181" in result.stdout
    assert "has not been let in" in result.stdout


def test_the_length_is_compared_where_the_registries_know_none(mlcc: Caller, hub: HubServer):
    build_tree(HERE, {"mlcc.yaml": project(more="engine: {max_model_len: 8192}\n")})
    assert ("MLCC185", "warning") in findings(mlcc("validate", "--online", "--json", code=0))
    build_tree(HERE, {"mlcc.yaml": project(more="engine: {max_model_len: 4096}\n")})
    assert "MLCC185" not in mlcc("validate", "--online", "--json", code=0).stdout


def test_a_template_that_the_row_asks_for_is_on_the_hub(mlcc: Caller, hub: HubServer):
    build_tree(HERE, {"mlcc.yaml": BARE, **OWN})
    result = mlcc("validate", "--online", code=0)
    assert "MLCC183" in result.stdout
    assert "mlcc upgrade writes it" in result.stdout


def test_models_of_components_and_speculation_are_looked_up_too(mlcc: Caller, hub: HubServer):
    more = (
        "engine: {speculative: {method: draft_model, model: acme/ghost, num_speculative_tokens: 2}}\n"
        "inference_components:\n  - {name: one, gpu_count: 1, model: acme/spirit, env: {model: acme/not-a-model}}\n"
    )
    build_tree(HERE, {"mlcc.yaml": project(more=more)})
    mlcc("validate", "--online")
    asked = {path for path, _ in hub.asked}
    assert {"/api/models/acme/ghost", "/api/models/acme/spirit"} <= asked
    assert "/api/models/acme/not-a-model" not in asked


@pytest.mark.parametrize(
    "answer",
    [saying(500, b""), saying(200, b"<html>"), saying(200, b"{}"), raw(b"nonsense\r\n\r\n"), dripping(5)],
    ids=["500", "html", "empty", "raw", "dripping"],
)
def test_trouble_is_a_warning(mlcc: Caller, hub: HubServer, monkeypatch, answer):
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "0.2")
    hub.hooks[INFO] = answer
    build_tree(HERE, {"mlcc.yaml": project()})
    before = state_of(HERE)
    assert ("MLCC184", "warning") in findings(mlcc("validate", "--online", "--json", code=0))
    result = mlcc("upgrade", code=1)
    assert "error MLCC184" in result.stderr
    assert "nothing was written" in result.stderr
    assert state_of(HERE) == before


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1", "http://u:secretpw@127.0.0.1", "nonsense", "http://hub.invalid:1"]
)
def test_no_server_is_a_warning(mlcc: Caller, monkeypatch, address):
    monkeypatch.setenv("HF_ENDPOINT", address)
    build_tree(HERE, {"mlcc.yaml": project()})
    result = mlcc("validate", "--online", "--json", code=0)
    assert ("MLCC184", "warning") in findings(result)
    assert "secretpw" not in result.stdout


@pytest.mark.parametrize("command", [("validate", "--online"), ("validate", "--validate-with-docker", "--pull")])
def test_offline_forbids_it(mlcc: Caller, hub: HubServer, command):
    build_tree(HERE, {"mlcc.yaml": project()})
    assert "MLCC901" in mlcc(*command, "--offline", "--json", code=2).stdout
    assert hub.asked == []


def test_the_hub_s_own_word_for_offline(mlcc: Caller, hub: HubServer, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    build_tree(HERE, {"mlcc.yaml": project()})
    assert "HF_HUB_OFFLINE" in mlcc("validate", "--online", code=0).stdout
    assert "offline" in mlcc("upgrade", code=0).stderr
    assert hub.asked == []


def test_a_project_without_a_model_of_the_hub_says_so(mlcc: Caller, hub: HubServer):
    build_tree(HERE, {"mlcc.yaml": HEAD.replace("transformers-vllm, instance_type: ml.g5.xlarge", "http-flask")})
    assert "nothing was looked up" in mlcc("validate", "--online", code=0).stderr
    assert hub.asked == []


def test_an_answer_is_not_repeated_from_memory(hub: HubServer):
    build_tree(HERE, {"mlcc.yaml": project()})
    assert "MLCC180" not in run_mlcc("validate", "--online").stdout
    del hub.models["acme/tiny"]
    assert "MLCC180" in run_mlcc("validate", "--online").stdout


def test_the_same_model_of_many_projects_is_asked_for_once(mlcc: Caller, hub: HubServer):
    build_tree(HERE, {".git/HEAD": "", **{f"p{n}/mlcc.yaml": project() for n in range(3)}})
    mlcc("validate", "--all", "--online", code=0)
    assert [path for path, _ in hub.asked].count(INFO) == 1


# ---------------------------------------------------------------- upgrade
def test_a_revision_is_pinned(mlcc: Caller, hub: HubServer):
    text = project("\n  name: acme/tiny  # small")
    build_tree(HERE, {"mlcc.yaml": text})
    result = mlcc("upgrade", code=0)
    assert f"model.revision: (absent) -> {SECOND}" in result.stdout
    assert (HERE / "mlcc.yaml").read_text() == f"{text}  revision: {SECOND}\n"
    assert "mlcc apply renders it" in result.stderr
    before = state_of(HERE)
    assert "nothing to change" in mlcc("upgrade", code=0).stderr
    mlcc("upgrade", "--check", code=0)
    assert state_of(HERE) == before


@pytest.mark.parametrize(("revision", "commit"), [("v1", FIRST), ("main", SECOND)])
def test_a_branch_or_tag_becomes_its_commit(mlcc: Caller, hub: HubServer, revision, commit):
    build_tree(HERE, {"mlcc.yaml": project(f"{{name: acme/tiny, revision: {revision}}}")})
    mlcc("upgrade", code=0)
    assert f"revision: {commit}" in (HERE / "mlcc.yaml").read_text()


def test_a_commit_stays_until_it_is_asked_to_move(mlcc: Caller, hub: HubServer):
    build_tree(HERE, {"mlcc.yaml": project(f"{{name: acme/tiny, revision: {FIRST}}}")})
    result = mlcc("upgrade", code=0)
    assert f"its default branch is at {SECOND}" in result.stderr
    assert f"revision: {FIRST}" in (HERE / "mlcc.yaml").read_text()
    mlcc("upgrade", "--revision", "main", "--check", code=2)
    mlcc("upgrade", "--revision", "main", code=0)
    assert f"revision: {SECOND}" in (HERE / "mlcc.yaml").read_text()
    assert "MLCC182" in mlcc("upgrade", "--revision", "nope", code=1).stderr


def test_check_writes_nothing_and_exits_2(mlcc: Caller, hub: HubServer):
    build_tree(HERE, {"mlcc.yaml": BARE, **OWN})
    before = state_of(HERE)
    assert "would change" in mlcc("upgrade", "--check", code=2).stderr
    assert state_of(HERE) == before


def test_what_was_found_reaches_the_lock_and_the_tree(mlcc: Caller, hub: HubServer):
    build_tree(HERE, {"mlcc.yaml": BARE, **OWN})
    mlcc("upgrade", code=0)
    assert (HERE / "chat_template.jinja").read_text() == CHAT
    mlcc("apply", code=0)
    lock = (HERE / "mlcc.lock").read_text()
    assert f"model.revision: {{value: {SECOND}, source: file}}" in lock
    assert "model.chat_template_file: {value: chat_template.jinja, source: file}" in lock
    assert "VLLM_CHAT_TEMPLATE='/opt/program/chat_template.jinja'" in (HERE / "do/config").read_text()
    assert f"VLLM_REVISION='{SECOND}'" in (HERE / "do/config").read_text()
    assert 'COPY ["chat_template.jinja", "/opt/program/chat_template.jinja"]' in (HERE / "Dockerfile").read_text()
    mlcc("apply", "--locked", code=0)
    asked = len(hub.asked)
    mlcc("validate", code=0)
    assert len(hub.asked) == asked


@pytest.mark.parametrize(
    ("text", "taken"),
    [(project(), False), (project("{name: acme/apart}"), True), (project("{name: acme/mute}"), False), (BARE, True)],
)
def test_a_template_is_taken_where_one_is_missing(mlcc: Caller, hub: HubServer, text, taken):
    """The engine finds one in the tokenizer's configuration itself; one of a row's own that is missing is taken."""
    build_tree(HERE, {"mlcc.yaml": text, **OWN})
    mlcc("upgrade", code=0)
    assert (HERE / "chat_template.jinja").exists() == taken
    assert ("chat_template_file" in (HERE / "mlcc.yaml").read_text()) == taken


def test_a_template_is_taken_on_request(mlcc: Caller, hub: HubServer):
    build_tree(HERE, {"mlcc.yaml": project()})
    mlcc("upgrade", "--chat-template", code=0)
    assert (HERE / "chat_template.jinja").read_text() == CHAT


def test_a_template_of_the_user_s_own_is_left_alone(mlcc: Caller, hub: HubServer):
    build_tree(HERE, {"mlcc.yaml": BARE, "chat_template.jinja": "mine", **OWN})
    before = state_of(HERE)
    assert "error MLCC187" in mlcc("upgrade", code=1).stderr
    assert state_of(HERE) == before
    named = BARE.replace("acme/bare}", "acme/bare, chat_template_file: ./chat_template.jinja}")
    build_tree(HERE, {"mlcc.yaml": named})
    mlcc("upgrade", code=0)
    assert (HERE / "chat_template.jinja").read_text() == "mine"


def test_a_template_follows_the_revision_unless_it_was_edited(mlcc: Caller, hub: HubServer):
    files: dict[str, str | bytes] = {"tokenizer_config.json": tokenizer("old")}
    hub.models["acme/bare"] = Repository({FIRST: files, SECOND: {"tokenizer_config.json": tokenizer("new")}})
    text = BARE.replace("acme/bare}", f"acme/bare, revision: {FIRST}}}")
    build_tree(HERE, {"mlcc.yaml": text, **OWN})
    mlcc("upgrade", code=0)
    assert (HERE / "chat_template.jinja").read_text() == "old"
    pinned = (HERE / "mlcc.yaml").read_text()
    mlcc("upgrade", "--revision", "main", code=0)
    assert (HERE / "chat_template.jinja").read_text() == "new"
    build_tree(HERE, {"mlcc.yaml": pinned, "chat_template.jinja": "old, and edited"})
    assert "warning MLCC187" in mlcc("upgrade", "--revision", "main", code=0).stderr
    assert (HERE / "chat_template.jinja").read_text() == "old, and edited"
    assert f"revision: {SECOND}" in (HERE / "mlcc.yaml").read_text()
    (HERE / "chat_template.jinja").unlink()
    mlcc("upgrade", code=0)
    assert (HERE / "chat_template.jinja").read_text() == "new"


@pytest.mark.parametrize(
    "template",
    ["x" * (257 << 10), "a\x1b[31mb", "a\u202eb", "a\x00b", "\ud800"],
    ids=["huge", "escape", "bidi", "nul", "surrogate"],
)
def test_hostile_templates_are_not_taken(mlcc: Caller, hub: HubServer, template):
    hub.models["acme/bare"].commits[SECOND] = {"tokenizer_config.json": tokenizer(template)}
    build_tree(HERE, {"mlcc.yaml": BARE, **OWN})
    before = state_of(HERE)
    result = mlcc("upgrade", code=1)
    assert "error MLCC186" in result.stderr
    assert "\x1b" not in result.stderr
    assert_no_traceback(result)
    assert state_of(HERE) == before


@pytest.mark.parametrize(
    "template", ["{{ 7*7 }}{% raise %}{{ cookiecutter }}", "a'b\"c\\$(id)`id`\n::error::x", "\u2581\uff5c日本", "{#"]
)
def test_any_text_is_written_as_it_is(mlcc: Caller, hub: HubServer, template):
    """Nothing here renders it: the engine does, in its sandbox."""
    hub.models["acme/bare"].commits[SECOND] = {"tokenizer_config.json": tokenizer(template)}
    build_tree(HERE, {"mlcc.yaml": BARE, **OWN})
    mlcc("upgrade", code=0)
    assert (HERE / "chat_template.jinja").read_bytes() == template.encode()
    mlcc("apply", code=0)
    assert template.encode() not in b"".join(v for k, v in read_tree(HERE).items() if k != "chat_template.jinja")


def test_no_link_is_written_through(mlcc: Caller, hub: HubServer, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    build_tree(HERE, {"mlcc.yaml": BARE, **OWN})
    (HERE / "chat_template.jinja").symlink_to(victim)
    result = mlcc("upgrade", code=1)
    assert_no_traceback(result)
    assert victim.read_text() == "mine"


def test_hostile_words_of_the_hub_are_escaped(mlcc: Caller, hub: HubServer):
    evil = "\x1b[31m\n::error::x"
    files = {"config.json": json.dumps({"architectures": [evil], "max_position_embeddings": True})}
    hub.models["acme/tiny"].commits[SECOND] = {**files, "tokenizer_config.json": tokenizer(CHAT)}
    build_tree(HERE, {"mlcc.yaml": project()})
    result = mlcc("validate", "--online", code=0)
    assert "\x1b" not in result.stderr
    assert not [line for line in result.stderr.splitlines() if line.startswith("::")]


def test_variables_do_not_decide_what_is_committed(mlcc: Caller, hub: HubServer, monkeypatch):
    monkeypatch.setenv("ML_MODEL_NAME", "acme/gated")
    build_tree(HERE, {"mlcc.yaml": project()})
    mlcc("upgrade", code=0)
    assert f"revision: {SECOND}" in (HERE / "mlcc.yaml").read_text()


def test_newer_versions_are_listed_and_not_taken(mlcc: Caller, hub: HubServer):
    build_tree(HERE, {"mlcc.yaml": project(more="framework: {version: 0.28.0}\n").replace("g5.xlarge", "g5.2xlarge")})
    result = mlcc("upgrade", "--offline", code=0)
    assert "newer: vllm 0.31.0 (experimental)" in result.stderr
    assert "mlcc set framework.version" in result.stderr
    document = json.loads(mlcc("upgrade", "--offline", "--json", code=0).stdout)
    assert [n["version"] for n in document["newer"]] == ["0.31.0", "0.30.0"]
    assert hub.asked == []


@pytest.mark.parametrize(
    ("name", "words"),
    [("{name: ./model}", "not a model of the Hub"), ("{name: 's3://bucket/prefix/'}", "nothing to look up")],
)
def test_what_is_not_of_the_hub_is_not_looked_up(mlcc: Caller, hub: HubServer, name, words):
    build_tree(HERE, {"mlcc.yaml": project(name)})
    result = mlcc("upgrade")
    assert_no_traceback(result)
    assert words in result.stderr
    assert hub.asked == []


@pytest.mark.parametrize("arguments", [(), ("--check",)])
def test_the_shape_is_that_of_a_plan(mlcc: Caller, hub: HubServer, arguments):
    build_tree(HERE, {"mlcc.yaml": BARE, **OWN})
    document = json.loads(mlcc("upgrade", "--json", *arguments).stdout)
    assert validator.validate_document(node_of(document, Mark("stdout")), "output-plan") == []
    assert [(c["path"], c["action"]) for c in document["changes"]] == [
        ("chat_template.jinja", "create"),
        ("mlcc.yaml", "update"),
    ]


def test_the_template_lies_where_the_image_is_built(mlcc: Caller, hub: HubServer):
    build_tree(HERE, {"p/mlcc.yaml": BARE, "out/x": "", **{f"p/{k}": v for k, v in OWN.items()}})
    mlcc("upgrade", "-f", "p/mlcc.yaml", "-C", "out", code=0)
    assert (HERE / "out/chat_template.jinja").read_text() == CHAT
    assert f"revision: {SECOND}" in (HERE / "p/mlcc.yaml").read_text()
    assert not (HERE / "p/chat_template.jinja").exists()


def test_a_broken_project_is_not_upgraded(mlcc: Caller, hub: HubServer):
    build_tree(HERE, {"mlcc.yaml": project() + "nope: 1\n"})
    assert "MLCC020" in mlcc("upgrade", code=1).stderr
    assert hub.asked == []


def test_the_token_is_written_nowhere(mlcc: Caller, hub: HubServer, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    build_tree(HERE, {"mlcc.yaml": project("{name: acme/gated}")})
    output_text = ""
    for command in (("upgrade", "-v", "--chat-template"), ("validate", "--online", "-v"), ("apply", "-v")):
        result = mlcc(*command, code=0)
        output_text += result.stdout + result.stderr
    assert TOKEN not in output_text
    home = read_tree(os.environ["HOME"])
    assert not [name for name, data in {**read_tree(HERE), **home}.items() if TOKEN.encode() in data]


# ---------------------------------------------------------------- switches
WRONG = project(more="env: {VLLM_GPU_MEMORY_UTILIZATION: '1.5', VLLM_MAX_MODEL_LEM: '1'}\n")


@pytest.mark.parametrize(
    ("arguments", "judged"),
    [
        ((), True),
        (("--validate-env-vars",), True),
        (("--validate-env-vars=true",), True),
        (("--no-validate-env-vars",), False),
        (("--validate-env-vars=false",), False),
        (("--validate-env-vars=False", "--validate-with-docker=false"), False),
    ],
)
def test_container_variables_are_judged_unless_asked_not_to(mlcc: Caller, arguments, judged):
    build_tree(HERE, {"mlcc.yaml": WRONG})
    result = mlcc("validate", *arguments, "--json", code=1 if judged else 0)
    assert {"MLCC131", "MLCC132"} & {code for code, _ in findings(result)} == (
        {"MLCC131", "MLCC132"} if judged else set()
    )


def test_a_switch_takes_no_other_value(mlcc: Caller):
    build_tree(HERE, {"mlcc.yaml": project()})
    mlcc("validate", "--validate-env-vars=maybe", code=2)
