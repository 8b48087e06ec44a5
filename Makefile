# Qingyuan 清源: every step from a clean checkout. `make help` lists them.
SHELL := /usr/bin/env bash
# Byte code is kept even where the environment says otherwise: each command is a process, and most of its start is this.
export PYTHONDONTWRITEBYTECODE :=
PYTEST := .venv/bin/python -m pytest
# Two processes share the tests; WORKERS=0 runs them in one.
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup system demo test check test-slow bench bundle lock clean

help:  ## list the steps
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */\1\t/' | expand -t 12

setup:  ## make .venv with the locked packages (quick when nothing changed)
	@scripts/setup.sh

system: setup  ## see to Chromium, Chinese fonts, pango and PostgreSQL: install as root, else say the line to run
	@scripts/system.sh

demo: setup  ## the whole loop on demo platforms, then the desk; stop with Ctrl-C
	@scripts/system.sh --without-postgresql
	@.venv/bin/qingyuan demo $(ARGS)

check: setup  ## formatting, lint, types, floors, budgets, docs
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache
	$(PYTEST) -q tests/architecture

test: system check  ## check, all quick tests with real Chromium and PostgreSQL, then a run from the built wheel
	$(PYTEST) -q -n $(WORKERS) --ignore=tests/architecture
	$(PYTEST) -q -m wheel tests/wheel

test-slow: system  ## long fault loops
	$(PYTEST) -q -n $(WORKERS) -m slow

bench: setup  ## ratios against plain baselines, five repeats each
	.venv/bin/python -m benchmarks

bundle: setup  ## one archive in dist/ that installs on a Debian 12 without any network (needs one here)
	@scripts/bundle.sh $(ARGS)

lock: setup  ## write requirements.lock anew (ARGS=--upgrade for the newest versions)
	scripts/lock.sh $(ARGS)

clean:  ## remove what the steps made, .venv included
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
