# Sapphire. `make` alone lists what there is to do; every target sets up what it needs.

SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEERS := $(VENV)/peers
UV_VERSION := 0.13.9
PACKAGES := contracts transforms pipelines agents execution infra

# The first Python from 3.11 to 3.13 that can make a virtual environment; PYTHON=... chooses another.
SUITS := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do \
	"$$name" -c '$(SUITS)' >/dev/null 2>&1 && { echo "$$name"; break; }; done)

.PHONY: help setup run test lint types imports check format bench schemas lock clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' \
		| while IFS=$$'\t' read -r name text; do printf '  \033[36m%-9s\033[0m %s\n' "$$name" "$$text"; done

setup: $(READY) ## Make .venv with the locked packages (the other targets do this by themselves)

$(READY): requirements.lock setup.py
	@if [ ! -x $(BIN)/python ]; then \
		if [ -z "$(PYTHON)" ]; then \
			echo "Sapphire needs Python 3.11, 3.12 or 3.13 with its venv module (Debian: apt install python3-venv);" \
				"none was found. Install one, or name it: make setup PYTHON=/path/to/python3.11" >&2; exit 1; fi; \
		echo "Making $(VENV) with $$($(PYTHON) --version)"; $(PYTHON) -m venv $(VENV); fi
	@$(BIN)/python -c '$(SUITS)' || { \
		echo "$(VENV) holds $$($(BIN)/python --version); Sapphire needs 3.11 to 3.13. Run: make clean setup" >&2; exit 1; }
	@echo "Installing the locked packages"
	@if $(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) 2>/dev/null; then \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes --compile-bytecode \
			-r requirements.lock && \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	else \
		echo "uv is not to be had for this machine: using pip, which is slower"; \
		$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock && \
		$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
	@touch $@

run: $(READY) ## Run the desk on this machine. FOR=60 seconds, SPEED=60, SUMMARY=s.json, RECORDING=file, LLM=model
	@$(BIN)/sapphire run $(if $(FOR),--for '$(FOR)') $(if $(SPEED),--speed '$(SPEED)') \
		$(if $(SUMMARY),--summary '$(SUMMARY)') $(if $(RECORDING),--recording '$(RECORDING)') $(if $(LLM),--llm '$(LLM)')

test: $(READY) ## Run every test, the end-to-end run included. ARGS='-k throttle' picks some
	@$(BIN)/python -m pytest $(ARGS)

lint: $(READY) ## Check style and formatting
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(READY) ## Check types
	@$(BIN)/mypy $(PACKAGES) tests/benchmarks

imports: $(READY) ## Check which package imports which
	@$(BIN)/lint-imports

check: lint types imports ## lint, types and imports

format: $(READY) ## Format the code and mend what can be mended
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

$(PEERS)/.ready: tests/benchmarks/peers.lock | $(READY)
	@echo "Installing what is measured beside our own and needs other libraries"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes --target $(PEERS) \
		-r tests/benchmarks/peers.lock && touch $@

bench: $(READY) $(PEERS)/.ready ## Measure, beside the peers. SECTION=throttle picks one, OUT=figures.json writes the figures
	@PYTHONPATH='$(CURDIR)/$(PEERS)' $(BIN)/python -m tests.benchmarks $(if $(SECTION),--section '$(SECTION)') $(if $(OUT),--out '$(OUT)')

schemas: $(READY) ## Write infra/bigquery's table schemas from the contracts
	@$(BIN)/sapphire bigquery schemas

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)
IMAGES := infra/docker/model-server

lock: $(READY) ## Pin setup.py's ranges for every platform. UPGRADE=1 takes the newest versions
	@$(LOCK) --all-extras --output-file requirements.lock setup.py
	@for image in server cpu; do \
		$(LOCK) --constraint requirements.lock --output-file $(IMAGES)/$$image.lock $(IMAGES)/$$image.in; done
	@$(LOCK) --output-file $(IMAGES)/lag-llama.lock $(IMAGES)/lag-llama.in
	@$(LOCK) --no-emit-package numpy --no-emit-package pyarrow \
		--output-file tests/benchmarks/peers.lock tests/benchmarks/peers.in

clean: ## Remove what can be made again: .venv, local state, caches
	@rm -rf $(VENV) .sapphire build dist ./*.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
