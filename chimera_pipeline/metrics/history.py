"""Great Expectations over a report period: the expectations of `expectations`, asked, as rows of table `checks`.

The only module that imports great_expectations, and only when there is something to ask: the import takes seconds. Its
context lives in memory, sends no statistics and writes nothing.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pandas as pd

from chimera_pipeline.metrics.expectations import Batch, Expectation, plan
from chimera_pipeline.records import Row

SUITE = "history"


def check_rows(measurements: pd.DataFrame, series: pd.DataFrame, *, period: str, limit: int) -> list[Row]:
    """Rows of table `checks` for `period` against up to `limit` earlier periods; [] where too few hold measurements."""
    batches = plan(measurements, series, period=period, limit=limit)
    if not batches:
        return []
    context = _context()
    return [row for batch in batches for row in _asked(context, batch, period)]


def _context() -> Any:
    """A context in memory: no store on disk, no analytics, no progress bar."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def _asked(context: Any, batch: Batch, period: str) -> list[Row]:
    import great_expectations as gx
    from great_expectations import expectations as known

    name = f"{batch.suite} {batch.table} {len(context.data_sources.all())}"
    source = context.data_sources.add_pandas(name)
    definition = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe(name)
    suite = gx.ExpectationSuite(name=name)
    for position, one in enumerate(batch.expectations):
        suite.add_expectation(getattr(known, one.type)(**one.kwargs, meta={"position": position}))
    found = definition.get_batch(batch_parameters={"dataframe": batch.frame}).validate(suite)
    results = sorted(found.results, key=lambda result: int(result.expectation_config.meta["position"]))
    return [
        {
            "suite": f"{SUITE}: {batch.suite}",
            "expectation": f"{_snake(one.type)}: {one.subject}",
            "table": batch.table,
            "period": period,
            "passed": bool(result.success),
            "severity": "WARN",
            "observed": json.dumps(_observed(result), sort_keys=True),
            "expected": json.dumps(_expected(one), sort_keys=True),
        }
        for one, result in zip(batch.expectations, results, strict=True)
    ]


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _observed(result: Any) -> dict[str, Any]:
    """What was seen: a value, quantiles, or the share of nulls; or the error where it could not be asked."""
    if result.exception_info.get("raised_exception"):
        return {"error": str(result.exception_info.get("exception_message"))[:200]}
    seen = dict(result.result)
    if "unexpected_percent" in seen:
        return {"null_share": round(float(seen["unexpected_percent"]) / 100, 9), "records": int(seen["element_count"])}
    value = seen.get("observed_value")
    if isinstance(value, dict):
        return {"quantiles": [float(number) for number in value["values"]]}
    return {"value": None if value is None else float(value)}


def _expected(one: Expectation) -> dict[str, Any]:
    kwargs = dict(one.kwargs)
    if "mostly" in kwargs:
        return {"max_null_share": round(1 - kwargs["mostly"], 9)}
    ranges = kwargs.get("quantile_ranges")
    return {"quantiles": ranges["value_ranges"]} if ranges else {k: v for k, v in kwargs.items() if k != "column"}
