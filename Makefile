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
POLICIES := build/checkov
POLICIES_STAMP := $(POLICIES)/.installed
ACTIONLINT := build/bin/actionlint-v1.7.12/actionlint
TFLINT := build/bin/tflint-v0.64.0/tflint
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

$(POLICIES_STAMP): requirements-checkov.lock | $(STAMP)
	@echo "Making $(POLICIES), the environment of checkov and cfn-lint (two minutes, once)"
	@$(BIN)/python -m venv --clear $(POLICIES)
	@$(POLICIES)/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes \
	  -r requirements-checkov.lock
	@touch $@

# Their version is in their folder's name, so that another one is another file to make.
$(ACTIONLINT):
	GOBIN="$(CURDIR)/$(@D)" go install github.com/rhysd/actionlint/cmd/actionlint@$(@D:build/bin/actionlint-%=%)

$(TFLINT):
	GOBIN="$(CURDIR)/$(@D)" go install github.com/terraform-linters/tflint@$(@D:build/bin/tflint-%=%)

.PHONY: lock
lock: ## Write the lock files anew from pyproject.toml (ARGS=--upgrade takes newer versions)
	@[ -x build/uv/bin/uv ] || { $(or $(PYTHON),python3) -m venv build/uv && build/uv/bin/pip install --quiet uv; }
	$(LOCK) pyproject.toml --extra local --group dev --output-file requirements.lock
	$(LOCK) --group build --output-file requirements-build.lock
	$(LOCK) --group ci --constraint requirements.lock --output-file requirements-ci.lock
	$(LOCK) --group checkov --output-file requirements-checkov.lock
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

.PHONY: maintain
maintain: $(STAMP) ## Compact the tables' files; delete those out of use for a week
	@$(BIN)/lakehouse maintain $(ARGS)

.PHONY: status
status: $(STAMP) ## Show the runs and what they still wait for
	@$(BIN)/lakehouse status $(ARGS)

.PHONY: invoke
invoke: $(STAMP) ## Run one Lambda (FUNCTION=extract EVENT=events/extract.json)
	@$(BIN)/lakehouse invoke $(FUNCTION) $(if $(EVENT),--event $(EVENT)) $(ARGS)

.PHONY: config
config: $(STAMP) ## Write what depends on configs.ini
	@$(BIN)/lakehouse config $(ARGS)

##@ On AWS
.PHONY: bootstrap
bootstrap: $(STAMP) ## Make the bucket for Terraform's state, once for an account
	@$(BIN)/lakehouse bootstrap $(ARGS)

.PHONY: plan
plan: $(STAMP) ## Show what a deployment would change
	@$(BIN)/lakehouse plan $(ARGS)

.PHONY: deploy
deploy: $(STAMP) ## Show what would change, ask (CONFIRM=1: don't), and do it
	@$(BIN)/lakehouse deploy $(if $(CONFIRM),--yes) $(ARGS)

.PHONY: destroy
destroy: $(STAMP) ## Say what would be deleted, ask for the environment's name, and delete it
	@$(BIN)/lakehouse destroy $(if $(CONFIRM),--yes) $(ARGS)

.PHONY: start
start: $(STAMP) ## Start a refresh and follow it (SOURCES="tmdb jikan" LIMIT=20 MAINTAIN=1; or FOLLOW=1)
	@$(BIN)/lakehouse start $(SOURCES) $(if $(LIMIT),--limit $(LIMIT)) $(if $(MAINTAIN),--maintain) \
	  $(if $(FOLLOW),--follow) $(ARGS)

.PHONY: rerun
rerun: $(STAMP) ## Run a Glue job again (JOB=silver RUN_ID=… TABLES=a,b FULL_REFRESH=1)
	@$(BIN)/lakehouse rerun $(JOB) $(if $(RUN_ID),--run-id $(RUN_ID)) \
	  $(if $(TABLES),--tables $(TABLES)) $(if $(FULL_REFRESH),--full-refresh) $(ARGS)

.PHONY: redrive
redrive: $(STAMP) ## Send again what failed for good (SOURCE=tmdb RUN_ID=…)
	@$(BIN)/lakehouse redrive $(SOURCE) $(if $(RUN_ID),--run-id $(RUN_ID)) $(ARGS)

.PHONY: athena
athena: $(STAMP) ## Query the tables in Athena (SQL="SELECT … FROM gold.movies_analytics" FORMAT=csv)
	@$(BIN)/lakehouse athena "$$LAKEHOUSE_SQL" $(if $(FORMAT),--format $(FORMAT)) $(ARGS)

##@ Working on it
.PHONY: test
test: $(STAMP) ## Run the tests (ARGS="-k movielens")
	@# Tests call make themselves, which would take this one's arguments from the environment.
	@env -u ARGS -u MAKEFLAGS -u MAKELEVEL -u MAKEOVERRIDES -u MFLAGS $(BIN)/python -m pytest $(ARGS)

# The larger linters run where they are installed already; with CI set, all that can be had are.
LARGER := $(if $(CI),$(CI_STAMP) $(POLICIES_STAMP) $(if $(shell command -v go),$(ACTIONLINT) $(TFLINT)))
there = $(or $(wildcard $(1)),$(filter $(1),$(LARGER)))

.PHONY: lint
lint: $(STAMP) $(LARGER) ## Check style, format and types (CI=1 installs and runs the larger linters too)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(if $(call there,$(CI_STAMP)),$(BIN)/hadolint Dockerfile)
	$(if $(call there,$(POLICIES_STAMP)),$(POLICIES)/bin/python $(POLICIES)/bin/cfn-lint template.yaml)
	$(if $(call there,$(ACTIONLINT)),$(ACTIONLINT))
	$(if $(call there,$(TFLINT)),for module in terraform terraform/modules/*/; do \
	  $(TFLINT) --chdir="$$module" --config="$(CURDIR)/.tflint.hcl"; done)
	$(if $(shell command -v terraform),terraform fmt -check -recursive terraform)
	$(if $(CI),@for tool in go terraform; do command -v $$tool >/dev/null \
	  || echo "$$tool is not installed: what needs it is not checked" >&2; done)

.PHONY: checkov
checkov: $(POLICIES_STAMP) ## Check terraform/, template.yaml, Dockerfile and workflows against checkov's policies
	$(POLICIES)/bin/python $(POLICIES)/bin/checkov --directory . --skip-path build --skip-path $(VENV) \
	  --framework terraform cloudformation dockerfile github_actions --skip-download --compact --quiet

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
