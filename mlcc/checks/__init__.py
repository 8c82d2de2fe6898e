"""Rules about the meaning of a configuration.

Law: pure; one rule in a file, with a code; a mistake of the user is a finding, never an exception.  A folder is a table
of checks: `common` is run for every project, `engines` and `triton` for projects with an engine or with Triton,
`hyperpod` where the target has manifests.  An exception in a rule is a bug in mlcc.
"""

from __future__ import annotations

from mlcc.checks.subject import Check, Subject

__all__ = ["Check", "Subject"]
