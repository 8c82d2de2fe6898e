"""A project's resources as a CloudFormation template.  Law: pure; the same bodies as a deployment's, with references.

Names stay those of a deployment, so that a stack and `do/deploy` are not both used for one project and environment.
The tag `mlcc:expires` is left out: it comes from the clock, so that the template of one project would differ each time
and each update of a stack would touch every resource; and `mlcc reap` must not delete what a stack has made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mlcc.lifecycle.targets.sagemaker import desired as kinds
from mlcc.lifecycle.targets.sagemaker.desired import Desired, PolicyArn, Resource

VERSION = "2010-09-09"
# What whoever takes a template must know.
NAMES = "the template has the names of do/deploy: use one of both for a project and environment, a stack or do/deploy"
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_SageMaker.html
TYPES: Mapping[str, str] = {
    kinds.MODEL: "AWS::SageMaker::Model",
    kinds.CONFIG: "AWS::SageMaker::EndpointConfig",
    kinds.ENDPOINT: "AWS::SageMaker::Endpoint",
    kinds.COMPONENT: "AWS::SageMaker::InferenceComponent",
    kinds.ADAPTER: "AWS::SageMaker::InferenceComponent",
    kinds.SCALABLE: "AWS::ApplicationAutoScaling::ScalableTarget",
    kinds.TRACKING: "AWS::ApplicationAutoScaling::ScalingPolicy",
    kinds.WAKING: "AWS::ApplicationAutoScaling::ScalingPolicy",
    kinds.ALARM: "AWS::CloudWatch::Alarm",
}
UNTAGGED = (kinds.SCALABLE, kinds.TRACKING, kinds.WAKING)
# Members that hold another resource's name.
REFERENCES = {
    "ModelName": (kinds.MODEL,),
    "EndpointConfigName": (kinds.CONFIG,),
    "EndpointName": (kinds.ENDPOINT,),
}
# The attribute of a resource that is its name; an inference component has none.
NAMED = {kinds.MODEL: "ModelName", kinds.CONFIG: "EndpointConfigName", kinds.ENDPOINT: "EndpointName"}


def notes(wanted: Desired) -> list[str]:
    """Where the template cannot say what mlcc.yaml says."""
    return [
        f"{r.name}: CopyCount is 1, because the service makes no component with 0; once the stack is there: "
        f"aws sagemaker update-inference-component-runtime-config --inference-component-name {r.name} "
        "--desired-runtime-config CopyCount=0"
        for r in wanted.of(kinds.COMPONENT)
        if r.parameters["RuntimeConfig"]["CopyCount"] == 0
    ]


def document(wanted: Desired, description: str) -> dict[str, Any]:
    """The template of what shall be there; a transform job, which is a run, has no resource and is left out."""
    made = [r for r in wanted.resources if r.kind in TYPES]
    ids = {(r.kind, r.name): _logical(r) for r in made}
    return {
        "AWSTemplateFormatVersion": VERSION,
        "Description": description,
        "Resources": {ids[r.kind, r.name]: _resource(r, wanted, ids) for r in made},
    }


def _logical(resource: Resource) -> str:
    """A logical id: letters and digits; one a resource, because kind and name are."""
    words = re.findall("[A-Za-z0-9]+", f"{resource.kind} {resource.name}")
    return "".join(word[0].upper() + word[1:] for word in words)


def _resource(resource: Resource, wanted: Desired, ids: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    own = NAMED.get(resource.kind, "")
    properties = {
        name: value if name == own else _referring(name, value, ids) for name, value in resource.parameters.items()
    }
    if resource.kind == kinds.COMPONENT and properties["RuntimeConfig"]["CopyCount"] == 0:
        properties["RuntimeConfig"] = {"CopyCount": 1}
    if resource.kind not in UNTAGGED:
        properties["Tags"] = [{"Key": key, "Value": value} for key, value in sorted(_tags(wanted).items())]
    found: dict[str, Any] = {"Type": TYPES[resource.kind], "Properties": properties}
    before = [ids[key] for key in _before(resource) if key in ids]
    return {**found, "DependsOn": before} if before else found


def _tags(wanted: Desired) -> dict[str, str]:
    return {key: value for key, value in wanted.tags.items() if key != kinds.EXPIRES_TAG}


def _referring(member: str, value: Any, ids: Mapping[tuple[str, str], str]) -> Any:
    """A value in which names of other resources of the template are references to them."""
    if isinstance(value, PolicyArn):
        return {"Ref": ids[kinds.WAKING, value.resource_id]}
    if isinstance(value, Mapping):
        return {name: _referring(name, item, ids) for name, item in value.items()}
    if isinstance(value, list):
        return [_referring("", item, ids) for item in value]
    for kind in REFERENCES.get(member, ()):
        if (kind, value) in ids:
            return {"Fn::GetAtt": [ids[kind, value], NAMED[kind]]}
    return value


def _before(resource: Resource) -> list[tuple[str, str]]:
    """What must be there before, though only a text names it: what scales before its scaling, that before policies."""
    if resource.kind in (kinds.TRACKING, kinds.WAKING):
        return [(kinds.SCALABLE, resource.name)]
    if resource.kind == kinds.ADAPTER:
        return [(kinds.COMPONENT, str(resource.parameters["Specification"]["BaseInferenceComponentName"]))]
    if resource.kind != kinds.SCALABLE:
        return []
    part, _, name = resource.name.partition("/")
    return [(kinds.COMPONENT, name)] if part == "inference-component" else [(kinds.ENDPOINT, name.partition("/")[0])]
