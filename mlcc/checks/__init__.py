"""Rules about meaning.  Law: one rule a file, with a code, pure; findings, never exceptions.

A folder is a table of checks: `common` is run for every project, `engines` and `triton` for those that have one.  A
rule that fails itself is a bug in mlcc, not in the configuration.
"""

from __future__ import annotations

from mlcc.checks.subject import Check, Subject

__all__ = ["Check", "Subject"]
