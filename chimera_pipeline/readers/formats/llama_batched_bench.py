"""llama-batched-bench --output-format jsonl: an object a batch size with pp, tg, pl, t_pp, speed_pp, t_tg,
speed_tg, t, speed. Markdown tables are read by `pasted_output`.

Speeds are tokens per second over all sequences of the batch, each measured once.
"""

from __future__ import annotations

from chimera_pipeline.errors import ArtifactError
from chimera_pipeline.readers.document import Document
from chimera_pipeline.readers.pasted_llama import add_batch
from chimera_pipeline.readers.reader import Reader, Signs
from chimera_pipeline.readers.tool_records import WRAPPERS, Record, at, objects, refuse
from chimera_pipeline.records import Reading

_KEYS = {"pp", "tg", "speed_pp", "speed_tg"}
_RENAMED = {"pl": "b", "speed_pp": "s_pp t/s", "speed_tg": "s_tg t/s", "speed": "s t/s"}
_OPTIONS = ("n_kv_max", "n_batch", "n_ubatch", "flash_attn", "n_gpu_layers", "n_threads", "is_pp_shared")


def _records(document: Document) -> list[tuple[str, Record]]:
    return objects(document, lambda record: record.keys() >= _KEYS, '"speed_tg"')


def matches(document: Document) -> bool:
    """Objects with pp, tg and their speeds."""
    return bool(_records(document))


def read(document: Document) -> Reading:
    """Rows of `throughputs`; an object is one record."""
    reading = Reading(kind="llama_batched_bench", tool="llama-batched-bench")
    for locator, record in _records(document):
        renamed = {_RENAMED.get(key, key): value for key, value in record.items()}
        settings = {key: record[key] for key in _OPTIONS if key in record}
        try:
            add_batch(reading, at(locator, "speed"), renamed, settings, None, True)
        except ArtifactError as refused:
            refuse(reading, refused, locator)
    return reading


READER = Reader(
    "llama-batched-bench", 1, matches, read, signs=Signs(keys=("speed_tg", *WRAPPERS), words=('"speed_tg"',))
)
