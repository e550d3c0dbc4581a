# Every target is a line or two on top of `python -m lab`; variables go through by name: `make load USERS=5`.
# (make itself ends with 2 for every failure: scripts that tell exit codes apart call `.venv/bin/python -m lab`.)

PYTHON ?= python3
LAB = .venv/bin/python -m lab
# The variables of the command line: the lab refuses those that it doesn't know.
export HOLDFAST_MAKE = $(MAKEOVERRIDES)
# Without .venv, only docker knows whether something of this folder is left.
LEFT = to see containers that an earlier lab has left: docker ps -a --filter label=holdfast.folder=$(CURDIR)
.DEFAULT_GOAL := help
.PHONY: help setup up down logs status check record import load ci drill report new eject bench-load bench-server \
  soak test fuzz drill-kills audit sbom lint format lock clean

help:  ## Show this help
	@awk -F ':.*## ' '/^##@ / {print "\n" substr($$0, 5) ":"} /^#: / {print "  " substr($$0, 4)} \
	  /^[a-z-]+:.*## / {printf "  make %-14s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ The lab with its page

up: .venv/lab  ## Start the lab and say where its page is
	@$(LAB) up

down: .venv/lab  ## Stop it
	@$(LAB) down

logs: .venv/lab  ## Print the logs of server, master and workers
	@$(LAB) logs

status:  ## Show what runs
	@if [ -x .venv/bin/python ]; then $(LAB) status; else echo "Nothing is installed here (no .venv): $(LEFT)"; fi

##@ A run without the page

check: .venv/lab  ## Play SCENARIO= once against TARGET=, byte by byte
	@$(LAB) check

load: .venv/lab  ## Run a load in a lab of its own; files in runs/latest/
	@$(LAB) load

ci: .venv/lab  ## The same for CI: 30 s, every connection must be held
	@$(LAB) ci

drill: .venv/lab  ## Break something and watch the recovery (NAME=list: all)
	@$(LAB) drill $(NAME)

report: .venv/lab  ## Compare runs on one page: RUNS="runs/A runs/B"
	@$(LAB) report $(RUNS)

##@ A conversation from real traffic

record: .venv/lab  ## Record a client with TARGET= as the conversation SCENARIO=
	@$(LAB) record $(SCENARIO)

import: .venv/lab  ## Make the conversation SCENARIO= of CAPTURE=dump.pcap
	@$(LAB) import $(CAPTURE) $(SCENARIO)

##@ Benchmarks, some 20 minutes each

bench-load: .venv/lab  ## The load generator and its peers (ONLY=closed,cpu: some)
	@$(LAB) bench-load

bench-server: .venv/lab  ## The select server and its peers (ONLY=all-900,few: some)
	@$(LAB) bench-server

soak: .venv/lab  ## Hold users for TIME=8h: flat memory, descriptors, counts?
	@HOLDFAST_MAKE= $(LAB) bench-load --only soak --soak $(or $(TIME),8h)

##@ Development

test: .venv/dev  ## Run all tests (ONLY=server,load: some; COVERAGE=yes)
	@.venv/bin/python tests/run.py $(ONLY)

fuzz: .venv/dev  ## Send bytes of any kind to every model (COUNT=, TIME=60m)
	@.venv/bin/python -m tests.fuzz

drill-kills: .venv/dev  ## Kill the lab in the middle of drills: is anything left?
	@.venv/bin/python -m tests.drill_kills

audit: .venv/dev  ## Look for known holes in the pinned packages
	@test -x .venv/audit/bin/pip-audit || { $(PYTHON) -m venv .venv/audit && .venv/audit/bin/pip install --quiet pip-audit; }
	@.venv/bin/python -m tests.dependencies.audit

sbom: .venv/dev  ## List the packages of images and lab: build/sbom.json
	@.venv/bin/python -m tests.dependencies.sbom

lint: .venv/dev  ## Check style, types, pages, Dockerfile and YAML
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/python -m pytest -q -p no:locust tests/meta/test_docs.py
	.venv/bin/hadolint Dockerfile
	.venv/bin/yamllint --strict compose*.yaml .github

format: .venv/dev  ## Format the code
	.venv/bin/ruff check --fix-only .
	.venv/bin/ruff format .

lock: .venv/dev  ## Pin the requirements again, with hashes
	.venv/bin/pip install --quiet uv
	for group in server load lab bench dev; do .venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	  --group $$group --output-file requirements-$$group.txt; done

##@ Upkeep

new: .venv/lab  ## Write a folder to work in, elsewhere: DIR=../load
	@$(LAB) new $(DIR)

eject: .venv/lab  ## Write the conversation SCENARIO= as a session in Python
	@$(LAB) eject $(SCENARIO)

setup: .venv/lab  ## Prepare .venv and the images
	@$(LAB) setup

clean:  ## Remove containers, networks, volumes, images and .venv
	@rm -rf build *.egg-info .mypy_cache .ruff_cache .pytest_cache
	@if [ ! -x .venv/bin/python ]; then echo "No .venv here: $(LEFT)"; elif $(LAB) clean; then :; \
	  else echo "Kept for another \`make clean\`: .venv and .lab"; exit 1; fi
	@rm -rf .venv .lab

##@ Common variables, with their defaults (make load USERS=100 TIME=20s)
#: USERS           800     users of a run; one user holds one connection
#: RATE            200     users started a second
#: TIME            60s     length of a run, its ramp included (60s, 2m, 1h30m)
#: SCENARIO        hold    what the users do: a file of locustfiles/
#: EVERY           10      seconds between messages of a connection; 0: silent
#: MODEL           select  the server's concurrency model
#: MAX_CONNECTIONS unset   the server's cap; unset: the model's own default
#: TARGET          unset   tcp://host:port to load instead of the lab's server
#: MAX_P99_MS      1000    threshold: p99 of the latency from due, milliseconds
#: VERBOSE         no      yes: a run prints all figures and the ledger as well
#: docs/settings.md has all; python -m lab load --help lists them as flags.

.venv/lab .venv/dev: .venv/%: requirements-%.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Holdfast needs Python 3.11 or later: make PYTHON=python3.12 ...")'
	@test -x .venv/bin/pip || $(PYTHON) -m venv .venv || { echo "no virtual environment could be made: install python3-venv"; rm -rf .venv; exit 1; }
	@echo "Installing requirements-$*.txt into .venv ..."
	@.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-$*.txt
	@touch $@
