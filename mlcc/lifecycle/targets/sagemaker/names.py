"""Names of what a project has in AWS.  Law: pure; the same project and environment have the same names for ever.

What cannot be changed once it is made (a model, an endpoint configuration) carries a digest of its content.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

# EndpointName, EndpointConfigName, InferenceComponentName, ModelName, TransformJobName: at most 63 characters of
# [a-zA-Z0-9-], a letter or digit first and last (botocore's service model of sagemaker).
from mlcc.core.physical_names import CUT, hash_of
from mlcc.core.physical_names import MAX_NAME as MAX_NAME
from mlcc.core.physical_names import joined as joined

# Hexadecimal digits of a digest of content.
CONTENT = 10
# Characters at the end of a transform job's name: a hyphen, and the time of its start in seconds since 1970.
TIME = 11


def with_content(name: str, content: Mapping[str, Any], limit: int = MAX_NAME) -> str:
    """A name that changes with what it names: the parameters of the call that makes it, without name and tags."""
    return f"{joined(name, limit=limit - CONTENT - 1)}-{digest(content)}"


def kept(name: str, limit: int = MAX_NAME) -> str:
    """What every name begins with that `with_content` makes of this one, whatever `joined` puts behind it before.

    A long name is cut, so that whoever looks by names looks by this start; tags tell whose a name is.  limit: as of
    `with_content`; a name that has no digest of its content keeps more.
    """
    return name[: limit - CONTENT - 1 - CUT - 1].rstrip("-")


def jobs_start(name: str) -> str:
    """The same of transform jobs, whose names end with a time."""
    return kept(name, MAX_NAME - TIME)


def digest(content: Mapping[str, Any]) -> str:
    """Hexadecimal digits that tell two contents apart."""
    return hash_of(json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False))[:CONTENT]
