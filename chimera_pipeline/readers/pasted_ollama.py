"""The statistics that `ollama run --verbose` prints after each answer ("eval rate: 102.20 tokens/s").

In: lines of text. Out: a row of `llm_requests` a block. Durations are Go durations (1m2.5s, 355.5ms); the
model is the one of the `ollama run` line before. Lines that the tool leaves out (a cached prompt) are absent.
"""

from __future__ import annotations

import re

from chimera_pipeline.errors import ArtifactError, Reason
from chimera_pipeline.readers.fields import count, half_unit, number
from chimera_pipeline.readers.names import go_duration, model_name, quantization
from chimera_pipeline.readers.tool_records import fail, refuse
from chimera_pipeline.records import Reading, Row

_LINE = re.compile(
    r"^[ \t>*|-]{0,40}(total duration|load duration|prompt eval count|prompt eval duration|prompt eval rate"
    r"|eval count|eval duration|eval rate):[ \t*]{1,80}(\S.*?)[ \t*|]*$"
)
_RATE = re.compile(r"^[ \t>*|-]{0,40}eval (?:rate|duration):[ \t*]{1,80}\d", re.MULTILINE)
_RUN = re.compile(r"\bollama run ((?:--?\S+ )*)([A-Za-z0-9][\w.:/@+-]*)")
LONGEST_LINE = 400
_DURATIONS = {
    "total duration": "total_s",
    "load duration": "load_s",
    "prompt eval duration": "prompt_eval_s",
    "eval duration": "eval_s",
}
_COUNTS = {"prompt eval count": "prompt_tokens", "eval count": "output_tokens"}


def holds(text: str) -> bool:
    """Lines of an eval rate or duration, with the total duration of the block."""
    return "eval rate" in text and "total duration" in text and bool(_RATE.search(text))


def read(lines: list[str], reading: Reading, counts: bool) -> str | None:
    """A row a block: a label that comes again, or other text of more than two lines, starts the next one."""
    model: str | None = None
    named: str | None = None
    block: dict[str, str] = {}
    first = last = 0
    rates: list[str] = []
    for position, line in enumerate(lines, start=1):
        line = line[:LONGEST_LINE]
        if run := _RUN.search(line):
            model = run.group(2)
        match = _LINE.match(line)
        if match is None:
            continue
        label, value = match.groups()
        if block and (label in block or position - last > 3):
            _add(reading, first, block, named, counts)
            block = {}
        if not block:
            first, named = position, model
        block[label] = value
        last = position
        if label == "eval rate":
            rates.append(value.split()[0])
    if block and not {"eval rate", "eval duration"} & block.keys() and last >= len(lines) - 1:
        said = f"line {last}: the file ends inside a block of statistics"
        reading.reject(Reason.TRUNCATED, said, locator=f"line {last}")
    elif block:
        _add(reading, first, block, named, counts)
    half = half_unit(rates)
    if half is not None:
        reading.precision.setdefault("llm_requests", {})["decode_tokens_per_s"] = half
    return None


def _add(reading: Reading, line: int, block: dict[str, str], model: str | None, counts: bool) -> None:
    locator = f"line {line}"
    try:
        row = _row(locator, block, model)
    except ArtifactError as refused:
        refuse(reading, refused, locator)
        return
    reading.add("llm_requests", row, counts=counts)


def _row(locator: str, block: dict[str, str], model: str | None) -> Row:
    row: Row = {
        "locator": locator,
        "suite": "run --verbose",
        "engine": "ollama",
        "ttft_definition": "load + prompt evaluation",
        "config": {},
        "status": "ok",
    }
    if name := model_name(model):
        row["model"] = name
        row["quantization"] = quantization(name.replace(":", "-"))
    for label, target in _DURATIONS.items():
        if label in block:
            seconds = go_duration(block[label])
            if seconds is None:
                raise ArtifactError(
                    Reason.BAD_NUMBER,
                    f"{label} is no duration like 1m2.5s or 355.5ms",
                    locator=locator,
                    value=block[label],
                )
            row[target] = seconds
    for label, target in _COUNTS.items():
        if label in block:
            row[target] = count(block[label].split()[0], locator=locator, field=label)
    if "eval rate" in block:
        rate = number(block["eval rate"].split()[0], locator=locator, field="eval rate")
        row["decode_tokens_per_s"] = rate
    if not row.get("decode_tokens_per_s") and not row.get("eval_s"):
        return fail(row, "no_output")
    if row.get("load_s") is not None and row.get("prompt_eval_s") is not None:
        row["ttft_s"] = row["load_s"] + row["prompt_eval_s"]
    return row
