"""mlcc.yaml and all that stands beside it, as a checked tree.  Law: adds no defaults; a missing key stays missing."""

from __future__ import annotations
