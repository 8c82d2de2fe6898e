"""The target hyperpod-eks against the API server that keeps custom resources in every Kubernetes cluster."""
