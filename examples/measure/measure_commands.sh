#!/bin/sh
# Times commands with hyperfine: the start of Python and the imports of this project, and one command that fails.
# Run in the root of the checkout with its Python first on PATH:
#     PATH="$PWD/.venv/bin:$PATH" sh examples/measure/measure_commands.sh [FOLDER]
# hyperfine writes no time into its files, so that the time (UTC) goes into their names.
set -eu
out=${1:-examples/artifacts/hyperfine}
mkdir -p "$out"
stamp=$(date -u +%Y%m%d-%H%M%S)

# No shell between hyperfine and Python. The command's own text carries quotes, so each gets a plain name.
hyperfine --shell=none --warmup 2 --runs 15 \
    --export-json "$out/imports-$stamp.json" --export-csv "$out/imports-$stamp.csv" \
    --parameter-list module sys,numpy,pandas,chimera_pipeline.contracts.tables,chimera_pipeline.readers.registry,chimera_pipeline.facts.statistics \
    --command-name 'import {module}' 'python -c "import {module}"'

# Fails on purpose, with exit code 1: how a run looks whose command does not work.
hyperfine --shell=none --runs 5 --ignore-failure \
    --export-json "$out/failing-import-$stamp.json" \
    --command-name 'import chimera_pipeline.no_such_part' 'python -c "import chimera_pipeline.no_such_part"'
