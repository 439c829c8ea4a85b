"""Series: what was measured under which conditions. Rows of one series may be pooled; rows of two may not.

Gives each row its `series_id` and each series an entity and a condition, the words it goes by in sentences.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import orjson

from chimera_pipeline.contracts import vocabulary
from chimera_pipeline.metrics.entries import Entry
from chimera_pipeline.records import Row

FAMILY = {
    "llm_requests": "requests",
    "serving_runs": "serving",
    "timings": "timings",
    "throughputs": "throughputs",
    "evaluations": "evaluations",
    "system_samples": "system",
}
_QUANTIZATION = re.compile(
    r"(?:^|[-_:.])(i?q\d(?:_[0-9a-z]+){0,3}|[bf]p?f?16|fp8|fp4|int[48]|qat|awq|gptq|mxfp4|nvfp4|w\da\d+)(?=$|[-_:.@])",
    re.IGNORECASE,
)


_CONDITIONS = ("concurrency", "request_rate", "device", "dtype", "backend", "n_shot", "params")
_BY_MODEL = frozenset({"requests", "serving", "evaluations"})


def canonical_config(config: dict[str, Any] | None) -> str:
    """A configuration as JSON with sorted keys."""
    if not config:
        return "{}"
    try:
        return _canonical(orjson.dumps(config, option=_FAST))
    except TypeError:  # a whole number beyond 64 bits
        return json.dumps(config, sort_keys=True, separators=(",", ":"))


_FAST = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS


@lru_cache(maxsize=65_536)
def _canonical(config: bytes) -> str:
    """Many rows share a configuration: the spelling that ids rest on is made once for each."""
    return json.dumps(orjson.loads(config), sort_keys=True, separators=(",", ":"))


@lru_cache(maxsize=4096)
def quantization_of(model: str | None) -> str | None:
    """The quantization that a model name carries: `llama3.1:8b-instruct-q4_0` -> `q4_0`."""
    found = _QUANTIZATION.search(model or "")
    return found.group(1) if found else None


class Catalogue:
    """The series of the store, as its files go by."""

    def __init__(self) -> None:
        self._known: dict[str, Row] = {}
        self._ids: dict[tuple[object, ...], str] = {}

    def assign(self, entry: Entry) -> set[str]:
        """Set `series_id` on every row of an entry that counts; gives the ids."""
        found: set[str] = set()
        tool = entry.reading.tool
        for table, row in entry.all_rows():
            if row.get("quantization") is None:
                row["quantization"] = quantization_of(row.get("model"))
            config = _config(row)
            origin = entry.path if row.get("model") is None and _family(table, row) in _BY_MODEL else None
            # few rows tell anything new: what they are is spelled out once for each combination
            key = (table, tool, origin, config, *map(row.get, _TOLD))
            series_id = self._ids.get(key)
            if series_id is None:
                identity = _identity(table, row, origin, tool, config)
                text = json.dumps(identity, sort_keys=True)
                series_id = self._ids[key] = "s_" + hashlib.sha256(text.encode()).hexdigest()[:12]
                self._known.setdefault(series_id, identity | {"series_id": series_id})
            row["series_id"] = series_id
            found.add(series_id)
        return found

    def told(self, ids: Iterable[str]) -> dict[str, Row]:
        """What defines some series, by id."""
        return {series_id: self._known[series_id] for series_id in sorted(ids)}

    def add(self, told: dict[str, Row]) -> None:
        """Take the series of files that went by before."""
        for series_id, row in told.items():
            self._known.setdefault(series_id, row)

    def rows(self) -> list[Row]:
        """The rows of table `series`, sorted by id."""
        series = [dict(self._known[series_id]) for series_id in sorted(self._known)]
        _name(series)
        return series


def _family(table: str, row: Row) -> str:
    if table == "measurements":
        return vocabulary.metric(row["metric"]).family
    return FAMILY[table]


_TOLD = (
    "ttft_definition", "model", "quantization", "engine", "hardware", "workload", "suite", "case", "task", "metric",
    "filter",
)  # fmt: skip
"""What of a row its identity follows from, beside its configuration."""


def _config(row: Row) -> str:
    """The configuration of a row with the conditions that have columns of their own."""
    config = row.get("config") or {}
    beside = {key: row[key] for key in _CONDITIONS if row.get(key) is not None}
    return canonical_config({**config, **beside} if beside else config)


def _identity(table: str, row: Row, origin: str | None, tool: str | None, config: str) -> Row:
    """What defines a series. Rows that name no model are one series only within their file."""
    family = _family(table, row)
    case = row.get("case")
    if family in ("evaluations", "system"):
        case = "/".join(str(row[key]) for key in ("task", "metric", "filter") if row.get(key) is not None)
    return {
        "family": family,
        "definition": row.get("ttft_definition"),
        "model": row.get("model"),
        "quantization": row.get("quantization"),
        "engine": row.get("engine"),
        "hardware": row.get("hardware"),
        "workload": row.get("workload"),
        "suite": row.get("suite"),
        "tool": tool or "unknown",
        "config": config,
        "case": case,
        "origin": origin,
    }


def _name(series: list[Row]) -> None:
    """Entity and condition: the words that tell a series from all others."""
    taken: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in series:
        row["entity"] = _entity(row)
        row["condition"] = ", ".join(_condition(row))
        row["aliases"] = json.dumps([row["model"]] if row["model"] else [])
        taken[row["entity"], row["condition"]].append(row)
    for rows in taken.values():
        if len(rows) > 1:
            for row in rows:
                row["condition"] = ", ".join(filter(None, [row["condition"], f"series {row['series_id'][2:8]}"]))


def _entity(row: Row) -> str:
    if row["family"] in ("timings", "throughputs"):
        return str(row["model"] + "/" + row["case"] if row["model"] else row["case"])
    if row["family"] == "system":
        device = json.loads(row["config"]).get("device")
        return str(row["hardware"] or device or "host")
    if row["family"] == "evaluations" and not row["model"]:
        return str(row["quantization"] or "model")
    return str(row["model"] or "unnamed model")


def _condition(row: Row) -> Iterable[str]:
    if row["suite"]:
        yield str(row["suite"]).replace("_", " ")
    if row["family"] in ("evaluations", "system") and row["case"]:
        yield str(row["case"])
    model = str(row["model"] or "").lower()
    if row["quantization"] and str(row["quantization"]).lower() not in model and row["model"]:
        yield str(row["quantization"])
    for key, value in sorted(json.loads(row["config"]).items()):
        if key != "device" or row["family"] != "system":
            yield f"{key}={value}"
    if row["hardware"] and row["family"] != "system":
        yield str(row["hardware"])
    if row["origin"]:
        yield f"file {row['origin']}"
