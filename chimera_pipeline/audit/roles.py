"""What a number does in its sentence: a level, a count of runs, a spread, an interval end, a share, a ratio, a difference;
and how it is held against a value: equal, about, above, below.

Reads the sentence's form only; facts play no part.
"""

from __future__ import annotations

# A pattern or a list of phrases is read whole.
# ruff: noqa: E501
import re
from dataclasses import dataclass

from chimera_pipeline.audit import words
from chimera_pipeline.audit.frames import BoundNumber
from chimera_pipeline.audit.tokens import N_NOUNS, Reading

_APPROX_BEFORE = re.compile(
    r"(?:\b(?:about|roughly|approximately|approx|around|circa|ca|nearly|almost|close to|some|near|virtually|practically|"
    r"on the order of|in the region of|in the neighbou?rhood of|in the vicinity of|an estimated|estimated|or so|loosely|"
    r"more or less|just about|etwa|rund|ungefähr|environ|approximativement|unos|somewhere around|not far from|"
    r"something like|the better part of|bordering on|approaching|order of)(?: an?)?(?: \.)?|[~≈∼≃] ?)\s*$"
)
_APPROX_AFTER = re.compile(
    r"^\s*(?:\bor so\b|- ?ish\b|ish\b|, give or take|give or take|\bor thereabouts\b|, more or less|more or less|, roughly|, approximately)"
)
_BARELY_OVER = re.compile(r"\b(?:just|slightly|a little|a bit|marginally|a touch) (?:over|above|more than)\s*$")
_BARELY_UNDER = re.compile(
    r"\b(?:just|slightly|a little|a bit|marginally|a touch) (?:under|below|less than|short of)\s*$"
)
_BOUNDS: tuple[tuple[str, str], ...] = (
    ("ge", r"at least|no less than|not less than|no fewer than|no lower than|not below|not under|a minimum of at least|>=|> =|≥|upwards of|"
           r"never (?:fell|fall|falls|drops?|dropped|went|goes|dips?|dipped) (?:below|under)|not (?:fall|drop|dip|go|fell) (?:below|under)|"
           r"(?:does|did|do)(?:n't| not) (?:fall|drop|dip|go) (?:below|under)|mindestens|au moins"),
    ("le", r"at most|no more than|not more than|no higher than|no greater than|no longer than|not above|not over|<=|< =|≤|within|fits? in(?:to)?|"
           r"never (?:exceed(?:s|ed)?|rose above|rises above|went above|goes above|went over|surpassed|surpasses|topped|tops|climbed above|passed)|"
           r"(?:does|did|do|will|could|would|can)(?:n't| not) (?:exceed|rise above|go above|go over|surpass|top|climb above|pass|go beyond)|"
           r"without exceeding|not exceeding|not exceed|capped at|limited to|höchstens|au plus"),
    ("lt", r"(?:does|did|do|could|can|will|would)(?:n't| not) (?:quite )?(?:reach|hit|attain|get to|make it to)|never (?:reach(?:es|ed)?|hits?)|"
           r"falls? short of|fell short of|short of|fails? to reach|failed to reach|cannot reach|"
           r"less than|fewer than|under|below|lower than|shorter than|smaller than|slower than|faster than_time|<|beneath|not even|south of|"
           r"weniger als|unter|moins de"),
    ("gt", r"more than|greater than|higher than|larger than|longer than|over|above|exceeds|exceed|exceeded|exceeding|in excess of|"
           r"surpass(?:es|ed|ing)?|tops|topped|beats|>|well over|better than|faster than|north of|beyond|past|breaks|mehr als|über|plus de|"
           r"clears|cleared|crosses|crossed|passes|passed"),
)  # fmt: skip
_BOUND_PATTERNS = tuple((name, re.compile(rf"(?:(?<=\s)|^)(?:{text})(?: an?)?\s*$")) for name, text in _BOUNDS)
_UP_TO = re.compile(r"\b(?:up to|as high as|as much as|as fast as|bis zu|jusqu'à)\s*$")
_NEITHER = re.compile(
    r"\b(?:neither|none|nobody|no (?:other )?(?:<E>|model|models|kernel|variant|engine|entity|system|backend|configuration|run|request|call|<M>))(?!\w)[^.;]*\b(?:reach\w*|hits?|attain\w*|gets? to|manag\w*|achiev\w*)\s*$"
)
_NEITHER_OVER = re.compile(
    r"\b(?:neither|none|no (?:other )?(?:<[SC]> )*(?:<E>|model|models|kernel|variant|engine|entity|system|backend|configuration|run|request|call|<M>))(?!\w)[^.;]*$"
)
_NOT = re.compile(
    r"\b(?:not|never|n't|isn't|wasn't|doesn't|didn't|don't|hardly|without|no longer|fails? to|failed to|nicht|neither)(?: \w+){0,2} \s*$"
)
_FLIP = {"gt": "le", "ge": "lt", "lt": "ge", "le": "gt"}
_OR_MORE = re.compile(
    r"^\s*(?:or (?:more|higher|above|greater|better|longer)\b|\+(?= |$)|and above\b|and up\b|plus\b|upwards\b|or over\b)"
)
_OR_LESS = re.compile(
    r"^\s*(?:or (?:less|lower|below|fewer|under|shorter)\b|and below\b|at (?:the )?most\b|tops\b|max\b)"
)
_AT_LEAST_AFTER = re.compile(r"^\s*at (?:the )?least\b")


@dataclass(frozen=True, slots=True)
class Role:
    """kind and comparator of a number; `partner` is the place of the other number of a pair (share, range)."""

    kind: str
    comparator: str = "eq"
    partner: int | None = None


def before_after(reading: Reading, at: int) -> tuple[str, str]:
    """The form before and after the token at `at`."""
    end = at + 1
    before = reading.form[: reading.offsets[at]]
    after = reading.form[reading.offsets[end] :] if end < len(reading.tokens) else ""
    return before, after


def comparator(reading: Reading, at: int) -> str:
    """eq, approx, gt, ge, lt, le, gt~ (just over) or lt~ (just under), with `ne` for a negated value."""
    before, after = before_after(reading, at)
    if _BARELY_OVER.search(before):
        return "gt~"
    if _BARELY_UNDER.search(before):
        return "lt~"
    if _APPROX_BEFORE.search(before) or _APPROX_AFTER.match(after):
        return "approx"
    if _OR_MORE.match(after) or _AT_LEAST_AFTER.match(after):
        return "ge"
    if _OR_LESS.match(after):
        return "le"
    if _UP_TO.search(before):
        return "upto"
    if _NEITHER.search(before):
        return "lt"
    for name, pattern in _BOUND_PATTERNS:
        match = pattern.search(before)
        if match:
            negated = _NEITHER_OVER.search(before[: match.start()]) is not None and name in {"gt", "lt"}
            negated = negated or (name in {"gt", "lt"} and _NOT.search(before[: match.start()]) is not None)
            return _FLIP[name] if negated else name
    if re.search(r"\b(?:is|was|are|were|does|did)(?:n't| not)(?: equal| at| exactly| really)?(?: to)?\s*$", before):
        return "ne"
    return "eq"


_N_BEFORE = re.compile(
    r"(?:(?<=\s)|^)(?:n|N) (?:=|:|≈|of)\s*$|\bsample size (?:of|is|was|=|:)\s*$|\b(?:number of runs|runs|samples|repetitions) (?:=|:)\s*$"
)
_OVER_RUNS = re.compile(
    r"\b(?:over|across|from|based on|averaged over|using|of|with|in|after|rests on|on|by|measured|among|through|for|the|its|a|these|those|"
    r"all|all of|only|just|per|a total of|single|averaging|pooling|and|covers|covering|uses|used|has)\s*$"
)
_SHARE = re.compile(r"^\s*(?:out )?of (?:the |all |a total of |these )?$")
_BY = re.compile(
    r"\bby(?: (?:about|roughly|over|more than|at least|nearly|almost|around|approximately|some|only|just|a factor of|up to))*\s*$"
)
_FACTOR = re.compile(
    r"\bby a factor of(?: (?:about|roughly|over|nearly|more than|almost|only|just|merely))*\s*$|\bmultipl\w+\b[^.;]*\bby\s*$|\bfactor (?:of|is|was|:|=)(?: (?:about|roughly|over|nearly))?\s*$"
)
_DIFFERENCE_BEFORE = re.compile(
    r"\b(?:difference|gap|delta|distance|margin|differs?|differed|lead|advantage|deficit|separate[sd]?|saving|savings|overhead|penalty|improvement|reduction|increase|drop|decrease|gain)\b[^.;]*$"
)
_MORE_THAN = re.compile(
    r"^\s*(?:(?:of )?(?:<[SCM]> ?|\w+ ){0,3}?)?("
    + "|".join(sorted(words.UP | words.DOWN | words.BETTER | words.WORSE))
    + r")\b"
)
_SUM = re.compile(r"\b(?:together|combined|in total|in sum|sum of|summed|add up to|jointly|adds? up|total of .* and)\b")
_PER_CENT_WORDS = words.UP | words.DOWN | words.BETTER | words.WORSE


_REPEATED = re.compile(
    r"\b(?:ran|run|runs|repeat\w*|execut\w*|measur\w*|test\w*|perform\w*|call\w*|invok\w*|sampled|tried|each|prompted|quer\w+|benchmarked|timed|done)\b"
)
_COMPARES = re.compile(r"\s*(?:as|that|those|the|its|of|what|<S> |<M> of|" + "|".join(sorted(_PER_CENT_WORDS)) + r")\b")


def roles(reading: Reading, bound: list[BoundNumber]) -> dict[int, Role]:
    """Token place -> role, for every number of the sentence."""
    found: dict[int, Role] = {}
    for order, item in enumerate(bound):
        following = bound[order + 1] if order + 1 < len(bound) else None
        if item.at in found:
            continue
        found.update(_pair(reading, item, following))
        if item.at not in found:
            found[item.at] = _single(reading, item, bound)
    return found


def between(reading: Reading, first: int, second: int) -> str:
    """The form between two tokens."""
    return reading.form[reading.offsets[first + 1] : reading.offsets[second]] if second > first + 1 else ""


def _pair(reading: Reading, item: BoundNumber, following: BoundNumber | None) -> dict[int, Role]:
    if following is None:
        return {}
    before, _ = before_after(reading, item.at)
    apart = between(reading, item.at, following.at)
    shared = _SHARE.match(apart) is not None or (apart.strip() == "/" and following.number.noun != "")
    if shared and not _is_amount(item):
        return {
            item.at: Role("part", comparator(reading, item.at), following.at),
            following.at: Role("whole", "eq", item.at),
        }
    if _in_interval(reading, item.at) and re.fullmatch(r"\s*(?:to|,|–|-|—|;|and|\.\.+|‑|bis|\. \.)\s*", apart):
        return {item.at: Role("ci_low"), following.at: Role("ci_high")}
    if re.search(r"\bbetween(?: about| roughly)?\s*$", before) and re.fullmatch(r"\s*(?:and|to|–|-)\s*", apart):
        return {item.at: Role("bound_low", "ge", following.at), following.at: Role("bound_high", "le", item.at)}
    spans = re.fullmatch(r"\s*(?:to|–|-|—|bis|through|up to|‑|\.\.+|…)\s*", apart)
    ranged = re.search(
        r"\b(?:rang(?:e|es|ed|ing)|var(?:y|ies|ied|ying)|spread|span(?:s|ned|ning)?|spreads|lies?|lay|stay(?:s|ed)?|from|within|fluctuat\w+|min max|min - max|min – max)\b[^.;,]*$",
        before,
    )
    changed = re.search(
        r"(?<!\w)(?:fell|falls?|dropp?(?:s|ed)?|rose|rises?|improv\w+|increas\w+|decreas\w+|went|goes|grew|grow\w*|lowers?|lowered|raises?|raised|lifts?|lifted|brings?|brought|takes?|took|slow\w*|speeds?|reduc\w+|cut|climb\w*|declin\w+|mov\w+|shrank|shrinks?|jump\w*|<Nx>|halv\w+|came down|come down|chang\w+|down|up)(?!\w)[^.;]*$",
        before,
    )
    if (
        spans
        and not (changed and not ranged)
        and not re.search(r"\bfrom\s*$", before[:-1])
        and _same_kind(item, following)
    ) or (spans and ranged and not _changes(before) and _same_kind(item, following)):
        loose = re.search(r"\b(?:between|in the range|range of|within|lies?|lay|stay(?:s|ed)?)\b[^.;,]*$", before)
        kind = "bound" if loose and not re.search(r"\brang(?:es|ed|ing)\b", before) else "range"
        return {item.at: Role(f"{kind}_low", "ge", following.at), following.at: Role(f"{kind}_high", "le", item.at)}
    return {}


def _is_amount(item: BoundNumber) -> bool:
    """A number that cannot be the part of a count: a percentage, a multiple, a time, a size."""
    measure = item.number.measure
    return measure is not None and (
        measure.kind in {"percent", "times"} or any(key.startswith("[") for key, _ in measure.dimension)
    )


def _changes(before: str) -> bool:
    return (
        re.search(
            r"(?<!\w)(?:fell|falls?|dropp?(?:s|ed)?|rose|rises?|improv\w+|increas\w+|decreas\w+|went|goes|grew|lowers?|lowered|raises?|raised|lifts?|lifted|brings?|brought|takes?|took|reduc\w+|cut|climb\w*|declin\w+|mov\w+|shrank|jump\w*|chang\w+|<Nx>|halv\w+)(?!\w)[^.;]*$",
            before,
        )
        is not None
    )


def _same_kind(item: BoundNumber, following: BoundNumber) -> bool:
    first, second = item.number, following.number
    theirs = dict(following.frame.conditions)
    if any(theirs.get(key, value) != value for key, value in item.frame.conditions):
        return False  # values under two conditions are no range
    if first.measure is None and second.measure is None:
        return bool(first.borrowed or not first.noun)
    return first.measure is not None and second.measure is not None and first.measure.agrees(second.measure)


def _in_interval(reading: Reading, at: int) -> bool:
    before = reading.form[: reading.offsets[at]]
    named = list(re.finditer(r"\b(?:interval|ci|ki|konfidenzintervall|confidence)\b", before))
    since = before[named[-1].end() :] if named else ""
    return bool(named) and since.count("<N") < 2 and not re.search(r"[;]|\) ", since)


def _single(reading: Reading, item: BoundNumber, bound: list[BoundNumber]) -> Role:
    before, after = before_after(reading, item.at)
    number = item.number
    kind = number.measure.kind if number.measure else "unit"
    tested = re.search(r"(?:(?<=\s)|^)([pq])(?: ?- ?values?)? (?:(=|<|>|≤|≥|<=|of|:) ?)+\s*$", before)
    if tested:
        return Role(tested.group(1), {"<": "lt", ">": "gt", "≤": "le", "≥": "ge"}.get(tested.group(2), "eq"))
    if re.search(r"(?:±|\+ ?/ ?[-−]|\+-)\s*$", before):
        return Role("spread_of")
    if item.group >= 0 and number.measure is None and re.search(r"\( <S> of\s*$", before) and not number.noun:
        return Role("n")
    if (number.measure is None and _N_BEFORE.search(before)) or _counts_runs(item, bound, before, reading):
        return Role("n", _n_comparator(reading, item.at))
    compared = comparator(reading, item.at)
    if kind == "times" and _REPEATED.search(before) and number.text.endswith("times") and not _COMPARES.match(after):
        return Role("n", "eq")
    if kind == "times" or _FACTOR.search(before):
        return Role("ratio", compared)
    if _in_interval(reading, item.at) and item.group >= 0:
        return Role("ci_half")
    if item.frame.statistic in words.SPREADS:
        return Role("spread", compared)
    if kind == "points":
        return Role("difference", compared)
    if (
        _SUM.search(reading.form)
        and len([token for token in reading.tokens if token.kind == "E"]) > 1
        and kind == "unit"
    ):
        return Role("sum", compared)
    if kind == "percent":
        return Role(_percent_role(before, after, item), compared)
    if _is_difference(before, after, item):
        return Role("difference", _difference_comparator(compared, before))
    return Role("level", compared)


def _difference_comparator(compared: str, before: str) -> str:
    return "eq" if compared in {"gt", "lt"} and re.search(r"\bexceed\w*\s*$", before) else compared


def _n_comparator(reading: Reading, at: int) -> str:
    compared = comparator(reading, at)
    before, _ = before_after(reading, at)
    return "eq" if compared == "gt" and re.search(r"\bover\s*$", before) else compared


def _counts_runs(item: BoundNumber, bound: list[BoundNumber], before: str, reading: Reading) -> bool:
    noun = item.number.noun.split(" ")[-1] if item.number.noun else ""
    if noun not in N_NOUNS or (
        item.number.measure is not None
        and item.number.measure.text.lower() not in {"requests", "request", "req", "reqs"}
    ):
        return False
    others = [other for other in bound if other is not item and other.number.noun.split(" ")[-1:] != [noun]]
    if not others:
        return False
    if item.group >= 0 and (not any(other.group == item.group for other in others) or re.search(r"\( ?$", before)):
        return True
    listed = before.rstrip().endswith(",") and (
        item.number.text.isalpha()
        or item.group >= 0
        or re.fullmatch(r"[\s.]*", reading.form[reading.offsets[item.at] :].partition(" ")[2].partition(" ")[2])
        is not None
    )
    return _OVER_RUNS.search(before) is not None or listed


def _percent_role(before: str, after: str, item: BoundNumber) -> str:
    if item.frame.metric is not None and re.match(r"\s*of (?:the )?<E>", after):
        return "level"
    if re.match(r"^\s*of (?:the |all |its )?(?:\w+ ){0,2}(?:<M> |<C> |<S> |<E> )*", after) and re.match(
        r"^\s*(?:of|der|des)\b", after
    ):
        return "share"
    match = _MORE_THAN.match(after)
    if match:
        return "percent"
    if _BY.search(before) or (
        re.search(r"\b(?:" + "|".join(sorted(_PER_CENT_WORDS)) + r")\b(?: \w+| <[A-Z]>){0,5}\s*$", before)
        and item.frame.metric is None
    ):
        return "percent"
    if re.search(
        r"\b(?:"
        + "|".join(sorted(_PER_CENT_WORDS - {"more", "less", "up", "down", "above", "below"}))
        + r")\b[^.;,]*$",
        before,
    ) and not re.search(r"\b(?:than)\b", before):
        return "percent"
    return "level"


def _is_difference(before: str, after: str, item: BoundNumber) -> bool:
    if _BY.search(before) or re.search(r"\bexceeds?\b.*\bby\b", before[-80:]):
        return True
    if re.search(
        r"\b(?:saves?|saved|saving|gains?|gained|adds?|added|loses?|lost|costs?|wins?|buys?)(?: (?:an? )?(?:extra |additional |about |roughly |another )*)?\s*$",
        before,
    ):
        return re.search(r"\b(?:than|over|compared|versus|vs|relative|against)\b", f"{before} {after}") is not None
    if re.match(r"\s*(?:off|(?:above|below|over|under) (?:that|those) of)\b", after):
        return True
    more = _MORE_THAN.match(after)
    if more and re.search(r"\b(?:than|over|compared|versus|vs)\b", after):
        return True
    if (
        more
        and not re.match(r"^\s*(?:up|down|above|below|drop|fall|rise)\b", after)
        and more.start(1) < 3
        and "than" not in before
    ):
        return re.search(r"\bthan\b", after) is not None
    return (
        _DIFFERENCE_BEFORE.search(before) is not None
        and item.number.measure is not None
        and (
            "to" not in before[-4:]
            or re.search(r"\b(?:amount\w*|comes?|came|equal\w*|adds?) (?:up )?to\s*$", before) is not None
        )
    )
