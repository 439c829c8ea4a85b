"""The long form: every metric table melted into `measurements`, what facts are computed from.

In: settled tables. Out: one row for each stated value, in a fixed order. A failed record gives no value but its
own count, so that error rates follow from the same table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
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
_Part = dict[str, Any]
_KEEP = ("series_id", "status", "measured_at", "time_source", "artifact_path", "locator")


def melt(
    settled: Mapping[str, pd.DataFrame],
    *,
    period: str = "month",
    trust_file_times: bool = False,
    reader_version: str = "",
) -> pd.DataFrame:
    """Table `measurements` of the settled tables. `period` is the kind of report period rows are put in."""
    parts = [part for part in _parts(settled) if len(part["value"])]
    if not parts:
        return tables.frame("measurements")
    long = pd.DataFrame({name: _joined([part[name] for part in parts]) for name in parts[0]})
    hashes = settled["artifacts"].set_index("path")["sha256"]
    long["artifact_sha256"] = long["artifact_path"].map(hashes)
    long["reader_version"] = reader_version
    long["phase"] = long["phase"].fillna("unknown")
    runs = zip(long["artifact_path"], long["run_id"], long["run_id"].notna(), strict=True)
    long["run_id"] = [f"{path}#{run}".removesuffix("#") if known else path for path, run, known in runs]
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


def _joined(columns: list[Any]) -> Any:
    """One column of all parts; a column of a part has the same dtype in each, whether or not it holds a value."""
    if isinstance(columns[0], pd.Series):
        return pd.concat(columns, ignore_index=True)
    return np.concatenate(columns)


def _parts(settled: Mapping[str, pd.DataFrame]) -> Iterator[_Part]:
    yield from _requests(settled["llm_requests"])
    yield from _serving(settled["serving_runs"])
    yield from _timings(settled["timings"])
    yield from _throughputs(settled["throughputs"])
    yield from _evaluations(settled["evaluations"])
    yield from _system(settled["system_samples"])
    yield from _extras(settled[EXTRAS])


def _part(frame: pd.DataFrame, metric: str, statistic: str, value: pd.Series[Any], *, n: Any = 1, **more: Any) -> _Part:
    """Rows of `frame` whose `value` is known, as columns of long rows."""
    known = value.notna().to_numpy()
    length = int(known.sum())
    given: dict[str, Any] = {"unit": vocabulary.metric(metric).unit} | more
    given |= {"metric": metric, "statistic": statistic, "n": n, "run_id": frame.get("run_id")}
    given |= {name: frame[name] for name in _KEEP}
    out: _Part = {"value": value.to_numpy(dtype="float64", na_value=np.nan)[known]}
    for name in (*_KEEP, "metric", "statistic", *_OPEN):
        found = given.get(name)
        if name == "measured_at":
            out[name] = frame[name][known]
        elif isinstance(found, pd.Series):
            out[name] = found.to_numpy(dtype="object")[known]
        else:
            out[name] = np.full(length, found, dtype="object")
    return out


def _requests(frame: pd.DataFrame) -> Iterator[_Part]:
    shared = {"phase": frame["phase"], "item": frame["prompt_id"]}
    ok = frame["status"] == "ok"
    for metric in _REQUEST_METRICS:
        definition = frame["ttft_definition"] if metric == "ttft_s" else None
        yield _part(frame, metric, "sample", frame[metric].where(ok), definition=definition, **shared)
    yield _part(frame, "requests", "count", pd.Series(1.0, index=frame.index), **shared)


def _serving(frame: pd.DataFrame) -> Iterator[_Part]:
    for metric in _SERVING_METRICS:
        yield _part(frame, metric, "sample", frame[metric].astype("float64"))
    for name in ("ttft", "tpot", "itl", "e2e"):
        for statistic in _SERVING_STATISTICS:
            column = frame[f"{name}_s_{statistic}"]
            shown = "median" if statistic == "p50" else statistic
            yield _part(frame, f"serving_{name}_s", shown, column, n=frame["requests_ok"])


def _timings(frame: pd.DataFrame) -> Iterator[_Part]:
    for statistic in _TIMING_STATISTICS:
        ddof = frame["ddof"] if statistic == "std" else None
        yield _part(frame, "time_s", statistic, frame[f"{statistic}_s"], n=frame["n"], ddof=ddof)
    yield _part(frame, "compile_s", "sample", frame["compile_s"])


def _throughputs(frame: pd.DataFrame) -> Iterator[_Part]:
    for statistic, column in (("mean", "rate_mean"), ("std", "rate_std")):
        yield _part(frame, "rate", statistic, frame[column], n=frame["n"], unit=frame["rate_unit"])


def _evaluations(frame: pd.DataFrame) -> Iterator[_Part]:
    many = frame["n"].fillna(1) > 1
    yield _part(frame, "quality", "mean", frame["value"].where(many), n=frame["n"])
    yield _part(frame, "quality", "sample", frame["value"].where(~many))
    yield _part(frame, "quality", "stderr", frame["stderr"], n=frame["n"])


def _system(frame: pd.DataFrame) -> Iterator[_Part]:
    yield _part(frame, "system", "sample", frame["value"], unit=frame["unit"])


def _extras(frame: pd.DataFrame) -> Iterator[_Part]:
    for (metric, statistic), rows in frame.groupby(["metric", "statistic"], sort=True):
        unit = rows["unit"].where(rows["unit"].notna(), vocabulary.metric(str(metric)).unit)
        n = rows["n"].where(rows["n"].notna(), 1) if statistic == "sample" else rows["n"]
        yield _part(
            rows, str(metric), str(statistic), rows["value"].astype("float64"), n=n, ddof=rows["ddof"], unit=unit,
            phase=rows["phase"], item=rows["prompt_id"], definition=rows["ttft_definition"],
        )  # fmt: skip
