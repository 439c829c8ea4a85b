"""The files of a store without their rows: what is told of each on a card, and its rows when they are asked for.

Settling decides over all files and changes rows file by file. What it decides is kept on the cards, so that no more
than a chunk of rows is ever held; who asks for a file again gets its rows as they stand by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from chimera_pipeline.contracts.tables import METRIC_TABLES
from chimera_pipeline.metrics import subsets, workloads
from chimera_pipeline.metrics.entries import Entry, Source, Standing
from chimera_pipeline.metrics.twin_sums import Packed, Sums
from chimera_pipeline.records import SummaryRow

_LENDERS = ("llm_requests", "serving_runs")


@dataclass(slots=True, eq=False)
class Card(Standing):
    """What settling needs to know of a file while its rows are not held.

    `content`: a digest of its reading. `size`: how many rows it has, in `tables`. `model`: the one model that it
    states; `nameless`: whether it has requests without one. `sums` by table and `prints` tell what it may repeat;
    `outside` are summaries of rows that it has not itself; `log` and `prompts` tell of which log its requests may be a
    part. The rest is decided of it: `lent` (model, path of the lender), `took` as of an entry, and the summaries that
    nothing explains.
    """

    content: bytes = b""
    size: int = 0
    tables: frozenset[str] = frozenset()
    model: str | None = None
    nameless: bool = False
    sums: dict[str, Packed] = field(default_factory=dict)
    prints: subsets.Prints = field(default_factory=lambda: subsets.NONE)
    outside: tuple[SummaryRow, ...] = ()
    log: workloads.Log | None = None
    prompts: int = 0
    lent: tuple[str, str] | None = None
    took: list[tuple[str, str]] = field(default_factory=list)
    unexplained: tuple[SummaryRow, ...] = ()

    @classmethod
    def of(cls, entry: Entry, *, copy: bool) -> Card:
        """The card of an entry as it was read; of a copy no more than its name can lend."""
        out = cls(entry.artifact, content=entry.content)
        out.stand_as(entry)
        models = {row.get("model") for table in _LENDERS for row in entry.rows.get(table, ())}
        if len(models) == 1 and None not in models:
            out.model = str(models.pop())
        out.nameless = any(row.get("model") is None for row in entry.rows.get("llm_requests", ()))
        out.size = sum(map(len, entry.rows.values()))
        if entry.counts and not copy:
            out.tables = frozenset(table for table, rows in entry.rows.items() if rows)
            for table in METRIC_TABLES:
                if entry.rows.get(table):
                    out.sums[table] = Sums.of(entry, table).packed()
            out.outside = tuple(one for one in entry.reading.summaries if not entry.rows.get(one.table))
            out.look_at(entry)
        return out

    def look_at(self, entry: Entry) -> None:
        """Tell again what the rows that a twin filled in may have changed."""
        self.prints = subsets.prints(entry)
        self.log, self.prompts = workloads.log_of(entry)


class Files:
    """Every file of the store: its card, by path, and its rows as far as they are settled."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.cards: list[Card] = []
        seen: set[str | None] = {None}
        for entry in source.entries(sorted(source.artifacts(), key=lambda artifact: artifact.path)):
            sha256 = entry.artifact.sha256
            self.cards.append(Card.of(entry, copy=sha256 in seen and entry.artifact.size_bytes > 0))
            seen.add(sha256)
        self.by_path = {card.path: card for card in self.cards}

    @property
    def counting(self) -> Iterator[Card]:
        """The cards of files whose rows count, by path."""
        return (card for card in self.cards if card.counts)

    def entries(self, cards: Iterable[Card]) -> Iterator[Entry]:
        """An entry for each card, as it stands by now."""
        cards = list(cards)
        for card, entry in zip(cards, self._source.entries(card.artifact for card in cards), strict=True):
            entry.stand_as(card)
            if card.lent is not None:
                entry.borrow(*card.lent)
            for path, table in card.took:
                entry.take(self.entry(self.by_path[path]), table)
            yield entry

    def entry(self, card: Card) -> Entry:
        """The entry of one card, as it stands by now."""
        return next(self.entries([card]))
