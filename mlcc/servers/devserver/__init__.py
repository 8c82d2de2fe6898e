"""A SageMaker of this machine.  Law: never an answer that the service would not give; what it lacks is a refusal.

A test instrument: it validates requests by the services' own models, answers in their own words, keeps states on a
clock that can be moved, and starts real containers.  It is not AWS: what no source states about the real services
stands behind a switch (`rules.py`) and is listed as unknown.
"""
