"""Hash one large csv and make its reading, as the inventory and the readings do; no pandas, no Dagster.

python benchmarks/peers/large.py FILE OUT
"""

import sys
from pathlib import Path

from chimera_pipeline import settings
from chimera_pipeline.inventory import changes, scan
from chimera_pipeline.orchestration import reading

if __name__ == "__main__":
    chosen = settings.load(artifacts=sys.argv[1], out=Path(sys.argv[2]))
    root = scan.open_root(chosen.artifacts)
    limits = chosen.limits
    stock = changes.take_stock(
        root, scan.scan(root), {}, max_bytes=limits.max_file_bytes, max_csv_bytes=limits.max_csv_bytes
    )
    (found,) = reading.read_chunk(reading.Chunk(chosen, tuple(stock)))
    print(found.status, found.records_ok, found.records_failed, len(found.payload))
