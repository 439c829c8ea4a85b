#!/bin/sh
# Measures everything in examples/artifacts anew, the old files removed first. Takes some ten minutes.
# Run in the root of the checkout with its Python first on PATH; needs hyperfine and the extras dev and llamacpp:
#     PATH="$PWD/.venv/bin:$PATH" sh examples/measure/measure_all.sh
# On a machine that others use too: each part waits up to five minutes until the processors were hardly contended
# for ten seconds (below 5 percent in /proc/pressure/cpu), and then starts in any case.
set -eu
out=examples/artifacts

quiet() {
    for _ in $(seq 150); do
        awk '/^some/ { split($2, part, "="); found = part[2] < 5 } END { exit !found }' /proc/pressure/cpu && break
        sleep 2
    done
    echo "$1 starts at: $(head -n 1 /proc/pressure/cpu)" >&2
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
