"""Findings under their earlier name, for plugins that were written against it.  Law: re-exports only.

New code imports `mlcc.api`.
"""

from __future__ import annotations

from mlcc.core.findings import Finding, Severity, error
from mlcc.core.text import allowed, nearest, printable, quoted

__all__ = ["Finding", "Severity", "allowed", "error", "nearest", "printable", "quoted"]
