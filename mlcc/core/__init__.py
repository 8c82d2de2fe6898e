"""Words that all rooms share.  Law: standard library only; imports nothing else of mlcc."""

from __future__ import annotations
