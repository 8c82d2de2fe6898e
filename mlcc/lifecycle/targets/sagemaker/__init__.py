"""Deployments on SageMaker.  Law: what shall be there is computed first, then the calls for it; then they are made.

names, facts -> desired (what shall be there) -> planner (which calls make it so) -> executor (makes them).
"""
