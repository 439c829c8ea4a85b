"""What llama.cpp's bench tools call things: the case of a test, the quantization in a model type, options.

In: cells or fields of llama-bench and llama-batched-bench. Out: names and configs that agree between json,
csv and markdown.
"""

from __future__ import annotations

import re
from typing import Any

from chimera_pipeline.readers.fields import config
from chimera_pipeline.readers.names import plain, quantization

_TEST = re.compile(r"(?:pp ?(\d+))?(?: ?\+ ?)?(?:tg ?(\d+))?(?: ?@ ?d ?(\d+))?\Z")
_SIZES = {"small": "S", "medium": "M", "large": "L"}
_FTYPE = re.compile(
    r"((?:IQ[1-4]_\w+|T?Q[1-8]_\w+|BF16|F16|F32|MXFP4|NVFP4)(?: mix| MoE)?)"
    r"(?: - ([\w.]+)(?: bpw.*)?)?(?: \(guessed\))?\Z"
)
_FLAG = re.compile(r" (-ngl|-fa|-b|-ub|-t|-ctk|-ctv|-mmp|--mmap|-ncmoe) (\w+)(?= |$)")
_FLAGS = {
    "-ngl": "n_gpu_layers",
    "-fa": "flash_attn",
    "-b": "n_batch",
    "-ub": "n_ubatch",
    "-t": "n_threads",
    "-ctk": "type_k",
    "-ctv": "type_v",
    "-mmp": "use_mmap",
    "--mmap": "use_mmap",
    "-ncmoe": "n_cpu_moe",
}
COLUMNS = {
    "ngl": "n_gpu_layers",
    "threads": "n_threads",
    "n_threads": "n_threads",
    "n_batch": "n_batch",
    "n_ubatch": "n_ubatch",
    "type_k": "type_k",
    "type_v": "type_v",
    "fa": "flash_attn",
    "sm": "split_mode",
    "lm": "load_mode",
    "nopo": "no_op_offload",
    "noh": "no_host",
    "rpk": "repack",
    "main_gpu": "main_gpu",
    "lazy_mode": "lazy_mode",
    "mg": "main_gpu",
    "nkvo": "no_kv_offload",
    "mmap": "use_mmap",
    "embd": "embeddings",
    "ncmoe": "n_cpu_moe",
    "n_cpu_moe": "n_cpu_moe",
    "dev": "devices",
    "ts": "tensor_split",
    "backend": "backend",
}
"""Column of a markdown table -> field of the json."""


def case_name(prompt: int, generated: int, depth: int = 0) -> str:
    """pp512, tg128, pp512+tg128, each with the context depth: pp512@d4096."""
    parts = ([f"pp{prompt}"] if prompt else []) + ([f"tg{generated}"] if generated else [])
    return ("+".join(parts) or "none") + (f"@d{depth}" if depth else "")


def parse_test(text: str) -> tuple[int, int, int] | None:
    """(prompt, generated, depth) of a cell like "pp512", "pp 512", "tg128 @ d4096"; None where it is none."""
    match = _TEST.match(text.strip())
    if match is None or not (match.group(1) or match.group(2)):
        return None
    prompt, generated, depth = (int(group or 0) for group in match.groups())
    return prompt, generated, depth


def model_of(model_type: Any) -> str | None:
    """The model type as a name; an unknown size ("?B") is left out."""
    return plain(str(model_type).replace("?B ", "")) if model_type else None


def quantization_of(model_type: Any, filename: Any = None) -> str | None:
    """The quantization: of the file name where it has a tag (UD-Q4_K_XL), else of the model type (Q4_K_M)."""
    if tag := quantization(file_stem(filename)):
        return tag
    match = _FTYPE.search(str(model_type or ""))
    if match is None:
        return None
    base, size = match.group(1), (match.group(2) or "").lower()
    if base.endswith(" mix"):
        return base.removesuffix(" mix").removesuffix("_S") + "_M"
    return f"{base.removesuffix(' MoE')}_{_SIZES[size]}" if size in _SIZES else base.removesuffix(" MoE")


def backend_of(text: Any) -> str | None:
    """The backends as one name: "Vulkan,RPC" -> "Vulkan+RPC"."""
    return plain(str(text).replace(",", "+")) if text else None


def command_options(line: str) -> dict[str, Any]:
    """Options on a llama-bench command line; of RPC servers only how many."""
    found: dict[str, Any] = {_FLAGS[flag]: value for flag, value in _FLAG.findall(line)}
    if rpc := re.search(r"--rpc[ =](\S+)", line):
        found["rpc_servers"] = rpc.group(1).count(",") + 1
    if hipblaslt := re.search(r"ROCBLAS_USE_HIPBLASLT=(\d)", line):
        found["hipblaslt"] = hipblaslt.group(1)
    return found


def file_stem(filename: Any) -> str | None:
    """The model file without folders, shard number and suffix."""
    if not filename:
        return None
    name = re.split(r"[/\\]", str(filename).strip())[-1]
    return plain(re.sub(r"(-\d{5}-of-\d{5})?(\.gguf)?\Z", "", name))


def options(fields: dict[str, Any]) -> dict[str, Any]:
    """Allow-listed options; booleans become 0 and 1, as csv and markdown write them, and texts numbers."""
    plainer = {key: _plain_value(value) for key, value in fields.items()}
    return config({key: value for key, value in plainer.items() if value != ""})


def _plain_value(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.lower() in ("true", "false"):
        return int(text.lower() == "true")
    return float(text) if re.fullmatch(r"-?\d{1,18}(\.\d{1,18})?", text) else text
