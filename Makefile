# Needs Python 3.11 to 3.14 (with venv), make and git; nothing else. Uses uv where it is on PATH, for speed only.
# Everything is installed into .venv from the hash-pinned locks in requirements/, as wheels.
.POSIX:
SHELL = /bin/sh
.DEFAULT_GOAL := help

# Set PYTHON to choose the interpreter: make test PYTHON=/opt/python3.12/bin/python3
PYTHON ?=
PYTHONS := $(PYTHON) python3.13 python3.12 python3.11 python3.14 python3
ARTIFACTS ?= examples/artifacts
PYTEST_ARGS ?=
UV := $(shell command -v uv 2>/dev/null)
HERE := $(shell pwd -P)
BIN := .venv/bin

ifneq ($(UV),)
INSTALL := $(UV) pip install --quiet --python $(BIN)/python
else
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif
# --no-deps: a lock is complete, and the pip of Python 3.11 would look past it for extras such as gql[requests].
FROM_LOCK := $(INSTALL) --no-deps --only-binary :all: --require-hashes -r
# Without build isolation: the build backend is in the lock as well, so pip fetches nothing that has no hash.
THIS := $(INSTALL) --no-deps --no-build-isolation --editable .

.PHONY: help report test slow exhaustive check docs release-check ui lock clean

help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' Makefile

report: .venv/.ready-run ## Set everything up, analyse examples/artifacts and print the path of the report
	@$(BIN)/chimera run $(ARTIFACTS)

test: .venv/.ready-dev ## Set everything up and run the tests
	@$(BIN)/python -m pytest -q -n auto --ignore tests/slow $(PYTEST_ARGS)

slow: .venv/.ready-all ## Set everything up and run the slow suites: real processes, faults, pages
	@$(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder tests/slow $(PYTEST_ARGS)

exhaustive: .venv/.ready-all ## The slow suites without sampling: every mutation, fault, failing server and subset (hours)
	@EXHAUSTIVE=1 $(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder tests/slow $(PYTEST_ARGS)

check: .venv/.ready-dev ## Lint, formatting, types, and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/unit/test_layers.py

docs: .venv/.ready-dev ## Build the documentation site into build/site, strictly
	$(BIN)/mkdocs build --strict --quiet

release-check: .venv/.ready-dev ## Build dist/ and check it, version and changelog against TAG=vX.Y.Z
	@rm -rf dist
	@$(BIN)/python -m build --no-isolation --outdir dist . >&2
	@$(BIN)/python .ci/release_check.py "$(TAG)" dist

ui: .venv/.ready-run ## Open the Dagster UI on http://127.0.0.1:3000
	@DAGSTER_HOME="$(HERE)/dagster_home" $(BIN)/dagster dev -w workspace.yaml -h 127.0.0.1 -p 3000

clean: ## Remove .venv, caches and build output; reports stay
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .benchmarks build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# all.lock is solved first and binds the others, so that one version of a package is in use everywhere.
# "make lock UPGRADE=--upgrade" moves every pin to the newest version that pyproject.toml allows.
UPGRADE ?=
COMPILE = uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--only-binary :all: --generate-hashes --no-emit-index-url --no-annotate \
	--custom-compile-command "make lock" --group build-backend $(UPGRADE)

lock: ## Solve requirements/*.lock anew from pyproject.toml (needs uv)
	$(COMPILE) --all-extras -o requirements/all.lock
	$(COMPILE) -c requirements/all.lock -o requirements/core.lock
	$(COMPILE) -c requirements/all.lock --extra llamacpp -o requirements/run.lock
	$(COMPILE) -c requirements/all.lock --extra postgres --extra s3 --extra alerts -o requirements/production.lock
	$(COMPILE) -c requirements/all.lock --extra llamacpp --extra postgres --extra s3 --extra alerts --extra dev -o requirements/dev.lock

# The scripts in .venv hold its path: a checkout that was moved needs a new one.
ifneq ($(shell cat .venv/.created 2>/dev/null),$(HERE))
.PHONY: .venv/.created
endif

.venv/.created:
	@rm -rf .venv; \
	for python in $(PYTHONS); do \
	    "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' >/dev/null 2>&1 || continue; \
	    if "$$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then \
	        "$$python" -m venv .venv && break; \
	    elif [ -n "$(UV)" ]; then \
	        "$(UV)" venv --quiet --python "$$python" .venv && break; \
	    else \
	        echo "$$python has no venv module (on Debian: apt install python3-venv)" >&2; \
	    fi; \
	done; \
	[ -x $(BIN)/python ] || { echo "No usable Python 3.11 to 3.14 found; tried: $(PYTHONS). Set PYTHON." >&2; exit 1; }
	@echo "Created .venv with $$($(BIN)/python --version)" >&2
	@printf '%s' "$(HERE)" > $@

.venv/.ready-run: .venv/.created requirements/run.lock pyproject.toml
	@echo "Installing requirements/run.lock into .venv" >&2
	@$(FROM_LOCK) requirements/run.lock >&2
	@$(THIS) >&2
	@touch $@

.venv/.ready-dev: .venv/.created requirements/dev.lock pyproject.toml
	@echo "Installing requirements/dev.lock into .venv" >&2
	@$(FROM_LOCK) requirements/dev.lock >&2
	@$(THIS) >&2
	@touch .venv/.ready-run $@

# Ray besides: 200 MB that only the slow suites and clusters need.
.venv/.ready-all: .venv/.created requirements/all.lock pyproject.toml
	@echo "Installing requirements/all.lock into .venv" >&2
	@$(FROM_LOCK) requirements/all.lock >&2
	@$(THIS) >&2
	@touch .venv/.ready-run .venv/.ready-dev $@
