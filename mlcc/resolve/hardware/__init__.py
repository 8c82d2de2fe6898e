"""Will a model fit, and on which instance type."""

from __future__ import annotations
