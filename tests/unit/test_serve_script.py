"""The script that starts a serving engine: as a module, and run for real with an engine that is a small program."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mlcc.core import version_order
from mlcc.registries.loader import load
from mlcc.render import engine_file
from mlcc.resolve.engine import options
from tests.helpers import ROOT

CODE = ROOT / "cookiecutters/architectures/transformers/{{cookiecutter.root}}/code"


def module(path: Path, name: str = "serve_script") -> Any:
    """A program without suffix as a module."""
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec is not None
    made = sys.modules[name] = importlib.util.module_from_spec(spec)  # dataclasses look for their module there
    write, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(made)
    finally:
        sys.dont_write_bytecode = write
    return made


law = module(CODE / "command_line.py.j2", "command_line")  # the script imports it by that name
serve = module(CODE / "serve")
DOCUMENT: dict[str, Any] = {
    "engine": "toy", "version": "1.0", "prefixes": ["TOY_", "SM_TOY_"], "command": ["toy"], "fixed": ["--quiet"],
    "flags": {"model": "--model", "host": "--host", "port": "--port"}, "model_variable": "TOY_MODEL", "routes": {},
    "file": "more", "parts": {"TOY_DRAFT": "config.model", "TOY_DEEP": "config.a.b", "TOY_LENGTH": "max-len"},
    "options": {
        "flag": ["bare"], "switch": ["cache eager"], "boolean": ["trust"], "integer": ["max-len seed"],
        "number": ["share"], "text": ["dtype chat-template host port"], "list": ["names"], "json": ["config more a.b"],
    },
    "variables": ["TOY_HOME TOY_LOG"],
}  # fmt: skip


def engine(**changed: Any) -> Any:
    return law.Engine({**DOCUMENT, **changed})


def read(**environ: str) -> dict[str, Any]:
    found: dict[str, Any] = law.read_options(engine(), environ)
    return found


# ---------------------------------------------------------------- variables
@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("TOY_BARE", "true", {"bare": True}), ("TOY_BARE", "", {"bare": True}), ("TOY_CACHE", "No", {"cache": False}),
        ("TOY_TRUST", "1", {"trust": True}), ("TOY_MAX_LEN", "4096", {"max-len": "4096"}),
        ("SM_TOY_MAX_LEN", "8k", {"max-len": "8k"}), ("TOY_LENGTH", "5", {"max-len": "5"}), ("TOY_SEED", "max", {"seed": "1"}),
        ("TOY_SEED", "", {}), ("TOY_SHARE", "0.5", {"share": "0.5"}), ("TOY_SHARE", "auto", {"share": "auto"}),
        ("TOY_DTYPE", "half", {"dtype": "half"}), ("TOY_NAMES", "a,b c", {"names": ["a", "b", "c"]}),
        ("TOY_NAMES", '["a b", 1]', {"names": ["a b", "1"]}), ("TOY_CONFIG", '{"x": 1}', {"config": {"x": 1}}),
        ("TOY_CONFIG", "short", {"config": "short"}), ("TOY_CONFIG", "[1]", {"config": [1]}), ("TOY_A_B", "{}", {"a.b": {}}),
        ("TOY_DRAFT", "m", {"config": {"model": "m"}}), ("TOY_DEEP", "m", {"config": {"a": {"b": "m"}}}),
        ("TOY_HOME", "/x", {}), ("TOY_MODEL", "a/b", {}), ("HOME", "/x", {}),
    ],
)  # fmt: skip
def test_variables_become_options(variable, text, expected, monkeypatch):
    monkeypatch.setattr(law.glob, "glob", lambda pattern: [])
    assert read(**{variable: text}) == expected


def test_a_part_joins_the_json_that_is_there():
    assert read(TOY_CONFIG='{"x": 1}', TOY_DRAFT="m") == {"config": {"x": 1, "model": "m"}}
    assert read(TOY_CONFIG='{"model": "own"}', TOY_DRAFT="m") == {"config": {"model": "own"}}


def test_max_is_the_number_of_devices(monkeypatch):
    monkeypatch.setattr(law.glob, "glob", lambda pattern: ["/dev/nvidia0", "/dev/nvidia1"])
    assert read(TOY_SEED="max") == {"seed": "2"}


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"TOY_BARE": "maybe"}, "TOY_BARE is 'maybe': true or false is expected"),
        ({"TOY_MAX_LEN": "many"}, "TOY_MAX_LEN is 'many': a number is expected"),
        ({"TOY_SHARE": "nan"}, "a number is expected"),
        ({"TOY_CONFIG": "{x"}, "TOY_CONFIG is not JSON"),
        ({"TOY_CONFIG": "[" * 100000}, "TOY_CONFIG is not JSON"),
        ({"TOY_NAMES": "[x"}, "TOY_NAMES is not JSON"),
        (
            {"TOY_MAX_LENGHT": "1"},
            "TOY_MAX_LENGHT: toy 1.0 has no such option, and no variable of that name. Did you mean TOY_",
        ),
        ({"TOY_ZZZZZZZZZZZ": "1"}, "no variable of that name."),
        ({"SM_TOY_X": "1"}, "SM_TOY_X: toy 1.0 has no such option"),
        ({"TOY_CONFIG": "short", "TOY_DRAFT": "m"}, "config is 'short': a JSON object is expected"),
        ({"TOY_CONFIG": '{"a": 1}', "TOY_DEEP": "m"}, "a JSON object is expected, for config.a.b is set too"),
        ({"TOY_CONFIG": "[1]", "TOY_DEEP": "m"}, "a JSON object is expected"),
    ],
)
def test_what_cannot_be_is_refused(environ, words):
    with pytest.raises(serve.Refused) as refused:
        read(**environ)
    assert words in str(refused.value)


def test_without_a_list_every_name_is_taken():
    bare = engine(options={}, variables=[])
    assert law.read_options(bare, {"TOY_ANY_THING": "x", "TOY_MODEL": "m", "OTHER": "y"}) == {"any-thing": "x"}


# ---------------------------------------------------------------- command lines
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"bare": True}, ["--bare"]), ({"bare": False}, []), ({"cache": False}, ["--no-cache"]), ({"cache": True}, ["--cache"]),
        ({"trust": True}, ["--trust=true"]), ({"trust": False}, ["--trust=false"]), ({"max-len": "5"}, ["--max-len=5"]),
        ({"names": ["a", "b"]}, ["--names", "a", "b"]), ({"config": {"x": [1]}}, ['--config={"x": [1]}']),
        ({"config": [1]}, ["--config=[1]"]), ({"config": "short"}, ["--config=short"]), ({"dtype": "--x"}, ["--dtype=--x"]),
        ({"unknown": "x"}, ["--unknown=x"]), ({"more": "/a/file"}, ["--more=/a/file"]),
    ],
)  # fmt: skip
def test_options_become_arguments(given, expected):
    assert list(law.arguments(engine(), given)) == expected


def test_an_option_that_takes_a_file_gets_one():
    (argument,) = law.arguments(engine(), {"more": {"kv": {"dtype": "fp8"}}})
    path = Path(argument.removeprefix("--more="))
    assert json.loads(path.read_text()) == {"kv": {"dtype": "fp8"}}
    path.unlink()


def test_the_model_is_named_or_lies_in_its_folder(tmp_path):
    folder = {"MLCC_MODEL_DIR": str(tmp_path)}
    find = law.find_model
    assert find(engine(), {**folder, "TOY_MODEL": "a/b", "HF_MODEL_ID": "c/d"}) == "a/b"
    assert find(engine(), {**folder, "TOY_MODEL": "", "HF_MODEL_ID": "c/d"}) == "c/d"
    with pytest.raises(serve.Refused, match="is empty, and neither TOY_MODEL nor HF_MODEL_ID is set"):
        find(engine(), folder)
    (tmp_path / "config.json").write_text("{}")
    assert find(engine(), {**folder, "HF_MODEL_ID": "c/d"}) == str(tmp_path)
    with pytest.raises(serve.Refused, match="no model"):
        find(engine(), {"MLCC_MODEL_DIR": str(tmp_path / "none")})


def test_the_whole_command():
    environ = {"TOY_MODEL": "a/b", "TOY_SEED": "7", "TOY_HOST": "6.6.6.6", "TOY_PORT": "1"}
    assert law.command(engine(), environ, "0.0.0.0", 8080) == [
        "toy", "--model=a/b", "--quiet", "--host=0.0.0.0", "--port=8080", "--seed=7",
    ]  # fmt: skip
    bare = engine(flags={"host": "--host", "port": "--port"}, fixed=[])
    assert law.command(bare, {"TOY_MODEL": "a/b"}, "::", 1) == ["toy", "a/b", "--host=::", "--port=1"]


@pytest.mark.parametrize("option", ["chat-template", "chat_template"])
def test_a_chat_template_is_looked_for_beside_the_script(option, tmp_path, monkeypatch):
    (tmp_path / "chat_template.jinja").write_text("x")
    monkeypatch.setattr(law, "CODE", tmp_path)
    known = engine(options={"text": [f"{option} host port"]})
    environ = {"TOY_MODEL": "m", "TOY_CHAT_TEMPLATE": "/opt/none/chat_template.jinja"}
    assert law.command(known, environ, "h", 1)[-1] == f"--{option}={tmp_path}/chat_template.jinja"
    environ["TOY_CHAT_TEMPLATE"] = "/opt/none/other.jinja"
    assert law.command(known, environ, "h", 1)[-1] == f"--{option}=/opt/none/other.jinja"


def test_the_engine_sees_its_own_variables_only():
    environ = {"TOY_MODEL": "m", "TOY_HOME": "/x", "SM_TOY_SEED": "1", "PATH": "/bin"}
    assert law.environment(environ, engine()) == {"TOY_HOME": "/x", "PATH": "/bin"}


def test_nginx_is_given_where_everything_is(tmp_path, monkeypatch):
    routed = engine(routes={"ping": "/health", "invocations": "/v1/chat/completions"})
    text = serve.write_nginx_conf(tmp_path, routed, "127.0.0.1", 9000, 9001).read_text()
    for words in (
        "listen 127.0.0.1:9000 ",
        "http://127.0.0.1:9001/health",
        "default /v1/chat/completions;",
        f"{tmp_path}/proxy",
    ):
        assert words in text
    assert "/engine/" not in text
    monkeypatch.setattr(serve, "CODE", tmp_path)
    (tmp_path / "nginx.conf").write_text("events {}")
    with pytest.raises(serve.Refused, match=r"`listen 0\.0\.0\.0:8080` is looked for and not found"):
        serve.write_nginx_conf(tmp_path, routed, "127.0.0.1", 9000, 9001)


@pytest.mark.parametrize("name", [n for n, row in load().engines.items() if row.style == "serve"])
def test_it_reads_what_mlcc_writes(name):
    row = load().engines[name]
    listed = load().options(row.options_name)
    found = options.at_version(listed, max(listed.versions, key=version_order.order)) if listed is not None else None
    made = law.Engine(json.loads(engine_file.engine_document(row, "1", found)))
    assert {"host", "port"} <= set(made.flags)
    for variable in row.extra_variables:
        assert variable in made.parts
    for prefix in (row.prefix, *row.further_prefixes):
        assert made.prefix(f"{prefix}SEED") == prefix


# ---------------------------------------------------------------- run for real
TOY = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
known = dict(a.lstrip("-").split("=", 1) for a in sys.argv[1:] if "=" in a)
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if body == "die":
            os._exit(3)
        data = json.dumps({"path": self.path, "body": body, "argv": sys.argv[1:],
                           "env": sorted(k for k in os.environ if "TOY" in k)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    do_GET = do_POST = answer
    def log_message(self, *a): pass
HTTPServer((known["host"], int(known["port"])), Handler).serve_forever()
"""
ROUTES = {"ping": "/health", "invocations": "/v1/chat/completions"}
Start = Callable[..., "tuple[subprocess.Popen[str], str]"]


def free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# No proxy of the machine's stands before the loopback interface.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def call(url: str, body: str | None = None, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
    request = urllib.request.Request(url, body.encode() if body is not None else None, dict(headers or {}))
    try:
        with OPENER.open(request, timeout=10) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code, problem.read().decode()


def ready(url: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if call(f"{url}/ping")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"not ready: {process.poll()}")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Copies the script with an engine.json of its own, and starts it."""
    running: list[subprocess.Popen[str]] = []
    (tmp_path / "toy.py").write_text(TOY)
    for name in ("serve", "nginx.conf", "command_line.py.j2"):
        shutil.copy(CODE / name, tmp_path / name.removesuffix(".j2"))

    def start(
        environ: Mapping[str, str] | None = None, *argv: str, **changed: Any
    ) -> tuple[subprocess.Popen[str], str]:
        document = {**DOCUMENT, "command": [sys.executable, str(tmp_path / "toy.py")], **changed}
        (tmp_path / "engine.json").write_text(json.dumps(document))
        port = free()
        env = {
            "PATH": os.environ["PATH"], "SAGEMAKER_BIND_TO_PORT": str(port), "MLCC_BIND_HOST": "127.0.0.1",
            "TOY_MODEL": "a/b", "MLCC_MODEL_DIR": str(tmp_path / "none"), **(environ or {}),
        }  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-B", str(tmp_path / "serve"), *argv],
            env=env,
            stdout=subprocess.PIPE if "--dry-run" in argv else None,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process, f"http://127.0.0.1:{port}"

    yield start
    for process in running:
        process.terminate()
        process.communicate(timeout=35)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, err = process.communicate(timeout=35)
    return process.returncode, err


def test_an_engine_with_paths_of_its_own_takes_the_scripts_place(start):
    process, url = start({"TOY_SEED": "7", "TOY_HOME": "/x"}, "serve")
    ready(url, process)
    status, reported = call(f"{url}/invocations", "hello")
    assert (status, reported["path"], reported["body"]) == (200, "/invocations", "hello")
    assert {"--model=a/b", "--quiet", "--seed=7"} <= set(reported["argv"])
    assert reported["env"] == ["TOY_HOME"]
    process.send_signal(signal.SIGTERM)
    code, err = ended(process)
    assert code == -signal.SIGTERM
    assert "--model=a/b" in err


@pytest.mark.real  # nginx
def test_nginx_stands_before_an_engine_without_them(start):
    process, url = start(None, routes=ROUTES)
    ready(url, process)
    assert call(f"{url}/ping")[1]["path"] == "/health"
    assert call(f"{url}/invocations", "hello")[1]["path"] == "/v1/chat/completions"
    assert call(f"{url}/v1/models")[1]["path"] == "/v1/models"
    for attributes, path in (
        ("route=/v1/completions", "/v1/completions"),
        ("a=b;route=/v1/images/generations", "/v1/images/generations"),
        ("route=/admin", "/v1/chat/completions"),
        ("route=http://169.254.169.254/", "/v1/chat/completions"),
        ("xroute=/v1/completions", "/v1/chat/completions"),
    ):
        headers = {"X-Amzn-SageMaker-Custom-Attributes": attributes}
        assert call(f"{url}/invocations", "x", headers)[1]["path"] == path
    assert call(f"{url}/invocations", "x" * 6291457)[0] == 413
    process.send_signal(signal.SIGTERM)
    assert ended(process)[0] == 0
    with pytest.raises(OSError, match=r"refused|reset"):
        call(f"{url}/ping")


@pytest.mark.real  # nginx
def test_the_container_ends_when_its_engine_does(start):
    process, url = start(None, routes=ROUTES)
    ready(url, process)
    assert call(f"{url}/invocations", "die")[0] == 503
    code, err = ended(process)
    assert code == 1
    assert "the engine or nginx has ended" in err


@pytest.mark.real  # nginx
def test_until_the_engine_listens_callers_are_informed(start):
    _, url = start(None, routes=ROUTES, command=[sys.executable, "-c", "import time; time.sleep(60)"])
    deadline, reported = time.monotonic() + 20, (0, "")
    while reported[0] != 503 and time.monotonic() < deadline:
        try:
            reported = call(f"{url}/ping")
        except OSError:
            time.sleep(0.05)
    assert reported[0] == 503
    assert "does not answer yet" in reported[1]


@pytest.mark.parametrize("routes", [{}, pytest.param(ROUTES, marks=pytest.mark.real)])  # nginx
@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"TOY_MAX_LENN": "1"}, "Did you mean TOY_MAX_LEN?"),
        ({"TOY_MODEL": ""}, "serve: no model"),
        ({"SAGEMAKER_BIND_TO_PORT": "http"}, "a port is expected"),
        ({"SAGEMAKER_BIND_TO_PORT": "70000"}, "a port is expected"),
    ],
)
def test_a_mistake_ends_the_container_at_once(start, routes, environ, words):
    code, err = ended(start(environ, routes=routes)[0])
    assert code == 1
    assert words in err
    assert "Traceback" not in err


@pytest.mark.parametrize("routes", [{}, pytest.param(ROUTES, marks=pytest.mark.real)])  # nginx
def test_an_engine_that_is_not_installed(start, routes):
    code, err = ended(start(None, routes=routes, command=["no-such-engine"])[0])
    assert code == 1
    assert "no-such-engine: No such file or directory" in err
    assert "Traceback" not in err


def dry_run(start: Start, environ: Mapping[str, str], *argv: str, **changed: Any) -> list[str]:
    process, _ = start(environ, *argv, **changed)
    out, err = process.communicate(timeout=35)
    assert (process.returncode, err) == (0, "")
    return list(out.splitlines())


def test_a_dry_run_prints_the_command_line_and_starts_nothing(start, tmp_path):
    before = set(Path(tempfile.gettempdir()).glob("mlcc-options-*"))
    line, file = dry_run(start, {"TOY_MORE": '{"a": 1}', "TOY_DTYPE": "a b"}, "serve", "--dry-run")
    assert shlex.split(line)[2:4] == ["--model=a/b", "--quiet"]
    assert {"--dtype=a b", "--more=/tmp/mlcc-options-NAME.yaml"} <= set(shlex.split(line))
    assert file == '# /tmp/mlcc-options-NAME.yaml: {"a": 1}'
    assert set(Path(tempfile.gettempdir()).glob("mlcc-options-*")) == before
    (line,) = dry_run(start, {}, "--dry-run", routes=ROUTES)
    assert {"--host=127.0.0.1", "--port=PORT"} <= set(shlex.split(line))


def test_keys_and_tokens_are_not_printed(start):
    keys = {"TOY_API_KEY": "sesame", "TOY_HF_TOKEN": "sesame", "TOY_MAX_LEN": "5"}
    lists = {"text": ["hf-token host port"], "list": ["api-key"], "integer": ["max-len"]}
    (line,) = dry_run(start, keys, "serve", "--dry-run", options=lists)
    assert shlex.split(line)[-4:] == ["--api-key", "$TOY_API_KEY", "--hf-token=$TOY_HF_TOKEN", "--max-len=5"]
    code, err = ended(start(keys, options=lists, command=["no-such-engine"])[0])
    assert code == 1
    assert "--hf-token=$TOY_HF_TOKEN" in err
    assert "sesame" not in err


def test_other_words_are_refused(start):
    code, err = ended(start(None, "train")[0])
    assert (code, err) == (1, "usage: serve [serve] [--dry-run]\n")
