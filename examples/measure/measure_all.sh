#!/bin/sh
# Measures everything in examples/artifacts anew, the old files removed first. Takes some ten minutes.
# Run in the root of the checkout with its Python first on PATH; needs hyperfine and the extras dev and llamacpp:
#     PATH="$PWD/.venv/bin:$PATH" sh examples/measure/measure_all.sh
# Each part waits up to five minutes (QUIET tells how many times five seconds) for a load average below 1, and then
# starts in any case. On a machine that others use, "nice -n -5" before sh (as root) keeps the spreads bearable.
set -eu
out=examples/artifacts
tries=${QUIET:-60}

quiet() {
    for _ in $(seq "$tries"); do
        awk '$1 < 1 { found = 1 } END { exit !found }' /proc/loadavg && break
        sleep 5
    done
    echo "$1 starts at a load average of $(cut -d' ' -f1-3 /proc/loadavg)" >&2
}

benchmark() {
    quiet "pytest-benchmark, run $1"
    python -m pytest -q -p no:cacheprovider examples/measure/bench_project.py \
        --benchmark-json="$out/pytest-benchmark/project_run$1.json"
}

rm -rf "$out/pytest-benchmark" "$out/hyperfine" "$out/requests"
mkdir -p "$out/pytest-benchmark"
quiet "hyperfine"
sh examples/measure/measure_commands.sh "$out/hyperfine"
benchmark 1
quiet "requests"
python examples/measure/model_requests.py --out "$out/requests"
benchmark 2
quiet "requests, thread counts again"
python examples/measure/model_requests.py --out "$out/requests" --again
benchmark 3
