"""What may leave an artifact as text: validated names, redacted values, closed error kinds.

Free text of artifacts (prompts, bodies, error strings) never enters a table, a report, a log or a prompt.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache
from typing import Any

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}\Z")
_SECRET_KEY = re.compile(r"key|token|secret|passw|authori[sz]ation|cookie|credential", re.IGNORECASE)
# Known shapes of keys and tokens; a text up to 1,000 characters is searched in linear time. What begins a private
# key is hidden to the end of the text. In a JSON pointer a slash is ~1.
_SECRET_VALUE = re.compile(
    r"sk-[A-Za-z0-9_-]{8,}|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{8,}|xox[a-z]-[\w-]{8,}"
    r"|hf_[A-Za-z0-9]{8,}|A[KS]IA[0-9A-Z]{12,}|AIza[\w-]{16,}|gsk_\w{16,}|nvapi-[\w-]{16,}|r8_\w{16,}|npm_\w{16,}"
    r"|pypi-[\w-]{16,}|ya29\.[\w-]{8,}|SG\.[\w-]{8,}\.[\w-]{8,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?|-----BEGIN [A-Z ]{1,40}-----(?s:.*)"
    r"|:(?://|~1~1)[^/\s:@]{0,64}:[^/\s@]{1,128}(?:@|\Z)|\b(?i:bearer|basic)\s{1,4}[\w.~+/=-]{16,}"
    r"|(?i:api[_-]?key|access[_-]?key|token|secret|passw(?:or)?d|authorization|cookie|credentials?)"
    r"[\"']?\s{0,4}[=:]\s{0,4}[\"']?(?![\d.]+\b)[^\s\"',;&]{4,}",
    re.ASCII,
)
_SEARCHED = 1_000
_MOST_OF_A_LISTING = 100_000
_SENTENCE = 8
_SHORT = 200
"""Longer texts are judged each time: what is remembered of short ones, names that come again and again, stays small."""
_MOST_WORDS_OF_A_TITLE = 24
_ENDS_A_SENTENCE = re.compile(r"[.!?;](?:\s|\Z)|[<>`\r\n]")
_WORD = re.compile(r"\W*[^\W\d_]{2,}\W*")
_MOST_WORDS_OF_A_VALUE = 5
_TAG = re.compile(r"<[A-Za-z/!?]")
_COUNT_KEYS = frozenset({"max_tokens", "num_tokens", "tokens", "prompt_tokens", "output_tokens", "keep_alive"})

OPTION_KEYS = frozenset(
    [
        "num_gpu",
        "num_ctx",
        "num_predict",
        "num_batch",
        "num_thread",
        "num_keep",
        "temperature",
        "top_p",
        "top_k",
        "min_p",
        "repeat_penalty",
        "seed",
        "concurrency",
        "request_rate",
        "batch_size",
        "seq_len",
        "embed_dim",
        "num_heads",
        "num_layers",
        "channels",
        "height",
        "width",
        "hidden_dim",
        "input_dim",
        "output_dim",
        "runs",
        "warmup_runs",
        "samples_per_run",
        "n_batch",
        "n_ubatch",
        "n_threads",
        "n_gpu_layers",
        "n_depth",
        "n_prompt",
        "n_gen",
        "type_k",
        "type_v",
        "flash_attn",
        "split_mode",
        "dtype",
        "device",
        "backend",
        "max_tokens",
        "num_prompts",
        "burstiness",
        "max_concurrency",
        "tensor_parallel_size",
        "tp",
        "input_len",
        "output_len",
        "context",
        "tone",
        "tag",
        "config_name",
        "rounds",
        "iterations",
        "threads",
        "repetitions",
        "n_shot",
        "limit",
        "num_fewshot",
        "no_kv_offload",
        "main_gpu",
        "embeddings",
        "mmap",
        "load_mode",
        "use_mmap",
        "context_length",
        "quant",
        "workload",
        "streaming",
        "endpoint_type",
        "job",
        "mode",
        "environment",
        "build_type",
        "warmup",
        "disable_gc",
        "timer",
        "strategy",
        "revision",
        "source",
        "scenario",
        "attn_implementation",
        "agent_type",
        "agent_a_num_gpu",
        "agent_a_num_ctx",
        "agent_a_temperature",
        "agent_b_num_gpu",
        "agent_b_num_ctx",
        "agent_b_temperature",
        "dp",
        "pp",
        "ep",
        "stage",
        "sequence_length",
        "max_new_tokens",
        "min_new_tokens",
        "num_beams",
        "apply_chat_template",
        "fewshot_as_multiturn",
        "n_cpu_moe",
        "cpu_mask",
        "poll",
        "tensor_split",
        "devices",
        "no_op_offload",
        "no_host",
        "defrag_thold",
        "model_file",
        "build",
        "hipblaslt",
        "rpc_servers",
        "lazy_mode",
        "repack",
        "n_kv_max",
        "is_pp_shared",
        "tp_size",
        "dp_size",
        "ep_size",
        "pp_size",
        "kv_cache_dtype",
        "attention_backend",
        "mem_fraction_static",
        "chunked_prefill_size",
        "max_running_requests",
        "schedule_policy",
        "scheduling_policy",
        "speculative_algorithm",
        "disable_radix_cache",
        "dataset_name",
        "random_input_len",
        "random_output_len",
        "random_range_ratio",
        "sharegpt_output_len",
        "max_num_seqs",
        "max_num_batched_tokens",
        "gpu_memory_utilization",
        "pipeline_parallel_size",
        "data_parallel_size",
        "max_batch_size",
        "max_num_tokens",
        "test_mode",
        "result",
        "target_qps",
        "samples_per_query",
        "min_query_count",
        "max_query_count",
        "performance_sample_count",
        "max_async_queries",
        "min_duration_ms",
        "max_duration_ms",
    ]
)


def name(text: Any) -> str | None:
    """`text` where it is a plain name, else `name#<hash8>`; None for blank.

    A name is 1 to 128 characters of letters, digits and `._:/@+-`, spaces turned into `_` first, and no sentence:
    that may address whoever reads it.
    """
    if text is None:
        return None
    written = str(text)
    return _name(written) if len(written) <= _SHORT else _name.__wrapped__(written)


@lru_cache(maxsize=20_000)
def _name(text: str) -> str | None:
    raw = unicodedata.normalize("NFC", text).strip()
    if not raw:
        return None
    plain = re.sub(r"\s+", "_", raw)
    if NAME.match(plain) and not is_text(raw) and not holds_secret(raw):
        return plain
    return hashed(raw)


def hashed(text: str) -> str:
    """What stands for a text that is not shown: `name#<hash8>`."""
    raw = unicodedata.normalize("NFC", text).strip()
    digest = hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"name#{digest}"


def holds_secret(text: str) -> bool:
    """Whether something in the first 1,000 characters looks like a key, a token or a password."""
    return _SECRET_VALUE.search(text[:_SEARCHED]) is not None


def is_text(text: str) -> bool:
    """Whether `text` is a sentence rather than a name: eight or more words of two letters and more.

    A command line or a description of a device has fewer: its words hold digits, dashes, slashes.
    """
    words = text[:_SEARCHED].split()
    return len(words) >= _SENTENCE and sum(bool(_WORD.fullmatch(word)) for word in words) >= _SENTENCE


def is_title(text: str) -> bool:
    """Whether `text` of any length is written as a title: every word of four letters and more begins with a capital and
    most go on in small letters, at most a third of all words are small, nothing ends a sentence or opens markup.

    So people name benchmarks, and so hardly anybody writes prose or speaks to a model.
    """
    words = [word for part in text[:_SEARCHED].split() if (word := part.strip("()[]{}-–—/:,+&#'\""))]
    letters = [word for word in words if word[0].isalpha()]
    small = [word for word in letters if not word[0].isupper()]
    loud = [word for word in letters if len(word) >= 4 and word.isupper()]
    return (
        bool(letters)
        and len(words) <= _MOST_WORDS_OF_A_TITLE
        and 3 * len(small) <= len(letters)
        and all(len(word) < 4 for word in small)
        and 2 * len(loud) <= sum(len(word) >= 4 for word in letters)
        and _ENDS_A_SENTENCE.search(text) is None
    )


def held(text: str) -> str:
    """A text of a row as it may be stored: itself, or `name#<hash8>` for a sentence and for what holds a secret."""
    return _held(text) if len(text) <= _SHORT else _held.__wrapped__(text)


@lru_cache(maxsize=20_000)
def _held(text: str) -> str:
    if NAME.match(text):
        return hashed(text) if holds_secret(text) else text
    return hashed(text) if is_text(text) or holds_secret(text) else printable(text)


def options(mapping: dict[str, Any], allowed: Collection[str] = OPTION_KEYS) -> dict[str, Any]:
    """The `allowed` option keys of `mapping` with plain scalar values; everything else is dropped."""
    kept: dict[str, Any] = {}
    for key, value in mapping.items():
        if key not in allowed or value is None:
            continue
        if isinstance(value, bool | int | float):
            kept[key] = value
        elif isinstance(value, str):
            kept[key] = name(value)
    return kept


def value(text: Any, key: str = "") -> str:
    """`text` made safe to store and show: secrets replaced, control characters escaped, cut to 120.

    Of more than five words or markup only the length is shown: a cell that should be a number or a name holds text.
    """
    raw = str(text)
    if _SECRET_KEY.search(key) and key not in _COUNT_KEYS:
        return "[redacted]"
    hidden = _SECRET_VALUE.sub("[redacted]", raw[:_SEARCHED])
    if len(hidden.split(None, _MOST_WORDS_OF_A_VALUE)) > _MOST_WORDS_OF_A_VALUE or _TAG.search(hidden):
        return f"[text of {len(raw)} characters]"
    return printable(hidden)[:120]


def sentence(text: str) -> str:
    """One of our own sentences that quotes an artifact: secrets replaced, control characters escaped, cut to 400."""
    return printable(_SECRET_VALUE.sub("[redacted]", text[:_SEARCHED]))[:400]


def listing(text: str, *, width: int = 400) -> list[str]:
    """The lines of a text that others wrote (a traceback), as `sentence` shows one; a private key goes to the end."""
    hidden = _SECRET_VALUE.sub("[redacted]", text[-_MOST_OF_A_LISTING:])
    return [printable(line)[:width] for line in hidden.splitlines()]


def printable(text: str) -> str:
    """`text` on one line, with control, bidirectional and undecodable characters as escapes."""
    if text.isprintable():  # false for every category below
        return text
    out = []
    for char in text:
        category = unicodedata.category(char)
        if category in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
            out.append(char.encode("unicode_escape", "surrogatepass").decode("ascii"))
        else:
            out.append(char)
    return "".join(out)


_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,400}(?:\x07|\x1b\\)|[@-Z\\-_])")


def as_seen(text: str) -> str:
    """`text` of many lines as a reader sees it: without terminal sequences and characters that have no width.

    They hide in a number what a reader reads as one: nothing is left out that can be seen, and no line is added.
    """
    kept = []
    for char in _TERMINAL.sub("", text):
        category = unicodedata.category(char) if char not in "\n\r\t" else ""
        if category in {"Zl", "Zp", "Cc"}:
            kept.append(" ")
        elif category not in {"Cf", "Cs"}:
            kept.append(char)
    return "".join(kept)


_ERROR_KINDS = (
    ("context_exceeded", ("context size", "context length", "exceeds the context", "n_ctx", "prompt is too long")),
    ("timeout", ("timed out", "timeout", "deadline")),
    (
        "connection",
        ("connect", "unreachable", "refused", "address is not valid", "protocol", "resolve"),
    ),
    ("encoding", ("codec", "encode", "decode", "unicode")),
    ("memory", ("out of memory", "oom", "cuda error", "alloc")),
    ("not_found", ("not found", "404", "no such")),
    ("rate_limited", ("429", "rate limit", "quota")),
    ("server_error", ("500", "502", "503", "internal server")),
    (
        "missing_dependency",
        ("not installed", "no module", "cannot find", "not available", "unavailable"),
    ),
)


def error_kind(text: Any) -> str | None:
    """The closed kind of an error message (timeout, connection, encoding, ..., other); None for blank."""
    raw = str(text).strip().lower() if text is not None else ""
    if not raw:
        return None
    for kind, needles in _ERROR_KINDS:
        if any(needle in raw for needle in needles):
            return kind
    return "other"
