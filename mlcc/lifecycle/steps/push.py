"""push: the image that build made, to its repository in ECR.  Law: what the repository shows is what was pushed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.core.errors import PreconditionError
from mlcc.core.findings import error
from mlcc.core.text import printable
from mlcc.io import programs
from mlcc.io.aws.ecr import Ecr
from mlcc.io.container_engines import Engine
from mlcc.lifecycle import engine_login, image_place, run_state, writable
from mlcc.lifecycle.aws_errors import explained
from mlcc.lifecycle.context import Context, Result, call, calls
from mlcc.lifecycle.image_place import ImagePlace
from mlcc.lifecycle.steps import build
from mlcc.lifecycle.targets.sagemaker import account, facts, repository
from mlcc.lifecycle.targets.sagemaker import desired as kinds

PUSH_S = 3600.0


@explained
def run(context: Context) -> Result:
    """Pushes the image that the last build made, and reads back what the repository has made of it."""
    project = context.project
    if project.get("build.image_uri"):
        words = f"nothing to push: build.image_uri names {printable(str(project.get('build.image_uri')), 200)}"
        return Result({"pushed": {}}, [words])
    where = image_place.located(project, context.profile)
    name, tag = where.repository, where.tag
    if context.argument("dry_run"):
        return _dry_run(context, where)
    writable.need(project.directory)
    engine, built = context.need_engine(), build.existing(context)
    if built.kind != build.IMAGE:
        raise PreconditionError([error("MLCC305", f"{project.name} was built without an image", hint="do/build")])
    caller = context.aws()
    place = account.place(context, caller)
    ecr = Ecr(caller)
    repository.need(context, ecr, kinds.tags(project, place))
    login = ecr.login()
    uri = f"{login.registry}/{name}:{tag}"
    with engine_login.signed_in(context, engine, login) as environ:
        _engine(context, engine, environ, "tag", built.reference, uri)
        try:
            context.progress.say(f"pushing {uri}")
            _engine(context, engine, environ, "push", uri)
        finally:
            engine.ask("rmi", uri, environ=environ)
    pushed = repository.accepted(ecr.image(name, tag), uri, "push")
    reference = f"{login.registry}/{name}@{pushed.digest}"
    document = {"repository": name, "tag": tag, "digest": pushed.digest, "reference": reference}
    run_state.write(project.directory, run_state.PUSHED, document)
    return Result({"pushed": document}, [f"pushed {reference}"])


def _dry_run(context: Context, where: ImagePlace) -> Result:
    project = context.project
    region = context.environ.get("AWS_REGION", "")
    place, assumed = facts.assumed(project, region, context.clock(), context.profile)
    uri = facts.image_uri(place.account, place.region, place.suffix, where.repository, f":{where.tag}")
    made: list[Mapping[str, Any]] = [
        *repository.creation(where, kinds.tags(project, place)),
        call("ecr", "GetAuthorizationToken"),
        call("engine", "push", image=build.image_name(project), reference=uri),
    ]
    return calls(made, repository=repository.expected(where), **assumed)


def _engine(context: Context, engine: Engine, environ: Mapping[str, str], *words: str) -> None:
    done = programs.run([engine.program, *words], environ=environ, timeout_s=PUSH_S)
    if done.code:
        raise engine_login.failed(context, engine, words[0], done)
