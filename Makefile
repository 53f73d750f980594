# Works on a machine with Python 3.11+, make and the package registries; everything else is set up in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARTICLE ?=
STUDY ?=

.DEFAULT_GOAL := help
.PHONY: help setup report test lab check docs bench lock clean

help:  ## show the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP)  ## make .venv from requirements.lock

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; call make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

report: $(STAMP)  ## render the notebooks in Chinese and English into reports/ (STUDY=study.yaml for your own)
	$(BIN)/reform-analysis render $(STUDY)

test: $(STAMP)  ## run the tests
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

lab: $(STAMP)  ## open JupyterLab in notebooks/
	$(BIN)/jupyter lab --notebook-dir=notebooks

check: $(STAMP)  ## lint, types, docstrings, notebooks, data dictionary; ARTICLE=path also checks the quotes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/numpydoc lint src/reform_analysis/*.py
	$(BIN)/nbstripout --verify notebooks/*.ipynb
	$(BIN)/python data/build.py --check
	@if [ -n "$(ARTICLE)" ]; then $(BIN)/python data/check_quotes.py "$(ARTICLE)"; fi

docs: $(STAMP)  ## build the documentation into docs/_build/html
	$(BIN)/sphinx-build --fail-on-warning --fresh-env --write-all --keep-going --quiet docs docs/_build/html

bench: $(STAMP)  ## run the benchmarks: speed against a rival in the same run
	@for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

lock: $(STAMP)  ## resolve requirements.lock anew from pyproject.toml
	$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  --python-version 3.11 --all-extras pyproject.toml --output-file requirements.lock

clean:  ## remove .venv, caches and rendered reports
	rm -rf $(VENV) dist build docs/_build docs/generated docs/api/generated .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find reports -mindepth 1 ! -name README.md -delete
