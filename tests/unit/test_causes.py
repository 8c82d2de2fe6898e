"""Whether mlcc.yaml or a registry changed a value (resolve/causes)."""

from __future__ import annotations

import pytest

from mlcc.core.paths import format_path
from mlcc.load.inputs import Inputs
from mlcc.plan.lock import Locked
from mlcc.registries.loader import Registries
from mlcc.resolve.causes import cause, moved_by_registries
from mlcc.resolve.project import resolve_project
from tests.fakes import CONFIGS, TREES, read, registries, resolved

OLD = "version: 1\nproject: {name: p}\ndeployment: {config: web-one}\nframework: {name: trees}\ntags: {mine: a}\n"


def moved(text: str, known: Registries, env: str | None = None) -> set[str]:
    """What registries moved between OLD with yesterday's rows and a text with today's."""
    before = resolved(OLD)
    recorded = {path: Locked(value.value, value.source.label) for path, value in before.values.items()}
    inputs = Inputs("mlcc.yaml", ".", read(text), (), (), ())
    return {format_path(path) for path in moved_by_registries(resolve_project(inputs, known, env), recorded)}


def test_nothing_moved_where_the_rows_are_the_same():
    assert moved(OLD, registries()) == set()
    assert moved(OLD.replace("mine: a", "mine: b"), registries()) == set()
    assert moved(OLD.replace("trees", "nets"), registries()) == set(), "the user's word brought all of it"


def test_a_row_s_new_content_moved_what_it_says():
    rows = registries(frameworks_trees=TREES.replace('WEB_WORKERS: "3"', 'WEB_WORKERS: "9"'))
    assert moved(OLD, rows) == {"env.WEB_WORKERS"}
    assert moved(OLD.replace("mine: a", "mine: b"), rows) == {"env.WEB_WORKERS"}


def test_a_value_that_a_row_takes_away_moved_too():
    rows = registries(deployment_configs=CONFIGS.replace("tags: {row: config}", "tags: {other: config}"))
    assert moved(OLD, rows) == {"tags.other"}


ACME = TREES.replace('WEB_WORKERS: "3"', 'WEB_WORKERS: "9"')


@pytest.mark.parametrize("value", ["7", "9"])
def test_what_the_user_writes_now_is_theirs_whatever_a_row_says(value):
    text = OLD + f"env: {{WEB_WORKERS: '{value}'}}\n"
    assert moved(text, registries(frameworks_trees=ACME)) == set()


def test_what_the_user_s_words_take_away_is_theirs_too():
    text = OLD.replace("framework: {name: trees}", "framework: {name: nets}")
    assert "env.WEB_WORKERS" not in moved(text, registries(frameworks_trees=ACME))


@pytest.mark.parametrize(
    ("recorded", "again", "now", "expected"),
    [
        (1, 1, 1, ""),
        (1, 2, 1, ""),
        (1, 1, 2, "input"),
        (1, 2, 2, "registries"),
        (1, 2, 3, "both"),
        (1, 1, None, "input"),
        (1, None, None, "registries"),
        (None, None, 1, "input"),
        (None, 1, 1, "registries"),
        (None, 1, 2, "both"),
    ],
)
def test_why_something_changed(recorded, again, now, expected):
    assert cause(recorded, again, now) == expected
