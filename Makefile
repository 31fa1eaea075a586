# The front door. `make demo` and `make test` need nothing but Python 3.11 or newer and this folder.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { command -v "$$p"; break; }; done)
BIN := .venv/bin
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# Benchmarks of hours or of a card, and what the others import or start with arguments of their own.
LONG := $(addprefix benchmarks/,study.py memory.py engram.py card.py)
PARTS := $(wildcard benchmarks/*_worker.py benchmarks/*_peers.py) \
	$(addprefix benchmarks/,kept.py rivals.py pandas_columns.py pandas_families.py)
SOURCES := $(shell find src -name '*.py')
PINS := pyproject.toml constraints.txt

.NOTPARALLEL:
.PHONY: help demo test check bench soak study docs wheel clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/:[^#]*## /\t/' | expand -t 8

demo: .venv/.warm ## install if needed, then show what folkmoot does (offline, no key)
	@$(BIN)/folkmoot demo

test: check .venv/.warm ## lint, types, layers, laws, and the wheel in an empty environment
	@mkdir -p build
	$(BIN)/python -m pytest -n 2 --dist loadgroup -q -rs --junitxml=build/tests.xml
	@$(MAKE) --no-print-directory wheel

check: .venv/.dev ## lint, format, types and import layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check --quiet
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.bench ## measure speed, with rivals in the same run
	@for file in $(filter-out $(LONG) $(PARTS),$(wildcard benchmarks/*.py)); do \
		$(BIN)/python "$$file"; done

soak: .venv/.dev .venv/.warm ## twenty seeds of the worlds and of every member; kills of a study, a fit, a desk
	@mkdir -p build
	$(BIN)/folkmoot demo --seeds 20 --first-seed 20 --json > build/soak.json
	$(BIN)/python -m tests.proof.soak 50
	$(BIN)/python -m tests.models.soak 20
	$(BIN)/python -m tests.models.killed_fits 20
	$(BIN)/python -m tests.desk.soak 50 4000 1000
	$(BIN)/python -m tests.desk.soak 50 1000 1

study: .venv/.dev .venv/.warm ## fit every member on hourly Bitcoin and in the worlds; hours, resumes
	$(BIN)/python benchmarks/study.py --workers 2
	$(BIN)/python benchmarks/memory.py --workers 2
	$(BIN)/python benchmarks/engram.py --workers 2
	$(BIN)/python docs/generate.py

docs: .venv/.dev ## refresh generated passages, then write the pages to build/site
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/names.py
	@[ ! -d ../shared ] || $(BIN)/python -m docs.oracles
	$(BIN)/python docs/generate.py --site build/site

# setuptools copies what it finds in build/lib into the wheel, deleted modules included.
wheel: .venv/.dev build/empty/.made ## install the wheel in an empty environment, import every module
	@rm -rf build/lib build/bdist.* build/wheel
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir build/wheel .
	@build/empty/bin/python -m pip uninstall -qq --yes folkmoot
	@build/empty/bin/python $(PIP_INSTALL) --no-compile build/wheel/*.whl
	@build/empty/bin/python -m pip --disable-pip-version-check check
	@cd build && empty/bin/python -I ../.ci/imports.py ../src/folkmoot

clean: ## remove the environment and everything that was built
	rm -rf .venv build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@[ -n "$(PYTHON)" ] || { echo "needs Python 3.11 or newer; none found on the path" >&2; exit 1; }
	@$(PYTHON) -m venv .venv

.venv/.core: $(PINS) | .venv/bin/python
	@echo "installing the core packages into .venv" >&2
	@$(BIN)/python $(PIP_INSTALL) --editable .
	@touch $@

.venv/.dev: $(PINS) | .venv/bin/python
	@echo "installing the packages and the development tools into .venv" >&2
	@$(BIN)/python $(PIP_INSTALL) --editable '.[dev,exchange,neural,boost,onnx,tune]'
	@touch .venv/.core $@

.venv/.bench: .venv/.core
	@$(BIN)/python $(PIP_INSTALL) --editable '.[bench]'
	@touch $@

# numba looks at the file of a function, not at those of the functions compiled into it: what is kept
# of an older tree would answer with old code.
.venv/.warm: .venv/.core $(SOURCES)
	@find src -name '*.nbc' -delete -o -name '*.nbi' -delete
	@$(BIN)/python -m folkmoot.app.warm
	@touch $@

build/empty/.made: $(PINS) | .venv/bin/python
	@rm -rf build/empty
	@$(BIN)/python -m venv build/empty
	@touch $@
