"""Deployments on HyperPod clusters.  Law: manifests as they were reviewed, on the cluster that the project names.

documents (what shall be there) and cluster (where), objects (what is there, and what its status means) -> verbs.
"""
