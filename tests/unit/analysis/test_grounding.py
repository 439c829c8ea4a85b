"""The gate: what may be offered, what may be answered, and what is refused although a grammar let it through."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera_pipeline.analysis import prose, schema, verify
from chimera_pipeline.analysis.menu import Aliases, Item, build, estimate_tokens, ranked
from chimera_pipeline.analysis.prose import Dropped, Gate
from chimera_pipeline.analysis.providers.grammar import gbnf
from chimera_pipeline.analysis.providers.numbers import count, rate, seconds
from chimera_pipeline.analysis.providers.protocol import ModelReply, Options
from chimera_pipeline.analysis.verify import Violation
from chimera_pipeline.errors import ContractError
from chimera_pipeline.records import Statement
from tests.unit.analysis import material

ALIASES = Aliases.of(["model-a:7b", "model-b:1b"])


def menu(limit: int = 24, room: int = 2000, seed: int = 1):
    return build(material.statements(), ALIASES, room_tokens=room, limit=limit, seed=seed)


# -- menu ----------------------------------------------------------------------------------------


def test_names_travel_as_aliases_and_come_back() -> None:
    aliases = Aliases.of(["model-a", "model-a:7b"])
    masked = aliases.mask("TTFT of model-a:7b and model-a (num_ctx=512) is 0.12 s, 95 % interval 1 to 2.")
    assert masked == "TTFT of E2 and E1 (num_ctx=512) is 0.12 s, 95 % interval 1 to 2."
    assert aliases.restore(masked) == "TTFT of model-a:7b and model-a (num_ctx=512) is 0.12 s, 95 % interval 1 to 2."


@pytest.mark.parametrize(
    "word", ["a_b", "../x", "<b>", "IGNORE_ALL", "x=y", "http://h/p", "name#12345678", "a" * 30, "été"]
)
def test_a_word_that_is_no_plain_language_is_masked(word: str) -> None:
    assert word not in Aliases.of([]).mask(f"folder {word} is empty")


@given(st.text(max_size=40))
def test_masked_text_is_one_printable_line(text: str) -> None:
    masked = Aliases.of(["x"]).mask(text)
    assert all(char.isprintable() or char == " " for char in masked)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        # Counted with the tokenizers of gemma-3-270m and SmolLM2-135M (the larger of the two).
        ("Mean decode throughput of E1 is 102.2 tokens/s (n=5, sd 0.9070).", 31),
        ("TTFT of E1 (prompt suite): a single call cold 2.326 s (n=1), mean warm 0.1256 s (n=4).", 40),
    ],
)
def test_the_token_estimate_is_pessimistic(text: str, tokens: int) -> None:
    assert tokens <= estimate_tokens(text) <= 2 * tokens


def test_a_menu_keeps_what_must_be_said_and_says_how_much_it_shows() -> None:
    small = menu(limit=4)
    assert small is not None
    assert {item.statement.id for item in small.items if item.statement.always} == {"st_failed", "st_gap"}
    assert small.note == "4 of 8 statements offered"
    assert menu(room=40) is None


def test_the_order_shown_tells_nothing_about_the_ranking() -> None:
    orders = {tuple(item.statement.id for item in menu(seed=seed).items) for seed in range(6)}
    assert len(orders) > 3


def test_ranking_takes_redundancy_off() -> None:
    same = [Statement(f"s{i}", "level", ("x",), ("f1",), 3.0) for i in range(3)]
    other = Statement("other", "level", ("y",), ("f2",), 2.9)
    assert [item.id for item in ranked([*same, other])][:2] == ["s0", "other"]


# -- shapes --------------------------------------------------------------------------------------


def test_slots_are_disjoint_so_that_any_allowed_answer_is_valid() -> None:
    offered = menu()
    asked = schema.questions(offered, (), schema.Limits(), ties_only=False)
    ids = [short for item in asked for short in item.ids]
    assert len(ids) == len(set(ids))
    caveats = {item.id for item in offered.items if item.caveat}
    assert all(set(item.ids) <= caveats for item in asked if item.role == "caveat")


def test_ties_are_among_equals_only() -> None:
    offered = menu()
    by_id = offered.by_id()
    for item in schema.questions(offered, (), schema.Limits(), ties_only=True):
        weights = [by_id[short].statement.weight for short in item.ids]
        assert min(weights) >= schema.TIE * max(weights)


def test_the_longest_answer_fits_its_room() -> None:
    offered = menu()
    asked = schema.questions(offered, (), schema.Limits(), ties_only=False)
    made = schema.slots_schema(asked, ("walnut", "window"))
    longest = {"word": "walnut"} | {item.key: max(item.answers, key=len) for item in asked}
    assert estimate_tokens(json.dumps(longest, indent=1)) <= schema.worst_tokens(made)


# -- verification --------------------------------------------------------------------------------

OPTIONS = Options(num_ctx=4096, num_predict=100, seed=1)


def reply(**more: object) -> ModelReply:
    fields = {
        "text": "{}",
        "model": "m",
        "done": True,
        "done_reason": "stop",
        "ttft_s": 0.1,
        "total_s": 0.2,
        "prompt_tokens": 500,
        "output_tokens": 20,
        **more,
    }
    return ModelReply(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"done": False}, Violation.NOT_DONE),
        ({"done_reason": "length"}, Violation.CUT_OFF),
        ({"done_reason": None}, Violation.CUT_OFF),
        ({"prompt_tokens": None}, Violation.NO_PROMPT_COUNT),
        ({"prompt_tokens": 2050}, Violation.PROMPT_CUT),
        ({"prompt_tokens": 100}, Violation.PROMPT_CUT),
        ({"prompt_tokens": 4090}, Violation.CONTEXT_FULL),
    ],
)
def test_calls_that_cannot_be_trusted_are_refused(more: dict, code: Violation) -> None:
    assert code in verify.refused(reply(**more), OPTIONS, 600)
    assert verify.refused(reply(), OPTIONS, 600) == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", Violation.NOT_JSON),
        ("[]", Violation.NOT_JSON),
        ('{"word":"table"', Violation.NOT_JSON),
        ('```json\n{"word":"table","headline":"S1"}\n```', Violation.NOT_JSON),
        ('{"word":"table","headline":"S1"} and more', Violation.NOT_JSON),
        ('{"word":"table","headline":NaN}', Violation.NOT_JSON),
        ("[" * 5000, Violation.NOT_JSON),
        ('{"word":"table","headline":"S1","headline":"S2"}', Violation.DUPLICATE_KEY),
        ('{"word":"table"}', Violation.MISSING_KEY),
        ('{"word":"table","headline":"S1","x":1}', Violation.EXTRA_KEY),
        ('{"word":"chair","headline":"S1"}', Violation.WRONG_WORD),
        ('{"word":"table","headline":"S3"}', Violation.UNKNOWN_ID),
        ('{"word":"table","headline":1}', Violation.BAD_VALUE),
    ],
)
def test_answers_outside_the_schema_are_refused(text: str, code: Violation) -> None:
    asked = (schema.Question("headline", "headline", ("S1", "S2"), optional=False),)
    assert verify.slots(text, asked, "table") is code


def test_a_list_with_a_statement_twice_or_in_a_wrong_role_is_refused() -> None:
    offered = menu()
    caveat = next(item.id for item in offered.items if item.caveat)
    finding, second = [item.id for item in offered.items if not item.caveat][:2]

    def check(*entries: tuple[str, str]) -> object:
        value = {"word": "table", "findings": [{"id": short, "role": role} for short, role in entries]}
        return verify.picks(json.dumps(value), offered, (), schema.Limits(), "table")

    assert isinstance(check((finding, "headline"), (caveat, "caveat")), list)
    assert check((finding, "headline"), (finding, "support")) is Violation.DUPLICATE_ID
    assert check((caveat, "headline")) is Violation.BAD_ROLE
    assert check((finding, "caveat")) is Violation.BAD_ROLE
    assert check((finding, "support"), (second, "support")) is Violation.NO_HEADLINE
    assert check((finding, "headline"), (second, "headline")) is Violation.NO_HEADLINE
    assert check() is Violation.TOO_FEW


# -- prose ---------------------------------------------------------------------------------------


def gate() -> Gate:
    told = {item.id: item for item in material.statements()}
    items = {
        "S1": Item("S1", told["st_cold"], "", 1),
        "S2": Item("S2", told["st_total"], "", 1),
        "S3": Item("S3", told["st_failed"], "", 1),
    }
    return Gate(items, material.by_id(material.facts()), ALIASES)


@pytest.mark.parametrize(
    "text",
    [
        "{S1}.",
        "Most important: {S1}.",
        "For E1, {S1}",
        "TTFT: {S1}; in addition, {S2}.",
        "Before acting on this, note that {S3}.",
    ],
)
def test_sentences_of_slots_and_connectives_pass(text: str) -> None:
    if "{S2}" in text:  # the label holds for one of the two only
        assert gate().check({"text": text, "cites": ["S1", "S2"]}) is Dropped.FOREIGN_WORD
        text = text.replace("TTFT: ", "")
    cites = [short for short in ("S1", "S2", "S3") if f"{{{short}}}" in text]
    found = gate().check({"text": text, "cites": cites})
    assert not isinstance(found, Dropped), found
    assert found.text.endswith(".")
    assert "{" not in found.text


@pytest.mark.parametrize(
    ("text", "cites", "code"),
    [
        ("E1 is faster.", ["S1"], Dropped.NO_SLOT),
        ("{S9} matters.", ["S9"], Dropped.UNKNOWN_SLOT),
        ("{S1}.", ["S1", "S2"], Dropped.UNCITED),
        ("{S1}, {S1}.", ["S1"], Dropped.REPEATED),
        ("{S1} because of the GPU.", ["S1"], Dropped.FOREIGN_WORD),
        ("It is not true that {S1}.", ["S1"], Dropped.FOREIGN_WORD),
        ("{S1}, 20 times.", ["S1"], Dropped.NUMBER),
        ("For E2, {S1}.", ["S1"], Dropped.FOREIGN_NAME),
        ("For E1, {S3}; {S1}.", ["S1", "S3"], Dropped.FOREIGN_NAME),
        ("For model-b:1b, {S1}.", ["S1"], Dropped.FOREIGN_WORD),
        ("-{S3}.", ["S3"], Dropped.GLUED),
        ("- {S3}.", ["S3"], Dropped.FOREIGN_MARK),
        ("<b>{S1}</b>", ["S1"], Dropped.GLUED),
        ("{S1} <script>", ["S1"], Dropped.FOREIGN_MARK),
        ("{S1} \u202e.", ["S1"], Dropped.FOREIGN_MARK),
        ("{S1} ２.", ["S1"], Dropped.FOREIGN_MARK),
    ],
)
def test_sentences_that_say_more_are_dropped(text: str, cites: list[str], code: Dropped) -> None:
    assert gate().check({"text": text, "cites": cites}) in (code, Dropped.NUMBER, Dropped.FOREIGN_WORD)
    assert isinstance(gate().check({"text": text, "cites": cites}), Dropped)


@pytest.mark.parametrize(
    "entry", [None, 3, {}, {"text": 1, "cites": []}, {"text": "{S1}", "cites": [1]}, {"text": "{S1}", "cites": "S1"}]
)
def test_a_sentence_of_a_wrong_shape_is_dropped(entry: object) -> None:
    assert isinstance(gate().check(entry), Dropped)


def test_no_connective_asserts_anything() -> None:
    asserting = "is are was be not no never more less than faster slower better worse higher lower"
    assert not prose.CONNECTIVES & {*asserting.split(), "because", "so", "thus", "only", "all", "while"}


# -- what peers state ----------------------------------------------------------------------------


@pytest.mark.parametrize("value", [None, True, -1, 10**400, "5", float("nan"), float("inf")])
def test_absurd_figures_are_unknown(value: object) -> None:
    assert seconds(value, 1e9) is None
    assert count(value) is None


def test_a_rate_needs_both_parts() -> None:
    assert rate(10, 2.0) == 5.0
    assert rate(10, 0.0) is None
    assert rate(None, 2.0) is None


def test_a_schema_that_the_grammar_cannot_hold_is_an_error() -> None:
    with pytest.raises(ContractError):
        gbnf({"type": "number"})
    with pytest.raises(ContractError):
        gbnf({"type": "object", "properties": {"a": {"enum": ["x"]}}, "required": []})
