"""Text as codes says what text says: in every order, joined, crossed and sorted."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from chimera_pipeline.contracts import tables
from chimera_pipeline.metrics.coding import Text, by_categories, crossed, joined

WORDS = st.lists(st.sampled_from([None, "", "a", "b", "aa", "B", "#", "ä"]), max_size=8)


def _text(words: list[str | None], *, categories: bool = False) -> Text:
    column = pd.Series(words, dtype="object")
    return Text.of(column.astype("category") if categories else column)


def _words(text: Text) -> list[str | None]:
    return [None if code < 0 else text.words[code] for code in text.codes]


@given(WORDS, WORDS, st.booleans())
def test_columns_joined_are_their_words_after_each_other(
    one: list[str | None], other: list[str | None], kind: bool
) -> None:
    whole = joined([_text(one, categories=kind), _text(other), _text(one).take(slice(0, 2)), Text.same(None, 2)])
    assert _words(whole) == [*one, *other, *one[:2], None, None]
    assert len(set(whole.words)) == len(whole.words)
    frame = tables.without_categories(pd.DataFrame({"text": whole.series()}))
    assert frame["text"].tolist() == _words(whole)
    assert frame["text"].dtype == "object"


@given(WORDS)
def test_ranks_sort_as_words_do_with_null_last(words: list[str | None]) -> None:
    text = _text(words)
    by_rank = sorted(range(len(words)), key=lambda place: text.ranks()[place])
    assert [words[place] for place in by_rank] == sorted(words, key=lambda word: (word is None, word or ""))


@given(WORDS, st.sampled_from(["a", "new"]))
def test_null_is_filled_and_words_are_found(words: list[str | None], word: str) -> None:
    filled = _text(words).filled(word)
    assert _words(filled) == [word if one is None else one for one in words]
    assert filled.isin([word]).tolist() == [one in (None, word) for one in words]
    assert not _text(words).isin([]).any()


@given(st.lists(st.tuples(st.sampled_from([None, "a", "b"]), st.sampled_from([None, "x", "y"])), max_size=8))
def test_pairs_are_those_of_the_rows(rows: list[tuple[str | None, str | None]]) -> None:
    codes, pairs = crossed(_text([left for left, _ in rows]), _text([right for _, right in rows]))
    assert [pairs[code] for code in codes] == rows
    assert set(pairs) == set(rows)


def test_a_frame_by_categories_and_back_is_the_same_frame() -> None:
    frame = pd.DataFrame({"text": ["b", None, "a"], "none": [None] * 3, "n": [1.0, None, 2.0]})
    frame["none"] = frame["none"].astype("object")
    coded = by_categories(frame)
    assert [str(dtype) for dtype in coded.dtypes] == ["category", "category", "float64"]
    pd.testing.assert_frame_equal(tables.without_categories(coded), frame)
