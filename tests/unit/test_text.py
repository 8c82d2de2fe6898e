"""Text from outside: what a reader cannot see, and what CI agents obey."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.core.text import hidden, inert, inert_json

JOINED = ["می\u200cخواهم", "क्\u200dष", "❤\ufe0f", "👩\u200d🔬", "🏳\ufe0f\u200d🌈"]


@pytest.mark.parametrize(
    "point", [0x00, 0x0D, 0x85, 0xAD, 0x200B, 0x2028, 0x202E, 0x3164, 0xFE0F, 0xFFFE, 0xE0041, 0xE0100]
)
def test_a_document_with_a_hidden_character_has_a_place(point: int) -> None:
    assert hidden(f"a: b{chr(point)}") == 4
    assert hidden(f"a: \n\tb # ü 日本 {chr(point)}x") == 14


@pytest.mark.parametrize("text", ["", "plain\n\ttext\n", "日本語　全角", "a\u00a0b", *JOINED])
def test_what_a_reader_sees_is_not_hidden(text: str) -> None:
    assert hidden(text) is None


@pytest.mark.parametrize("text", ["a\u200db", "1\ufe0f", "❤\ufe0f\ufe0f", "👩\u200d", "\u200cमी", "é\u200dé"])
def test_a_joiner_that_joins_nothing_is_hidden(text: str) -> None:
    assert hidden(text) is not None


def obeyed(line: str) -> bool:
    """As the agents of Azure Pipelines and GitHub look for commands in a line (Command.TryParse, ActionCommand.TryParse)."""
    low = line.lower()
    return any(word in low for word in ("##vso[", "##[", "##teamcity[")) or line.lstrip().startswith("::")


PIECES = st.lists(
    st.sampled_from(
        [
            "#",
            "##",
            "[",
            "vso[",
            "VSO[",
            "teamcity[",
            "::",
            " ",
            "\u00a0",
            "\n",
            "\r",
            "x",
            "]",
            "##vso[task.x]y",
            "::error::",
        ]
    )
)


@given(PIECES)
def test_no_line_holds_a_word_that_an_agent_obeys(pieces: list[str]) -> None:
    text = "".join(pieces)
    shown = inert(text)
    assert not any(obeyed(line) for line in re.split(r"[\r\n]", shown)), shown
    assert shown.replace("\\", "") == text.replace("\\", "")
    assert inert(shown) == shown


def test_commands_of_mlcc_s_own_stay() -> None:
    assert inert("::error file=a::##[x]", commands=True) == "::error file=a::#\\#[x]"


@given(PIECES.map("".join))
def test_a_document_keeps_its_content(text: str) -> None:
    document = inert_json(json.dumps({"a": text, text: 1}))
    assert json.loads(document) == {"a": text, text: 1}
    assert "##[" not in document
    assert "##vso[" not in document.lower()
