"""What the real service does and nobody states.  Law: each rule has a switch and says where it comes from.

A rule that is switched off lets pass what it refuses, or does not do what it does; tests switch off one after the other
and expect to fail.
"""

from __future__ import annotations

from mlcc.core.records import NamedTuple


class Rules(NamedTuple):
    """Switches.  Those above the line are quoted from the service's own answers; those below are assumed.

    copies_above_zero: a component is not made with 0 copies (stdapi-ai/stdapi.ai, issue 43);
    components_need_role: a configuration without models needs a role (the same);
    components_keep_endpoint: an endpoint with components is not deleted (gruntwork-io/cloud-nuke, issue 1142);
    base_keeps_adapters: a base with adapters is not deleted (hashicorp/terraform-provider-aws, 48894);
    transition_refuses: what is in transition is neither changed nor deleted (kubeflow's sagemaker operator);
    used_config_stays: a configuration in use breaks the next update (hashicorp/terraform-provider-aws, 40048);
    managed_scaling_for_components: only endpoints that host components scale instances themselves
    (hashicorp/terraform-provider-aws, 45926);
    regions_keep_an_instance: some regions do not scale to no instance (stdapi-ai/stdapi.ai, issue 43);
    image_in_ecr: an image outside ECR needs Vpc access (aws/sagemaker-python-sdk, issue 4700);
    image_is_there: an image that is not in its repository makes no model (easy-amazon-sagemaker-deployments, issue 4);
    quotas_limit: no more instances than the account's quota (`/_local/quotas`);
    copies_need_room: a copy needs devices, processors and memory on one instance (Hugging Face's deployment notes);
    job_names_are_used_up: a transform job's name is taken for ever (botocore: ResourceInUse of CreateTransformJob);
    batches_need_records: MultiRecord needs a SplitType (botocore: CreateTransformJob, BatchStrategy);
    payloads_within_100_mb: MaxConcurrentTransforms times MaxPayloadInMB (botocore: CreateTransformJob);
    adapters_come_back: a container that is started anew gets its adapters again (AWS's adapter contract);
    capacity_is_missed: a request that finds no copy, or no instance of an asynchronous endpoint, is counted, and an
    alarm on that count wakes one (AWS's guides to scaling endpoints to zero and to asynchronous inference);
    alarms_roll_back: an update is undone when one of its alarms is in ALARM (botocore: AutoRollbackConfig);
    variant_targets_go: what scales a variant goes with its endpoint (awslabs/stable-diffusion-aws-extension, 161);
    targets_bound_capacity: a scalable target brings what serves into its bounds (botocore: RegisterScalableTarget);
    targets_have_bounds: a new scalable target has both bounds, in order (the same);
    dimensions_fit: a component scales by its copies, a variant by its instances (the same);
    endpoint_names_ignore_case: a name is taken however it is spelled (botocore: CreateEndpointInput.EndpointName);
    packages_keep_environment: a model package and the model made of it have not both an environment
    (aws/sagemaker-python-sdk, issue 3301).

    serving_endpoint_first: assumed; a component is not made before its endpoint serves.
    too_large_at_once: assumed; a copy without room is refused by the call, not by a failure later.
    async_without_components: assumed; an endpoint that hosts components is not asynchronous.
    same_config_refuses: assumed; an update with the configuration in use is refused.
    adapters_are_replaced: assumed; an adapter is updated by dropping it and loading the other one, for the contract of
    containers has no change of what is loaded, and vLLM refuses a name that it has.
    failed_is_not_updated: assumed as to its words; of a failed endpoint nothing but its deletion is done (botocore:
    DescribeEndpoint).
    component_names_are_taken: assumed as to its words, which are those of models and endpoints; without the rule the
    new component takes the other one's place.
    creating_is_not_found: assumed; an endpoint that does not serve yet, or not any more, is not found by
    InvokeEndpoint; without the rule it has no capacity.
    whole_memory_is_schedulable: assumed; components may take the whole memory of an instance type whose share nobody
    has measured (see `scheduler.MEASURED`), which is more than the service gives; without the rule its memory limits
    nothing.
    tags_are_fifty: assumed as to its code and words; a resource has 50 tags at most, also where they come one after the
    other (botocore: TagList).
    rolling_back_is_shown: assumed; an update that is undone reads RollingBack meanwhile, which botocore names for
    changes of weights and capacities alone; without the rule it reads Updating.
    variants_keep_an_instance: assumed; a variant with a model that is not asynchronous never scales to no instance.
    manifest_keys_name_outputs: assumed; the output of an object of a manifest has the key that stands there, folders
    included; without the rule its last part.
    packages_need_approval: assumed as to the call and its words; no model is made of a version that is not approved
    (botocore: CreateModelPackageInput.ModelApprovalStatus).
    packages_bring_their_image: assumed; a container names a model package or an image, and not both.
    maintenance_serves: assumed; an endpoint in SystemUpdating answers requests; without the rule it is not found.
    """

    copies_above_zero: bool = True
    components_need_role: bool = True
    components_keep_endpoint: bool = True
    base_keeps_adapters: bool = True
    transition_refuses: bool = True
    used_config_stays: bool = True
    managed_scaling_for_components: bool = True
    regions_keep_an_instance: bool = True
    image_in_ecr: bool = True
    image_is_there: bool = True
    quotas_limit: bool = True
    copies_need_room: bool = True
    job_names_are_used_up: bool = True
    batches_need_records: bool = True
    payloads_within_100_mb: bool = True
    adapters_come_back: bool = True
    capacity_is_missed: bool = True
    alarms_roll_back: bool = True
    variant_targets_go: bool = True
    targets_bound_capacity: bool = True
    targets_have_bounds: bool = True
    dimensions_fit: bool = True
    endpoint_names_ignore_case: bool = True
    packages_keep_environment: bool = True
    serving_endpoint_first: bool = True
    too_large_at_once: bool = True
    async_without_components: bool = True
    same_config_refuses: bool = True
    adapters_are_replaced: bool = True
    failed_is_not_updated: bool = True
    component_names_are_taken: bool = True
    creating_is_not_found: bool = True
    whole_memory_is_schedulable: bool = True
    tags_are_fifty: bool = True
    rolling_back_is_shown: bool = True
    variants_keep_an_instance: bool = True
    manifest_keys_name_outputs: bool = True
    packages_need_approval: bool = True
    packages_bring_their_image: bool = True
    maintenance_serves: bool = True


# What no source states: `mlcc dev aws` lists them.
ASSUMED = (
    "serving_endpoint_first", "too_large_at_once", "async_without_components", "same_config_refuses",
    "adapters_are_replaced", "failed_is_not_updated", "component_names_are_taken", "creating_is_not_found",
    "whole_memory_is_schedulable", "tags_are_fifty", "rolling_back_is_shown", "variants_keep_an_instance",
    "manifest_keys_name_outputs", "packages_need_approval", "packages_bring_their_image",
    "maintenance_serves",
)  # fmt: skip


class Durations(NamedTuple):
    """How long things take, in seconds of the server's clock; measured on ml.g5.xlarge where a source has figures.

    instances: until machines are there (4 min for an endpoint that hosts components); removal: until they are gone;
    copy: from a placed copy to its container's start; ping: between two health checks; watch: between two looks at
    containers that serve; alarm: until an alarm has seen its metric; stream: the longest stream (assumed: no source
    states it), in real seconds.

    pace: seconds of this clock in a real one.  A real container starts in real time, however fast this clock runs, so
    that health checks and their limit are stretched by it.
    """

    instances: float = 240.0
    removal: float = 60.0
    copy: float = 60.0
    ping: float = 2.0
    watch: float = 30.0
    alarm: float = 60.0
    stream: float = 480.0
    pace: float = 1.0
