# Every target is a line or two on top of `python -m lab`; variables go through by name: `make load USERS=5`.
# (make itself ends with 2 for every failure: scripts that tell exit codes apart call `.venv/bin/python -m lab`.)

PYTHON ?= python3
LAB = .venv/bin/python -m lab
# The variables of the command line: the lab refuses those that it doesn't know.
export HOLDFAST_MAKE = $(MAKEOVERRIDES)
# Without .venv, only docker knows whether something of this folder is left.
LEFT = to see containers that an earlier lab has left: docker ps -a --filter label=holdfast.folder=$(CURDIR)
.DEFAULT_GOAL := help
.PHONY: help setup up down logs status load ci bench-load bench-server test lint format lock clean

help:  ## Show this help
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: .venv/lab  ## Prepare .venv and the images
	@$(LAB) setup

up: .venv/lab  ## Start the lab and say where its page is
	@$(LAB) up

down: .venv/lab  ## Stop it
	@$(LAB) down

logs: .venv/lab  ## Print the logs of server, master and workers
	@$(LAB) logs

status:  ## Show what runs
	@if [ -x .venv/bin/python ]; then $(LAB) status; else echo "Nothing is installed here (no .venv): $(LEFT)"; fi

load: .venv/lab  ## Run a load without the page: make load USERS=800 RATE=200 TIME=60s SCENARIO=hold
	@$(LAB) load

ci: .venv/lab  ## The CI run: a load and its verdict
	@$(LAB) ci

bench-load: .venv/lab  ## Measure the load generator against its peers (20 minutes; ONLY=closed,cpu for some rows)
	@$(LAB) bench-load

bench-server: .venv/lab  ## Measure the select server against its peers (20 minutes; ONLY=all-900,few for some rows)
	@$(LAB) bench-server

test: .venv/dev  ## Run all tests (ONLY=server,load for some parts; COVERAGE=yes to measure it)
	@.venv/bin/python tests/run.py $(ONLY)

lint: .venv/dev  ## Check style, types, Dockerfile and YAML
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/hadolint Dockerfile
	.venv/bin/yamllint --strict compose*.yaml .github

format: .venv/dev  ## Format the code
	.venv/bin/ruff check --fix-only .
	.venv/bin/ruff format .

lock: .venv/dev  ## Pin the requirements again, with hashes, from pyproject.toml
	.venv/bin/pip install --quiet uv
	for group in server load lab bench dev; do .venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	  --group $$group --output-file requirements-$$group.txt; done

clean:  ## Remove all containers, networks, volumes and images of the lab, and .venv
	@rm -rf build *.egg-info .mypy_cache .ruff_cache .pytest_cache
	@if [ ! -x .venv/bin/python ]; then echo "No .venv here: $(LEFT)"; elif $(LAB) clean; then :; \
	  else echo "Kept for another \`make clean\`: .venv and .lab"; exit 1; fi
	@rm -rf .venv .lab

.venv/lab .venv/dev: .venv/%: requirements-%.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Holdfast needs Python 3.11 or later: make PYTHON=python3.12 ...")'
	@test -x .venv/bin/pip || $(PYTHON) -m venv .venv || { echo "no virtual environment could be made: install python3-venv"; rm -rf .venv; exit 1; }
	@echo "Installing requirements-$*.txt into .venv ..."
	@.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-$*.txt
	@touch $@
