"""Each measurement once: exact copies by hash, twins by their numbers and times as printed, subset files.

In: entries. Out: the same entries, some set aside with the path they repeat; a twin's extra fields move to
the row that stays, with the path each came from.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable

from chimera_pipeline.contracts.tables import METRIC_TABLES
from chimera_pipeline.errors import Reason
from chimera_pipeline.metrics import instants
from chimera_pipeline.metrics.entries import Entry, label, measures
from chimera_pipeline.metrics.twin_sums import AT, MIN_NUMBERS, Near, Sums
from chimera_pipeline.records import ArtifactStatus, Row

_BESIDE = frozenset({"measurements", "system_samples"})
_NAMES = ("model", "quantization", "device", "backend", "prompt_id")
"""What two records of one measurement cannot state differently."""
_LENDERS = ("llm_requests", "serving_runs")


def set_copies_aside(entries: list[Entry]) -> None:
    """Of files with the same bytes the first by path stays; empty files are no copies of each other."""
    first: dict[str, Entry] = {}
    for entry in sorted(entries, key=lambda entry: entry.path):
        sha256 = entry.artifact.sha256
        if sha256 is None or entry.artifact.size_bytes == 0:
            continue
        kept = first.setdefault(sha256, entry)
        if kept is not entry:
            detail = f"same bytes as {kept.path}"
            entry.set_aside(ArtifactStatus.DUPLICATE, Reason.EXACT_COPY, detail, kept.path)


def merge_twins(entries: list[Entry]) -> None:
    """Files that hold the same measurements in another format or precision: the fuller one stays."""
    for table in METRIC_TABLES:
        alike: dict[tuple[int, int], list[Sums]] = defaultdict(list)
        for entry in entries:
            if entry.counts and entry.rows.get(table):
                sums = Sums.of(entry, table, _BESIDE)
                alike[sums.rows, sums.begin].append(sums)
        for found in alike.values():
            _merge_alike(found, table)


def _merge_alike(found: list[Sums], table: str) -> None:
    """Merge the twins among files with as many rows about the same things."""
    near = _with_partners(found)
    if near:
        near = _with_partners(_told_more(near, table))
    if not near:
        return
    index = Near(near)
    some = {id(sums) for sums in near}
    for anchor in dict.fromkeys(name for sums in found for name in sums.totals):
        for run in _runs([sums for sums in found if anchor in sums.totals], anchor):
            _merge_group([sums for sums in run if id(sums) in some], index, table)


def _with_partners(found: list[Sums]) -> list[Sums]:
    if len(found) < 2:
        return []
    index = Near(found)
    return [sums for sums in found if next(index.of(sums, least=1), None) is not None]


def _told_more(found: list[Sums], table: str) -> list[Sums]:
    """`found` with what tells apart files of equal numbers: the names that they state, and their times."""
    dated = False
    for sums in found:
        rows = sums.entry.rows[table]
        for name in _NAMES:
            stated = tuple(row.get(name) for row in rows)
            if None not in stated:
                sums.features[name] = (float(hash(stated) % 2**40), 0.25)
        begin = instants.begin(sums.entry, table)
        if begin is not None:
            sums.features[AT] = begin[:2]
        sums.clock = (begin is not None and begin[2], sums.entry.artifact.format.value)
        dated |= any(row.get("measured_at") is not None for row in rows)
    for sums in () if dated else found:
        stamp = instants.stamp_of(sums.entry.path)
        if stamp is not None:
            sums.features[AT] = stamp
    return found


def _runs(found: list[Sums], anchor: str) -> Iterable[list[Sums]]:
    """`found` by the sum of `anchor`, cut where neighbours lie more than a percent apart."""
    found.sort(key=lambda sums: (sums.totals[anchor], sums.entry.path))
    run = found[:1]
    for sums in found[1:]:
        if sums.totals[anchor] - run[-1].totals[anchor] > 1e-2 * abs(sums.totals[anchor]):
            yield run
            run = []
        run.append(sums)
    yield run


def _merge_group(group: list[Sums], near: Near, table: str) -> None:
    ranked = sorted(
        (sums for sums in group if sums.entry.counts), key=lambda sums: (-_fullness(sums.entry, table), sums.entry.path)
    )
    places = {id(sums): place for place, sums in enumerate(ranked)}
    for place, sums in enumerate(ranked):
        kept = sums.entry
        if not kept.counts:
            continue
        waiting = {found for other in near.of(sums) if (found := places.get(id(other), 0)) > place}
        for found in _rising(waiting):
            other = ranked[found]
            twin = other.entry
            if twin.counts and twin is not kept and _same_measurements(kept, twin, table):
                _merge(kept, twin, table)
                detail = f"same measurements as {kept.path}; fields it adds are merged"
                twin.set_aside(ArtifactStatus.DUPLICATE, Reason.TWIN, detail, kept.path)
                if sums.take(other):  # the numbers that it brought may show more twins
                    waiting |= {more for one in near.of(sums) if (more := places.get(id(one), 0)) > found}


def _rising(waiting: set[int]) -> Iterable[int]:
    """The smallest of `waiting` again and again, until it is empty; it may grow meanwhile."""
    heap: list[int] = []
    while waiting or heap:
        for place in waiting:
            heapq.heappush(heap, place)
        waiting.clear()
        yield heapq.heappop(heap)


def _fullness(entry: Entry, table: str) -> float:
    """Exact files before rounded ones, then more cells."""
    cells = sum(value is not None for row in entry.rows[table] for value in row.values())
    exact = 0 if entry.reading.precision.get(table) else 1_000_000
    return exact + cells


def _same_measurements(a: Entry, b: Entry, table: str) -> bool:
    """Whether `b` holds nothing that `a` has not, of the same time; `a` may have counters of the machine beside it."""
    mine, yours = ({name for name, rows in entry.rows.items() if rows} for entry in (a, b))
    if yours - mine - {"measurements"} or mine - yours - _BESIDE:
        return False
    halves = [entry.reading.precision.get(table, {}) for entry in (a, b)]
    compared = 0
    for left, right in zip(a.rows[table], b.rows[table], strict=True):
        if label(left) != label(right) or _conflict(left, right):
            return False
        one, other = measures(table, left), measures(table, right)
        for name in one.keys() & other.keys():
            tolerance = sum(half.get(name, 0.0) for half in halves) * (1 + 1e-6)
            if abs(one[name] - other[name]) > tolerance + 1e-12 * abs(one[name]):
                return False
            compared += one[name] != 0
    return compared >= MIN_NUMBERS and instants.may_be_one_run(a, b, table)


def _conflict(left: Row, right: Row) -> bool:
    """Both state an identity and it differs."""
    for name in _NAMES:
        a, b = left.get(name), right.get(name)
        if a is not None and b is not None and a != b:
            return True
    return False


def _merge(kept: Entry, twin: Entry, table: str) -> None:
    for row, other in zip(kept.rows[table], twin.rows[table], strict=True):
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


def set_subsets_aside(entries: list[Entry]) -> None:
    """A file whose every row stands, number for number, in one larger file repeats it."""
    live = [entry for entry in entries if entry.counts]
    prints = [[hash(print_) for print_ in _fingerprints(entry)] for entry in live]
    homes: dict[int, list[int]] = defaultdict(list)
    for index, found in enumerate(prints):
        for print_ in set(found):
            homes[print_].append(index)
    for index, found in enumerate(prints):
        if not found or any(len(homes[print_]) == 1 for print_ in found):
            continue
        wanted = set(found)
        rarest = min((homes[print_] for print_ in wanted), key=len)
        larger = (other for other in rarest if len(prints[other]) > len(found) and wanted.issubset(prints[other]))
        own = set(_fingerprints(live[index]))
        kept = next((live[other] for other in larger if own.issubset(_fingerprints(live[other]))), None)
        if kept is not None:  # the first by path, as entries are
            detail = f"each of its {len(found)} rows is a row of {kept.path}"
            live[index].set_aside(ArtifactStatus.DUPLICATE, Reason.SUBSET_OF_ROWS, detail, kept.path)


def _fingerprints(entry: Entry) -> Iterable[tuple[object, ...]]:
    out: list[tuple[object, ...]] = []
    for table in METRIC_TABLES:
        for row in entry.rows.get(table, ()):
            numbers = measures(table, row)
            if len(numbers) < MIN_NUMBERS and table != "throughputs":
                return []
            out.append((table, row.get("measured_at"), *label(row), *sorted(numbers.items())))
    if len(out) < 2 or sum(print_[1] is not None for print_ in out) == 0:
        return []
    return out


def lend_models(entries: list[Entry]) -> None:
    """Requests without a model take it from the neighbour whose name they extend, and say so.

    `x_270m_sweep.csv` extends `x_270m_baseline.json` (its name without the last `_word`), and so does
    `profile_export.jsonl` the summary `profile_export_aiperf.json` of its run; the longest such neighbour in the same
    folder counts, and only where it states exactly one model.
    """
    heads: dict[tuple[str, str], tuple[str, str]] = {}
    for entry in entries:
        stated = [row.get("model") for table in _LENDERS for row in entry.rows.get(table, ())]
        models = set(stated)
        if entry.status is ArtifactStatus.SKIPPED or len(models) != 1 or None in models:
            continue
        folder, stem = _split(entry.path)
        head = stem.rpartition("_")[0]
        if head:
            heads.setdefault((folder, head), (str(models.pop()), entry.path))
    for entry in entries:
        rows = [row for row in entry.rows.get("llm_requests", ()) if row.get("model") is None]
        folder, stem = _split(entry.path)
        words = stem.split("_")
        for length in range(len(words), 0, -1):
            lender = heads.get((folder, "_".join(words[:length])))
            if rows and lender and lender[1] != entry.path:
                for row in rows:
                    row["model"] = lender[0]
                    row.setdefault("field_sources", {})["model"] = lender[1]
                break


def _split(path: str) -> tuple[str, str]:
    folder, _, name = path.rpartition("/")
    return folder, name.rpartition(".")[0] or name
