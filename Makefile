# The virtual environment to use, and the Python to make it with: any 3.10 to 3.13. Left empty, an environment
# that works is kept, whatever its version, and a missing one is made with the first of CANDIDATES that runs.
VENV ?= .venv
PYTHON ?=
# 3.11 and 3.10 first: they get the TensorFlow that the Dockerfile and its CUDA 11.8 use.
CANDIDATES := python3.11 python3.10 python3.12 python3.13 python3

# More words for the last command: make test ARGS="-k health -x"
ARGS ?=
DATA ?=
OUT ?=
WEIGHTS ?=

# Prints the version if it is one of ours. Asking the interpreter itself is the only safe test: a version manager
# leaves commands in the path that exist and fail, and Debian's Python comes without the ensurepip that venv needs.
ASK_VERSION := -c 'import sys, venv, ensurepip; v = sys.version_info; (3, 10) <= v < (3, 14) or sys.exit(1); print(sys.version.split()[0])'

LOCKS := requirements/locks
# Only what the locks name, byte for byte, and nothing that runs a setup.py. The landmark package alone has no wheel;
# what it is built with is locked too and installed first: a build isolated from that would fetch the newest.
LOCKED := --quiet --disable-pip-version-check --require-hashes --only-binary :all:
BUILT_HERE := --no-binary face-recognition-models --no-build-isolation
# One answer for all Pythons and systems; versions stay as they are unless asked: make lock ARGS=--upgrade
RESOLVE := uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --annotation-style line \
	--only-binary :all: --no-binary face-recognition-models --custom-compile-command 'make lock' --no-config

.DEFAULT_GOAL := help
.PHONY: help install run serve screen doctor test test-all lint train install-model train-finder evaluate compare-precision bench chaos lock audit clean FORCE

help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: $(VENV)/.installed ## Install what the service needs into .venv (VENV=... and PYTHON=... choose others)

# exec, so that Ctrl-C and SIGTERM reach the service and not a shell in front of it.
run: $(VENV)/.installed ## Install if needed, then start the service on http://localhost:8000, for this machine only
	@exec $(VENV)/bin/python main.py $(ARGS)

serve: $(VENV)/.installed ## Start gateway and service together, for a network, on port 8000; needs nginx
	@exec deploy/gateway/serve.sh $(VENV)/bin/python

# Markers in ARGS take the place of these.
test: $(VENV)/.installed-dev ## Run the quick tests (ARGS="-k name" for some)
	$(VENV)/bin/python -m pytest -m "not (chaos or heavy or training)" $(ARGS)

test-all: $(VENV)/.installed-dev ## Run all tests, as CI does: also those that train, fill memory or try very many cases
	$(VENV)/bin/python -m pytest $(ARGS)

lint: $(VENV)/.installed-dev ## Check style, format and types
	$(VENV)/bin/python -m ruff check .
	$(VENV)/bin/python -m ruff format --check .
	$(VENV)/bin/python -m mypy

# TensorFlow leaves oneDNN out on CPUs without AVX-512 unless it is told: a step then takes half as long again.
train: $(VENV)/.installed-training ## Train a model into build/model: make train DATA=<pictures> WEIGHTS=<backbone>
	@test -n "$(DATA)" && test -n "$(WEIGHTS)" || { echo 'Say where the pictures and the weights are: make train DATA=... WEIGHTS=...' >&2; exit 1; }
	TF_ENABLE_ONEDNN_OPTS=1 $(VENV)/bin/python -m training.train --data "$(DATA)" --weights "$(WEIGHTS)" $(ARGS)

install-model: $(VENV)/.installed-training ## Put a trained model in place, unless it is worse: make install-model MODEL=<file.h5, or previous>
	@test -n "$(MODEL)" || { echo 'Say which one: make install-model MODEL=build/model/eyenet_model_52k_ds.h5 (or previous)' >&2; exit 1; }
	$(VENV)/bin/python -m training.install_model "$(MODEL)" $(ARGS)

train-finder: $(VENV)/.installed-training ## Train the eye finder into build/finder: make train-finder DATA=<folder of labelled photos>
	@test -n "$(DATA)" || { echo 'Say where the photos are: make train-finder DATA=...' >&2; exit 1; }
	$(VENV)/bin/python -m training.train_finder --data "$(DATA)" $(ARGS)

evaluate: $(VENV)/.installed-training ## Test the model: make evaluate DATA=<folder of pictures> (ARGS="--model file" for another)
	@test -n "$(DATA)" || { echo 'Say where the pictures are: make evaluate DATA=...' >&2; exit 1; }
	$(VENV)/bin/python -m training.evaluate --data "$(DATA)" $(ARGS)

compare-precision: $(VENV)/.installed-training ## Does bfloat16 change answers? make compare-precision DATA=<folder of pictures>
	@test -n "$(DATA)" || { echo 'Say where the pictures are: make compare-precision DATA=...' >&2; exit 1; }
	$(VENV)/bin/python -m training.compare_precision --data "$(DATA)" $(ARGS)

# Exit code 3 says that some files have no answer, which make calls an error.
screen: $(VENV)/.installed ## Screen a folder of photos: make screen DATA=<folder of photos> OUT=<folder for the report>
	@test -n "$(DATA)" && test -n "$(OUT)" || { echo 'Say where the photos are and where the report goes: make screen DATA=... OUT=...' >&2; exit 1; }
	@exec $(VENV)/bin/python -m src.cli screen "$(DATA)" --out "$(OUT)" $(ARGS)

# Installs nothing: what is missing is what it says.
doctor: $(VENV)/pyvenv.cfg ## Check the installation and say what to do (ARGS=--quick: without TensorFlow)
	@exec $(VENV)/bin/python -m src.cli doctor $(ARGS)

bench: $(VENV)/.installed-bench ## Compare the service with what others would write, in 20 minutes (ARGS=--quick: in 4)
	$(VENV)/bin/python -m lab.bench $(ARGS)

# Each list is resolved with the versions of the one that it builds on, so that all of them can share an environment.
lock: $(VENV)-supply/.installed ## Resolve the lists into requirements/locks anew (ARGS=--upgrade: take the newest)
	@export PATH="$(abspath $(VENV)-supply)/bin:$$PATH"; set -e; \
	resolve() { echo "$(LOCKS)/$$1.txt"; \
		$(RESOLVE) $(ARGS) --output-file $(LOCKS)/$$1.txt $$2 $${3:+--constraints $(LOCKS)/$$3.txt} >/dev/null; }; \
	resolve build requirements/build.txt; \
	resolve run requirements.txt build; \
	resolve training requirements/training.txt run; \
	resolve dev requirements/dev.txt training; \
	resolve bench requirements/bench.txt dev; \
	resolve supply requirements/supply.txt

audit: $(VENV)-supply/.installed ## Ask for known holes in what is locked; docs/security.md answers them
	$(VENV)-supply/bin/python -m requirements.audit $(ARGS)

chaos: $(VENV)/.installed-bench ## Try to break the service, in 50 minutes (ARGS=--quick: in 10); needs nginx
	$(VENV)/bin/python -m lab.chaos $(ARGS)

clean: ## Remove the virtual environment and all caches
	@test ! -e "$(VENV)" || test -f "$(VENV)/pyvenv.cfg" || { echo '$(VENV) is not a virtual environment: not removed' >&2; exit 1; }
	rm -rf "$(VENV)" "$(VENV)-supply" build .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Looked at on every call, but written only when the environment is missing, broken or of another version than
# asked for, so that the stamps below are out of date exactly then. An interrupted start leaves no pip: made anew.
.PRECIOUS: $(VENV)/pyvenv.cfg
$(VENV)/pyvenv.cfg: FORCE
	@have=`test -f "$@" && "$(VENV)/bin/python" -c 'import pip' 2>/dev/null && "$(VENV)/bin/python" $(ASK_VERSION) 2>/dev/null`; \
	if test -n "$$have" && test -z "$(PYTHON)"; then exit 0; fi; \
	for python in $(if $(PYTHON),"$(PYTHON)",$(CANDIDATES)); do \
		found=`"$$python" $(ASK_VERSION) 2>/dev/null` || continue; \
		if test "$$found" = "$$have"; then exit 0; fi; \
		if test -e "$(VENV)" && test ! -f "$@"; then \
			echo '$(VENV) is not a virtual environment: remove it, or name another folder with VENV=...' >&2; exit 1; \
		fi; \
		echo "Making $(VENV) with Python $$found ($$python)"; \
		rm -rf "$(VENV)" && exec "$$python" -m venv "$(VENV)"; \
	done; \
	echo 'No usable Python 3.10 to 3.13 found (tried: $(if $(PYTHON),$(PYTHON),$(CANDIDATES))).' >&2; \
	echo 'Install one with its venv module (Debian, Ubuntu: python3 and python3-venv), or name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11' >&2; \
	exit 1

$(VENV)/.installed: $(LOCKS)/build.txt $(LOCKS)/run.txt $(VENV)/pyvenv.cfg
	@echo 'Installing $(LOCKS)/run.txt into $(VENV): about 700 MB to fetch, a minute or two'
	@$(VENV)/bin/python -m pip install $(LOCKED) -r $(LOCKS)/build.txt
	@$(VENV)/bin/python -m pip install $(LOCKED) $(BUILT_HERE) -r $(LOCKS)/run.txt
	@touch "$@"

$(VENV)/.installed-training: $(LOCKS)/training.txt $(VENV)/.installed
$(VENV)/.installed-dev: $(LOCKS)/dev.txt $(VENV)/.installed-training
$(VENV)/.installed-bench: $(LOCKS)/bench.txt $(VENV)/.installed-dev
$(VENV)/.installed-%: $(LOCKS)/%.txt
	@echo 'Installing $(LOCKS)/$*.txt into $(VENV)'
	@$(VENV)/bin/python -m pip install $(LOCKED) $(BUILT_HERE) -r $(LOCKS)/$*.txt
	@touch "$@"

# Of its own: what these tools need must not decide a version of what is tested.
$(VENV)-supply/.installed: $(LOCKS)/build.txt $(LOCKS)/supply.txt $(VENV)/pyvenv.cfg
	@echo 'Installing $(LOCKS)/supply.txt into $(VENV)-supply'
	@$(VENV)/bin/python -m venv --clear "$(VENV)-supply"
	@$(VENV)-supply/bin/python -m pip install $(LOCKED) -r $(LOCKS)/build.txt
	@$(VENV)-supply/bin/python -m pip install $(LOCKED) -r $(LOCKS)/supply.txt
	@touch "$@"

FORCE:
