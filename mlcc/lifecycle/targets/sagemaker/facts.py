"""What a deployment needs beside the project: where it goes, as whom, with which image.  Law: pure data.

Without an account (`--dry-run`, `plan` in CI) each is assumed, and what was assumed is listed with the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.core import model_names
from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple
from mlcc.lifecycle import image_place
from mlcc.lifecycle.bootstrap.profile import PREFIX, Profile
from mlcc.lifecycle.context import Context
from mlcc.lifecycle.rendered_project import RenderedProject

# An account number that AWS uses in its own documentation; nobody has it.
SAMPLE_ACCOUNT = "123456789012"
# How names of models begin whose data only AWS knows.
JUMPSTART, PACKAGE = "jumpstart://", "registry://"
DEFAULT_REGION, DEFAULT_PARTITION, DEFAULT_SUFFIX = "us-east-1", "aws", "amazonaws.com"


class Artifact(NamedTuple):
    """Model data in S3: its address, whether it is one object or all below a prefix, and how it is packed."""

    uri: str
    data_type: str = ""
    compression: str = ""


class Facts(NamedTuple):
    """Where, as whom, with what.

    region, account, partition, suffix: the place, as ARNs and addresses spell it; role_arn: what SageMaker assumes;
    image: the project's image as `repository@digest` (or a tag, where the digest is not known yet); now: seconds since
    1970, for what expires and for the names of jobs; artifacts: by the names of models, as mlcc.yaml has them, where
    their data lies; job: a transform job of the same configuration that runs by now; prefix: what the names of the
    bootstrap profile's resources begin with.
    """

    region: str
    account: str
    partition: str
    suffix: str
    role_arn: str
    image: str
    now: float = 0.0
    artifacts: Mapping[str, Artifact] = EMPTY
    job: str = ""
    prefix: str = PREFIX

    @property
    def repository(self) -> str:
        """The repository of the image."""
        return self.image.partition("/")[2].partition("@")[0].partition(":")[0]

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of this account in this region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def guessed(self, model: str, project: str) -> Artifact:
        """Where the data of a model lies, for who must not ask: of one of JumpStart, where the bucket is right and the
        key is a guess, of a model package, or of one of the project that would be sent.
        """
        if model.startswith(JUMPSTART):
            name = model.removeprefix(JUMPSTART)
            return Artifact(f"s3://jumpstart-cache-prod-{self.region}/{name}/artifacts/inference/")
        place = model.removeprefix(PACKAGE) if model.startswith(PACKAGE) else f"mlcc/{project}/{'0' * 16}"
        uri = f"s3://{self.prefix}-models-{self.account}-{self.region}/{place}/model.tar.gz"
        return Artifact(uri, "S3Object", "Gzip")

    def policy_arn(self, resource_id: str) -> str:
        """What the ARN of a wake-up policy looks like; the service puts an identifier of its own into it."""
        nobody = "00000000-0000-0000-0000-000000000000"
        return self.arn(
            "autoscaling", f"scalingPolicy:{nobody}:resource/sagemaker/{resource_id}:policyName/mlcc-wake-up"
        )


class Named(NamedTuple):
    """What is named for a deployment; empty where nothing names it."""

    region: str
    account: str
    role_arn: str


def named(project: RenderedProject, profile: Profile | None, region: str = "") -> Named:
    """Region, account and role: the project's, else the bootstrap profile's, else (of regions) the caller's.

    profile: None without one; region: what the caller's environment names.
    """
    known = profile or Profile("", "")
    return Named(
        str(project.get("deployment.region", "")) or known.region or region,
        str(project.get("deployment.account_id", "")) or known.account_id,
        str(project.get("deployment.role_arn", "")) or known.role_arn,
    )


def image_uri(account: str, region: str, suffix: str, name: str, reference: str) -> str:
    """The address of an image in ECR.  reference: `:tag` or `@sha256:digest`."""
    return f"{account}.dkr.ecr.{region}.{suffix}/{name}{reference}"


def assumed(
    project: RenderedProject, region: str, now: float, profile: Profile | None = None
) -> tuple[Facts, dict[str, Any]]:
    """Facts of a project without asking anybody, and by name those that had to be assumed.

    region: what the caller's environment names; profile: of bootstrap (see `named`).
    """
    given = named(project, profile, region)
    guesses: dict[str, Any] = {}

    def known(name: str, value: str, guess: str) -> str:
        if not value:
            guesses[name] = guess
        return value or guess

    place = known("region", given.region, DEFAULT_REGION)
    row = project.registries.regions.get(place)
    partition, suffix = (row.partition, row.dns_suffix) if row is not None else (DEFAULT_PARTITION, DEFAULT_SUFFIX)
    account = known("account_id", given.account, SAMPLE_ACCOUNT)
    naming = profile or Profile("", "")
    role = known("role_arn", given.role_arn, f"arn:{partition}:iam::{account}:role/{naming.made_role}")
    where = image_place.located(project, profile)
    uri = image_uri(account, place, suffix, where.repository, f":{where.tag}")
    image = known("image", str(project.get("build.image_uri", "")), uri)
    kinds = {model_names.kind(str(v)) for p, v in project.values.items() if p == ("model", "name") or p[-1] == "model"}
    if kinds & {"jumpstart", "registry"} or ("path" in kinds and project.get("build.image_uri")):
        guesses["model_data"] = "where the model's data lies in S3"
    return Facts(place, account, partition, suffix, role, image, now, prefix=naming.prefix), guesses


def without_asking(context: Context) -> tuple[Facts, dict[str, Any]]:
    """The same for a step: in the region that its environment names."""
    region = context.environ.get("AWS_REGION", "") or context.environ.get("AWS_DEFAULT_REGION", "")
    return assumed(context.project, region, context.clock(), context.profile)
