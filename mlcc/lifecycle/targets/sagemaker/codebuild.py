"""AWS CodeBuild for a project: its role, its project, its source.  Law: made once and used again; clean takes all away.

A builder may read its source and the secrets of the build, write its log, pull images, and push to the repository of
the project's image; nothing else.  Each call on a bucket names the account that must own it: its name can be guessed.
The bucket serves all projects of an account and region; one without mlcc's tag is neither used nor emptied.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.text import printable, quoted
from mlcc.io.aws.codebuild import CodeBuild
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.iam import Iam
from mlcc.io.aws.s3 import S3
from mlcc.lifecycle.context import Context, call
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.targets.sagemaker import desired as kinds
from mlcc.lifecycle.targets.sagemaker import names, repository
from mlcc.lifecycle.targets.sagemaker.facts import Facts

POLICY = "mlcc-build"
# Of the language of policies.
VERSION = "2012-10-17"
# Limits: of a role's name (IAM), of a bucket's (S3).
MAX_ROLE, MAX_BUCKET = 64, 63
# A role that was made a moment ago cannot be assumed everywhere yet.
TRIES, TRY_AGAIN_S = 10, 3.0
BUILD_MINUTES = 120
# Of the bucket, which belongs to no project alone.
BUCKET_TAGS = {kinds.PROJECT_TAG: "mlcc"}


def name_of(project: RenderedProject, place: Facts) -> str:
    """The name of a project's CodeBuild project and of the role that it runs as."""
    return names.joined(f"{place.prefix}-build", project.name, limit=MAX_ROLE)


def bucket_of(place: Facts) -> str:
    """The bucket of an account and region for sources."""
    return names.joined(f"{place.prefix}-build", place.account, place.region, limit=MAX_BUCKET)


def folder_of(project: RenderedProject) -> str:
    """What the keys of a project's sources begin with."""
    return f"{project.name}/"


# ---------------------------------------------------------------- what shall be there
def bucket_request(place: Facts) -> dict[str, Any]:
    """The parameters of CreateBucket; us-east-1 takes no constraint."""
    where = {} if place.region == "us-east-1" else {"LocationConstraint": place.region}
    return {"Bucket": bucket_of(place), **({"CreateBucketConfiguration": where} if where else {})}


def policy(project: RenderedProject, place: Facts) -> dict[str, Any]:
    """What the role may do."""
    log = place.arn("logs", f"log-group:/aws/codebuild/{name_of(project, place)}")
    source = f"arn:{place.partition}:s3:::{bucket_of(place)}/{folder_of(project)}*"
    pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    push = ["ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"]
    logs = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    rules = [
        _allow(logs, [log, f"{log}:*"]),
        _allow(["s3:GetObject", "s3:GetObjectVersion"], [source]),
        # base images lie in repositories of other accounts, too
        _allow(["ecr:GetAuthorizationToken", *pull], ["*"]),
        _allow(push, [place.arn("ecr", f"repository/{place.repository}")]),
    ]
    stored = sorted(_secret_arn(place, secret) for secret in build_secrets(project).values())
    return {
        "Version": VERSION,
        "Statement": rules + ([_allow(["secretsmanager:GetSecretValue"], stored)] if stored else []),
    }


def _allow(actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


def build_secrets(project: RenderedProject) -> dict[str, str]:
    """By their names the secrets that the build reads, as CodeBuild spells them: `id`, or `id:key`."""
    found = {}
    for path, value in project.values.items():
        stored = path[0] == "secrets" and path[2:] == ("secretsmanager",)
        if stored and project.values.get((*path[:2], "phase")) == "build":
            key = project.values.get((*path[:2], "json_key"))
            found[str(path[1])] = f"{value}:{key}" if key else str(value)
    return found


def _secret_arn(place: Facts, secret: str) -> str:
    """The ARN of a secret for a policy; the service puts six characters behind a name."""
    if secret.startswith("arn:"):
        return ":".join(secret.split(":")[:7])
    return place.arn("secretsmanager", f"secret:{secret.partition(':')[0]}-??????")


def role_request(project: RenderedProject, place: Facts, tags: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of CreateRole: CodeBuild may run as it."""
    who = {"Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": VERSION, "Statement": [who]})
    return {
        "RoleName": name_of(project, place),
        "Description": "mlcc: builds the image of a project",
        "AssumeRolePolicyDocument": trust,
        "Tags": _pairs(tags),
    }


def policy_request(project: RenderedProject, place: Facts) -> dict[str, Any]:
    """The parameters of PutRolePolicy."""
    document = json.dumps(policy(project, place))
    return {"RoleName": name_of(project, place), "PolicyName": POLICY, "PolicyDocument": document}


def project_request(project: RenderedProject, place: Facts, role: str, tags: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of CreateProject and UpdateProject.  role: its ARN."""
    row = builder(project)
    machine = {
        "type": row["environment_type"],
        "image": row["image"],
        "computeType": project.get("build.compute_type") or row["compute_type"],
        "privilegedMode": True,  # a builder of images runs a container engine of its own
    }
    return {
        "name": name_of(project, place),
        "description": "mlcc: builds the image of a project",
        "source": {"type": "S3", "location": f"{bucket_of(place)}/{folder_of(project)}"},
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": machine,
        "serviceRole": role,
        "timeoutInMinutes": BUILD_MINUTES,
        "tags": _pairs(tags, "key", "value"),
    }


def builder(project: RenderedProject) -> Mapping[str, Any]:
    """The builder's row for the platform of the project's instances."""
    platform = project.variables.get("BUILD_PLATFORM", "linux/amd64")
    return project.registries.entries("builders")[platform].facts


def build_request(project: RenderedProject, place: Facts, key: str, token: str) -> dict[str, Any]:
    """The parameters of StartBuild.

    key: of the source; token: the same for a repeated call, so that a lost answer does not start two builds.
    """
    uri = place.image
    base = str(project.get("framework.base_image", "")).partition("/")[0]
    private = base if ".dkr.ecr." in base and base != uri.partition("/")[0] else ""
    variables = {
        "MLCC_IMAGE": uri,
        "MLCC_REGISTRY": uri.partition("/")[0],
        "MLCC_BASE_REGISTRY": private,
        "MLCC_PLATFORM": project.variables.get("BUILD_PLATFORM", "linux/amd64"),
        "MLCC_SECRETS": " ".join(sorted(build_secrets(project))),
    }
    plain = [{"name": n, "value": v, "type": "PLAINTEXT"} for n, v in variables.items() if v]
    secret = [{"name": n, "value": v, "type": "SECRETS_MANAGER"} for n, v in sorted(build_secrets(project).items())]
    return {
        "projectName": name_of(project, place),
        "sourceLocationOverride": f"{bucket_of(place)}/{key}",
        "environmentVariablesOverride": [*plain, *secret],
        "idempotencyToken": token,
    }


def _pairs(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: k, value: v} for k, v in sorted(repository.lasting(tags).items())]


# ---------------------------------------------------------------- making it
def need(context: Context, caller: Caller, place: Facts) -> None:
    """Makes bucket, role and project where they are absent, and brings them up to date.

    Raises UserError for somebody else's under these names.
    """
    project = context.project
    tags = kinds.tags(project, place)
    say = context.progress.say
    _need_bucket(S3(caller, place.account), place, say)
    name = name_of(project, place)
    roles = Iam(caller)
    role = roles.role(name)
    if role is None:
        say(f"CreateRole {name}")
        arn = roles.create_role(role_request(project, place, tags))
    else:
        _need_ours(project, "role", name, role.tags)
        arn = role.arn
    roles.put_policy(policy_request(project, place))
    wanted = project_request(project, place, arn, tags)
    found = CodeBuild(caller).project(name)
    if found is None:
        say(f"CreateProject {name}")
        _made(context, caller, wanted)
        return
    _need_ours(project, "CodeBuild project", name, {t["key"]: t["value"] for t in found.get("tags", ())})
    if any(not _holds(found.get(member), value) for member, value in wanted.items() if member != "tags"):
        say(f"UpdateProject {name}")
        CodeBuild(caller).update_project(wanted)


def _need_bucket(s3: S3, place: Facts, say: Callable[[str], None]) -> None:
    bucket = bucket_of(place)
    tags = s3.tags(bucket)
    # an empty one without any tag is what a submit leaves that was interrupted between the two calls
    if tags is None or (not tags and next(s3.objects(bucket, "", 1), None) is None):
        say(f"CreateBucket {bucket}")
        s3.create_bucket(bucket_request(place), BUCKET_TAGS)
    elif not _is_mlcc_s(tags):
        message = f"the bucket {quoted(bucket)} is there, and lacks the tag {kinds.PROJECT_TAG} that mlcc gives it"
        hint = f"delete it, and do/submit makes it; or tag it {kinds.PROJECT_TAG}=mlcc: do/clean deletes sources in it"
        raise UserError([error("MLCC321", message, hint=hint)])


def _is_mlcc_s(tags: Mapping[str, str]) -> bool:
    return all(tags.get(key) == value for key, value in BUCKET_TAGS.items())


def _holds(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(_holds(found.get(k), v) for k, v in wanted.items())
    return bool(found == wanted)


def _made(context: Context, caller: Caller, wanted: Mapping[str, Any]) -> None:
    for attempt in range(1, TRIES + 1):
        try:
            CodeBuild(caller).create_project(wanted)
            return
        except AwsError as problem:
            if problem.code == "ResourceAlreadyExistsException":
                return  # the answer of an earlier attempt was lost
            if "assumerole" not in problem.message.lower() or attempt == TRIES:
                raise
            context.sleep(TRY_AGAIN_S)


def _is_ours(tags: Mapping[str, str], project: RenderedProject) -> bool:
    return tags.get(kinds.PROJECT_TAG) == project.name


def _need_ours(project: RenderedProject, word: str, name: str, tags: Mapping[str, str]) -> None:
    if not _is_ours(tags, project):
        message = f"the {word} {quoted(name)} is there, and was not made for this project"
        raise UserError(
            [error("MLCC321", message, hint="rename the project; mlcc changes nothing that lacks its tags")]
        )


# ---------------------------------------------------------------- taking it away
def removal(project: RenderedProject, place: Facts) -> list[dict[str, Any]]:
    """The calls that take it away, as a dry run shows them."""
    name = name_of(project, place)
    return [
        call("codebuild", "DeleteProject", name=name),
        call("iam", "DeleteRolePolicy", RoleName=name, PolicyName=POLICY),
        call("iam", "DeleteRole", RoleName=name),
        call("s3", "DeleteObject", Bucket=bucket_of(place), Key=f"{folder_of(project)}{'0' * 16}.zip"),
        call("s3", "DeleteBucket", Bucket=bucket_of(place)),
    ]


def remove(context: Context, caller: Caller, place: Facts) -> dict[str, bool]:
    """Takes project, role, sources and the empty bucket away, where they are the project's; answers proofs."""
    project = context.project
    name, builds, roles = name_of(project, place), CodeBuild(caller), Iam(caller)
    found, role = builds.project(name), roles.role(name)
    if found is not None and _is_ours({t["key"]: t["value"] for t in found.get("tags", ())}, project):
        context.progress.say(f"DeleteProject {name}: the project is taken away")
        builds.delete_project(name)
        found = builds.project(name)
    if role is not None and _is_ours(role.tags, project):
        context.progress.say(f"DeleteRole {name}: the project is taken away")
        roles.delete_role(name, POLICY)
        role = roles.role(name)
    _remove_sources(context, S3(caller, place.account), bucket_of(place))
    return {"no CodeBuild project or role of it is left": found is None and role is None}


def _remove_sources(context: Context, s3: S3, bucket: str) -> None:
    """Takes the project's sources out of the bucket, and it, where no project has one in it."""
    tags, say = s3.tags(bucket), context.progress.say
    if tags is None:
        return
    if not _is_mlcc_s(tags):
        say(
            f"the bucket {bucket} stays with all that is in it: it lacks the tag {kinds.PROJECT_TAG} that mlcc gives it"
        )
        return
    for one in list(s3.objects(bucket, folder_of(context.project), 10_000)):
        say(f"DeleteObject s3://{bucket}/{printable(one.key, 300)}: a source of the project")
        s3.delete(bucket, one.key)
    if next(s3.objects(bucket, "", 1), None) is None:
        say(f"DeleteBucket {bucket}: it is empty, and the next do/submit makes it again")
        s3.delete_bucket(bucket)
