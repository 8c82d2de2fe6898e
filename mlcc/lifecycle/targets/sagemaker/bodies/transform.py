"""CreateTransformJob: a data set goes through the model once.  Law: pure."""

from __future__ import annotations

from typing import Any

from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.targets.sagemaker.bodies import members
from mlcc.render.conf_values import BATCH_ENV_PREFIX


def body(project: RenderedProject, model: str) -> dict[str, Any]:
    """The parameters of CreateTransformJob without name and tags."""
    timeout, retries = project.get("batch.invocations_timeout_s"), project.get("batch.invocations_max_retries")
    client = {
        name: value
        for name, value in (("InvocationsTimeoutInSeconds", timeout), ("InvocationsMaxRetries", retries))
        if value is not None  # 0 retries is a wish, too
    }
    source = {
        "S3DataSource": {
            "S3DataType": project.get("batch.s3_data_type", "S3Prefix"),
            "S3Uri": project.get("batch.input_path"),
        }
    }
    return members(
        ModelName=model,
        MaxConcurrentTransforms=project.get("batch.max_concurrent"),
        ModelClientConfig=client,
        MaxPayloadInMB=project.get("batch.max_payload_mb"),
        BatchStrategy=project.get("batch.strategy"),
        Environment=environment(project),
        TransformInput=members(
            DataSource=source,
            ContentType=project.get("batch.content_type"),
            CompressionType=project.get("batch.compression_type"),
            SplitType=project.get("batch.split_type"),
        ),
        TransformOutput=members(
            S3OutputPath=project.get("batch.output_path"),
            Accept=project.get("batch.accept"),
            AssembleWith=project.get("batch.assemble_with"),
            KmsKeyId=project.get("encryption.output_kms_key_id"),
        ),
        TransformResources=members(
            InstanceType=project.get("deployment.instance_type"),
            InstanceCount=project.get("batch.instance_count") or project.get("deployment.instance_count"),
            VolumeKmsKeyId=project.get("encryption.volume_kms_key_id"),
            TransformAmiVersion=project.get("batch.transform_ami_version"),
        ),
        DataProcessing=members(
            InputFilter=project.get("batch.input_filter"),
            OutputFilter=project.get("batch.output_filter"),
            JoinSource=project.get("batch.join_source"),
        ),
    )


def environment(project: RenderedProject) -> dict[str, str]:
    """The variables that a job gives the container over those of the model."""
    return {
        name.removeprefix(BATCH_ENV_PREFIX): value
        for name, value in project.variables.items()
        if name.startswith(BATCH_ENV_PREFIX)
    }
