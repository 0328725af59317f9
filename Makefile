# EqSpike. `make` alone lists the targets; each sets up what it needs, once.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV     := .venv
BIN      := $(VENV)/bin
PIP      := $(BIN)/python -m pip --disable-pip-version-check -qq
PACKAGES := eqspike base golden rtl sim fpga asic lab scripts configs experiments

BOARD       ?= icebreaker
CONFIG      ?= configs/digits.yaml
RUNS        ?= $(wildcard runs/*)
PYTEST_ARGS ?=
MUTANTS_ARGS ?=

.PHONY: help setup demo test check prove coverage lint format docs mutants bitstream report clean distclean doctor-setup doctor-demo doctor-test
.NOTPARALLEL: # what the system lacks is installed before .venv is made, and .venv before anything runs

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile
	@echo "  variables:       BOARD=$(BOARD) CONFIG=$(CONFIG) RUNS='runs/one runs/two' PYTEST_ARGS='-k link'"

setup: doctor-setup $(VENV)/.installed ## make .venv with the pinned dependencies (again only when they change)

doctor-setup doctor-demo doctor-test: # installs what the system lacks where it may; silent when nothing is missing
	@sh scripts/doctor.sh $(@:doctor-%=%) --install

$(VENV)/.requirements: requirements.txt
	@python=$$(sh scripts/doctor.sh --python) && echo "setup: $(VENV) with $$python" && $$python -m venv --clear $(VENV)
	@echo "setup: installing the pinned dependencies (about a minute)"
	@$(PIP) install -r requirements.txt
	@touch $@

# The __init__.py files: a package that is new at the top level must enter the editable install.
$(VENV)/.installed: $(VENV)/.requirements pyproject.toml $(wildcard $(PACKAGES:%=%/__init__.py))
	@echo "setup: installing eqspike from this folder"
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

demo: doctor-demo setup ## train the small network on golden model and RTL, and show that they agree
	@$(BIN)/eqspike demo

test: doctor-test lint ## lint, then every test, on all cores
	@$(BIN)/python -m pytest -n auto --dist worksteal $(PYTEST_ARGS)

check: doctor-test lint ## lint, then the quick part of the tests
	@$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow and not soak" $(PYTEST_ARGS)

prove: setup ## prove properties of the circuit, each with two solvers, and write docs/trust.md
	@$(BIN)/python -m formal --write

lint: setup ## check style and format
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "lint: run 'make format'" >&2; exit 1; }

format: setup ## bring the format in order
	@$(BIN)/ruff format .

coverage: doctor-test setup ## what the compiled tests run of rtl/: results/coverage.json
	@rm -rf build/coverage
	@EQSPIKE_COVERAGE=$(CURDIR)/build/coverage $(BIN)/python -m pytest -n auto --dist worksteal -k verilator cocotb_tests $(PYTEST_ARGS)
	@$(BIN)/python -m cocotb_tests.coverage build/coverage results/coverage.json

docs: setup ## the documentation as a site in site/, with every broken link an error; with zig, the page of the chip in it
	@if [ -x $(BIN)/python-zig ] || [ -n "$$ZIG" ] || command -v zig >/dev/null; then $(BIN)/eqspike page digits -o build/page/digits.html; fi
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

mutants: doctor-test setup ## plant small changes in rtl/ until 1,000 were put to the tests (hours; goes on where it was)
	@$(BIN)/python -W ignore -m cocotb_tests.mutants $(MUTANTS_ARGS)

bitstream: setup ## build CONFIG for BOARD
	@$(BIN)/eqspike build $(CONFIG) --board $(BOARD)

report: setup ## one HTML page from RUNS
	@[ -n "$(strip $(RUNS))" ] || { echo "report: no runs yet: 'make demo' or 'eqspike train' makes one" >&2; exit 1; }
	@$(BIN)/eqspike report $(RUNS)

clean: ## remove what builds and tests left; runs/ and .venv stay
	@rm -rf build dist site sim_build cocotb_tests/sim_build .pytest_cache .ruff_cache
	@find . -path ./$(VENV) -prune -o -path ./runs -prune -o -type d -name __pycache__ -exec rm -rf {} +

distclean: clean ## also remove .venv; runs/ stays
	@rm -rf $(VENV) *.egg-info
