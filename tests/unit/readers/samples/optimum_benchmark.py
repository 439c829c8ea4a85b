from __future__ import annotations

import json
from typing import Any

from chimera_pipeline.records import Format
from tests.unit.readers.samples import Sample


def latency(values: list[float]) -> dict[str, Any]:
    """A latency object; its statistics are the values' own for two values."""
    mean = sum(values) / len(values)
    return {
        "unit": "s",
        "values": values,
        "count": len(values),
        "total": sum(values),
        "mean": mean,
        "p50": mean,
        "p90": values[-1],
        "p95": values[-1],
        "p99": values[-1],
        "stdev": (values[-1] - values[0]) / 2,
        "stdev_": 20.0,
    }


REPORT = {
    "load_model": {
        "memory": {"unit": "MB", "max_ram": 1024.5, "max_global_vram": None},
        "latency": latency([3.5]),
    },
    "prefill": {
        "memory": {"unit": "MB", "max_ram": 1100.25, "max_allocated": 800.5},
        "latency": latency([0.25, 0.75]),
        "throughput": {"unit": "samples/s", "value": 2.0},
        "energy": {"unit": "kWh", "cpu": 0.001, "ram": 0.0005, "gpu": 0.002, "total": 0.0035},
    },
    "decode": {"latency": latency([1.5, 2.5]), "throughput": {"unit": "tokens/s", "value": 31.5}},
    "per_token": {"latency": latency([0.03125, 0.03375]), "throughput": None},
}
CONFIG = {
    "name": "run",
    "backend": {
        "name": "pytorch",
        "version": "2.4.0",
        "_target_": "optimum_benchmark.PyTorchBackend",
        "model": "tiny/model-1b",
        "device": "cuda",
        "torch_dtype": "float16",
        "quantization_scheme": "bnb",
    },
    "scenario": {
        "input_shapes": {"batch_size": 1, "sequence_length": 256},
        "generate_kwargs": {"max_new_tokens": 64},
    },
    "environment": {"cpu": " Intel(R) Xeon(R)", "gpu": ["Tesla T4"], "gpu_count": 1},
}
OLD = {
    "batch_size": 2,
    "sequence_length": 16,
    "num_new_tokens": 100,
    "prefill": {
        "latency": {"list[s]": [0.25, 0.75], "mean(s)": 0.5, "stdev(s)": 0.25},
        "throughput": {"list[tokens/s]": [128.0, 42.5], "mean[tokens/s]": 85.25, "stdev[tokens/s]": 42.75},
    },
    "decode": {
        "latency": {"list[s]": [-0.25, 0.5], "mean(s)": 0.125, "stdev(s)": 0.375},
        "throughput": {"mean[tokens/s]": -12.5},
    },
}
CSV = (
    "config.name,config.backend.name,config.backend.model,config.backend.device,config.environment.gpu,"
    "config.scenario.input_shapes.batch_size,report.prefill.latency.unit,report.prefill.latency.count,"
    "report.prefill.latency.mean,report.prefill.latency.p99,report.prefill.latency.stdev,"
    "report.prefill.latency.values,report.decode.throughput.unit,report.decode.throughput.value,"
    "report.decode.memory.unit,report.decode.memory.max_ram,report.traceback\n"
    "a,pytorch,tiny/model-1b,cuda,['Tesla T4'],1,s,2,0.5,0.75,0.25,"
    '"[0.25, 0.75]",tokens/s,31.25,MB,512.5,\n'
    "b,pytorch,tiny/model-7b,cuda,['Tesla T4'],1,,,,,,,,,,,CUDA out of memory\n"
)
FIRST_CSV = (
    ",forward.latency(s),forward.throughput(samples/s),forward.peak_memory(MB),generate.latency(s),"
    "generate.throughput(tokens/s)\n0,0.0125,80.5,2000,0.5,200.25\n"
)

SAMPLES = [
    Sample(
        "report",
        json.dumps(REPORT).encode(),
        Format.JSON,
        "optimum-benchmark",
        ok=4,
        values={
            "timings//prefill/latency/mean_s": 0.5,
            "timings//prefill/latency/std_s": 0.25,
            "throughputs//decode/throughput/rate_mean": 31.5,
            "measurements//prefill/latency/values/1/time_s:sample": 0.75,
            "measurements//prefill/memory/max_allocated/system:max": 800_500_000.0,
        },
        computed=True,
    ),
    Sample(
        "benchmark",
        json.dumps({"config": CONFIG, "report": REPORT}).encode(),
        Format.JSON,
        "optimum-benchmark",
        ok=4,
        values={"timings//report/decode/latency/median_s": 2.0},
        computed=True,
    ),
    Sample(
        "csv",
        CSV.encode(),
        Format.CSV,
        "optimum-benchmark-csv",
        ok=1,
        failed=1,
        values={"timings/row 1/p99_s": 0.75, "throughputs/row 1/rate_mean": 31.25},
        computed=True,
    ),
    Sample(
        "first-csv",
        FIRST_CSV.encode(),
        Format.CSV,
        "optimum-benchmark-csv",
        ok=1,
        values={"timings/row 1/mean_s": 0.5},
        computed=True,
    ),
]
