"""The audit of a whole report: blocks to sentences and rows, each held against the facts, and what chance would do.

Pure: text, facts, aliases and vocabulary in, an `AuditResult` out. Same input, same result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from chimera_pipeline.audit import chance, html_blocks, markdown_blocks
from chimera_pipeline.audit.blocks import Block, sentences
from chimera_pipeline.audit.citations import Citations
from chimera_pipeline.audit.cited_rows import CitedRows
from chimera_pipeline.audit.facts_view import FactView
from chimera_pipeline.audit.frames import Frame
from chimera_pipeline.audit.lexicon import Lexicon
from chimera_pipeline.audit.numerals import decimal_marks, style_of
from chimera_pipeline.audit.reading import read
from chimera_pipeline.audit.results import AuditResult, CheckedClaim, CheckedSentence, worst
from chimera_pipeline.audit.scopes import Scopes, after, carried
from chimera_pipeline.audit.sentence_audit import SentenceAuditor
from chimera_pipeline.audit.store_rows import StoreRows
from chimera_pipeline.audit.table_audit import TableAuditor
from chimera_pipeline.contracts import vocabulary

SEED = 20_250_101


def audit(
    text: str,
    facts: Sequence[FactView],
    aliases: Mapping[str, Iterable[str]] | None = None,
    metrics: Mapping[str, vocabulary.Metric] | None = None,
    *,
    period: str | None = None,
    html: bool | None = None,
    seed: int = SEED,
    store: Sequence[FactView] = (),
    chances: bool = True,
) -> AuditResult:
    """Hold every claim of a Markdown or HTML report against `facts`.

    `aliases`: other names of entities. `store`: what other tables state (`store_view`). `period`: only facts of that
    period count (facts without one always do). `html`: None decides by the text. `chances`: whether random numbers are
    tried as well. Raises nothing for any text.
    """
    if html is None:
        html = looks_like_html(text)
    blocks = html_blocks.blocks(text) if html else markdown_blocks.blocks(text)
    if period is not None:
        facts = [fact for fact in facts if fact.period in {None, period}]
    known = metrics if metrics is not None else vocabulary.metrics()
    lexicon = Lexicon(facts, aliases or {}, known)
    auditor = SentenceAuditor(facts, lexicon)
    citations = Citations(blocks, facts)
    checked = _sentences(blocks, lexicon, auditor, citations, (CitedRows(citations), StoreRows(store)))
    rates = chance.rates(auditor, seed) if chances else (None, None)
    return AuditResult(worst(sentence.verdict for sentence in checked), tuple(checked), *rates)


def audit_html(text: str, facts: Sequence[FactView], aliases: Mapping[str, Iterable[str]] | None = None) -> AuditResult:
    """`audit` of a report that is known to be HTML."""
    return audit(text, facts, aliases, html=True)


def looks_like_html(text: str) -> bool:
    """True for a whole HTML document."""
    head = text.lstrip("\ufeff \t\r\n")[:300].lower()
    return head.startswith(("<!doctype html", "<html", "<?xml")) or (
        head.startswith("<") and "<body" in text[:5000].lower()
    )


def _sentences(
    blocks: Sequence[Block],
    lexicon: Lexicon,
    auditor: SentenceAuditor,
    citations: Citations,
    known_rows: Sequence[CitedRows | StoreRows],
) -> list[CheckedSentence]:
    scopes, tables = Scopes(lexicon), TableAuditor(auditor, lexicon)
    own = [decimal_marks(block.text) for block in blocks]
    marks = set[str]().union(*own)
    checked: list[CheckedSentence] = []
    for block, of_block in zip(blocks, own, strict=True):
        scope = scopes.frame(block.scope)
        if block.table is not None:
            style = style_of(block.text, marks, of_block)
            found = (rows.drafts(block, style) for rows in known_rows)
            drafts = next((rows for rows in found if rows is not None), None)
            if drafts is None:
                claims = tables.row(block, scope, style)
            else:
                claims = [auditor.written(draft, block.text, block.line) for draft in drafts]
            checked.append(_checked(block.text, block.line, claims))
            continue
        previous = Frame()
        for sentence in sentences(block.text, block.line):
            style = style_of(sentence.text, marks)
            cited = citations.of_text(sentence.text)
            facts = tuple(dict.fromkeys(cited.values()))
            reading = read(sentence.text, lexicon, style=style, heading=block.heading, cited=facts)
            before = carried(previous, sentence.text, scope)
            claims = auditor.claims(reading, sentence.text, sentence.line, before, cited)
            checked.append(_checked(sentence.text, sentence.line, claims))
            previous = after(reading, previous)
    return checked


def _checked(text: str, line: int, claims: Sequence[CheckedClaim]) -> CheckedSentence:
    return CheckedSentence(text, line, worst(claim.verdict for claim in claims), tuple(claims))
