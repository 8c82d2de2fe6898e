"""The facts of a deployment, asked of the account.  Law: reads only; what is missing is exit 3 and what provides it."""

from __future__ import annotations

from mlcc.core.errors import PreconditionError, UserError
from mlcc.core.findings import error
from mlcc.core.text import printable
from mlcc.io.aws.connection import Caller
from mlcc.io.aws.ecr import Ecr
from mlcc.io.aws.sts import Identity, Sts
from mlcc.lifecycle import build_context, image_place
from mlcc.lifecycle.bootstrap import account as bootstrap_account
from mlcc.lifecycle.bootstrap.profile import Profile
from mlcc.lifecycle.context import Context
from mlcc.lifecycle.image_place import ImagePlace
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.targets.sagemaker import model_sources
from mlcc.lifecycle.targets.sagemaker.facts import DEFAULT_SUFFIX, Facts, image_uri, named

# What SageMaker takes (https://github.com/aws/amazon-sagemaker-feedback/issues/180).
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def place(context: Context, caller: Caller, *, image: bool = False) -> Facts:
    """The same for a step."""
    where = image_place.located(context.project, context.profile) if image else None
    return ask(context.project, caller, context.clock(), where, context.profile)


def ask(
    project: RenderedProject,
    caller: Caller,
    now: float,
    where: ImagePlace | None = None,
    profile: Profile | None = None,
) -> Facts:
    """Where a deployment goes, as whom, with which image.

    now: seconds since 1970; where: the image was pushed for this state of the project, None where no image is needed,
    and no role (to look, and to take away); profile: of bootstrap, for what the project does not name.  Raises
    PreconditionError where the region, the role or the image is missing, UserError for another account than the
    project's or the profile's, AwsError without credentials.
    """
    region = caller.region
    if not region:
        message = "no region is named: not by the project, a bootstrap profile, AWS_REGION, or ~/.aws/config"
        hint = "mlcc bootstrap add NAME --region REGION; or mlcc set deployment.region REGION, and mlcc apply"
        raise PreconditionError([error("MLCC320", message, hint=hint)])
    who = checked(str(project.get("deployment.account_id", "")), caller, profile)
    role = named(project, profile).role_arn
    # SageMaker's host is what assumes a role, and what refuses other manifests
    hosted = bool(project.target.host_image)
    if where is not None and hosted and not role:
        message = "no role is named for SageMaker to assume"
        hint = "mlcc bootstrap deploy makes one; or mlcc set deployment.role_arn ARN, and mlcc apply"
        raise PreconditionError([error("MLCC320", message, hint=hint)])
    row = project.registries.regions.get(region)
    suffix = row.dns_suffix if row is not None else DEFAULT_SUFFIX
    image = str(project.get("build.image_uri", ""))
    if where is not None and not image:
        image = _image(project, caller, who.account, suffix, where, hosted)
    prefix = (profile or Profile("", "")).prefix
    found = Facts(region, who.account, who.partition, suffix, role, image, now, prefix=prefix)
    return model_sources.asked(project, caller, found) if where is not None else found


def checked(wanted: str, caller: Caller, profile: Profile | None) -> Identity:
    """Who calls.  Raises UserError for another account than the project's, else than the profile's.

    wanted: the account that the project names, or an empty text.
    """
    if profile is not None and not wanted:
        return bootstrap_account.checked(caller, profile)
    who = Sts(caller).identity()
    if wanted and wanted != who.account:
        message = f"the project belongs to account {wanted}, and these credentials to {who.account}"
        raise UserError([error("MLCC325", message, hint="use other credentials (AWS_PROFILE)")])
    return who


def _how(project: RenderedProject) -> str:
    """The steps that bring an image into the repository."""
    return "do/submit" if build_context.is_built_elsewhere(project) else "do/build and do/push"


def _image(project: RenderedProject, caller: Caller, account: str, suffix: str, where: ImagePlace, hosted: bool) -> str:
    name, tag = where.repository, where.tag
    found = Ecr(caller).image(name, tag)
    if found is None:
        message = (
            f"the repository {printable(name)} holds no image {printable(tag)}, which is this state of the project"
        )
        raise PreconditionError([error("MLCC326", message, hint=_how(project))])
    if hosted and found.media_type and found.media_type != DOCKER_MANIFEST:
        message = f"the image has a manifest that SageMaker refuses ({printable(found.media_type)})"
        hint = "do/submit builds" if build_context.is_built_elsewhere(project) else "do/push pushes"
        raise PreconditionError([error("MLCC327", message, hint=f"{hint} it with Docker's manifest")])
    return image_uri(account, caller.region, suffix, name, f"@{found.digest}")
