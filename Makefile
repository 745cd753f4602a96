# Loadstone. Two commands do all the set-up:
#   make examine TARGET=z     everything about a library, by name or path
#   make test                 lint, types, contracts, tests with branch coverage, documentation examples
#   make fuzz                 our own parsers under a fuzzer, a minute each

PYTHON ?= python3
TARGET ?= z
FUZZ_SECONDS ?= 60
VENV := .venv
BIN := $(VENV)/bin

.PHONY: examine test fuzz lint format bench docs clean help

help:
	@sed -n 's/^#   //p' Makefile

examine: $(VENV)/.installed
	@$(BIN)/loadstone examine $(TARGET) $(ARGS)

test: lint
	$(BIN)/pytest -n auto --dist worksteal --cov --cov-report=term $(ARGS)

lint: $(VENV)/.development
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

# The fuzzer lives in an environment of its own: there is none for every platform that the tests run on.
fuzz: .venv-fuzz/.installed
	.venv-fuzz/bin/python -m fuzz --seconds $(FUZZ_SECONDS) $(PARSERS)

format: $(VENV)/.development
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# The peers that figures are compared with live in an environment of their own.
bench: .venv-bench/.installed
	.venv-bench/bin/python -m bench $(ONLY)

docs: $(VENV)/.development
	$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) .venv-bench .venv-fuzz build src/loadstone.egg-info

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Loadstone needs Python 3.11 or newer; say which one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "setting up $(VENV) ..." >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . >&2
	@touch $@

$(VENV)/.development: pyproject.toml $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --editable '.[fuzz,cffi,engines]' --group lint --group test
	@touch $@

.venv-bench/.installed: pyproject.toml
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@.venv-bench/bin/python -m pip install --quiet --editable '.[fuzz,cffi]' --group bench
	@touch $@

.venv-fuzz/.installed: pyproject.toml
	@$(PYTHON) -m venv .venv-fuzz
	@.venv-fuzz/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@.venv-fuzz/bin/python -m pip install --quiet --editable . --group fuzz
	@touch $@
