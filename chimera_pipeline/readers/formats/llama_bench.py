"""llama-bench: json (an array), json lines (also with stderr lines before), csv, and json lines of scripts
that wrap each result as `bench_raw` with power readings beside it. Markdown tables: `pasted_output`.

avg_ts is the mean of the repetitions' rates and stddev_ts their sd (n - 1), which one repetition does not
have; csv has no samples, hence no n. A test without a rate is failed. `samples_ts` become samples; times and
power are statistics beside the row.
"""

from __future__ import annotations

from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import count, extra, half_unit, number
from chimera_pipeline.readers.llama_cases import (
    backend_of,
    case_name,
    file_stem,
    model_of,
    options,
    quantization_of,
)
from chimera_pipeline.readers.names import hardware_name, plain
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.readers.tool_records import WRAPPERS, Record, at, fail, objects, refuse, stamp
from chimera_pipeline.records import Format, Reading, Row

_KEYS = {"n_prompt", "n_gen", "avg_ts", "model_type"}
_POWER = {"avg_power_w": "mean", "median_power_w": "median", "max_power_w": "max"}
_WRAPPER_OPTIONS = {"build": "build", "hipblaslt": "hipblaslt"}


def _accepts(record: Record) -> bool:
    return record.keys() >= _KEYS or ("bench_raw" in record and "mode" in record)


def _csv(document: Document) -> tuple[int, Document] | None:
    """The csv part and how many lines stand before it; stderr lines may precede the header."""
    text = document.text
    if "avg_ts" not in text or "model_type" not in text:
        return None
    header = next((i for i, line in enumerate(text.splitlines()[:200]) if _is_header(line)), None)
    if header is None:
        return None
    rest = text if header == 0 else "\n".join(text.splitlines()[header:])
    part = document if header == 0 else Document(rest.encode(), Format.CSV, document.limits)
    table = part.try_csv()
    return (header, part) if table is not None and set(table.header) >= _KEYS else None


def _is_header(line: str) -> bool:
    return "avg_ts" in line and "model_type" in line and "," in line and "{" not in line


def _records(document: Document) -> list[tuple[str, Record]]:
    found = objects(document, _accepts, '"avg_ts"')
    if found or document.try_json() is not None:
        return found
    part = _csv(document)
    if part is None:
        return []
    skipped, csv = part
    if not skipped:
        return list(csv.csv.records())
    lines = [f"line {line + skipped}" for line in csv.csv.lines]
    return list(zip(lines, (record for _, record in csv.csv.records()), strict=True))


def matches(document: Document) -> bool:
    """Records with n_prompt, n_gen, avg_ts and model_type, or with bench_raw and mode."""
    return bool(_records(document))


def read(document: Document) -> Reading:
    """One row of `throughputs` a test."""
    reading = Reading(kind="llama_bench", tool="llama-bench")
    texts: dict[str, list[str]] = {"rate_mean": [], "rate_std": []}
    for locator, record in _records(document):
        wrapped = "bench_raw" in record
        result: Any = record["bench_raw"] if wrapped else record
        try:
            reading.add("throughputs", _row(reading, locator, result, record if wrapped else {}))
        except ArtifactError as refused:
            refuse(reading, refused, locator)
            continue
        for source, target in (("avg_ts", "rate_mean"), ("stddev_ts", "rate_std")):
            stated = result.get(source) if isinstance(result, dict) else None
            texts[target] += [stated] if isinstance(stated, str) else []
    part = _csv(document) if document.try_json() is None and '"avg_ts":' not in document.text else None
    if part is not None and part[0]:
        for line, sentence in part[1].csv.bad:
            reading.reject(Reason.RAGGED_ROW, sentence, locator=f"line {line + part[0]}")
    halves = {target: half_unit(cells) for target, cells in texts.items()}
    reading.precision["throughputs"] = {key: half for key, half in halves.items() if half is not None}
    return reading


def _row(reading: Reading, locator: str, result: Any, around: Record) -> Row:
    base = locator
    locator = at(base, "bench_raw" if around else "avg_ts")
    row: Row = {"locator": locator, "suite": "llama-bench", "rate_unit": "tokens/s", "status": "ok"}
    if not isinstance(result, dict) or not result.keys() >= {"n_prompt", "n_gen"}:
        row |= {"case": plain(f"{around.get('mode')}{around.get('value', '')}") or "unknown", "config": {}}
        return fail(row, redact.error_kind(around.get("error")) or "no_output")
    _identify(row, result, around, locator)
    stamp(reading, row, result.get("test_time"))
    mean = number(result.get("avg_ts"), locator=locator, field="avg_ts")
    if not mean:
        return fail(row, redact.error_kind(around.get("error")) or "no_output")
    samples = result.get("samples_ts")
    samples = samples if isinstance(samples, list) else []
    if samples:
        row["n"] = len(samples)
    row["rate_mean"] = mean
    if "stddev_ts" in result:
        spread = number(result["stddev_ts"], locator=locator, field="stddev_ts")
        row["rate_std"] = spread if row.get("n") != 1 else None
    inside = ("bench_raw",) if around else ()
    for i, sample in enumerate(samples):
        where = at(base, *inside, "samples_ts", i)
        value = number(sample, locator=where, field="samples_ts")
        extra(reading, row, "rate", "sample", value, n=1, unit="tokens/s", locator=where)
    for source, statistic, ddof in (("avg_ns", "mean", None), ("stddev_ns", "std", 1)):
        if statistic == "std" and row.get("n") == 1:
            continue
        where = at(base, *inside, source)
        value = number(result.get(source), "ns", locator=where, field=source)
        extra(reading, row, "case_time_s", statistic, value, n=row.get("n"), ddof=ddof, locator=where)
    for source, statistic in _POWER.items():
        watts = number(around.get(source), locator=at(base, source), field=source)
        extra(reading, row, "power_w", statistic, watts, locator=at(base, source))
    return row


def _identify(row: Row, result: Record, around: Record, locator: str) -> None:
    sizes = [count(result.get(key), locator=locator, field=key) or 0 for key in ("n_prompt", "n_gen", "n_depth")]
    row["case"] = case_name(*sizes)
    row["model"] = model_of(result.get("model_type"))
    row["quantization"] = quantization_of(result.get("model_type"), result.get("model_filename"))
    build = str(result.get("build_number") or "").strip()
    row["engine"] = f"llama.cpp-b{build}" if build.isdigit() and build != "0" else "llama.cpp"
    row["hardware"] = hardware_name(result.get("gpu_info") or result.get("cpu_info"))
    stated = result | {"n_prompt": sizes[0], "n_gen": sizes[1], "n_depth": sizes[2]}
    stated["backend"] = backend_of(result.get("backends"))
    stated["model_file"] = file_stem(result.get("model_filename"))
    for key in _WRAPPER_OPTIONS:
        if around.get(key) not in (None, ""):
            stated[key] = around[key]
    row["config"] = options(stated)


READER = Reader(
    "llama-bench", 1, matches, read, signs=Signs(keys=("avg_ts", "bench_raw", *WRAPPERS), words=("avg_ts",))
)
