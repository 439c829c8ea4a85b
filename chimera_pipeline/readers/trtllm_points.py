"""One run of TensorRT-LLM's bench, from its report or its console output.

In: what the tool states, by name. Out: a row of `serving_runs` with its statistics.
"""

from __future__ import annotations

import re
from typing import Any

from chimera_pipeline.readers.fields import extra, number
from chimera_pipeline.readers.serving_points import Statistics, put_statistics
from chimera_pipeline.readers.tool_records import fail
from chimera_pipeline.records import Reading, Row

_RATES = ("requests_per_s", "output_tokens_per_s", "total_tokens_per_s")
_STATISTIC = re.compile(r"(minimum|maximum|average|mean|median|p\d{1,2}(\.\d{1,3})?)\Z")
_WORDS = {"minimum": "min", "maximum": "max", "average": "mean"}


def workload(input_length: Any, output_length: Any) -> str | None:
    """Mean lengths of prompts and outputs as a name: isl1024_osl128."""
    lengths = [number(value) for value in (input_length, output_length)]
    if lengths[0] is None or lengths[1] is None:
        return None
    return f"isl{lengths[0]:g}_osl{lengths[1]:g}"


def point(reading: Reading, row: Row, stated: dict[Any, Any], places: dict[Any, str] | None = None) -> Row:
    """`row` with the values of `stated`; keys are columns, duration_ms, and (metric, statistic) in ms.

    `places` has the locator of keys that stand elsewhere than the row.

    A run without requests or of zero throughput is failed.
    """
    locator = row["locator"]
    rates = {name: number(stated.get(name), locator=locator, field=name) for name in _RATES}
    if row.get("requests_ok") == 0 or not any(rates.values()):
        return fail(row, "no_output")
    row |= {name: value for name, value in rates.items() if name in stated}
    if "duration_ms" in stated:
        row["duration_s"] = number(stated["duration_ms"], "ms", locator=locator, field="total latency")
    statistics: Statistics = {}
    found: dict[tuple[str, str], str] = {}
    elsewhere: dict[Any, str] = places or {}
    for key, value in stated.items():
        if isinstance(key, tuple) and _STATISTIC.match(key[1].lower()):
            metric, statistic = key
            seconds = number(value, "ms", locator=locator, field=f"{metric} {statistic}")
            stat = (str(metric), _WORDS.get(statistic.lower(), statistic.lower()))
            if seconds is not None and stat not in statistics:
                statistics[stat], found[stat] = seconds, elsewhere.get(key, str(locator))
    put_statistics(reading, row, statistics, n=row.get("requests_ok"), places=found)
    for name in ("user_output_tokens_per_s", "running_requests"):
        beside = number(stated.get(name), locator=locator, field=name)
        where = elsewhere.get(name, str(locator))
        extra(reading, row, name, "mean", beside, n=row.get("requests_ok"), locator=where)
    return row
