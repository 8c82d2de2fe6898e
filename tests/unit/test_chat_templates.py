"""Chat templates: conversations become the text that the models were trained on, rendered as transformers renders it.

The expected texts are written by hand from the published formats, which registries/chat_templates.yaml names.
"""

from __future__ import annotations

import datetime
import json
from typing import Any

import jinja2
import jinja2.ext
import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mlcc import pipeline
from mlcc.load.request import Request
from mlcc.registries import load
from tests.helpers import ROOT, build_tree

FOLDER = ROOT / "registries" / "chat_templates"
ROWS = load().entries("chat_templates")
BOS, EOS = "<s>", "</s>"


def environment() -> ImmutableSandboxedEnvironment:
    """Jinja as transformers sets it up for chat templates."""

    def raise_exception(message: str) -> None:
        raise jinja2.exceptions.TemplateError(message)

    def tojson(value: Any, ensure_ascii=False, indent=None, separators=None, sort_keys=False) -> str:
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    found = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols])
    found.filters["tojson"] = tojson
    found.globals["raise_exception"] = raise_exception
    found.globals["strftime_now"] = lambda form: datetime.datetime(2026, 1, 2).strftime(form)
    return found


def output_text(*turns: tuple[str, str]) -> list[dict[str, str]]:
    return [{"role": role, "content": content} for role, content in turns]


def rendered(name: str, *turns: tuple[str, str], ask: bool = False) -> str:
    template = environment().from_string((FOLDER / f"{name}.jinja").read_text(encoding="utf-8"))
    return template.render(
        messages=output_text(*turns),
        add_generation_prompt=ask,
        bos_token=BOS,
        eos_token=EOS,
        tools=None,
        documents=None,
    )


U1, A1, U2, A2, U3 = (
    ("user", "Hello"),
    ("assistant", "Hi there"),
    ("user", "How are you?"),
    ("assistant", "Fine"),
    ("user", "Good"),
)
SYSTEM = ("system", "Be brief.")
VICUNA = (
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and "
    "polite answers to the user's questions."
)

CONVERSATIONS = [
    # Llama 2: <s>[INST] user [/INST] answer </s> for each pair; the system text inside the first user turn
    ("llama-2", (U1,), "<s>[INST] Hello [/INST]"),
    ("llama-2", (U1, A1), "<s>[INST] Hello [/INST] Hi there </s>"),
    ("llama-2", (U1, A1, U2), "<s>[INST] Hello [/INST] Hi there </s><s>[INST] How are you? [/INST]"),
    (
        "llama-2",
        (SYSTEM, U1, A1, U2, A2, U3),
        "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHello [/INST] Hi there </s>"
        "<s>[INST] How are you? [/INST] Fine </s><s>[INST] Good [/INST]",
    ),
    ("llama-2", (("user", "  spaces \n"),), "<s>[INST] spaces [/INST]"),
    # Mistral Instruct v0.1, v0.2: one <s>; [INST] user [/INST] answer</s> and a blank before the next [INST]
    ("mistral-instruct", (U1,), "<s>[INST] Hello [/INST]"),
    ("mistral-instruct", (U1, A1), "<s>[INST] Hello [/INST] Hi there</s> "),
    ("mistral-instruct", (U1, A1, U2), "<s>[INST] Hello [/INST] Hi there</s> [INST] How are you? [/INST]"),
    (
        "mistral-instruct",
        (SYSTEM, U1, A1, U2, A2, U3),
        "<s>[INST] Be brief.\n\nHello [/INST] Hi there</s> [INST] How are you? [/INST] Fine</s> [INST] Good [/INST]",
    ),
    # Vicuna v1.1, v1.5: SYSTEM USER: x ASSISTANT: y</s>USER: ...
    ("vicuna", (U1,), f"<s>{VICUNA} USER: Hello"),
    ("vicuna", (U1, A1), f"<s>{VICUNA} USER: Hello ASSISTANT: Hi there</s>"),
    ("vicuna", (SYSTEM, U1, A1, U2), "<s>Be brief. USER: Hello ASSISTANT: Hi there</s>USER: How are you?"),
    # ChatML: <|im_start|>role, a line break, the text, <|im_end|>, a line break
    ("chatml", (U1,), "<|im_start|>user\nHello<|im_end|>\n"),
    (
        "chatml",
        (SYSTEM, U1, A1, U2),
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n"
        "<|im_start|>assistant\nHi there<|im_end|>\n<|im_start|>user\nHow are you?<|im_end|>\n",
    ),
    ("chatml", (), ""),
]
# What add_generation_prompt adds behind a user's turn: nothing where [/INST] stands for it.
ASKED = {"llama-2": "", "mistral-instruct": "", "vicuna": " ASSISTANT:", "chatml": "<|im_start|>assistant\n"}


@pytest.mark.parametrize(("name", "turns", "text"), CONVERSATIONS)
def test_a_conversation_is_the_published_text(name, turns, text):
    assert rendered(name, *turns) == text


@pytest.mark.parametrize("name", sorted(ASKED))
@pytest.mark.parametrize("turns", [(U1,), (SYSTEM, U1), (U1, A1, U2), (SYSTEM, U1, A1, U2, A2, U3)])
def test_the_model_is_asked_to_go_on(name, turns):
    assert rendered(name, *turns, ask=True) == rendered(name, *turns) + ASKED[name]


@pytest.mark.parametrize("name", ["llama-2", "mistral-instruct", "vicuna"])
@pytest.mark.parametrize(
    "turns",
    [(A1,), (U1, U2), (U1, A1, A2), (U1, SYSTEM), (SYSTEM, A1), (SYSTEM, SYSTEM, U1), (U1, A1, SYSTEM, U2), (("tool", "x"),)],
)  # fmt: skip
def test_turns_in_a_wrong_order_are_refused(name, turns):
    with pytest.raises(jinja2.exceptions.TemplateError, match="alternate"):
        rendered(name, *turns)


def test_chatml_takes_every_role_in_every_order():
    text = rendered("chatml", A1, U1, U2, ("tool", "{}"))
    assert text.count("<|im_start|>") == text.count("<|im_end|>\n") == 4


@pytest.mark.parametrize("name", sorted(ASKED))
def test_what_a_user_writes_is_text_and_no_template(name):
    words = "{{ 7*7 }} {% raise %} \u65e5\u672c <b>&amp;</b>"
    assert words in rendered(name, ("user", words))


def test_every_row_has_its_file_and_every_file_its_row():
    assert {str(row.facts["file"]) for row in ROWS.values()} == {f"chat_templates/{p.name}" for p in FOLDER.iterdir()}
    assert set(ROWS) == set(ASKED), "a new template: write what it should say into CONVERSATIONS"


# ---------------------------------------------------------------- in a project
NEEDY = {m.name: m.chat_template for m in load().models.values() if m.requires_template and m.chat_template}
CONCRETE = {name.replace("*", "7b-v1.5"): template for name, template in NEEDY.items()}
# how each engine gets it
VARIABLES = {"transformers-vllm": "VLLM_CHAT_TEMPLATE", "transformers-sglang": "SGLANG_CHAT_TEMPLATE"}


LARGE = ("ml.g5.48xlarge", "{tensor_parallel_size: max}")


def project(config: str, model: str, tmp_path, machine: tuple[str, str] = LARGE) -> dict[str, bytes]:
    deployment = f"{{config: {config}, instance_type: {machine[0]}}}\nengine: {machine[1]}"
    text = f"version: 1\nproject: {{name: chat}}\ndeployment: {deployment}\nmodel: {model}\n"
    build_tree(tmp_path, {"mlcc.yaml": text, "own.jinja": "mine"})
    found = pipeline.read(str(tmp_path / "mlcc.yaml"), Request())
    assert found.ok, found.findings
    return {path: file.data for path, file in pipeline.render(found).items()}


@pytest.mark.parametrize("config", sorted(VARIABLES))
@pytest.mark.parametrize("model", sorted(CONCRETE))
def test_a_model_that_needs_a_template_gets_it(config, model, tmp_path):
    tree = project(config, f"{{name: {model}}}", tmp_path)
    expected = (FOLDER / f"{CONCRETE[model]}.jinja").read_bytes()
    assert tree["code/chat_template.jinja"].rstrip(b"\n") == expected.rstrip(b"\n")
    variable = f"export {VARIABLES[config]}='/opt/program/chat_template.jinja'\n"
    assert variable.encode() in tree["do/config"]
    assert b'COPY ["code/", "/opt/program/"]' in tree["Dockerfile"]


@pytest.mark.parametrize("config", sorted(VARIABLES))
def test_a_model_that_brings_its_own_gets_none(config, tmp_path):
    tree = project(config, "{name: Qwen/Qwen3-4B}", tmp_path, ("ml.g5.xlarge", "{max_model_len: 4096}"))
    assert "code/chat_template.jinja" not in tree
    assert VARIABLES[config].encode() not in tree["do/config"]


@pytest.mark.parametrize("config", sorted(VARIABLES))
def test_the_user_s_own_template_overrides_the_registries(config, tmp_path):
    model = next(iter(CONCRETE))
    tree = project(config, f"{{name: {model}, chat_template_file: own.jinja}}", tmp_path)
    assert "code/chat_template.jinja" not in tree
    assert b'COPY ["own.jinja", "/opt/program/chat_template.jinja"]' in tree["Dockerfile"]
    text = "{% for m in messages %}'{{ m.content }}'{% endfor %}"
    tree = project(config, f"{{name: {model}, chat_template: {json.dumps(text)}}}", tmp_path)
    assert tree["code/chat_template.jinja"].decode().rstrip("\n") == text


@pytest.mark.parametrize("name", sorted(ASKED))
def test_a_shipped_template_can_be_named(name, tmp_path):
    machine = ("ml.g5.xlarge", "{max_model_len: 4096}")
    tree = project("transformers-vllm", f"{{name: Qwen/Qwen3-4B, chat_template: {name}}}", tmp_path, machine)
    assert tree["code/chat_template.jinja"].strip() == (FOLDER / f"{name}.jinja").read_bytes().strip()
    assert b"VLLM_CHAT_TEMPLATE='/opt/program/chat_template.jinja'" in tree["do/config"]


@pytest.mark.parametrize("name", ["../../findings", "chatml.jinja", "nope", "a/b"])
def test_no_other_file_can_be_named(name, tmp_path):
    machine = ("ml.g5.xlarge", "{max_model_len: 4096}")
    text = name + "{{ messages }}"
    tree = project("transformers-vllm", f"{{name: Qwen/Qwen3-4B, chat_template: '{text}'}}", tmp_path, machine)
    assert tree["code/chat_template.jinja"].strip() == text.encode(), "it is a text, if an odd one"
