# make run    sets up what is missing and opens the workbench; without a display it attributes the sample images
# make test   sets up what is missing and checks style, types, house rules and behaviour
# PYTHON names the Python (3.11 or newer) that .venv is made from: make run PYTHON=python3.12

PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test

run: .venv/.installed
	@$(BIN)/mtaa

test: .venv/.installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 --dist loadfile

.venv/.installed: pyproject.toml .ci/setup
	@.ci/setup "$(PYTHON)"
	@touch $@
