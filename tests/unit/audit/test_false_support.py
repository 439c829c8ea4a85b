"""False sentences that an earlier state of the auditor called supported, and their kin: none may pass again."""

from __future__ import annotations

import pytest
import yaml

from chimera_pipeline.audit import Verdict, audit
from chimera_pipeline.audit.facts_read import facts_from_rows
from tests.unit.audit.labelled import HERE

STORES = {
    name: tuple(facts_from_rows(rows))
    for name, rows in yaml.safe_load((HERE / "sixth.yaml").read_text(encoding="utf-8"))["facts"].items()
}

FALSE = {
    "a device that no fact has": ("llamabench", "pp512 on Vulkan: 4871.25 ± 31.60 t/s for llama-8b-q4_k_m."),
    "the device of another fact": ("llamabench", "On CUDA, llama-8b-q4_k_m generates 51.83 tokens/s (tg128)."),
    "a test that no fact has": ("llamabench", "pp2048 on CUDA: 4871.25 ± 31.60 t/s for llama-8b-q4_k_m."),
    "a test that no fact has, in a table": (
        "llamabench",
        "| model | backend | test | t/s |\n|---|---|---|---|\n| llama-8b-q4_k_m | CUDA | pp2048 | 4871.25 |\n",
    ),
    "a backend that no fact has, in a table": (
        "llamabench",
        "| model | backend | test | t/s |\n|---|---|---|---|\n| llama-8b-q4_k_m | Foo | pp512 | 4871.25 |\n",
    ),
    "the spread of another fact": ("llamabench", "pp512 on CUDA: 4871.25 ± 0.52 t/s for llama-8b-q4_k_m."),
    "a compiler that no fact has": ("compile", "For resnet18 onnx is 2.86x faster than eager in mean time."),
    "the value of the other side": (
        "compile",
        "The mean time of resnet18 falls by 44 % from eager (4.12 ms) to eager (2.31 ms).",
    ),
    "a superlative among conditions": ("compile", "tensorrt has the lowest compile time for resnet18."),
    "the statistic before its equals sign": ("web", "checkout-api, vus=50: avg=97.6ms med=118.3ms request latency."),
    "a percentile beside a number with a point": (
        "web",
        "At vus=200 the request latency of checkout-api: p99: 551.2 ms.",
    ),
    "none failed": ("web", "At vus=50 no request to checkout-api failed."),
    "every request, by the mean": ("web", "Every request to checkout-api at vus=50 took less than 300 ms."),
    "no request, by the mean": ("web", "No request to checkout-api at vus=50 took longer than 300 ms."),
    "every run, by the mean": ("commands", "Every run of ripgrep took less than 135 ms."),
    "no run, by the mean": ("commands", "No run of ripgrep took longer than 135 ms."),
    "the statistic after the spread": ("commands", "`ripgrep` ran in 128.7 ms ± 4.3 ms (median of 24 runs)."),
    "another program of a similar name": ("commands", "git grep ran in 941 ms."),
    "a fraction in words": ("commands", "The median time of ugrep is 316.5 ms, about a quarter of grep's."),
    "a rate called a latency": ("chat", "The mean decode latency of mistral-nemo:12b is nearly 48 tok/s."),
    "the unit of an interval": (
        "chat",
        "The mean decode throughput of qwen2.5:7b is 84.216 tok/s, 95 % confidence interval 83.07 to 85.36 req/s.",
    ),
    "values of two conditions the other way round": (
        "serving",
        "Median TTFT of Llama-3.1-8B-Instruct at concurrency 16 and 64 is 413 ms and 85 ms.",
    ),
    "values under two conditions are no range": (
        "serving",
        "Going from concurrency 1 to concurrency 64 doubles the median TPOT of Llama-3.1-8B-Instruct "
        "(12.7 ms to 55.4 ms).",
    ),
    "a task that no fact has, in a table": ("scores", "| | phi-4 |\n|---|---|\n| HellaSwag accuracy (%) | 79.3 |\n"),
    "one of two under a bound": ("chat", "Neither zeta9:4b nor mistral-nemo:12b needs more than 9 s of cold TTFT."),
    "both over a bound": ("chat", "zeta9:4b and llama3.2:3b exceed 100 tok/s in mean decode throughput."),
    "a deviation called an error": (
        "chat",
        "The standard error of the mean decode throughput of qwen2.5:7b is 1.37 tok/s.",
    ),
    "a deviation called a variance": ("chat", "The variance of the decode throughput of qwen2.5:7b is 1.37."),
    "all succeeded": ("web", "All requests to checkout-api at vus=50 succeeded."),
    "a task that no fact has, first": ("scores", "On HellaSwag phi-4 gets an exact match of 0.882."),
}


@pytest.mark.parametrize("why", FALSE)
def test_a_false_sentence_is_not_supported(why: str) -> None:
    store, text = FALSE[why]
    assert audit(text, STORES[store]).verdict is not Verdict.SUPPORTED


TRUE = [
    ("serving", "Median TTFT of Llama-3.1-8B-Instruct at concurrency 16 and 64 is 85 ms and 413 ms."),
    ("chat", "The standard error of the mean decode throughput of qwen2.5:7b is 0.48 tok/s."),
    ("chat", "The variance of the decode throughput of qwen2.5:7b is 1.88."),
    ("llamabench", "On the GPU, llama-8b-q8_0 generates 81.09 tokens/s (tg128)."),
    ("web", "Request latency of checkout-api at vus=200: p95 551.2 ms, p99 1.408 s."),
    ("commands", "Every run of ripgrep took less than 141 ms."),
    ("compile", "inductor has the lowest compile time for resnet18."),
    ("chat", "CUDA 12.4 and Ollama 0.12 were installed; mistral-nemo:12b has a mean decode throughput of 47.93 tok/s."),
]


@pytest.mark.parametrize(("store", "text"), TRUE)
def test_its_true_counterpart_is_supported(store: str, text: str) -> None:
    assert audit(text, STORES[store]).verdict is Verdict.SUPPORTED


FILES = tuple(
    facts_from_rows(
        {
            "metric": "files",
            "statistic": "count",
            "entity": "artifacts",
            "condition": condition,
            "value": n,
            "unit": "files",
        }
        for condition, n in (("", 104), ("benchmark files (csv, json and markdown)", 101), ("text files", 3))
    )
)


def test_all_files_or_the_benchmark_files_may_be_counted_and_nothing_else() -> None:
    assert audit("101 files were analysed, 104 files in all.", FILES).verdict is Verdict.SUPPORTED
    assert audit("101 benchmark files were read.", FILES).verdict is Verdict.SUPPORTED
    assert audit("104 benchmark files were read.", FILES).verdict is Verdict.CONTRADICTED
    assert audit("103 files were read.", FILES).verdict is Verdict.CONTRADICTED


@pytest.mark.parametrize("heading", ["# Benchmarks", "## Text generation"])
def test_a_heading_is_no_kind_of_file(heading: str) -> None:
    text = f"{heading}\n\nqwen2.5:7b has a mean decode throughput of 84.2 tok/s."
    assert audit(text, (*STORES["chat"], *FILES)).verdict is Verdict.SUPPORTED
