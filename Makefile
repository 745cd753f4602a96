# Loadstone. Two commands do all the set-up:
#   make examine TARGET=z     everything about a library, by name or path
#   make test                 the tests, in some minutes; what a missing tool costs is said at the end
# More:
#   make check                in half a minute: lint, types, contracts, and the tests of what changed
#   make test-all             lint and every test, the slow ones too, with branch coverage and its bar
#   make test-pythons         the library's tests on each Python from 3.11 on: CPython, free-threaded, PyPy
#   make system-packages      install the tools that tests ask for (apt, dnf, apk or brew)
#   make mutants ONLY=core    change one package in small ways and list the changes that no test notices
#   make fuzz                 our own parsers under a fuzzer, a minute each
#   make bench                figures beside those of our peers
#   make ratios               the few of them that CI holds
#   make docs                 write the generated pages and build the site (build/site); a warning is an error
#   make release-check        build what a release publishes, install it where no compiler is, and use it
#   make lock                 bring the pinned versions (locks/) up to date

PYTHON ?= python3
TARGET ?= z
ONLY ?=
FUZZ_SECONDS ?= 60
VENV := .venv
BIN := $(VENV)/bin
# What works the same on every platform; probe and the processes of fuzz are Linux.
PORTABLE := $(addprefix src/loadstone/,errors.py core binary linker archives library plugin review report cli)
# What is installed is what locks/ names, by digest; ours is built with the locked build tool.
INSTALL := -m pip install --quiet --disable-pip-version-check
LOCKED := $(INSTALL) --require-hashes --requirement
OURS := $(INSTALL) --no-deps --no-build-isolation --editable .
PYTEST := -m pytest --numprocesses auto --dist worksteal

.PHONY: examine test test-all test-pythons check lint types system-packages mutants fuzz format bench ratios docs lock release-check clean help

help:
	@sed -n 's/^#   //p' Makefile

examine: $(VENV)/.installed
	@$(BIN)/loadstone examine $(TARGET) $(ARGS)

# Hundreds of children start from the bytecode that is kept, so it is kept whatever the environment says.
test test-all: export PYTHONDONTWRITEBYTECODE :=

test: $(VENV)/.development
	$(BIN)/python $(PYTEST) -m "not slow" --hypothesis-profile=quick $(ARGS)

test-all: lint
	$(BIN)/python $(PYTEST) --cov --cov-report=term $(ARGS)

test-pythons:
	$(PYTHON) -m tools.pythons $(ARGS)

check: lint
	$(BIN)/python -m tools.changed $(ARGS)

lint: $(VENV)/.development
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy --platform darwin --follow-imports silent $(PORTABLE)
	$(BIN)/mypy --platform win32 --follow-imports silent $(PORTABLE)
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

system-packages:
	$(PYTHON) -m tools.system_packages $(ARGS)
	@rm -f $(VENV)/.installed  # a compiler may have come: our extension is built again

mutants: $(VENV)/.mutants
	$(BIN)/python -m tools.mutants $(ONLY) $(ARGS)

# The fuzzer lives in an environment of its own: there is none for every platform that the tests run on.
fuzz: .venv-fuzz/.installed
	.venv-fuzz/bin/python -m fuzz --seconds $(FUZZ_SECONDS) $(PARSERS)

format: $(VENV)/.development
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# The peers that figures are compared with live in an environment of their own.
bench: .venv-bench/.installed
	.venv-bench/bin/python -m bench $(ONLY)

# A few of them beside what every Python has, with margins that only a real loss exceeds.
ratios: $(VENV)/.development
	$(BIN)/python -m bench ratios --bars

docs: .venv-docs/.installed
	.venv-docs/bin/python docs/generate.py
	.venv-docs/bin/python docs/packages.py
	.venv-docs/bin/python -m mkdocs build --strict

release-check: .venv-release/.installed
	.venv-release/bin/python -m tools.release $(ARGS)

lock: .venv-lock/.installed
	.venv-lock/bin/python -m tools.lock $(ARGS)

clean:
	rm -rf $(VENV) .venv-bench .venv-docs .venv-fuzz .venv-lock .venv-release build mutants src/loadstone.egg-info

# $(call environment,FOLDER): a virtual environment, or what to do about it.
define environment
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Loadstone needs Python 3.11 or newer; say which one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@[ -x $(1)/bin/pip ] || $(PYTHON) -m venv $(1) || { rm -rf $(1); \
	  echo "$(PYTHON) cannot make a virtual environment; on Debian, install python3-venv" >&2; exit 1; }
endef

$(VENV)/.installed: locks/run.txt pyproject.toml setup.py
	$(call environment,$(VENV))
	@echo "setting up $(VENV) ..." >&2
	@$(BIN)/python $(LOCKED) locks/run.txt >&2
	@$(BIN)/python $(OURS) >&2
	@touch $@

$(VENV)/.development: locks/development.txt $(VENV)/.installed
	@echo "setting up the tests' tools in $(VENV) ..." >&2
	@$(BIN)/python $(LOCKED) locks/development.txt
	@touch $@

$(VENV)/.mutants: locks/mutants.txt $(VENV)/.development
	@$(BIN)/python $(LOCKED) locks/mutants.txt
	@touch $@

.venv-bench/.installed .venv-docs/.installed .venv-fuzz/.installed .venv-lock/.installed .venv-release/.installed: .venv-%/.installed: locks/%.txt pyproject.toml
	$(call environment,.venv-$*)
	@.venv-$*/bin/python $(LOCKED) locks/$*.txt
	@.venv-$*/bin/python $(OURS)
	@touch $@
