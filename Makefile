# EqSpike. `make` alone lists the targets; each sets up what it needs, once.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV     := .venv
BIN      := $(VENV)/bin
PIP      := $(BIN)/python -m pip --disable-pip-version-check -qq
PACKAGES := golden rtl fpga cocotb_tests scripts

BOARD       ?= icebreaker
CONFIG      ?= configs/digits.yaml
RUNS        ?= $(wildcard runs/*)
PYTEST_ARGS ?=

.PHONY: help setup doctor demo test lint format bitstream report clean distclean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile
	@echo "  variables:       BOARD=$(BOARD) CONFIG=$(CONFIG) RUNS='runs/one runs/two' PYTEST_ARGS='-m \"not slow\"'"

setup: doctor $(VENV)/.installed ## make .venv with the pinned dependencies (again only when they change)

doctor: # silent unless something is missing
	@sh scripts/doctor.sh

$(VENV)/.requirements: requirements.txt
	@sh scripts/doctor.sh --all
	@python=$$(sh scripts/doctor.sh --python) && echo "setup: $(VENV) with $$python" && $$python -m venv --clear $(VENV)
	@echo "setup: installing the pinned dependencies (about a minute)"
	@$(PIP) install -r requirements.txt
	@[ -n "$$($(BIN)/python -m find_libpython)" ] || { rm -rf $(VENV); echo "missing: the shared libpython of this" \
	    "Python, which cocotb loads (Debian, Ubuntu: apt-get install libpython3-dev)" >&2; exit 1; }
	@touch $@

# The __init__.py files: a package that is new at the top level must enter the editable install.
$(VENV)/.installed: $(VENV)/.requirements pyproject.toml $(wildcard $(PACKAGES:%=%/__init__.py))
	@echo "setup: installing eqspike from this folder"
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## train the small network on golden model and RTL, and show that they agree
	@$(BIN)/eqspike demo

test: lint ## lint, then every test, on all cores
	@$(BIN)/python -m pytest -n auto --dist worksteal $(PYTEST_ARGS)

lint: setup ## check style and format
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "lint: run 'make format'" >&2; exit 1; }

format: setup ## bring the format in order
	@$(BIN)/ruff format .

bitstream: setup ## build CONFIG for BOARD
	@$(BIN)/eqspike build $(CONFIG) --board $(BOARD)

report: setup ## one HTML page from RUNS
	@[ -n "$(strip $(RUNS))" ] || { echo "report: no runs yet: 'make demo' or 'eqspike train' makes one" >&2; exit 1; }
	@$(BIN)/eqspike report $(RUNS)

clean: ## remove what builds and tests left; runs/ and .venv stay
	@rm -rf build dist sim_build cocotb_tests/sim_build .pytest_cache .ruff_cache
	@find . -path ./$(VENV) -prune -o -path ./runs -prune -o -type d -name __pycache__ -exec rm -rf {} +

distclean: clean ## also remove .venv; runs/ stays
	@rm -rf $(VENV) *.egg-info
