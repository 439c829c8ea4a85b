"""What the readers of serving tools share: finding records in json, json lines and lists, plain names, and the
latency statistics of a load-test point.

In: documents and records as a tool wrote them. Out: columns of `serving_runs` and statistics beside them. Formats
themselves live in `formats/`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.fields import extra, measured, pointer
from chimera_pipeline.records import Reading, Row
from chimera_pipeline.units import canonical

Record = dict[str, Any]
Accept = Callable[[Record], bool]

_WRAPPERS = ("results", "responses", "requests", "runs")
_COLUMNS = {
    "mean": "mean",
    "std": "std",
    "median": "p50",
    "p50": "p50",
    "p90": "p90",
    "p95": "p95",
    "p99": "p99",
}
_STATISTIC = re.compile(
    r"(mean|median|std|min|max|p\d{1,2}(?:\.\d{1,3})?)_(ttft|tpot|itl|e2el|e2e_latency)_ms\Z"
)
_E2E = {"e2el": "e2e", "e2e_latency": "e2e"}
Statistics = dict[tuple[str, str], float]
"""(ttft|tpot|itl|e2e, statistic) -> seconds."""


def objects(document: Document, accept: Accept, guard: str) -> list[tuple[str, Record]]:
    """(locator, record) of every record that `accept` takes, in a json object, a list, an object around one
    list, or json lines; [] where there are none. Texts without the substring `guard` are not parsed as lines.
    """
    value = document.try_json()
    if isinstance(value, dict):
        if accept(value):
            return [(f"line {_first_line(document.text)}", value)]
        return [
            (pointer(key, index), item)
            for key in _WRAPPERS
            if isinstance(value.get(key), list)
            for index, item in enumerate(value[key])
            if isinstance(item, dict) and accept(item)
        ]
    if isinstance(value, list):
        return [
            (pointer(index), item)
            for index, item in enumerate(value)
            if isinstance(item, dict) and accept(item)
        ]
    if guard not in document.text:
        return []
    return [(line, item) for line, item in document.try_json_lines() if accept(item)]


def _first_line(text: str) -> int:
    return 1 + text[: len(text) - len(text.lstrip())].count("\n")


def refuse_broken(document: Document, reading: Reading) -> None:
    """Put into `reading` what of a json text could not be parsed: a cut array, a cut or damaged line."""
    if document.try_json() is not None:
        return
    text = document.text
    if text.lstrip()[:1] == "[":
        _refuse_whole(document, reading)
        return
    lines = text.splitlines()
    parsed = {locator for locator, _ in document.try_json_lines()}
    if any(line.strip() in ("{", "[") for line in lines):
        return
    for number, line in enumerate(lines, start=1):
        if line.lstrip()[:1] == "{" and f"line {number}" not in parsed:
            reading.reject(Reason.BAD_JSON, f"line {number}: starts a json object that does not parse",
                           locator=f"line {number}", value=redact.value(line))  # fmt: skip


def _refuse_whole(document: Document, reading: Reading) -> None:
    try:
        document.json  # noqa: B018 - asked for what is wrong with it
    except ArtifactError as refused:
        reading.reject(refused.reason, refused.detail, locator=refused.locator, value=refused.value)


def each(
    reading: Reading, records: Iterable[tuple[str, Record]], table: str, row: Callable[[str, Record], Row]
) -> None:
    """Add one row of `table` a record; what `row` refuses becomes a rejection."""
    for locator, record in records:
        try:
            reading.add(table, row(locator, record))
        except ArtifactError as refused:
            refuse(reading, refused, locator)


def refuse(reading: Reading, refused: ArtifactError, locator: str) -> None:
    """A rejection of one place."""
    reading.reject(refused.reason, f"{locator}: {refused.detail}", locator=locator, value=refused.value)


def stamp(reading: Reading, row: Row, value: Any) -> None:
    """Put the stated instant into `row`; a time that cannot be read is refused and the row stays undated."""
    try:
        measured(row, value, locator=row["locator"])
    except ArtifactError as refused:
        refuse(reading, refused, row["locator"])


def plain(text: Any) -> str | None:
    """A name without signs that names may not have: "Intel(R) Core(TM) i9" -> "Intel_Core_i9"; None for blank."""
    if text is None or not str(text).strip():
        return None
    cleaned = re.sub(r"\((?:R|TM|C)\)", "", str(text), flags=re.IGNORECASE)
    cleaned = re.sub(r"[^A-Za-z0-9._:/@+-]+", "_", cleaned).strip("_")
    cleaned = re.sub(r"^[^A-Za-z0-9]+", "", cleaned)[:128]
    return redact.name(cleaned) if cleaned else redact.name(text)


def model_name(text: Any) -> str | None:
    """A model as people name it: of a local path only its last part."""
    if not isinstance(text, str) or not text.strip():
        return None
    name = text.strip()
    if name[:1] in "/.~\\" or re.match(r"[A-Za-z]:\\", name):
        parts = [part for part in re.split(r"[/\\]", name) if part]
        name = parts[-1] if parts else name
    return plain(name)


def hardware_name(text: Any) -> str | None:
    """One device name; equal devices of a list are counted: "A100, A100" -> "2xA100"."""
    parts = [part.strip() for part in str(text or "").split(",") if part.strip()]
    if len(parts) > 1 and len(set(parts)) == 1:
        return f"{len(parts)}x{plain(parts[0])}"
    return plain("+".join(parts))


_QUANT = re.compile(
    r"(?:^|[-_./ ])((?:UD-)?(?:IQ[1-4]_(?:XXS|XS|NL|S|M)|T?Q[1-8]_(?:K_(?:XXL|XL|[SML])|K|[01]))|BF16|F16|F32|FP16|FP8|FP4|"
    r"NVFP4|MXFP4|AWQ|GPTQ|EXL[23]|INT8|INT4|W8A8|W8A16|W4A16|W4A8|[48]BIT)(?=$|[-_./ ])",
    re.IGNORECASE,
)


def quantization(text: Any) -> str | None:
    """The quantization tag in a model or file name (Q4_K_M, FP8, AWQ); None where there is none."""
    found = _QUANT.findall(str(text or ""))
    return found[-1].upper() if found else None


def statistics_of(record: Record) -> Iterator[tuple[str, str, Any]]:
    """(metric, statistic, stated value in ms) of keys like mean_ttft_ms and p99.9_e2el_ms."""
    for key, value in record.items():
        match = _STATISTIC.match(key)
        if match:
            yield _E2E.get(match.group(2), match.group(2)), match.group(1), value


def put_statistics(reading: Reading, row: Row, stated: Statistics, *, n: int | None = None) -> None:
    """Latency statistics into the columns of `row`, the others into measurements.

    A metric of which every statistic is 0 was not measured (no streaming, no tokens) and is left out. Negative
    values are refused one by one.
    """
    for metric in ("ttft", "tpot", "itl", "e2e"):
        group = {stat: value for (name, stat), value in stated.items() if name == metric}
        if not any(group.values()):
            continue
        for statistic, value in group.items():
            if value < 0:
                reading.reject(Reason.OUT_OF_RANGE, f"{statistic} {metric} is below 0", locator=row["locator"],
                               value=repr(value))  # fmt: skip
            elif statistic in _COLUMNS:
                row[f"{metric}_s_{_COLUMNS[statistic]}"] = value + 0.0
            else:
                count = n if metric in ("ttft", "e2e") else None
                extra(reading, row, f"serving_{metric}_s", statistic, value + 0.0, n=count)


def fail(row: Row, kind: str, keep: Iterable[str] = ()) -> Row:
    """`row` as a failed record: identity and request counts stay, every measurement goes."""
    identity = _IDENTITY | set(keep)
    for field in [field for field in row if field not in identity]:
        del row[field]
    row["status"], row["error_kind"] = "failed", kind
    return row


_IDENTITY = frozenset(
    [
        "locator",
        "run_id",
        "suite",
        "model",
        "quantization",
        "engine",
        "hardware",
        "workload",
        "prompt_id",
        "config",
        "status",
        "error_kind",
        "measured_at",
        "time_naive",
        "concurrency",
        "request_rate",
        "requests_ok",
        "requests_failed",
        "case",
        "rate_unit",
        "backend",
        "device",
        "dtype",
        "ttft_definition",
    ]
)

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|µs|μs|us|ns|m|s)")
_GO_UNITS = {"h": "hour", "m": "minute"}


def go_duration(text: str) -> float | None:
    """Seconds of a Go duration ("1m2.5s", "355.54528ms"); None where it is none."""
    text = text.strip()
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(canonical(float(number), _GO_UNITS.get(unit, unit)) for number, unit in parts)
