"""Single responses: Ollama's api, llama.cpp's server, llmperf. All values here are invented."""

import json

import pytest

from chimera_pipeline.readers.registry import read
from chimera_pipeline.records import Format
from chimera_pipeline.settings import Limits
from tests.unit.readers.samples.serving_tools import (
    LLAMA_SERVER as SERVER,
)
from tests.unit.readers.samples.serving_tools import (
    LLMPERF_REQUEST as LLMPERF,
)
from tests.unit.readers.samples.serving_tools import (
    OLLAMA_RESPONSE as OLLAMA,
)


def reading(value, format=Format.JSON):
    text = value if isinstance(value, str) else json.dumps(value)
    return read(text.encode(), format, Limits())


def request(value, format=Format.JSON):
    (row,) = reading(value, format).rows["llm_requests"]
    return row


def test_an_ollama_response_is_a_request_in_seconds():
    row = request(OLLAMA)
    assert (row["total_s"], row["load_s"], row["prompt_eval_s"], row["eval_s"]) == (3.0, 0.5, 0.25, 2.0)
    assert (row["ttft_s"], row["ttft_definition"]) == (0.75, "load + prompt evaluation")
    assert (row["decode_tokens_per_s"], row["prompt_tokens"], row["output_tokens"]) == (50.0, 20, 100)
    assert (row["model"], row["quantization"], row["engine"]) == ("tiny:1b-q8_0", "Q8_0", "ollama")
    assert (row["measured_at"], row["time_naive"]) == ("2026-01-02T03:04:05.500000+00:00", False)


def test_the_answer_goes_nowhere():
    assert "SECRET" not in repr(reading(OLLAMA))
    assert "SECRET" not in repr(reading(SERVER))
    assert "SECRET" not in repr(reading([LLMPERF]))


def test_only_the_last_chunk_of_a_stream_is_a_record():
    chunks = [{"model": "tiny", "created_at": "2026-01-02T03:04:05Z", "response": "a", "done": False}] * 3
    text = "\n".join(json.dumps(chunk) for chunk in [*chunks, OLLAMA])
    found = reading(text, Format.JSONL)
    assert [row["locator"] for row in found.rows["llm_requests"]] == ["line 4"]


def test_a_missing_count_is_absent_and_not_zero():
    cached = {key: value for key, value in OLLAMA.items() if not key.startswith("prompt_eval")}
    row = request(cached)
    assert not {"prompt_tokens", "prompt_eval_s", "ttft_s"} & row.keys()
    assert row["decode_tokens_per_s"] == 50.0


def test_errors_in_a_list_of_responses_are_failed_requests():
    found = reading([OLLAMA, {"error": "model 'x' not found"}, OLLAMA])
    assert (found.records_ok, found.records_failed) == (2, 1)
    assert found.rows["llm_requests"][1]["error_kind"] == "not_found"


def test_a_response_of_zeros_is_failed():
    zeros = {key: 0 for key in OLLAMA if key.endswith(("_duration", "_count"))}
    row = request(OLLAMA | zeros)
    assert (row["status"], row["error_kind"]) == ("failed", "no_output")
    assert "total_s" not in row


def test_loading_a_model_is_no_record():
    loaded = {"model": "tiny", "done": True, "done_reason": "load", "total_duration": 5_000_000_000}
    assert reading([loaded, OLLAMA]).records_ok == 1


def test_seconds_where_nanoseconds_belong_are_refused():
    found = reading([OLLAMA, OLLAMA | {"eval_duration": 2.5}])
    assert (found.records_ok, found.rejections[0].reason) == (1, "unknown_unit")


def test_a_server_response_has_prompt_and_decode_times():
    row = request(SERVER)
    assert (row["prompt_eval_s"], row["eval_s"], row["ttft_s"]) == (0.2, 1.0, 0.2)
    assert (row["prompt_tokens"], row["output_tokens"], row["decode_tokens_per_s"]) == (110, 50, 50.0)
    assert (row["model"], row["quantization"], row["engine"]) == ("Tiny-Q4_0.gguf", "Q4_0", "llama.cpp-b6881")


def test_tokens_of_the_prompt_are_those_evaluated_and_those_cached():
    plain = {key: value for key, value in SERVER.items() if key != "usage"}
    assert request(plain)["prompt_tokens"] == 110


def test_a_recorded_stream_gives_its_last_chunk():
    chunk = SERVER | {"object": "chat.completion.chunk"}
    early = chunk | {"timings": SERVER["timings"] | {"predicted_n": 1, "predicted_ms": 20.0}}
    text = f"data: {json.dumps(early)}\n\ndata: {json.dumps(chunk)}\n\ndata: [DONE]\n"
    found = reading(text, Format.TEXT)
    assert [(row["locator"], row["output_tokens"]) for row in found.rows["llm_requests"]] == [("line 3", 50)]


def test_a_server_error_beside_responses_is_failed():
    found = reading([SERVER, {"error": {"code": 503, "message": "Loading model: unavailable"}}])
    assert (found.records_ok, found.records_failed) == (1, 1)


def test_llmperf_requests_with_an_error_code_keep_no_measurement():
    bad = LLMPERF | {"error_code": -100, "error_msg": "Output too few tokens 102"}
    found = reading([LLMPERF, bad])
    ok, failed = found.rows["llm_requests"]
    assert (ok["ttft_s"], ok["total_s"], ok["itl_s"], ok["end_to_end_tokens_per_s"]) == (0.5, 2.5, 0.02, 40.0)
    assert (ok["prompt_tokens"], ok["output_tokens"]) == (550, 100)
    assert (found.records_failed, failed["error_kind"]) == (1, "other")
    assert not {"ttft_s", "total_s", "output_tokens"} & failed.keys()


def test_an_llmperf_summary_is_recomputable_but_for_the_wall_clock():
    summary = {
        "name": "x_summary",
        "model": "org/tiny",
        "mean_input_tokens": 550,
        "mean_output_tokens": 150,
        "num_concurrent_requests": 5,
        "results_ttft_s_mean": 0.5,
        "results_ttft_s_quantiles_p99": 0.9,
        "results_ttft_s_stddev": 0.1,
        "results_number_output_tokens_min": "120",
        "results_num_requests_started": 150,
        "results_number_errors": 49,
        "results_error_code_frequency": "{-100.0: 49}",
        "results_mean_output_throughput_token_per_s": 60.0,
        "results_num_completed_requests": 101,
        "results_num_completed_requests_per_min": 30.0,
        "timestamp": 1703638329,
    }
    found = reading(summary)
    (entry,) = found.summaries
    assert entry.stats["ttft_s:mean"] == (0.5, 0.0)
    assert entry.stats["ttft_s:p99"] == (0.9, 0.0)
    assert entry.stats["output_tokens:min"] == (120.0, 0.0)
    assert (entry.stats["ok:count"], entry.stats["rows:count"]) == ((101.0, 0.0), (150.0, 0.0))
    (row,) = found.rows["serving_runs"]
    assert (row["requests_ok"], row["requests_failed"], row["concurrency"]) == (101, 49, 5)
    assert (row["output_tokens_per_s"], row["requests_per_s"]) == (60.0, 0.5)
    assert row["measured_at"].startswith("2023-12-27T00:52:09")
    assert "ttft_s_mean" not in row
    assert found.records_ok == 1


@pytest.mark.parametrize("value", [{"error": "x"}, [{"done": True}], {"timings": {"a": 1}}])
def test_other_objects_are_not_claimed(value):
    assert reading(value).status == "unrecognised"


def test_steps_of_ollamas_own_bench_are_rates_and_times():
    text = """NAME,STEP,COUNT,NS_PER_COUNT,TOKEN_PER_SEC
# Model: tiny | Params: 1B | Quant: Q4_K_M | Family: tiny
tiny:1b,prefill,128,78125.00,12800.00
tiny:1b,generate,512,20000.00,50.00
tiny:1b,ttft,1,45000000,0
tiny:1b,load,1,0,0
"""
    found = reading(text, Format.CSV)
    assert [(row["case"], row["rate_mean"]) for row in found.rows["throughputs"]] == [
        ("prefill", 12800.0),
        ("generate", 50.0),
    ]
    assert [(row["case"], row.get("mean_s")) for row in found.rows["timings"]] == [
        ("ttft", 0.045),
        ("load", None),
    ]
    assert (found.records_ok, found.records_failed, found.rejections) == (3, 1, [])
    assert found.rows["throughputs"][0]["quantization"] == "Q4_K_M"
