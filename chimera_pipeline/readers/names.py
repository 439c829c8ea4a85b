"""Names out of files: models, devices and quantizations as people write them, and Go durations.

In: text as a tool printed it. Out: a plain name (redact.name) or None; no name is made up.
"""

from __future__ import annotations

import re
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.units import canonical

_QUANT = re.compile(
    r"(?:^|[-_./ ])("
    r"(?:UD-)?(?:IQ[1-4]_(?:XXS|XS|NL|S|M)|T?Q[1-8]_(?:K_(?:XXL|XL|[SML])|K|[01]))"
    r"|BF16|F16|F32|FP16|FP8|FP4|NVFP4|MXFP4|AWQ|GPTQ|EXL[23]|INT8|INT4|W8A8|W8A16|W4A16|W4A8|[48]BIT"
    r")(?=$|[-_./ ])",
    re.IGNORECASE,
)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|µs|μs|us|ns|m|s)")
_GO_UNITS = {"h": "hour", "m": "minute"}


def plain(text: Any) -> str | None:
    """A name without the signs that names may not have: "Intel(R) Core(TM) i9" -> "Intel_Core_i9"."""
    if text is None or not str(text).strip():
        return None
    if redact.is_text(str(text)) or redact.holds_secret(str(text)):
        return redact.hashed(str(text))
    cleaned = re.sub(r"\((?:R|TM|C)\)", "", str(text), flags=re.IGNORECASE)
    cleaned = re.sub(r"[^A-Za-z0-9._:/@+-]+", "_", cleaned).strip("_")
    cleaned = re.sub(r"^[^A-Za-z0-9]+", "", cleaned)[:128]
    return redact.name(cleaned) if cleaned else redact.name(text)


def model_name(text: Any) -> str | None:
    """A model as people name it: of a local path only its last part."""
    if not isinstance(text, str) or not text.strip():
        return None
    name = text.strip()
    if name[:1] in "/.~\\" or re.match(r"[A-Za-z]:\\", name):
        parts = [part for part in re.split(r"[/\\]", name) if part]
        name = parts[-1] if parts else name
    return plain(name)


def hardware_name(text: Any) -> str | None:
    """One device name; equal devices of a list are counted: "A100, A100" -> "2xA100"."""
    parts = [part.strip() for part in str(text or "").split(",") if part.strip()]
    if len(parts) > 1 and len(set(parts)) == 1:
        return f"{len(parts)}x{plain(parts[0])}"
    return plain("+".join(parts))


def quantization(text: Any) -> str | None:
    """The quantization tag in a model or file name (Q4_K_M, FP8, AWQ); None where there is none."""
    found = _QUANT.findall(str(text or ""))
    return found[-1].upper() if found else None


def go_duration(text: str) -> float | None:
    """Seconds of a Go duration ("1m2.5s", "355.54528ms"); None where it is none."""
    text = text.strip()
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(canonical(float(number), _GO_UNITS.get(unit, unit)) for number, unit in parts)
