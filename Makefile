# The index of commands. ARGS goes to the program: make demo ARGS="--workspace DIR --no-browser"
.PHONY: run demo test check bench clean environment
.DEFAULT_GOAL := run
PYTHON := .venv/bin/python
ARGS ?=
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); echo $$(( n > 4 ? 4 : n )))

run: ## start labelloop
	@./setup.sh run
	@exec .venv/bin/labelloop $(ARGS)

demo: ## start it with a demonstration dataset and a first model
	@./setup.sh run
	@exec .venv/bin/labelloop demo $(ARGS)

test: ## all tests, the browser's too, a file to a processor: make test ARGS="tests/core -k split" WORKERS=0
	@./setup.sh test
	@$(PYTHON) -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: ## style, types, layers
	@./setup.sh dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo

bench: ## the benchmarks, each as a table
	@./setup.sh dev
	@set -e; for file in $(filter-out benchmarks/build_demo.py benchmarks/plain_loop.py benchmarks/accuracy.py,$(wildcard benchmarks/*.py)); do echo "== $$file"; $(PYTHON) "$$file" $(ARGS); done

environment: ## only make the environment for work on labelloop itself
	@./setup.sh test

clean: ## remove the environment and all caches; workspaces stay
	rm -rf .venv dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
