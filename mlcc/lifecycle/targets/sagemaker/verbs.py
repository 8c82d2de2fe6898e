"""The verbs of the SageMaker targets.  Law: a table; an error of AWS leaves each of them as a finding."""

from __future__ import annotations

from mlcc.lifecycle.aws_errors import explained
from mlcc.lifecycle.targets.sagemaker import adapters, deployment, monitoring, requests, teardown
from mlcc.lifecycle.targets.sagemaker.rehearsal import rehearsed

assets = explained(rehearsed(monitoring.assets))
adapter = explained(adapters.adapter)
clean = explained(teardown.clean)
deploy = explained(deployment.deploy)
invoke = explained(requests.invoke)
logs = explained(monitoring.logs)
status = explained(rehearsed(monitoring.status))
test = explained(requests.test)
