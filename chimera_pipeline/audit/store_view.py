"""What other tables than `facts` state, as facts: records of each file, places of each gap, figures of the run itself.

In: tables `artifacts` and `telemetry_gaps`, the object `run` of a report. Out: FactViews that `store_rows` finds by the
words of a table's header and first cells alone, so that a path never passes for the name of a model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chimera_pipeline import redact
from chimera_pipeline.audit.facts_read import facts_from_rows
from chimera_pipeline.audit.facts_view import FactView

if TYPE_CHECKING:
    import pandas as pd

RECORDS_OK, RECORDS_FAILED, PLACES = "records ok", "records failed", "places"
STAGE_TIME, MODEL_CALLS = "stage time", "model calls"
FIELD = ": "
"""Between the kind of a gap and its field or fields, in a fact's condition."""
_CALLS = {
    "throughput_tokens_per_s": ("throughput", "tokens/s"),
    "ttft_s": ("ttft", "s"),
    "total_duration_s": ("total duration", "s"),
    "load_duration_s": ("load duration", "s"),
    "prompt_eval_duration_s": ("prompt eval", "s"),
    "eval_duration_s": ("eval duration", "s"),
    "prompt_tokens": ("prompt tokens", "tokens"),
    "output_tokens": ("tokens generated", "tokens"),
    "unexplained_s": ("unexplained time", "s"),
}
"""Key of the object `llm` of `run --json` -> what it is called, and its unit."""
_CALL = {
    "ttft_s": ("call ttft", "s"),
    "total_s": ("call total", "s"),
    "load_s": ("call load", "s"),
    "prompt_eval_s": ("call prompt eval", "s"),
    "eval_s": ("call eval", "s"),
    "unexplained_s": ("call unexplained", "s"),
    "prompt_tokens": ("call prompt", "tokens"),
    "output_tokens": ("call output", "tokens"),
}
"""Key of one of its `calls` -> the header of its column, and its unit."""
METRICS = frozenset(
    {RECORDS_OK, RECORDS_FAILED, PLACES, STAGE_TIME, MODEL_CALLS, *(metric for metric, _ in _CALL.values())}
)


def facts_of_store(
    artifacts: pd.DataFrame | None = None, gaps: pd.DataFrame | None = None, run: Mapping[str, Any] | None = None
) -> list[FactView]:
    """What the tables and the run's own figures state. Frames as tables `artifacts` and `telemetry_gaps`."""
    rows: list[dict[str, Any]] = []
    if artifacts is not None:
        rows += _files(artifacts)
    if gaps is not None:
        rows += _places(gaps)
    if run is not None:
        rows += _run(run)
    facts = zip(facts_from_rows(rows), rows, strict=True)
    return [replace(fact, phrase=row["metric"], condition=row["condition"], statistic=None) for fact, row in facts]


def _fact(kind: str, metric: str, entity: str, value: float, unit: str, condition: str = "") -> dict[str, Any]:
    about = ":".join(part for part in (kind, metric, entity, condition) if part)
    return {
        "id": about, "kind": kind, "metric": metric, "entity": entity, "condition": condition,
        "value": value, "unit": unit,
    }  # fmt: skip


def _files(artifacts: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for path, used, failed in artifacts[["path", "rows_ok", "rows_failed"]].itertuples(index=False):
        shown = redact.printable(path)
        yield _fact("file", RECORDS_OK, shown, int(used), "records")
        yield _fact("file", RECORDS_FAILED, shown, int(failed), "records")


def _places(gaps: pd.DataFrame) -> Iterator[dict[str, Any]]:
    yield from _gap_rows(gaps[["kind", "field", "subject", "count"]].itertuples(index=False))


def _gap_rows(gaps: Iterable[tuple[str, str | None, str, int]]) -> Iterator[dict[str, Any]]:
    for kind, field, subject, count in gaps:
        named = str(kind).replace("_", " ") + (f"{FIELD}{field}" if isinstance(field, str) and field else "")
        yield _fact("gap_place", PLACES, redact.printable(subject), int(count), "places", named)


def _run(run: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for stage, seconds in (run.get("durations_s") or {}).items():
        yield _fact("run", STAGE_TIME, stage, seconds, "s")
    gaps = run.get("gaps") or ()
    yield from _gap_rows((gap["kind"], gap["field"], gap["subject"], gap["count"]) for gap in gaps)
    llm = run.get("llm")
    if not llm:
        return
    for key, (name, unit) in _CALLS.items():
        if llm.get(key) is not None:
            yield _fact("run", MODEL_CALLS, name, llm[key], unit)
    yield _fact("run", MODEL_CALLS, "calls", len(llm["calls"]), "")
    yield _fact("run", MODEL_CALLS, "calls answered", llm["succeeded"], "")
    for call in llm["calls"]:
        for key, (metric, unit) in _CALL.items():
            if call.get(key) is not None:
                yield _fact("run", metric, place(call), call[key], unit)


def place(call: Mapping[str, Any]) -> str:
    """What a report names a model call by: its agent and its number."""
    return str(call["locator"]).partition("/")[2].replace("/", " ")
