# Everything from a bare machine: `make demo`, `make test`. Needs Python 3.11 or 3.12, make, a C compiler.
SHELL := /bin/bash
CORES ?= $(shell nproc)
PYTEST_ARGS ?= -n 2 --dist loadfile
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: demo test lint help

help:
	@echo "make demo    set up, run the whole workflow on the embedded demo, make the report"
	@echo "make test    set up, run the tests"
	@echo "make lint    ruff, snakefmt, snakemake --lint"

.venv/.ready: pyproject.toml envs/constraints.txt envs/bootstrap.sh src/splicebert/_intervals.pyx
	envs/bootstrap.sh
	@touch $@

demo: .venv/.ready
	snakemake --cores $(CORES)
	snakemake --cores $(CORES) --report results/report.html
	@echo "For commands of your own: source .venv/bin/activate"
	@echo "Done. Figures: $(CURDIR)/results/figures   Report: $(CURDIR)/results/report.html"

test: .venv/.ready
	python -m pytest $(PYTEST_ARGS)

lint: .venv/.ready
	ruff check . && ruff format --check .
	snakefmt --check Snakefile rules
	snakemake --lint
