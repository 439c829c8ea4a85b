"""No reader takes more than linear time, whatever the text: `benchmarks/readers_growth.py` says so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def test_four_times_the_text_takes_four_times_the_time() -> None:
    command = [sys.executable, str(BENCHMARKS / "readers_growth.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    assert done.stdout.count("\n") > 60
