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
from chimera_pipeline.metrics import coding
from chimera_pipeline.metrics.coding import Text, crossed, joined

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
_COUNTS = ("n", "ddof")
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
    long = coded(
        {name: coding.by_categories(frame) for name, frame in settled.items()},
        period=period,
        trust_file_times=trust_file_times,
        reader_version=reader_version,
    )
    return tables.without_categories(long)


def coded(
    settled: Mapping[str, pd.DataFrame],
    *,
    period: str = "month",
    trust_file_times: bool = False,
    reader_version: str = "",
) -> pd.DataFrame:
    """What `melt` gives, text as categories but for `period`; so may be the text of the settled tables."""
    parts = [part for part in _parts(settled) if len(part["value"])]
    if not parts:
        return tables.frame("measurements")
    long = {name: _joined([part[name] for part in parts]) for name in parts[0]}
    paths = long["artifact_path"]
    # artifact_path, locator, metric and statistic name a value; the order is the same whatever order files came in
    order = _order([paths, long["series_id"], long["metric"], long["statistic"]])
    at = long["measured_at"]
    long |= {
        "artifact_sha256": _hashes(paths, settled["artifacts"]),
        "reader_version": Text.same(reader_version, len(at)),
        "phase": long["phase"].filled("unknown"),
        "run_id": _run_ids(paths, long["run_id"]),
        "period": _periods(at, long["time_source"], period, trust_file_times),
    }
    types = tables.columns("measurements")
    columns: dict[str, Any] = {name: _in_order(long[name], order) for name in types}
    columns["measured_at"] = columns["measured_at"].astype(types["measured_at"])
    return pd.DataFrame(columns)


def _order(keys: list[Text]) -> Any:
    """The places of rows in order of their keys, the first before the others."""
    key = np.zeros(len(keys[0].codes), dtype=np.int64)
    for text in keys:
        key = key * (len(text.words) + 1) + text.ranks()
    return np.argsort(key, kind="stable")


def _in_order(column: Any, order: Any) -> pd.Series[Any]:
    if isinstance(column, Text):
        return column.take(order).series()
    taken: pd.Series[Any] = pd.Series(column).take(order).reset_index(drop=True)
    return taken


def _hashes(paths: Text, artifacts: pd.DataFrame) -> Text:
    """The sha256 of the artifact of each row."""
    told = artifacts[artifacts["path"].isin(paths.words)]
    known = dict(zip(told["path"], told["sha256"], strict=True))
    words = [known.get(path) for path in paths.words]
    found = Text.of(pd.Series(words, dtype="object"))
    return joined([found.take(paths.codes)])


def _run_ids(paths: Text, runs: Text) -> Text:
    """The run of each row: within its artifact where it is named, else the artifact itself."""
    codes, pairs = crossed(paths, runs)
    words = [str(path) if run is None else f"{path}#{run}".removesuffix("#") for path, run in pairs]
    return joined([Text(codes, words)])


def _periods(at: pd.Series[Any], source: Text, kind: str, trust_file_times: bool) -> pd.Series[Any]:
    """The report period of each row; None where its instant is unknown or not trusted. A period holds whole days."""
    trusted = ("content", "filename", "mtime") if trust_file_times else ("content", "filename")
    days = at.where(source.isin(trusted)).dt.floor("D")
    known = {day: periods.period_of(day.to_pydatetime(), kind) for day in days.dropna().unique()}
    named = days.map(known).astype("object")
    known_or_none: pd.Series[Any] = named.where(days.notna(), None)
    return known_or_none


def _joined(columns: list[Any]) -> Any:
    """One column of all parts; a column of a part has the same dtype in each, whether or not it holds a value."""
    if isinstance(columns[0], Text):
        return joined(columns)
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
        elif name in _COUNTS:
            out[name] = _counts(found, known)
        elif isinstance(found, Text):
            out[name] = found.take(known)
        elif isinstance(found, pd.Series):
            out[name] = Text.of(found).take(known)
        else:
            out[name] = Text.same(found, length)
    return out


def _counts(found: Any, known: Any) -> pd.Series[Any]:
    """Whole numbers of the `known` rows; `found`: a column, or one number or None for all."""
    if isinstance(found, pd.Series):
        taken: pd.Series[Any] = found[known].astype("Int64")
        return taken
    return pd.Series(pd.NA if found is None else found, index=range(int(known.sum())), dtype="Int64")


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
    for (metric, statistic), rows in frame.groupby(["metric", "statistic"], sort=True, observed=True):
        unit = Text.of(rows["unit"]).filled(vocabulary.metric(str(metric)).unit)
        n = rows["n"].where(rows["n"].notna(), 1) if statistic == "sample" else rows["n"]
        yield _part(
            rows, str(metric), str(statistic), rows["value"].astype("float64"), n=n, ddof=rows["ddof"], unit=unit,
            phase=rows["phase"], item=rows["prompt_id"], definition=rows["ttft_definition"],
        )  # fmt: skip
