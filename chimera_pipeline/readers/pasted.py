"""Console output of benchmark tools in a log or pasted into prose: which tools' blocks a text holds.

In: a text document. Out: the parsers whose blocks it holds, the most telling first; each parser lives in a
module of its own (`pasted_serving`, `pasted_trtllm`, `pasted_ollama`, `pasted_llama`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from chimera_pipeline.readers import pasted_llama, pasted_ollama, pasted_serving, pasted_trtllm
from chimera_pipeline.readers.document import Document
from chimera_pipeline.records import Reading


@dataclass(frozen=True, slots=True)
class Parser:
    """One tool's console output: is there any in a text, and its rows into a reading."""

    kind: str
    tool: str
    holds: Callable[[str], bool]
    read: Callable[[list[str], Reading, bool], str | None]


@lru_cache(maxsize=1)
def parsers() -> tuple[Parser, ...]:
    """By which tool a text with several blocks is named: the first that it holds."""
    return (
        Parser("serving_console", "vllm", pasted_serving.holds, pasted_serving.read),
        Parser("trtllm_console", "trtllm-bench", pasted_trtllm.holds, pasted_trtllm.read),
        Parser("ollama_verbose", "ollama", pasted_ollama.holds, pasted_ollama.read),
        Parser("llama_bench_table", "llama-bench", pasted_llama.holds_tests, pasted_llama.read_tests),
        Parser(
            "llama_batched_bench",
            "llama-batched-bench",
            pasted_llama.holds_batches,
            pasted_llama.read_batches,
        ),
    )


def found(document: Document) -> list[Parser]:
    """The parsers of the blocks that a text holds; [] for json and csv."""
    if document.try_json() is not None:
        return []
    text = document.text
    holding = [parser for parser in parsers() if parser.holds(text)]
    return holding if holding and not _is_csv(text) else []


def _is_csv(text: str) -> bool:
    """The first two lines have the same number of commas, so that the text is a table with text cells."""
    lines = text.lstrip("\r\n").split("\n", 2)[:2]
    commas = [line.count(",") for line in lines]
    return len(commas) == 2 and commas[0] >= 2 and commas[0] == commas[1] and "|" not in lines[0]
