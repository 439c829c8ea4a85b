"""Strict parsing: what is refused, with which reason and place, and in which time."""

from __future__ import annotations

import contextlib
import csv
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.readers import markdown
from chimera_pipeline.readers.document import Document
from chimera_pipeline.records import Format
from chimera_pipeline.settings import Limits


def refusal(ask: Callable[[], Any]) -> ArtifactError:
    """The ArtifactError that `ask` raises."""
    with pytest.raises(ArtifactError) as caught:
        ask()
    return caught.value


def of_json(text: str | bytes, limits: Limits | None = None) -> ArtifactError:
    data = text.encode() if isinstance(text, str) else text
    return refusal(lambda: Document(data, limits=limits or Limits()).json)


def seconds(ask: Callable[[], Any]) -> float:
    start = time.process_time()
    ask()
    return time.process_time() - start


# Text


@pytest.mark.parametrize("data", [b"", b"  \n", b"\xef\xbb\xbf", b"\0\0", b"\xff\xfe \0", "\u00a0\u2003".encode()])
def test_a_file_without_text_is_empty(data: bytes) -> None:
    assert refusal(lambda: Document(data).text).reason is Reason.EMPTY


def test_a_nul_character_is_not_text() -> None:
    refused = refusal(lambda: Document(b"a,b\n1,\x002\n").text)
    assert refused.reason is Reason.NOT_TEXT
    assert "offset 6" in refused.detail


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf"])
def test_a_byte_order_mark_is_no_part_of_the_first_column(mark: bytes) -> None:
    assert Document(mark + b"a,b\n1,2\n").csv.header == ["a", "b"]
    assert Document(mark + b'{"a": 1}').json == {"a": 1}


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_read_where_it_is_marked(codec: str) -> None:
    marks = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
    data = marks.get(codec, b"") + "a,b\n1,µ\n".encode(codec)
    assert Document(data).csv.rows == [["1", "µ"]]


def test_utf_16_without_a_mark_and_utf_16_encoded_twice_are_refused() -> None:
    assert refusal(lambda: Document("a,b".encode("utf-16-le")).text).reason is Reason.NOT_TEXT
    twice = "a,b".encode("utf-16").decode("latin-1").encode()
    assert refusal(lambda: Document(twice).text).reason is Reason.BAD_ENCODING


def test_another_encoding_is_refused_with_the_byte_and_its_place() -> None:
    refused = refusal(lambda: Document("a,é\n".encode("latin-1")).text)
    assert refused.reason is Reason.BAD_ENCODING
    assert "0xe9 at offset 2" in refused.detail


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n", "\r"])
def test_line_ends_of_every_system_give_the_same_rows_on_the_same_lines(end: str) -> None:
    table = Document(end.join(["a,b", "1,2", "3,4", ""]).encode()).csv
    assert (table.rows, table.lines) == ([["1", "2"], ["3", "4"]], [2, 3])


# JSON


@pytest.mark.parametrize(
    ("text", "reason", "locator"),
    [
        ('{"a": 1, "a": 2}', Reason.DUPLICATE_KEY, None),
        ('{"x": [{"a": 1, "a": 1}]}', Reason.DUPLICATE_KEY, None),
        ('{"a" : 1, "a"\n: 2, "b": "\\":"}', Reason.DUPLICATE_KEY, None),
        ('\n\n{"a": 1,,}', Reason.BAD_JSON, "line 3"),
        ('{"a": 1} garbage', Reason.BAD_JSON, "line 1"),
        ('{"a": 1}\n{"b": 2}', Reason.BAD_JSON, "line 2"),
        ('{"a": 1}}', Reason.BAD_JSON, "line 1"),
        ("{'a': 1}", Reason.BAD_JSON, "line 1"),
        ("plain", Reason.BAD_JSON, None),
        ("3", Reason.BAD_JSON, None),
        ('{"a": 1', Reason.TRUNCATED, "line 1"),
        ('{"a": "tex', Reason.TRUNCATED, "line 1"),
        ('{"a": "te\\u12', Reason.TRUNCATED, "line 1"),
        ('{\n"a": [1, tru', Reason.TRUNCATED, "line 2"),
        ('{"a": -', Reason.TRUNCATED, "line 1"),
        ('{"a": 1.', Reason.TRUNCATED, "line 1"),
        ('{"a": 1e+', Reason.TRUNCATED, "line 1"),
        ("{", Reason.TRUNCATED, "line 1"),
    ],
)
def test_broken_json_is_refused_with_its_reason_and_line(text: str, reason: Reason, locator: str | None) -> None:
    refused = of_json(text)
    assert refused.reason is reason, refused.detail
    assert refused.locator == locator


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": Infinity}', '{"a": -Infinity}', '{"a": 1e999}', '{"a": -1e999}'])
def test_numbers_that_are_not_finite_are_missing_and_said_so(text: str) -> None:
    document = Document(text.encode())
    assert document.json == {"a": None}
    assert document.nonfinite


def test_a_number_of_5000_digits_is_no_number() -> None:
    document = Document(b'{"a": ' + b"9" * 5000 + b', "b": -1}')
    assert document.json == {"a": None, "b": -1}
    assert document.nonfinite


def test_whole_numbers_beyond_64_bits_are_doubles_in_both_parsers() -> None:
    for text in ('{"a": 18446744073709551616}', '{"a": 18446744073709551616, "b": "\\":"}'):
        assert isinstance(Document(text.encode()).json["a"], float)
    assert Document(b'{"a": 18446744073709551615}').json == {"a": 2**64 - 1}


def test_half_a_surrogate_pair_becomes_the_replacement_character() -> None:
    document = Document(b'{"\\ud83d": "\\ud83d\\ude00 \\udc00 \\\\ud800"}')
    assert document.json == {"\ufffd": "😀 \ufffd \\ud800"}
    assert Document(b'{"a": "\\ud800"}\n{"a": "x"}\n').json_lines[0] == ("line 1", {"a": "\ufffd"})


@pytest.mark.parametrize("unit", ["[", '{"a":', '[{"a":'])
def test_a_nesting_of_100000_is_too_deep_and_costs_nothing(unit: str) -> None:
    text = unit * 100_000
    assert seconds(lambda: of_json(text)) < 2
    assert of_json(text).reason is Reason.TOO_DEEP


def test_depth_and_number_of_values_are_bounded() -> None:
    limits = Limits(max_depth=3, max_nodes=10)
    assert Document(b"[[[1]]]", limits=limits).json == [[[1]]]
    assert of_json("[[[[1]]]]", limits).reason is Reason.TOO_DEEP
    assert of_json(json.dumps(list(range(11))), limits).reason is Reason.TOO_MANY_NODES


def test_keys_inside_texts_are_no_keys() -> None:
    value = {"a": '{"a": 1, "a": 2}', "b": 'x":'}
    assert Document(json.dumps(value).encode()).json == value


# JSON lines


def test_json_lines_skip_what_is_no_json_and_keep_line_numbers() -> None:
    document = Document(b'warming up\n[1, 2]\n{"a": 1}\n\n{"a": "\xe2\x80\xa8\xc2\x85"}\nerror: x\n')
    assert document.json_lines == [("line 3", {"a": 1}), ("line 5", {"a": "\u2028\u0085"})]
    assert document.refused_lines() == []


def test_objects_over_several_lines_back_to_back_are_records() -> None:
    document = Document(b'{\n "a": 1\n}\n{\n "a": {\n  "b": 2\n }\n}\n{"a": 3}\n')
    assert document.json_lines == [("line 1", {"a": 1}), ("line 4", {"a": {"b": 2}}), ("line 9", {"a": 3})]


def test_a_line_that_was_cut_off_is_said_and_the_others_stay() -> None:
    document = Document(b'{"a": 1}\n{"a": 2}\n{"a": 3', Format.JSONL)
    assert [line for line, _ in document.json_lines] == ["line 1", "line 2"]
    assert [(reason, line) for reason, line, _ in document.refused_lines()] == [(Reason.TRUNCATED, 3)]


def test_what_lies_inside_a_broken_array_is_no_record() -> None:
    document = Document(b'[\n{"a": 1}\n{"a": 2}\n')
    assert refusal(lambda: document.json_lines).reason is Reason.BAD_JSON


def test_a_key_twice_on_one_line_refuses_the_file_with_the_line() -> None:
    refused = refusal(lambda: Document(b'{"a": 1}\n{"a": 1, "a": 2}\n').json_lines)
    assert (refused.reason, refused.locator) == (Reason.DUPLICATE_KEY, "line 2")


def test_nan_in_a_line_is_missing_and_nan_in_a_broken_line_is_nothing() -> None:
    document = Document(b'{"a": NaN}\n{"a": 1}\n')
    assert document.json_lines[0] == ("line 1", {"a": None})
    assert document.nonfinite
    broken = Document(b'{"a": 1}\n{"a": NaN,\n')
    assert broken.json_lines == [("line 1", {"a": 1})]
    assert not broken.nonfinite


@pytest.mark.parametrize("line", ["{", "[", '{"a', "{}x", '{"a": 1', "[{"])
def test_a_megabyte_of_broken_json_lines_takes_linear_time(line: str) -> None:
    text = (line + "\n") * (500_000 // (len(line) + 1))
    took = seconds(lambda: Document(text.encode()).try_json_lines())
    assert took < 5, f"{took:.1f} s"


def test_lines_are_bounded() -> None:
    limits = Limits(max_rows=2, max_line_bytes=10)
    many = refusal(lambda: Document(b'{"a": 1}\n' * 3, limits=limits).json_lines)
    assert many.reason is Reason.TOO_MANY_ROWS
    long = refusal(lambda: Document(b'{"a": "' + b"x" * 90 + b'"}\n', limits=limits).json_lines)
    assert (long.reason, long.locator) == (Reason.LINE_TOO_LONG, "line 1")


# Csv


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,b,a\n1,2,3\n", Reason.DUPLICATE_COLUMN),
        ("abc\n1\n", Reason.UNEXPECTED_SHAPE),
        ('a,b\n"1"x,2\n', Reason.UNEXPECTED_SHAPE),
        ('a,b\n"1,2\n', Reason.UNEXPECTED_SHAPE),
    ],
)
def test_a_broken_csv_is_refused(text: str, reason: Reason) -> None:
    assert refusal(lambda: Document(text.encode()).csv).reason is reason


def test_rows_of_another_width_are_refused_with_their_line_and_the_others_stay() -> None:
    table = Document(b'a,b\n1,2\n3\n"4\n5",6\n7,8,9\n10,11\n', Format.CSV).csv
    assert table.rows == [["1", "2"], ["4\n5", "6"], ["10", "11"]]
    assert table.lines == [2, 4, 7]
    assert [line for line, _ in table.bad] == [3, 6]


def test_100000_columns_are_too_many() -> None:
    header = ",".join(f"c{i}" for i in range(100_000))
    assert refusal(lambda: Document(f"{header}\n".encode()).csv).reason is Reason.TOO_MANY_COLUMNS


def test_rows_and_lines_are_bounded() -> None:
    limits = Limits(max_rows=2, max_line_bytes=20)
    assert refusal(lambda: Document(b"a,b\n1,2\n1,2\n1\n", limits=limits).csv).reason is Reason.TOO_MANY_ROWS
    assert refusal(lambda: Document(b"a,b\n1," + b"2" * 30, limits=limits).csv).reason is Reason.LINE_TOO_LONG


def test_a_cell_may_be_longer_than_the_standard_library_allows() -> None:
    before = csv.field_size_limit()
    assert len(Document(b'a,b\n"' + b"x" * 200_000 + b'",1\n').csv.rows[0][0]) == 200_000
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_found_in_the_header(delimiter: str) -> None:
    text = f"a{delimiter}b{delimiter}c\n1{delimiter}2{delimiter}3\n"
    assert Document(text.encode()).csv.rows == [["1", "2", "3"]]


@pytest.mark.parametrize(
    ("end", "rows", "cut"),
    [
        ("1.25,ok", [["1.50", "ok"], ["1.25", "ok"]], None),  # a text that stands in a row before
        ('1.25,"o"', [["1.50", "ok"], ["1.25", "o"]], None),  # closed by a quote
        ("1.25,ol", [["1.50", "ok"]], 3),
        ("1.25,", [["1.50", "ok"]], 3),
        ("1.25", [["1.50", "ok"]], None),  # a ragged row, said as such
    ],
)
def test_a_last_row_without_line_end_counts_only_where_it_is_surely_whole(
    end: str, rows: list[list[str]], cut: int | None
) -> None:
    table = Document(f"a,b\n1.50,ok\n{end}".encode(), Format.CSV).csv
    assert table.rows == rows
    assert (table.cut[0] if table.cut else None) == cut


def test_a_last_number_without_line_end_may_lack_digits_and_is_blank() -> None:
    document = Document(b"a,b\n1,120\n2,13", Format.CSV)
    assert document.csv.rows == [["1", "120"], ["2", ""]]
    assert [(reason, line) for reason, line, _ in document.refused_lines()] == [(Reason.TRUNCATED, 3)]
    assert Document(b"a,b\n1,1.20\n2,1.35", Format.CSV).csv.rows[-1] == ["2", "1.35"]
    assert Document(b"a,b\n1,1.20\n2,1.3", Format.CSV).csv.rows[-1] == ["2", ""]


# Markdown


def test_a_header_glued_to_the_line_before_is_cut_off_there() -> None:
    (table,) = markdown.tables("- DType: f32 | A | B |\n| --- | --- |\n| 1 | 2 |\n")
    assert (table.header, table.rows, table.lines) == (["A", "B"], [["1", "2"]], [3])


def test_cells_are_padded_cut_and_unescaped() -> None:
    (table,) = markdown.tables("|A|B|\n|:-|-:|\n|1|\n|1|2|3|\n|a\\|b|c|\n")
    assert table.rows == [["1", ""], ["1", "2"], ["a|b", "c"]]


@pytest.mark.parametrize(
    ("end", "rows", "cut"),
    [("| 2 | 3 |", [["1", "2"], ["2", "3"]], None), ("| 2 | 3", [["1", "2"]], 4), ("| 2 |", [["1", "2"]], 4)],
)
def test_a_last_table_row_without_line_end_counts_only_where_it_is_closed(
    end: str, rows: list[list[str]], cut: int | None
) -> None:
    (table,) = markdown.tables(f"| A | B |\n|---|---|\n| 1 | 2 |\n{end}")
    assert (table.rows, table.cut) == (rows, cut)


@pytest.mark.parametrize(
    "text",
    [
        "| a " * 250_000,
        "|\n|-|\n" * 150_000,
        "| --- |\n" * 120_000,
        "\\|" * 500_000,
        ("| " + "a | " * 10 + "\n") * 20_000,
        "|" * 1_000 + "\n" + "|-" * 1_000 + "|\n" + "|\n" * 450_000,
        "---|" * 250_000,
        ("x" * 999 + "\n") * 1_000,
    ],
    ids=[
        "one-line",
        "tiny-tables",
        "delimiters",
        "escapes",
        "no-delimiter",
        "wide",
        "one-delimiter",
        "prose",
    ],
)
def test_a_megabyte_of_pathological_markdown_takes_linear_time(text: str) -> None:
    document = Document(text.encode()[: 2**20])

    def ask() -> None:
        with contextlib.suppress(ArtifactError):
            document.markdown_tables  # noqa: B018

    took = seconds(ask)
    assert took < 5, f"{took:.1f} s"


def test_a_larger_markdown_file_is_refused() -> None:
    document = Document(b"x" * 101, limits=Limits(max_markdown_bytes=100))
    assert refusal(lambda: document.markdown_tables).reason is Reason.TOO_LARGE


# Asking


def test_a_document_is_parsed_once_also_where_it_is_refused() -> None:
    document = Document(b'{"a": 1')
    assert document.try_json() is None
    assert refusal(lambda: document.json) is refusal(lambda: document.json)
    assert Document(b"a,b\n1,2\n").try_json() is None
    assert Document(b'{"a": 1}').try_csv() is None


def test_lines_of_a_text_end_with_the_last_line_end() -> None:
    assert Document(b"a\nb\nhalf").whole_lines == ["a", "b"]
    assert Document(b"a\nb\n").whole_lines == ["a", "b"]
