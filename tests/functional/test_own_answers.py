"""do/test of a project whose handler was edited: the answer's form is its user's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcc.lifecycle.rendered_project import load_project
from mlcc.lifecycle.targets import sample_request, server_contract
from mlcc.lifecycle.targets.server_contract import Reply
from tests.helpers import SMALLEST, applied

HERE = Path()
OWN = b'{"customers": [{"answer": "stays"}]}'


def invocation(body: bytes) -> server_contract.Checked:
    """The check of a good request, which is answered with this body."""
    project = load_project(".")
    reply = Reply(200, {"content-type": "application/json"}, body, 0.0)
    request = sample_request.request_of(project)
    found = server_contract.check_invocations(
        lambda data, headers: reply, project.container, request, lambda text: text
    )
    return next(one for one in found if one.name == "invocation")


@pytest.mark.parametrize("body", [OWN, b"[1, 2]", b'"a text"'])
def test_the_form_is_the_architecture_s_until_the_handler_is_edited(body: bytes) -> None:
    applied(HERE, SMALLEST)
    assert not invocation(body).ok
    with (HERE / "code/handler.py").open("a") as stream:
        stream.write("\n# edited\n")
    assert invocation(body).ok


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"null", b'{"predictions": []}', b'{"predictions": [1]}', b'{"error": "no"}', b"{"]
)
def test_errors_and_empty_answers_fail_whoever_formed_them(body: bytes) -> None:
    applied(HERE, SMALLEST)
    (HERE / "code/handler.py").write_text("# all new\n")
    assert not invocation(body).ok
