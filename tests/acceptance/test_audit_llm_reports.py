"""Reports that language models wrote: are their numeric claims found, and nothing else?

The labels say, by hand, how many numbers of each line are claims about something measured or counted. Dates, versions,
configuration values, model names, hardware and examples are none. Needs ../shared/data.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from chimera_pipeline.audit import audit

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not (DATA / "chimera_extra").is_dir(), reason="../shared/data is not here"),
]
COMPARISON = {5: 1, 6: 1, 12: 3, 13: 3, 19: 3, 20: 3, 26: 3, 27: 3, 28: 2, 29: 2, 52: 1, 53: 1, 60: 2, 62: 1}
LABELS = {
    "chimera/reports/gemma3/SUMMARY.md": {8: 1, 10: 1, 11: 1, 12: 1, 13: 1, 20: 3, 21: 3, 22: 3, 23: 3, 33: 2},
    "chimera/reports/gemma3/Analysis_Summary.md": {
        6: 1, 11: 1, 16: 1, 22: 1, 48: 1, 51: 1, 52: 1, 59: 3, 60: 2, 61: 1, 73: 1, 84: 1, 85: 1
    },
    "chimera_extra/chimera_sweep/run_gpu80_ctx512_temp0p8/reports/comparison_report.md": COMPARISON,
    "chimera_extra/chimera_sweep/run_gpu60_ctx256_temp0p6/reports/comparison_report.md": COMPARISON,
    "chimera_extra/chimera_sweep/run_gpu80_ctx512_temp0p8/reports/chimera_report_run_1.md": {
        13: 1, 14: 1, 22: 1, 23: 1, 29: 2, 31: 1, 42: 1, 58: 1, 65: 2, 66: 2
    },
    "chimera_extra/chimera_sweep/run_gpu60_ctx256_temp0p6/reports/baseline_report_run_1.md": {
        33: 1, 34: 1, 45: 1, 47: 1, 48: 1, 49: 1, 50: 1, 51: 1, 95: 2
    },
}  # fmt: skip


def test_claims_of_llm_written_reports_are_found() -> None:
    labelled = hit = found = 0
    missed: list[tuple[str, int, int, int]] = []
    for path, label in LABELS.items():
        text = (DATA / path).read_text(encoding="utf-8", errors="replace")
        lines = Counter(claim.line for claim in audit(text, []).claims if claim.is_number)
        labelled += sum(label.values())
        found += lines.total()
        hit += sum(min(count, label.get(line, 0)) for line, count in lines.items())
        missed += [
            (path, line, label.get(line, 0), lines[line])
            for line in sorted(set(label) | set(lines))
            if label.get(line, 0) != lines[line]
        ]
    print(f"{labelled} labelled claims: recall {hit / labelled:.1%}, precision {hit / found:.1%}")
    print(f"differing lines: {missed}")
    assert labelled >= 100
    assert hit / labelled >= 0.95
    assert hit / found >= 0.90
