"""llama-bench in json, json lines, csv and wrapped json lines. All values here are invented."""

import json

import pytest

from chimera_pipeline.readers.formats import llama_bench
from chimera_pipeline.readers.llama_cases import file_stem, parse_test, quantization_of
from chimera_pipeline.readers.registry import read
from chimera_pipeline.records import ArtifactStatus, Format
from chimera_pipeline.settings import Limits
from tests.unit.readers.samples.serving_tools import LLAMA_BENCH as RUN


def reading(text, format=Format.JSON):
    return read(text.encode(), format, Limits())


def rows(text, format=Format.JSON):
    return reading(text, format).rows["throughputs"]


def test_a_json_array_gives_one_row_a_test():
    found = reading(json.dumps([RUN, RUN | {"n_prompt": 0, "n_gen": 128, "n_depth": 4096}]))
    first, second = found.rows["throughputs"]
    assert found.tool == "llama-bench"
    assert (found.records_ok, found.records_failed) == (2, 0)
    assert (first["locator"], first["case"], second["case"]) == ("/0", "pp512", "tg128@d4096")
    assert (first["rate_mean"], first["rate_std"], first["n"], first["rate_unit"]) == (
        256.0,
        2.0,
        2,
        "tokens/s",
    )
    assert first["model"] == "llama_1B_Q4_K_-_Medium"
    assert first["quantization"] == "UD-Q4_K_XL"
    assert first["engine"] == "llama.cpp-b7001"
    assert first["hardware"] == "2xGPU_X"
    assert first["measured_at"] == "2026-01-02T03:04:05.000000+00:00"
    assert first["time_naive"] is False
    assert first["config"]["flash_attn"] == 1
    assert first["config"]["model_file"] == "Tiny-1B-UD-Q4_K_XL"


def test_samples_and_times_stand_beside_the_row():
    found = reading(json.dumps(RUN) + "\n", Format.JSONL)
    beside = [(m["metric"], m["statistic"], m["value"], m["n"]) for m in found.rows["measurements"]]
    assert beside == [
        ("rate", "sample", 254.0, 1),
        ("rate", "sample", 258.0, 1),
        ("case_time_s", "mean", 2.0, 2),
        ("case_time_s", "std", 0.001, 2),
    ]
    assert found.rows["throughputs"][0]["locator"] == "line 1"
    over_lines = reading(json.dumps(RUN, indent=1))
    assert over_lines.rows["throughputs"][0]["locator"] == "/avg_ts"
    assert over_lines.rows["measurements"][1]["locator"] == "/samples_ts/1"


def test_stderr_lines_before_json_lines_are_no_records():
    text = "ggml_cuda_init: found 1 device\n  Device 0: GPU X\n" + json.dumps(RUN) + "\n" + json.dumps(RUN) + "\n"
    found = reading(text, Format.JSONL)
    assert [row["locator"] for row in found.rows["throughputs"]] == ["line 3", "line 4"]
    assert found.status is ArtifactStatus.OK


def test_csv_has_no_samples_and_hence_no_n():
    keys = [key for key in RUN if not key.startswith("samples")]
    line = ",".join('"' + str(RUN[key]) + '"' for key in keys)
    found = reading(",".join(keys) + "\n" + line + "\n", Format.CSV)
    (row,) = found.rows["throughputs"]
    assert "n" not in row
    assert (row["locator"], row["rate_mean"], row["config"]["flash_attn"]) == ("row 1", 256.0, 1)
    assert found.precision["throughputs"]["rate_mean"] == pytest.approx(0.05)


def test_options_agree_between_json_and_csv():
    stated = RUN | {"flash_attn": -1, "n_gpu_layers": -1, "no_kv_offload": False}
    (from_json,) = rows(json.dumps([stated]))
    keys = [key for key in stated if not key.startswith("samples")]
    cells = [int(stated[key]) if isinstance(stated[key], bool) else stated[key] for key in keys]
    (from_csv,) = rows(",".join(keys) + "\n" + ",".join(f'"{cell}"' for cell in cells) + "\n", Format.CSV)
    assert from_csv["config"] == from_json["config"]
    assert from_csv["config"]["flash_attn"] == -1


def test_stderr_lines_before_a_csv_are_skipped():
    keys = ["model_type", "n_prompt", "n_gen", "avg_ts"]
    text = "ggml: found\nwarn, x\n" + ",".join(keys) + '\n"llama 1B Q8_0","0","64","12.5"\n'
    (row,) = rows(text, Format.CSV)
    assert (row["locator"], row["case"], row["rate_mean"], row["quantization"]) == (
        "line 4",
        "tg64",
        12.5,
        "Q8_0",
    )


@pytest.mark.parametrize("rate", [0, 0.0, None])
def test_a_test_without_a_rate_is_failed_and_keeps_no_measurement(rate):
    found = reading(json.dumps([RUN | {"avg_ts": rate, "samples_ts": []}]))
    (row,) = found.rows["throughputs"]
    assert (found.records_ok, found.records_failed) == (0, 1)
    assert row["status"] == "failed"
    assert not {"rate_mean", "rate_std", "n"} & row.keys()


def test_one_repetition_has_no_spread():
    (row,) = rows(json.dumps([RUN | {"samples_ts": [256.0], "stddev_ts": 0.0}]))
    assert (row["n"], row["rate_std"]) == (1, None)


def test_a_wrapped_result_counts_once_and_brings_build_and_power():
    line = {
        "mode": "pp",
        "value": 512,
        "tokens_per_sec": 256.0,
        "bench_raw": RUN,
        "build": "llama.cpp-hip",
        "fa": "",
        "hipblaslt": "1",
        "avg_power_w": 50.5,
    }
    found = reading(json.dumps(line), Format.JSONL)
    (row,) = found.rows["throughputs"]
    assert found.records_ok == 1
    assert (row["config"]["build"], row["config"]["hipblaslt"]) == ("llama.cpp-hip", 1)
    power = [m for m in found.rows["measurements"] if m["metric"] == "power_w"]
    assert [(m["statistic"], m["value"]) for m in power] == [("mean", 50.5)]


def test_a_wrapped_run_without_result_is_failed():
    line = {"mode": "tg", "value": 64, "bench_raw": None, "error": "CUDA error: out of memory"}
    (row,) = rows(json.dumps(line), Format.JSONL)
    assert (row["status"], row["error_kind"], row["case"]) == ("failed", "memory", "tg64")


def test_an_older_layout_without_depth_and_samples_is_read():
    old = {key: RUN[key] for key in ("model_type", "n_prompt", "n_gen", "avg_ts", "stddev_ts", "test_time")}
    (row,) = rows(json.dumps([old]))
    assert (row["case"], row["engine"], row["hardware"]) == ("pp512", "llama.cpp", None)


def test_a_cut_array_gives_nothing_and_says_so():
    text = json.dumps([RUN, RUN], indent=2)
    found = reading(text[:-120])
    assert (found.status, found.reason, found.rows) == (ArtifactStatus.QUARANTINED, "truncated", {})


def test_a_cut_last_line_is_refused_with_its_place():
    text = json.dumps(RUN) + "\n" + json.dumps(RUN)[:200]
    found = reading(text, Format.JSONL)
    assert found.records_ok == 1
    assert [r.locator for r in found.rejections] == ["line 2"]


def test_a_word_for_a_number_is_refused_with_its_place():
    found = reading(json.dumps([RUN, RUN | {"avg_ts": "fast"}]))
    assert found.records_ok == 1
    assert (found.rejections[0].reason, found.rejections[0].locator) == ("bad_number", "/1")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("pp512", (512, 0, 0)),
        ("pp 512", (512, 0, 0)),
        ("tg128 @ d4096", (0, 128, 4096)),
        ("pp512+tg128", (512, 128, 0)),
        ("test", None),
        ("", None),
    ],
)
def test_cells_of_a_test(cell, expected):
    assert parse_test(cell) == expected


@pytest.mark.parametrize(
    ("model_type", "filename", "expected"),
    [
        ("llama 7B Q4_0", None, "Q4_0"),
        ("llama 7B Q4_K - Medium", None, "Q4_K_M"),
        ("llama 13B IQ3_S mix - 3.66 bpw", None, "IQ3_M"),
        ("llama 13B IQ4_XS - 4.25 bpw", None, "IQ4_XS"),
        ("gpt-oss 20B MXFP4 MoE", None, "MXFP4"),
        ("llama 8B Q6_K (guessed)", None, "Q6_K"),
        ("qwen3 30B Q4_K - Medium", "m/Qwen3-30B-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
        ("llama 7B", None, None),
    ],
)
def test_the_quantization_is_read_from_file_or_type(model_type, filename, expected):
    assert quantization_of(model_type, filename) == expected


def test_folders_shards_and_suffix_are_no_part_of_a_model_file():
    assert file_stem("/home/someone/models/A-B.i1-Q4_K_M-00002-of-00009.gguf") == "A-B.i1-Q4_K_M"


def test_other_json_is_not_claimed():
    from chimera_pipeline.readers.document import Document

    assert not llama_bench.matches(Document(b'[{"n_prompt": 1}]'))
    assert not llama_bench.matches(Document(b"a,b\n1,2\n"))
