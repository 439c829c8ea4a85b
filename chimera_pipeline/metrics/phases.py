"""Cold or warm: whether a request paid for loading the model. Unknown where load is not recorded."""

from __future__ import annotations

import statistics
from collections import defaultdict

from chimera_pipeline.metrics.entries import Entry
from chimera_pipeline.records import Row

COLD_LOAD_S = 0.5
COLD_RATIO = 5.0
_RELOADS = ("num_ctx", "num_gpu")


def set_phases(entries: list[Entry]) -> None:
    """Set `phase` of every request, in file order.

    Cold: load above max(0.5 s, 5 x the median load of the file's requests for that model), or the first request
    after a change of model, num_ctx or num_gpu. Two requests have no telling median: there 0.5 s decides.
    """
    for entry in entries:
        rows = entry.rows.get("llm_requests", [])
        loads: dict[str | None, list[float]] = defaultdict(list)
        for row in rows:
            if row.get("load_s") is not None:
                loads[row.get("model")].append(float(row["load_s"]))
        limits = {
            model: max(COLD_LOAD_S, COLD_RATIO * statistics.median(found)) if len(found) > 2 else COLD_LOAD_S
            for model, found in loads.items()
        }
        before: tuple[object, ...] | None = None
        for row in rows:
            loaded = (row.get("model"), *((row.get("config") or {}).get(key) for key in _RELOADS))
            row["phase"] = _phase(row, limits, changed=before is not None and loaded != before)
            before = loaded


def _phase(row: Row, limits: dict[str | None, float], *, changed: bool) -> str:
    if row.get("load_s") is None:
        return row.get("phase") or "unknown"
    return "cold" if changed or float(row["load_s"]) > limits[row.get("model")] else "warm"
