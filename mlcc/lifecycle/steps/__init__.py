"""A module for each do/ step."""

from __future__ import annotations
