"""How long an endpoint shall live, read from its end.  Law: pure; what cannot be known is listed, not guessed.

A deployment writes its own time and `ttl` as one number, the tag `mlcc:expires`, and makes the endpoint's configuration
minutes later, where it makes one.  So `ttl` is what lies between the two where that is a round time; after a deployment
that has made no configuration, and has only moved the end, it is not.
"""

from __future__ import annotations

import datetime
from typing import Any

from mlcc.core import durations
from mlcc.lifecycle.targets.sagemaker.desired import EXPIRES_TAG
from mlcc.lifecycle.targets.sagemaker.imports.sheet import UNKNOWN, Sheet

# Times as people write them are multiples of a step, which is another one above an hour; a deployment takes no longer
# than the slack from its beginning to the endpoint's configuration.  Of each: above, step and slack in seconds.
ROUND = ((3600, 1800, 300), (0, 300, 120))


def write(sheet: Sheet) -> None:
    """Takes `ttl`, or lists that it cannot be known; nothing for an endpoint without an end."""
    until, made = sheet.running.tags.get(EXPIRES_TAG, ""), _seconds(sheet.running.config.get("CreationTime"))
    if not sheet.running.project or not until.isdecimal():
        return
    found = written(int(until) - made) if made is not None else ""
    if found:
        sheet.put("ttl", found)
        sheet.draft.comments.append(f"ttl is the time from the endpoint's configuration to {EXPIRES_TAG}.")
        return
    message = f"ttl cannot be known: {EXPIRES_TAG} was moved since the endpoint's configuration was made"
    sheet.draft.leave(UNKNOWN, sheet.mark, message, "mlcc set ttl 8h, or as long as a deployment shall live")


def written(lived: float) -> str:
    """A duration as people write it; empty for one that is not round.

    lived: seconds, less than the duration by what a deployment takes before it makes the configuration.

    >>> written(8 * 3600 - 70), written(3600 * 24), written(5000)
    ('8h', '1d', '')
    """
    step, slack = next((step, slack) for above, step, slack in ROUND if lived >= above - slack) if lived > 0 else (1, 0)
    whole = int(-(-lived // step) * step)
    units = {"d": 86400, "h": 3600, "m": 60}
    text = next((f"{whole // size}{unit}" for unit, size in units.items() if whole and whole % size == 0), "")
    return text if lived > 0 and whole - lived <= slack and durations.seconds(text) is not None else ""


def _seconds(value: Any) -> float | None:
    """A time as seconds since 1970, None for what is none."""
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
