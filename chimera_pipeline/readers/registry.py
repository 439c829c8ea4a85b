"""Who reads what: the ordered list of readers, and `read`, which tries them on one artifact's content.

Third parties add readers by the entry-point group `chimera_pipeline.readers`: each entry point is a
`Reader`. Matchers are disjoint, so order does not matter; the conformance test holds every sample to it.
"""

from __future__ import annotations

import hashlib
import pkgutil
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

import orjson

from chimera_pipeline import redact
from chimera_pipeline.contracts import schemas
from chimera_pipeline.errors import ArtifactError, ChimeraError, ContractError, Reason
from chimera_pipeline.readers import clearing, declarative, formats, large_csv, unclaimed
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.reader import Reader
from chimera_pipeline.records import ArtifactStatus, Format, Reading, Rejection, SummaryRow
from chimera_pipeline.settings import Limits

GROUP = "chimera_pipeline.readers"
_SEAM = 4  # raise it whenever document, fields or units make something else of the same bytes
_MOST_REJECTIONS = 500


def readers(sources: Path | None = None) -> tuple[Reader, ...]:
    """Every reader: our own by module name, entry points, then the declarative sources of `schemas/sources/`
    and of the folder `sources`.

    Raises ContractError naming a broken entry point, or file, line and key of a broken source.
    """
    folders = [schemas.folder() / "sources"] + ([sources] if sources is not None else [])
    return _coded() + declarative.readers(*folders)


@lru_cache(maxsize=1)
def _coded() -> tuple[Reader, ...]:
    found: list[Reader] = []
    for module in sorted(info.name for info in pkgutil.iter_modules(formats.__path__)):
        loaded_module = import_module(f"{formats.__name__}.{module}")
        found += getattr(loaded_module, "READERS", None) or [loaded_module.READER]
    for entry in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        loaded = entry.load()
        if not isinstance(loaded, Reader):
            raise ContractError(f"entry point {GROUP}:{entry.name} is not a Reader")
        found.append(loaded)
    return tuple(found)


def version(sources: Path | None = None) -> str:
    """One version for all readers together: readings are cached by content hash and this."""
    names = ",".join(f"{reader.name}:{reader.version}" for reader in readers(sources))
    return f"r{_SEAM}-" + hashlib.sha256(names.encode()).hexdigest()[:12]


def claim(document: Document, sources: Path | None = None) -> Reader | None:
    """The first reader that claims `document`; None where no reader knows it.

    A matcher that fails on a shape that it did not expect claims nothing: no document may end a run.
    """
    return next((reader for reader in readers(sources) if _claims(reader, document)), None)


def _claims(reader: Reader, document: Document) -> bool:
    try:
        return reader.matches(document)
    except (ChimeraError, RecursionError, MemoryError):
        raise
    except Exception:
        return False


def read(data: bytes, format: Format, limits: Limits, sources: Path | None = None) -> Reading:
    """What the readers make of one artifact. Never raises for what the bytes are: refusals become a status.

    Raises ContractError or UsageError for a broken source in the folder `sources`.
    """
    document = Document(data, format, limits)
    return _guarded(document, sources, lambda reader: _read_with(reader, document))


def read_large(descriptor: int, limits: Limits, sources: Path | None = None) -> Reading:
    """What the readers make of an open csv that is too large to hold: statistics instead of rows."""
    try:
        first = large_csv.head(descriptor, limits)
    except ArtifactError as refused:
        return _refused(refused)

    def summed(reader: Reader) -> Reading:
        reading = _as_expected(reader, lambda: large_csv.read(descriptor, reader, first, limits))
        clearing.clear(reading)
        return _judged(reading)

    return _guarded(first, sources, summed)


def _guarded(document: Document, sources: Path | None, made: Callable[[Reader], Reading]) -> Reading:
    """What `made` makes with the reader that claims the document; refusals become a status."""
    try:
        document.text  # noqa: B018 - decoding is the first refusal
        reader = claim(document, sources)
        if reader is None:
            return _unclaimed(document)
        reading = made(reader)
    except ArtifactError as refused:
        return _refused(refused)
    except (RecursionError, MemoryError) as error:
        return _refused(ArtifactError(Reason.TOO_DEEP, f"cannot be held: {type(error).__name__}"))
    reading.rejections = _bounded(reading.rejections)
    return reading


def _as_expected(reader: Reader, made: Callable[[], Reading]) -> Reading:
    """What `made` makes. Raises ArtifactError where the reader met a shape that it did not expect."""
    try:
        return made()
    except (ChimeraError, RecursionError, MemoryError):
        raise
    except Exception as error:  # a reader, ours or a third party's, that met a shape it did not expect
        raise ArtifactError(
            Reason.UNEXPECTED_SHAPE,
            f"looks like {reader.name} but a field is missing or of another type ({type(error).__name__}: "
            f"{redact.value(error)})",
        ) from error


def _read_with(reader: Reader, document: Document) -> Reading:
    reading = _as_expected(reader, lambda: reader.read(document))
    if document.nonfinite and not reader.takes_nonfinite:
        raise ArtifactError(Reason.NONFINITE_NUMBER, "holds a bare NaN or Infinity, which is not JSON")
    clearing.clear(reading)
    reading.tool = reading.tool or reader.name
    refused = {rejection.locator for rejection in reading.rejections}
    for reason, line, sentence in document.refused_lines():
        if f"line {line}" not in refused and not (reason is Reason.RAGGED_ROW and reader.takes_ragged):
            reading.reject(reason, sentence, locator=f"line {line}")
    return _judged(reading)


def _judged(reading: Reading) -> Reading:
    """The reading with a status that says whether all of the file was used."""
    if not reading.rows and not reading.summaries and reading.status is ArtifactStatus.OK:
        reading.status = ArtifactStatus.QUARANTINED if reading.rejections else ArtifactStatus.DOCUMENT
        first = reading.rejections[0] if reading.rejections else None
        reading.reason = first.reason if first else Reason.NO_MEASUREMENTS
        reading.detail = first.detail if first else "an export without measurements"
    elif reading.rejections and reading.status is ArtifactStatus.OK:
        reading.status = ArtifactStatus.PARTIAL
        reading.reason = reading.rejections[0].reason
        reading.detail = f"{len(reading.rejections)} places refused; first: {reading.rejections[0].detail}"
    if reading.detail is not None:
        reading.detail = redact.sentence(reading.detail)
    return reading


def _unclaimed(document: Document) -> Reading:
    """No reader claims it: a document, or data that nobody knows (said what was seen), or broken."""
    if _is_ours(document):
        detail = "written by this program: what it states counts where it was measured"
        return Reading(status=ArtifactStatus.DOCUMENT, reason=Reason.OWN_OUTPUT, detail=detail)
    if document.format in (Format.MARKDOWN, Format.TEXT):
        return Reading(status=ArtifactStatus.DOCUMENT, detail="prose: no measurements are read from it")
    if document.format is Format.JSON and document.try_json() is None and not document.try_json_lines():
        document.json  # noqa: B018 - raises what is wrong with it
    if document.format is Format.JSONL and not document.try_json_lines():
        document.json_lines  # noqa: B018
    if document.format is Format.YAML:
        document.yaml  # noqa: B018
    if document.format is Format.CSV:
        _refuse_error_text(document)
        document.csv  # noqa: B018
    return Reading(
        status=ArtifactStatus.UNRECOGNISED,
        reason=Reason.UNKNOWN_FORMAT,
        detail=f"no reader knows it; saw {unclaimed.seen(document)}; map it with a YAML file, see docs/formats.md",
    )


def _is_ours(document: Document) -> bool:
    """A facts.json or report.json of this program, copied among the artifacts."""
    value = document.try_json()
    if not isinstance(value, dict) or "schema_version" not in value:
        return False
    facts = value.get("facts")
    listed = isinstance(facts, list) and all(
        isinstance(one, dict) and {"id", "grade", "text"} <= one.keys() for one in facts
    )
    return listed or {"ingestion", "performance", "appendix"} <= value.keys()


def _refuse_error_text(document: Document) -> None:
    first = document.text.strip().split("\n", 1)[0]
    if "error" in first.lower()[:40] and "," not in first[:20]:
        raise ArtifactError(Reason.ERROR_OUTPUT, "holds an error message of the tool, not its result")


def _bounded(rejections: list[Rejection]) -> list[Rejection]:
    """What is stored: safe to show, and no more of it than anyone reads; the rest is counted."""
    kept = [
        replace(
            entry,
            detail=redact.sentence(entry.detail),
            value=None if entry.value is None else redact.value(entry.value),
        )
        for entry in rejections[:_MOST_REJECTIONS]
    ]
    more = len(rejections) - len(kept)
    return kept + ([Rejection(kept[-1].reason, f"and {more} more places were refused")] if more else [])


def _refused(refused: ArtifactError) -> Reading:
    return Reading(
        status=ArtifactStatus.QUARANTINED,
        reason=refused.reason,
        detail=redact.sentence(refused.detail),
        locator=refused.locator,
        rejections=_bounded([Rejection(refused.reason, refused.detail, refused.locator, refused.value)]),
    )


def encode(reading: Reading) -> bytes:
    """A reading as JSON bytes, for the store."""
    return orjson.dumps(reading, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


def decode(payload: bytes) -> Reading:
    """The reading that `encode` wrote."""
    loaded = orjson.loads(payload)
    loaded["status"] = ArtifactStatus(loaded["status"])
    loaded["summaries"] = [
        SummaryRow(**{**entry, "stats": {key: tuple(pair) for key, pair in entry["stats"].items()}})
        for entry in loaded["summaries"]
    ]
    loaded["rejections"] = [Rejection(**entry) for entry in loaded["rejections"]]
    return Reading(**loaded)
