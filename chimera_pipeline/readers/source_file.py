"""What a declarative source says: the YAML of `schemas/sources/` checked and turned into a `Source`.

Everything is checked when the file is loaded, so that reading can trust it: table, fields and metrics
exist, units are known and fit the field, options are plain words. Errors are ContractErrors naming file,
line and key. How a source is read is in `declarative`; the keys are described in docs/formats.md.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from chimera_pipeline import redact, units
from chimera_pipeline.contracts import schemas, tables, vocabulary
from chimera_pipeline.errors import ArtifactError
from chimera_pipeline.readers.marked_yaml import Entry, nearest, parse

Kind = Literal["column", "path", "root", "key"]
FORMATS = ("csv", "json", "jsonl")
STATISTICS = (
    *("sample", "mean", "median", "std", "min", "max", "count", "sum"),
    *("p0.1", "p1", "p5", "p10", "p25", "p50", "p75", "p90", "p95", "p99", "p99.9"),
)
LONG_TABLES = ("system_samples", "evaluations")
KEYS = (
    *("source", "description", "tool", "format", "match", "grain", "fields", "values", "statistics"),
    *("constants", "config", "time", "failed"),
)
_FILLED_LATER = frozenset(
    (
        *("artifact_path", "locator", "series_id", "tool", "config", "status", "error_kind", "phase"),
        *("measured_at", "time_source", "time_naive", "field_sources", "at"),
    )
)
_NO_MEASUREMENT = frozenset({"concurrency", "request_rate", "requests_ok", "requests_failed", "n_shot"})
_UNITS = (
    (re.compile(r"\w*tokens_per_s"), "token/s"),
    (re.compile(r"requests_per_s"), "request/s"),
    (re.compile(r"\w+_s(_mean|_std|_p\d+)?"), "s"),
)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
_OPTION = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")


@dataclass(frozen=True, slots=True)
class Ref:
    """Where a value stands: a csv column, a path in the record or in the whole file, or a name that `*` met.

    `places` are alternatives, the first that a record has counts: column names, or paths as tuples of keys.
    """

    kind: Kind
    places: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One column of the table: where it comes from, in which unit, and what it is (the table's dtype)."""

    target: str
    ref: Ref
    dtype: str
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Statistic:
    """One statistic that the table has no column for; it goes to `measurements`."""

    metric: str
    statistic: str
    field: Field
    n: Ref | None


@dataclass(frozen=True, slots=True)
class Condition:
    """One sign of a failed record."""

    ref: Ref
    test: Literal["filled", "is", "is_not"]
    values: frozenset[Any] = frozenset()


@dataclass(frozen=True, slots=True)
class Match:
    """What a file must have (each entry: alternatives), what it must not, and which values must be equal."""

    places: tuple[tuple[Any, ...], ...]
    without: tuple[Any, ...]
    equals: tuple[tuple[Any, Any], ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A declarative source, checked."""

    name: str
    version: str
    tool: str
    format: str
    match: Match
    table: str
    kind: str
    records: tuple[str, ...]
    fields: tuple[Field, ...]
    values: tuple[Field, ...]
    statistics: tuple[Statistic, ...]
    constants: dict[str, Any]
    config: tuple[tuple[str, Ref], ...]
    time: Ref | None
    failed: tuple[Condition, ...]
    error: Ref | None


def load(file: str, text: str) -> Source:
    """The source that `text` describes; `file` is how messages call it. Raises ContractError."""
    root = parse(file, text)
    keys = root.mapping(KEYS, required=("source", "format", "match", "grain", "failed"))
    name = keys["source"].text()
    if not _NAME.match(name):
        keys["source"].refuse(f"is {name!r}, expected lower-case letters, digits and . _ -")
    format = keys["format"].text(FORMATS)
    table, kind, records = _grain(keys["grain"], format)
    return _Body(keys, format, table).source(
        name, hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12], kind, records
    )


def measurement_columns(table: str) -> frozenset[str]:
    """The columns of `table` that a failed record leaves empty."""
    return frozenset(
        name
        for name, dtype in tables.columns(table).items()
        if dtype in ("float64", "Int64") and name not in _NO_MEASUREMENT
    )


def canonical_unit(table: str, field: str) -> str | None:
    """The unit that a field of `table` is kept in; None where it has none or is kept as stated."""
    if tables.columns(table)[field] != "float64":
        return None
    return next((unit for pattern, unit in _UNITS if pattern.fullmatch(field)), None)


def mappable(table: str) -> dict[str, str]:
    """Field -> dtype of the columns that a source may fill."""
    return {name: dtype for name, dtype in tables.columns(table).items() if name not in _FILLED_LATER}


def path_parts(entry: Entry, text: str) -> tuple[str, ...]:
    """The keys of `/a/b` (a JSON pointer; `*` is every member) or of a single key without slash."""
    if text in ("", "/"):
        return ()
    if not text.startswith("/"):
        return (text,)
    if re.search(r"~(?![01])", text):
        entry.refuse(f"is {text!r}: write ~ as ~0 and / inside a key as ~1")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/"))


def comparable(value: Any) -> Any:
    """A value as conditions compare it: numbers by value, texts without case; None for blank."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return float(value)
    text = str(value).strip().lower() if value is not None else ""
    try:
        return float(text) if text and len(text) <= 40 else text or None
    except ValueError:
        return text


def _grain(entry: Entry, format: str) -> tuple[str, str, tuple[str, ...]]:
    keys = entry.mapping(("table", "records", "kind"), required=("table",))
    table = keys["table"].text(tables.METRIC_TABLES)
    records: tuple[str, ...] = ()
    if "records" in keys:
        if format != "json":
            keys["records"].refuse(f"is for json; in {format} every {'row' if format == 'csv' else 'line'} is a record")
        records = path_parts(keys["records"], keys["records"].text())
    kind = f"source_{table}"
    if "kind" in keys:
        kinds = schemas.load(schemas.folder() / "telemetry.yaml")["kinds"]
        kind = keys["kind"].text(kinds)
        if kinds[kind]["table"] != table:
            keys["kind"].refuse(f"is {kind!r}, a kind of table {kinds[kind]['table']!r}, not of {table!r}")
    return table, kind, records


@dataclass(slots=True)
class _Body:
    """The keys of one file while they are checked."""

    keys: dict[str, Entry]
    format: str
    table: str

    def source(self, name: str, version: str, kind: str, records: tuple[str, ...]) -> Source:
        conditions, error = self._failed(self.keys["failed"])
        fields = self._fields(self.keys.get("fields"))
        constants = self._constants({field.target for field in fields})
        values = self._values(self.keys.get("values"))
        if not any(field.target in measurement_columns(self.table) for field in fields) and not values:
            at = self.keys.get("fields", self.keys["grain"])
            at.refuse("no measurement is mapped" + nearest("", sorted(measurement_columns(self.table))))
        tool = self.keys["tool"].text() if "tool" in self.keys else name
        if redact.name(tool) != tool:
            self.keys["tool"].refuse(f"is {tool!r}, expected letters, digits and . _ - / : + @")
        return Source(
            name=name,
            version=version,
            tool=tool,
            format=self.format,
            match=self._match(self.keys["match"]),
            table=self.table,
            kind=kind,
            records=records,
            fields=fields,
            values=values,
            statistics=self._statistics(),
            constants=constants,
            config=self._config(),
            time=self._ref(self.keys["time"]) if "time" in self.keys else None,
            failed=conditions,
            error=error,
        )

    def _match(self, entry: Entry) -> Match:
        word = "columns" if self.format == "csv" else "paths"
        known = (word, "without") if self.format == "csv" else (word, "without", "equals")
        keys = entry.mapping(known, required=(word,))
        places = tuple(tuple(self._place(one) for one in item.items()) for item in keys[word].items())
        without = tuple(self._place(item) for item in keys["without"].items()) if "without" in keys else ()
        equals = keys["equals"].mapping() if "equals" in keys else {}
        wanted = tuple((path_parts(item, path), comparable(item.scalar())) for path, item in equals.items())
        return Match(places, without, wanted)

    def _place(self, entry: Entry) -> Any:
        text = entry.text()
        return text if self.format == "csv" else path_parts(entry, text)

    def _ref(self, entry: Entry, also: Collection[str] = ()) -> Ref:
        """A reference: a text or a list of alternatives, or a mapping with one of column, path, root, key."""
        own: Kind = "column" if self.format == "csv" else "path"
        if not entry.is_mapping():
            return Ref(own, tuple(self._place(one) for one in entry.items()))
        kinds = {"csv": ("column",), "json": ("path", "root", "key"), "jsonl": ("path",)}[self.format]
        keys = entry.mapping((*kinds, *also))
        given = [kind for kind in kinds if kind in keys]
        if len(given) != 1:
            entry.refuse(f"needs {'one of ' if len(kinds) > 1 else ''}{', '.join(kinds)}")
        kind, place = given[0], keys[given[0]]
        if kind == "key":
            number = place.scalar()
            if not isinstance(number, int) or isinstance(number, bool) or number < 1:
                place.refuse(f"is {number!r}, expected 1 for the first * of grain.records, 2 for the second")
            return Ref("key", (number - 1,))
        word: Kind = "column" if kind == "column" else "root" if kind == "root" else "path"
        return Ref(word, tuple(self._place(one) for one in place.items()))

    def _fields(self, entry: Entry | None) -> tuple[Field, ...]:
        if entry is None:
            return ()
        known = mappable(self.table)
        if "values" in self.keys:
            known = {name: dtype for name, dtype in known.items() if name not in ("metric", "value", "unit")}
        return tuple(self._field(item, name, known[name]) for name, item in entry.mapping(known).items())

    def _field(self, entry: Entry, target: str, dtype: str) -> Field:
        wanted = canonical_unit(self.table, target)
        free = self.table == "system_samples" and target == "value"
        ref = self._ref(entry, also=("unit",))
        unit_entry = entry.mapping().get("unit") if entry.is_mapping() else None
        if unit_entry is None:
            if wanted or free:
                entry.refuse(f"needs a unit, e.g. {{{ref.kind}: ..., unit: {_example(wanted)}}}")
            return Field(target, ref, dtype)
        unit = unit_entry.text()
        if not wanted and not free:
            unit_entry.refuse(f"{target} takes no unit")
        _check_unit(unit_entry, unit, wanted)
        return Field(target, ref, dtype, unit)

    def _values(self, entry: Entry | None) -> tuple[Field, ...]:
        if entry is None:
            return ()
        if self.table not in LONG_TABLES:
            entry.refuse(f"is for tables with one value a row ({', '.join(LONG_TABLES)}); use fields")
        out = []
        for name, item in entry.mapping().items():
            if redact.name(name) != name:
                item.refuse("is no plain name for a metric")
            out.append(self._value(name, item))
        return tuple(out)

    def _value(self, name: str, entry: Entry) -> Field:
        with_unit = self.table == "system_samples"
        ref = self._ref(entry, also=("unit",) if with_unit else ())
        if not with_unit:
            return Field(name, ref, "float64")
        unit_entry = entry.mapping().get("unit") if entry.is_mapping() else None
        if unit_entry is None:
            _needs_unit(entry, ref)
        unit = unit_entry.text()
        _check_unit(unit_entry, unit, None)
        return Field(name, ref, "float64", unit)

    def _statistics(self) -> tuple[Statistic, ...]:
        if "statistics" not in self.keys:
            return ()
        out = []
        for item in self.keys["statistics"].items():
            ref = self._ref(item, also=("metric", "statistic", "unit", "n"))
            keys = item.mapping(required=("metric", "statistic"))
            metric = keys["metric"].text(vocabulary.metrics())
            statistic = keys["statistic"].text(STATISTICS)
            stated = vocabulary.metric(metric).unit
            wanted = {"s": "s", "tokens/s": "token/s", "requests/s": "request/s", "bytes": "byte"}.get(stated)
            unit = None
            if "unit" in keys:
                unit = keys["unit"].text()
                _check_unit(keys["unit"], unit, wanted)
            elif wanted:
                _needs_unit(item, ref)
            n = self._ref(keys["n"]) if "n" in keys else None
            out.append(Statistic(metric, statistic, Field(metric, ref, "float64", unit), n))
        return tuple(out)

    def _constants(self, mapped: Collection[str]) -> dict[str, Any]:
        if "constants" not in self.keys:
            return {}
        known = {
            name: dtype for name, dtype in mappable(self.table).items() if name not in measurement_columns(self.table)
        }
        out: dict[str, Any] = {}
        for name, item in self.keys["constants"].mapping(known).items():
            value = item.scalar()
            if name in mapped:
                item.refuse("stands under fields as well")
            if known[name] == "object" and (not isinstance(value, str) or redact.name(value) != value):
                item.refuse(f"is {value!r}, expected a name of letters, digits and . _ - / : + @")
            if known[name] == "boolean" and not isinstance(value, bool):
                item.refuse(f"is {value!r}, expected true or false")
            if known[name] in ("float64", "Int64") and (isinstance(value, bool) or not isinstance(value, int | float)):
                item.refuse(f"is {value!r}, expected a number")
            out[name] = value
        return out

    def _config(self) -> tuple[tuple[str, Ref], ...]:
        if "config" not in self.keys:
            return ()
        entry = self.keys["config"]
        if entry.is_mapping():
            pairs = [(name, item, self._ref(item)) for name, item in entry.mapping().items()]
        else:
            pairs = [(item.text(), item, self._ref(item)) for item in entry.items()]
        for name, item, _ in pairs:
            if not _OPTION.match(name) or redact.value("x", name) != "x":
                item.refuse(
                    f"{name!r} is no option name (a-z, 0-9, _; no secrets); write `config: {{option_name: column}}`"
                )
        return tuple((name, ref) for name, _, ref in pairs)

    def _failed(self, entry: Entry) -> tuple[tuple[Condition, ...], Ref | None]:
        if not entry.is_mapping() and entry.text(("never",)):
            return (), None
        keys = entry.mapping(("when", "error"), required=("when",))
        conditions = tuple(self._condition(item) for item in keys["when"].items())
        return conditions, self._ref(keys["error"]) if "error" in keys else None

    def _condition(self, entry: Entry) -> Condition:
        ref = self._ref(entry, also=("filled", "is", "is_not"))
        keys = entry.mapping() if entry.is_mapping() else {}
        tests = [name for name in ("filled", "is", "is_not") if name in keys]
        if len(tests) != 1:
            entry.refuse(f"needs one of filled, is, is_not, e.g. {{{ref.kind}: error, filled: true}}")
        if tests[0] == "filled":
            if keys["filled"].scalar() is not True:
                keys["filled"].refuse("expected true")
            return Condition(ref, "filled")
        values = frozenset(comparable(item.scalar()) for item in keys[tests[0]].items())
        return Condition(ref, "is" if tests[0] == "is" else "is_not", values)


def _needs_unit(entry: Entry, ref: Ref) -> NoReturn:
    entry.refuse(f"needs a unit, e.g. {{{ref.kind}: ..., unit: ms}}")


def _example(wanted: str | None) -> str:
    return {"s": "ms", "token/s": "tokens/s", "request/s": "requests/s"}.get(wanted or "", "percent")


def _check_unit(entry: Entry, unit: str, wanted: str | None) -> None:
    """Refuse a unit that is not known or measures something else than `wanted`."""
    try:
        fits = wanted is None or units.dimension(unit) == units.dimension(wanted)
        units.canonical(1.0, unit)
    except ArtifactError:
        entry.refuse(f"{unit!r} is no unit{nearest(unit, units.COMMON)}")
    if not fits:
        entry.refuse(f"{unit!r} does not measure {wanted}{nearest(unit, units.COMMON)}")
