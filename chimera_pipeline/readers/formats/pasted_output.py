"""Console output of benchmark tools in a log, or pasted into a README: serving benchmark tables (vLLM,
SGLang, TensorRT-LLM), trtllm-bench sections, `ollama run --verbose` blocks, llama-bench and
llama-batched-bench tables.

Every block becomes rows; where a text holds blocks of several tools, the records of the first are counted and
the others are rows beside them. Tables that prose makes of such blocks repeat them and are not read.
"""

from __future__ import annotations

from chimera_pipeline.readers import pasted
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.readers.tool_records import whole_lines
from chimera_pipeline.records import Reading


def matches(document: Document) -> bool:
    """A text, not json and not csv, with at least one block."""
    return bool(pasted.found(document))


def read(document: Document) -> Reading:
    """The rows of every block."""
    parsers = pasted.found(document)
    reading = Reading(kind=parsers[0].kind, tool=parsers[0].tool)
    lines = whole_lines(reading, document.text)
    for position, parser in enumerate(parsers):
        printed_by = parser.read(lines, reading, position == 0)
        if position == 0 and printed_by:
            reading.tool = printed_by
    return reading


READER = Reader(
    "pasted-output",
    1,
    matches,
    read,
    signs=Signs(words=("t/s", "±", "eval rate", "Benchmark Result", "PERFORMANCE OVERVIEW")),
)
