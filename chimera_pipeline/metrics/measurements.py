"""The long form: every metric table melted into `measurements`, what facts are computed from.

In: settled tables. Out: one row for each stated value, in a fixed order. A failed record gives no value but its
own count, so that error rates follow from the same table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from chimera_pipeline import periods
from chimera_pipeline.contracts import tables, vocabulary
from chimera_pipeline.contracts.tables import EXTRAS

_REQUEST_METRICS = (
    "ttft_s", "load_s", "prompt_eval_s", "eval_s", "total_s", "tpot_s", "itl_s",
    "prompt_tokens", "output_tokens", "decode_tokens_per_s", "end_to_end_tokens_per_s",
)  # fmt: skip
_SERVING_METRICS = (
    "duration_s", "requests_per_s", "output_tokens_per_s", "total_tokens_per_s", "requests_ok", "requests_failed",
)  # fmt: skip
_SERVING_STATISTICS = ("mean", "std", "p50", "p90", "p95", "p99")
_TIMING_STATISTICS = ("mean", "std", "min", "max", "median", "p90", "p95", "p99")
_OPEN = ("run_id", "n", "ddof", "definition", "phase", "item", "unit")
_KEEP = ("series_id", "status", "measured_at", "time_source", "artifact_path", "locator")


def melt(
    settled: Mapping[str, pd.DataFrame],
    *,
    period: str = "month",
    trust_file_times: bool = False,
    reader_version: str = "",
) -> pd.DataFrame:
    """Table `measurements` of the settled tables. `period` is the kind of report period rows are put in."""
    parts = [part for part in _parts(settled) if len(part)]
    if not parts:
        return tables.frame("measurements")
    long = pd.concat(parts, ignore_index=True)
    hashes = settled["artifacts"].set_index("path")["sha256"]
    long["artifact_sha256"] = long["artifact_path"].map(hashes)
    long["reader_version"] = reader_version
    long["phase"] = long["phase"].fillna("unknown")
    long["run_id"] = long["run_id"].where(long["run_id"].notna(), "")
    long["run_id"] = (long["artifact_path"] + "#" + long["run_id"].astype(str)).str.removesuffix("#")
    long["period"] = _periods(long, period, trust_file_times)
    # artifact_path, locator, metric and statistic name a value; the order is the same whatever order files came in
    long = long.sort_values(["artifact_path", "series_id", "metric", "statistic"], kind="stable", ignore_index=True)
    return tables.frame_of_columns("measurements", {str(name): long[name] for name in long}, len(long))


def _periods(long: pd.DataFrame, kind: str, trust_file_times: bool) -> pd.Series[Any]:
    """The report period of each row; None where its instant is unknown or not trusted. A period holds whole days."""
    trusted = ("content", "filename", "mtime") if trust_file_times else ("content", "filename")
    days = long["measured_at"].where(long["time_source"].isin(trusted)).dt.floor("D")
    known = {day: periods.period_of(day.to_pydatetime(), kind) for day in days.dropna().unique()}
    named = days.map(known).astype("object")
    known_or_none: pd.Series[Any] = named.where(days.notna(), None)
    return known_or_none


def _parts(settled: Mapping[str, pd.DataFrame]) -> Iterator[pd.DataFrame]:
    yield from _requests(settled["llm_requests"])
    yield from _serving(settled["serving_runs"])
    yield from _timings(settled["timings"])
    yield from _throughputs(settled["throughputs"])
    yield from _evaluations(settled["evaluations"])
    yield from _system(settled["system_samples"])
    yield from _extras(settled[EXTRAS])


def _part(
    frame: pd.DataFrame, metric: str, statistic: str, value: pd.Series[Any], *, n: Any = 1, **more: Any
) -> pd.DataFrame:
    """Rows of `frame` whose `value` is known, as long rows."""
    known = value.notna()
    base = frame.loc[known]
    columns: dict[str, Any] = {name: base[name] for name in _KEEP}
    columns["run_id"] = base.get("run_id")
    columns |= {"metric": metric, "statistic": statistic, "value": value[known].astype("float64")}
    columns["unit"] = vocabulary.metric(metric).unit
    columns["n"] = n[known] if isinstance(n, pd.Series) else n
    columns |= {"ddof": None, "definition": None, "phase": None, "item": None}
    for name, given in more.items():
        columns[name] = given[known] if isinstance(given, pd.Series) else given
    # one dtype in every part, whether or not it holds a value: what concat makes of them must not depend on the data
    return pd.DataFrame(columns, index=base.index).astype(dict.fromkeys(_OPEN, "object"))


def _requests(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    shared = {"phase": frame["phase"], "item": frame["prompt_id"]}
    ok = frame["status"] == "ok"
    for metric in _REQUEST_METRICS:
        definition = frame["ttft_definition"] if metric == "ttft_s" else None
        yield _part(frame, metric, "sample", frame[metric].where(ok), definition=definition, **shared)
    yield _part(frame, "requests", "count", pd.Series(1.0, index=frame.index), **shared)


def _serving(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for metric in _SERVING_METRICS:
        yield _part(frame, metric, "sample", frame[metric].astype("float64"))
    for name in ("ttft", "tpot", "itl", "e2e"):
        for statistic in _SERVING_STATISTICS:
            column = frame[f"{name}_s_{statistic}"]
            shown = "median" if statistic == "p50" else statistic
            yield _part(frame, f"serving_{name}_s", shown, column, n=frame["requests_ok"])


def _timings(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for statistic in _TIMING_STATISTICS:
        ddof = frame["ddof"] if statistic == "std" else None
        yield _part(frame, "time_s", statistic, frame[f"{statistic}_s"], n=frame["n"], ddof=ddof)
    yield _part(frame, "compile_s", "sample", frame["compile_s"])


def _throughputs(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for statistic, column in (("mean", "rate_mean"), ("std", "rate_std")):
        yield _part(frame, "rate", statistic, frame[column], n=frame["n"], unit=frame["rate_unit"])


def _evaluations(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    many = frame["n"].fillna(1) > 1
    yield _part(frame, "quality", "mean", frame["value"].where(many), n=frame["n"])
    yield _part(frame, "quality", "sample", frame["value"].where(~many))
    yield _part(frame, "quality", "stderr", frame["stderr"], n=frame["n"])


def _system(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    yield _part(frame, "system", "sample", frame["value"], unit=frame["unit"])


def _extras(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for (metric, statistic), rows in frame.groupby(["metric", "statistic"], sort=True):
        unit = rows["unit"].where(rows["unit"].notna(), vocabulary.metric(str(metric)).unit)
        n = rows["n"].where(rows["n"].notna(), 1) if statistic == "sample" else rows["n"]
        yield _part(
            rows, str(metric), str(statistic), rows["value"].astype("float64"), n=n, ddof=rows["ddof"], unit=unit,
            phase=rows["phase"], item=rows["prompt_id"], definition=rows["ttft_definition"],
        )  # fmt: skip
