"""Table rows as claims: the header gives unit and metric, the first column the entity, headings the scope.

A row is read cell by cell; what its label cells and a column's header name becomes the scope of the cell's numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from chimera_pipeline.audit import measures, words
from chimera_pipeline.audit.binding import bind
from chimera_pipeline.audit.blocks import Block
from chimera_pipeline.audit.facts_view import EXACT, FactView, plain_value, statistic_name
from chimera_pipeline.audit.frames import BoundNumber, Frame
from chimera_pipeline.audit.judging import Ruling, contradicted, unsupported
from chimera_pipeline.audit.lexicon import EntityRef, Lexicon, MetricRef
from chimera_pipeline.audit.measures import Measure
from chimera_pipeline.audit.numerals import Style, numerals
from chimera_pipeline.audit.operands import Sides
from chimera_pipeline.audit.reading import read
from chimera_pipeline.audit.results import CheckedClaim, Verdict
from chimera_pipeline.audit.roles import Role, roles
from chimera_pipeline.audit.scopes import own_frame
from chimera_pipeline.audit.sentence_audit import SentenceAuditor
from chimera_pipeline.audit.sentence_state import Draft

_SKIP = re.compile(
    r"(?:#|no\.?|nr\.?|rank|position|id|ids|date|day|time ?stamp|timestamp|measured at|modified|"
    r"latest modif\w*|last modif\w*|version|sources?|"
    r"files? names?|path|hash|sha-?256|commit|notes?|status|facts?|refs?|reference|"
    r"citations?|period|statement|line|grade|method|"
    r"comment|remarks?|seed|cell|locator|formula|when|started|ended|verdict)",
    re.IGNORECASE,
)
_UNIT = re.compile(r"units?|einheit|unité", re.IGNORECASE)
_RUNS = re.compile(
    r"(?:n|#\s?runs|runs|no\.? of runs|number of runs|samples|repeats|repetitions|reps|trials|"
    r"iterations|sample size|observations)",
    re.IGNORECASE,
)
_METRIC_LABEL = re.compile(
    r"metrics?|measure(?:ment)?s?|kpi|quantity|indicator|name|what|statistic|statistics|item|property|kennzahl|parameter|aspect|category",
    re.IGNORECASE,
)
_ENTITY_LABEL = re.compile(
    r"(?:model|entity|series|system|engine|backend|kernel|variant|name|implementation|framework|candidate|configuration|quantization|quant|"
    r"tag|library|tool|device|gpu|hardware|benchmark|case|subject|provider|runtime)(?:\s?names?|s)?", re.IGNORECASE
)  # fmt: skip
_TYPE_LABEL = re.compile(r"(?:file )?(?:types?|formats?|kinds?|extensions?)", re.IGNORECASE)
_RATIO = re.compile(r"ratio|speed-?up|factor|relative|\bx\b|×|times|vs\.?\s", re.IGNORECASE)
_DELTA = re.compile(
    r"Δ|δ|∆|delta|change|difference|diff\b|improvement|gain|reduction|[%]\s*(?:change|diff)", re.IGNORECASE
)
_TOTALS = frozenset(["total", "totals", "overall", "all", "sum", "gesamt"])


@dataclass(frozen=True, slots=True)
class _Column:
    """What the header says of a column. kind: value, skip, unit, n, option, ratio, delta, interval; `bare`: a unit and
    perhaps a statistic, and nothing that says what is measured."""

    kind: str
    frame: Frame
    measure: Measure | None
    text: str
    bare: bool = False


class TableAuditor:
    """Audits table rows."""

    def __init__(self, auditor: SentenceAuditor, lexicon: Lexicon) -> None:
        self.auditor = auditor
        self.lexicon = lexicon
        self._columns: dict[tuple[str, ...], list[_Column]] = {}
        self._subjects: dict[int, EntityRef] = {}

    def row(self, block: Block, scope: Frame, style: Style) -> list[CheckedClaim]:
        """The claims of one row."""
        assert block.table is not None
        header = block.table.header
        if header not in self._columns:
            self._columns[header] = [self._column(cell) for cell in header]
        columns = self._columns[header]
        cells = list(block.cells[: len(columns)])
        label, unit, named = self._label(cells, columns)
        self._note_subject(block, cells)
        if label.metric is None and 0 in named:
            label = replace(label, metric=columns[0].frame.metric)
        if label.entity is None and columns[0].frame.entity is None:
            label = label.filled(Frame(entity=self._subjects.get(block.paragraph)))
        drafts: list[Draft] = []
        for order, (cell, column) in enumerate(zip(cells, columns, strict=False)):
            if (
                column.kind in {"skip", "unit", "option"}
                or order in named
                or (order == 0 and not self._first_is_value(cell, columns))
            ):
                continue
            frame = self._frame(column, label, scope)
            drafts += self._cell(cell, column, frame, unit, style, drafts)
        return [self.auditor.written(draft, block.text, block.line) for draft in drafts]

    def _note_subject(self, block: Block, cells: Sequence[str]) -> None:
        """A row "Model | NAME" says what the rows after it are about."""
        if len(cells) > 1 and _ENTITY_LABEL.fullmatch(re.sub(r"[*`:]", "", cells[0]).strip()):
            entity = own_frame(read(cells[1], self.lexicon)).entity
            if entity is not None:
                self._subjects[block.paragraph] = entity

    def _column(self, cell: str) -> _Column:
        plain = re.sub(r"[*`]", "", cell).strip()
        snake = re.fullmatch(r"\w+", plain) is not None and plain.lower() not in words.OPTIONS
        reading = read(plain.replace("_", " ") if snake else cell, self.lexicon, heading=True)
        frame = own_frame(reading)
        measure = _unit_of(plain)
        if any(
            token.kind == "C" and token.condition[0] != "phase" and not token.condition[1] for token in reading.tokens
        ):
            frame = replace(frame, conditions=tuple(pair for pair in frame.conditions))
        kind = "value"
        bare = re.sub(r"\s*[(\[].*?[)\]]\s*", "", plain).strip()
        option = words.OPTIONS.get(bare.lower()) or words.OPTIONS.get(bare.lower().replace(" ", "_"))
        named = bare.lower().replace(" ", "_")
        if option is None and named in self.lexicon.condition_keys and frame.metric is None and measure is None:
            option = named
        if _UNIT.fullmatch(bare):
            kind = "unit"
        elif option and not (option == "temperature" and measure is not None):
            kind, frame = "option", Frame(conditions=((option, ""),))
        elif _SKIP.fullmatch(bare):
            kind = "skip"
        elif _RUNS.fullmatch(bare):
            kind = "n"
        elif re.search(r"\binterval\b|\bCI\b|\bKI\b|confidence", plain):
            kind = "interval"
        elif _RATIO.search(plain) and frame.metric is None:
            kind = "ratio"
        elif _DELTA.search(plain):
            kind = "delta"
        others = {token.text for token in reading.tokens if token.kind in "WECM"} - {"in", "result", "value", "±"}
        unexplained = measure is None or not others <= set(re.findall(r"\w+", measure.text.lower()))
        return _Column(kind, frame, measure, plain, bare=not unexplained)

    @staticmethod
    def _first_is_value(cell: str, columns: Sequence[_Column]) -> bool:
        return columns[0].frame.metric is not None and bool(numerals(cell)) and columns[0].kind == "value"

    def _label(self, cells: Sequence[str], columns: Sequence[_Column]) -> tuple[Frame, Measure | None, set[int]]:
        """What the label cells of a row name, its unit, and the cells that are names and nothing else."""
        label, unit = Frame(), None
        named: set[int] = set()
        for order, (cell, column) in enumerate(zip(cells, columns, strict=False)):
            plain = re.sub(r"[*`]", "", cell).strip()
            exact = self._exact(plain, column)
            if exact is not None:
                named.add(order)
                label = label.filled(exact)
            elif column.kind == "unit":
                unit = measures.parse(plain) if plain not in {"", "-", "–", "—"} else None
            elif column.kind == "option" and plain:
                label = label.with_conditions([(column.frame.conditions[0][0], plain_value(plain))])
            elif column.kind == "skip" and order:
                continue
            elif order == 0 or not _is_number(plain):
                unit = unit or (_unit_of(plain) if order == 0 and not _is_number(plain) else None)
                label = label.filled(self._named(plain, column, columns, first=order == 0))
        return label, unit, named

    def _exact(self, cell: str, column: _Column) -> Frame | None:
        """A cell that is word for word an entity, a condition or a statistic of the facts."""
        text = re.sub(r"\\([^\w\s]|_)", r"\1", cell).lower()
        if not text or _is_number(cell):
            return None
        if column.text.lower() in {"statistic", "statistics"}:
            return Frame(statistic=statistic_name(text.replace(" ", "_")) or text)
        entity = self.lexicon.exact_entities.get(text)
        if entity is not None:
            return Frame(entity=EntityRef(cell, (entity,)))
        if text not in self.lexicon.exact_conditions:
            return None
        return Frame(own_frame(read(cell, self.lexicon)).metric, conditions=((EXACT, text),))

    def _named(self, cell: str, column: _Column, columns: Sequence[_Column], *, first: bool) -> Frame:
        reading = read(cell, self.lexicon, heading=first)
        if not first and any(token.kind == "N" for token in reading.tokens):
            return Frame()
        if first and self._first_is_value(cell, columns):
            return Frame()
        frame = own_frame(reading)
        if not first and column.kind != "value":
            return Frame()
        measure = _unit_of(cell)
        if measure is not None and frame.metric is None and first:
            frame = replace(frame, metric=None)
        if _named_nothing(frame) and cell.strip() and cell.lower() not in _TOTALS:
            return self._unknown(cell, column, columns) if first or _ENTITY_LABEL.fullmatch(column.text) else Frame()
        if (
            first
            and frame.entity is None
            and _ENTITY_LABEL.fullmatch(column.text)
            and frame.metric is None
            and not frame.conditions
        ):
            return replace(frame, entity=EntityRef(cell, ()))
        return frame

    @staticmethod
    def _unknown(cell: str, column: _Column, columns: Sequence[_Column]) -> Frame:
        """A label that no phrase explains: a metric, a condition or an entity that no fact has."""
        if re.fullmatch(r"[\d\s.#)(]*", cell) or re.fullmatch(r"[-–—]+", cell):
            return Frame()
        if _METRIC_LABEL.fullmatch(column.text):
            return Frame(MetricRef(cell.lower(), (cell.lower(),)))
        if _TYPE_LABEL.fullmatch(column.text):
            return Frame(conditions=((cell.lower(), ""),))
        if _ENTITY_LABEL.fullmatch(column.text) or any(other.frame.metric for other in columns[1:]):
            return Frame(entity=EntityRef(cell, ()))
        return Frame(MetricRef(cell.lower(), (cell.lower(),)))

    @staticmethod
    def _frame(column: _Column, label: Frame, scope: Frame) -> Frame:
        own = column.frame
        metric = own.metric or label.metric
        statistic = own.statistic or label.statistic
        if own.statistic in words.SPREADS:
            statistic = own.statistic
        frame = Frame(
            metric, statistic, label.entity if own.entity is None else own.entity, own.conditions
        ).with_conditions(label.conditions)
        if label.entity is not None and own.entity is not None and column.kind == "value":
            frame = replace(frame, entity=own.entity)
        return frame.filled(scope)

    def _cell(
        self, cell: str, column: _Column, frame: Frame, unit: Measure | None, style: Style, drafts: list[Draft]
    ) -> list[Draft]:
        reading = read(cell, self.lexicon, style=style)
        bound = bind(reading, frame, self.auditor.index.fits)
        found = roles(reading, bound)
        made: list[Draft] = []
        for item in bound:
            self._give_unit(item, column, unit, frame)
            if item.frame.metric is None:
                item.frame = replace(item.frame, metric=frame.metric, statistic=item.frame.statistic or frame.statistic)
            elif item.frame.statistic is None:
                item.frame = replace(item.frame, statistic=frame.statistic)
            if item.frame.metric is None:
                item.frame = replace(item.frame, metric=self.auditor.by_condition(item.frame, item.number.measure))
            if item.frame.metric is None and column.bare:
                item.frame = replace(item.frame, metric=self.auditor.by_unit_alone(item.number.measure, item.frame))
            explicit = frozenset() if frame.entity is not None else frozenset({"entity"})
            item.frame = replace(item.frame, inherited=explicit)
            role = self._role(column, found[item.at], bound, item, frame)
            made.append(self._draft(item, role, column, [*drafts, *made]))
        return made

    @staticmethod
    def _give_unit(item: BoundNumber, column: _Column, unit: Measure | None, frame: Frame) -> None:
        if item.number.measure is not None or column.kind in {"n", "ratio"}:
            return
        item.number.measure = column.measure or unit

    @staticmethod
    def _role(column: _Column, role: Role, bound: list[BoundNumber], item: BoundNumber, frame: Frame) -> Role:
        if column.kind == "n":
            return Role("n")
        if column.kind == "interval":
            order = bound.index(item)
            return Role("ci_half" if len(bound) == 1 else "ci_low" if order == 0 else "ci_high")
        if column.kind in {"ratio", "delta"} and role.kind in {"level", "ratio", "percent", "difference"}:
            percent = item.number.measure is not None and item.number.measure.kind == "percent"
            return Role("percent" if percent else "ratio" if column.kind == "ratio" else "difference")
        if item.frame.statistic in words.SPREADS and role.kind == "level":
            return Role("spread", role.comparator)
        return role

    def _draft(self, item: BoundNumber, role: Role, column: _Column, drafts: list[Draft]) -> Draft:
        frame = self.auditor.resolved(item.frame)
        ruling = self._ruling(item, frame, role, column, drafts)
        kind = {"spread_of": "spread", "ci_low": "interval", "ci_high": "interval", "ci_half": "interval"}.get(
            role.kind, role.kind
        )
        return Draft(item.number, frame, kind, role.comparator, ruling, item.number.text)

    def _ruling(self, item: BoundNumber, frame: Frame, role: Role, column: _Column, drafts: list[Draft]) -> Ruling:
        judge = self.auditor.judge
        levels = [draft.ruling.fact for draft in drafts if draft.kind == "level" and draft.ruling.fact is not None]
        if role.kind == "n":
            return self._runs(item, frame, role, drafts)
        if role.kind in {"spread", "spread_of"}:
            near = levels[-1:] if frame.metric is None or column.frame.metric is None else []
            return judge.spread(
                item.number, frame, near, plus_minus=role.kind == "spread_of", comparator=role.comparator
            )
        if role.kind in {"ci_low", "ci_high", "ci_half"}:
            return judge.interval(item.number, role.kind, levels[-1:])
        if role.kind in {"ratio", "percent", "difference"} and column.kind in {"ratio", "delta"}:
            return self._between_columns(item, role, column, levels, frame)
        if role.kind in {"range_low", "range_high", "bound_low", "bound_high"}:
            shape, which = role.kind.split("_")
            return judge.range_end(item.number, frame, which, strict=shape == "range")
        if role.kind == "level":
            self.auditor.levels.append((item.number, frame))
        return judge.level(item.number, frame, role.comparator)

    def _runs(self, item: BoundNumber, frame: Frame, role: Role, drafts: list[Draft]) -> Ruling:
        """n of the row: of every value in it that holds."""
        facts = [draft.ruling.fact for draft in drafts if draft.kind == "level" and draft.ruling.fact is not None]
        if any(draft.kind == "level" and draft.ruling.verdict is Verdict.UNSUPPORTED for draft in drafts) and not facts:
            return unsupported("the value of this row has no fact")
        return self.auditor.judge.runs(item.number, facts, role.comparator, frame)

    def _between_columns(
        self, item: BoundNumber, role: Role, column: _Column, levels: Sequence[FactView | None], frame: Frame
    ) -> Ruling:
        """A ratio or change between the two values of the row, or between the row and the entity in the header."""
        known = [fact for fact in levels if fact is not None]
        if column.frame.entity is not None and known:
            metric = frame.metric or MetricRef(known[-1].phrase, (known[-1].key,))
            base = replace(frame, entity=column.frame.entity, metric=metric, statistic=known[-1].statistic)
            chosen = self.auditor.index.select(base, None)
            same = [
                fact for fact in chosen.facts if fact.key == known[-1].key and fact.statistic == known[-1].statistic
            ]
            known = [known[-1], same[0]] if same else known[:1]
        if len(known) != 2 or known[0].measure.dimension != known[1].measure.dimension:
            return unsupported("no two operands in this row")
        first, second = known
        rulings = []
        for a, b in ((first, second), (second, first)):
            signed = (a.base - b.base) if item.number.printed.value < 0 or item.number.text.startswith("+") else None
            if signed is not None and (signed < 0) != (item.number.printed.value < 0):
                continue
            sides = Sides((Frame(),), (Frame(),), "", item.at, ordered=False)
            rulings.append(self.auditor.comparer.measured(item.number, role.comparator, sides, role.kind, (a, b)))
        for ruling in rulings:
            if ruling.verdict is Verdict.SUPPORTED:
                return ruling
        return rulings[0] if rulings else contradicted("the sign conflicts", first)


def _named_nothing(frame: Frame) -> bool:
    return frame.metric is None and frame.entity is None and not frame.conditions and frame.statistic is None


def _unit_of(header: str) -> Measure | None:
    """The unit that a header states: "(ms)", "[tok/s]", ", s", "in ms", or a header that is a unit."""
    for text in [
        *(part for group in re.findall(r"[(\[]([^()\[\]]+)[)\]]", header) for part in (group, *group.split(","))),
        *re.findall(r"(?:,|\bin|/)\s+([^\s,]+)$", header),
        header,
    ]:
        hit = measures.scan(text.strip(), 0)
        if hit is not None and hit[1] == len(text.strip()):
            return hit[0]
    last = re.search(
        r"(?:^|\s)((?:tok(?:en)?s?|req(?:uest)?s?|images|items)\s?(?:/\s?s(?:ec)?\b|per second))\s*$",
        header,
        re.IGNORECASE,
    )
    snake = re.search(r"_(s|ms|us|ns|gb|mb|tok_s|tokens_s|tokens_per_s|pct)$", header.strip().lower())
    if last:
        return measures.parse(last.group(1))
    if snake:
        name = {"tok_s": "tok/s", "tokens_s": "tok/s", "tokens_per_s": "tok/s", "pct": "%"}.get(
            snake.group(1), snake.group(1)
        )
        return measures.parse(name)
    return measures.parse("%") if re.search(r"%\s*$", header) else None


def _is_number(cell: str) -> bool:
    found = numerals(cell)
    return bool(found) and found[0].start <= 2
