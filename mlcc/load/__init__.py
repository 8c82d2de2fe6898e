"""mlcc.yaml and all that stands beside it, as a checked tree.  Law: no defaults; what is absent stays absent."""

from __future__ import annotations
