"""What push and submit made in the account, beside a deployment.  Law: only the project's own goes.

The same on every target of AWS: the repository with its images, and the CodeBuild project with role and bucket.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from mlcc.core.text import printable
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.lifecycle import build_context
from mlcc.lifecycle.context import Context
from mlcc.lifecycle.targets.sagemaker import codebuild, repository
from mlcc.lifecycle.targets.sagemaker.facts import Facts

REPOSITORY, CODEBUILD = "repository", "codebuild"
# Of a service that is not there: a server that stands in for AWS need not have each.
ABSENT = ("NotImplemented",)
# Of one that this caller may not ask: a project that is not built there has made nothing.
CLOSED = (*ABSENT, "AccessDenied", "AccessDeniedException")


def remove(
    context: Context,
    caller: Caller,
    place: Facts,
    scope: Collection[str],
    elsewhere: Callable[[], str] = lambda: "",
) -> dict[str, bool]:
    """Takes away what the scope names; answers proofs, as do/clean lists them.

    elsewhere: why another environment needs the images where SageMaker shows none, or an empty text.
    """
    built_there = build_context.is_built_elsewhere(context.project) or len(scope) == 1
    absent = () if len(scope) == 1 else ABSENT
    proofs: dict[str, bool] = {}
    if CODEBUILD in scope:
        passed = absent if built_there else CLOSED
        proofs |= _removed(context, lambda: codebuild.remove(context, caller, place), passed)
    if REPOSITORY in scope:
        proofs |= _removed(context, lambda: repository.remove(context, caller, elsewhere), absent)
    return proofs


def _removed(context: Context, remove: Callable[[], dict[str, bool]], passed: tuple[str, ...]) -> dict[str, bool]:
    """passed: codes of errors after which it is said, not proved, that nothing is left."""
    try:
        return remove()
    except AwsError as problem:
        if problem.code not in passed:
            raise
        words = printable(context.clean_printed(problem.message), 200)
        context.progress.say(f"{problem.service} was not looked at: {words}")
        return {}


def removals(context: Context, place: Facts, scope: Collection[str]) -> list[Mapping[str, Any]]:
    """The calls that take it away, as a dry run shows them."""
    made: list[Mapping[str, Any]] = []
    if CODEBUILD in scope:
        made += codebuild.removal(context.project, place)
    if REPOSITORY in scope:
        made += repository.removals(context)
    return made
