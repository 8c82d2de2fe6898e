"""The modules of bootstrap and their templates.  Law: rows and packaged files; a template is sent as it is.

Only where resources that a destroyed stack left are adopted, a template is cut down to those: CloudFormation imports
into a new stack nothing but what is there already.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from typing import Any

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.records import NamedTuple
from mlcc.core.text import allowed, nearest, quoted
from mlcc.io import packaged
from mlcc.io.yaml import reader
from mlcc.io.yaml.limits import OPERATOR_LIMITS
from mlcc.lifecycle.bootstrap.profile import Profile
from mlcc.registries.loader import Registries

FOLDER = ("registries", "cloudformation")
# What names a resource of a type, as CloudFormation imports it: only types that can be adopted are kept.
IDENTIFIERS: Mapping[str, str] = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::ECR::Repository": "RepositoryName",
    "AWS::S3::Bucket": "BucketName",
}
_PLACE = re.compile(r"\$\{([A-Za-z:]+)\}")


class Module(NamedTuple):
    """One stack.  parameters: each with the field of the profile; outputs: each with the field that it becomes."""

    name: str
    title: str
    template: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    costs: str
    stack: str = ""

    def stack_name(self, profile: Profile) -> str:
        """The name of the module's stack for a profile."""
        return self.stack or f"{profile.prefix}-bootstrap-{profile.name}-{self.name}"

    def text(self) -> str:
        """The template as it is packaged."""
        return packaged.read(*FOLDER, self.template).decode()

    def document(self) -> dict[str, Any]:
        """The template as data."""
        return _document(self.template)

    def values(self, profile: Profile) -> dict[str, str]:
        """The parameters of the template for a profile."""
        return {name: profile.field(field) for name, field in self.parameters.items()}


@functools.cache
def _document(template: str) -> dict[str, Any]:
    """A packaged template, read once; nobody changes it."""
    loaded = reader.load_yaml(packaged.read(*FOLDER, template), template, OPERATOR_LIMITS, packaged=True)
    assert loaded.root is not None, f"BUG: {template}: {loaded.findings}"
    found: dict[str, Any] = loaded.root.plain()
    return found


class Kept(NamedTuple):
    """A resource that outlives its stack: its logical name, its type, and its own name."""

    logical: str
    kind: str
    name: str

    def adopted(self) -> dict[str, Any]:
        """An element of ResourcesToImport."""
        identifier = {IDENTIFIERS[self.kind]: self.name}
        return {"ResourceType": self.kind, "LogicalResourceId": self.logical, "ResourceIdentifier": identifier}


def known_modules(registries: Registries) -> dict[str, Module]:
    """All modules by name."""
    return {
        name: Module(
            name, **{k: v for k, v in row.facts.items() if k in Module._fields and k != "title"}, title=row.title
        )
        for name, row in registries.entries("bootstrap_modules").items()
    }


def module(registries: Registries, name: str) -> Module:
    """A module by name.  Raises UserError where there is none."""
    known = known_modules(registries)
    if name not in known:
        near = nearest(name, known)
        hint = (f"did you mean {near}? " if near else "") + f"known: {allowed(known)}"
        raise UserError([error("MLCC342", f"no module of bootstrap is called {quoted(name)}", hint=hint)])
    return known[name]


def kept(document: Mapping[str, Any], parameters: Mapping[str, str], account: str, region: str) -> list[Kept]:
    """The resources of a template that stay when its stack goes."""
    known = {**_defaults(document), **parameters, "AWS::AccountId": account, "AWS::Region": region}
    return [
        Kept(logical, one["Type"], _text(one["Properties"][IDENTIFIERS[one["Type"]]], known))
        for logical, one in document["Resources"].items()
        if one.get("DeletionPolicy") == "Retain"
    ]


def made(document: Mapping[str, Any], parameters: Mapping[str, str]) -> list[str]:
    """The logical names of the resources that a template makes with some parameters (its conditions compare two)."""
    known = {**_defaults(document), **parameters}

    def holds(condition: str) -> bool:
        one, other = (_text(side, known) for side in document["Conditions"][condition]["Fn::Equals"])
        return one == other

    return [name for name, one in document["Resources"].items() if "Condition" not in one or holds(one["Condition"])]


def only(document: Mapping[str, Any], found: list[Kept]) -> str:
    """A template with some of its resources alone, as an import into a new stack wants it."""
    names = {one.logical for one in found}
    resources = {logical: one for logical, one in document["Resources"].items() if logical in names}
    cut = {key: document[key] for key in ("AWSTemplateFormatVersion", "Description", "Parameters")}
    return json.dumps({**cut, "Resources": resources}, indent=1)


def _defaults(document: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(one["Default"]) for name, one in document["Parameters"].items() if "Default" in one}


def _text(value: Any, known: Mapping[str, str]) -> str:
    """A name as CloudFormation makes it: a text, a parameter, or a text with parameters in it."""
    if isinstance(value, str):
        return value
    if "Ref" in value:
        return known[value["Ref"]]
    return _PLACE.sub(lambda found: known[found[1]], value["Fn::Sub"])
