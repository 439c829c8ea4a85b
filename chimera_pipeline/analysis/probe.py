"""What a model has earned: one fixed menu in three orders, asked once for each model digest.

A model that picks the same statement wherever it stands reads what it is shown. One whose pick moves with the
order follows position, and may only decide between statements that code ranks as equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chimera_pipeline.analysis import verify
from chimera_pipeline.analysis.calls import Caller
from chimera_pipeline.analysis.model import Probe
from chimera_pipeline.analysis.prompt import CONTROL_HINT, control
from chimera_pipeline.analysis.providers import embedded
from chimera_pipeline.analysis.providers.protocol import Message
from chimera_pipeline.analysis.schema import Question, slots_schema, words, worst_tokens
from chimera_pipeline.analysis.verify import Violation

VERSION = 1
STATEMENTS = (
    "Decode throughput of E1 fell by a third since the last period, in five runs out of five.",
    "The folder holds csv files.",
    "Mean decode throughput of E2 is unchanged.",
    "Load time of E3 was recorded once.",
    "E4 has a name in lower case.",
    "Two files have the same length.",
)
ORDERS = ((0, 1, 2, 3, 4, 5), (3, 4, 0, 5, 2, 1), (5, 2, 4, 1, 3, 0))
"""No statement stands in the same place twice."""


_GEMMA = f"sha256:{embedded.GEMMA.sha256}"
MEASURED = {_GEMMA: Probe(_GEMMA, "position", (0, 0, 0), ("P1", "P4", "P6"))}
"""Results that travel with the package; a test measures them again."""


def probe(caller: Caller) -> Probe:
    """Ask three times. A refused answer counts as position. Raises ModelError."""
    places: list[int] = []
    for number, order in enumerate(ORDERS):
        place = _pick(caller, order, number)
        if place is None:
            return Probe(caller.info.digest, "invalid", tuple(places))
        places.append(place)
    picked = tuple(order[place] for order, place in zip(ORDERS, places, strict=True))
    names = tuple(f"P{index + 1}" for index in picked)
    verdict = "content" if len(set(picked)) == 1 else "position" if len(set(places)) == 1 else "mixed"
    return Probe(caller.info.digest, verdict, tuple(places), names)


def _pick(caller: Caller, order: tuple[int, ...], number: int) -> int | None:
    ids = tuple(f"S{place + 1}" for place in range(len(order)))
    word, choices = words(caller.profile.seed, 100 + number)
    question = Question("headline", "headline", ids, optional=False)
    schema = slots_schema([question], choices)
    lines = ["True statements:"]
    lines += [f"{short}: {STATEMENTS[index]}" for short, index in zip(ids, order, strict=True)]
    lines += [
        "Answer with one JSON object.",
        CONTROL_HINT,
        f'"headline": the most important of {" ".join(ids)}',
    ]
    messages = [
        Message("system", f"{control(word)}\nYou are a performance engineer who reads benchmark results."),
        Message("user", "\n".join(lines)),
    ]
    options = caller.profile.options(worst_tokens(schema), temperature=0.0)
    reply = caller.ask(messages, schema, options)
    answer = verify.slots(reply.text, [question], word)
    if verify.refused(reply, options, 1) or isinstance(answer, Violation):
        return None
    return ids.index(answer[0].id)


def known(digest: str | None, stored: Probe | None) -> Probe | None:
    """The result for this digest: the stored one, or the one measured when the embedded model was pinned."""
    if stored is not None and stored.digest == digest:
        return stored
    return MEASURED.get(digest or "")


def key(digest: str | None, name: str) -> str:
    """Under which key a result is kept: the digest, or the name where the provider states none."""
    return f"v{VERSION}:{digest or name}"


def to_json(result: Probe) -> dict[str, Any]:
    """A probe as a small JSON object for the caller's store."""
    return {
        "digest": result.digest,
        "verdict": result.verdict,
        "places": list(result.places),
        "picks": list(result.picks),
    }


def from_json(value: Mapping[str, Any]) -> Probe | None:
    """A stored probe; None where it is not one."""
    try:
        return Probe(value["digest"], str(value["verdict"]), tuple(value["places"]), tuple(value["picks"]))
    except (KeyError, TypeError):
        return None
