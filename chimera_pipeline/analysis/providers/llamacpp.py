"""A model inside this process, through xllamacpp (llama.cpp). Any GGUF file works.

llama.cpp's server object insists on an address to listen on: it gets a Unix socket in a folder that only this
user can enter, so that no port is opened. Requests do not go through it.
"""

from __future__ import annotations

import importlib.util
import os
import queue
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chimera_pipeline.analysis.providers import embedded
from chimera_pipeline.analysis.providers.grammar import gbnf
from chimera_pipeline.analysis.providers.numbers import count, seconds
from chimera_pipeline.analysis.providers.protocol import (
    Clock,
    Deadlines,
    Failure,
    Message,
    ModelError,
    ModelInfo,
    ModelReply,
    Options,
    Schema,
)

_END = object()
_GPUS = ("GGML_BACKEND_DEVICE_TYPE_GPU", "GGML_BACKEND_DEVICE_TYPE_IGPU")


def available() -> bool:
    """Whether xllamacpp is installed; it is not imported."""
    return importlib.util.find_spec("xllamacpp") is not None


@dataclass(slots=True)
class _Answer:
    """What the chunks of one answer add up to."""

    pieces: list[str] = field(default_factory=list)
    finish: str | None = None
    usage: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, Any] = field(default_factory=dict)
    size_bytes: int = 0

    def add(self, chunk: dict[str, Any]) -> bool:
        """Take one chunk in; True where it carried text."""
        if error := chunk.get("error"):
            raise _refused(error)
        self.usage = chunk.get("usage") or self.usage
        self.timings = chunk.get("timings") or self.timings
        text = ""
        for choice in chunk.get("choices") or ():
            text += choice.get("delta", {}).get("content") or ""
            self.finish = choice.get("finish_reason") or self.finish
        self.pieces.append(text)
        self.size_bytes += len(text.encode("utf-8", "surrogatepass"))
        return bool(text)


class LlamaCpp:
    """A GGUF file as a provider: loaded at the first call, and again where num_ctx or num_gpu differ."""

    def __init__(
        self,
        path: Path,
        *,
        name: str | None = None,
        digest: str | None = None,
        quantization: str | None = None,
        threads: int | None = None,
    ) -> None:
        self._path = path
        self._name = name or path.stem
        self._digest = digest
        self._quantization = quantization
        # Half of the cores: llama.cpp's threads wait for one another by spinning, so that on a busy machine a
        # thread too many costs far more than one too few (measured: docs/adr/0004-embedded-model.md).
        self._threads = threads or max(1, min(8, (os.cpu_count() or 1) // 2))
        self._server: Any = None
        self._loaded: tuple[int, int] | None = None
        self._remove_folder: Callable[[], object] = lambda: None
        self._device: str | None = None

    def describe(self) -> ModelInfo:
        """Name, sha256 of the file, and the device once the model is loaded. Raises ModelError."""
        if self._digest is None:
            try:
                self._digest = embedded.file_sha256(self._path)
            except OSError as error:
                raise ModelError(Failure.LOAD_FAILED, f"cannot read the model file: {error.strerror}") from error
        share = None if self._device is None else float(self._device != "cpu")
        return ModelInfo(
            "llamacpp",
            self._name,
            f"sha256:{self._digest}",
            self._device,
            share,
            quantization=self._quantization,
        )

    def chat(
        self, messages: Sequence[Message], schema: Schema | None, options: Options, deadlines: Deadlines
    ) -> ModelReply:
        """One answer; the schema travels as a grammar. Raises ModelError."""
        clock = Clock(deadlines)
        load_s = self._ensure(options)
        clock.connected()
        request = self._request(messages, schema, options)
        answer, ttft_s = self._run(request, clock, deadlines)
        return ModelReply(
            text="".join(answer.pieces),
            model=self._name,
            done=answer.finish is not None,
            done_reason=answer.finish,
            ttft_s=ttft_s,
            total_s=clock.elapsed,
            prompt_tokens=count(answer.usage.get("prompt_tokens")),
            output_tokens=count(answer.usage.get("completion_tokens")),
            load_s=load_s,
            prompt_eval_s=seconds(answer.timings.get("prompt_ms"), 1e3),
            eval_s=seconds(answer.timings.get("predicted_ms"), 1e3),
        )

    def unload(self) -> bool:
        """Free the model; the next call loads it again."""
        self.close()
        return True

    def close(self) -> None:
        """Free the model and its socket."""
        self._server = None
        self._loaded = None
        self._remove_folder()

    def _request(self, messages: Sequence[Message], schema: Schema | None, options: Options) -> dict[str, Any]:
        request: dict[str, Any] = {
            "messages": [{"role": item.role, "content": item.content} for item in messages],
            "max_tokens": options.num_predict,
            "seed": options.seed,
            "temperature": options.temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
            "cache_prompt": False,
        }
        for key in ("top_p", "top_k", "repeat_penalty"):
            if (value := getattr(options, key)) is not None:
                request[key] = value
        if schema is not None:
            request["grammar"] = gbnf(schema)
        return request

    def _ensure(self, options: Options) -> float:
        """Load the model for these options; returns the seconds it took, 0 where it was loaded already."""
        wanted = (options.num_ctx, options.num_gpu or 0)
        if self._loaded == wanted:
            return 0.0
        start = time.perf_counter()
        self.close()
        try:
            import xllamacpp
        except ImportError as error:
            raise ModelError(
                Failure.LOAD_FAILED, "xllamacpp is not installed: pip install 'chimera-pipeline[llamacpp]'"
            ) from error
        folder = tempfile.mkdtemp(prefix="chimera-")
        # Also where nobody closes: when this object goes, or when the process ends.
        self._remove_folder = weakref.finalize(self, shutil.rmtree, folder, True)
        layers = wanted[1] if _sees_gpu(xllamacpp.get_device_info()) else 0
        params = xllamacpp.CommonParams()
        params.model.path = str(self._path)
        params.n_ctx = options.num_ctx
        params.n_gpu_layers = layers
        params.n_parallel = 1
        params.cpuparams.n_threads = self._threads
        params.cpuparams_batch.n_threads = self._threads
        params.hostnames = [str(Path(folder) / "llama.sock")]
        params.fit_params = False
        params.ctx_shift = False
        params.warmup = False
        params.ui = False
        params.endpoint_slots = False
        params.cache_ram_mib = 0
        params.verbosity = -1
        params.offline = True
        try:
            self._server = xllamacpp.Server(params)
        except (RuntimeError, ValueError, OSError) as error:
            self.close()
            raise ModelError(
                Failure.LOAD_FAILED,
                f"{self._path.name} could not be loaded as a GGUF model with num_ctx {options.num_ctx}",
                detail=str(error)[:200],
            ) from error
        self._loaded = wanted
        self._device = "gpu" if layers else "cpu"
        return time.perf_counter() - start

    def _run(self, request: dict[str, Any], clock: Clock, deadlines: Deadlines) -> tuple[_Answer, float | None]:
        chunks: queue.SimpleQueue[Any] = queue.SimpleQueue()
        stop = threading.Event()

        def receive(chunk: Any) -> bool:
            chunks.put(chunk)
            return stop.is_set()

        def work() -> None:
            try:
                server.handle_chat_completions(request, receive)
            except (RuntimeError, ValueError) as error:
                chunks.put(ModelError(Failure.BAD_REQUEST, "llama.cpp refused the request", detail=str(error)))
            finally:
                chunks.put(_END)

        server = self._server
        # No daemon: a thread inside llama.cpp while the interpreter shuts down crashes the process. After a
        # deadline it ends by itself, at the first token at the latest.
        threading.Thread(target=work, name="llamacpp").start()
        answer, ttft_s = _Answer(), None
        try:
            while (chunk := _next(chunks, clock)) is not _END:
                if isinstance(chunk, ModelError):
                    raise chunk
                if answer.add(chunk):
                    ttft_s = clock.elapsed if ttft_s is None else ttft_s
                    clock.token()
                if answer.size_bytes > deadlines.max_bytes:
                    raise ModelError(Failure.TOO_LARGE, f"the answer is larger than {deadlines.max_bytes} bytes")
        except ModelError:
            self.close()  # the worker may still be inside: it keeps the old server until it returns
            raise
        finally:
            stop.set()
        return answer, ttft_s


def _sees_gpu(devices: Iterable[Mapping[str, Any]]) -> bool:
    """Whether llama.cpp lists a GPU; the text of its device types is their number, so their names are compared."""
    return any(device["type"].name in _GPUS for device in devices)


def _next(chunks: queue.SimpleQueue[Any], clock: Clock) -> Any:
    try:
        return chunks.get(timeout=clock.remaining())
    except queue.Empty:
        raise clock.expired() from None


def _refused(error: dict[str, Any]) -> ModelError:
    if error.get("type") == "exceed_context_size_error":
        asked, room = count(error.get("n_prompt_tokens")), count(error.get("n_ctx"))
        return ModelError(Failure.CONTEXT_EXCEEDED, f"the prompt has {asked} tokens, num_ctx is {room}")
    return ModelError(Failure.BAD_REQUEST, "llama.cpp refused the request", detail=str(error.get("message"))[:200])
