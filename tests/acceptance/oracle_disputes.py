"""Where this pipeline and the oracle disagree: who is right, and the proof from the file.

A dispute names files and figures by pattern; each file's proof is taken from that file. A disagreement without a
dispute, a dispute that explains nothing and a proof that does not hold all fail the comparison.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

from chimera_pipeline import periods
from tests.acceptance.shared import DATA, oracle


@dataclass(frozen=True, slots=True)
class Dispute:
    """Figures in dispute. `proof` reads the file of a path and is true where it bears the reason out."""

    files: str
    figure: str
    right: str
    why: str
    proof: Callable[[str], bool]

    def explains(self, path: str, figure: str) -> bool:
        """Whether it speaks of that figure of that file."""
        return fnmatch(path, self.files) and fnmatch(figure, self.figure)


def of(path: str, figure: str) -> Dispute | None:
    """The dispute about a figure of a file."""
    return next((dispute for dispute in DISPUTES if dispute.explains(path, figure)), None)


def _json(path: str) -> Any:
    return json.loads((DATA / path).read_text(encoding="utf-8"))


def _stated(path: str) -> Any:
    return oracle()["files"][path]["timestamp"]["value"]


def _second(value: Any) -> str:
    instant = periods.parse_instant(value)
    return instant.iso()[:19] if instant else ""


def _generated_line(path: str) -> bool:
    head = (DATA / path).read_text(encoding="utf-8").split("|")[0]
    return "Generated: 20" in head


def _export_stamp(path: str) -> bool:
    """The oracle's instant is that of the export; each sample has one of its own, and it is earlier."""
    document = _json(path)
    samples = [sample["timestamp"] for sample in document["metrics"]]
    exported = document["export_timestamp"]
    return _second(exported) == _stated(path)[:19] and bool(samples) and max(samples) < exported


def _no_inference(path: str) -> bool:
    document = _json(path)
    return "inferences" in json.dumps(document) and oracle()["files"][path]["rows"] == 0


def _two_agents(path: str) -> bool:
    """Each agent of the file has a start of its own; the oracle states the later one for the file."""
    figures = oracle()["files"][path]["metrics"]["per_agent"].values()
    starts = sorted(agent["start_time_naive"] for agent in figures)
    return len(set(starts)) > 1 and starts[-1][:19] == _stated(path)[:19]


def _commit_date(path: str) -> bool:
    """`date` is the commit's, in milliseconds; no other key states a time."""
    document = _json(path)
    return _second(document["date"]) == _stated(path)[:19] and "commit_hash" in document


def _three_parameters(path: str) -> bool:
    value = _json(path)["results"]["time_other.time_parameterized"]
    return bool(value == {"params": [["1", "2", "3"]], "result": [1, 2, 3]})


def _title_stamp(path: str) -> bool:
    return _second(_json(path)["Title"].partition("-")[2]) == "2020-05-29T16:44:31"


def _start_times(path: str) -> bool:
    return all(benchmark["start_time"] > 1.7e9 for benchmark in _json(path)["benchmarks"])


def _wrapper_times(path: str) -> bool:
    """The oracle takes the wrapping script's start and end; the benchmark's own test_time lies between them."""
    lines = [json.loads(line) for line in (DATA / path).read_text(encoding="utf-8").splitlines()]
    first, last = (text[:19] for text in _stated(path))
    return all(first <= line["bench_raw"]["test_time"][:19] <= last for line in lines)


def _only_here(path: str) -> bool:
    """Wall-clock rates of the run do not follow from its requests, which carry no instant."""
    requests = _json(path.replace("/summary/", "/individual/"))
    summary = _json(path)
    keys = {"results_mean_output_throughput_token_per_s", "results_num_completed_requests_per_min"}
    return keys <= summary.keys() and not any("time" in key and "latency" not in key for r in requests for key in r)


DISPUTES = (
    Dispute("chimera/reports/compilation/*.md", "no instant in the content", "the pipeline",
            "the first line states when the report was generated", _generated_line),
    Dispute("chimera/csv_data/chimera_metrics_*.json", "instants", "the pipeline",
            "the oracle takes the instant of the export; each sample has its own", _export_stamp),
    Dispute("*/baseline_system_metrics.json", "instants", "the pipeline",
            "the oracle takes the instant of the export; each sample has its own", _export_stamp),
    Dispute("*/baseline_ml_metrics.json", "instants", "both",
            "the instant is of an export without a single inference: there is nothing to date", _no_inference),
    Dispute("chimera_extra/chimera_sweep/*/metrics.json", "instants", "both",
            "two agents ran one after the other; the oracle states the later start, the pipeline both", _two_agents),
    Dispute("tools/asv/*.json", "instants", "the pipeline",
            "the only date of the file is its commit's, which the oracle says itself", _commit_date),
    Dispute("tools/asv/asv/cheetah/22b920c6-*.json", "time of a case *", "the pipeline",
            "the oracle takes the first of three values of a parametrized benchmark", _three_parameters),
    Dispute("*/benchmarkdotnet.json", "no instant in the content", "the pipeline",
            "the title carries the stamp of the run", _title_stamp),
    Dispute("tools/guidellm/*.json", "no instant in the content", "the pipeline",
            "each benchmark states its start_time, epoch seconds", _start_times),
    Dispute("*/GLM-4.5-Air/results.jsonl", "instants", "both",
            "the oracle takes start and end of the wrapping script, the pipeline llama-bench's own test_time between "
            "them, by which the file agrees with raw_runs.jsonl", _wrapper_times),
    Dispute("tools/llmperf/*/summary/*.json", "derived", "both",
            "its latencies are derived and add nothing; its wall-clock rates exist only here", _only_here),
    Dispute("tools/llmperf/*/summary/*.json", "rows of a summary that count", "both",
            "four figures of the wall clock count: they do not follow from the requests", _only_here),
)  # fmt: skip
