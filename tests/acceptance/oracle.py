"""File by file: what the pipeline makes of the sample files beside what an independent count says of them.

    python -m tests.acceptance.oracle [-v]

prints a line a file (records, failed records, every figure of the oracle in canonical units, instants, what the file
repeats) and then each disagreement with who is right, and the proof from the file (`oracle_disputes`). -v lists the
figures that were compared. Exit code 1 where a disagreement has no proof.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chimera_pipeline import periods
from chimera_pipeline.records import Reading
from tests.acceptance import oracle_disputes, oracle_figures
from tests.acceptance.oracle_disputes import DISPUTES
from tests.acceptance.shared import DATA, oracle
from tests.acceptance.world import World, world

RELATIVE = 1e-9


@dataclass(slots=True)
class Comparison:
    """One file: what was compared, and what differs as figure -> (ours, the oracle's)."""

    path: str
    compared: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    differs: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def note(self, name: str, ours: Any, stated: Any, *, same: bool | None = None) -> None:
        """Compare one figure; a stated None is unknown to the oracle."""
        if stated is None:
            self.unknown.append(name)
            return
        self.compared.append(name)
        if not (_close(ours, stated) if same is None else same):
            self.differs[name] = (ours, stated)


def _close(ours: Any, stated: Any) -> bool:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (ours, stated))
    if numbers:
        return math.isclose(ours, stated, rel_tol=RELATIVE, abs_tol=1e-15)
    return bool(ours == stated)


def compare(path: str, known: dict[str, Any], everything: World) -> Comparison:
    """Every figure of one file."""
    out = Comparison(path)
    row, reading = everything.artifacts.loc[path], everything.readings[path]
    out.note("rows", int(row["rows_ok"] + row["rows_failed"]), known["rows"])
    out.note("rows_failed", int(row["rows_failed"]), known["rows_failed"])
    out.note("sha256", row["sha256"], known["sha256"])
    for name, ours, stated in oracle_figures.figures(path, known, reading):
        if isinstance(stated, dict) and "mean" in stated and "p50" in stated:
            _distribution(out, name, ours, stated)
        else:
            out.note(name, ours, stated)
    _instants(out, known["timestamp"], row, reading)
    _counted(out, path, row, reading, everything)
    return out


def _distribution(out: Comparison, name: str, values: list[float], stated: dict[str, Any]) -> None:
    out.note(f"{name} n", len(values), stated["n"])
    if not values:
        return
    ordered = sorted(values)
    position = 0.95 * (len(ordered) - 1)
    low, high = ordered[math.floor(position)], ordered[math.ceil(position)]
    out.note(f"{name} mean", statistics.fmean(values), stated["mean"])
    out.note(f"{name} median", statistics.median(values), stated["p50"])
    out.note(f"{name} p95", low + (high - low) * (position - math.floor(position)), stated["p95_linear"])
    out.note(f"{name} min", ordered[0], stated["min"])
    out.note(f"{name} max", ordered[-1], stated["max"])


def _instants(out: Comparison, stated: dict[str, Any], row: Any, reading: Reading) -> None:
    """First and last instant that the content states, to the second; and that none is found where there is none."""
    found = sorted(
        (row["measured_at"], bool(row.get("time_naive")))
        for rows in reading.rows.values()
        for row in rows
        if row.get("measured_at") is not None
    )
    if stated["value"] is None:
        out.note("no instant in the content", bool(found), False)
        return
    if not reading.rows and reading.summaries:
        out.unknown.append("instant of a summary")  # its rows carry theirs
        return
    ends = [stated["value"]] * 2 if isinstance(stated["value"], str) else stated["value"]
    instants = [periods.parse_instant(text) for text in ends]
    wanted = [instant.iso()[:19] for instant in instants if instant is not None]
    out.note("instants", [found[0][0][:19], found[-1][0][:19]] if found else None, wanted)
    if found:
        out.note("zone is assumed", found[0][1], "naive" in stated["tz"] and "utcnow" not in stated["tz"])


def _counted(out: Comparison, path: str, row: Any, reading: Reading, everything: World) -> None:
    """Copies, twins and summaries as the oracle names them; and the settled table holds what the reader read."""
    known = oracle()
    for group in known["exact_duplicates"]:
        if path in group and row["tool"]:
            alive = [other for other in group if len(everything.of("measurements", other))]
            out.note("copies that count", len(alive) <= 1, True)
            if path != min(group):
                out.note("is a copy", row["status"], "duplicate")
    for entry in known["same_measurements"]:
        if path in entry["files"]:
            alive = [other for other in entry["files"] if len(everything.of("measurements", other))]
            out.note("twins that count", len(alive) <= 1, True)
    for entry in known["derived"]:
        if path == entry["derived"] and entry["verified"] is True and row["tool"]:
            out.note("derived", row["status"] in ("derived", "duplicate", "document"), True)
            out.note("rows of a summary that count", len(everything.of("measurements", path)), 0)
    if row["status"] == "ok":
        held = sum(len(everything.of(table, path)) for table in reading.rows if table != "measurements")
        read = sum(len(rows) for table, rows in reading.rows.items() if table != "measurements")
        out.note("rows in the settled tables", held, read)


def comparisons() -> Iterator[tuple[Comparison, Any]]:
    """Every file of the oracle that a reader claims, with its artifact row."""
    everything = world()
    for path, known in sorted(oracle()["files"].items()):
        row = everything.artifacts.loc[path]
        if row["tool"]:
            yield compare(path, known, everything), row


def open_disputes(found: list[Comparison]) -> list[str]:
    """Disagreements that no dispute explains, disputes that explain nothing, and proofs that do not hold."""
    out, used = [], set()
    for one in found:
        for name in one.differs:
            dispute = oracle_disputes.of(one.path, name)
            if dispute is None:
                out.append(f"{one.path}: {name}: not explained")
                continue
            used.add(dispute)
            if not dispute.proof(one.path):
                out.append(f"{one.path}: {name}: the proof does not hold")
    return out + [f"{dispute.files}: {dispute.figure}: explains nothing" for dispute in DISPUTES if dispute not in used]


def main() -> int:
    """Print the comparison; 1 where a disagreement has no proof."""
    if not DATA.is_dir():
        print(f"{DATA} is not there: nothing to compare")
        return 2
    verbose = "-v" in sys.argv[1:]
    found = []
    for one, row in comparisons():
        found.append(one)
        word = "differs" if one.differs else "agrees"
        print(f"{word:8} {len(one.compared):>3} figures, {len(one.unknown)} unknown  {row['status']:10} "
              f"{row['tool']:22} {one.path}")  # fmt: skip
        if verbose:
            print("         " + ", ".join(one.compared))
    agreed = sum(not one.differs for one in found)
    figures = sum(len(one.compared) for one in found)
    wrong = sum(len(one.differs) for one in found)
    print(f"\n{agreed} of {len(found)} claimed files agree in everything; {figures - wrong} of {figures} figures agree")
    for one in found:
        for name, (ours, stated) in one.differs.items():
            dispute = oracle_disputes.of(one.path, name)
            print(f"\n{one.path}\n  {name}: here {ours}, oracle {stated}")
            print(f"  {dispute.right} is right: {dispute.why}" if dispute else "  not explained")
    broken = open_disputes(found)
    print("\n" + ("\n".join(broken) if broken else "every disagreement is explained, and its proof holds"))
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
