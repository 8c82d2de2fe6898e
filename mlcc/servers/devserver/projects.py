"""Rendered projects as a registry of images.  Law: what do/build made is there, and nothing else.

Under the repository and the tag that a deployment asks for, so that it needs no `do/push`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Sequence

from mlcc.core.errors import MlccError
from mlcc.lifecycle import image_tag
from mlcc.lifecycle.context import Context
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.steps import build
from mlcc.lifecycle.targets import local_server
from mlcc.lifecycle.targets.sagemaker import facts
from mlcc.servers.devserver.launchers import Command, repository_of

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Projects:
    """Projects of this machine, each read anew when it is asked for: they change while the server runs."""

    def __init__(self, contexts: Callable[[], Sequence[Context]]) -> None:
        """contexts: of each project that was named."""
        self._contexts = contexts

    def digest(self, repository: str, tag: str) -> str:
        """The digest of an image by its tag; empty where it was not built for this state of its project."""
        for context in self._of(repository):
            built = self._built(context)
            if built is not None and tag == image_tag.tag_of(context.project):
                return self._digest(context, built)
        return ""

    def reference(self, image: str) -> str:
        """The container engine's name for an image's address: the image of this very digest, else the project's."""
        for context in self._of(repository_of(image)):
            digest = _DIGEST.search(image)
            if digest is not None and context.engine is not None:
                known = context.engine.ask("image", "inspect", digest[0], environ=context.environ)
                if known.code == 0:
                    return digest[0]
            built = self._built(context)
            if built is not None and built.kind == build.IMAGE:
                if digest is not None:
                    context.progress.say(f"{image}: starts {built.reference}, for the engine knows no such digest")
                return built.reference
        return image if self._engine_has(image) else ""

    def _engine_has(self, image: str) -> bool:
        """Whether the engine has an image of somebody else's under its own address."""
        first = self._contexts()[0]
        return first.engine is not None and first.engine.ask("image", "inspect", image, environ=first.environ).code == 0

    def starts_process(self, image: str) -> bool:
        """Whether an image's project was built without an engine, so that its process stands for it."""
        found = [self._built(context) for context in self._of(repository_of(image))]
        return any(built is not None and built.kind != build.IMAGE for built in found)

    def command(self, image: str, folder: str) -> Command | None:
        """How a project's server is started as a process.  folder: of its model's data, empty for its own."""
        for context in self._of(repository_of(image)):
            built = self._built(context)
            if built is None or built.kind == build.IMAGE:
                continue
            try:
                local_server.need_programs(context)
                environ = {**context.machine, **_model_folder(context, folder)}
                argv = local_server.command(context.project, built)
            except MlccError as problem:
                self._say(context, problem)
                continue
            environ["PATH"] = os.path.dirname(built.reference) + os.pathsep + environ.get("PATH", os.defpath)
            return Command(argv, os.path.abspath(context.project.directory), environ)
        return None

    def _of(self, repository: str) -> list[Context]:
        return [c for c in self._contexts() if facts.repository(c.project) == repository]

    def _built(self, context: Context) -> build.Built | None:
        try:
            return build.existing(context)
        except MlccError as problem:
            self._say(context, problem)
            return None

    def _digest(self, context: Context, built: build.Built) -> str:
        if built.kind != build.IMAGE or context.engine is None:
            return "sha256:" + hashlib.sha256(_words(context.project, built).encode()).hexdigest()
        asked = context.engine.ask("image", "inspect", "--format", "{{.Id}}", built.reference, environ=context.environ)
        found = _DIGEST.search(asked.stdout.decode("ascii", "replace"))
        return found[0] if found is not None else _plain(asked.stdout)

    @staticmethod
    def _say(context: Context, problem: MlccError) -> None:
        for finding in problem.findings:
            context.progress.say(f"{context.project.name}: {finding.message}")


def _words(project: RenderedProject, built: build.Built) -> str:
    """What a build without an image is recognised by."""
    return f"{image_tag.tag_of(project)}\0{built.reference}"


def _plain(answer: bytes) -> str:
    """podman prints an image's id without the name of the digest."""
    text = answer.decode("ascii", "replace").strip()
    return f"sha256:{text}" if re.fullmatch(r"[0-9a-f]{64}", text) else ""


def _model_folder(context: Context, folder: str) -> dict[str, str]:
    """Where the server finds its model; nothing for one that an engine fetches itself."""
    name = str(context.project.container["model_dir_variable"])
    if folder:
        return {name: folder}
    try:
        own = local_server.environment(context, None, inside=False)
    except MlccError:
        return {}
    return {name: own[name]}
