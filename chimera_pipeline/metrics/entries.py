"""One artifact together with its reading, as it moves through the middle, and where entries come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from chimera_pipeline.contracts.tables import METRIC_TABLES
from chimera_pipeline.errors import Reason
from chimera_pipeline.records import Artifact, ArtifactStatus, Reading, Row

_LOST = frozenset({Reason.PERMISSION_DENIED, Reason.IO_ERROR, Reason.VANISHED, Reason.TOO_LARGE})
"""Reasons for not opening a file behind which measurements may be lost."""

ROW_TABLES = (*METRIC_TABLES, "measurements")


@dataclass(slots=True)
class Standing:
    """An artifact, and what has been settled about it so far."""

    artifact: Artifact
    status: ArtifactStatus = ArtifactStatus.OK
    reason: str | None = None
    detail: str | None = None
    same_as: str | None = None

    @property
    def path(self) -> str:
        """The artifact's path."""
        return self.artifact.path

    @property
    def counts(self) -> bool:
        """Whether its rows are measurements of the store: not copies, twins, summaries or refusals."""
        return self.status in (ArtifactStatus.OK, ArtifactStatus.PARTIAL)

    def set_aside(self, status: ArtifactStatus, reason: str, detail: str, same_as: str | None) -> None:
        """Take the artifact out of the store's measurements, saying why."""
        self.status, self.reason, self.detail, self.same_as = status, reason, detail, same_as

    def stand_as(self, other: Standing) -> None:
        """Be settled as `other` is."""
        self.status, self.reason, self.detail, self.same_as = other.status, other.reason, other.detail, other.same_as


@dataclass(slots=True)
class Entry(Standing):
    """An artifact with its reading, and a digest of the reading where it comes out of a store (else nothing).

    `took`: (path, table) of the twins whose fields its rows took, in order.
    """

    reading: Reading = field(default_factory=Reading)
    content: bytes = b""
    rows: dict[str, list[Row]] = field(default_factory=dict)
    took: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, artifact: Artifact, reading: Reading | None, content: bytes = b"") -> Entry:
        """An entry with the rows of the reading, which settling changes."""
        if reading is None:
            refused = ArtifactStatus.QUARANTINED if artifact.skip_reason in _LOST else ArtifactStatus.SKIPPED
            detail = artifact.detail or "changed after it was listed; read next run"
            return cls(artifact, refused, artifact.skip_reason or Reason.STILL_WRITING, detail)
        status = (reading.status, reading.reason, reading.detail)
        return cls(artifact, *status, reading=reading, content=content, rows=reading.rows)

    def all_rows(self) -> Iterator[tuple[str, Row]]:
        """(table, row) of every row."""
        for table in ROW_TABLES:
            for row in self.rows.get(table, ()):
                yield table, row

    def borrow(self, model: str, lender: str) -> None:
        """Give requests without a model the one that the file `lender` states, and say so."""
        for row in self.rows.get("llm_requests", ()):
            if row.get("model") is None:
                row["model"] = model
                row.setdefault("field_sources", {})["model"] = lender

    def take(self, twin: Entry, table: str) -> None:
        """Fill what the rows of `table` leave open from the same rows of a twin, with the path each field came from."""
        for row, other in zip(self.rows[table], twin.rows[table], strict=True):
            for name, value in other.items():
                if name in ("locator", "field_sources") or value is None:
                    continue
                if name == "config":
                    added = {key: item for key, item in value.items() if key not in row.get("config", {})}
                    if added:
                        row["config"] = {**row.get("config", {}), **added}
                        row.setdefault("field_sources", {})["config"] = twin.path
                elif row.get(name) is None:
                    row[name] = value
                    row.setdefault("field_sources", {})[name] = twin.path
        self.took.append((twin.path, table))


class Source(Protocol):
    """The files of a store, which can be read again and again."""

    def artifacts(self) -> list[Artifact]:
        """Every artifact, in any order."""
        ...

    def entries(self, artifacts: Iterable[Artifact]) -> Iterator[Entry]:
        """An entry for each, in the order given, with rows of its own that may be changed."""
        ...


_MEASURES: dict[str, tuple[str, ...]] = {
    "llm_requests": (
        "decode_tokens_per_s", "total_s", "ttft_s", "end_to_end_tokens_per_s", "load_s", "prompt_eval_s", "eval_s",
        "tpot_s", "itl_s", "prompt_tokens", "output_tokens",
    ),
    "serving_runs": (
        "duration_s", "output_tokens_per_s", "requests_per_s", "total_tokens_per_s", "requests_ok",
        "ttft_s_mean", "ttft_s_p50", "ttft_s_p99", "tpot_s_mean", "itl_s_mean", "e2e_s_mean", "e2e_s_p50",
    ),
    "timings": ("mean_s", "median_s", "std_s", "min_s", "max_s", "p90_s", "p95_s", "p99_s", "compile_s"),
    "throughputs": ("rate_mean", "rate_std"),
    "evaluations": ("value", "stderr"),
    "system_samples": ("value",),
}  # fmt: skip


def measures(table: str, row: Row) -> dict[str, float]:
    """The measured numbers of a row, most telling first."""
    return {name: float(row[name]) for name in _MEASURES.get(table, ()) if row.get(name) is not None}


def measures_of(table: str, rows: list[Row]) -> list[tuple[str, list[float]]]:
    """The measured numbers of `rows` that are stated, by name: in the order in which rows state them, most telling
    first within a row.
    """
    out = []
    for name in _MEASURES.get(table, ()):
        values = [float(value) for row in rows if (value := row.get(name)) is not None]
        if values:
            whole = len(values) == len(rows)
            first = 0 if whole else next(place for place, row in enumerate(rows) if row.get(name) is not None)
            out.append((first, name, values))
    return [(name, values) for _, name, values in sorted(out, key=lambda found: found[0])]


def label(row: Row) -> tuple[Any, ...]:
    """What a row is about, apart from its numbers: equal labels are needed for two rows to be one measurement."""
    return (row.get("case"), row.get("task"), row.get("metric"), row.get("status", "ok") == "failed")
