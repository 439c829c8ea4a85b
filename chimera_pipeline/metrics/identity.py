"""Each measurement once: exact copies by hash, twins by their numbers and times as printed, subset files.

In: the files of the store. Out: some of them set aside with the path they repeat; a twin's extra fields move to the
rows that stay, with the path each came from.
"""

from __future__ import annotations

from collections.abc import Iterable

from chimera_pipeline.errors import Reason
from chimera_pipeline.metrics import subsets, twins
from chimera_pipeline.metrics.files import Card, Files
from chimera_pipeline.records import ArtifactStatus


def settle_identity(files: Files) -> None:
    """Set copies, twins and subsets aside, and lend models to requests that name none."""
    _set_copies_aside(files.cards)
    _lend_models(files.cards)
    twins.merge_twins(files)
    subsets.set_subsets_aside(files)


def _set_copies_aside(cards: Iterable[Card]) -> None:
    """Of files with the same bytes the first by path stays; empty files are no copies of each other."""
    first: dict[str, Card] = {}
    for card in cards:
        sha256 = card.artifact.sha256
        if sha256 is None or card.artifact.size_bytes == 0:
            continue
        kept = first.setdefault(sha256, card)
        if kept is not card:
            detail = f"same bytes as {kept.path}"
            card.set_aside(ArtifactStatus.DUPLICATE, Reason.EXACT_COPY, detail, kept.path)


def _lend_models(cards: Iterable[Card]) -> None:
    """Requests without a model take it from the neighbour whose name they extend, and say so.

    `x_270m_sweep.csv` extends `x_270m_baseline.json` (its name without the last `_word`), and so does
    `profile_export.jsonl` the summary `profile_export_aiperf.json` of its run; the longest such neighbour in the same
    folder counts, and only where it states exactly one model.
    """
    heads: dict[tuple[str, str], tuple[str, str]] = {}
    for card in cards:
        folder, stem = _split(card.path)
        head = stem.rpartition("_")[0]
        if head and card.model is not None and card.status is not ArtifactStatus.SKIPPED:
            heads.setdefault((folder, head), (card.model, card.path))
    for card in cards:
        folder, stem = _split(card.path)
        words = stem.split("_") if card.nameless else []
        for length in range(len(words), 0, -1):
            lender = heads.get((folder, "_".join(words[:length])))
            if lender and lender[1] != card.path:
                card.lent = lender
                break


def _split(path: str) -> tuple[str, str]:
    folder, _, name = path.rpartition("/")
    return folder, name.rpartition(".")[0] or name
