"""Batch transform jobs.  Law: a job is a run; the same configuration may run again, but not twice at one time.

A job cannot be changed or deleted: it is stopped, and its record stays in the account.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlcc.io.aws.connection import Caller
from mlcc.io.aws.s3 import S3, split_uri
from mlcc.io.aws.sagemaker import SageMaker
from mlcc.lifecycle.context import Context, Result
from mlcc.lifecycle.targets.live_plan import Difference
from mlcc.lifecycle.targets.sagemaker import desired as kinds
from mlcc.lifecycle.targets.sagemaker import names, states
from mlcc.lifecycle.targets.sagemaker.comparison import fields
from mlcc.lifecycle.targets.sagemaker.desired import Desired
from mlcc.lifecycle.targets.sagemaker.observer import job_of, model_of
from mlcc.lifecycle.targets.server_contract import Checked

# What SageMaker appends to the name of an input object for its output.
SUFFIX = ".out"
# Members of CreateTransformJob, and by path what the service may show of one that nobody gave.
MEMBERS = (
    "BatchStrategy", "DataProcessing", "Environment", "MaxConcurrentTransforms", "MaxPayloadInMB", "ModelClientConfig",
    "ModelName", "TransformInput", "TransformOutput", "TransformResources",
)  # fmt: skip
STANDARD = {
    "DataProcessing.InputFilter": "$",
    "DataProcessing.JoinSource": "None",
    "DataProcessing.OutputFilter": "$",
    "MaxConcurrentTransforms": 0,
    "TransformInput.CompressionType": "None",
    "TransformInput.SplitType": "None",
    "TransformOutput.AssembleWith": "None",
    "TransformOutput.KmsKeyId": "",
}
# Objects of one job's output that are looked at.
MOST_OBJECTS = 100_000


def running(wanted: Desired, name: str, caller: Caller) -> str:
    """The job of the same configuration that runs by now, empty where none does.

    name: the one that a new job would have; all but the time at its end stands for the configuration.
    """
    start = kinds.job_start(name)
    for found in SageMaker(caller).transform_jobs_named(start, states.IN_PROGRESS):
        if kinds.job_start(found) == start and job_of(wanted, found, caller) is not None:
            return found
    return ""


def newest(wanted: Desired, prefix: str, caller: Caller) -> dict[str, Any] | None:
    """DescribeTransformJob of the project's last job; None where it never ran one."""
    sagemaker = SageMaker(caller)
    start = names.jobs_start(prefix)
    for name in sagemaker.transform_jobs_named(start):
        if name.startswith(start) and job_of(wanted, name, caller) is not None:
            return sagemaker.transform_job(name)
    return None


def changed(wanted: Desired, prefix: str, caller: Caller) -> Iterator[Difference]:
    """The fields in which the next job differs from the project's last one; nothing where it never ran one."""
    last = newest(wanted, prefix, caller)
    if last is None:
        return
    (job,) = wanted.of(kinds.JOB)
    before, after = ({key: made[key] for key in MEMBERS if key in made} for made in (last, job.parameters))
    for one in fields(job, before, after, wanted, model_of(wanted, str(last["ModelName"]), caller)):
        if one.after is not None or one.before != STANDARD.get(one.path):
            yield one


def finished(wanted: Desired, context: Context, caller: Caller) -> Result:
    """What a deployment answers when the job is through."""
    name = next(r.name for r in wanted.of(kinds.JOB))
    where = str(context.project.get("batch.output_path"))
    document = {"target": context.project.target.name, "status": "Completed", "job": name, "output": where}
    return Result(document, [f"the transform job {name} is completed; its output is in {where}"])


def checks(job: dict[str, Any] | None, caller: Caller) -> list[Checked]:
    """Whether the last job is completed, and has written something into each of its output objects."""
    if job is None:
        return [Checked("job", False, "no job of the project is there (do/deploy)", 0.0)]
    status = str(job["TransformJobStatus"])
    found = [Checked("job", status == "Completed", f"{job['TransformJobName']}: {status}", 0.0)]
    bucket, prefix = split_uri(str(job["TransformOutput"]["S3OutputPath"]))
    since = job["CreationTime"].timestamp()
    listed = S3(caller).objects(bucket, prefix, MOST_OBJECTS)
    written = [one for one in listed if one.key.endswith(SUFFIX) and one.at >= int(since)]
    empty = [one.key for one in written if not one.size]
    detail = f"{len(written)} objects in s3://{bucket}/{prefix}"
    if empty:
        detail = f"{len(empty)} of {detail} are empty, the first is {empty[0]}"
    return [*found, Checked("output", bool(written) and not empty, detail, 0.0)]
