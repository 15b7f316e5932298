# Everything is installed into .venv and .tools; outside are only two Debian packages: chromium for the browser
# tests, and bubblewrap, in which analysed apps run.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.batchnb-installed
WORKERS ?= 2

.PHONY: help demo test test-slow test-online lab lint format types layers check bench constraints package clean tools browser bubblewrap

help:  ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[all]' --group dev
	touch $@

tools: $(STAMP)  # no stamp: it is quick if all is there, and BATCHNB_TOOLS may name another folder each time
	$(BIN)/batchnb tools install

demo: tools bubblewrap  ## Analyse the sample portfolio: an executed notebook and an HTML report in build/demo
	$(BIN)/python scripts/demo.py build/demo

test: tools browser bubblewrap  ## Run every test that needs no network and is not marked slow
	$(BIN)/pytest -q -p no:randomly --nbval-lax notebooks  # cells run in their order
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup -m "not online and not slow" --cov --cov-report=term:skip-covered

test-slow: tools browser bubblewrap  ## Run the long tests
	$(BIN)/pytest -m "slow and not online"  # one by one: many of them measure times

test-online: tools browser bubblewrap  ## Run the tests that need the package registries
	$(BIN)/pytest -m online

lab: tools  ## Open JupyterLab on the notebooks
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) notebooks

lint: $(STAMP)  ## Check style, types and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/nbstripout --verify notebooks/*.ipynb

format: $(STAMP)  ## Format the code and strip the notebooks
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/nbstripout notebooks/*.ipynb

bench: tools  ## Print the figures that the docs quote, beside other systems' (BENCH=--quick: rough ones)
	$(BIN)/pip install --quiet --constraint constraints.txt --group bench
	$(BIN)/python -m benchmarks.run $(BENCH)

constraints:  ## Renew constraints.txt from a fresh environment
	rm -rf build/constraints && $(PYTHON) -m venv build/constraints
	build/constraints/bin/pip install --quiet --upgrade pip
	build/constraints/bin/pip install --quiet --editable '.[all]' --group dev --group bench
	build/constraints/bin/pip freeze --all --exclude-editable > constraints.txt

package: $(STAMP)  ## Build the wheel, in dist
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .

browser:
	@scripts/need-debian chromium

bubblewrap:
	@scripts/need-debian bubblewrap

clean:  ## Remove everything that was built or installed here
	rm -rf $(VENV) .tools build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage*
