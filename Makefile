# Python 3.11 or newer and make are all it takes; everything else is installed into .venv.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(firstword $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p; done))
UV := UV_PROJECT_ENVIRONMENT=$(VENV) UV_COMPILE_BYTECODE=1 $(BIN)/uv sync --frozen --inexact --quiet

.PHONY: help setup run demo test check format bench torture clients
.DEFAULT_GOAL := help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## Install AMP into .venv

run: setup ## Start everything on http://127.0.0.1:8080
	@exec $(BIN)/amp serve

demo: setup ## Watch a mission of two weeks in a minute
	@exec $(BIN)/amp demo

test: $(VENV)/.installed-dev ## Run all tests, on a real PostgreSQL
	@$(BIN)/pytest

check: $(VENV)/.installed-dev ## Format, lint, types, import rules, documents
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/ruff check --quiet
	@$(BIN)/pyright --warnings
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python docs/reference/generate.py --check

format: $(VENV)/.installed-dev ## Format the code and write the generated documents
	@$(BIN)/ruff check --fix --quiet
	@$(BIN)/ruff format --quiet
	@$(BIN)/python docs/reference/generate.py

bench: $(VENV)/.installed-dev ## Run the benchmarks, each against a yardstick of the same run
	@for bench in api publish upload footprint optimizer; do $(BIN)/python bench/$$bench.py || exit 1; done

torture: $(VENV)/.installed-dev ## Kill processes at random and count what was published
	@$(BIN)/python bench/torture.py

clients: $(VENV)/.installed-dev ## Run the vendors' own Python clients against the sandbox
	@test -d $(VENV)-clients || $(BIN)/uv venv --quiet $(VENV)-clients
	@$(BIN)/uv pip install --quiet --python $(VENV)-clients/bin/python -r tests/clients/requirements.txt
	@$(BIN)/python tests/clients/check.py $(VENV)-clients/bin/python

$(BIN)/uv:
	@test -n "$(PYTHON)" || { echo "AMP needs Python 3.11 or newer: python.org, or your package manager"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ echo "Python's venv module is missing: on Debian and Ubuntu, apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.installed: $(BIN)/uv uv.lock pyproject.toml
	@$(UV) --no-dev
	@touch $@

$(VENV)/.installed-dev: $(BIN)/uv uv.lock pyproject.toml
	@$(UV)
	@touch $@ $(VENV)/.installed
