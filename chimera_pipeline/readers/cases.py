"""Rows of timed cases, as micro-benchmark tools write them: readable names, statistics, raw samples, dates.

What lives here is shared by the readers of such tools. Which field means what stays in each reader.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.readers.fields import extras, half_unit, measured, number
from chimera_pipeline.records import Reading, Row
from chimera_pipeline.units import canonical

SAMPLES = 1000
"""A case with more raw samples than this keeps the tool's own statistics, which rest on all of them."""

_MARKS = re.compile(r"\((?:R|TM|C)\)|[®™©]", re.IGNORECASE)
_ODD = re.compile(r"[^A-Za-z0-9._:/@+-]+")
_BRACKETED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._:/@+-]*)\[([A-Za-z0-9._:/@+-]+)\]\Z")
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?\Z")


def label(text: Any) -> str | None:
    """`text` (a device, a version) as a plain name that stays readable: odd characters become one underscore.

    None for blank; `name#<hash>` where nothing readable is left or it looks like a secret.
    """
    return _readable(text, distinct=False)


def case_name(text: Any) -> str | None:
    """The name of a case as a plain name: `f[1]` is `f:1`; one with other odd characters ends in `@<hash>`.

    So two cases keep two names. A name of many words stays where it is written as a title. None for blank.
    """
    return _readable(text, distinct=True)


def _readable(text: Any, *, distinct: bool) -> str | None:
    plain = redact.name(text)
    if plain is None or not plain.startswith("name#"):
        return plain
    raw = unicodedata.normalize("NFKC", str(text)).strip()
    if redact.holds_secret(raw) or (redact.is_text(raw) and not (distinct and redact.is_title(raw))):
        return plain
    spaced = re.sub(r"\s+", "_", raw)
    if redact.NAME.match(spaced):
        return spaced
    bracketed = _BRACKETED.match(raw)
    if bracketed is not None and len(raw) <= 120:
        return f"{bracketed[1]}:{bracketed[2]}"
    readable = _ODD.sub("_", _MARKS.sub("", raw)).strip("._:/@+-")[:100]
    if not readable:
        return plain
    if not distinct:
        return readable
    return f"{readable}@{hashlib.sha256(raw.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


class refusing:  # noqa: N801 - used as a statement
    """Turn a refusal, or a value of an unexpected type, into a rejection of this place, and go on."""

    __slots__ = ("_locator", "_reading")

    def __init__(self, reading: Reading, locator: str) -> None:
        self._reading, self._locator = reading, locator

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        locator = self._locator
        if isinstance(error, ArtifactError):
            said = f"{locator}: {error.detail}"
            self._reading.reject(error.reason, said, locator=error.locator or locator, value=error.value)
            return True
        if isinstance(error, (TypeError, AttributeError, KeyError, IndexError, ValueError, OverflowError)):
            said = f"{locator}: a field is missing or of another type ({type(error).__name__})"
            self._reading.reject(Reason.UNEXPECTED_SHAPE, said, locator=locator)
            return True
        return False


def statistics(
    row: Row, record: Mapping[str, Any], fields: Mapping[str, str], unit: str | None, *, locator: str
) -> None:
    """Put the values of `record`, stated in `unit`, into `row` under the columns that `fields` names.

    A standard deviation over fewer than two samples is no measurement: tools write 0 or null there. Raises
    ArtifactError(bad_number, out_of_range).
    """
    for source, target in fields.items():
        if source not in record:
            continue
        value = number(record[source], unit, locator=locator, field=source)
        if value is not None and value < 0:
            raise ArtifactError(
                Reason.OUT_OF_RANGE,
                f"{source} is negative",
                locator=locator,
                value=redact.value(record[source]),
            )
        row[target] = value
    if "std_s" in row and (row.get("n", 0) or 0) < 2 and (row.get("n") or row["std_s"] == 0):
        row["std_s"] = None


def fail(row: Row, error: Any = None) -> Row:
    """`row` as a failed record: no measurement stays in it."""
    kept = {key: value for key, value in row.items() if key not in _MEASURES}
    kept["status"], kept["error_kind"] = "failed", redact.error_kind(error) or "other"
    return kept


_MEASURES = frozenset(
    ["n", "mean_s", "std_s", "ddof", "min_s", "max_s", "median_s", "p90_s", "p95_s", "p99_s", "compile_s"]
)


def dated(reading: Reading, row: Row, value: Any, *, locator: str) -> None:
    """Put the instant that the file states into `row`; one that is no instant is refused, the row stays."""
    try:
        measured(row, value, locator=locator)
    except ArtifactError as refused:
        reading.reject(refused.reason, refused.detail, locator=locator, value=refused.value)


def samples(
    reading: Reading,
    row: Row,
    values: Any,
    unit: str | None,
    *,
    locator: str,
    metric: str = "time_s",
    total: int | None = None,
) -> None:
    """Add the raw samples of a case, one measurement each, `locator/i`; all of them or none.

    None where there are more than `SAMPLES`, where one is no number, or where their count is not `total`
    (a list that was cut).
    """
    if not isinstance(values, list) or not 1 < len(values) <= SAMPLES:
        return
    if total is not None and total != len(values):
        return
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return
    stated = [float(value) if unit is None else canonical(float(value), unit) for value in values]
    extras(reading, row, metric, [(value, f"{locator}/{index}") for index, value in enumerate(stated)])


def grouped(text: Any) -> Any:
    """A number whose thousands are set off by commas (18,149.5) as plain text; anything else unchanged."""
    if isinstance(text, str) and _GROUPED.match(text.strip()):
        return text.strip().replace(",", "")
    return text


def printed(reading: Reading, table: str, column: str, texts: Iterable[str], unit: str | None) -> None:
    """Note half a unit of the last printed digit; of several, the coarsest stands."""
    for text in texts:
        half = half_unit([text], unit)
        if half is not None:
            known = reading.precision.setdefault(table, {})
            known[column] = max(known.get(column, 0.0), half)


def unit_word(text: Any) -> str:
    """The unit of a value that has no metric of its own, as the file states it."""
    word = str(text or "").strip()
    return {"%": "percent", "": "as stated"}.get(word) or label(word) or "as stated"
