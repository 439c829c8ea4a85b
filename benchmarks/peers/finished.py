"""Leave an output folder as a finished run leaves it: manifest with hashes, and a result to repeat. No table is made.

python benchmarks/peers/finished.py FOLDER OUT ARGUMENT...
"""

import sys
import time
from pathlib import Path

from chimera_pipeline import settings
from chimera_pipeline.orchestration import steps, unchanged

chosen = settings.load(artifacts=sys.argv[1], out=Path(sys.argv[2]), llm="none")
steps.take_inventory(chosen, now=time.time())
report = {"period": "all"}
for suffix in ("md", "html", "json"):
    report[suffix] = str(chosen.out / f"report.{suffix}")
    Path(report[suffix]).write_text("prepared")
sys.argv[1:] = sys.argv[3:]
unchanged.remember(chosen, {"period": "all", "strict": False}, {"reports": [report], "durations_s": {}, "llm": None})
