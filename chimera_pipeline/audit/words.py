"""The words of reports: statistics, conditions, directions, hedges, options. Data only, no logic.

Metrics have their words in `schemas/metrics.yaml`; `METRIC_WORDS` adds the verbs and everyday names that a sentence
uses for them, and the names of metrics that this pipeline does not measure, so that such a claim finds no fact.
"""

from __future__ import annotations

# A pattern or a list of phrases is read whole.
# ruff: noqa: E501

STATISTICS: dict[str, tuple[str, ...]] = {
    "mean": ("mean", "average", "averages", "averaged", "averaging", "avg", "arithmetic mean", "on average",
             "μ", "mittlere", "mittlerer", "mittlerem", "mittel", "durchschnitt", "im durchschnitt", "durchschnittlich",
             "moyenne", "en moyenne", "moyen", "media", "en promedio", "promedio", "gemiddeld", "per average"),
    "median": ("median", "p50", "50th percentile", "medianen", "médiane", "mediana", "medians", "med", "q50", "2nd quartile"),
    "min": ("min", "minimum", "minimal", "smallest value", "best case", "best-case", "mindestwert"),
    "max": ("max", "maximum", "maximal", "peak", "peaked", "peaks", "peaking", "worst case", "worst-case", "höchstwert",
            "spike", "spiked"),
    "std": ("standard deviation", "standard deviations", "std", "std dev", "stddev", "std.dev", "stdev", "sd", "sigma",
            "σ", "standardabweichung", "écart-type", "s.d"),
    "stderr": ("standard error", "stderr", "sem", "std err"),
    "cv": ("coefficient of variation", "cv", "relative standard deviation", "rsd", "relative spread"),
    "iqr": ("interquartile range", "iqr"),
    "variance": ("variance",),
    "range": ("spread of", "range of"),
    "total_over_total": ("total over total", "aggregate over all requests", "token weighted", "token-weighted",
                         "tokens over total time", "harmonic mean", "total-over-total"),
    "total": ("total", "totals", "in total", "a total of", "sum", "altogether", "sum total", "grand total"),
    "geomean": ("geometric mean", "geomean"),
}  # fmt: skip
AVERAGES = frozenset({"mean", "median", "geomean", "total_over_total"})
CENTRAL = frozenset(
    {"mean", "median", "total_over_total", "sample", "value", "count", "total", "sum", "share", "ratio"}
)
SPREADS = frozenset({"std", "stderr", "cv", "iqr", "variance"})

PHASES: dict[str, tuple[str, ...]] = {
    "cold": ("cold", "cold start", "cold-start", "cold run", "cold request", "first request", "first call", "first run",
             "initial request", "very first request", "first prompt", "uncached", "cold starts", "kalt", "kaltstart",
             "after a restart", "before warm up", "before warm-up", "first invocation",  "freshly loaded",
             "cold launch", "coldstart", "unwarmed", "initial call", "first load"),
    "warm": ("warm", "warmed up", "warmed-up", "warm start", "warm request", "warm requests", "after warm up",
             "after warm-up", "after warmup", "once warm", "steady state", "steady-state", "subsequent request",
             "subsequent requests", "later request", "later requests", "hot", "warmed", "warm run", "warm cache",
             "following requests", "subsequent calls", "already loaded", "preloaded", "subsequent runs", "after the warm-up",
             "after the warmup", "after the warm up", "warmup done", "excluding cold start", "excluding the cold start",
             "excluding the first request", "without the cold start", "without the first request", "cache hot"),
}  # fmt: skip

METRIC_WORDS: dict[str, tuple[str, ...]] = {
    "decode_tokens_per_s": ("decoding throughput", "decoding rate", "decode speed", "decoding speed", "generation speed",
                            "generation rate", "token rate", "token throughput", "token generation rate", "token generation",
                            "token generation speed", "tokens each second", "tokens a second", "durchsatz",
                            "decode durchsatz", "débit", "inference speed", "tokens/sec", "tok/sec", "tokens/second",
                            "token generation throughput", "decode performance", "output speed", "decodes", "decoded",
                            "generation throughput", "output rate", "token output rate", "tps", "speed", "decoding",
                            "writing speed", "text generation speed", "streaming speed", "streaming rate", "tokens per sec"),
    "ttft_s": ("first token", "first-token latency", "first token latency", "time to the first token", "time-to-first-token",
               "first token time", "time until the first token", "time until first token", "time before the first token",
               "first-token time", "prompt-to-first-token time", "latency to first token", "delay before the first token",
               "time to 1st token", "first token delay", "wait for the first token", "time to first response token",
               "initial response time", "time-to-first-byte", "prompt to first token"),
    "load_s": ("model load", "model loading", "model loading time", "load takes", "loading", "loads in", "to load", "load",
               "loading time", "model load duration", "time to load"),
    "prompt_eval_s": ("prompt evaluation", "prompt processing time", "prefill", "prompt processing"),
    "eval_s": ("decoding time", "eval time", "decode duration", "evaluation duration"),
    "total_s": ("end to end latency", "end-to-end time", "total latency", "total response time", "response time",
                "end to end time", "overall latency", "full request time", "end-to-end duration", "total request time",
                "request duration", "total time", "end to end request latency", "e2e time", "e2e", "complete request",
                "request time", "whole request", "full request", "latenz", "turnaround", "turnaround time",
                "round-trip time", "round trip time", "per-request latency", "latency per request"),
    "end_to_end_tokens_per_s": ("e2e throughput", "end to end throughput", "end-to-end token rate"),
    "time_s": ("runtime", "running time", "kernel execution time", "runs in", "execution", "kernel latency", "run-time",
               "wall time", "wall clock time", "wall-clock time", "executes in", "laufzeit", "kernel duration"),
    "compile_s": ("compilation", "compiles in", "to compile", "compiling", "compile", "compilation duration", "export time",
                  "compile duration"),
    "output_tokens": ("output length", "response length", "completion length", "generated output"),
    "prompt_tokens": ("prompt length", "input length"),
    "requests": ("requests", "calls"),
    "requests_failed": ("failed", "failures", "failing requests", "unsuccessful requests", "requests failed",
                        "failed calls", "erroneous requests"),
    "requests_ok": ("succeeded", "completed", "successes", "ok requests", "requests succeeded", "requests completed",
                    "went through", "without an error", "without error", "without errors"),
    "output_tokens_per_s": ("output tokens per second", "system throughput", "aggregate output throughput",
                            "aggregate throughput", "serving throughput", "output rate", "output tok/s", "output tokens/s",
                            "output tok/sec", "output tokens/sec", "output t/s", "generated tokens per second",
                            "generated tokens/s", "generated tok/s"),
    "quality": ("exact match score", "accurate", "eval score"),
    "system": ("gpu memory usage", "vram", "vram usage", "memory usage", "gpu utilisation", "gpu load", "cpu utilisation",
               "cpu usage", "cpu load", "gpu usage", "memory footprint", "gpu temperature", "power consumption", "memory",
               "gpu memory footprint", "video memory", "power", "gpu power", "ram", "ram usage", "memory consumption",
               "gpu ram", "memory use", "gpu power draw", "vram footprint", "vram consumption", "device memory",
               "video ram", "graphics memory", "wattage"),
}  # fmt: skip

OTHER_METRICS = (
    "prefill throughput", "prefill speed", "prefill rate", "prompt throughput", "prompt processing speed",
    "prompt processing rate", "prompt eval rate", "prompt evaluation rate", "input throughput", "training throughput",
    "training time", "training loss", "disk footprint", "disk usage", "disk space", "disk size", "model size", "file size",
    "download size", "energy", "energy use", "energy consumption", "energy per token", "energy efficiency",
    "energy efficient", "cheaper", "cost per token", "cost per million tokens", "bandwidth",
    "memory bandwidth", "memory traffic", "network traffic", "pcie bandwidth", "cache hit rate", "hit rate", "error rate",
    "failure rate", "success rate", "availability", "uptime", "fan speed", "clock speed", "clock frequency", "flops",
    "parameter count", "parameters", "vocabulary size", "accuracy loss", "quality loss", "bleu", "rouge", "f1", "f1 score",
    "word error rate", "wer", "mrr", "recall", "precision", "pass@1", "win rate", "elo", "queue time", "queueing time",
    "queue delay", "network latency", "disk latency", "tokenization time", "tokenizer speed", "sampling time",
    "occupancy", "sm occupancy", "jitter", "goodput", "context window size", "carbon",
    "emissions", "warm up time", "warm-up time", "warmup time", "startup time", "start-up time", "boot time",
    "shutdown time", "read throughput", "write throughput", "disk throughput", "network throughput", "io throughput",
    "batch throughput", "cpu temperature", "efficiency", "reliability", "satisfaction", "code coverage", "coverage",
    "inference cost", "embedding time", "retrieval time", "request rate", "arrival rate", "utilization", "utilisation",
    "latency variance", "heat", "noise level", "throughput per watt", "tokens per watt", "tokens per joule",
)  # fmt: skip

QUALIFIERS = frozenset((
    "prefill", "prompt", "input", "training", "disk", "network", "pcie", "read", "write", "storage", "tokenizer",
    "tokenization", "embedding", "batch", "user", "per-user", "sampling", "queue", "queueing", "scheduling",
    "cache", "memory", "io", "ingest", "ingestion", "report", "analysis", "dns", "http", "build", "startup", "boot",
    "shutdown", "download", "upload", "retrieval", "preprocessing", "postprocessing",
))  # fmt: skip
GENERIC = frozenset((
    "throughput", "latency", "time", "rate", "speed", "duration", "memory", "power", "size", "score", "accuracy",
    "loss", "requests", "utilization", "temperature", "energy",
))  # fmt: skip

UP = frozenset((
    "raises", "raised", "lifts", "lifted", "boosts", "boosted", "higher", "greater", "larger", "bigger", "more",
    "longer", "above", "increase", "increased", "increases", "increasing", "rise", "rose", "rises", "risen", "grew",
    "grow", "grows", "gain", "gained", "gains", "up", "additional", "extra", "exceeds", "exceed", "exceeded",
    "heavier", "höher", "mehr",
))  # fmt: skip
DOWN = frozenset((
    "undercuts", "lowers", "lowered", "lower", "smaller", "less", "fewer", "shorter", "sooner", "earlier", "below",
    "decrease", "decreased", "decreases", "reduction", "reduced", "reduces", "drop", "dropped", "drops", "fell",
    "fall", "falls", "fallen", "declined", "decline", "down", "cut", "cuts", "lighter", "saves", "saved", "shrank",
    "niedriger", "weniger",
))  # fmt: skip
BETTER = frozenset((
    "outruns", "bests", "overtakes", "eclipses", "better", "faster", "quicker", "speedier", "improvement",
    "improved", "improves", "improve", "speedup", "speed-up", "outperforms", "outperform", "outperformed", "beats",
    "beat", "beating", "surpasses", "surpassed", "outpaces", "outpaced", "superior", "schneller", "besser", "leads",
))  # fmt: skip
WORSE = frozenset((
    "falls_short", "worse", "slower", "slowdown", "regression", "regressed", "degradation", "degraded", "trails",
    "trailed", "lags", "lagged", "underperforms", "inferior", "langsamer", "schlechter",
))  # fmt: skip
SPEED = frozenset((
    "faster", "quicker", "speedier", "slower", "slowdown", "speedup", "speed-up", "schneller", "langsamer", "fast",
    "slow", "quick",
))  # fmt: skip

SUPERLATIVES: dict[str, str] = {
    "fastest": "best", "quickest": "best", "speediest": "best", "best": "best", "slowest": "worst", "worst": "worst",
    "highest": "up", "largest": "up", "greatest": "up", "biggest": "up", "most": "up", "longest": "up", "top": "best",
    "lowest": "down", "smallest": "down", "least": "down", "fewest": "down", "shortest": "down", "poorest": "worst",
    "leanest": "down", "cheapest": "down", "hottest": "up", "coolest": "down", "heaviest": "up", "lightest": "down", "schnellste": "best", "langsamste": "worst",
}  # fmt: skip

COMPARATIVES: dict[str, str] = {
    "faster": "best", "quicker": "best", "better": "best", "slower": "worst", "worse": "worst", "higher": "up", "larger": "up",
    "greater": "up", "bigger": "up", "longer": "up", "lower": "down", "smaller": "down", "shorter": "down",
}  # fmt: skip
"""With "the" before and nobody named to compare with, these mean the first of all ("A has the lower latency")."""

OPTIONS: dict[str, str] = {
    "num_ctx": "num_ctx", "n_ctx": "num_ctx", "context length": "num_ctx", "context window": "num_ctx",
    "context size": "num_ctx", "ctx": "num_ctx", "context": "num_ctx", "num_gpu": "num_gpu", "gpu layers": "num_gpu",
    "n_gpu_layers": "num_gpu", "ngl": "num_gpu", "num gpu": "num_gpu", "num ctx": "num_ctx",
    "temperature": "temperature", "temp": "temperature", "top_p": "top_p", "top-p": "top_p", "top p": "top_p",
    "top_k": "top_k", "top-k": "top_k", "top k": "top_k", "min_p": "min_p", "repeat_penalty": "repeat_penalty",
    "repeat penalty": "repeat_penalty", "repetition penalty": "repeat_penalty", "seed": "seed", "batch size": "batch_size",
    "batch_size": "batch_size", "batch": "batch_size", "batch sizes": "batch_size", "concurrency": "concurrency",
    "concurrency level": "concurrency", "max concurrency": "concurrency", "max_concurrency": "concurrency",
    "num_predict": "num_predict", "max tokens": "max_tokens", "max_tokens": "max_tokens", "num_thread": "num_thread",
    "threads": "num_thread", "n_threads": "num_thread", "request_rate": "request_rate", "num_batch": "num_batch",
    "sequence length": "seq_len", "seq_len": "seq_len", "input_len": "input_len", "output_len": "output_len",
    "tensor parallel": "tp", "tensor_parallel_size": "tp", "tensor parallelism": "tp", "tp": "tp", "rank": "rank",
    "port": "port", "timeout": "timeout", "learning rate": "learning_rate", "epochs": "epochs", "beam width": "beam",
    "beams": "beam", "workers": "workers", "max_num_seqs": "max_num_seqs", "block size": "block_size",
    "warmup_runs": "warmup_runs", "n_shot": "n_shot", "num_fewshot": "n_shot", "hidden size": "hidden_size",
    "embed_dim": "embed_dim", "num_heads": "num_heads", "num_layers": "num_layers", "retries": "retries",
    "keep_alive": "keep_alive", "n_batch": "n_batch", "n_ubatch": "n_ubatch", "num_prompts": "num_prompts",
    "significance level": "alpha", "alpha": "alpha", "n_predict": "num_predict", "k_shot": "n_shot",
    "level of concurrency": "concurrency", "parallelism": "concurrency", "vus": "vus", "virtual users": "vus",
}  # fmt: skip
OPTION_NOUNS = {
    "concurrent request": "concurrency", "concurrent user": "concurrency", "concurrent client": "concurrency",
    "parallel request": "concurrency", "simultaneous request": "concurrency", "parallel client": "concurrency",
    "concurrent connection": "concurrency", "concurrent session": "concurrency", "parallel user": "concurrency",
    "gpu layer": "num_gpu", "concurrent stream": "concurrency", "parallel stream": "concurrency",
    "simultaneous user": "concurrency", "simultaneous client": "concurrency", "vu": "vus", "virtual user": "vus",
}  # fmt: skip

VERSIONED = frozenset((
    "version", "versions", "release", "python", "cuda", "cudnn", "pytorch", "torch", "ollama", "vllm", "rocm",
    "driver", "ubuntu", "debian", "windows", "linux", "kernel-version", "triton", "tensorrt", "numpy", "pandas",
    "dagster", "transformers", "docker", "node", "java", "rust", "go", "gcc", "clang", "llvm", "macos", "ios",
    "android", "directx", "opengl", "vulkan", "openvino", "onnx", "onnxruntime", "jax", "tensorflow",
    "nvidia-driver", "build", "rev", "revision", "sglang", "pydantic", "polars",
))  # fmt: skip
NUMBERED = frozenset((
    "section", "offset", "byte", "position", "sections", "chapter", "table", "tables", "figure", "figures", "fig",
    "step", "steps", "stage", "phase", "appendix", "page", "pages", "issue", "issues", "listing", "equation", "eq",
    "item", "part", "no", "nr", "number", "line", "lines", "row", "column", "rank", "run", "trial", "config",
    "report", "question", "task", "scenario", "experiment", "case", "option", "release", "note", "footnote",
    "ticket", "pr", "annex", "paragraph", "day", "week", "month", "quarter", "iteration", "test", "sample",
    "prompt", "agent", "gpu", "core", "worker", "node", "level", "tier", "scenario", "profile", "attempt", "rule",
    "requirement", "rq", "h",
))  # fmt: skip
HARDWARE = frozenset((
    "rtx", "gtx", "geforce", "nvidia", "amd", "intel", "radeon", "ryzen", "epyc", "xeon", "core", "tesla", "quadro",
    "apple", "mi300x", "mi250", "h100", "h200", "a100", "a10", "l4", "l40", "l40s", "t4", "v100", "b200", "gh200",
    "tpu", "ddr4", "ddr5", "gddr6", "gddr6x", "hbm2", "hbm3", "pcie", "nvme", "ssd", "cpu", "gpu", "ram", "vram",
    "cuda", "rocm", "sm", "avx", "avx2", "avx512", "utf", "utf8", "utf16", "sha256", "md5", "sha1", "ipv4", "ipv6",
    "http2", "fp8", "fp16", "fp32", "fp64", "bf16", "int4", "int8", "tf32", "x86", "x64", "arm64", "amd64", "win10",
    "win11", "o1", "o2", "o3", "h264", "base64", "s3", "k8s", "i18n", "oauth2", "iso8601", "rfc3339", "p0", "p1",
    "p2", "q1", "q2", "q3", "q4", "m1", "m2", "m3", "m4",
))  # fmt: skip
TEST_NAMES: dict[str, frozenset[str]] = {
    "pp": frozenset(("prompt processing", "prompt processing speed", "prompt processing rate", "prefill", "prefill speed",
                     "prefill throughput", "prefill rate", "prompt evaluation", "prompt eval", "prompt throughput")),
    "tg": frozenset(("text generation", "text generation speed", "token generation", "token generation speed",
                     "token generation rate", "generation speed", "generation rate", "generation throughput")),
}  # fmt: skip
"""What llama-bench calls pp512 and tg128, in words."""
ALTERNATIVES: tuple[frozenset[str], ...] = (
    frozenset(("cuda", "metal", "vulkan", "rocm", "hip", "sycl", "opencl", "directml", "webgpu", "cpu", "gpu", "mps", "tpu", "npu")),
    frozenset(("eager", "inductor", "jit", "onnx", "onnxruntime", "tensorrt", "torch_compile", "torchscript", "openvino",
               "xla", "tvm", "cudagraphs", "triton")),
    frozenset(("vllm", "sglang", "tgi", "ollama", "llama.cpp", "tensorrt-llm", "lmdeploy", "mlc-llm", "exllamav2")),
    frozenset(("offline", "server", "singlestream", "multistream", "interactive")),
)  # fmt: skip
"""Names of which one excludes the others: where facts have one as a condition, the others are conditions as well."""
COMMON_ALTERNATIVES = frozenset((
    "cuda", "metal", "hip", "cpu", "gpu", "mps", "npu", "tpu", "eager", "jit", "offline", "server", "interactive", "triton",
))  # fmt: skip
"""Those that a sentence may use for something else: they count only where something runs on them."""
ANY_GPU = frozenset(("cuda", "metal", "vulkan", "rocm", "hip", "sycl", "opencl", "directml", "webgpu", "mps"))
FAMILIES = frozenset((
    "llama", "mistral", "mixtral", "phi", "qwen", "gemma", "gemini", "deepseek", "gpt", "falcon", "vicuna", "orca",
    "tinyllama", "codellama", "starcoder", "olmo", "granite", "smollm", "nemotron", "opt", "bloom", "bert", "t5",
    "whisper", "codestral", "zephyr", "solar", "yi", "command-r", "wizardlm", "stablelm", "pythia", "mpt", "dolly",
    "alpaca", "openchat", "nous", "hermes", "grok", "kimi", "glm", "baichuan", "internlm", "chatglm", "minicpm",
    "exaone", "jamba", "aya", "dbrx", "arctic", "ministral", "pixtral", "magistral", "devstral", "gpt-oss",
))  # fmt: skip
GLOBAL_ENTITIES = frozenset((
    "all", "overall", "artifacts", "artifact", "files", "file", "corpus", "dataset", "report", "inventory", "total",
    "run", "store", "everything", "-", "any", "data", "pipeline", "repository", "folder", "input", "inputs", "none",
))  # fmt: skip
