"""AIPerf aggregates over several runs (profile_export_aiperf_aggregate.json and .csv): each metric's
run-level statistic with its mean over the runs.

The runs are load-test points of their own, in other files. The mean over them is a point of another
suite, with the number of runs in its configuration: the two are never pooled. The spread between runs
follows from the runs.
"""

from __future__ import annotations

import csv
import io
from typing import Any

from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import config, half_unit, pointer
from chimera_pipeline.readers.formats.aiperf import DISTRIBUTIONS, SINGLE, STATISTICS, unit_of
from chimera_pipeline.readers.loadtest import LATENCIES, checked, distribution, fail, mapping, whole
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.records import Reading, Row

_SHORT = {"ttft": "time_to_first_token", "itl": "inter_token_latency", "tt2t": "time_to_second_token"}
_CSV_HEADER = {"metric", "mean", "std", "cv", "ci_low", "ci_high"}


def matches(document: Document) -> bool:
    """Metrics with a confidence interval beside the number of runs."""
    value = document.try_json()
    if isinstance(value, dict):
        metadata, metrics = value.get("metadata"), value.get("metrics")
        return (
            isinstance(metadata, dict)
            and "num_profile_runs" in metadata
            and isinstance(metrics, dict)
            and any("ci_low" in mapping(item) for item in metrics.values())
        )
    first_line = document.text.lstrip("\r\n").split("\n", 1)[0]
    return set(first_line.strip().split(",")) >= _CSV_HEADER and "Aggregation Type" in document.text


def read(document: Document) -> Reading:
    """One row of `serving_runs`."""
    reading = Reading(kind="aiperf_aggregate", tool="aiperf")
    value = document.try_json()
    if isinstance(value, dict):
        metadata = value["metadata"]
        found = [(pointer("metrics", name), name, mapping(item)) for name, item in value["metrics"].items()]
    else:
        metadata, found = _csv(document)
    runs = whole(reading, metadata.get("num_successful_runs"), locator="/metadata", field="num_successful_runs")
    locator = "/metrics" if isinstance(value, dict) else found[0][0] if found else "line 1"
    row: Row = {
        "locator": locator,
        "suite": "aiperf_aggregate",
        "config": config({"runs": runs}),
        "status": "ok",
    }
    if runs == 0 or not found:
        reading.add("serving_runs", fail(row | {"requests_ok": 0}))
        return reading
    for place, name, item in found:
        _put(reading, row, place, name, item)
    reading.add("serving_runs", row)
    return reading


def _put(reading: Reading, row: Row, locator: str, name: str, item: dict[str, Any]) -> None:
    base, _, statistic = name.removesuffix("_ms").rpartition("_")
    base = _SHORT.get(base, base)
    unit = unit_of(item.get("unit") or ("ms" if name.endswith("_ms") else None))
    stated = item.get("mean")
    if base in SINGLE and statistic == "avg":
        columns = [SINGLE[base]]
        row[columns[0]] = checked(reading, stated, unit, locator=locator, field=name)
    elif DISTRIBUTIONS.get(base) in LATENCIES and statistic in STATISTICS and statistic not in ("std", "sum"):
        target = DISTRIBUTIONS[base]
        columns = [f"{target}_s_{STATISTICS[statistic]}"]
        distribution(reading, row, target, {STATISTICS[statistic]: stated}, unit, n=None, locator=locator)
    else:
        return
    if isinstance(stated, str) and row.get(columns[0]) is not None:
        half = half_unit([stated], unit) or 0.0
        reading.precision.setdefault("serving_runs", {})[columns[0]] = half


def _csv(document: Document) -> tuple[dict[str, Any], list[tuple[str, str, dict[str, Any]]]]:
    """The metadata below the blank line and (locator, name, statistics) of each metric above it."""
    parser = csv.reader(io.StringIO(document.text, newline=""), strict=True)
    header: list[str] = []
    metadata: dict[str, Any] = {}
    found = []
    try:
        for cells in parser:
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = [cell.strip() for cell in cells]
            elif len(cells) == len(header):
                record = dict(zip(header, cells, strict=True))
                found.append((f"line {parser.line_num}", record["metric"], record))
            elif len(cells) == 2:
                metadata[cells[0].strip().lower().replace(" ", "_")] = cells[1]
    except csv.Error as error:
        line = f"line {parser.line_num}"
        raise ArtifactError(Reason.UNEXPECTED_SHAPE, f"{line}: {error}", locator=line) from None
    metadata["num_successful_runs"] = metadata.get("successful_runs")
    return metadata, found


READER = Reader(
    "aiperf-aggregate",
    1,
    matches,
    read,
    takes_ragged=True,
    signs=Signs(keys=("metadata",), words=("Aggregation Type",)),
)
