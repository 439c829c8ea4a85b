"""Write chimera_pipeline/facts/history_lags.json anew: what the lag statistic gives in series without a step.

python benchmarks/history_lags.py

Needed after a change of the simulation in `history_null`; takes about a minute. tests/slow/test_history_lags.py tells
when it is due.
"""

from __future__ import annotations

import orjson

from chimera_pipeline.facts import history_null


def main() -> None:
    """Simulate every length of the grid with every phi."""
    found = {}
    for n in history_null.LENGTHS:
        nulls = (history_null.null(n, phi) for phi in history_null.PHI)
        found[str(n)] = [[null.lag_mean, null.lag_sd] for null in nulls]
    lines = [f"{orjson.dumps(n).decode()}: {orjson.dumps(of_phi).decode()}" for n, of_phi in found.items()]
    history_null.LAGS.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
