"""G28 (docs/guarantees.md): a text is shortened only after its secrets are taken out.

A secret stands at each place around the one at which a text is cut, so that the cut would leave a part of it.  No part
of eight characters may be seen.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlcc.core.errors import UserError
from mlcc.io.container_engines import Engine
from mlcc.lifecycle.context import Context, Silent
from mlcc.lifecycle.rendered_project import RenderedProject, load_project
from mlcc.lifecycle.steps import build
from mlcc.lifecycle.targets import local_server, server_contract
from mlcc.registries.redaction_lines import Lines, after_cut
from tests.helpers import SMALLEST, File, build_tree, run_mlcc

TOKEN = "Zq7Kx2Wm9Rt4Vb6Np3Ls8HdJc5Yf1Gk"
SEVERAL = "\n".join(["aB3cD", "eF5gH", "iJ7kL", "mN9oP", "qR2sT", "uV4wX"])
KEY = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEcanaryAAAABBBBCCCC\n" * 5 + "-----END RSA PRIVATE KEY-----"
ENVIRON = {"API_TOKEN": TOKEN, "SIGNING_PASSWORD": SEVERAL}
SECRETS = {"one line": TOKEN, "short lines": SEVERAL, "a private key": KEY}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> RenderedProject:
    place = build_tree(
        tmp_path_factory.mktemp("cut"),
        {"mlcc.yaml": SMALLEST.replace("http-fastapi", "http-fastapi, target: local")},
    )
    assert run_mlcc("apply", "-q", cwd=place).code == 0
    return load_project(str(place))


def context(project: RenderedProject, **environ: str) -> Context:
    return Context(project, {**ENVIRON, "PATH": os.environ["PATH"], **environ}, Silent(), lambda _: None, lambda: 0.0)


def parts(secret: str) -> set[str]:
    """What must not be seen: each part of eight characters in a line, or each line where all are shorter.

    The lines that begin and end a private key are no secret.
    """
    lines = [line for line in secret.split("\n") if not line.startswith("-----")]
    return {line[at : at + 8] for line in lines for at in range(max(len(line) - 7, 1))}


def seen(shown: str, secret: str) -> list[str]:
    return [part for part in parts(secret) if part in shown]


def test_the_search_finds() -> None:
    assert seen(f"... {TOKEN[5:13]} ...", TOKEN)
    assert seen("uV4wX", SEVERAL)
    assert seen(KEY[40:60], KEY)
    assert not seen("***REDACTED***", KEY)


@pytest.mark.parametrize("kind", SECRETS)
def test_an_answer_of_a_server(project: RenderedProject, kind: str) -> None:
    secret, clean = SECRETS[kind], context(project).clean
    for at in range(600):
        body = ("." * at + secret + "." * 600).encode()
        assert seen(server_contract._short(body, clean), secret) == [], at


def test_an_answer_that_is_one_long_secret(project: RenderedProject) -> None:
    """As long as a secret may be, at any place of what is shown."""
    word = TOKEN[::-1]  # which is no secret by itself
    secret = word * (65_536 // len(word))
    clean = context(project, OTHER_TOKEN=secret).clean
    for at in range(0, 120, 17):
        assert seen(server_contract._short(b"." * at + secret.encode() + b"." * 100, clean), word) == [], at


@pytest.mark.parametrize("kind", SECRETS)
def test_the_end_of_a_log(project: RenderedProject, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut at every ninth byte; most logs are short ones with a bound to match, for all that the cut depends on."""
    secret, whole = SECRETS[kind], local_server.MAX_LOG_BYTES
    record = {"kind": "process", "pid": 0}
    rest = "y" * 60 + "\n"
    for number, at in enumerate(range(0, len(secret) + 40, 9)):
        monkeypatch.setattr(local_server, "MAX_LOG_BYTES", 65_536 if number % 8 else whole)
        # the log is cut so many bytes after the beginning of the secret
        end = rest * (local_server.MAX_LOG_BYTES // len(rest))
        end = end[len(end) + max(len(secret) - at, 0) - local_server.MAX_LOG_BYTES :]
        build_tree(project.directory, {".mlcc/run/server.log": f"{'x' * 99}\n{secret}\n{end}"})
        shown = "\n".join(local_server.log_lines(context(project), record, 0)[:50])
        assert seen(shown, secret) == [], at


@pytest.mark.parametrize("kind", SECRETS)
def test_the_last_lines_of_a_log(project: RenderedProject, kind: str) -> None:
    secret = SECRETS[kind]
    build_tree(project.directory, {".mlcc/run/server.log": f"begun\n{secret}\nend\n"})
    for count in range(1, 12):
        shown = "\n".join(local_server.log_lines(context(project), {"kind": "process"}, count))
        assert seen(shown, secret) == [], count


def test_the_message_of_a_container_engine(project: RenderedProject, tmp_path: Path) -> None:
    for at in range(262, 340, 3):
        output_text = "." * 200 + TOKEN + "." * (at - len(TOKEN))
        program = (
            build_tree(tmp_path, {"docker": File(f"#!/bin/sh\nprintf %s '{output_text}' >&2\nexit 1\n", 0o755)})
            / "docker"
        )
        asked = context(project)
        asked.__dict__["engine"] = Engine("docker", str(program), "1")
        with pytest.raises(UserError) as problem:
            local_server.start_container(asked, build.Built(build.IMAGE, "x"), 1)
        assert seen(problem.value.findings[0].message, TOKEN) == [], at


@pytest.mark.parametrize("kind", SECRETS)
def test_lines_that_come_one_by_one(kind: str) -> None:
    secret = SECRETS[kind]
    for at in range(60):
        cleaner = Lines(ENVIRON.values())
        text = f"{'.' * at}{secret}{'.' * 60}\n"
        shown = [s for line in text.splitlines() for s in cleaner.feed(line)] + cleaner.rest()
        assert seen("\n".join(shown), secret) == [], at


def test_what_is_no_secret_s_end_stays() -> None:
    assert after_cut("a\nb\n", [SEVERAL]) == "a\nb\n"
    assert after_cut(f"{SEVERAL[12:]}\nb\n", [SEVERAL]) == "\nb\n"
    assert after_cut(f"x\n{KEY}\nb\n", []) == f"x\n{KEY}\nb\n"
    assert after_cut(f"{KEY[40:]}\nb\n", []) == "b\n"
