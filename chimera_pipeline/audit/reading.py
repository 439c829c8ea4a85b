"""One sentence as a line of tokens: entities, metrics, statistics, conditions, numbers with units, words and marks.

Markup and what is no claim are gone after this; which number belongs to which name is decided in `binding`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from chimera_pipeline.audit import measures, words
from chimera_pipeline.audit.facts_view import EXACT, FactView, percentile_at, pieces_of
from chimera_pipeline.audit.lexicon import EntityRef, Lexicon, MetricRef
from chimera_pipeline.audit.masking import Mask, clean, masks, stated_options
from chimera_pipeline.audit.name_tokens import compound_names, joined, settled_names, unknown_conditions, unknown_names
from chimera_pipeline.audit.number_tokens import number_tokens, spelled_tokens
from chimera_pipeline.audit.numerals import Style, numerals
from chimera_pipeline.audit.phrases import Part, parts
from chimera_pipeline.audit.tokens import Reading, Token, Writer
from chimera_pipeline.audit.unit_borrowing import trailing_options, with_borrowed_units


def keeps_code(lexicon: Lexicon) -> object:
    """Which inline code is text: a known name or phrase, a name of a model, or a number with its unit."""

    def keeps(code: str) -> bool:
        found = numerals(code)
        if len(found) == 1 and found[0].start == 0:
            unit = measures.scan(code, found[0].end)
            return unit is not None and unit[1] == len(code)
        tokens = parts(code)
        hit = lexicon.meaning(tokens, 0) if tokens else None
        if hit is not None and hit[0] == len(tokens):
            return True
        return (
            re.fullmatch(r"[A-Za-z][\w.-]*[:/][\w.:-]+", code) is not None and "." not in code.rsplit("/", 1)[-1][-5:-2]
        )

    return keeps


def read(
    text: str, lexicon: Lexicon, *, style: Style = "point", heading: bool = False, cited: Sequence[FactView] = ()
) -> Reading:
    """The tokens of `text`. Names of `cited` facts are read before any other meaning of their words."""
    plain = clean(text, keeps_code(lexicon))  # type: ignore[arg-type]
    writer = Writer(plain)
    found = [*stated_options(plain, lexicon.options), *masks(plain, heading=heading)]
    tokens = parts(plain)
    _mask(writer, [mask for mask in found if mask.what in {"code", "url", "address", "uuid", "standard"}])
    for fact in cited:
        _names(writer, tokens, fact)
    _whole_conditions(writer, tokens, lexicon)
    _phrases(writer, tokens, lexicon, kinds="E")
    _mask(writer, [mask for mask in found if mask.what in {"path", "time", "hash", "date"}])
    _percentiles(writer, tokens)
    _mask(writer, found)
    _phrases(writer, tokens, lexicon, kinds="MSC")
    _shaped_conditions(writer, lexicon)
    unknown_names(writer, leading_letter=True)
    number_tokens(writer, style, tokens, lexicon)
    spelled_tokens(writer, tokens)
    unknown_names(writer, leading_letter=False)
    _rest(writer)
    writer.tokens.sort(key=lambda token: token.start)
    line = with_borrowed_units(joined(unknown_conditions(writer.tokens)))
    if plain[:1].islower():
        line = compound_names(line)
    settled_names(line)
    _other_metrics(line, lexicon)
    trailing_options(line)
    return Reading(plain, line)


def _other_metrics(line: list[Token], lexicon: Lexicon) -> None:
    """ "Decode latency": a generic word after a metric of another dimension makes a metric that no phrase knows."""
    for first, second in pairwise(line):
        if first.metric is None or second.metric is None or second.start != first.end + 1:
            continue
        if second.metric.phrase not in words.GENERIC or second.metric.keys[0] == first.metric.keys[0]:
            continue
        mine, theirs = _dimensions(first.metric, lexicon), _dimensions(second.metric, lexicon)
        if mine and theirs and not mine & theirs:
            phrase = f"{first.metric.phrase} {second.metric.phrase}"
            first.metric = second.metric = MetricRef(phrase, (phrase,))


def _dimensions(ref: MetricRef, lexicon: Lexicon) -> set[measures.Dimension]:
    known = (lexicon.metrics[key] for key in ref.keys if key in lexicon.metrics)
    return {measure.dimension for metric in known if (measure := measures.parse(metric.unit)) is not None}


def _names(writer: Writer, tokens: list[Part], fact: FactView) -> None:
    """The names of a cited fact, word for word: its series, its condition whole or (a comparison) piece by piece."""
    entities = [fact.entity] if fact.entity.lower() not in words.GLOBAL_ENTITIES else []
    if fact.baseline:
        entities.append(re.sub(r"\s\(.*\)$", "", fact.baseline))
        pieces = pieces_of(fact.condition) + pieces_of(fact.baseline[len(entities[-1]) :].strip(" ()"))
    else:
        pieces = []
    named = [(name, "E") for name in entities] + [(name, "C") for name in (fact.condition, *pieces)]
    if entities:
        named.append((fact.phrase, "M"))
    for name, kind in sorted(set(named), key=lambda pair: (-len(pair[0]), pair)):
        wanted = [part.text for part in parts(name)]
        if not wanted or (kind == "C" and not re.search(r"[,=(]|\d[^\W\d_]|[^\W\d_]\d| ", name)):
            continue
        for at in range(len(tokens) - len(wanted) + 1):
            if [part.text for part in tokens[at : at + len(wanted)]] != wanted:
                continue
            start, stop = tokens[at].start, tokens[at + len(wanted) - 1].end
            if writer.text[start - 1 : start].isalnum() or writer.text[stop : stop + 1].isalnum():
                continue
            token = Token(kind, start, stop, writer.text[start:stop])
            if kind == "E":
                token.entity = EntityRef(token.text, (name,))
            elif kind == "M":
                token.metric = MetricRef(fact.phrase, (fact.key,))
            else:
                token.condition = (EXACT, name.lower())
            writer.add(token)


def _whole_conditions(writer: Writer, tokens: list[Part], lexicon: Lexicon) -> None:
    """Conditions word for word as facts have them; their numbers and names are no others."""
    at = 0
    while at < len(tokens):
        hit = lexicon.exact.longest(tokens, at)
        if hit is None:
            at += 1
            continue
        end, texts = hit
        start, stop = tokens[at].start, tokens[end - 1].end
        writer.add(Token("C", start, stop, writer.text[start:stop], condition=(EXACT, texts[0])))
        at = end


def _mask(writer: Writer, found: list[Mask]) -> None:
    for mask in found:
        kind = "C" if mask.condition else "X"
        writer.add(
            Token(kind, mask.start, mask.end, writer.text[mask.start : mask.end], condition=mask.condition or ("", ""))
        )


def _phrases(writer: Writer, tokens: list[Part], lexicon: Lexicon, *, kinds: str) -> None:
    at = 0
    while at < len(tokens):
        step = at + 1
        for end, meanings in reversed(lexicon.table.all(tokens, at)):
            meaning = min(
                (item for item in meanings if item.kind in kinds),
                key=lambda item: "EMSC".index(item.kind),
                default=None,
            )
            start, stop = tokens[at].start, tokens[end - 1].end
            if (
                meaning is not None
                and meaning.kind == "M"
                and writer.text[start:stop].lower() in {"times", "gap", "error", "failure"}
            ):
                continue
            if meaning is None or not _whole(writer.text, start, stop, meaning.kind) or not writer.free(start, stop):
                continue
            token = Token(meaning.kind, start, stop, writer.text[start:stop])
            value = meaning.value
            if isinstance(value, EntityRef):
                token.entity = value
            elif isinstance(value, MetricRef):
                if value.phrase == "load" and re.search(
                    r"\b(?:under|full|high|heavy|peak|system|of|in)\s+$", writer.text[:start], re.IGNORECASE
                ):
                    break
                if measures.scan(writer.text, start) and re.search(r"(?:^|[^\w.,])[\d.,]*\d\s?$", writer.text[:start]):
                    break
                token.metric = _qualified(writer, value, tokens, at)
            elif isinstance(value, tuple):
                if any(token.text.lower() in names for names in words.ALTERNATIVES) and not _in_place(
                    writer.text, token
                ):
                    break
                token.condition = value
            else:
                token.statistic = value
            if token.kind == "S" and _no_statistic(writer.text, token):
                break
            writer.add(token)
            step = end
            break
        at = step


def _shaped_conditions(writer: Writer, lexicon: Lexicon) -> None:
    """A name of the shape of a known condition is one that no fact has ("pp2048" beside pp512)."""
    for match in re.finditer(r"(?<![\w.:/-])([A-Za-z]+)\d+(?![\w.:/-]*\w)", writer.text) if lexicon.shapes else ():
        key = lexicon.shapes.get(match.group(1).lower())
        if key is not None and match.group(1).lower() not in words.HARDWARE:
            name = match.group().lower()
            condition = (key, name) if key else (name, "")
            writer.add(Token("C", match.start(), match.end(), match.group(), condition=condition))


_BEFORE_PLACE = re.compile(
    r"(?:\b(?:on|with|using|via|under|in|than|as|to|from|for|and|or|by|of|through|versus|vs\.?|against|backend|device|engine|"
    r"runtime|scenario|mode|the|its|their|an?)|[,(|/:=+]|^)\s*[*`]*$",
    re.IGNORECASE,
)
_NO_PLACE = re.compile(
    r"[-\s]*(?:memory|vram|ram|utili[sz]ation|usage|load|time|power|temperature|clock|cores?|kernels?|graphs?|events?|"
    r"drivers?|version|toolkit|machine|node|hours?|cycles|cache|bound|side|hardware|vendor|model|layers?|s\b|\d)",
    re.IGNORECASE,
)


_PLACED = re.compile(
    r"\s+(?:rate|throughput|latency|scenario|backend|device|mode|engine|runtime|is|was|takes?|took|needs?|runs?|ran|has|had|"
    r"reach\w*|deliver\w*|achiev\w*|beats?|outperform\w*|stays?|comes?)\b",
    re.IGNORECASE,
)


def _in_place(text: str, token: Token) -> bool:
    """True where a name such as CUDA or server stands as what something ran on, not before a noun of its own."""
    after, word = text[token.end :], token.text.lower()
    if any(word in names for names in words.ALTERNATIVES) and word not in words.COMMON_ALTERNATIVES:
        return _NO_PLACE.match(after) is None
    placed = token.text.istitle() or _BEFORE_PLACE.search(text[: token.start]) or _PLACED.match(after)
    return bool(placed) and _NO_PLACE.match(after) is None


_NEGATED = re.compile(r"\b(?:no|not (?:an?|the)|never an?|isn['’]t an?|kein\w*|pas une?)\s+$", re.IGNORECASE)


def _no_statistic(text: str, token: Token) -> bool:
    before, after = text[: token.start], text[token.end :]
    if _NEGATED.search(before) or (token.statistic in words.SPREADS and re.search(r"±\s*$", before)):
        return True
    if token.text.lower() == "min":
        if re.search(r"(?:/\s?|\bper )$", before):
            return True
        return re.search(r"\d\s?$", before) is not None and re.match(r"\W*\d", after) is None
    if token.text.lower() in {"mean", "media"}:
        return re.search(r"\b(?:does|do|did|not|which|would|could|may|might|can|that)\s(?:not\s)?$", before) is not None
    return False


def _qualified(writer: Writer, ref: MetricRef, tokens: list[Part], at: int) -> MetricRef:
    """A generic metric with a word before it that makes it another one ("disk throughput")."""
    if ref.phrase not in words.GENERIC or at == 0:
        return ref
    before = tokens[at - 1]
    gap = writer.text[before.end : tokens[at].start]
    if before.text in words.QUALIFIERS and not gap.strip(" -_"):
        phrase = f"{before.text} {ref.phrase}"
        return MetricRef(phrase, (phrase,))
    return ref


def _whole(text: str, start: int, end: int, kind: str) -> bool:
    """True where the span is no piece of a longer name."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if before.isalnum() or after.isalnum():
        return kind != "E" and before.isdigit() and not after.isalnum() and not before.isalpha()
    joined = text[end + 1 : end + 2]
    if kind == "C" and "_" in (before, after):  # cpu_mask is no cpu
        return False
    if kind == "E":
        if after and after in "-_:/.@+" and joined.isalnum():
            return (
                re.match(
                    r"-(?:based|powered|like|only|specific|class|style|family|series|backed)\b|/[A-Za-z]", text[end:]
                )
                is not None
            )
        return not (before and before in "-_:/.@+" and text[start - 2 : start - 1].isalnum())
    if kind == "S" and after == "=":
        return joined.isdigit()
    return not (after == "=" or (kind == "S" and after == ":" and joined.isalnum()))


def _percentiles(writer: Writer, tokens: list[Part]) -> None:
    names = [token.text for token in tokens]
    for at in range(len(tokens)):
        found = percentile_at(names, at)
        if found is None or tokens[at].text == "q":
            continue
        if found[1] == at + 3 and names[at + 1] != "(" and not names[at + 2].isalpha():
            gap = writer.text[tokens[at + 1].end : tokens[at + 2].start]
            found = found if gap == "." else percentile_at(names[: at + 2], at) or found
        start, end = tokens[at].start, tokens[found[1] - 1].end
        if _whole(writer.text, start, end, "S"):
            writer.add(Token("S", start, end, writer.text[start:end], statistic=found[0]))


_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|\d+|[^\s\w]|\w+")


def _rest(writer: Writer) -> None:
    for match in _WORD.finditer(writer.text):
        if writer.free(match.start(), match.end()):
            word = match.group()
            kind = "W" if word[0].isalnum() else "P"
            writer.add(Token(kind, match.start(), match.end(), word.lower().replace("’", "'")))
