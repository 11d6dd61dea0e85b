# Every target makes the environment that it needs; PYTHON picks the interpreter (3.10 to 3.13).
PYTHON ?= python3
VENV ?= .venv
# Tests that run beside each other.
WORKERS ?= 2
BIN = $(VENV)/bin
PIP = $(BIN)/pip --disable-pip-version-check
export OMP_NUM_THREADS ?= 1
export TOKENIZERS_PARALLELISM ?= false

.PHONY: help demo test test-slow lint bench clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(VENV)/.installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -q -c constraints.txt -e '.[offline,excel,plot,lora,tune,test,lint]'
	@if ! $(BIN)/python -c 'import importlib.util as u, sys; sys.exit(u.find_spec("recbole") is None)'; then \
		$(PIP) install -q --no-deps recbole==1.2.1; fi
	touch $@

demo: $(VENV)/.installed  ## train and evaluate KTRec on ml-100k with a real pre-trained text encoder
	$(BIN)/ktrec run --model=KTRec --dataset=ml-100k

test: $(VENV)/.installed  ## the fast tests
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile

test-slow: $(VENV)/.installed  ## the slow tests and those on real data
	$(BIN)/python -m pytest -q -m 'slow or realdata'

lint: $(VENV)/.installed  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/.installed  ## two measurements of benchmarks/ into .bench/: a batch's cost, built-ins on ml-100k (long)
	mkdir -p .bench
	$(BIN)/python benchmarks/scaling/batch_cost.py --output .bench/batch_cost.json
	$(BIN)/python benchmarks/compare.py fair/seven --name "$(CURDIR)/.bench/seven"

clean:  ## remove the environment and what the tools left
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
