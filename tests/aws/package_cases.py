"""Requests about model packages: rules of our SageMaker server, and what SageMaker itself is asked."""

from __future__ import annotations

from typing import Any

from tests.aws.caller import IMAGE, ROLE, Caller


def package(aws: Caller, group: str = "g", approval: str = "Approved", **more: Any) -> str:
    """The ARN of the only version of a group."""
    aws("CreateModelPackageGroup", ModelPackageGroupName=group)
    inside = {
        "Containers": [{"Image": IMAGE, **more}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    asked = {"ModelPackageGroupName": group, "ModelApprovalStatus": approval, "InferenceSpecification": inside}
    return str(aws("CreateModelPackage", **asked)["ModelPackageArn"])


def of_package(aws: Caller, arn: str, **more: Any) -> None:
    aws("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer={"ModelPackageName": arn, **more})


def packages_need_approval(aws: Caller) -> None:
    of_package(aws, package(aws, approval="PendingManualApproval"))


def packages_bring_their_image(aws: Caller) -> None:
    of_package(aws, package(aws), Image=IMAGE)


def packages_keep_environment(aws: Caller) -> None:
    of_package(aws, package(aws, Environment={"A": "1"}), Environment={"B": "2"})


def a_group_s_versions_are_listed_by_their_approval(aws: Caller) -> None:
    """Numbered from 1 on; a version waits for its approval, which may come later."""
    aws("CreateModelPackageGroup", ModelPackageGroupName="g")
    inside = {"Containers": [{"Image": IMAGE}], "SupportedContentTypes": ["text/csv"]}
    made = {
        "ModelPackageGroupName": "g",
        "InferenceSpecification": {**inside, "SupportedResponseMIMETypes": ["text/csv"]},
    }
    arns = [
        aws("CreateModelPackage", **made, **more)["ModelPackageArn"]
        for more in ({"ModelApprovalStatus": "Approved"}, {}, {"ModelApprovalStatus": "Rejected"})
    ]
    assert [arn.rpartition("/")[2] for arn in arns] == ["1", "2", "3"]

    def approved() -> list[str]:
        found = aws(
            "ListModelPackages", ModelPackageGroupName="g", ModelPackageType="Versioned", ModelApprovalStatus="Approved",
            SortBy="CreationTime", SortOrder="Descending",
        )  # fmt: skip
        return [one["ModelPackageArn"] for one in found["ModelPackageSummaryList"]]

    assert approved() == arns[:1]
    assert aws("DescribeModelPackage", ModelPackageName=arns[1])["ModelApprovalStatus"] == "PendingManualApproval"
    aws("UpdateModelPackage", ModelPackageArn=arns[1], ModelApprovalStatus="Approved")
    assert approved() == [arns[1], arns[0]]
    for arn in arns:
        aws("DeleteModelPackage", ModelPackageName=arn)
    assert approved() == []


def versions_keep_their_group(aws: Caller) -> None:
    package(aws)
    aws("DeleteModelPackageGroup", ModelPackageGroupName="g")
