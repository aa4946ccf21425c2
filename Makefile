# What one does here. `make help` lists it.
SHELL := /bin/sh
.DEFAULT_GOAL := help

BIN := .venv/bin
PY := $(BIN)/python
STAMP := .venv/set-up
LOCK := .ci/requirements-dev.txt

PYTEST := $(PY) -m pytest
# Suites that touch the world share two processes, a file at a time.
SLOW := -n 2 --dist loadfile
# Plain values, virtual time: everything that runs in seconds and touches nothing; of the contract
# suites the half that runs on fakes.
QUICK := $(wildcard tests/unit tests/property tests/stories tests/sim tests/contract tests/test_*.py) \
	-m "not tmux and not api and not git and not many"

.PHONY: help setup needs lock check static format lint types contracts quick proto docs \
	stories-rewrite test test-agents test-network test-faults sim contract api attacks fuzz flood tmux \
	tui netns e2e demo demo-team bench bench-competence bench-collide cover clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: needs $(STAMP) ## make .venv with every package pinned; nothing to do when up to date

needs:
	@.ci/needs

$(STAMP): $(LOCK) pyproject.toml | needs
	@echo 'setting up .venv'
	@$(PY) -c '' 2>/dev/null || "$$(.ci/needs --python)" -m venv --clear .venv
	@$(PY) -m pip install -qq --disable-pip-version-check --require-hashes -r $(LOCK)
	@$(PY) -m pip install -qq --disable-pip-version-check --no-deps --no-index \
		--no-build-isolation --editable .
	@touch $@

check: static quick ## before every commit: all below down to `contracts`, and the quick tests

static: format lint types contracts

format: setup ## the code is laid out as ruff does; FIX=1 lays it out
	@$(BIN)/ruff format --quiet $(if $(FIX),,--diff)

lint: setup ## ruff, all rules but those pyproject.toml gives a reason for; FIX=1 mends
	@$(BIN)/ruff check --quiet $(if $(FIX),--fix)
	@$(BIN)/ruff check --quiet --isolated --select TID251 --config \
		'lint.flake8-tidy-imports.banned-api."unittest.mock".msg = "use the fakes in tests/support"' \
		tests

types: setup ## mypy and pyright, both strict
	@ok=yes; $(BIN)/mypy --no-error-summary || ok=no; \
	report=$$($(BIN)/basedpyright) || { ok=no; echo "$$report"; }; test $$ok = yes

contracts: setup ## who may import whom
	@report=$$($(BIN)/lint-imports --no-logo --cache-dir .cache/imports 2>&1) || { echo "$$report"; exit 1; }

quick: setup ## unit, property, stories, docs, proto in step: the tests that touch nothing
	@$(PYTEST) -q $(QUICK)

stories-rewrite: setup ## put into tests/stories what is answered now; then read the difference
	@$(PY) -m tests.support.story tests/stories/*.txt

docs: setup ## what the code has, the docs have; links lead somewhere; FIX=1 writes the help texts
	@$(if $(FIX),COLUMNS=80 $(PY) docs/write_reference.py)
	@$(PYTEST) -q $(wildcard tests/test_docs*.py)

proto: setup ## write fleet/v1 anew from proto/
	@rm -f fleet/v1/*_pb2*.py fleet/v1/*_pb2*.pyi
	@.ci/proto .

test: static ## everything: sets up, checks, and runs every test
	@$(PYTEST) $(SLOW) tests

sim: setup ## storms in one process on virtual time: SEEDS=0-9999, or 17 to see that one again
	@$(PY) -m tests.sim $(or $(SEEDS),0-299)

contract: setup ## one suite, run on each fake and on the real thing
	@$(PYTEST) $(SLOW) tests/contract

api: setup ## services over loopback with real certificates
	@$(PYTEST) $(SLOW) tests/api

tmux: setup ## a real tmux, one throw-away server for each test
	@$(PYTEST) $(SLOW) tests/tmux

tui: setup ## real terminal programs in a real tmux
	@$(PYTEST) $(SLOW) tests/tui

attacks: setup ## hostile strangers and members, over loopback with real certificates; and fuzzing
	@$(PYTEST) $(SLOW) tests/attacks

fuzz: setup ## coverage-guided fuzzing of every reader; SECONDS=3600 ONLY=frame,text
	@$(PY) -m tests.attacks.fuzz --seconds $(or $(SECONDS),60) $(if $(ONLY),--only "$(ONLY)")

flood: setup ## one member floods: another one's latencies, and the node's memory
	@$(PY) -m tests.attacks.flood

test-network: setup ## three hosts on bad cables: a minute of each trouble, a thousand messages; needs root
	@$(PYTEST) -s tests/netns/test_bad_network.py --long-network

netns: setup ## two and three hosts as network namespaces, real mDNS; needs root
	@$(PYTEST) $(SLOW) tests/netns

test-agents: setup ## the real agent programs, offline; ONLY=codex,claude for some, ALL=1 for all texts
	@$(PY) -m tests.agents $(if $(ONLY),--only "$(ONLY)") $(if $(ALL),--size all)

test-faults: setup ## nodes killed, stalled, interrupted, out of disk, at every fault point; a quarter of an hour
	@$(PYTEST) $(SLOW) tests/faults --long-faults

e2e: setup ## whole nodes and the command line, as a person uses them
	@$(PYTEST) $(SLOW) tests/e2e

cover: setup ## branch coverage of fleet/core by the quick tests
	@$(BIN)/coverage run -m pytest -q $(QUICK)
	@$(BIN)/coverage report

demo: setup ## two nodes, three agents, real tmux and mTLS, in throw-away homes: under a minute
	@$(PY) -m tests.demo

demo-team: setup ## a team of six scripted members on two nodes: twelve tasks, one member killed; under a minute
	@$(PY) -m tests.demo.team

bench: setup ## measure, beside the floors; a table, JSON and a plot
	@$(PY) -m tests.bench

bench-competence: setup ## replay histories: how often the work goes to who did it; DATA=folder
	@$(PY) -m tests.bench.competence $(DATA)

bench-collide: setup ## do a repository's merges again: how many conflicts are foreseen; REPO=folder
	@$(PY) -m tests.bench.collide $(REPO)

lock: setup ## resolve anew and write the pins; needs uv
	@.ci/lock

clean: ## remove .venv and everything that can be made again
	@rm -rf .venv .cache .coverage .coverage.* .hypothesis build dist *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
