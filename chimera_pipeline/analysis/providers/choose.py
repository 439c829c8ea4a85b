"""Which provider serves a run, and why.

`auto`: Ollama if it answers and has the model, else llama.cpp inside the process, else none. The sentence
that comes with the choice says which and why; the report prints it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chimera_pipeline import redact
from chimera_pipeline.analysis.providers import embedded, llamacpp
from chimera_pipeline.analysis.providers.breaker import Circuits, Server, Watched
from chimera_pipeline.analysis.providers.ollama import FACTS_ONLY, Ollama
from chimera_pipeline.analysis.providers.openai import OpenAI
from chimera_pipeline.analysis.providers.protocol import Deadlines, ModelError, Provider
from chimera_pipeline.errors import UsageError

OLLAMA_DEFAULT_MODEL = "gemma3:latest"
LOOK = Deadlines(connect_s=1.0, first_token_s=3.0, idle_s=3.0, total_s=5.0)


@dataclass(frozen=True, slots=True)
class Where:
    """Where models may be found: addresses, hosts allowed beside loopback, key, model file, cache folder.

    Servers that are down are not asked again and again where there are `circuits`.
    """

    cache: Path
    ollama_host: str | None = None
    openai_url: str | None = None
    openai_key: str | None = None
    allowed_hosts: Sequence[str] = ()
    gguf: Path | None = None
    circuits: Circuits | None = None

    def watched(self, server: Server, address: str | None, model: str) -> Server:
        """`server` behind its circuit, where there are circuits."""
        return Watched(server, self.circuits.of(address or "", model)) if self.circuits else server


@dataclass(frozen=True, slots=True)
class Choice:
    """The provider, None where there is none, and a sentence that says which and why."""

    provider: Provider | None
    why: str


def choose(llm: str, model: str | None, where: Where) -> Choice:
    """The provider for `llm` (auto, ollama, llamacpp, openai, none). Raises UsageError for an unknown one.

    A provider that was asked for by name and cannot be used gives a Choice without one; it never falls back.
    """
    if llm == "none":
        return Choice(None, "no model was asked for")
    if llm == "ollama":
        return _ollama(model, where)
    if llm == "llamacpp":
        return _llamacpp(model, where)
    if llm == "openai":
        return _openai(model, where)
    if llm != "auto":
        raise UsageError(f"llm {llm!r} is not one of auto, ollama, llamacpp, openai, none")
    first = _ollama(model, where)
    if first.provider is not None:
        return first
    second = _llamacpp(None, where)
    why = first.why if second.provider is None else first.why.replace(FACTS_ONLY, "")
    return Choice(second.provider, f"{why}; {second.why}")


def _ollama(model: str | None, where: Where) -> Choice:
    try:
        name = model or OLLAMA_DEFAULT_MODEL
        server = Ollama(name, where.ollama_host, allowed_hosts=where.allowed_hosts)
        provider = where.watched(server, where.ollama_host, name)
        info = provider.describe(LOOK)
    except ModelError as error:
        return Choice(None, str(error))
    return Choice(provider, f"Ollama at {info.endpoint} serves {redact.name(info.name)}")


def _llamacpp(model: str | None, where: Where) -> Choice:
    if not llamacpp.available():
        return Choice(None, "no model inside the process: pip install 'chimera-pipeline[llamacpp]'")
    path = where.gguf or (Path(model) if model and model.endswith(".gguf") else None)
    if path is not None:
        if not path.is_file():
            return Choice(None, f"model file {path.name} does not exist")
        return Choice(llamacpp.LlamaCpp(path), f"llama.cpp inside the process runs {path.name}")
    by_name = {known.name: known for known in embedded.KNOWN}
    weights = by_name.get(model or "", embedded.DEFAULT)
    try:
        file = embedded.locate(where.cache, weights)
    except ModelError as error:
        return Choice(None, str(error))
    provider = llamacpp.LlamaCpp(file, name=weights.name, digest=weights.sha256, quantization=weights.quantization)
    other = f", in place of {redact.name(model)}" if model and model != weights.name else ""
    return Choice(provider, f"the embedded model {weights.name} runs inside the process{other}")


def _openai(model: str | None, where: Where) -> Choice:
    if not where.openai_url or not model:
        return Choice(None, "the provider openai needs a base URL and a model name")
    try:
        server = OpenAI(model, where.openai_url, key=where.openai_key, allowed_hosts=where.allowed_hosts)
        provider = where.watched(server, where.openai_url, model)
        info = provider.describe()
    except ModelError as error:
        return Choice(None, str(error))
    return Choice(provider, f"{info.endpoint} serves {redact.name(info.name)}")
