"""What `mlcc schema --install` writes, read by the real yaml-language-server: it checks, completes and explains."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlcc.io.schema import keys
from tests.helpers import build_tree, git_repo
from tests.real.rig import Rig

pytestmark = pytest.mark.real

PROJECT = "version: 1\nproject: {name: iris}\ndeployment:\n  config: http-fastapi\n  instance_cuont: 1\n  \n"
POLICY = "version: 1\nkind: policies\nsource: our own\nrows:\n  regions: {path: 3, allowed: [us-east-1], hint: ask}\n"
REGISTRY = "version: 1\nkind: regions\nsource: our own\nrows: []\n"
FILES = {"svc/iris/mlcc.yaml": PROJECT, "policies/org.yaml": POLICY, "svc/registries/regions.yaml": REGISTRY}


class Server:
    """yaml-language-server over its standard input and output, with the settings that an editor has."""

    def __init__(self, root: Path, settings: dict[str, Any]) -> None:
        program = os.environ["MLCC_REAL_YAML_SERVER"]
        self.settings, self.number = settings, 0
        argv = [program, "--stdio"]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        folder = {"uri": root.as_uri(), "name": "root"}
        hover = {"contentFormat": ["markdown"]}
        self.ask(
            "initialize",
            processId=os.getpid(),
            rootUri=root.as_uri(),
            workspaceFolders=[folder],
            capabilities={
                "workspace": {"configuration": True, "workspaceFolders": True},
                "textDocument": {"hover": hover, "completion": {"completionItem": {"snippetSupport": True}}},
            },
        )
        self._send(method="initialized", params={})

    def _send(self, **message: Any) -> None:
        assert self.process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        stream = self.process.stdout
        assert stream is not None
        size = 0
        while line := stream.readline().strip():
            name, _, value = line.partition(b":")
            size = int(value) if name == b"Content-Length" else size
        assert size, "the server has ended"
        message: dict[str, Any] = json.loads(stream.read(size))
        return message

    def _until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first message that is wanted; the server's own questions are answered meanwhile."""
        while True:
            message = self._receive()
            if wanted(message):
                return message
            if message.get("method") == "workspace/configuration":
                self._send(id=message["id"], result=[self._section(i["section"]) for i in message["params"]["items"]])
            elif "id" in message and "method" in message:
                self._send(id=message["id"], result=None)

    def _section(self, name: str) -> dict[str, Any]:
        """`yaml` of `{"yaml.schemas": ...}`, as an editor answers."""
        start = f"{name}."
        return {key.removeprefix(start): value for key, value in self.settings.items() if key.startswith(start)}

    def ask(self, method: str, **parameters: Any) -> Any:
        self.number += 1
        number = self.number
        self._send(id=number, method=method, params=parameters)
        return self._until(lambda m: m.get("id") == number and "method" not in m)["result"]

    def opened(self, file: Path) -> list[str]:
        """Opens a file; its diagnostics, each as line and message."""
        document = {"uri": file.as_uri(), "languageId": "yaml", "version": 1, "text": file.read_text()}
        self._send(method="textDocument/didOpen", params={"textDocument": document})
        found = self._until(
            lambda m: m.get("method") == "textDocument/publishDiagnostics" and m["params"]["uri"] == file.as_uri()
        )
        return [f"{d['range']['start']['line'] + 1}: {d['message']}" for d in found["params"]["diagnostics"]]

    def at(self, method: str, file: Path, line: int, character: int) -> Any:
        position = {"line": line - 1, "character": character}
        return self.ask(f"textDocument/{method}", textDocument={"uri": file.as_uri()}, position=position)

    def close(self) -> None:
        self.ask("shutdown")
        self._send(method="exit")
        self.process.wait(20)
        for stream in filter(None, (self.process.stdin, self.process.stdout)):
            stream.close()


@pytest.fixture
def installed(rig: Rig, tmp_path: Path) -> Callable[[str], Path]:
    """A repository with the settings of an editor."""

    def made(editor: str) -> Path:
        root = git_repo(build_tree(tmp_path / "repo", FILES))
        rig("schema", "--install", editor, cwd=root)
        return root

    return made


def of_vscode(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / ".vscode/settings.json").read_text())
    return found


def of_neovim(root: Path) -> dict[str, Any]:
    """The block run by a real Lua, with what it calls of Neovim."""
    script = (
        "vim = {fn = {getcwd = function() return arg[1] end}, lsp = {config = function(_, c)\n"
        "for path, globs in pairs(c.settings.yaml.schemas) do print(path .. '\\t' .. table.concat(globs, '\\t')) end\n"
        "end}}\ndofile(arg[1] .. '/.nvim.lua')\n"
    )
    lua = shutil.which("lua5.1") or shutil.which("luajit") or "lua"
    argv = [lua, "-", str(root)]
    done = subprocess.run(argv, input=script, capture_output=True, text=True, check=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return {"yaml.schemas": {Path(path).as_uri(): globs for path, *globs in rows}}


@pytest.fixture(params=["vscode", "nvim"])
def server(request: pytest.FixtureRequest, installed: Callable[[str], Path]) -> Iterator[tuple[Server, Path]]:
    root = installed(request.param)
    settings = {"vscode": of_vscode, "nvim": of_neovim}[request.param](root)
    made = Server(root, settings)
    yield made, root
    made.close()


def test_an_editor_checks_completes_and_explains(server: tuple[Server, Path]) -> None:
    editor, root = server
    file = root / "svc/iris/mlcc.yaml"
    assert editor.opened(file) == ["5: Property instance_cuont is not allowed."]
    offered = {item["label"] for item in editor.at("completion", file, 6, 2)["items"]}
    assert {"target", "region", "instance_type"} <= offered
    assert "config" not in offered, "it is there already"
    text = editor.at("hover", file, 4, 4)["contents"]["value"]
    assert _letters(str(keys.index()[("deployment", "config")].schema["description"])) in _letters(text)


def test_policies_and_registry_files_are_checked_too(server: tuple[Server, Path]) -> None:
    editor, root = server
    assert editor.opened(root / "policies/org.yaml") == ['5: Incorrect type. Expected "string".']
    assert '4: Incorrect type. Expected "Regions".' in editor.opened(root / "svc/registries/regions.yaml")


def _letters(text: str) -> str:
    """A text without its marks: the server escapes those of Markdown."""
    return " ".join(re.findall(r"[A-Za-z]+", text))
