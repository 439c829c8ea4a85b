"""The table that serving benchmarks print: "============ Serving Benchmark Result ============" of vLLM,
SGLang and TensorRT-LLM's copy of it, and SGLang's "Offline Throughput Benchmark Result".

In: lines of text. Out: a row of `serving_runs` a table. Arguments come from the Namespace(...) or command
line before the table. `backend='vllm'` is the client's default and does not name the engine.
"""

from __future__ import annotations

import re

from chimera_pipeline.errors import ArtifactError
from chimera_pipeline.readers.fields import half_unit
from chimera_pipeline.readers.serving_points import serving_row
from chimera_pipeline.readers.tool_records import Record, refuse
from chimera_pipeline.records import Reading

_TITLE = re.compile(r"^[ \t>*`#|]{0,40}={3,} ?(?:Serving|Offline Throughput) Benchmark Result ?={3,}", re.MULTILINE)
_MEASURED = re.compile(
    r"(?:Benchmark duration \(s\)|throughput \((?:req|tok)/s\)): +\d|TTFT \(ms\): +\d", re.IGNORECASE
)
_LINE = re.compile(r"^[ \t>*|]{0,40}([A-Z][A-Za-z0-9 ./()-]*?): +(\S.*?)[\s*|]*$")
_STATISTIC = re.compile(
    r"(Mean|Median|Std|Min|Max|P\d+(?:\.\d+)?) (TTFT|TPOT|ITL|E2EL|E2E Latency|E2E) \(ms\)\Z", re.IGNORECASE
)
LONGEST_LINE = 400
_LABELS = {
    "backend": "backend",
    "successful requests": "completed",
    "failed requests": "failed",
    "maximum request concurrency": "max_concurrency",
    "max request concurrency": "max_concurrency",
    "request rate configured (rps)": "request_rate",
    "traffic request rate": "request_rate",
    "benchmark duration (s)": "duration",
    "total input tokens": "total_input_tokens",
    "total generated tokens": "total_output_tokens",
    "request throughput (req/s)": "request_throughput",
    "request goodput (req/s)": "request_goodput",
    "input token throughput (tok/s)": "input_throughput",
    "output token throughput (tok/s)": "output_throughput",
    "peak output token throughput (tok/s)": "max_output_tokens_per_s",
    "peak concurrent requests": "max_concurrent_requests",
    "total token throughput (tok/s)": "total_throughput",
    "total throughput (tok/s)": "total_throughput",
    "user throughput (tok/s)": "user_throughput",
    "concurrency": "concurrency",
    "accept length": "accept_length",
    "acceptance length": "accept_length",
}
_PRECISION = {
    "duration": "duration_s",
    "request_throughput": "requests_per_s",
    "output_throughput": "output_tokens_per_s",
    "total_throughput": "total_tokens_per_s",
}
_NAMESPACE = re.compile(r"\b(\w+)=('[^']*'|[^,()\s]+)")
_ARGUMENTS = {
    "model",
    "dataset_name",
    "num_prompts",
    "max_concurrency",
    "request_rate",
    "burstiness",
    "random_input_len",
    "random_output_len",
    "random_range_ratio",
    "endpoint_type",
    "tensor_parallel_size",
}
_COMMAND = re.compile(
    r"--(model|dataset-name|num-prompts|max-concurrency|request-rate|random-input-len|random-output-len)"
    r"[ =](\S+)"
)


def holds(text: str) -> bool:
    """A result table with at least one number."""
    return "Benchmark Result" in text and bool(_TITLE.search(text)) and bool(_MEASURED.search(text))


def read(lines: list[str], reading: Reading, counts: bool) -> str | None:
    """A row a table; returns the tool that printed the first one."""
    arguments: Record = {}
    tool: str | None = None
    texts: dict[str, list[str]] = {}
    for number, line in enumerate(lines, start=1):
        if "Namespace(" in line:
            arguments = {key: value.strip("'") for key, value in _NAMESPACE.findall(line)}
        elif "--model" in line or "--dataset-name" in line:
            stated = {key.replace("-", "_"): value.strip("'\"") for key, value in _COMMAND.findall(line)}
            arguments = stated if "model" in stated else arguments | stated
        elif _TITLE.match(line):
            table, places = _table(lines, number)
            printed = _add(reading, table, places, arguments, "Offline" in line, counts)
            tool = tool or printed
            if printed:
                for key, value in table.items():
                    texts.setdefault(key, []).append(value)
                arguments = {}
    halves = {target: half_unit(texts.get(key, [])) for key, target in _PRECISION.items()}
    for key, cells in texts.items():
        if key.endswith("_ms"):
            statistic, _, metric = key[:-3].partition("_")
            column = f"{metric.replace('e2el', 'e2e')}_s_{'p50' if statistic == 'median' else statistic}"
            halves[column] = half_unit(cells, "ms")
    stored = reading.precision.setdefault("serving_runs", {})
    stored.update({column: half for column, half in halves.items() if half is not None})
    return tool


def _table(lines: list[str], title: int) -> tuple[dict[str, str], dict[str, int]]:
    """Key -> printed value and key -> line, up to the closing line of equal signs."""
    found: dict[str, str] = {}
    places: dict[str, int] = {}
    for position, line in enumerate(lines[title : title + 80], start=title + 1):
        bare = line.strip().strip(">*| ")
        if (len(bare) >= 10 and set(bare) == {"="}) or _TITLE.match(line):
            break
        match = _LINE.match(line) if len(line) <= LONGEST_LINE else None
        if match is None:
            continue
        label, value = match.group(1).strip(), match.group(2)
        statistic = _STATISTIC.match(label)
        if statistic:
            name = statistic.group(2).lower().replace("e2e latency", "e2el")
            key = f"{statistic.group(1).lower()}_{'e2el' if name == 'e2e' else name}_ms"
        else:
            key = _LABELS.get(label.lower(), "retokenized" if "retokenized" in label else "")
        if key and key not in found:
            found[key], places[key] = value, position
    return found, places


def _add(
    reading: Reading,
    table: dict[str, str],
    places: dict[str, int],
    arguments: Record,
    offline: bool,
    counts: bool,
) -> str | None:
    first = next((key for key in ("duration", "request_throughput", "output_throughput") if key in table), None)
    if first is None:
        return None
    if not any(re.match(r"-?\d", value) for key, value in table.items() if key != "completed"):
        return None
    locator = f"line {places[first]}"
    is_sglang = offline or "backend" in table or "retokenized" in table
    named = {key: value for key, value in arguments.items() if key in _ARGUMENTS and value != "None"}
    if not str(named.get("dataset_name", "random")).startswith("random"):
        named = {key: value for key, value in named.items() if not key.startswith("random")}
    record: Record = {**named, **table}
    record.setdefault("completed", None)
    record.setdefault("duration", None)
    if record.get("max_concurrency") in ("not set", "None"):
        record.pop("max_concurrency")
    for key in ("random_input_len", "random_output_len"):
        if str(record.get(key, "")).isdigit():
            record[key] = int(record[key])
    try:
        row = serving_row(reading, locator, record, places)
    except ArtifactError as refused:
        refuse(reading, refused, locator)
        return None
    row["suite"] = "offline_throughput" if offline else "serving"
    if not is_sglang and (backend := arguments.get("backend")) and not row["config"].get("backend"):
        row["config"]["backend"] = backend
    reading.add("serving_runs", row, counts=counts)
    if is_sglang:
        return "sglang"
    return "vllm"
