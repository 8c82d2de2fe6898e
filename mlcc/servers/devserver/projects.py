"""Rendered projects as a registry of images.  Law: what do/build made is there, and nothing else.

Under the repository and the tag that a deployment asks for, so that it needs no `do/push`; beside a server that has
ECR, what was pushed there, as SageMaker pulls it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from mlcc.core.errors import MlccError
from mlcc.core.text import printable
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.ecr import Ecr, Login
from mlcc.lifecycle import engine_login, image_place, image_tag, served_code, server_programs
from mlcc.lifecycle.context import Context
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.steps import build
from mlcc.lifecycle.targets import local_server
from mlcc.servers.devserver.launchers import Command, repository_of

PULL_S = 3600.0
Answer = TypeVar("Answer")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Present:
    """The projects that can be read just now.  One whose folder is gone, or is no project any more, concerns itself
    alone: it is left out, and who looks at the server's talk is informed once."""

    def __init__(self, openers: Mapping[str, Callable[[], Context]], say: Callable[[str], None]) -> None:
        """openers: of each folder, by the name that it was given."""
        self._openers, self._say = openers, say
        self._absent: set[str] = set()

    def __call__(self) -> list[Context]:
        """Their contexts, in order."""
        found = []
        for folder, opened in self._openers.items():
            try:
                found.append(opened())
            except MlccError as problem:
                if folder not in self._absent:
                    self._say(f"{printable(folder)}: its images are absent: {problem.findings[0].message}")
                self._absent.add(folder)
            else:
                if folder in self._absent:
                    self._say(f"{printable(folder)}: its images are there again")
                self._absent.discard(folder)
        return found


class Projects:
    """Projects of this machine, each read anew when it is asked for: they change while the server runs."""

    def __init__(self, contexts: Callable[[], Sequence[Context]], beside: Caller | None = None) -> None:
        """contexts: of each project that was named, at least one; beside: calls an ECR, None where there is none."""
        self._contexts = contexts
        # for what concerns this machine and no project: the engine, and whom to say something
        self._machine = contexts()[0]
        self._ecr = Ecr(beside) if beside is not None else None

    def digest(self, repository: str, tag: str) -> str:
        """The digest of an image by its tag; empty where it was not built for this state of its project."""
        for context in self._of(repository):
            built = self._built(context)
            if built is not None and image_tag.is_of(context.project, tag):
                return self._digest(context, built)
        return ""

    def known(self, image: str) -> bool:
        """Whether there is an image of this address: the registry beside is asked of its own, and pulls nothing."""
        if self._engine_has(image):
            return True
        if self._is_beside(image):
            return self._in_registry(image)
        return bool(self._own(image))

    def reference(self, image: str) -> str:
        """The container engine's name for an image's address: of the registry beside the image itself, else the image
        of this very digest, else the project's; empty for one that nobody has."""
        if self._engine_has(image):
            return image
        if self._is_beside(image):
            return image if self._pulled(image) else ""
        return self._own(image)

    def _own(self, image: str) -> str:
        """The image of this digest, else what the project's last build made; empty for none."""
        for context in self._likely(image):
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
        return ""

    # ------------------------------------------------------------ the registry beside
    def _is_beside(self, image: str) -> bool:
        """Whether an address is of the registry beside, and there is an engine to pull from it."""
        login = self._login() if self._machine.engine is not None else None
        return login is not None and image.partition("/")[0] == login.registry

    def _login(self) -> Login | None:
        return self._asked("the registry beside", self._ecr.login) if self._ecr is not None else None

    def _in_registry(self, image: str) -> bool:
        ecr, (name, reference) = self._ecr, _parts(image)
        assert ecr is not None, "BUG: no registry is beside"
        return self._asked(image, lambda: ecr.image(name, reference)) is not None

    def _pulled(self, image: str) -> bool:
        context, login = self._machine, self._login()
        if login is None:
            return False
        context.progress.say(f"pulling {image}")
        engine = context.need_engine()
        try:
            with engine_login.signed_in(context, engine, login) as environ:
                done = engine.ask("pull", "--quiet", image, environ=environ, timeout_s=PULL_S)
                if done.code:
                    raise engine_login.failed(context, engine, "pull", done)
        except MlccError as problem:
            self._say(context, problem)
            return False
        return True

    def _asked(self, what: str, ask: Callable[[], Answer]) -> Answer | None:
        """What the account beside answers; None where it answers with an error, which is said."""
        try:
            return ask()
        except AwsError as problem:
            self._machine.progress.say(f"{what}: {problem.operation} is refused: {problem.message}")
            return None

    def _engine_has(self, image: str) -> bool:
        """Whether the engine has an image of somebody else's under its own address."""
        first = self._machine
        return first.engine is not None and first.engine.ask("image", "inspect", image, environ=first.environ).code == 0

    def starts_process(self, image: str) -> bool:
        """Whether an image's project was built without an engine, so that its process stands for it."""
        found = [self._built(context) for context in self._likely(image)]
        return any(built is not None and built.kind != build.IMAGE for built in found)

    def command(self, image: str, folder: str) -> Command | None:
        """How a project's server is started as a process.  folder: of its model's data, empty for its own."""
        for context in self._likely(image):
            built = self._built(context)
            if built is None or built.kind == build.IMAGE:
                continue
            try:
                server_programs.need(context)
                environ = {**context.machine, **_model_folder(context, folder)}
                argv = local_server.command(context.project, built)
            except MlccError as problem:
                self._say(context, problem)
                continue
            environ["PATH"] = os.path.dirname(built.reference) + os.pathsep + environ.get("PATH", os.defpath)
            return Command(argv, os.path.abspath(context.project.directory), environ)
        return None

    def _of(self, repository: str) -> list[Context]:
        """The projects whose images are in a repository: their own, or the one that a bootstrap profile shares."""
        return [
            c
            for c in self._contexts()
            if repository
            in (image_place.own_repository(c.project), image_place.located(c.project, c.profile).repository)
        ]

    def _likely(self, image: str) -> list[Context]:
        """The same for an address: where several share a repository, the one whose build it is, if any."""
        found, (_, reference) = self._of(repository_of(image)), _parts(image)
        return [c for c in found if self._names(c, reference)] or found if len(found) > 1 else found

    def _names(self, context: Context, reference: str) -> bool:
        """Whether a tag or digest is that of what a project's last build made."""
        built = self._built(context)
        if built is None:
            return False
        return image_tag.is_of(context.project, reference) or self._digest(context, built) == reference

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


def _parts(image: str) -> tuple[str, str]:
    """Repository, and digest or tag, of an image's address."""
    name = repository_of(image)
    return name, image.partition("/")[2].removeprefix(name)[1:]


def _words(project: RenderedProject, built: build.Built) -> str:
    """What a build without an image is recognised by."""
    return f"{image_tag.tag_of(project)}\0{served_code.digest(project)}\0{built.reference}"


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
