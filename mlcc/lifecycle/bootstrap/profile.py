"""A bootstrap profile: an account and a region, and what bootstrap made there.  Law: pure data.

Fields have the names of $MLCC_HOME/config.yaml (schemas/profiles.schema.json).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.core.records import NamedTuple

PREFIX, REPOSITORY = "mlcc", "ml-container-creator"
# How the name of the table of continuous integration ends.
CI_TABLE = "-ci-table"
# The module that makes the repository.
CORE = "core"


class Buckets(NamedTuple):
    """Names of buckets by what they hold; empty for one that is not there."""

    adapters: str = ""
    async_results: str = ""
    batch_results: str = ""
    benchmark_results: str = ""
    models: str = ""
    tuning_results: str = ""


class Benchmark(NamedTuple):
    """Where results of benchmarks are queried: a database of AWS Glue, a workgroup of Athena."""

    database: str = ""
    workgroup: str = ""


class Ci(NamedTuple):
    """Where the state of continuous integration is kept: a table of DynamoDB."""

    table: str = ""


class Profile(NamedTuple):
    """One profile.

    region, account_id: where; aws_profile: of ~/.aws, empty for the environment's; prefix: what all names begin with;
    role_arn: what SageMaker assumes; repository: in ECR; vpc_access: whether the role may attach containers to a
    network; modules: those that were deployed.  Texts are empty for what is not known yet.
    """

    name: str
    region: str
    account_id: str = ""
    aws_profile: str = ""
    prefix: str = PREFIX
    role_arn: str = ""
    repository: str = REPOSITORY
    vpc_access: bool = False
    modules: tuple[str, ...] = ()
    buckets: Buckets = Buckets()
    benchmark: Benchmark = Benchmark()
    ci: Ci = Ci()

    @property
    def images(self) -> str:
        """The repository of images that projects share: one that was made, or that the user named; else empty."""
        return self.repository if CORE in self.modules or self.repository != REPOSITORY else ""

    @property
    def made_role(self) -> str:
        """The name of the execution role that `mlcc bootstrap deploy` makes."""
        return f"{self.prefix}-sagemaker-execution-role"

    @property
    def ci_table(self) -> str:
        """The table of continuous integration: the one that was made, or as `mlcc bootstrap deploy ci` will call it."""
        return self.ci.table or f"{self.prefix}{CI_TABLE}"

    def field(self, dotted: str) -> str:
        """A field as the text of a template's parameter: `buckets.models`, `vpc_access`."""
        value: Any = self
        for name in dotted.split("."):
            value = getattr(value, name)
        return str(value).lower() if isinstance(value, bool) else str(value)

    def with_fields(self, values: Mapping[str, str]) -> Profile:
        """The profile with other values of some dotted fields."""
        changed: dict[str, Any] = {}
        for dotted, value in values.items():
            name, _, member = dotted.partition(".")
            if member:
                changed[name] = changed.get(name, getattr(self, name))._replace(**{member: value})
            else:
                changed[name] = value
        return self._replace(**changed)


def of_account(profile: Profile | None, account: str) -> Profile | None:
    """A profile, but None for one of another account.  account: empty where none is named."""
    other = profile is not None and account and profile.account_id and account != profile.account_id
    return None if other else profile


def profile_of(name: str, document: Mapping[str, Any]) -> Profile:
    """A profile of its document, which the schema has accepted."""
    parts: dict[str, Any] = {"buckets": Buckets, "benchmark": Benchmark, "ci": Ci}
    fields = {key: parts[key](**value) if key in parts else value for key, value in document.items()}
    return Profile(name, **{**fields, "modules": tuple(document.get("modules", ()))})


def document_of(profile: Profile) -> dict[str, Any]:
    """The document of a profile, without what is empty or as it is anyway."""
    plain: dict[str, Any] = {}
    usual = Profile(profile.name, "")
    for key, value in profile._asdict().items():
        if key == "name" or value == getattr(usual, key):
            continue
        if isinstance(value, (Buckets, Benchmark, Ci)):
            plain[key] = {member: text for member, text in value._asdict().items() if text}
        else:
            plain[key] = list(value) if isinstance(value, tuple) else value
    return plain
