# Two commands matter: `make convert` and `make test`. They need a CPython 3.10, a C++ compiler and
# a Python package registry; everything they install goes into .venv and .tools of this folder.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3.10
UV_VERSION := 0.13.9
UV := .tools/bin/uv
UV_INSTALLED := .tools/.uv-$(UV_VERSION)
PYTEST := .venv/bin/python -m pytest
# Pytest's and doit's own options, for example: make test ARGS="-k onnx", make convert ARGS="-n 2".
ARGS ?=
# How many processes run tests, each of which loads MegEngine; 0 for none besides pytest's own, as a debugger wants it.
JOBS ?= $(shell n=$$(nproc) && echo $$((n < 4 ? n : 4)))

# Python sources are not among them: .venv has a path to this folder, not a copy.
INSTALLED_FROM := pyproject.toml uv.lock .ci/install $(wildcard native/*)

export UV_PYTHON_DOWNLOADS := never
# Registries behind a proxy of a company have certificates that only the system knows.
export UV_SYSTEM_CERTS ?= 1
unexport VIRTUAL_ENV
unexport PYTHONHOME
unexport PYTHONPATH

.PHONY: help setup convert test test-fast test-full test-core lint format lock clean

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make setup       .venv with the package, MegEngine and the tools; PYTHON=... is its CPython 3.10
setup: .venv/.installed

$(UV_INSTALLED):
	@python=$$(.ci/find-python "$(PYTHON)"); \
	echo "Installing uv $(UV_VERSION) into .tools"; \
	"$$python" -m venv --clear .tools; \
	.tools/bin/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"; \
	touch $@

.venv/.installed: $(UV_INSTALLED) $(INSTALLED_FROM)
	@python=$$(.ci/find-python "$(PYTHON)" 3.10); \
	echo "Installing into .venv with $$python"; \
	.ci/install "$$python" .venv --extra megengine; \
	touch $@

## make convert     everything in examples/models.toml; ARGS="-n 2" and others go to doit
convert: .venv/.installed
	@.venv/bin/doit convert $(ARGS)

## make test        all tests but the full matrix; ARGS="-k onnx" and others go to pytest; JOBS=4
test: .venv/.installed
	@$(PYTEST) -n $(JOBS) --dist loadfile -m "not full" $(ARGS)

## make test-fast   without the slow ones too, under three minutes
test-fast: .venv/.installed
	@$(PYTEST) -n $(JOBS) --dist loadfile -m "not full and not slow" $(ARGS)

## make test-full   every test
test-full: .venv/.installed
	@$(PYTEST) -n $(JOBS) --dist loadfile $(ARGS)

## make test-core   the tests marked `core`, without MegEngine, on numpy 2: make test-core PYTHON=python3.12
test-core: $(UV_INSTALLED)
	@.ci/test-core "$(PYTHON)" $(ARGS)

## make lint        what pre-commit and CI check
lint: .venv/.installed
	@failed=0; \
	.venv/bin/ruff format --check . || failed=1; \
	.venv/bin/ruff check . || failed=1; \
	.venv/bin/mypy || failed=1; \
	.venv/bin/lint-imports || failed=1; \
	$(UV) lock --check --quiet --python .venv/bin/python || failed=1; \
	exit $$failed

## make format      let ruff write
format: .venv/.installed
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

## make lock        resolve uv.lock anew after a change of pyproject.toml
lock: $(UV_INSTALLED)
	@$(UV) lock --python "$$(.ci/find-python "$(PYTHON)")"

## make clean       remove what make and the tools made; artifacts and the store stay
clean:
	rm -rf .venv .venv-core-* .tools .build dist mgeconvert/_native*.so
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find mgeconvert tests benchmarks examples -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
