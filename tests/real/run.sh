#!/bin/sh
# The tests on real components: run.sh PYTHON [PYTEST ARGUMENT...]
#
# From a bare Debian machine (root, python3, the package registries): installs a container engine, an image registry and
# nginx where they are missing, starts them on loopback in a folder of their own (where it also installs and starts
# ministack, an AWS of another maker), runs `pytest -m real tests/real`, ends every process that it started, by pid, and
# proves that none is left.
#
#   MLCC_SKIP_LARGE=1   without TensorFlow, which installs 1.5 GB a version
#   MLCC_ALL_VERSIONS=1 each version of scikit-learn, XGBoost and TensorFlow, not the oldest and the newest alone (an hour)
#   MLCC_REAL_KEEP=1    keep the folder with the logs
#
# The base image is kept for the next run in $XDG_CACHE_HOME/mlcc-real, or /var/tmp/mlcc-real.
set -eu

die() {
  printf 'test-real: %s\n' "$*" >&2
  exit 1
}

say() {
  printf 'test-real: %s\n' "$*" >&2
}

[ $# -ge 1 ] || die 'usage: sh tests/real/run.sh PYTHON [PYTEST ARGUMENT...]'
python=$1
shift
[ -x "$python" ] || die "$python is not a Python interpreter: make venv"
python=$(CDPATH='' cd -- "$(dirname -- "$python")" && pwd -P)/$(basename -- "$python")
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
root=$(CDPATH='' cd -- "$here/../.." && pwd -P)
[ "$(id -u)" = 0 ] || die 'a container engine needs root'
began=$(date +%s)
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

# ---------------------------------------------------------------- what is missing
# program:package.  A program that is there already is used as it is.
wanted='dockerd:docker.io docker:docker.io mmdebstrap:mmdebstrap docker-registry:docker-registry skopeo:skopeo nginx:nginx-light node:nodejs npm:npm lua5.1:lua5.1'
packages=''
for pair in $wanted; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || packages="$packages ${pair##*:}"
done
if [ -n "$packages" ]; then
  command -v apt-get >/dev/null 2>&1 || die "these packages are missing, and there is no apt-get to install them:$packages"
  say "installing$packages"
  log=$(mktemp)
  # Packages of servers start them where nothing forbids it; these tests start their own.
  policy=''
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    policy=/usr/sbin/policy-rc.d
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
  fi
  # shellcheck disable=SC2086 # one word for each package
  if ! { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $packages; } \
    >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    die "apt-get could not install$packages; what it printed stands above"
  fi
  rm -f "$log"
  [ -z "$policy" ] || rm -f "$policy"
  for pair in $wanted; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || die "${pair##*:} is installed, and there is still no ${pair%%:*}"
  done
fi

# ---------------------------------------------------------------- a folder, and its end
work=$(mktemp -d "${TMPDIR:-/tmp}/mlcc-real.XXXXXX")
chmod 711 "$work" # nginx's workers, another user, pass through it
mkdir -m 711 "$work/tmp"
mkdir "$work/docker-config" "$work/base"
# Every process that is started from here has the folder in its environment; at the end there may be none.
MLCC_REAL_RUN=$work
export MLCC_REAL_RUN
unset DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_CERT_PATH DOCKER_DEFAULT_PLATFORM DOCKER_BUILDKIT
DOCKER_HOST=unix://$work/docker.sock
DOCKER_CONFIG=$work/docker-config
TMPDIR=$work/tmp
export DOCKER_HOST DOCKER_CONFIG TMPDIR
dockerd_pid=''
registry_pid=''
aws_pid=''
cgroup=/mlcc-real-$$
# Folders that the daemon makes outside its own; those that were not there go again.
made=''
for folder in /run/docker /run/docker/plugins /run/containerd /run/containerd/s; do
  [ -e "$folder" ] || made="$folder $made"
done

# Processes that have the folder in their environment (as TMPDIR, in PATH ...), or are in a container of this engine.
# shellcheck disable=SC2329 # called by finish
ours() {
  {
    grep -lszE "=$work(/|\$)" /proc/[0-9]*/environ
    grep -ls "$cgroup" /proc/[0-9]*/cgroup
  } | sed 's:^/proc/\([0-9]*\)/.*:\1:' | sort -u
}

# end PID SECONDS: SIGTERM, and SIGKILL when it does not end in time.
# shellcheck disable=SC2329 # called by finish
end() {
  kill -TERM "$1" 2>/dev/null || return 0
  waited=0
  while kill -0 "$1" 2>/dev/null && [ "$waited" -lt $(($2 * 10)) ]; do
    sleep 0.1
    waited=$((waited + 1))
  done
  kill -KILL "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

# shellcheck disable=SC2329 # called by the trap
finish() {
  status=$?
  trap '' INT TERM HUP
  trap - EXIT
  left=''
  cd /
  [ -z "$registry_pid" ] || end "$registry_pid" 10
  [ -z "$aws_pid" ] || end "$aws_pid" 10
  [ -z "$dockerd_pid" ] || end "$dockerd_pid" 40
  # what looks for processes with the folder in their environment shall not find itself
  unset MLCC_REAL_RUN MLCC_REAL_MINISTACK MLCC_REAL_YAML_SERVER DOCKER_HOST DOCKER_CONFIG TMPDIR PIP_CACHE_DIR
  # The folder must be free of mounts before it is removed.
  sed -n "s:^[^ ]* \\($work/[^ ]*\\) .*:\\1:p" /proc/mounts | sort -r | while read -r mounted; do
    umount "$mounted" || true
  done
  find /sys/fs/cgroup -depth -type d -path "*$cgroup*" -exec rmdir {} + 2>/dev/null || true
  for folder in $made; do
    rmdir "$folder" 2>/dev/null || true
  done
  # what was asked to end is given a moment to have ended
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    [ -n "$(ours)" ] || break
    sleep 0.5
  done
  for pid in $(ours); do
    left="$left $pid ($(sed -n 's/^\(Name\|State\|PPid\):[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null | tr '\n' ' ')$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | cut -c1-120))"
    kill -KILL "$pid" 2>/dev/null || true
  done
  if [ -n "$left" ]; then
    say "processes were left, and are killed now:$left"
    [ "$status" != 0 ] || status=1
  else
    say 'no process is left'
  fi
  if [ -n "${MLCC_REAL_KEEP:-}" ]; then
    say "logs: $work"
  elif grep -q " $work/" /proc/mounts; then
    say "mounts are left below $work"
    [ "$status" != 0 ] || status=1
  else
    rm -rf "$work"
    say "no file is left but the base image in $cache"
  fi
  say "$(($(date +%s) - began)) s, exit $status"
  exit "$status"
}
cache=${XDG_CACHE_HOME:-/var/tmp}/mlcc-real
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

free_port() {
  "$python" -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# ready NAME PID LOG SECONDS COMMAND...: waits until the command succeeds.
ready() {
  name=$1 pid=$2 log=$3 limit=$4
  shift 4
  waited=0
  until "$@" >/dev/null 2>&1; do
    if ! kill -0 "$pid" 2>/dev/null || [ "$waited" -ge $((limit * 10)) ]; then
      tail -n 20 "$log" >&2
      die "$name does not answer; the end of its log stands above"
    fi
    sleep 0.1
    waited=$((waited + 1))
  done
}

# ---------------------------------------------------------------- Pythons
# Those that the rows of mlcc's own servers name: an old framework has no wheels for a new Python.  Behind the rest of
# PATH, so that no other program is taken from there.
versions=$(cd "$root/registries/frameworks" && sed -n 's/^    python: "\(.*\)"$/\1/p' sklearn.yaml tensorflow.yaml xgboost.yaml | sort -u)
[ -n "$versions" ] || die 'registries/frameworks names no Python'
for version in $versions; do
  found=$("$python" "$root/tools/interpreters.py" --install "$work/interpreters" "$version") ||
    die "the tests need Python $version beside the one of make venv: put python$version on PATH, with its modules venv and ensurepip"
  PATH=$PATH:${found%/*}
done
export PATH

# ---------------------------------------------------------------- AWS
# Of another maker, without SageMaker, and AWS's own command line, in an environment of its own: it pins other versions
# of what mlcc uses.  Its builds find `aws`, and an engine that builds in the network that there is.
if ! { "$python" -m venv "$work/ministack" && "$work/ministack/bin/pip" install -q 'ministack==1.5.33' 'awscli==1.46.3'; } \
  >"$work/ministack.log" 2>&1; then
  tail -n 20 "$work/ministack.log" >&2
  die 'ministack and awscli could not be installed; what pip printed stands above'
fi
mkdir "$work/builder"
cat >"$work/builder/docker" <<SHIM
#!/bin/sh
case "\$1 \$2" in
"build "*) shift; set -- build --network host --force-rm "\$@" ;;
"buildx build") shift 2; set -- buildx build --network host "\$@" ;;
esac
exec "$(command -v docker)" "\$@"
SHIM
chmod 755 "$work/builder/docker"
account=123456789012 port=$(free_port)
aws=http://127.0.0.1:$port
MINISTACK_ACCOUNT_ID=$account BIND_HOST=127.0.0.1 GATEWAY_PORT=$port LOG_LEVEL=WARNING \
  MINISTACK_BUILD_PATH="$work/builder:$work/ministack/bin:$PATH" \
  "$work/ministack/bin/python" "$here/ministack_codebuild.py" >"$work/aws.log" 2>&1 &
aws_pid=$!
ready ministack "$aws_pid" "$work/aws.log" 60 \
  "$python" -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=2)' "$aws/_ministack/health"

# ---------------------------------------------------------------- editors
# What Visual Studio Code and Neovim start for YAML.
if ! npm install --silent --no-audit --no-fund --prefix "$work/npm" yaml-language-server@2.0.0 >"$work/npm.log" 2>&1; then
  tail -n 20 "$work/npm.log" >&2
  die 'yaml-language-server could not be installed; what npm printed stands above'
fi

# ---------------------------------------------------------------- container engine
# No bridge and no iptables: those change the machine and outlive the daemon; all containers use the host's network or
# none.  Limits are given because a daemon without CAP_SYS_RESOURCE cannot raise its own.
# The daemon's proxy is the AWS of above, which so has its registry under AWS's own address for it, without TLS; nothing
# else of the world can be reached, and nothing else is asked for.
printf '{"deprecated-key-path": "%s/key.json", "insecure-registries": ["%s.dkr.ecr.%s.amazonaws.com"]}\n' \
  "$work" "$account" us-east-1 >"$work/daemon.json"
HTTP_PROXY=$aws HTTPS_PROXY=$aws NO_PROXY=127.0.0.0/8,localhost \
  dockerd --config-file "$work/daemon.json" --data-root "$work/docker" --exec-root "$work/run" -H "$DOCKER_HOST" \
  --pidfile "$work/dockerd.pid" --bridge none --iptables=false --ip6tables=false --ip-forward=false \
  --cgroup-parent "$cgroup" --default-ulimit nofile=20000:20000 --default-ulimit nproc=4096:4096 \
  --shutdown-timeout 10 >"$work/dockerd.log" 2>&1 &
dockerd_pid=$!
ready dockerd "$dockerd_pid" "$work/dockerd.log" 60 docker version
say "container engine $(docker version --format '{{.Server.Version}}'), client $(docker version --format '{{.Client.Version}}')"

# ---------------------------------------------------------------- base image
# A stand-in, made from Debian's own packages, under the name that the rendered Dockerfile has in FROM.  So what these
# tests prove is the Dockerfile and the server, not the published image of that name.
suite=bookworm
suite_python=3.11
include=ca-certificates,python3,python3-pip,python3-venv
# shellcheck disable=SC2016 # mmdebstrap's shell expands it
clean='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/* "$1"/usr/share/doc "$1"/usr/share/man'
# Not under the name of an image of another Python: the packages of such a row are proved as a process alone.
image=$(sed -n 's/.*base_image: "\([^"]*\)".*/\1/p' "$root"/registries/frameworks/*.yaml | sort -u |
  sed "/^python:/{/^python:$suite_python\./!d;}")
[ -n "$image" ] || die 'registries/frameworks names no base image'
recipe=$(printf '%s\n' 1 "$suite" "$include" "$clean" "$(dpkg --print-architecture)" | sha256sum | cut -c1-16)
if [ ! -e "$cache" ]; then
  mkdir -p "$cache"
  chmod 700 "$cache"
fi
[ -n "$(find "$cache" -maxdepth 0 -user "$(id -u)" -perm 700)" ] || die "$cache must be yours alone: chmod 700, or remove it"
base=$cache/base-$recipe.tar
if [ ! -e "$base" ]; then
  say "making the base image $base"
  if ! mmdebstrap --variant=minbase --include="$include" --customize-hook="$clean" --format=tar "$suite" "$work/base.tar" \
    >"$work/mmdebstrap.log" 2>&1; then
    tail -n 20 "$work/mmdebstrap.log" >&2
    die 'mmdebstrap could not make the base image; what it printed stands above'
  fi
  mv "$work/base.tar" "$base.$$"
  mv "$base.$$" "$base"
fi
docker import \
  -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' -c 'ENV LANG=C.UTF-8' -c 'CMD ["python3"]' \
  "$base" mlcc-real/debian >/dev/null || die 'the base image cannot be imported'

# pip inside `docker build` reaches the registries as pip on this machine does: the same settings, the same certificates.
"$python" "$here/pip_settings.py" >"$work/base/pip.conf" || die "pip's settings cannot be read"
certificates=${PIP_CERT:-${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}}
[ -f "$certificates" ] || die "$certificates, where this machine's certificates should be, is not there"
cp "$certificates" "$work/base/ca-certificates.crt"
cat >"$work/base/Dockerfile" <<'DOCKERFILE'
FROM mlcc-real/debian
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY pip.conf /etc/pip.conf
RUN ln -s python3 /usr/bin/python && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED
DOCKERFILE
for name in $image; do
  docker build -q --network none -t "$name" "$work/base" >"$work/base.log" 2>&1 || {
    tail -n 20 "$work/base.log" >&2
    die 'the base image cannot be finished; what the engine printed stands above'
  }
done

# ---------------------------------------------------------------- registry
registry=127.0.0.1:$(free_port)
printf 'version: 0.1\nlog: {level: warn}\nstorage: {filesystem: {rootdirectory: %s/registry}}\nhttp: {addr: "%s"}\n' \
  "$work" "$registry" >"$work/registry.yml"
docker-registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
registry_pid=$!
ready docker-registry "$registry_pid" "$work/registry.log" 30 \
  "$python" -c 'import sys, urllib.request; urllib.request.urlopen(f"http://{sys.argv[1]}/v2/", timeout=2)' "$registry"
say "registry at $registry; everything is up after $(($(date +%s) - began)) s"

# ---------------------------------------------------------------- tests
selection=real
if [ -n "${MLCC_SKIP_LARGE:-}" ]; then
  selection='real and not real_large'
  say '***** MLCC_SKIP_LARGE is set: TensorFlow is NOT tested *****'
fi
if [ -z "${MLCC_ALL_VERSIONS:-}" ]; then
  selection="$selection and not real_versions"
  say 'the oldest and the newest version of each framework are tested (MLCC_ALL_VERSIONS=1: all of them)'
fi
# what one project downloads the next need not
export PIP_CACHE_DIR="$work/pip-cache"
MLCC_REAL_REGISTRY=$registry
MLCC_REAL_BASE=$(printf '%s\n' "$image" | head -n 1)
MLCC_REAL_MINISTACK=$work/ministack/bin/ministack
MLCC_REAL_AWS=$aws
MLCC_REAL_YAML_SERVER=$work/npm/node_modules/.bin/yaml-language-server
export MLCC_REAL_REGISTRY MLCC_REAL_BASE MLCC_REAL_MINISTACK MLCC_REAL_AWS MLCC_REAL_YAML_SERVER
cd "$root"
status=0
# besides these, the tests of the serve script that put nginx in front, and deployments to our own SageMaker server
[ $# -gt 0 ] || set -- tests/real tests/unit/test_serve_script.py tests/aws
# containers in one process, servers without an engine in another
"$python" -m pytest -q --programs machine -m "$selection" -n 2 --dist loadfile -p no:cacheprovider --basetemp="$work/pytest" --durations=0 --durations-min=1 \
  "$@" || status=$?
[ "$status" != 5 ] || die 'no test was selected'
containers=$(docker ps -aq)
if [ -n "$containers" ]; then
  say "containers were left: $(docker ps -a --format '{{.Names}} ({{.Image}})' | tr '\n' ' ')"
  [ "$status" != 0 ] || status=1
fi
exit "$status"
