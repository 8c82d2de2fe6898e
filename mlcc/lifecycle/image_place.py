"""Where the image of a project is in Amazon ECR: repository and tag.  Law: pure; one answer for every step.

It is the repository that mlcc.yaml names, else that of the bootstrap profile, else one of the project's own.  Projects
share the first two, so that the project's name stands in its tags there; nobody deletes the profile's but who made it.
"""

from __future__ import annotations

import re

from mlcc.core.records import NamedTuple
from mlcc.lifecycle import image_tag
from mlcc.lifecycle.bootstrap.profile import Profile
from mlcc.lifecycle.rendered_project import RenderedProject


class ImagePlace(NamedTuple):
    """A repository and the tag of this state of the project.

    shared: other projects' images may be in it, too; of_profile: it is the bootstrap profile's, which makes it.
    """

    repository: str
    tag: str
    shared: bool = False
    of_profile: bool = False


def located(project: RenderedProject, profile: Profile | None) -> ImagePlace:
    """Where the image of a project is.

    profile: of bootstrap; its repository is in its own region, and serves no project of another one.
    """
    named, tag = str(project.get("build.repository", "")), image_tag.tag_of(project)
    if named:
        return ImagePlace(named, f"{project.name}-{tag}", shared=True)
    region = str(project.get("deployment.region", ""))
    if profile is not None and profile.images and region in ("", profile.region):
        return ImagePlace(profile.images, f"{project.name}-{tag}", shared=True, of_profile=True)
    return ImagePlace(own_repository(project), tag)


def own_repository(project: RenderedProject) -> str:
    """The repository that nobody shares with the project."""
    return f"mlcc/{project.name}"


def is_own(project: RenderedProject, tag: str, shared: bool = True) -> bool:
    """Whether a tag is this project's, of any of its states.  shared: of a repository that others use, too."""
    start = f"{re.escape(project.name)}-" if shared else ""
    return re.fullmatch(start + image_tag.FORM, tag) is not None
