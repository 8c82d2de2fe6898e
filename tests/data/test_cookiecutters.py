"""The layers: each a valid cookiecutter, disjoint, and every file accounted for."""

from __future__ import annotations

import ast
import itertools
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE
from types import ModuleType
from typing import Any

import pytest
from jinja2 import Environment, meta

from mlcc.registries.loader import load
from mlcc.render.layers import COMMON, TEMPLATE_SUFFIX, Producible, layer_info
from tests.helpers import ROOT, SMALLEST, build_tree

FOLDER = ROOT / "cookiecutters"
LAYERS = sorted(p.parent.relative_to(FOLDER).as_posix() for p in FOLDER.rglob("cookiecutter.json"))
ROOT_NAME = "{{cookiecutter.root}}"
# What render.py decides for a whole project.
SWITCHES = ("codebuild", "chat_template", "front", "requirements", "sample_model", "secrets", "serve", "tests")
# Configs whose server is ours: their code is imported and asked.
HTTP = sorted(name for name, row in load().deployment_configs.items() if row.architecture == "http")


def templates(layer: str) -> dict[str, str]:
    """Rendered paths of a layer's files, with the path of the template of each."""
    root = FOLDER / layer / ROOT_NAME
    found = [p.relative_to(root).as_posix() for p in sorted(root.rglob("*")) if p.is_file()]
    return {name.removesuffix(TEMPLATE_SUFFIX): name for name in found}


def settings(layer: str) -> dict:
    return json.loads((FOLDER / layer / "cookiecutter.json").read_text())


def test_every_layer_is_known():
    known = load()
    named = {
        COMMON,
        *(r.layer for r in known.architectures.values()),
        *(r.layer for r in known.targets.values() if r.layer),
    }
    assert set(LAYERS) == named


@pytest.mark.parametrize("layer", LAYERS)
def test_every_file_has_a_rule_and_every_rule_a_file(layer):
    assert set(templates(layer)) == set(layer_info(str(FOLDER / layer)).files)


@pytest.mark.parametrize("layer", LAYERS)
def test_rules_are_well_formed(layer):
    for path, rule in settings(layer)["_mlcc"]["files"].items():
        assert set(rule) <= {"owner", "mode", "switch", "expand", "optional"}, path
        assert rule["owner"] in ("managed", "seed")
        assert re.fullmatch("0[67][0-7][0-7]", rule.get("mode", "0644"))
        assert rule.get("switch", "tests") in SWITCHES
    assert list(settings(layer)["_mlcc"]["files"]) == sorted(settings(layer)["_mlcc"]["files"])


@pytest.mark.parametrize("layer", LAYERS)
def test_what_is_copied_as_it_is_exists_and_is_no_template(layer):
    for name in layer_info(str(FOLDER / layer)).verbatim:
        # pip would compile a .py file; its suffix goes, and nothing in it is rendered
        path = name.removesuffix(TEMPLATE_SUFFIX) if name.endswith(f".py{TEMPLATE_SUFFIX}") else name
        assert templates(layer)[path] == name


@pytest.mark.parametrize("layer", LAYERS)
def test_what_is_rendered_and_holds_python_has_the_suffix(layer):
    """pip byte-compiles .py files that it installs; the .pyc would be rendered."""
    assert not [n for n in (FOLDER / layer).rglob("*.py") if n.is_file()]
    assert not list((FOLDER / layer).rglob("__pycache__"))
    assert not list((FOLDER / layer).rglob("hooks"))


def test_layers_of_one_project_are_disjoint():
    known = load()
    for architecture, target in itertools.product(known.architectures.values(), known.targets.values()):
        layers = [COMMON, architecture.layer, *([target.layer] if target.layer else [])]
        paths = [p for layer in layers for p in templates(layer)]
        assert len(paths) == len(set(paths)), f"{architecture.name} and {target.name}"


def test_a_path_that_a_layer_retired_can_still_be_taken_away(tmp_path):
    settings_ = {"_mlcc": {"files": {"new.txt": {}}, "retired": ["old/a.txt"]}}
    (tmp_path / "cookiecutter.json").write_text(json.dumps(settings_))
    found = Producible(lambda: ([str(tmp_path)], ["build"]))
    assert [p for p in ("new.txt", "old/a.txt", "do/build", "old/b.txt") if found(p)] == [
        "new.txt",
        "old/a.txt",
        "do/build",
    ]


@pytest.mark.parametrize("layer", LAYERS)
def test_a_retired_path_is_rendered_no_more(layer):
    info = layer_info(str(FOLDER / layer))
    assert not {*info.files} & {*info.retired}


def test_files_of_different_layers_never_share_a_path():
    paths = [p for layer in LAYERS if layer == COMMON or layer.startswith("targets/") for p in templates(layer)]
    assert len(paths) == len(set(paths))


@pytest.mark.parametrize("layer", LAYERS)
def test_only_files_that_must_run_are_executable(layer):
    for path, rule in settings(layer)["_mlcc"]["files"].items():
        file = FOLDER / layer / ROOT_NAME / templates(layer)[path]
        runs = file.read_bytes().startswith(b"#!") or "serve" in path
        # layers may share a file by a link, which stays among the layers
        assert file.resolve().is_relative_to(FOLDER.resolve()), path
        assert (int(rule.get("mode", "0644"), 8) & 0o111 != 0) == runs, path
        assert stat.S_ISREG(file.stat().st_mode)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_is_a_cookiecutter_of_its_own(layer, tmp_path):
    """Rendered with its own defaults alone."""
    from cookiecutter.generate import generate_context, generate_files

    template_context = generate_context(str(FOLDER / layer / "cookiecutter.json"))
    made = template_context["cookiecutter"]
    made.setdefault("_copy_without_render", [])
    generate_files(
        repo_dir=str(FOLDER / layer), context={"cookiecutter": made}, output_dir=str(tmp_path), accept_hooks=False
    )
    rendered = {
        p.relative_to(tmp_path / "project").as_posix() for p in (tmp_path / "project").rglob("*") if p.is_file()
    }
    assert rendered == set(templates(layer).values())


def sources(layer: str) -> dict[str, str]:
    files = [p for p in (FOLDER / layer).rglob("*") if p.is_file() and p.name != "cookiecutter.json"]
    copied = {ROOT_NAME + "/" + n for n in layer_info(str(FOLDER / layer)).verbatim}
    return {r: p.read_text() for p in files if (r := p.relative_to(FOLDER / layer).as_posix()) not in copied}


@pytest.mark.parametrize("layer", LAYERS)
def test_templates_read_only_what_the_context_has(layer):
    given = {k for k in settings(layer) if not k.startswith("_")}
    for name, text in sources(layer).items():
        Environment(autoescape=False).parse(text)
        read = set(re.findall(r"cookiecutter\.([a-z_]+)", text))
        assert read <= given, f"{name} reads {read - given}"


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_s_defaults_are_those_of_the_context(layer):
    from mlcc.render.context import template_context
    from tests.fakes import registries, resolved

    known = registries()
    full = template_context(
        resolved(
            "version: 1\nproject: {name: iris}\ndeployment: {config: web-one}\nframework: {name: trees}\n", known=known
        )
    )
    assert {k for k in settings(layer) if not k.startswith("_")} <= set(full)


@pytest.mark.parametrize("layer", LAYERS)
def test_templates_compute_nothing_from_names(layer):
    """No template branches on a backend's or a model's name: partials are chosen by name instead."""
    known = load()
    names = {c.backend for c in known.deployment_configs.values()} | set(known.deployment_configs)
    for name, text in sources(layer).items():
        for expression in re.findall(r"{%-?\s*(?:if|elif)\b(.*?)%}", text, re.DOTALL):
            words = set(re.findall(r"[\"']([^\"']+)[\"']", expression))
            assert not words & names, f"{name}: {expression}"


@pytest.mark.parametrize("layer", LAYERS)
def test_every_included_partial_exists(layer):
    for name, text in sources(layer).items():
        tree = Environment(autoescape=False).parse(text)
        for included in meta.find_referenced_templates(tree):
            if included is not None:
                assert (FOLDER / layer / "templates" / included).is_file(), f"{name} includes {included}"


def test_shell_is_copied_never_rendered():
    for layer in LAYERS:
        for path, template in templates(layer).items():
            data = (FOLDER / layer / ROOT_NAME / template).read_bytes()
            if re.match(rb"#!.*\bsh\b", data):
                assert path in layer_info(str(FOLDER / layer)).verbatim, path


def test_rendered_python_is_python():
    from mlcc import pipeline
    from tests.helpers import needed

    for config in load().deployment_configs:
        build_tree(".", {"mlcc.yaml": SMALLEST.replace("http-fastapi", config) + needed(config)})
        project = pipeline.read("mlcc.yaml")
        assert project.ok, project.findings
        for path, file in pipeline.render(project, ["/tmp"]).items():
            if path.endswith(".py") or file.data.startswith(b"#!/usr/bin/env python"):
                ast.parse(file.data)
            assert b"{{" not in file.data.replace(b"{{%", b""), path
            assert b"cookiecutter." not in file.data, path
            assert file.data.endswith(b"\n"), path


# ---------------------------------------------------------------- what every rendered server does
class Anything(ModuleType):
    """A stand-in for a package that is not installed here: it has every name."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (Exception,), {})


FOREIGN = (
    *("numpy", "numpy.typing", "a2wsgi", "flask", "werkzeug", "werkzeug.exceptions"),
    *("fastapi", "fastapi.concurrency", "starlette", "starlette.exceptions"),
    *("h11", "uvicorn", "uvicorn.protocols", "uvicorn.protocols.http", "uvicorn.protocols.http.h11_impl"),
)


def rendered_files(config: str) -> dict[str, str]:
    from mlcc import pipeline

    build_tree(".", {"mlcc.yaml": SMALLEST.replace("http-fastapi", config)})
    project = pipeline.read("mlcc.yaml")
    assert project.ok, project.findings
    return {path: file.data.decode() for path, file in pipeline.render(project, ["/tmp"]).items()}


@pytest.fixture(params=HTTP)
def app(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The rendered code/app.py of each config, imported without its web framework."""
    for name in FOREIGN:
        monkeypatch.setitem(sys.modules, name, Anything(name))
    made = ModuleType("rendered_app")
    monkeypatch.setitem(sys.modules, made.__name__, made)  # dataclasses look their module up
    exec(compile(rendered_files(request.param)["code/app.py"], "code/app.py", "exec"), made.__dict__)
    return made


def handler(monkeypatch: pytest.MonkeyPatch, loaded: Callable[[Path], Any]) -> None:
    """Puts a stand-in for the user's code/handler.py in place."""
    made = ModuleType("handler")
    made.load = loaded  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "handler", made)


def asked(app: ModuleType, model: Any) -> tuple[int, str]:
    reply = model.ping()
    return reply.status, json.loads(reply.body)["status"]


def test_ping_is_503_until_the_model_is_loaded(app, monkeypatch):
    seen = []
    model = app.Model(app.read_settings())
    handler(monkeypatch, lambda place: seen.append((place.as_posix(), asked(app, model))))
    assert asked(app, model) == (503, "loading")
    model._load()
    assert seen == [("/opt/ml/model", (503, "loading"))]
    assert asked(app, model) == (200, "ok")


@pytest.mark.parametrize("why", [ValueError("not a model"), SystemExit(1), MemoryError()])
def test_ping_is_503_for_good_when_the_model_cannot_be_loaded(app, monkeypatch, why):
    def fails(_: Path) -> None:
        raise why

    handler(monkeypatch, fails)
    model = app.Model(app.read_settings())
    model._load()
    assert asked(app, model) == (503, "failed")
    assert app.invoke(model, b"{}", "application/json", "").status == 503


def test_ping_is_503_while_another_worker_loads(app, monkeypatch, tmp_path):
    shared = tmp_path / "loading"
    shared.touch()
    monkeypatch.setenv("MLCC_LOADING_FILE", str(shared))
    monkeypatch.setenv("MLCC_WORKERS", "2")
    handler(monkeypatch, lambda _: "a model")
    one, two = app.Model(app.read_settings()), app.Model(app.read_settings())
    one._load()
    assert asked(app, one) == (503, "loading")
    two._load()
    assert [asked(app, worker) for worker in (one, two)] == [(200, "ok")] * 2


# Starts no server: what `serve` keeps in the folder for temporary files, for as long as this process runs.
KEEPS = """
import runpy, sys
with runpy.run_path(sys.argv[1], run_name="serve")["run_folder"]() as folder:
    (folder / "loading").touch()
    print(folder.name, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def keeps(tmp_path: Path) -> Iterator[Callable[[Path], tuple[subprocess.Popen[str], str]]]:
    """Starts processes that keep what a server keeps; returns each with the name of its folder."""
    running: list[subprocess.Popen[str]] = []

    def started(serve: Path) -> tuple[subprocess.Popen[str], str]:
        argv, environ = [sys.executable, "-c", KEEPS, str(serve)], {"TMPDIR": str(tmp_path / "temporary")}
        running.append(subprocess.Popen(argv, env=environ, stdin=PIPE, stdout=PIPE, text=True))
        assert running[-1].stdout is not None
        return running[-1], running[-1].stdout.readline().strip()

    yield started
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("config", HTTP)
def test_a_server_removes_what_killed_servers_have_left(config, keeps, tmp_path):
    """Of two servers one is killed; the next start removes what it has left and nothing else, once it is not new."""
    serve = build_tree(tmp_path / "made", {"serve": rendered_files(config)["code/serve"]}) / "serve"
    temporary = build_tree(tmp_path / "temporary", {"mlcc-other/file": "x", "other/file": "x", "mlcc-serve-file": "x"})
    (temporary / "mlcc-serve-link").symlink_to(build_tree(tmp_path / "elsewhere", {"kept": "x"}))
    before = {path.name for path in temporary.iterdir()}

    def now() -> set[str]:
        return {path.name for path in temporary.iterdir()} - before

    first, left = keeps(serve)
    other, used = keeps(serve)
    assert now() == {left, used}
    first.kill()
    first.wait()
    third, more = keeps(serve)
    assert now() == {left, used, more}, "another server may be about to lock it"
    for name in now():
        os.utime(temporary / name, (0, 0))
    _, last = keeps(serve)
    assert now() == {used, more, last}
    assert (tmp_path / "elsewhere/kept").exists()
    for process in (other, third):
        process.communicate("")
    assert now() == {last}


@pytest.fixture
def served(app: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The rendered app with the rendered handler, whose model counts the rows: its numbers are not asked for."""
    made = ModuleType("handler")
    monkeypatch.setitem(sys.modules, "handler", made)
    monkeypatch.setitem(sys.modules, "joblib", Anything("joblib"))
    exec(compile(rendered_files("http-fastapi")["code/handler.py"], "code/handler.py", "exec"), made.__dict__)
    made.load = lambda _: None  # type: ignore[attr-defined]
    made.predict = lambda _, data: [len(data.values)]  # type: ignore[attr-defined]
    model = app.Model(app.read_settings())
    model._load()
    return lambda body, content_type, accept="": app.invoke(model, body, content_type, accept)


@pytest.mark.parametrize("given", ["x/y", "", "application/x-mlcc-unknown", "text/html; charset=utf-8", "json"])
def test_a_type_that_is_not_served_is_a_415(served, given):
    assert served(b"{}", given).status == 415


def test_what_a_batch_job_sends_when_nothing_names_a_type_is_read(served):
    default = load().targets["batch-transform"].defaults.get("batch", "content_type")
    assert default is not None
    assert served(b"[[1]]", str(default.value)).status == 200


@pytest.mark.parametrize(
    ("given", "accept", "kind", "body"),
    [
        ("application/json", "", "application/json", '{"predictions": [2]}'),
        ("Application/JSON; charset=utf-8", "*/*", "application/json", '{"predictions": [2]}'),
        ("text/csv; header=absent", "", "text/csv", "2\n"),
        ("text/csv; header=absent", "application/json", "application/json", '{"predictions": [2]}'),
        ("application/jsonlines", "*/*", "application/jsonlines", "2\n"),
    ],
)
def test_a_type_that_is_served_is_that_of_the_answer_unless_another_is_asked_for(served, given, accept, kind, body):
    rows = {"a": b"[[1], [2]]", "t": b"1\n2\n"}[
        "a" if given.lower().startswith("application/json;") or given == "application/json" else "t"
    ]
    reply = served(rows, given, accept)
    assert (reply.status, reply.content_type, reply.body) == (200, kind, body)


def test_a_mistake_of_the_handler_is_a_500_and_its_refusal_is_not(app, monkeypatch, capsys):
    """Also where the handler is another file than the seeded one: the server knows four functions and a class."""
    made = ModuleType("handler")
    monkeypatch.setitem(sys.modules, "handler", made)
    exec(OWN_HANDLER, made.__dict__)
    model = app.Model(app.read_settings())
    model._load()
    assert app.invoke(model, b"good", "image/png", "") == app.Reply(200, "GOOD image/png, */*;q=0.1", "text/plain")
    assert app.invoke(model, b"bad", "image/png", "").status == 418
    assert app.invoke(model, b"worse", "image/png", "").status == 500


OWN_HANDLER = """
class Refused(Exception):
    status = 418
def load(folder): return str.upper
def parse(body, content_type):
    if body == b"bad": raise Refused("no")
    return body.decode()
def predict(model, data): return 1 / 0 if data == "worse" else model(data)
def format(predictions, accept): return predictions + " " + accept, "text/plain"
"""


@pytest.mark.parametrize("config", HTTP)
def test_no_image_takes_the_whole_project_in(config):
    """A .env, a .git or an mlcc.lock of the project must never be in an image."""
    copied = []
    for line in rendered_files(config)["Dockerfile"].replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        if word.upper() in ("COPY", "ADD"):
            assert word == "COPY", line
            sources = json.loads(rest)[:-1]
            copied += sources
            for source in sources:
                assert source.strip("./*"), line
                assert not source.startswith(("/", "..")), line
    assert "code/" in copied


SAMPLES = [(n, f) for n, framework in load().frameworks.items() for f in framework.formats]
NETWORK = {"urllib", "requests", "http", "httpx", "socket", "ftplib", "boto3", "kagglehub", "huggingface_hub"}


@pytest.mark.parametrize(("framework", "form"), SAMPLES)
def test_the_sample_model_is_trained_without_a_network(framework, form):
    from mlcc import pipeline

    chosen = f"framework: {{name: {framework}}}\nmodel: {{format: {form}}}\n"
    build_tree(".", {"mlcc.yaml": SMALLEST + chosen})
    project = pipeline.read("mlcc.yaml")
    assert project.ok, project.findings
    text = pipeline.render(project, ["/tmp"])["sample_model/train.py"].data.decode()
    assert "://" not in text
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found = {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found = {(node.module or "").partition(".")[0], *(alias.name for alias in node.names)}
        else:
            found = {node.attr} if isinstance(node, ast.Attribute) else set()
        assert not found & {*NETWORK, "get_file", "load_data"}, found
        assert not [name for name in found if name.startswith("fetch_")], found


# What Go's filepath.Match takes, by which every builder reads .dockerignore; anything else ends each build with "syntax
# error in pattern" (https://pkg.go.dev/path/filepath#Match): no `-` begins a range.
_SIGN = r"(?:\\.|[^\\\]-])"
GO_PATTERN = re.compile(rf"(?:\[\^?(?:{_SIGN}(?:-{_SIGN})?)+\]|\\.|[^\[\\])*")


def test_a_builder_can_read_the_rendered_ignore_file() -> None:
    lines = (FOLDER / "common" / ROOT_NAME / ".dockerignore").read_text().splitlines()
    patterns = [line.removeprefix("!") for line in lines if line and not line.startswith("#")]
    assert len(patterns) > 10
    assert [pattern for pattern in patterns if not GO_PATTERN.fullmatch(pattern)] == []
    assert not GO_PATTERN.fullmatch("**/service[-_]account*.json")
