"""What the real service does and nobody states.  Law: each rule has a switch and says where it comes from.

A rule that is switched off lets pass what it refuses; tests switch off one after the other and expect to fail.
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
    used_config_stays: a configuration in use breaks the next update (hashicorp/terraform-provider-aws, 40048).

    serving_endpoint_first: assumed; a component is not made before its endpoint serves.
    """

    copies_above_zero: bool = True
    components_need_role: bool = True
    components_keep_endpoint: bool = True
    base_keeps_adapters: bool = True
    transition_refuses: bool = True
    used_config_stays: bool = True
    serving_endpoint_first: bool = True


class Durations(NamedTuple):
    """How long things take, in seconds of the server's clock; measured on ml.g5.xlarge where a source has figures.

    instances: until machines are there (4 min for an endpoint that hosts components); removal: until they are gone;
    copy: from a placed copy to its container's start; ping: between two health checks.
    """

    instances: float = 240.0
    removal: float = 60.0
    copy: float = 60.0
    ping: float = 2.0
