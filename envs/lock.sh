#!/usr/bin/env bash
# Resolve pyproject.toml again into envs/constraints.txt (needs uv on PATH). Existing pins are kept unless
# pyproject.toml rules them out; `envs/lock.sh --upgrade` moves everything to its newest release.
set -euo pipefail
cd "$(dirname "$0")/.."
pins=$(mktemp)
trap 'rm -f "$pins"' EXIT
cp envs/constraints.txt "$pins"
uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --fork-strategy fewest \
    --no-annotate --no-header --quiet "$@" -o "$pins" >/dev/null
{
    echo "# Made by envs/lock.sh from pyproject.toml: the exact versions that every installation uses (Linux, Python 3.11 and 3.12)."
    sed -E "s/ ; sys_platform == 'linux'$//; s/ and sys_platform == 'linux'$//" "$pins"
} >envs/constraints.txt.part
mv envs/constraints.txt.part envs/constraints.txt
