# `make` alone lists the targets. On a fresh clone each of them sets up what it needs first.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
STAMP := $(VENV)/.installed
CI_STAMP := $(VENV)/.installed-ci
LOCKS := requirements-build.lock requirements.lock

# Read by recipes from the environment, so that quotes and dollars in SQL reach DuckDB untouched.
export LAKEHOUSE_SQL := $(value SQL)

# A virtual environment holds absolute paths: where the folder was moved or copied, make another.
MOVED := $(if $(filter-out $(CURDIR),$(shell cat $(STAMP) 2>/dev/null)),moved)

##@ Set-up
.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: init
init: install $(CI_STAMP) ## Set up a clone for working on it: install, and check at every git commit
	$(BIN)/pre-commit install

.PHONY: install
install: $(STAMP) ## Make .venv with all dependencies, JARs and, if need be, a Java (PYTHON=…)

.PHONY: moved
moved:

$(STAMP): $(LOCKS) pyproject.toml $(MOVED)
	@rm -f $(CI_STAMP)
	@if ! $(BIN)/python -c 'import pip' 2>/dev/null || [ -n "$(MOVED)" ]; then \
	  python=; \
	  for name in $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python); do \
	    if "$$name" -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	      2>/dev/null; then python=$$name; break; fi; \
	  done; \
	  if [ -z "$$python" ]; then \
	    echo "No Python 3.11, 3.12 or 3.13 with its venv module found$(if $(PYTHON), as $(PYTHON))." \
	      "Install one (Debian: apt install python3 python3-venv), or name one:" \
	      "make install PYTHON=/path/to/python3.13" >&2; \
	    exit 1; \
	  fi; \
	  echo "Making $(VENV) with $$("$$python" --version)"; \
	  rm -f $(STAMP); \
	  "$$python" -m venv --clear $(VENV); \
	fi
	@echo "Installing the locked dependencies (about a minute, once)"
	@$(PIP) install --quiet --require-hashes -r requirements-build.lock
	@$(PIP) install --quiet --require-hashes --no-build-isolation -r requirements.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m data_pipeline.local.spark
	@echo "$(CURDIR)" > $(STAMP)

$(CI_STAMP): requirements-ci.lock $(STAMP)
	@$(PIP) install --quiet --require-hashes -r requirements-ci.lock
	@touch $(CI_STAMP)

.PHONY: lock
lock: ## Write the lock files anew from pyproject.toml (ARGS=--upgrade takes newer versions)
	@[ -x build/uv/bin/uv ] || { $(or $(PYTHON),python3) -m venv build/uv && build/uv/bin/pip install --quiet uv; }
	$(LOCK) pyproject.toml --extra local --group dev --output-file requirements.lock
	$(LOCK) --group build --output-file requirements-build.lock
	$(LOCK) --group ci --constraint requirements.lock --output-file requirements-ci.lock
	$(LOCK_LAYER) --group layer --constraint requirements.lock --output-file requirements-layer.lock

COMPILE = build/uv/bin/uv pip compile --quiet --generate-hashes --no-header --no-annotate $(ARGS)
LOCK = $(COMPILE) --universal --python-version 3.11
LOCK_LAYER = $(COMPILE) --python-platform aarch64-manylinux2014 --python-version 3.13

##@ The lakehouse, locally
.PHONY: run
run: $(STAMP) ## Run the whole pipeline (SOURCES="tmdb movielens" LIVE=1 LIMIT=20 ARGS="--as-of 2026-11-21")
	@$(BIN)/lakehouse run $(SOURCES) $(if $(LIVE),--live) $(if $(LIMIT),--limit $(LIMIT)) $(ARGS)

.PHONY: query
query: $(STAMP) ## Query the tables in Athena's SQL (SQL="SELECT …" FORMAT=csv)
	@$(BIN)/lakehouse query "$$LAKEHOUSE_SQL" $(if $(FORMAT),--format $(FORMAT)) $(ARGS)

.PHONY: tables
tables: $(STAMP) ## List the tables: rows, columns, address, last load
	@$(BIN)/lakehouse tables $(ARGS)

.PHONY: status
status: $(STAMP) ## Show the runs and what they still wait for
	@$(BIN)/lakehouse status $(ARGS)

.PHONY: invoke
invoke: $(STAMP) ## Run one Lambda (FUNCTION=extract EVENT=events/extract.json)
	@$(BIN)/lakehouse invoke $(FUNCTION) $(if $(EVENT),--event $(EVENT)) $(ARGS)

.PHONY: config
config: $(STAMP) ## Write what depends on configs.ini
	@$(BIN)/lakehouse config $(ARGS)

##@ Working on it
.PHONY: test
test: $(STAMP) ## Run the tests (ARGS="-k movielens")
	@$(BIN)/python -m pytest $(ARGS)

.PHONY: lint
lint: $(STAMP) $(if $(CI),$(CI_STAMP)) ## Check style, format and types (CI=1 installs and runs the larger linters too)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(if $(wildcard $(BIN)/hadolint)$(CI),$(BIN)/hadolint Dockerfile)

.PHONY: format
format: $(STAMP) ## Format the code and repair what ruff can repair
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: build
build: $(STAMP) ## Build the Lambdas' zip and their layer: build/lambda.zip, build/layer.zip
	@$(BIN)/python -m data_pipeline.local.package

.PHONY: package
package: $(STAMP) ## Build all that a deployment uploads: also build/data_pipeline.zip for the Glue jobs
	@$(BIN)/python -m data_pipeline.local.package --glue

.PHONY: clean
clean: ## Remove what the build and the tests left; .venv and the lake stay
	rm -rf build .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

.PHONY: reset
reset: ## Say what removing the local lake and .venv would delete; CONFIRM=1 does it
	@for path in $${LAKEHOUSE_HOME:-.lakehouse} $(VENV); do \
	  [ -e "$$path" ] || continue; \
	  if [ "$(CONFIRM)" = 1 ]; then rm -rf "$$path"; echo "deleted $$path"; \
	  else echo "would delete $$path ($$(du -sh "$$path" | cut -f1)); make reset CONFIRM=1 does it"; fi; \
	done
