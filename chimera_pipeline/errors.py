"""Every failure as a type, and the closed sets of codes that failures are reported under.

What lives here: exceptions with the exit code they lead to and whether a retry can help, and the reason
codes of quarantine. What does not: handling. Stages raise; the command line and the assets translate.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a file, a row or a value was not used. Closed: each code has a section in docs/reason-codes.md."""

    SYMLINK = "symlink"
    NOT_REGULAR = "not_regular"
    PERMISSION_DENIED = "permission_denied"
    IO_ERROR = "io_error"
    VANISHED = "vanished"
    STILL_WRITING = "still_writing"
    TOO_LARGE = "too_large"
    LINE_TOO_LONG = "line_too_long"
    TOO_MANY_ROWS = "too_many_rows"
    TOO_MANY_COLUMNS = "too_many_columns"
    TOO_DEEP = "too_deep"
    TOO_MANY_NODES = "too_many_nodes"
    EMPTY = "empty"
    NOT_TEXT = "not_text"
    BAD_ENCODING = "bad_encoding"
    BAD_JSON = "bad_json"
    BAD_YAML = "bad_yaml"
    DUPLICATE_KEY = "duplicate_key"
    NONFINITE_NUMBER = "nonfinite_number"
    TRUNCATED = "truncated"
    DUPLICATE_COLUMN = "duplicate_column"
    RAGGED_ROW = "ragged_row"
    BAD_NUMBER = "bad_number"
    BAD_TIME = "bad_time"
    OUT_OF_RANGE = "out_of_range"
    UNKNOWN_UNIT = "unknown_unit"
    UNEXPECTED_SHAPE = "unexpected_shape"
    ERROR_OUTPUT = "error_output"
    NO_MEASUREMENTS = "no_measurements"
    EXACT_COPY = "exact_copy"
    TWIN = "twin"
    SUMMARY_OF_ROWS = "summary_of_rows"
    SUBSET_OF_ROWS = "subset_of_rows"
    UNKNOWN_FORMAT = "unknown_format"
    OWN_OUTPUT = "own_output"


class ChimeraError(Exception):
    """Base of every expected failure. `exit_code` is the contract's; `retryable` says whether a retry can help."""

    exit_code = 1
    retryable = False


class UsageError(ChimeraError):
    """Wrong options, configuration or a missing folder."""

    exit_code = 2


class SettingsError(UsageError):
    """A setting is unknown or has a wrong value; the message names key, value found and value expected."""


class ContractError(ChimeraError):
    """A file under `schemas/` is wrong; the message names file and key."""

    exit_code = 2


class InputError(ChimeraError):
    """The root cannot be read, or an output cannot be written."""

    exit_code = 74


class GateRefused(ChimeraError):
    """A gate refused publication: `--strict` with quarantined files, or a report that fails its own audit."""

    exit_code = 3


class ModelRequired(ChimeraError):
    """`--require-llm` was given and no model answered."""

    exit_code = 4


class RegressionFound(ChimeraError):
    """`--fail-on-regression` was given and a regression stands."""

    exit_code = 5


class StoreBusy(ChimeraError):
    """Another run is writing to the same store."""

    exit_code = 74
    retryable = True


class ArtifactError(ChimeraError):
    """One artifact, or one place in it, cannot be used. Never ends a run: it becomes a quarantine row.

    `reason` is a `Reason`, `locator` a row number ("row 3"), a line ("line 7") or a JSON pointer, `detail` a
    sentence for people, `value` the offending text (redacted and cut before it is stored).
    """

    def __init__(self, reason: Reason, detail: str, *, locator: str | None = None, value: str | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.locator = locator
        self.value = value
