# Needs Python 3.11 or newer and make; fetches everything else. `make` alone lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PYTEST := $(BIN)/pytest -n auto --dist worksteal
INSTALL := $(PIP) install --quiet --constraint constraints.txt --editable
HAS_POSTGRES = [ -n "$$FAULTBOOK_TEST_POSTGRES" ] || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null
CHROMIUM_NAMES := chromium chromium-browser google-chrome google-chrome-stable

# Tests start the program many times: without compiled modules that takes twice as long each time.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test check lint audit bench validate-exports chromium postgres torture screenshots clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | column -t -s '|'

demo: $(VENV)/.demo ## Install, load the demo project, serve it and print the URL
	@$(BIN)/faultbook demo

test: $(VENV)/.dev chromium postgres lint ## Check style and types, run every test, on both databases
	$(PYTEST) --durations 15 --db $$($(HAS_POSTGRES) && echo both || echo sqlite)
	@$(HAS_POSTGRES) || echo "PostgreSQL is missing: its tests were left out. Install the package postgresql to run them." >&2

check: $(VENV)/.dev lint ## The fast half of `make test`: everything but the browser
	$(PYTEST) -m "not browser"

torture: $(VENV)/.dev chromium postgres ## Long rounds: processes killed, disks filled, big hostile files: ROUNDS=5 for fewer, ARGS="-k disk" for some
	FAULTBOOK_TORTURE=1 FAULTBOOK_TORTURE_ROUNDS=$(ROUNDS) FAULTBOOK_TORTURE_REPORT=docs/torture.md \
	  $(BIN)/pytest tests/torture tests/server/api/test_schema.py --db $$($(HAS_POSTGRES) && echo both || echo sqlite) $(ARGS)

audit: $(VENV)/.made ## Ask the advisory databases about every pinned package; needs the internet
	$(BIN)/python -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip --disable-pip-version-check install --quiet pip-audit
	$(VENV)/audit/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip --strict

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --lint --quiet templates

validate-exports: $(VENV)/.dev ## Let the tools that exports are for read and run them: ARGS="promptfoo inspect-ai" for some
	$(BIN)/python -m tests.validate_exports $(ARGS)

bench: $(VENV)/.dev ## Measure every promise of speed and size beside other tools: ROW=import for one row, ARGS=--quick for a few minutes
	$(BIN)/python -m benchmarks $(ROW) $(ARGS)

screenshots: $(VENV)/.dev chromium ## Make every picture of docs/images anew: ARGS="--all screenshots" for every page instead
	$(BIN)/python -m docs.screenshots $(ARGS)

clean: ## Remove the virtual environment and caches, never data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed. Name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "No virtual environment could be made. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)/.made
	$(INSTALL) '.[embed,offline-model]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/.made
	$(INSTALL) '.[dev,embed,offline-model]'
	@touch $@ $(VENV)/.demo

chromium: $(VENV)/.dev
	@for name in $(CHROMIUM_NAMES); do command -v $$name >/dev/null && exit 0; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get -qq update \
	  && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends chromium >/dev/null \
	  && command -v chromium >/dev/null; then exit 0; fi; \
	$(BIN)/playwright install chromium || { \
	  echo "The browser tests need Chromium: install it, then run make again. make check goes without." >&2; exit 1; }

# A throw-away cluster is made from these binaries; the package's own cluster is neither made nor used.
postgres:
	@if $(HAS_POSTGRES); then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  mkdir -p /etc/postgresql-common/createcluster.d && \
	  echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.d/faultbook.conf && \
	  apt-get -qq update && \
	  DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends postgresql >/dev/null; fi; \
	if $(HAS_POSTGRES) || [ "$$CI" != true ]; then exit 0; fi; \
	echo "CI needs PostgreSQL: install it, or name a server in FAULTBOOK_TEST_POSTGRES." >&2; exit 1
