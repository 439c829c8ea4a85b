"""Answers about a finished run: what is in quarantine, and the story of a file, a fact or a number."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from chimera_pipeline import redact, wording
from chimera_pipeline.errors import UsageError
from chimera_pipeline.inventory.opening import read_artifact
from chimera_pipeline.inventory.scan import format_of
from chimera_pipeline.orchestration.lake import Lake
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.unclaimed import draft
from chimera_pipeline.settings import Limits

MAX_FACTS = 40


def _lake(out: Path) -> Lake:
    if not (out / "tables" / "artifacts").is_dir():
        raise UsageError(f"{out} holds no run; run: chimera run ARTIFACTS --out {out}")
    return Lake(out)


def quarantine(out: Path) -> list[dict[str, Any]]:
    """The rows of table `quarantine`."""
    frame = _lake(out).read_table("quarantine")
    rows: list[dict[str, Any]] = json.loads(frame.to_json(orient="records"))
    return rows


def explain(out: Path, subject: str) -> Iterator[str]:
    """The story of `subject`, line by line. Raises UsageError where it is no path, fact or number of the run."""
    lake = _lake(out)
    facts = lake.read_table("facts")
    artifacts = lake.read_table("artifacts")
    row = _artifact(artifacts, subject)
    if row is not None:
        yield from _file(lake, row, facts)
        if row["status"] == "unrecognised":
            yield from _mapping(subject)
        return
    known = facts[facts["id"] == subject]
    if len(known):
        yield from _fact(lake, known.iloc[0])
        return
    number = _number(subject)
    if number is None:
        near = wording.did_you_mean(subject, [*artifacts["path"], *facts["id"]])
        raise UsageError(f"{subject} is no file of the last run, no fact id and no number{near}")
    yield from _value(lake, facts, subject, number)


def _mapping(subject: str) -> Iterator[str]:
    """A draft of the YAML that would map a file that no reader knows, where the file can be seen from here."""
    path = Path(subject)
    if not path.is_file():
        yield f"  for a draft of its mapping, give a path that leads to the file: {subject} does not from here"
        return
    limits = Limits()
    data, _ = read_artifact(path.parent.resolve(), path.name, max_bytes=limits.max_file_bytes)
    yield "  a draft of its mapping, for a YAML file in the folder of the setting sources:"
    for line in draft(Document(data, format_of(path.name), limits)).splitlines():
        yield f"    {line}"


def _artifact(artifacts: pd.DataFrame, subject: str) -> pd.Series[Any] | None:
    wanted = subject.removeprefix("./")
    exact = artifacts[artifacts["path"] == wanted]
    if exact.empty:
        ends = artifacts["path"].map(lambda path: wanted.endswith("/" + path) or path.endswith("/" + wanted))
        exact = artifacts[ends.astype(bool)]
    return exact.iloc[0] if len(exact) == 1 else None


def _file(lake: Lake, row: pd.Series[Any], facts: pd.DataFrame) -> Iterator[str]:
    path = str(row["path"])
    yield f"{redact.printable(path)}: {row['status']}" + (f" ({row['reason']})" if row["reason"] else "")
    if row["detail"]:
        yield f"  {row['detail']}"
    yield f"  {row['format']}, {row['size_bytes']:,} bytes, sha256 {row['sha256'] or 'not read'}"
    yield f"  reader: {row['tool'] or 'none'}; records: {row['rows_ok']} ok, {row['rows_failed']} failed"
    if pd.notna(row["first_measured_at"]):
        yield f"  measured {row['first_measured_at']} to {row['last_measured_at']} (from {row['time_source']})"
    if row["same_as"]:
        yield f"  counted as {row['same_as']}"
    refused = lake.read_table("quarantine")
    for _, place in refused[refused["artifact_path"] == path].iterrows():
        yield f"  refused {place['locator'] or 'whole file'}: {place['detail']}"
    gaps = lake.read_table("telemetry_gaps")
    for _, gap in gaps.iterrows():
        if path in json.loads(gap["artifacts"]):
            yield f"  gap {gap['kind']} {gap['field'] or ''}: {gap['consequence']}".rstrip()
    fed = facts[facts["sources"].map(lambda text: any(s.startswith(path + "#") for s in json.loads(text)))]
    yield f"  feeds {wording.count(len(fed), 'fact')}" + (":" if len(fed) else "")
    for _, fact in fed.head(MAX_FACTS).iterrows():
        yield f"    {fact['id']} [{fact['period']}] {fact['text']}"
    if len(fed) > MAX_FACTS:
        yield f"    ... and {len(fed) - MAX_FACTS} more: chimera facts --out {lake.out}"


def _fact(lake: Lake, fact: pd.Series[Any]) -> Iterator[str]:
    yield f"{fact['id']} [{fact['period']}]: {fact['text']}"
    yield f"  exact value {fact['value']!r} {fact['unit']}, grade {fact['grade']}"
    if fact["ci_method"]:
        yield f"  interval: {fact['ci_method']}, {str(fact['ci_scope']).replace('_', ' ')}"
    for source in json.loads(fact["sources"]):
        yield f"  from {source}"
    rows = lake.read_table("measurements")
    rows = rows[rows["series_id"].isin(json.loads(fact["series_ids"])) & (rows["metric"] == fact["metric"])]
    for _, row in rows.head(MAX_FACTS).iterrows():
        kind = f"({row['statistic']}, {row['phase']})"
        yield f"    {row['artifact_path']} {row['locator']}: {row['value']!r} {row['unit']} {kind}"


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _value(lake: Lake, facts: pd.DataFrame, text: str, number: float) -> Iterator[str]:
    decimals = len(text.partition(".")[2])
    half = 0.5 * 10.0**-decimals * (1 + 1e-9)
    found = facts[(facts["value"] - number).abs() <= half]
    rows = lake.read_table("measurements")
    measured = rows[(rows["value"] - number).abs() <= half]
    counted = f"{wording.count(len(found), 'fact')}, {wording.count(len(measured), 'measurement')}"
    yield f"{text}: {counted} within half its last digit"
    for _, fact in found.head(MAX_FACTS).iterrows():
        yield f"  {fact['id']} [{fact['period']}] {fact['text']}"
    for _, row in measured.head(MAX_FACTS).iterrows():
        yield (
            f"  {row['artifact_path']} {row['locator']}: {row['statistic']} {row['metric']} = {row['value']!r} "
            f"{row['unit']} ({row['phase']})"
        )
    if found.empty and measured.empty:
        yield "  no fact and no measurement has this value: it has no source here"
