"""From a running endpoint back to mlcc.yaml: the inverse of `bodies/`.  Law: reads only; passes no secret on.

`running` looks, `origin` tells the deployment config, `machines`, `containers` and `scaled` make values of what was
seen, and `endpoint` proves them by the live plan.
"""
