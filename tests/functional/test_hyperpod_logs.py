"""do/logs --follow on hyperpod-eks, with the fake of tests/functional/test_hyperpod.py."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from mlcc.core.errors import UserError
from mlcc.lifecycle.targets.hyperpod import verbs
from tests.aws.account import rendered
from tests.functional.test_hyperpod import TEXT, Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_lines_are_shown_as_they_come_without_secrets(place: Place) -> None:
    verbs.deploy(place.context(rendered(TEXT)))
    shown: list[str] = []
    context = dataclasses.replace(place.context(rendered(TEXT), follow=True, lines=3), emit=shown.append)
    assert verbs.logs(context).lines == []
    assert shown == ["[pod/iris-1/server] started with ***REDACTED***"]
    (call,) = [c for c in place.calls if "logs" in c]
    assert "--follow" in call
    assert "--tail=3" in call


def test_nothing_that_serves_is_followed_by_nobody(place: Place) -> None:
    with pytest.raises(UserError) as caught:
        verbs.logs(place.context(rendered(TEXT), follow=True))
    assert caught.value.findings[0].code == "MLCC375"


def test_a_refusal_ends_it(place: Place) -> None:
    project = rendered(TEXT)
    verbs.deploy(place.context(project))
    (place.folder / "forbidden").write_text("--selector")
    with pytest.raises(UserError) as caught:
        verbs.logs(place.context(project, follow=True))
    assert caught.value.findings[0].code == "MLCC378"
