"""Markdown tables that llama-bench and llama-batched-bench print, in logs and in prose.

In: lines of text. Out: rows of `throughputs`. A cell "404.67 ± 3.65" is mean and sd; rows may stand without a
header (a log was cut); build and device are on lines beside the table. Of a batched bench each line gives the
rates of prompt, generation and both.
"""

from __future__ import annotations

import re
from typing import Any

from chimera_pipeline.errors import ArtifactError
from chimera_pipeline.readers.fields import half_unit, number
from chimera_pipeline.readers.llama_cases import (
    COLUMNS,
    backend_of,
    case_name,
    command_options,
    file_stem,
    model_of,
    options,
    parse_test,
    quantization_of,
)
from chimera_pipeline.readers.names import hardware_name
from chimera_pipeline.readers.tool_records import refuse
from chimera_pipeline.records import Reading, Row

_TEST_ROW = re.compile(
    r"\|[ \t]{0,60}(?:pp ?\d+|tg ?\d+)(?: ?\+ ?tg ?\d+)?(?: ?@ ?d ?\d+)?[ \t]{0,60}"
    r"\|[ \t]{0,60}\**\d[\d.]*(?: ?± ?\d[\d.]*)?\**[ \t]{0,60}\|?[ \t\r]{0,60}$",
    re.MULTILINE,
)
_RATE = re.compile(r"(\d[\d.]*)(?:\s*±\s*(\d[\d.]*))?\Z")
_BUILD = re.compile(r"^[ \t>]{0,40}build: ([0-9a-f]{7,40}) \((\d+)\)")
_DEVICE = re.compile(r"^[ \t>]{0,40}(?:Device \d+: ([^,]+),|ggml_vulkan: \d+ = ([^(|]+?) [(|])")
_FILE = re.compile(r"llama-(?:\w+-)?bench\b.* (?:-m|--model) (\S+)")
_BATCH_COLUMNS = {"pp", "tg", "n_kv", "s_pp t/s", "s_tg t/s"}
LONGEST_LINE = 4000
_SETTINGS = re.compile(r"\b(n_kv_max|n_batch|n_ubatch|flash_attn|n_gpu_layers|n_threads) = (-?\d+)")
_BATCH_RATES = (("pp", "s_pp t/s", "t_pp s"), ("tg", "s_tg t/s", "t_tg s"), ("pp+tg", "s t/s", "t s"))


def holds_tests(text: str) -> bool:
    """A table row that ends in a test and a rate."""
    return "|" in text and ("t/s" in text or "±" in text) and bool(_TEST_ROW.search(text))


def holds_batches(text: str) -> bool:
    """The header of a batched or sweep bench."""
    return "S_TG t/s" in text and any(_is_batch_header(line) for line in text.splitlines() if "S_TG t/s" in line)


def _is_batch_header(line: str) -> bool:
    return len(line) <= LONGEST_LINE and {cell.lower() for cell in _cells(line)} >= _BATCH_COLUMNS


def _cells(line: str) -> list[str]:
    body = line.strip().lstrip(">").strip().removeprefix("|").removesuffix("|")
    return [cell.strip().strip("*").strip() for cell in body.split("|")]


class _Around:
    """What lines beside the tables say: the device and model file before them, the build after them."""

    def __init__(self) -> None:
        self.device: str | None = None
        self.file: str | None = None
        self.options: dict[str, Any] = {}
        self.pending: list[Row] = []

    def note(self, line: str) -> None:
        """Take a line that is no table row."""
        line = line[:LONGEST_LINE]
        if build := _BUILD.match(line):
            for row in self.pending:
                row["engine"] = f"llama.cpp-b{build.group(2)}"
            self.pending, self.device, self.file, self.options = [], None, None, {}
        elif device := _DEVICE.match(line):
            self.device = (device.group(1) or device.group(2)).strip()
        elif named := _FILE.search(line):
            self.file, self.device, self.pending = named.group(1), None, []
            self.options = command_options(line)


def read_tests(lines: list[str], reading: Reading, counts: bool) -> str | None:
    """A row of `throughputs` a table row with a test and a rate."""
    around, header, rows = _Around(), None, []
    texts: list[str] = []
    for position, line in enumerate(lines, start=1):
        if "|" not in line:
            header = None
            around.note(line)
            continue
        cells = _cells(line)
        lowered = [cell.lower() for cell in cells]
        if "test" in lowered and "t/s" in lowered:
            header = lowered
            continue
        if header is None and not _TEST_ROW.search(line):
            around.note(line)
            continue
        try:
            row = _test_row(f"line {position}", cells, header, around)
        except ArtifactError as refused:
            refuse(reading, refused, f"line {position}")
            continue
        if row is not None:
            rows.append(row)
            around.pending.append(row)
            texts.append((_pick(cells, header, "t/s", -1) or "").partition("±")[0].strip())
    for row in rows:
        reading.add("throughputs", row, counts=counts)
    half = half_unit(texts)
    if half is not None:
        reading.precision.setdefault("throughputs", {}).update({"rate_mean": half, "rate_std": half})
    return None


def _pick(cells: list[str], header: list[str] | None, name: str, position: int) -> str | None:
    if header is not None and name in header and header.index(name) < len(cells):
        return cells[header.index(name)]
    if header is not None and name not in header:
        return None
    return cells[position] if -len(cells) <= position < len(cells) else None


def _test_row(locator: str, cells: list[str], header: list[str] | None, around: _Around) -> Row | None:
    test = parse_test(_pick(cells, header, "test", -2) or "")
    rate = _RATE.match(_pick(cells, header, "t/s", -1) or "")
    if test is None or rate is None:
        return None
    fields: dict[str, Any] = {"n_prompt": test[0], "n_gen": test[1], "n_depth": test[2]}
    if header is not None:
        stated = dict(zip(header, cells, strict=False))
        fields |= {COLUMNS[name]: cell for name, cell in stated.items() if name in COLUMNS}
    elif len(cells) >= 7:
        on_cpu = "CPU" in cells[3] or "BLAS" in cells[3]
        fields |= {"backend": cells[3], "n_threads" if on_cpu else "n_gpu_layers": cells[4]}
    fields = around.options | fields
    fields["backend"] = backend_of(fields.get("backend"))
    fields["model_file"] = file_stem(around.file)
    model_type = _pick(cells, header, "model", 0)
    row: Row = {
        "locator": locator,
        "suite": "llama-bench",
        "case": case_name(*test),
        "model": model_of(model_type),
        "quantization": quantization_of(model_type, around.file),
        "engine": "llama.cpp",
        "config": options(fields),
        "rate_unit": "tokens/s",
        "status": "ok",
        "rate_mean": number(rate.group(1), locator=locator, field="t/s"),
    }
    if around.device:
        row["hardware"] = hardware_name(around.device)
    if rate.group(2):
        row["rate_std"] = number(rate.group(2), locator=locator, field="t/s")
    if not row["rate_mean"]:
        row |= {"status": "failed", "error_kind": "no_output"}
        row.pop("rate_mean")
        row.pop("rate_std", None)
    return row


def read_batches(lines: list[str], reading: Reading, counts: bool) -> str | None:
    """Rows of `throughputs`: a table row is one record with up to three rates."""
    header: list[str] | None = None
    settings: dict[str, Any] = {}
    around = _Around()
    texts: list[str] = []
    for position, line in enumerate(lines, start=1):
        if "|" not in line:
            header = None
            around.note(line)
            settings = dict(_SETTINGS.findall(line)) if "n_kv_max = " in line else settings
            continue
        cells = _cells(line)
        if _is_batch_header(line):
            header = [cell.lower() for cell in cells]
            continue
        record = dict(zip(header or [], cells, strict=False))
        if header is not None and len(cells) == len(header) and record["pp"].isdigit():
            texts += [record[name] for _, name, _ in _BATCH_RATES if name in record]
            try:
                add_batch(reading, f"line {position}", record, settings, around, counts)
            except ArtifactError as refused:
                refuse(reading, refused, f"line {position}")
    half = half_unit(texts)
    if half is not None:
        reading.precision.setdefault("throughputs", {})["rate_mean"] = half
    return None


def add_batch(
    reading: Reading,
    locator: str,
    record: dict[str, Any],
    settings: dict[str, Any],
    around: _Around | None,
    counts: bool,
) -> None:
    """The rates of one batch size: prompt processing, generation, and both together, each one sample."""
    prompt, generated = (int(number(record[key], locator=locator, field=key) or 0) for key in ("pp", "tg"))
    batch = record.get("b")
    fields = {
        **(around.options if around else {}),
        **settings,
        "n_prompt": prompt,
        "n_gen": generated,
        "batch_size": batch,
    }
    if batch is None:
        fields["n_depth"] = record.get("n_kv")
    fields["model_file"] = file_stem(around.file) if around else None
    suffix = f"@b{batch}" if batch is not None else f"@d{record.get('n_kv')}"
    base: Row = {
        "locator": locator,
        "suite": "llama-batched-bench" if batch is not None else "llama-sweep-bench",
        "engine": "llama.cpp",
        "config": options(fields),
        "rate_unit": "tokens/s",
        "status": "ok",
    }
    if around and around.file:
        base |= {"model": file_stem(around.file), "quantization": quantization_of(None, around.file)}
    if around and around.device:
        base["hardware"] = hardware_name(around.device)
    names = {
        "pp": case_name(prompt, 0),
        "tg": case_name(0, generated),
        "pp+tg": case_name(prompt, generated),
    }
    added = False
    for phase, rate_key, _ in _BATCH_RATES:
        rate = number(record.get(rate_key), locator=locator, field=rate_key)
        if rate:
            row = base | {"case": names[phase] + suffix, "n": 1, "rate_mean": rate}
            reading.add("throughputs", row, counts=counts and not added)
            added = True
    if not added:
        failed = base | {
            "case": names["pp+tg"] + suffix,
            "status": "failed",
            "error_kind": "no_output",
        }
        reading.add("throughputs", failed, counts=counts)
