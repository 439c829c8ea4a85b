"""The words of the pipeline: frozen dataclasses for single things.

Many things travel as pandas DataFrames with the dtypes of `schemas/tables/`. Nothing here reads, computes
or knows Dagster.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Row = dict[str, Any]
"""One measurement record in canonical units, keys as in `schemas/tables/`; absent key = absent in the file."""


class Format(StrEnum):
    """What the bytes of an artifact are."""

    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    YAML = "yaml"
    MARKDOWN = "markdown"
    TEXT = "text"
    OTHER = "other"


BENCHMARK_FORMATS = (Format.CSV, Format.JSON, Format.JSONL, Format.MARKDOWN)
"""Formats that count as benchmark files: csv, json and markdown kinds."""


class ArtifactStatus(StrEnum):
    """What became of an artifact."""

    OK = "ok"
    PARTIAL = "partial"
    QUARANTINED = "quarantined"
    SKIPPED = "skipped"
    DUPLICATE = "duplicate"
    DERIVED = "derived"
    DOCUMENT = "document"
    UNRECOGNISED = "unrecognised"


@dataclass(frozen=True, slots=True)
class Artifact:
    """One directory entry as the scan saw it. `path` is relative with `/`; bytes outside UTF-8 are `\\xNN`.

    `etag` is what object storage says of the content; None for files.
    """

    path: str
    size_bytes: int
    mtime_ns: int
    sha256: str | None = None
    format: Format = Format.OTHER
    skip_reason: str | None = None
    detail: str | None = None
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """One place in an artifact that was refused. `value` is redacted and cut to 120 characters."""

    reason: str
    detail: str
    locator: str | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One aggregate that a file states about rows measured elsewhere, to be recomputed, never pooled.

    `where` selects rows of `table` (column -> value; `config.<key>` reaches into the config). `stats` maps
    "<column>:<statistic>" (e.g. "ttft_s:mean") to (value, half a unit of the last printed digit).
    """

    table: str
    where: dict[str, Any]
    stats: dict[str, tuple[float, float]]
    locator: str


@dataclass(slots=True)
class Reading:
    """What one reader made of one artifact: rows in canonical units, refusals, and summaries.

    `kind` names the entry of `schemas/telemetry.yaml` that says which telemetry such a file must carry.
    `records_ok` and `records_failed` count measurement records as the tool wrote them. `precision` maps
    table -> column -> half a unit of the last digit that the file prints, in the canonical unit (twins and
    summaries agree within it); a column without entry is exact. `status`, `reason`, `detail` and `locator`
    say why an artifact gave no rows.
    """

    kind: str = ""
    tool: str | None = None
    status: ArtifactStatus = ArtifactStatus.OK
    reason: str | None = None
    detail: str | None = None
    locator: str | None = None
    rows: dict[str, list[Row]] = field(default_factory=dict)
    summaries: list[SummaryRow] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    precision: dict[str, dict[str, float]] = field(default_factory=dict)
    records_ok: int = 0
    records_failed: int = 0

    def add(self, table: str, row: Row, *, counts: bool = True) -> None:
        """Append `row` to `table`; with `counts`, count it as a record by its `status` (default ok)."""
        self.rows.setdefault(table, []).append(row)
        if counts:
            if row.get("status", "ok") == "failed":
                self.records_failed += 1
            else:
                self.records_ok += 1

    def reject(self, reason: str, detail: str, *, locator: str | None = None, value: str | None = None) -> None:
        """Refuse one place of the artifact and go on."""
        self.rejections.append(Rejection(str(reason), detail, locator, value))


class GapKind(StrEnum):
    """Every kind of telemetry gap; `docs/telemetry-gaps.md` has a section for each."""

    MISSING_FIELD = "missing_field"
    NULL_FIELD = "null_field"
    OUT_OF_RANGE = "out_of_range"
    INCONSISTENT = "inconsistent"
    FAILED_REQUESTS = "failed_requests"
    NO_HARDWARE = "no_hardware"
    NO_TIMESTAMP = "no_timestamp"
    NAIVE_TIMESTAMP = "naive_timestamp"
    FUTURE_TIMESTAMP = "future_timestamp"
    NO_DISPERSION = "no_dispersion"
    FEW_SAMPLES = "few_samples"
    NO_WARMUP_INFO = "no_warmup_info"
    MISSING_PERIOD = "missing_period"
    MISSING_DIRECTORY = "missing_directory"
    GRID_HOLE = "grid_hole"
    THIN_CELL = "thin_cell"
    STALE_CELL = "stale_cell"
    UNEXPLAINED_TIME = "unexplained_time"
    NO_GPU_USED = "no_gpu_used"
    NOT_COMPARABLE = "not_comparable"
    MODEL_MOVED = "model_moved"


@dataclass(frozen=True, slots=True)
class Gap:
    """Telemetry that is missing or wrong, with what follows from it and what to do. `kind` is a GapKind."""

    kind: str
    table: str
    subject: str
    field: str | None = None
    artifacts: tuple[str, ...] = ()
    count: int = 1
    severity: str = "warning"
    consequence: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """One number that follows from rows of files. Columns and meaning as table `facts`; n None = unknown."""

    id: str
    kind: str
    metric: str
    statistic: str
    entity: str
    condition: str
    value: float
    unit: str
    n: int | None
    period: str
    grade: str
    text: str
    series_ids: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    sd: float | None = None
    ddof: int | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    ci_method: str | None = None
    ci_scope: str | None = None
    verdict: str | None = None
    baseline: str | None = None
    effect: float | None = None
    p_value: float | None = None
    q_value: float | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence that code has proved from facts. `parts` alternate plain text and number slots.

    A slot is (fact_id, printed value, unit word): the renderer prints it with its source; nothing else in
    the text may be a number taken from data.
    """

    id: str
    kind: str
    parts: tuple[str | Slot, ...]
    fact_ids: tuple[str, ...]
    weight: float = 0.0
    always: bool = False

    @property
    def text(self) -> str:
        """The sentence as plain text."""
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)


@dataclass(frozen=True, slots=True)
class Slot:
    """A printed number inside a statement: the fact it comes from and exactly what is printed."""

    fact_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence offered for publication with the statements behind it."""

    period: str
    text: str
    statement_ids: tuple[str, ...]
    fact_ids: tuple[str, ...]
    status: str = "supported"
    reason: str | None = None
