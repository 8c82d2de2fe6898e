"""Desired, observed and recorded files to a decision for each.  Law: pure."""

from __future__ import annotations
