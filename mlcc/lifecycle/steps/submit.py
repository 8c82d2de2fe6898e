"""submit: the image is built by AWS CodeBuild.  Law: one project for all builds; an interrupted build is stopped.

What is sent is the context of the container build, without files that may hold secrets; the source is deleted after
the build.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from mlcc.core.errors import PreconditionError, UserError
from mlcc.core.findings import error
from mlcc.core.text import printable
from mlcc.io.aws.codebuild import CodeBuild
from mlcc.io.aws.connection import Caller
from mlcc.io.aws.ecr import Ecr
from mlcc.io.aws.logs import Logs
from mlcc.io.aws.s3 import S3
from mlcc.io.disk.staging import staging_folder
from mlcc.lifecycle import build_context, image_place, run_state, writable
from mlcc.lifecycle.aws_errors import explained
from mlcc.lifecycle.context import Context, Result, call, calls
from mlcc.lifecycle.engine_login import STAGING
from mlcc.lifecycle.image_place import ImagePlace
from mlcc.lifecycle.steps import build
from mlcc.lifecycle.targets.sagemaker import account, codebuild, facts, repository
from mlcc.lifecycle.targets.sagemaker import desired as kinds
from mlcc.lifecycle.targets.sagemaker.facts import Facts

POLL_S = 5.0
# A build may queue before its time begins.
LIMIT_S = (codebuild.BUILD_MINUTES + 60) * 60.0
SUCCEEDED, IN_PROGRESS = "SUCCEEDED", "IN_PROGRESS"
TAIL = 25


@explained
def run(context: Context) -> Result:
    """Sends the source, builds and pushes the image there, and reads back what the repository has."""
    project = context.project
    if project.get("build.image_uri"):
        words = f"nothing to build: build.image_uri names {printable(str(project.get('build.image_uri')), 200)}"
        return Result({"pushed": {}}, [words])
    if not build_context.is_built_elsewhere(project):
        message = f"this project has no {build_context.BUILDSPEC}"
        hint = "mlcc set build.strategy codebuild-submit; mlcc apply"
        raise PreconditionError([error("MLCC316", message, hint=hint)])
    where = image_place.located(project, context.profile)
    name, tag = where.repository, where.tag
    if context.argument("dry_run"):
        return _dry_run(context, where)
    writable.need(project.directory)
    caller = context.aws()
    place = account.place(context, caller)
    build.train_sample(context)
    place = place._replace(image=facts.image_uri(place.account, place.region, place.suffix, name, f":{tag}"))
    ecr = Ecr(caller)
    repository.need(context, ecr, kinds.tags(project, place))
    codebuild.need(context, caller, place)
    with staging_folder((context.environ.get("TMPDIR", ""), *STAGING)) as folder:
        archive = build_context.write(project, os.path.join(folder, "source.zip"))
        if archive.left_out:
            context.progress.warn(build_context.warning(archive.left_out))
        key = f"{codebuild.folder_of(project)}{archive.digest[:16]}.zip"
        s3, bucket = S3(caller, place.account), codebuild.bucket_of(place)
        size = os.path.getsize(archive.path) / 1e6
        context.progress.say(f"sending {size:.1f} MB to s3://{bucket}/{key}")
        with open(archive.path, "rb") as stream:
            s3.put(bucket, key, stream)
    try:
        _build(context, caller, place, key)
    finally:
        s3.delete(bucket, key)
    pushed = repository.accepted(ecr.image(name, tag), place.image, "submit")
    reference = f"{place.image.rpartition(':')[0]}@{pushed.digest}"
    document = {"repository": name, "tag": tag, "digest": pushed.digest, "reference": reference}
    run_state.write(project.directory, run_state.PUSHED, document)
    return Result({"pushed": document}, [f"built and pushed {reference}"])


def _dry_run(context: Context, where: ImagePlace) -> Result:
    """The calls of a first build, in the order of a real run."""
    project = context.project
    place, assumed = facts.without_asking(context)
    place = place._replace(image=str(assumed.get("image", place.image)))
    tags = kinds.tags(project, place)
    bucket = codebuild.bucket_of(place)
    role = f"arn:{place.partition}:iam::{place.account}:role/{codebuild.name_of(project, place)}"
    key = f"{codebuild.folder_of(project)}{'0' * 16}.zip"
    made: list[Mapping[str, Any]] = [
        *repository.creation(where, tags),
        call("s3", "CreateBucket", **codebuild.bucket_request(place)),
        call("iam", "CreateRole", **codebuild.role_request(project, place, tags)),
        call("iam", "PutRolePolicy", **codebuild.policy_request(project, place)),
        call("codebuild", "CreateProject", **codebuild.project_request(project, place, role, tags)),
        call("s3", "PutObject", Bucket=bucket, Key=key),
        call("codebuild", "StartBuild", **codebuild.build_request(project, place, key, "0" * 16)),
        call("s3", "DeleteObject", Bucket=bucket, Key=key),
    ]
    return calls(made, source="its digest stands in the key", **assumed)


def _build(context: Context, caller: Caller, place: Facts, key: str) -> None:
    """Starts a build and follows it to its end.  Raises UserError for one that failed."""
    builds = CodeBuild(caller)
    token = hashlib.sha256(f"{key} {context.clock()}".encode()).hexdigest()[:32]
    name = builds.start(codebuild.build_request(context.project, place, key, token))
    context.progress.say(f"StartBuild {printable(name)}")
    with ExitStack() as undo:
        undo.callback(_stop, context, builds, name)
        status, failure, tail = _followed(context, caller, builds, name)
        undo.pop_all()
    if status != SUCCEEDED:
        for line in tail:
            context.progress.warn(f"    {line}")
        words = printable(context.clean_printed(failure), 300) or "what it printed stands above"
        raise UserError([error("MLCC317", f"the build {printable(name)} is {status}: {words}", hint="do/submit again")])


def _stop(context: Context, builds: CodeBuild, name: str) -> None:
    """Interrupted: what was building does not go on, and cost, behind the user's back."""
    builds.stop(name)
    context.progress.say(f"the build {printable(name)} is stopped")


def _followed(context: Context, caller: Caller, builds: CodeBuild, name: str) -> tuple[str, str, list[str]]:
    """A build's last status, what the service says of it, and the last lines that it printed."""
    started, phase, kept, log = context.now(), "", list[str](), Logs(caller)
    clean = context.cleaner()
    while True:
        found = builds.build(name)
        if found is None:
            raise UserError([error("MLCC317", f"the build {printable(name)} is not there any more")])
        if found.phase != phase:
            phase = found.phase
            context.progress.say(f"  {printable(phase.lower())}")
        if found.log_group and found.log_stream:
            for line in log.tail(found.log_group, found.log_stream):
                for shown in clean.feed(line):
                    context.progress.say(f"    {printable(shown, 0)}")
                    kept = [*kept, printable(shown, 500)][-TAIL:]
        if found.status != IN_PROGRESS:
            return found.status, found.failure, kept
        if context.now() - started > LIMIT_S:
            raise UserError([error("MLCC322", f"the build {printable(name)} still runs after {LIMIT_S:.0f} s")])
        context.sleep(POLL_S)
