#!/bin/sh
# Builds the API server that keeps custom resources (k8s.io/apiextensions-apiserver) from Debian's own source packages,
# and takes etcd out of its package, into a folder.  Installs nothing, needs no root; minutes of one processor.
#   sh tests/k8s/build.sh FOLDER      -> FOLDER/apiextensions-apiserver, FOLDER/etcd, FOLDER/crd.yaml
# crd.yaml is the definition of InferenceEndpointConfig from AWS's own repository (MLCC_HYPERPOD_CLI: another address).
# The source packages are those of Debian's unstable suite, where the Kubernetes libraries are whole; they move on, and
# no version is pinned: tests/k8s says which one it ran on.
set -eu
folder=$(mkdir -p "$1" && cd "$1" && pwd)
work=$(mktemp -d "$folder/build.XXXXXX")
# Go makes what it caches read-only
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
if [ ! -s "$folder/crd.yaml" ]; then
  commit=011ca927123e02b35a399935bbb3ab1905fe33c7
  chart=helm_chart/HyperPodHelmChart/charts/inference-operator
  git init -q "$work/cli"
  git -C "$work/cli" fetch -q --depth 1 "${MLCC_HYPERPOD_CLI:-https://github.com/aws/sagemaker-hyperpod-cli}" "$commit"
  git -C "$work/cli" show \
    "$commit:$chart/config/crd/inference.sagemaker.aws.amazon.com_inferenceendpointconfigs.yaml" >"$work/crd.yaml"
  mv "$work/crd.yaml" "$folder/crd.yaml"
fi
[ -x "$folder/apiextensions-apiserver" ] && [ -x "$folder/etcd" ] && exit 0
mkdir -p "$work/apt/lists/partial" "$work/apt/archives/partial" "$work/debs" "$work/root"
: >"$work/apt/status"
# this machine's own mirror of Debian, with the suite changed
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1)
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" >"$work/apt/sources"
set -- -qq -o "Dir::Etc::SourceList=$work/apt/sources" -o Dir::Etc::SourceParts=/dev/null \
  -o "Dir::State::Lists=$work/apt/lists" -o "Dir::State::status=$work/apt/status" -o "Dir::Cache=$work/apt" \
  -o APT::Sandbox::User=root
apt-get "$@" update
go=$(apt-cache "$@" depends golang-go | sed -n 's/^ *Depends: \(golang-[0-9.]*\)-go$/\1/p')
# the libraries that it is made of, found by their dependencies: all are packages of source alone
sources=$(apt-cache "$@" depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
  --no-enhances golang-k8s-apiextensions-apiserver-dev | grep -E '^golang-.*-dev$' | sort -u)
cd "$work/debs"
# shellcheck disable=SC2086  # a list of names, one word each
apt-get "$@" download $sources "$go-go" "$go-src"
apt-get -qq -o APT::Sandbox::User=root download etcd-server
for package in *.deb; do dpkg -x "$package" "$work/root"; done
cp "$work/root/usr/bin/etcd" "$folder/etcd"
export HOME="$work" GOROOT="$work/root/usr/lib/go-${go#golang-}" GOPATH="$work/root/usr/share/gocode" \
  GOCACHE="$work/gocache" GO111MODULE=off GOTOOLCHAIN=local GOPROXY=off GOFLAGS= CGO_ENABLED=0
nice "$GOROOT/bin/go" build -trimpath -ldflags '-s -w' -o "$folder/apiextensions-apiserver" \
  k8s.io/apiextensions-apiserver
