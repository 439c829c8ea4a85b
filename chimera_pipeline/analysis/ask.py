"""Mode ask: the model says where to look, code looks and brings back proved statements. All of it is on record.

A query is typed: kind, metric, entities, condition, option, each from a closed set of this run. At most three
rounds of three queries. A round that is refused ends the asking; the choice then goes on with what was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chimera_pipeline.analysis import verify
from chimera_pipeline.analysis.calls import Caller
from chimera_pipeline.analysis.catalogue import RETURNED, Catalogue, Query, QueryKind, Run
from chimera_pipeline.analysis.menu import estimate_tokens, ranked
from chimera_pipeline.analysis.model import Attempt, QueryRecord
from chimera_pipeline.analysis.prompt import CONTROL_HINT, MARGIN_TOKENS, control, size
from chimera_pipeline.analysis.providers.protocol import Message, Schema
from chimera_pipeline.analysis.schema import NONE, WORD_KEY, object_of, words, worst_tokens
from chimera_pipeline.analysis.verify import Violation
from chimera_pipeline.records import Statement

ROUNDS = 3
QUERIES = 3


_MEANING = {
    QueryKind.COMPARE: "metric of a against b",
    QueryKind.BREAKDOWN: "metric by option",
    QueryKind.OUTLIERS: "what stands out in metric",
    QueryKind.TREND: "metric of a over time",
    QueryKind.FORBIDS: "what gaps forbid to conclude about metric",
    QueryKind.DEPLOY: "which configuration to take by metric",
    QueryKind.WHERE_TIME_GOES: "what metric is made of",
    QueryKind.NEXT_RUN: "what of metric is left open",
}


@dataclass(slots=True)
class Asked:
    """What the rounds brought: statements in the order found, the record, and tries."""

    found: list[Statement] = field(default_factory=list)
    queries: list[QueryRecord] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)


def ask(
    caller: Caller,
    catalogue: Catalogue,
    out: Asked,
    *,
    persona: str,
    seed: int,
    run: Mapping[QueryKind, Run],
) -> None:
    """Up to three rounds of queries, into `out`. `run` replaces the built-in answer of a kind.

    Raises ModelError; what was found until then is in `out`.
    """
    if not catalogue.metrics or not catalogue.entities:
        return
    for number in range(1, ROUNDS + 1):
        queries = _round(caller, catalogue, out, number, persona, seed)
        if not queries:
            break
        for query in queries:
            answer = list(run.get(query.kind, catalogue.answer)(query))[:RETURNED]
            fresh = [item for item in answer if item not in out.found]
            out.found += fresh
            out.queries.append(_record(number, query, answer))


def _record(number: int, query: Query, answer: Sequence[Statement]) -> QueryRecord:
    fields = {key: getattr(query, key) for key in ("metric", "a", "b", "condition", "option")}
    arguments = {key: value for key, value in fields.items() if value is not None}
    return QueryRecord(number, str(query.kind), arguments, tuple(item.id for item in answer), query.told())


def _round(caller: Caller, catalogue: Catalogue, so_far: Asked, number: int, persona: str, seed: int) -> list[Query]:
    word, choices = words(seed, 10 + number)
    schema = query_schema(catalogue, choices)
    predict = worst_tokens(schema)
    asked = len(so_far.queries)
    fixed = _messages(catalogue, word, persona, (), asked)
    room = caller.profile.num_ctx - predict - MARGIN_TOKENS - size(fixed)
    messages = _messages(catalogue, word, persona, _known(catalogue, so_far, room), asked)
    if room < 0:
        return []
    options = caller.profile.options(predict, seed=seed + number)
    reply = caller.ask(messages, schema, options)
    wrong = verify.refused(reply, options, size(messages))
    value = wrong[0] if wrong else verify.parsed(reply.text, ["queries"], word)
    queries = value if isinstance(value, Violation) else _queries(value["queries"], catalogue)
    problems = (str(queries),) if isinstance(queries, Violation) else ()
    so_far.attempts.append(Attempt("ask", number, len(so_far.found), problems))
    return [] if isinstance(queries, Violation) else queries


def _known(catalogue: Catalogue, so_far: Asked, room: int) -> list[str]:
    out = []
    for item in so_far.found or ranked(catalogue.statements)[:3]:
        line = f"- {catalogue.aliases.mask(item.text)}"
        room -= estimate_tokens(line) + 2
        if room < 0:
            break
        out.append(line)
    return out


def query_schema(catalogue: Catalogue, word_choices: Sequence[str]) -> Schema:
    """The grammar of one round of queries."""

    def enum(values: Iterable[str]) -> Schema:
        return {"type": "string", "enum": list(values)}

    query = object_of(
        {
            "kind": enum(QueryKind),
            "metric": enum(catalogue.metrics),
            "a": enum([*catalogue.entities, NONE]),
            "b": enum([*catalogue.entities, NONE]),
            "condition": enum([*catalogue.conditions, NONE]),
            "option": enum([*catalogue.options, NONE]),
        }
    )
    listed = {"type": "array", "items": query, "minItems": 0, "maxItems": QUERIES}
    return object_of({WORD_KEY: enum(word_choices), "queries": listed})


def _messages(catalogue: Catalogue, word: str, persona: str, known: Sequence[str], asked: int) -> list[Message]:
    lines = [*catalogue.lines()]
    if known:
        lines += ["Known so far:", *known]
    if asked:
        lines.append(f"Queries asked so far: {asked}.")
    lines += ["Queries:", *(f"{kind}: {text}" for kind, text in _MEANING.items())]
    lines += [
        "Answer with one JSON object.",
        CONTROL_HINT,
        f'"queries": up to {QUERIES} queries that would change a decision most; [] when nothing is left to ask.',
    ]
    return [Message("system", f"{control(word)}\n{persona}"), Message("user", "\n".join(lines))]


def _queries(value: Any, catalogue: Catalogue) -> list[Query] | Violation:
    if not isinstance(value, list):
        return Violation.BAD_VALUE
    if len(value) > QUERIES:
        return Violation.TOO_MANY
    out = []
    for entry in value:
        query = _query(entry, catalogue)
        if isinstance(query, Violation):
            return query
        out.append(query)
    return out


def _query(entry: Any, catalogue: Catalogue) -> Query | Violation:
    keys = ("kind", "metric", "a", "b", "condition", "option")
    if not isinstance(entry, dict) or set(entry) != set(keys):
        return Violation.BAD_VALUE
    if not all(isinstance(entry[key], str) for key in keys):
        return Violation.BAD_VALUE
    known: dict[str, Mapping[str, str]] = {
        "a": catalogue.entities,
        "b": catalogue.entities,
        "condition": catalogue.conditions,
        "option": {name: name for name in catalogue.options},
    }
    fields: dict[str, str | None] = {}
    for key, choices in known.items():
        if entry[key] != NONE and entry[key] not in choices:
            return Violation.UNKNOWN_ID
        fields[key] = choices.get(entry[key])
    if entry["kind"] not in list(QueryKind) or entry["metric"] not in catalogue.metrics:
        return Violation.UNKNOWN_ID
    kind = QueryKind(entry["kind"])
    if kind is QueryKind.COMPARE and (not fields["a"] or not fields["b"] or fields["a"] == fields["b"]):
        return Violation.BAD_VALUE
    if (kind is QueryKind.TREND and not fields["a"]) or (kind is QueryKind.BREAKDOWN and not fields["option"]):
        return Violation.BAD_VALUE
    return Query(kind, entry["metric"], **fields)


def pool(found: Sequence[Statement], statements: Sequence[Statement]) -> list[Statement]:
    """What the choice is made from: what was found, what is always said, and code's own first six."""
    kept = {item.id: item for item in found}
    kept |= {item.id: item for item in statements if item.always}
    kept |= {item.id: item for item in ranked(statements)[:6]}
    return list(kept.values())
