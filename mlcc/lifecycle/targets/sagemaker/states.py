"""States of what is in SageMaker, in the service's own words.  Law: the only list of them."""

from __future__ import annotations

IN_SERVICE, FAILED = "InService", "Failed"
IN_PROGRESS, COMPLETED, STOPPING, STOPPED = "InProgress", "Completed", "Stopping", "Stopped"
# Of what is not there: our own word.
NOT_DEPLOYED = "NotDeployed"
# States in which a service refuses a change: one waits until they are over, and plans anew.
MOVING = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting", IN_PROGRESS, STOPPING)
# States in which only deleting helps ("DeleteEndpoint is the only operation that can be performed on a failed
# endpoint", DescribeEndpoint).
DEAD = (FAILED, "UpdateRollbackFailed", "OutOfService")
