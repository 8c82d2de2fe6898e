"""A key without a value is a mistake at its place, whichever key it is and whatever the project: never the default.

`replicas:` with nothing behind it may mean none, one or the usual number, so that nothing is guessed.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mlcc import pipeline
from mlcc.core.findings import Severity
from mlcc.core.nodes import Mark, node_of
from mlcc.io.schema import keys
from mlcc.io.schema.keys import Property
from mlcc.load.document import check_tree, load_document
from mlcc.load.request import Request
from tests.data.test_every_key import PAIRS, base, put
from tests.helpers import codes, only

EVERY = [prop for path, prop in keys.index().items() if path[-1] != "[]"]
LISTS = [prop for path, prop in keys.index().items() if path[-1] == "[]" and "object" not in prop.types]
HINT = "give it a value, or remove the key"


def shown(prop: Property) -> str:
    """The path that a finding has: elements by their number, names as `put` writes them."""
    name = prop.name.replace("[]", "[0]").replace("*", "NAME")
    return name.replace("priority_queue_policy.NAME", 'priority_queue_policy["1"]')


@pytest.mark.parametrize("prop", EVERY, ids=lambda prop: prop.name)
def test_a_key_without_a_value_is_one_mistake(prop: Property) -> None:
    document = base("http-fastapi", "realtime-inference")
    put(document, prop.path, None, True)
    found = [
        f for f in check_tree(node_of(document, Mark("mlcc.yaml", 1, 1)), "mlcc.yaml").findings if shown(prop) == f.path
    ]
    one = only(found)
    assert (one.code, one.severity, one.hint) == ("MLCC022", Severity.ERROR, HINT)
    assert one.message.startswith("an absent value ")


@pytest.mark.parametrize("prop", LISTS, ids=lambda prop: prop.name)
def test_an_element_without_a_value_is_one_mistake(prop: Property) -> None:
    document = base("http-fastapi", "realtime-inference")
    put(document, prop.path[:-1], [None], True)
    found = check_tree(node_of(document, Mark("mlcc.yaml", 1, 1)), "mlcc.yaml").findings
    one = only(f for f in found if f.path == shown(prop))
    assert (one.code, one.hint) == ("MLCC022", "give it a value, or remove the element")


@pytest.mark.parametrize("written", ["", "null", "~", "Null"])
def test_the_place_is_that_of_the_key(written: str) -> None:
    text = f"version: 1\nproject: {{name: x}}\ndeployment: {{config: http-fastapi}}\nhyperpod:\n  replicas: {written}\n"
    one = only(load_document(text.encode(), "mlcc.yaml").findings)
    assert (one.code, one.path, one.line, one.hint) == ("MLCC022", "hyperpod.replicas", 5, HINT)


REQUIRED = (("project",), ("project", "name"), ("deployment",), ("deployment", "config"), ("model",), ("model", "name"))


@pytest.mark.parametrize(("config", "target"), PAIRS)
def test_what_is_needed_and_absent_is_a_mistake_on_every_target(config: str, target: str, tmp_path: Path) -> None:
    """Whether it is written without a value or not at all; and nothing breaks because of it."""
    for path in REQUIRED:
        for value in (None, {}):
            document = base(config, target)
            if value is None:
                put(document, path, None, True)
            elif len(path) == 1 or document.get(path[0], {}).pop(path[1], None) is None:
                document.pop(path[0], None)
            (tmp_path / "mlcc.yaml").write_text(yaml.safe_dump(document))
            project = pipeline.read(tmp_path / "mlcc.yaml", Request())
            assert value is not None or "MLCC022" in codes(project.findings)
            assert path[0] == "model" or not project.ok


@pytest.mark.parametrize(
    "text", ["environments: {prod: {hyperpod: {replicas: null}}}\n", "environments: {prod: {endpoint: null}}\n"]
)
def test_an_overlay_s_key_without_a_value_is_a_mistake(text: str) -> None:
    smallest = "version: 1\nproject: {name: x}\ndeployment: {config: http-fastapi}\n"
    one = only(load_document((smallest + text).encode(), "mlcc.yaml").findings)
    assert (one.code, one.line, one.hint) == ("MLCC022", 4, HINT)
