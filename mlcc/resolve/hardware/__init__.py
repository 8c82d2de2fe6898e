"""Whether a model fits a device, and which instance type it gets.  Law: pure."""

from __future__ import annotations
