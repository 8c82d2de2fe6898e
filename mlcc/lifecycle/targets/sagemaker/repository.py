"""The ECR repository of a project's image.  Law: only one that mlcc made for the project is taken away.

Of one that projects share, by mlcc.yaml or the bootstrap profile, only what carries the project's tags goes; the
repository stays, unless mlcc.yaml names it, mlcc made it for this project, and nothing is left in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlcc.core.errors import PreconditionError, UserError
from mlcc.core.findings import error
from mlcc.core.text import printable, quoted
from mlcc.io.aws.connection import Caller
from mlcc.io.aws.ecr import Ecr, Image, images_request, repository_request
from mlcc.io.aws.sagemaker import SageMaker
from mlcc.lifecycle import image_place
from mlcc.lifecycle.context import Context, call
from mlcc.lifecycle.image_place import ImagePlace
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.targets.sagemaker import account, cluster_images
from mlcc.lifecycle.targets.sagemaker import desired as kinds


def need(context: Context, ecr: Ecr, tags: Mapping[str, str]) -> None:
    """Makes the repository where it is absent.

    tags: of the project.  Raises UserError for somebody else's under a name that mlcc chose.
    """
    project, where = context.project, image_place.located(context.project, context.profile)
    name = where.repository
    arn = ecr.repository(name)
    if where.of_profile:
        _need_shared(name, arn)
        return
    if arn is None:
        context.progress.say(f"CreateRepository {name}")
        ecr.create_repository(name, lasting(tags))
        return
    if not where.shared and not _is_ours(project, ecr, arn):
        message = f"the repository {quoted(name)} is there, and was not made for this project"
        raise UserError([error("MLCC321", message, hint="name it with build.repository, if it is the right one")])


def _need_shared(name: str, arn: str | None) -> None:
    if arn is None:
        message = f"the repository {quoted(name)} of the bootstrap profile is not there"
        hint = "mlcc bootstrap deploy makes it; or mlcc set build.repository NAME, and mlcc apply"
        raise PreconditionError([error("MLCC320", message, hint=hint)])


def creation(where: ImagePlace, tags: Mapping[str, str]) -> list[dict[str, Any]]:
    """The calls of a dry run that make it: none for a bootstrap profile's."""
    made = call("ecr", "CreateRepository", **repository_request(where.repository, lasting(tags)))
    return [] if where.of_profile else [made]


def expected(where: ImagePlace) -> str:
    """What a dry run assumes of it."""
    return f"{where.repository} of the bootstrap profile is there" if where.of_profile else "it is not there yet"


def lasting(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags of what serves all environments of a project, and does not expire with one of them."""
    return {key: value for key, value in tags.items() if key not in (kinds.EXPIRES_TAG, kinds.ENVIRONMENT_TAG)}


def _is_ours(project: RenderedProject, ecr: Ecr, arn: str) -> bool:
    return ecr.tags(arn).get(kinds.PROJECT_TAG) == project.name


# What pushes an image with a manifest that SageMaker takes, by the step that has pushed one without.
AGAIN = {
    "push": "do/build, which asks for Docker's manifest, and do/push",
    "submit": "do/submit again: its build asks for Docker's manifest",
}


def accepted(image: Image | None, uri: str, step: str) -> Image:
    """What the repository shows of a pushed image.  Raises UserError for what SageMaker would refuse.

    step: the one that pushes, and may be run again.
    """
    if image is None:
        raise UserError(
            [error("MLCC326", f"the repository does not show {printable(uri, 300)}", hint=f"do/{step} again")]
        )
    if image.media_type and image.media_type != account.DOCKER_MANIFEST:
        message = f"the image has a manifest that SageMaker refuses ({printable(image.media_type)})"
        raise UserError([error("MLCC327", message, hint=AGAIN[step])])
    return image


def removal(name: str, force: bool) -> dict[str, Any]:
    """The parameters of DeleteRepository.  force: with its images."""
    return {"repositoryName": name, "force": force}


def removals(context: Context) -> list[dict[str, Any]]:
    """The calls that take away what the project has in ECR, as a dry run shows them."""
    where = image_place.located(context.project, context.profile)
    if cluster_images.users(context.project):
        return []
    if not where.shared:
        return [call("ecr", "DeleteRepository", **removal(where.repository, force=True))]
    images = call("ecr", "BatchDeleteImage", **images_request(where.repository, [where.tag]))
    whole = call("ecr", "DeleteRepository", **removal(where.repository, force=False))
    return [images] if where.of_profile else [images, whole]


def remove(context: Context, caller: Caller, elsewhere: Callable[[], str] = lambda: "") -> dict[str, bool]:
    """Takes the project's images away, and the repository where mlcc made it for the project and nothing else is in it;
    nothing where another environment needs them.

    elsewhere: why another environment needs the images where SageMaker shows none, or an empty text.  Answers proofs,
    as do/clean lists them; nothing for a repository that is not the project's.
    """
    project, ecr = context.project, Ecr(caller)
    where = image_place.located(project, context.profile)

    def needed(what: str) -> bool:
        return _needed_elsewhere(context, caller, what, lambda: cluster_images.users(project) or elsewhere())

    proofs: dict[str, bool] = {}
    if where.shared:
        proofs = _images_removed(context, ecr, where, needed)
    # one of its own may be there beside a shared one, of the time before the profile
    name = image_place.own_repository(project)
    if name == where.repository and where.shared:
        return proofs
    arn = ecr.repository(name)
    if arn is None:
        return {**proofs, "no repository of it is left": True}
    if not _is_ours(project, ecr, arn) or needed(f"the repository {name} stays"):
        return proofs
    if any(not image_place.is_own(project, tag, shared=False) for tag in ecr.image_tags(name)):
        return proofs | _images_removed(context, ecr, ImagePlace(name, ""), needed)
    context.progress.say(f"DeleteRepository {name}: the project is taken away")
    ecr.delete_repository(removal(name, force=True))
    return {**proofs, "no repository of it is left": ecr.repository(name) is None}


def _images_removed(context: Context, ecr: Ecr, where: ImagePlace, needed: Callable[[str], bool]) -> dict[str, bool]:
    """Takes the project's images out of a repository that others use, and the repository where nothing is left in it
    and mlcc made it for the project.
    """
    name = where.repository

    def own() -> list[str]:
        return [tag for tag in ecr.image_tags(name) if image_place.is_own(context.project, tag, where.shared)]

    found, arn = own(), None if where.of_profile else ecr.repository(name)
    ours = arn is not None and _is_ours(context.project, ecr, arn)
    if (found or ours) and needed(f"the images in {name} stay"):
        return {}
    if found:
        context.progress.say(f"BatchDeleteImage {name}: {len(found)} images of the project")
        ecr.delete_tags(name, found)
        found = own()
    if ours:
        ecr.delete_repository(removal(name, force=False))
        gone = ecr.repository(name) is None
        words = "the project is taken away" if gone else "it stays, images that are not this project's are in it"
        context.progress.say(f"DeleteRepository {name}: {words}")
    return {f"no image of it is left in {name}": not found}


def _needed_elsewhere(context: Context, caller: Caller, what: str, elsewhere: Callable[[], str]) -> bool:
    """Whether another environment has models of the images, which is said.  what: stays for it; elsewhere: as above."""
    other = _other_environment(context.project, caller)
    why = f"the environment {printable(other)} has models of its images" if other else elsewhere()
    if why:
        context.progress.say(f"{what}: {why}")
    return bool(why)


def _other_environment(project: RenderedProject, caller: Caller) -> str:
    """An environment of the project, other than the chosen one, that has a model in SageMaker; else empty."""
    sagemaker, own = SageMaker(caller), project.environment_name
    for name in sagemaker.models_named(project.name):
        answer = sagemaker.model(name)
        tags = sagemaker.tags(str(answer["ModelArn"])) if answer is not None else None
        if tags and tags.get(kinds.PROJECT_TAG) == project.name and tags.get(kinds.ENVIRONMENT_TAG) != own:
            return tags.get(kinds.ENVIRONMENT_TAG, "")
    return ""
