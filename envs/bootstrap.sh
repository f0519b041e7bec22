#!/usr/bin/env bash
# Make .venv from nothing: a Python of the right version, bedtools, the locked packages, this package with its extension.
# Run by the Makefile; safe to run again. PYTHON=/path/to/python3.12 chooses the interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }
stop() { printf 'setup: error: %s\n' "$*" >&2; exit 1; }
suits() { command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' >/dev/null 2>&1; }
can_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }
apt_install() { say "installing with apt-get: $*"; apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >&2; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3.11 python3.12 python3; do
        if suits "$candidate"; then command -v "$candidate"; return; fi
    done
    return 1
}

python=$(find_python) || {
    if can_apt && apt_install python3.11 python3.11-venv python3.11-dev; then python=$(find_python); fi
} || true
[ -n "${python:-}" ] || stop "no Python 3.11 or 3.12 found (found: $(python3 --version 2>&1 || echo none)); Snakemake 9 needs one. Install it, for example 'sudo apt-get install python3.11 python3.11-venv python3.11-dev', or name one with 'make PYTHON=/path/to/python3.12 …'"

if ! command -v bedtools >/dev/null 2>&1; then
    if can_apt; then apt_install bedtools || true; fi
    command -v bedtools >/dev/null 2>&1 || stop "bedtools is not on PATH. Install it: 'sudo apt-get install bedtools', or 'conda install -c bioconda bedtools'"
fi
command -v cc >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 || stop "no C compiler on PATH. Install one: 'sudo apt-get install build-essential'"

has_headers() { "$1" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))'; }
if ! has_headers "$python"; then
    package=$("$python" -c 'import sys; print("python%d.%d-dev" % sys.version_info[:2])')
    if can_apt; then apt_install "$package" || true; fi
    has_headers "$python" || stop "$python has no header files (Python.h), which the extension needs. Install them: 'sudo apt-get install $package'"
fi

if [ -e .venv/bin/python ] && ! suits .venv/bin/python; then say "removing .venv: its Python does not suit"; rm -rf .venv; fi
if [ ! -e .venv/bin/pip ]; then
    say "making .venv with $python ($("$python" --version))"
    rm -rf .venv
    "$python" -m venv .venv || {
        rm -rf .venv
        can_apt && apt_install python3-venv && "$python" -m venv .venv
    } || stop "the Python module venv does not work. Install it: 'sudo apt-get install python3-venv'"
fi

pip() { .venv/bin/python -m pip --disable-pip-version-check --quiet "$@"; }
say "installing the locked packages (the first time takes minutes)"
pip install -c envs/constraints.txt "torch==2.13.0"
pip install -c envs/constraints.txt setuptools wheel cython
pip install -c envs/constraints.txt --no-build-isolation -e ".[workflow,slurm,test]"
.venv/bin/python -m pip check >&2 || stop "the installed packages contradict each other (see above); remove .venv and run again"
.venv/bin/python -c "import splicebert, torch; print(f'setup: Python {__import__(\"platform\").python_version()}, torch {torch.__version__}, CUDA {torch.cuda.is_available()}')" >&2
