#!/usr/bin/env bash
# Runs the tests with the oldest versions that pyproject.toml allows, in an environment of its own:
#   tests/minimum_versions.sh [arguments of pytest]
# Needs uv (pip install uv). The tools of the tests themselves are of any version.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-uv}
place=build/minimum_versions
mkdir -p "$place"
"$uv" pip compile --quiet --resolution lowest-direct --python-version 3.11 --no-header \
    --no-annotate pyproject.toml --output-file "$place/constraints.txt"
"$uv" venv --quiet --allow-existing --python 3.11 "$place/venv"
"$uv" pip install --quiet --python "$place/venv" --constraint "$place/constraints.txt" -e '.[test]'
cat "$place/constraints.txt"
"$place/venv/bin/python" -m pytest "$@"
