"""The ECR repository of a project's image.  Law: only one that mlcc made for the project is taken away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.text import printable, quoted
from mlcc.io.aws.connection import Caller
from mlcc.io.aws.ecr import Ecr, Image
from mlcc.io.aws.sagemaker import SageMaker
from mlcc.lifecycle.context import Context
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.targets.sagemaker import account, facts
from mlcc.lifecycle.targets.sagemaker import desired as kinds


def need(context: Context, ecr: Ecr, tags: Mapping[str, str]) -> None:
    """Makes the repository where it is absent.

    tags: of the project.  Raises UserError for somebody else's under a name that mlcc chose.
    """
    project, name = context.project, facts.repository(context.project)
    arn = ecr.repository(name)
    if arn is None:
        context.progress.say(f"CreateRepository {name}")
        ecr.create_repository(name, lasting(tags))
        return
    if not project.get("build.repository") and not _is_ours(project, ecr, arn):
        message = f"the repository {quoted(name)} is there, and was not made for this project"
        raise UserError([error("MLCC321", message, hint="name it with build.repository, if it is the right one")])


def lasting(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags of what serves all environments of a project, and does not expire with one of them."""
    return {key: value for key, value in tags.items() if key not in (kinds.EXPIRES_TAG, kinds.ENVIRONMENT_TAG)}


def _is_ours(project: RenderedProject, ecr: Ecr, arn: str) -> bool:
    return ecr.tags(arn).get(kinds.PROJECT_TAG) == project.name


def accepted(image: Image | None, uri: str) -> Image:
    """What the repository shows of a pushed image.  Raises UserError for what SageMaker would refuse."""
    if image is None:
        raise UserError([error("MLCC326", f"the repository does not show {printable(uri, 300)}", hint="do/push again")])
    if image.media_type and image.media_type != account.DOCKER_MANIFEST:
        message = f"the image has a manifest that SageMaker refuses ({printable(image.media_type)})"
        raise UserError([error("MLCC327", message, hint="do/build, which asks for Docker's manifest, and do/push")])
    return image


def removal(project: RenderedProject) -> dict[str, Any]:
    """The parameters of DeleteRepository: with its images."""
    return {"repositoryName": facts.repository(project), "force": True}


def remove(context: Context, caller: Caller) -> dict[str, bool]:
    """Takes the repository away with its images, unless mlcc did not make it, or another environment needs it.

    Answers proofs, as do/clean lists them; nothing for a repository that is not the project's.
    """
    project, ecr = context.project, Ecr(caller)
    name = facts.repository(project)
    arn = ecr.repository(name)
    if arn is None:
        return {"no repository of it is left": True}
    if not _is_ours(project, ecr, arn):
        return {}
    other = _other_environment(project, caller)
    if other:
        context.progress.say(
            f"the repository {name} stays: the environment {printable(other)} has models of its images"
        )
        return {}
    context.progress.say(f"DeleteRepository {name}: the project is taken away")
    ecr.delete_repository(removal(project))
    return {"no repository of it is left": ecr.repository(name) is None}


def _other_environment(project: RenderedProject, caller: Caller) -> str:
    """An environment of the project, other than the chosen one, that has a model in SageMaker; else empty."""
    sagemaker, own = SageMaker(caller), project.env or kinds.DEFAULT_ENVIRONMENT
    for name in sagemaker.models_named(project.name):
        answer = sagemaker.model(name)
        tags = sagemaker.tags(str(answer["ModelArn"])) if answer is not None else None
        if tags and tags.get(kinds.PROJECT_TAG) == project.name and tags.get(kinds.ENVIRONMENT_TAG) != own:
            return tags.get(kinds.ENVIRONMENT_TAG, "")
    return ""
