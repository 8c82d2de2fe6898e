#!/bin/sh
# What `make run` does: demo.sh MLCC DIRECTORY.  Renders a project, serves its sample model, and takes the server away.
set -eu
mlcc=$(CDPATH='' cd -- "$(dirname -- "$1")" && pwd -P)/$(basename -- "$1")
directory=$2
export MLCC=$mlcc

step() {
  printf '\n$ %s\n' "$*"
  "$@"
}

mkdir -p "$directory"
[ -e "$directory/mlcc.yaml" ] || step "$mlcc" init iris --deployment-config http-fastapi --deployment-target local -C "$directory"
step "$mlcc" apply -f "$directory/mlcc.yaml"
step "$directory/do/build"
trap '"$directory/do/clean" >/dev/null 2>&1 || true' EXIT
step "$directory/do/deploy"
url=$("$directory/do/status" --json | sed -n 's/.*"url": "\([^"]*\)".*/\1/p')
printf '\n$ POST %s/invocations  {"instances": [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]}\n' "$url"
python3 - "$url" <<'PYTHON'
import json, sys, urllib.request

rows = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]
request = urllib.request.Request(
    sys.argv[1] + "/invocations", json.dumps({"instances": rows}).encode(), {"Content-Type": "application/json"}
)
with urllib.request.urlopen(request, timeout=60) as reply:
    predictions = json.load(reply)["predictions"]
assert len(predictions) == len(rows), predictions
names = ["setosa", "versicolor", "virginica"]
for row, prediction in zip(rows, predictions):
    print(f"{row} -> {prediction} ({names[int(prediction)]})")
PYTHON
step "$directory/do/test"
trap - EXIT
step "$directory/do/clean"
